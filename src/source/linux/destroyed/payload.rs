//! How many bytes of payload a closed connection had received. Pure.
//!
//! The kernel counts the peer's FIN as a byte received, and the message does not say whether one was received. What shows it,
//! in this order:
//!
//! 1. the other end, if it is a socket of this machine: what it has sent, and had acknowledged;
//! 2. a byte that was never read by the program: it is the FIN, which came after the program had closed;
//! 3. a `TIME_WAIT` with its cookie: the kernel keeps that one instead of the socket as soon as its own FIN is acknowledged,
//!    before that of the peer arrives;
//! 4. else, if its own FIN was acknowledged, the peer has closed first.
//!
//! After a reset by the peer a FIN may be counted that came before. Tested against what peers have sent.

use std::collections::HashSet;
use std::hash::RandomState;
use std::num::NonZeroU64;

use super::message::Message;
use crate::model::{BuildSpread, Endpoint, Recent, Socket, State};

/// How many of the last closed connections are remembered, as the two ends of one may close some time apart.
const REMEMBERED: usize = 4096;

/// The two ends of a connection, local and remote. Those on a loopback address are in the namespace with this number.
type Ends = (Option<u32>, Endpoint, Endpoint);

/// What the last closed connections have sent.
#[derive(Debug)]
pub(super) struct Payloads(Recent<Ends, u64, RandomState>);

impl Default for Payloads {
    fn default() -> Self {
        Self(Recent::new(REMEMBERED))
    }
}

impl Payloads {
    /// For each message the payload bytes that it has received; `None` without counters. `dump` was taken afterwards.
    pub(super) fn received(&mut self, messages: &[Message], dump: &[Socket]) -> Vec<Option<u64>> {
        for message in messages {
            self.remember(message);
        }
        let (remaining, listening) = (remaining(messages, dump), listening_ports(dump));
        let received = messages.iter().map(|message| {
            let counters = message.counters.as_ref()?;
            let counted = counters.tcp.bytes_received;
            let sent_by_peer = ends(message)
                .and_then(|(namespace, own, peer)| self.0.get(&(namespace, peer, own)));
            let is_counted = match sent_by_peer {
                Some(&sent) if sent == counted => false,
                Some(&sent) if sent + 1 == counted => true,
                _ if counters.unread == 1 => true,
                _ if counters.unread > 1 => false,
                _ if message.cookie.is_some_and(|it| remaining.contains(&it)) => false,
                _ => has_acknowledged_fin(message, &listening),
            };
            Some(counted.saturating_sub(u64::from(is_counted)))
        });
        received.collect()
    }

    fn remember(&mut self, message: &Message) {
        if let Some((ends, counters)) = ends(message).zip(message.counters.as_ref()) {
            self.0.insert(ends, counters.tcp.bytes_sent);
        }
    }
}

fn ends(message: &Message) -> Option<Ends> {
    let (local, remote) = (message.local.to_canonical(), message.remote?.to_canonical());
    let is_inside = local.address.is_loopback();
    let namespace = message.namespace.filter(|_| is_inside);
    Some((namespace, local, remote))
}

/// The cookies of those connections that are in the dump as a `TIME_WAIT`. There may be ten times as many of these as messages.
fn remaining(messages: &[Message], dump: &[Socket]) -> HashSet<NonZeroU64, BuildSpread> {
    let closed = messages.iter().filter(|message| message.counters.is_some());
    let closed: HashSet<_, BuildSpread> = closed.filter_map(|message| message.cookie).collect();
    let time_waits = dump.iter().filter(|socket| socket.inode.is_none());
    let cookies = time_waits.filter_map(|socket| socket.cookie);
    cookies.filter(|cookie| closed.contains(cookie)).collect()
}

fn listening_ports(dump: &[Socket]) -> HashSet<u16> {
    let listening = dump.iter().filter(|socket| socket.state == State::Listen);
    listening.map(|socket| socket.local.port).collect()
}

/// Whether its own FIN was acknowledged: it counts as one byte in `bytes_acked`, as does the SYN of the side that connected.
fn has_acknowledged_fin(message: &Message, listening: &HashSet<u16>) -> bool {
    let Some(counters) = &message.counters else {
        return false;
    };
    let excess = counters
        .acknowledged
        .saturating_sub(counters.tcp.bytes_sent);
    let syn = u64::from(!listening.contains(&message.local.port));
    excess > syn
}
