//! What the program finds around itself when it starts.

use crate::app::Size;
use crate::model::Lineage;
use crate::theme::{Depth, Glyphs};

/// Where the program runs, and as whom.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Name of this host, for the header, or what else the table comes from.
    pub host: String,
    /// Whether the table is a recording, so that nothing can be done about what it shows.
    pub is_recording: bool,
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
