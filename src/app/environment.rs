//! The environment at the start of the program.

use crate::app::Size;
use crate::model::{Lineage, Origin};
use crate::theme::{Depth, Glyphs};

/// Where the program runs, and as whom.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Name of this host or of the recording, for the header.
    pub host: String,
    /// The origin of the table.
    pub origin: Origin,
    /// The user's own uid.
    pub uid: Option<u32>,
    /// This process and its ancestors.
    pub lineage: Lineage,
    /// Time zone of displayed times.
    pub time_zone: jiff::tz::TimeZone,
    /// Size of the terminal at the start.
    pub size: Size,
    /// How many colours the terminal supports.
    pub depth: Depth,
    /// Which characters the terminal supports.
    pub glyphs: Glyphs,
}
