//! What was found of a row: all that decides whether it is shown, so that the row itself need not
//! be looked at again.

use crate::filter::Pass;
use crate::model::{Moment, Protocol};
use crate::query::{Criteria, Tab};
use crate::track::Row;

/// What was found of a row.
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
    /// Of a row that was not yet looked at.
    pub const NOT_YET: Self = Self {
        tabs: [false; 4],
        protocol: Protocol::Tcp,
        is_over: true,
        matches_filter: false,
    };

    /// Looks at a row, and asks the filter.
    pub fn of<'a>(row: &'a Row, criteria: &Criteria, filter: &mut Pass<'a>, now: Moment) -> Self {
        Self {
            tabs: Tab::ALL.map(|tab| tab.admits(row)),
            protocol: row.socket.protocol,
            is_over: criteria.is_over(row, now),
            matches_filter: filter.matches(row),
        }
    }

    /// Asks the filter alone.
    pub fn ask<'a>(&mut self, row: &'a Row, filter: &mut Pass<'a>) {
        self.matches_filter = filter.matches(row);
    }

    /// Whether its protocol is asked for and the filter matches.
    pub const fn passes(self, criteria: &Criteria) -> bool {
        self.matches_filter && criteria.shows(self.protocol)
    }

    /// Whether the row is one of those shown.
    pub const fn is_shown(self, criteria: &Criteria) -> bool {
        !self.is_over && self.tabs[criteria.tab as usize] && self.passes(criteria)
    }
}
