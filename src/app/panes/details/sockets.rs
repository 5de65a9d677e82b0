//! The sockets that belong to the selected one: the connections to a listener, and what else its processes have.

use super::{LABEL, link, title};
use crate::app::App;
use crate::app::view::{Click, Line, Role, span};
use crate::columns::{age_text, pad, pad_cells, process_text, socket_text};
use crate::model::{Moment, Owner};
use crate::track::{Row, Table};

/// The most processes of a socket whose other sockets are searched.
const MAX_PROCESSES: usize = 8;

/// The most other sockets to keep.
const MAX_SOCKETS: usize = 1000;

/// The most connections of a listener to list: the filter shows all.
const MAX_ACCEPTED: usize = 200;

/// The other open sockets of the processes that have this one, without the connections to it.
pub(super) fn others(table: &Table, of: &Row, accepted: &[usize]) -> Vec<usize> {
    let processes = of.socket.owner.processes();
    let processes = &processes[..processes.len().min(MAX_PROCESSES)];
    let has_one = |owner: &Owner| processes.iter().any(|process| owner.has(process));
    let rows = table.rows.iter().enumerate();
    let others = rows.filter(|(at, row)| {
        let is_other = row.id != of.id && !row.is_closed() && has_one(&row.socket.owner);
        is_other && accepted.binary_search(at).is_err()
    });
    others.map(|(at, _)| at).take(MAX_SOCKETS).collect()
}

impl App {
    /// The peer, state and age of each, and who is at the other end.
    pub(super) fn accepted_lines(&self, accepted: &[usize], now: Moment) -> Vec<Line> {
        let table = &self.rows.table;
        let now = self.shown_at(now);
        let mut cells: Vec<_> = accepted
            .iter()
            .take(MAX_ACCEPTED)
            .map(|&at| {
                let row = &table.rows[at];
                let click = Click::GoToRow(row.id);
                let socket = &row.socket;
                let peer = table.connections.peer(row.id);
                let peer = peer.and_then(|id| table.row(id));
                let process = peer.and_then(|peer| process_text(&peer.socket));
                let process = process.map_or_else(String::new, |process| format!("→ {process}"));
                let remote = socket.remote_text().unwrap_or_else(|| "unnamed".into());
                let texts = [
                    remote,
                    socket.state.to_string(),
                    age_text(row, now),
                    process,
                ];
                Vec::from(texts.map(|text| span(text, Role::Plain).on_click(click)))
            })
            .collect();
        let mut processes: Vec<_> = cells.iter_mut().map(Vec::pop).collect();
        pad_cells(&mut cells, 2, |span| &mut span.text);
        let mut lines = Vec::new();
        if !cells.is_empty() {
            lines.push(title(format!("connections: {}", accepted.len())));
        }
        for (mut line, process) in cells.into_iter().zip(&mut processes) {
            line.insert(0, span(pad("", LABEL), Role::Dim));
            line.extend(process.take());
            lines.push(line);
        }
        if accepted.len() > MAX_ACCEPTED {
            let more = accepted.len() - MAX_ACCEPTED;
            lines.push(title(format!("{}and {more} more", pad("", LABEL))));
        }
        lines
    }

    /// The sockets of its processes, each once however many of them have it.
    pub(super) fn other_socket_lines(&self, row: &Row, others: &[usize]) -> Vec<Line> {
        let (table, processes) = (&self.rows.table, row.socket.owner.processes());
        let (Some(first), false) = (processes.first(), others.is_empty()) else {
            return Vec::new();
        };
        let whose = match processes.len() {
            1 => first.name_and_pid(),
            count => format!("these {count} processes"),
        };
        let heading = title(format!("other sockets of {whose}: {}", others.len()));
        let lines = others.iter().map(|&at| {
            let other = &table.rows[at];
            let text = format!("{} {}", socket_text(&other.socket), other.socket.state);
            link("", text, other.id)
        });
        std::iter::once(heading).chain(lines).collect()
    }
}
