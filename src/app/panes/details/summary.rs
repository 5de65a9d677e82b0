//! What the connections to a listener amount to.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{fact, link};
use crate::app::App;
use crate::app::view::Line;
use crate::columns::{age_text, align, process_text, socket_text};
use crate::model::{Moment, Pid};
use crate::query::Sum;
use crate::track::{Row, RowId, Table};

/// The most peers to name.
const MAX_PEERS: usize = 5;

/// What a set of connections amounts to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// By state, without rows that have closed.
    sum: Sum,
    /// Those with the most connections, the most first.
    peers: Vec<PeerCount>,
    /// How many other peers there are.
    other_peers: usize,
    /// The one that has been in its state for the longest time.
    oldest: Option<RowId>,
    /// How many opened in the window of the table, those that have closed since included.
    opened: usize,
}

/// An address, and how many connections it has; of this machine, each process separately.
#[derive(Clone, Debug)]
struct PeerCount {
    address: IpAddr,
    process: Option<String>,
    connections: usize,
}

impl Summary {
    /// Of these rows of the table.
    pub fn of(table: &Table, rows: &[usize]) -> Self {
        let rows = || rows.iter().map(|&at| &*table.rows[at]);
        let open = || rows().filter(|row| !row.is_closed());
        let window = table.connections.window();
        let (peers, other_peers) = peers(table, open());
        let age = |row: &&Row| row.age(table.taken_at).duration();
        // The first of several.
        let oldest = open().rev().max_by_key(age);
        Self {
            sum: Sum::of(open()),
            peers,
            other_peers,
            oldest: oldest.map(|row| row.id),
            opened: rows().filter(|row| window.has(row)).count(),
        }
    }
}

/// Those with the most connections, and how many others there are.
fn peers<'a>(table: &Table, rows: impl Iterator<Item = &'a Row>) -> (Vec<PeerCount>, usize) {
    let mut counts: HashMap<(IpAddr, Option<Pid>), (usize, Option<RowId>)> = HashMap::new();
    for row in rows {
        let Some(remote) = row.socket.remote else {
            continue;
        };
        let peer = table.connections.peer(row.id);
        let peer = peer.and_then(|id| table.row(id));
        let process = peer.and_then(|peer| peer.socket.owner.processes().first());
        let key = (remote.to_canonical().address, process.map(|one| one.pid));
        let (count, _) = counts.entry(key).or_insert((0, peer.map(|row| row.id)));
        *count += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|&(key, (count, _))| (std::cmp::Reverse(count), key));
    let others = counts.len().saturating_sub(MAX_PEERS);
    let named = counts.into_iter().take(MAX_PEERS);
    let named = named.map(|((address, _), (connections, peer))| {
        let peer = peer.and_then(|id| table.row(id));
        PeerCount {
            address,
            process: peer.and_then(|peer| process_text(&peer.socket)),
            connections,
        }
    });
    (named.collect(), others)
}

impl App {
    /// The states and the rate, the peers with the most connections, and the oldest. `label` says what the rows are.
    pub(crate) fn summary_lines(&self, label: &str, summary: &Summary, now: Moment) -> Vec<Line> {
        let table = &self.rows.table;
        let states = summary.sum.states();
        let mut parts: Vec<_> = states
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        if parts.is_empty() {
            parts.push("none".into());
        }
        parts.extend(table.connections.window().rate_text(summary.opened));
        let mut lines = vec![fact(label, parts.join(" · "))];
        let peers = summary.peers.iter().map(|peer| {
            let (address, count) = (peer.address.to_string(), format!("×{}", peer.connections));
            let process = peer.process.as_ref().map(|process| format!("→ {process}"));
            vec![address, count, process.unwrap_or_default()]
        });
        let labels = std::iter::once("peers").chain(std::iter::repeat(""));
        let peers = align(peers.collect()).into_iter().zip(labels);
        lines.extend(peers.map(|(text, label)| fact(label, text)));
        if summary.other_peers > 0 {
            lines.push(fact("", format!("and {} more", summary.other_peers)));
        }
        let oldest = summary.oldest.and_then(|id| table.row(id));
        lines.extend(oldest.map(|row| {
            let age = age_text(row, self.shown_at(now));
            let text = format!("{age} {} {}", socket_text(&row.socket), row.socket.state);
            link("oldest", text, row.id)
        }));
        lines
    }
}
