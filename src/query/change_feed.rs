//! The changes of rows that match a filter, one by one.
//!
//! The change by which a socket ceases to match is the last one reported of it. Time arrives with the tables.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::selection::compare;
use super::{Query, order};
use crate::model::{BuildSpread, Moment, NamespaceScope};
use crate::track::{ChangeKind, Event, Mark, Row, RowId, Table, TableUpdate};

/// Follows one query from table to table.
#[derive(Debug)]
pub struct ChangeFeed {
    query: Query,
    /// The rows of the last table; `None` to read every row of the next one.
    rows: Option<Arc<Table>>,
    /// When, on the steady clock, time may let a row match that was not reported.
    due: HashMap<RowId, Duration, BuildSpread>,
    /// The rows that were reported and have not closed, or ceased to match, since.
    reported: HashSet<RowId, BuildSpread>,
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
            query,
            rows: None,
            due: HashMap::default(),
            reported: HashSet::default(),
            has_begun: false,
        }
    }

    /// Reports the rows of these namespaces from the next table on.
    pub fn set_namespaces(&mut self, namespaces: NamespaceScope) {
        if self.query.namespaces != namespaces {
            self.query.namespaces = namespaces;
            self.rows = None;
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
        let matching = self.newly_matching(&update.table);
        for at in order::sorted(table, &matching, self.query.sort) {
            let row = &table.rows[at];
            self.reported.insert(row.id);
            let change = row.change.as_ref();
            let opened = change.filter(|change| change.kind == ChangeKind::Opened);
            records.push(ChangeRecord {
                at: opened.map_or(table.taken_at, |change| change.at),
                change: opened.map(|change| change.kind.clone()),
                row: Arc::clone(row),
            });
        }
        records
    }

    /// The open rows that match and were not reported.
    fn newly_matching(&mut self, table: &Arc<Table>) -> Vec<usize> {
        let unread = self.unread_rows(table);
        // Numbers grow without a change of the row.
        let mut again = if self.query.needs_counters() {
            (0..table.rows.len()).collect()
        } else {
            unread
        };
        again.retain(|&at| {
            let row = &table.rows[at];
            // A row without a change took the place of another just now: the next table decides whether that was a
            // change of owner or a second socket, and has the event.
            let has_event_later = !row.was_open_at_start && row.change.is_none();
            !row.is_closed() && !has_event_later && !self.reported.contains(&row.id)
        });
        let now = table.taken_at;
        let mut pass = self.query.pass(now).with_flows(&table.flows);
        again.retain(|&at| {
            let row = &table.rows[at];
            let matches = self.query.admits_in_pass(row, &mut pass, now);
            if !matches {
                let due = self.query.next_due(row, &pass, now);
                self.due.extend(due.map(|time| (row.id, time)));
            }
            matches
        });
        again
    }

    /// The rows that are new or changed since the last table, and those of which time may have changed what is said, each
    /// once.
    fn unread_rows(&mut self, table: &Arc<Table>) -> Vec<usize> {
        let before = self.rows.replace(Arc::clone(table));
        let before = before.as_ref().map_or(&[][..], |before| &before.rows);
        let mut again = compare(before, &table.rows).1;
        let now = table.taken_at.steady;
        let due = self.due.extract_if(|_, time| *time <= now);
        again.extend(due.filter_map(|(id, _)| table.position(id)));
        if self.due.len() > table.rows.len() {
            self.due.retain(|id, _| table.position(*id).is_some());
        }
        again.sort_unstable();
        again.dedup();
        again
    }

    /// The change, if its row matches now or was reported before. The conflicts of a row are known only of the whole
    /// table.
    fn record(&mut self, event: &Event, table: &Table) -> Option<ChangeRecord> {
        let id = event.row.id;
        let matches_now = self.query.admits(&event.row, table) || {
            let row = table.row(id);
            row.is_some_and(|row| self.query.admits(row, table))
        };
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
