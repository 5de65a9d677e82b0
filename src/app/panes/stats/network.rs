//! The network in numbers: sockets by state, and the processes and peers with the most connections.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use crate::app::view::{Click, Line, Role, line_width, span};
use crate::app::{App, Pane};
use crate::columns::{owner_with_pid, pad, pad_left, width};
use crate::model::{NamespaceScope, State};
use crate::track::{Row, RowId, Table};

const LABEL: usize = 13;

const SEPARATOR: &str = " · ";

/// The most processes, and peers, to list.
const TALKERS: usize = 5;

/// Connections with something in common: how many, and the first of them.
#[derive(Clone, Debug)]
struct Talker {
    count: usize,
    first: RowId,
    name: String,
}

/// What the open sockets of some namespaces amount to, whatever the filter. Counted once for each table, as walking all rows for
/// each draw is too slow.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub table: Arc<Table>,
    namespaces: NamespaceScope,
    /// How many are in each state, the most frequent first.
    states: Vec<(usize, State)>,
    processes: Vec<Talker>,
    peers: Vec<Talker>,
}

/// How many connections have each key, and the first of them.
type Talkers<'a, K> = HashMap<K, (usize, &'a Row)>;

impl Network {
    fn of(table: &Arc<Table>, namespaces: NamespaceScope) -> Self {
        let mut states = [0; State::ALL.len()];
        let (mut processes, mut peers) = (Talkers::new(), Talkers::new());
        for row in table.rows.iter().filter(|row| !row.is_closed()) {
            let socket = &row.socket;
            // A port that only a rule publishes has no socket.
            if socket.state == State::Dnat || !namespaces.has(socket.namespace_id()) {
                continue;
            }
            states[socket.state as usize] += 1;
            if socket.is_connection() {
                let process = socket.owner.present().first();
                count(&mut processes, process.map(|one| one.pid), row);
                count(&mut peers, peer_address(row), row);
            }
        }
        let states = State::ALL
            .iter()
            .map(|&state| (states[state as usize], state));
        let mut states: Vec<_> = states.filter(|(count, _)| *count > 0).collect();
        states.sort_by_key(|&(count, _)| Reverse(count));
        let address = |row: &Row| peer_address(row).map_or_else(String::new, |at| at.to_string());
        Self {
            table: Arc::clone(table),
            namespaces,
            states,
            processes: most(processes, |row| owner_with_pid(&row.socket)),
            peers: most(peers, address),
        }
    }
}

impl App {
    /// Counts the network if the pane with it is open and its table is another one.
    pub(crate) fn refresh_network(&mut self) {
        let is_open = matches!(self.dock.pane, Some(Pane::Stats));
        let known = self.dock.network.take().filter(|_| is_open);
        let (table, scope) = (&self.rows.table, self.rows.criteria.namespaces);
        let is_known =
            |known: &Network| Arc::ptr_eq(&known.table, table) && known.namespaces == scope;
        let known = known.filter(is_known);
        self.dock.network = known.or_else(|| is_open.then(|| Network::of(table, scope)));
    }

    pub(super) fn network(&self, columns: usize) -> Vec<Line> {
        let Some(network) = &self.dock.network else {
            // Nothing was read yet.
            return states(&[], columns);
        };
        let mut lines = states(&network.states, columns);
        lines.extend(listed("processes", &network.processes));
        lines.extend(listed("peers", &network.peers));
        lines
    }
}

/// `400 ESTABLISHED · 12 LISTEN`, the most frequent first, on as many lines as needed.
fn states(states: &[(usize, State)], columns: usize) -> Vec<Line> {
    if states.is_empty() {
        return vec![vec![span("no sockets", Role::Dim)]];
    }
    let mut lines = vec![vec![span(pad("states", LABEL), Role::Dim)]];
    for &(count, state) in states {
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

fn peer_address(row: &Row) -> Option<IpAddr> {
    let remote = row.socket.remote.filter(|_| row.socket.portless.is_none());
    remote.map(|remote| remote.address.to_canonical())
}

fn count<'a, K: Eq + Hash>(talkers: &mut Talkers<'a, K>, key: Option<K>, row: &'a Row) {
    if let Some(key) = key {
        talkers.entry(key).or_insert((0, row)).0 += 1;
    }
}

/// Those with the most connections, the most first.
fn most<K>(talkers: Talkers<K>, name: impl Fn(&Row) -> String) -> Vec<Talker> {
    let mut counts: Vec<_> = talkers.into_values().collect();
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
