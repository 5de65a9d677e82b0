//! The other sockets of the processes that have the selected one, for the details.
//!
//! Computed once for each table and selection, as walking all rows for each draw is too slow.

mod view;

use std::sync::Arc;

use crate::app::{App, Pane};
use crate::model::Process;
use crate::track::{Row, RowId, Table};

/// The most processes of a socket to look at.
const MAX_PROCESSES: usize = 8;

/// The most sockets of each process to keep.
const MAX_SOCKETS: usize = 1000;

/// The related sockets of one row of one table.
#[derive(Clone, Debug)]
pub(crate) struct RelatedSockets {
    table: Arc<Table>,
    of: RowId,
    /// For each process of the row the rows of its other sockets.
    by_process: Vec<Vec<usize>>,
}

impl RelatedSockets {
    fn find(table: &Arc<Table>, row: &Row) -> Self {
        let processes = row.socket.owner.processes().iter().take(MAX_PROCESSES);
        let by_process = processes.map(|process| others(table, row, process));
        Self {
            table: Arc::clone(table),
            of: row.id,
            by_process: by_process.collect(),
        }
    }

    fn are_of(&self, table: &Arc<Table>, row: &Row) -> bool {
        Arc::ptr_eq(&self.table, table) && self.of == row.id
    }
}

/// The rows of the process's open sockets other than this one.
fn others(table: &Table, row: &Row, process: &Process) -> Vec<usize> {
    let has = |other: &Row| other.socket.owner.has(process);
    let rows = table.rows.iter().enumerate();
    rows.filter(|(_, other)| other.id != row.id && has(other) && !other.is_closed())
        .map(|(at, _)| at)
        .take(MAX_SOCKETS)
        .collect()
}

impl App {
    /// Finds the related sockets of the selected row, if they are visible and not known yet.
    pub(crate) fn refresh_related_sockets(&mut self) {
        let is_open = matches!(self.dock.pane, Some(Pane::Details));
        let selected = self.selected().filter(|_| is_open);
        let is_known = |row: &&Row| {
            let known = self.dock.related.as_ref();
            known.is_some_and(|known| known.are_of(&self.rows.table, row))
        };
        match selected {
            None => self.dock.related = None,
            Some(row) if is_known(&row) => {}
            Some(row) => self.dock.related = Some(RelatedSockets::find(&self.rows.table, row)),
        }
    }

    /// For each process of the selected row its other sockets, in the order of the processes.
    pub(crate) fn related_sockets(&self) -> impl Iterator<Item = Vec<&Row>> {
        self.dock.related.iter().flat_map(|all| {
            let row = |&at: &usize| &*all.table.rows[at];
            let by_process = all.by_process.iter();
            by_process.map(move |rows| rows.iter().map(row).collect())
        })
    }
}
