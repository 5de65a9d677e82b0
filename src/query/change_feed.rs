//! The changes of rows that match a filter, one by one.
//!
//! The change by which a socket ceases to match is the last one reported of it. Time arrives with the tables.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Query, Selection, order};
use crate::model::{Moment, NamespaceScope};
use crate::track::{ChangeKind, Event, Mark, Row, RowId, Table, TableUpdate};

/// Follows one query from table to table.
#[derive(Debug)]
pub struct ChangeFeed {
    query: Query,
    selection: Selection,
    /// The rows that were reported and have not closed, or ceased to match, since.
    reported: HashSet<RowId>,
    has_begun: bool,
}

/// One thing to report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRecord {
    /// When it was seen.
    pub at: Moment,
    /// The change; `None` if the socket is just present.
    pub change: Option<ChangeKind>,
    /// The row as it was afterwards.
    pub row: Arc<Row>,
}

impl ChangeFeed {
    /// A feed for this query.
    pub fn new(query: Query) -> Self {
        Self {
            selection: Selection::new(query.clone()),
            query,
            reported: HashSet::new(),
            has_begun: false,
        }
    }

    /// Reports the rows of these namespaces from the next table on.
    pub fn set_namespaces(&mut self, namespaces: NamespaceScope) {
        if self.query.namespaces != namespaces {
            self.query.namespaces = namespaces;
            // Rows that were there before are read again.
            self.selection = Selection::new(self.query.clone());
        }
    }

    /// The report for a table. For the first: every matching row, in the query's order. Later: the changes, in the
    /// order in which they happened; then rows that newly match without a change (for example if an owner was found
    /// later): as opened if that was seen, or else as present.
    pub fn observe(&mut self, update: &TableUpdate) -> Vec<ChangeRecord> {
        let table = &*update.table;
        let mut records = Vec::new();
        if self.has_begun {
            for event in &update.events {
                records.extend(self.record(event, table));
            }
        }
        self.has_begun = true;
        let mut again = self
            .selection
            .update(&self.query, &update.table, table.taken_at);
        again.retain(|&at| self.selection.shows(at));
        for at in order::sorted(table, &again, self.query.sort) {
            let row = &table.rows[at];
            // A row without a change took the place of another just now: the next table decides whether that was a
            // change of owner or a second socket, and has the event.
            let has_event_later = !row.was_open_at_start && row.change.is_none();
            if !row.is_closed() && !has_event_later && self.reported.insert(row.id) {
                let change = row.change.as_ref();
                let opened = change.filter(|change| change.kind == ChangeKind::Opened);
                records.push(ChangeRecord {
                    at: opened.map_or(table.taken_at, |change| change.at),
                    change: opened.map(|change| change.kind.clone()),
                    row: Arc::clone(row),
                });
            }
        }
        records
    }

    /// The change, if its row matches now or was reported before. The conflicts of a row are known only of the whole
    /// table.
    fn record(&mut self, event: &Event, table: &Table) -> Option<ChangeRecord> {
        let id = event.row.id;
        let row = table.position(id).map(|at| &*table.rows[at]);
        let mut versions = [Some(&*event.row), row].into_iter().flatten();
        let matches_now = versions.any(|row| self.query.admits(row, table));
        let was_reported = self.reported.contains(&id);
        if matches_now && Mark::of(&event.change.kind) != Mark::Closed {
            self.reported.insert(id);
        } else {
            self.reported.remove(&id);
        }
        (matches_now || was_reported).then(|| ChangeRecord {
            at: event.change.at,
            change: Some(event.change.kind.clone()),
            row: Arc::clone(&event.row),
        })
    }
}

#[cfg(test)]
#[path = "tests/change_feed.rs"]
mod tests;
