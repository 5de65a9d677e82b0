//! The settings of the live table, and the file that a user writes them into: TOML, one key for each.
//!
//! What counts is the command line, then the environment, then the file, then the default; the command
//! line puts itself over a [`Config`]. A file is taken whole or not at all: what is wrong with it is told
//! line by line, each with its key. Pure, but for [`read`] and what finds the file. The file decides what
//! is shown and nothing else: no key starts a program, names a file or touches a process.

pub mod duration;
mod fault;
mod file;
mod key;
mod parse;
mod value;

use std::time::Duration;

pub use fault::Fault;
pub use file::{ConfigError, MAX_BYTES, default_path, read, read_if_there};
pub use key::keys;
pub use parse::parse;

use crate::app::{Sort, Tab};
use crate::columns::{self, ColumnId};
use crate::filter::{Filter, FilterError};
use crate::model::Family;

/// Every key with its default and what it means, to begin a file with. All of it is comment.
pub const DEFAULT_FILE: &str = include_str!("../../assets/config.toml");

/// What a user may set.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own for the user"
)]
pub struct Config {
    /// Time from one reading to the next.
    pub interval: Duration,
    /// For how long closed rows stay.
    pub linger: Duration,
    /// For how long opened and changed rows are marked.
    pub highlight: Duration,
    /// The view to begin with.
    pub view: Tab,
    /// Whether TCP is shown.
    pub tcp: bool,
    /// Whether UDP is shown.
    pub udp: bool,
    /// The only family that is shown, if it is one.
    pub family: Option<Family>,
    /// The filter to begin with.
    pub filter: Filter,
    /// The columns that are shown, in their order. Those that no terminal is too narrow for are always
    /// among them.
    pub columns: Vec<ColumnId>,
    /// In which order rows stand.
    pub sort: Sort,
    /// Whether what readings cost is shown from the start.
    pub stats: bool,
    /// Whether there are colours where the environment takes them.
    pub color: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            linger: Duration::from_secs(5),
            highlight: Duration::from_secs(5),
            view: Tab::Listening,
            tcp: true,
            udp: true,
            family: None,
            filter: Filter::default(),
            columns: columns::ALL.iter().map(|column| column.id).collect(),
            sort: Sort::BY_PORT,
            stats: false,
            color: true,
        }
    }
}

impl Config {
    /// The filter, narrowed to the family that is shown.
    ///
    /// # Errors
    /// The two together are longer than a filter may be.
    pub fn narrowed_filter(&self) -> Result<Filter, FilterError> {
        let family = match self.family {
            Some(Family::Ipv4) => "(tcp4 | udp4)",
            Some(Family::Ipv6) => "(tcp6 | udp6)",
            None => return Ok(self.filter.clone()),
        };
        if self.filter.is_empty() {
            return Filter::parse(family);
        }
        Filter::parse(&format!("{family} ({})", self.filter))
    }

    /// These settings as a file that says all of them.
    pub fn to_toml(&self) -> String {
        key::print(self)
    }
}
