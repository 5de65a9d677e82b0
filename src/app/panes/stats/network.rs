//! The network in numbers: sockets by state, and the processes and peers with the most connections.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use crate::app::App;
use crate::app::view::{Click, Line, Role, line_width, span};
use crate::columns::{owner_with_pid, pad, pad_left, width};
use crate::model::State;
use crate::track::{Row, RowId};

const LABEL: usize = 13;

const SEPARATOR: &str = " · ";

/// The most processes, and peers, to list.
const TALKERS: usize = 5;

/// Connections with something in common: how many, and the first of them.
struct Talker {
    count: usize,
    first: RowId,
    name: String,
}

impl App {
    /// Every open socket of the table counts, whatever the filter.
    pub(super) fn network(&self, columns: usize) -> Vec<Line> {
        let rows = self.rows.table.rows.iter().map(|row| &**row);
        let open: Vec<&Row> = rows.filter(|row| !row.is_closed()).collect();
        let mut lines = states(&open, columns);
        let connections = open.into_iter();
        let connections: Vec<_> = connections
            .filter(|row| row.socket.is_connection())
            .collect();
        let pid = |row: &Row| row.socket.owner.present().first().map(|one| one.pid);
        let processes = talkers(&connections, pid, |row| owner_with_pid(&row.socket));
        lines.extend(listed("processes", &processes));
        let address = |row: &Row| {
            let remote = row.socket.remote.filter(|_| row.socket.portless.is_none());
            remote.map(|remote| remote.address.to_canonical())
        };
        let name = |row: &Row| address(row).map_or_else(String::new, |at| at.to_string());
        lines.extend(listed("peers", &talkers(&connections, address, name)));
        lines
    }
}

/// `400 ESTABLISHED · 12 LISTEN`, the most frequent first, on as many lines as needed.
fn states(rows: &[&Row], columns: usize) -> Vec<Line> {
    let count = |state: State| rows.iter().filter(|row| row.socket.state == state).count();
    let states = State::ALL.iter().map(|&state| (count(state), state));
    let mut states: Vec<_> = states.filter(|(count, _)| *count > 0).collect();
    if states.is_empty() {
        return vec![vec![span("no sockets", Role::Dim)]];
    }
    states.sort_by_key(|&(count, _)| Reverse(count));
    let mut lines = vec![vec![span(pad("states", LABEL), Role::Dim)]];
    for (count, state) in states {
        let text = format!("{count} {state}");
        let taken = lines.last().map_or(0, |line| line_width(line));
        if taken > LABEL && taken + width(SEPARATOR) + width(&text) > columns {
            lines.push(vec![span(pad("", LABEL), Role::Dim)]);
        }
        if let Some(line) = lines.last_mut() {
            let is_first = line.len() == 1;
            line.extend((!is_first).then(|| span(SEPARATOR, Role::Dim)));
            line.push(span(text, Role::Plain));
        }
    }
    lines
}

/// Those with the most connections, the most first.
fn talkers<K: Eq + Hash>(
    rows: &[&Row],
    key: impl Fn(&Row) -> Option<K>,
    name: impl Fn(&Row) -> String,
) -> Vec<Talker> {
    let mut counts: HashMap<K, (usize, &Row)> = HashMap::new();
    for row in rows {
        if let Some(key) = key(row) {
            counts.entry(key).or_insert((0, row)).0 += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_values().collect();
    counts.sort_by_key(|(count, first)| (Reverse(*count), first.id));
    let talkers = counts.into_iter().take(TALKERS);
    let talkers = talkers.map(|(count, first)| Talker {
        count,
        first: first.id,
        name: name(first),
    });
    talkers.collect()
}

fn listed(label: &'static str, talkers: &[Talker]) -> impl Iterator<Item = Line> {
    talkers.iter().enumerate().map(move |(at, talker)| {
        let label = if at == 0 { label } else { "" };
        let count = pad_left(&talker.count.to_string(), 5);
        let line = [
            span(pad(label, LABEL), Role::Dim),
            span(count, Role::Strong),
            span(format!("  {}", talker.name), Role::Plain),
        ];
        let click = Click::GoToRow(talker.first);
        line.map(|span| span.on_click(click)).into()
    })
}
