//! What the program finds around itself when it starts.

use crate::app::Size;
use crate::model::{Lineage, Origin};
use crate::theme::{Depth, Glyphs};

/// Where the program runs, and as whom.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Name of this host, for the header, or what else the table comes from.
    pub host: String,
    /// Where the table comes from, and what can be done there.
    pub origin: Origin,
    /// The user's own uid.
    pub uid: Option<u32>,
    /// This process and its ancestors.
    pub lineage: Lineage,
    /// Time zone in which the clock is read.
    pub time_zone: jiff::tz::TimeZone,
    /// Size of the terminal at the start.
    pub size: Size,
    /// How many colours the terminal shows.
    pub depth: Depth,
    /// Which characters the terminal shows.
    pub glyphs: Glyphs,
}
