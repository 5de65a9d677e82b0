//! Which changes a filter lets through, told one by one.
//!
//! The change by which a socket ceases to match is told too, and nothing of it after that. Time arrives
//! with the observations.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::Moment;
use crate::query::{Criteria, Query, Selection, order};
use crate::track::{ChangeKind, Event, Row, RowId, Table, TableUpdate};

/// Follows one filter through all that is observed.
#[derive(Debug)]
pub struct ChangeFeed {
    criteria: Criteria,
    selection: Selection,
    /// The rows that were told of and have not closed, or ceased to match, since.
    told: HashSet<RowId>,
    has_begun: bool,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRecord {
    /// When it was seen.
    pub at: Moment,
    /// What happened; `None`: nothing, the socket is there.
    pub change: Option<ChangeKind>,
    /// The row as it was afterwards.
    pub row: Arc<Row>,
}

impl ChangeFeed {
    /// Watches what is asked for.
    pub fn new(asked: Query) -> Self {
        let criteria = asked.criteria();
        Self {
            selection: Selection::new(criteria.clone()),
            criteria,
            told: HashSet::new(),
            has_begun: false,
        }
    }

    /// What is to be told of an observation. Of the first: every row that matches, in the order that
    /// was asked for. Afterwards the changes, in the order in which they happened; then rows that came
    /// to match without one (the owner of a socket that opened was found out later, say): as opened if
    /// they did open before our eyes, or else as being there.
    pub fn observe(&mut self, observation: &TableUpdate) -> Vec<ChangeRecord> {
        let table = &*observation.table;
        let mut all = Vec::new();
        if self.has_begun {
            for event in &observation.events {
                all.extend(self.changed(event, table));
            }
        }
        self.has_begun = true;
        let now = table.taken_at;
        for at in self.begin_to_match(observation) {
            let row = &table.rows[at];
            if !row.is_closed() && !is_to_be_told_of(row) && self.told.insert(row.id) {
                all.push(late(row, now));
            }
        }
        all
    }

    /// The rows that match, but for those that did so before; in the order that was asked for.
    fn begin_to_match(&mut self, observation: &TableUpdate) -> Vec<usize> {
        let table = &observation.table;
        let mut again = self.selection.update(&self.criteria, table, table.taken_at);
        again.retain(|&at| self.selection.shows(at));
        order::sorted(&table.rows, &again, self.criteria.sort)
    }

    /// The change, if it concerns a row that matches now or was told of before. What a row is in
    /// conflict with is known only of the whole table.
    fn changed(&mut self, event: &Event, table: &Table) -> Option<ChangeRecord> {
        let (id, now) = (event.row.id, table.taken_at);
        let at = table.position(id);
        let matches_now = self.criteria.admits(&event.row, now)
            || at.is_some_and(|at| self.criteria.admits(&table.rows[at], now));
        let was_told = self.told.contains(&id);
        if matches_now && event.change.kind != ChangeKind::Closed {
            self.told.insert(id);
        } else {
            self.told.remove(&id);
        }
        (matches_now || was_told).then(|| ChangeRecord {
            at: event.change.at,
            change: Some(event.change.kind.clone()),
            row: Arc::clone(&event.row),
        })
    }
}

/// Whether an event will say what the row is: it took the place of another just now, and the next
/// reading decides whether that was a change of owner or a second socket.
fn is_to_be_told_of(row: &Row) -> bool {
    !row.was_open_at_start && row.change.is_none()
}

/// A row that matches though nothing happened to it just now.
fn late(row: &Arc<Row>, now: Moment) -> ChangeRecord {
    let opened = row
        .change
        .as_ref()
        .filter(|change| change.kind == ChangeKind::Opened);
    ChangeRecord {
        at: opened.map_or(now, |change| change.at),
        change: opened.map(|change| change.kind.clone()),
        row: Arc::clone(row),
    }
}

#[cfg(test)]
#[path = "tests/change_feed.rs"]
mod tests;
