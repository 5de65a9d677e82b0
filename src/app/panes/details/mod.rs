//! Everything known about the selected socket: what a listener's connections amount to, or the other end of a connection;
//! then its owners, its own facts, its changes, and the sockets that belong to it.

mod end;
mod history;
mod owners;
mod peer;
mod published;
pub(crate) mod rates;
mod socket;
mod sockets;
pub(crate) mod summary;
pub(crate) mod traffic;

use std::sync::Arc;

use crate::app::view::{Click, Line, MAX_LINES, Role, span, wrapped};
use crate::app::{App, Pane};
use crate::columns::pad;
use crate::model::Moment;
use crate::track::{Event, Row, RowId, Table};
use summary::Summary;
use traffic::ProcessTraffic;

/// Cells of the labels.
const LABEL: usize = 12;

const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// What the table has about the selected row besides the row itself. Found once for each table and selection, as walking
/// all rows for each draw is too slow.
#[derive(Clone, Debug)]
pub(crate) struct RelatedSockets {
    table: Arc<Table>,
    of: RowId,
    /// Of a listener: what the connections to it amount to.
    summary: Option<Summary>,
    /// Of a listener: the open connections to it.
    accepted: Vec<usize>,
    /// Of a published port: the socket inside.
    inside: Option<RowId>,
    /// Of a socket inside: the published ports that lead to it.
    publishers: Vec<RowId>,
    /// The other open sockets of its processes.
    others: Vec<usize>,
    /// The traffic of its processes.
    traffic: Vec<ProcessTraffic>,
    /// Its last changes, the newest first.
    history: Vec<Event>,
}

impl App {
    /// Finds what is related to the selected row, if its details are visible and it is not known yet.
    pub(crate) fn refresh_related_sockets(&mut self) {
        let is_open = matches!(self.dock.pane, Some(Pane::Details));
        let Some(row) = self.selected().filter(|_| is_open) else {
            self.dock.related = None;
            return;
        };
        let (table, of) = (&self.rows.table, row.id);
        let known = self.dock.related.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(&known.table, table) && known.of == of) {
            return;
        }
        let connections = &table.connections;
        let is_listener = connections.clients(of).is_some();
        let accepted = connections.accepted_by(of);
        let mut accepted: Vec<_> = accepted.filter_map(|id| table.position(id)).collect();
        let summary = is_listener.then(|| Summary::of(table, &accepted));
        accepted.retain(|&at| !table.rows[at].is_closed());
        let inside = self.row_inside(row).map(|at| table.rows[at].id);
        let publishers = self.rows_that_publish(row).map(|row| row.id).collect();
        self.dock.related = Some(RelatedSockets {
            inside,
            publishers,
            others: sockets::others(table, row, &accepted),
            traffic: ProcessTraffic::of(table, row),
            history: history::of(self.shown_log(), of),
            table: Arc::clone(table),
            of,
            summary,
            accepted,
        });
    }

    /// The lines for a pane of so many columns; `None`: each fact on one line, and no tables.
    pub(crate) fn details(&self, row: &Row, columns: Option<usize>, now: Moment) -> Vec<Line> {
        let room = columns.unwrap_or(usize::MAX);
        let related = self.dock.related.as_ref();
        let related = related.filter(|related| related.of == row.id);
        let mut lines = Vec::from(self.head_lines(row, now));
        if let Some(summary) = related.and_then(|related| related.summary.as_ref()) {
            lines.extend(self.summary_lines("connections", summary, now));
        }
        lines.extend(self.published_lines(row, related));
        lines.extend(self.both_ends_lines(row));
        lines.extend(socket::queue_lines(row, room));
        let traffic = related.map_or(&[][..], |related| &related.traffic);
        lines.extend(self.traffic_lines(row, traffic));
        lines.extend(end::end_lines(row));
        lines.extend(self.owner_lines(row, columns));
        lines.extend(socket::fact_lines(&row.socket));
        if let Some(related) = related {
            lines.extend(self.history_lines(&related.history));
            lines.extend(self.accepted_lines(&related.accepted, now));
            lines.extend(self.other_socket_lines(row, &related.others));
        }
        let lines = lines.into_iter().take(MAX_LINES);
        let wrapped = lines.flat_map(|line| wrapped(line, LABEL, room));
        wrapped.take(MAX_LINES).collect()
    }
}

pub(super) fn fact(label: &str, text: impl Into<String>) -> Line {
    vec![span(pad(label, LABEL), Role::Dim), span(text, Role::Plain)]
}

fn known(label: &str, value: Option<impl ToString>) -> Option<Line> {
    value.map(|value| fact(label, value.to_string()))
}

/// A fact about another socket: a double click on it, or Enter in the focused pane, goes to its row.
fn link(label: &str, text: impl Into<String>, to: RowId) -> Line {
    let spans = fact(label, text).into_iter();
    spans
        .map(|span| span.on_click(Click::GoToRow(to)))
        .collect()
}

fn title(text: String) -> Line {
    vec![span(text, Role::Dim)]
}
