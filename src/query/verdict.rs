//! What is known of a row: all that decides whether it is shown, without reading the row again.

use crate::filter::Pass;
use crate::model::{Moment, Protocol};
use crate::query::{Query, Tab};
use crate::track::Row;

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether each view admits it, in the order of [`Tab::ALL`].
    pub tabs: [bool; 4],
    protocol: Protocol,
    /// Whether it is closed and has lingered long enough.
    pub is_over: bool,
    matches_filter: bool,
}

impl Verdict {
    /// Of a row that was not read yet.
    pub const UNKNOWN: Self = Self {
        tabs: [false; 4],
        protocol: Protocol::Tcp,
        is_over: true,
        matches_filter: false,
    };

    /// Of this row.
    pub fn of<'a>(row: &'a Row, query: &Query, filter: &mut Pass<'a>, now: Moment) -> Self {
        Self {
            tabs: Tab::ALL.map(|tab| tab.admits(row)),
            protocol: row.socket.protocol,
            is_over: query.is_over(row, now),
            matches_filter: filter.matches(row),
        }
    }

    /// Applies another filter.
    pub fn refilter<'a>(&mut self, row: &'a Row, filter: &mut Pass<'a>) {
        self.matches_filter = filter.matches(row);
    }

    /// Whether its protocol is wanted and the filter matches.
    pub const fn passes(self, query: &Query) -> bool {
        self.matches_filter && query.kinds.has(self.protocol)
    }

    /// Whether the row is one of those shown.
    pub const fn is_shown(self, query: &Query) -> bool {
        !self.is_over && self.tabs[query.tab as usize] && self.passes(query)
    }
}
