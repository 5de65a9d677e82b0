//! The messages of the proc connector (`linux/connector.h`, `linux/cn_proc.h`): the request to join, and the events.
//!
//! A datagram has one netlink message: its header of 16 bytes, `cn_msg` of 20, and `proc_event`, whose part that depends on
//! the kind of event begins at byte 16.

use std::time::Duration;

use crate::model::Pid;
use crate::source::linux::netlink::{u32_at, u64_at};

/// `CN_IDX_PROC`: the multicast group, and both halves of the messages' identity.
pub(super) const GROUP: u32 = 1;

const NETLINK_HEADER: usize = 16;
const CONNECTOR_HEADER: usize = 20;

/// Where `proc_event` begins.
const EVENT: usize = NETLINK_HEADER + CONNECTOR_HEADER;

/// `NLMSG_DONE`, the type of all messages of connectors.
const DONE: u16 = 3;

/// `PROC_CN_MCAST_LISTEN` and `PROC_CN_MCAST_IGNORE`.
pub(super) const JOIN: u32 = 1;
pub(super) const LEAVE: u32 = 2;

/// Kinds of events, `proc_cn_event`.
const ACKNOWLEDGED: u32 = 0;
const FORK: u32 = 1;
const EXEC: u32 = 2;
const EXIT: u32 = 0x8000_0000;

/// A message about processes; those about threads are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The answer to a request: 0, or the number of an error.
    Acknowledged(u32),
    Event(Event),
}

/// An event of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `CLOCK_MONOTONIC`.
    pub(super) at: Duration,
    pub(super) pid: Pid,
    pub(super) kind: EventKind,
}

/// What happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    /// It is new.
    Fork { parent: Pid },
    /// It executes another program.
    Exec,
    /// It has ended.
    Exit,
}

/// The request to join or to leave.
pub(super) fn request(operation: u32) -> Vec<u8> {
    const LENGTH: u32 = 40;
    let mut bytes = Vec::with_capacity(LENGTH as usize);
    bytes.extend(LENGTH.to_ne_bytes());
    bytes.extend(DONE.to_ne_bytes());
    // No flags; sequence number and port 0.
    bytes.extend([0; 10]);
    // Sequence number and acknowledgement 0.
    for word in [GROUP, GROUP, 0, 0] {
        bytes.extend(word.to_ne_bytes());
    }
    // The length of the operation; no flags.
    bytes.extend(4_u16.to_ne_bytes());
    bytes.extend([0; 2]);
    bytes.extend(operation.to_ne_bytes());
    bytes
}

impl Message {
    /// Parses a datagram; `None` if it is of another kind, about a thread, or incomplete.
    pub(super) fn parse(datagram: &[u8]) -> Option<Self> {
        let identity = [NETLINK_HEADER, NETLINK_HEADER + 4].map(|at| u32_at(datagram, at));
        if identity != [Some(GROUP); 2] {
            return None;
        }
        let event = datagram.get(EVENT..)?;
        let word = |at: usize| u32_at(event, 16 + at);
        let kind = match u32_at(event, 0)? {
            ACKNOWLEDGED => return word(0).map(Self::Acknowledged),
            FORK => {
                let (parent, child, process) = (word(4)?, word(8)?, word(12)?);
                return (child == process)
                    .then(|| Self::event(event, child, EventKind::Fork { parent }))?;
            }
            EXEC => EventKind::Exec,
            EXIT => EventKind::Exit,
            _ => return None,
        };
        let (thread, process) = (word(0)?, word(4)?);
        // A program may be executed by any thread, and has the process's pid then.
        (thread == process || kind == EventKind::Exec).then(|| Self::event(event, process, kind))?
    }

    fn event(event: &[u8], pid: Pid, kind: EventKind) -> Option<Self> {
        Some(Self::Event(Event {
            at: Duration::from_nanos(u64_at(event, 8)?),
            pid,
            kind,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A datagram with this event, at 5 ns, on processor 1.
    fn datagram(kind: u32, words: &[u32]) -> Vec<u8> {
        let mut bytes = request(JOIN)[..EVENT].to_vec();
        for word in [kind, 1, 5, 0].iter().chain(words) {
            bytes.extend(word.to_ne_bytes());
        }
        bytes
    }

    fn parsed(kind: u32, words: &[u32]) -> Option<Message> {
        Message::parse(&datagram(kind, words))
    }

    fn event(pid: Pid, kind: EventKind) -> Option<Message> {
        let at = Duration::from_nanos(5);
        cfg!(target_endian = "little").then_some(Message::Event(Event { at, pid, kind }))
    }

    #[test]
    fn events_of_processes_are_parsed_and_those_of_threads_are_not() {
        assert_eq!(
            parsed(FORK, &[7, 7, 9, 9]),
            event(9, EventKind::Fork { parent: 7 })
        );
        assert_eq!(
            parsed(FORK, &[8, 7, 9, 9]),
            event(9, EventKind::Fork { parent: 7 })
        );
        assert_eq!(parsed(FORK, &[7, 7, 9, 7]), None);
        assert_eq!(parsed(EXEC, &[9, 9]), event(9, EventKind::Exec));
        assert_eq!(parsed(EXIT, &[9, 9, 0, 17]), event(9, EventKind::Exit));
        assert_eq!(parsed(EXIT, &[10, 9, 0, 17]), None);
        assert_eq!(parsed(4, &[9, 9]), None);
        assert_eq!(parsed(ACKNOWLEDGED, &[22]), Some(Message::Acknowledged(22)));
    }

    #[test]
    fn another_connector_and_half_a_message_are_none() {
        let mut other = datagram(EXEC, &[9, 9]);
        other[NETLINK_HEADER] ^= 6;
        assert_eq!(Message::parse(&other), None);
        let whole = datagram(FORK, &[7, 7, 9, 9]);
        for length in 0..whole.len() {
            assert_eq!(Message::parse(&whole[..length]), None, "{length}");
        }
    }

    #[test]
    fn a_request_is_as_long_as_it_says() {
        let bytes = request(LEAVE);
        assert_eq!(bytes.len(), 40);
        assert_eq!(u32_at(&bytes, 0), Some(40));
        assert_eq!(u32_at(&bytes, EVENT), Some(LEAVE));
    }
}
