//! The kinds of sockets beside TCP and UDP, each read only where it is asked for.
//!
//! `sock_diag` lists UDP-Lite, SCTP, unix and packet sockets where the kernel has a handler for them;
//! without one it ends the dump with `ENOENT`, which must not be taken for an empty list. `/proc/net` has
//! raw sockets, and is second choice for the others. What can be listed by neither is a problem of the
//! snapshot.

mod inet;
mod packet;
mod proc_net;
mod unix;
pub(crate) mod unix_table;

use std::io;

use rustix::io::Errno;

use super::Interfaces;
use super::netlink::DumpError;
use super::problems;
use crate::model::{Kinds, Problem, ProblemCode, Protocol, Socket, Text};

/// Why a kind can't be listed, or not whole.
#[derive(Debug)]
enum Trouble {
    /// By neither of the two, and why not by `sock_diag`.
    NotListed(DumpError),
    /// `/proc/net` had to do, where this is missing.
    Less(DumpError, &'static str),
    /// There is nothing but `/proc/net`, and it can't be read.
    NoProc(io::Error),
    /// Some rows may be missing.
    Interrupted,
}

/// The sockets of these kinds, without their owners.
pub(super) fn read(kinds: Kinds, problems: &mut Vec<Problem>) -> Vec<Socket> {
    let (mut sockets, mut interfaces) = (Vec::new(), Interfaces::default());
    for protocol in kinds.optional().iter() {
        let outcome = match protocol {
            // They are in the table.
            Protocol::Tcp | Protocol::Udp => Ok(()),
            Protocol::UdpLite | Protocol::Sctp => {
                inet::read(protocol, &mut interfaces, &mut sockets)
            }
            Protocol::Raw => proc_net::raw(&mut sockets),
            Protocol::Packet => packet::read(&mut interfaces, &mut sockets),
            Protocol::Unix => unix::read(&mut sockets),
        };
        problems.extend(outcome.err().map(|trouble| problem(protocol, &trouble)));
    }
    sockets
}

fn problem(protocol: Protocol, trouble: &Trouble) -> Problem {
    let name = protocol.name();
    let (code, message, brief) = match trouble {
        Trouble::NotListed(error) => {
            let why = why_not_listed(protocol, error);
            let message = format!("{name} sockets can't be listed: {why}");
            let brief = format!("{} not listed", protocol.as_str());
            (ProblemCode::NotListed, message, brief)
        }
        Trouble::Less(error, missing) => {
            let why = problems::why(error);
            let message =
                format!("{why}: {name} sockets are read from /proc/net, without {missing}");
            let brief = format!("{} sockets without {missing}", protocol.as_str());
            (ProblemCode::DetailsUnreadable, message, brief)
        }
        Trouble::NoProc(error) => {
            let why = problems::errno_name(error);
            let message = format!(
                "{name} sockets can't be listed: /proc/net can't be read ({why}); mount /proc"
            );
            let brief = format!("{} not listed", protocol.as_str());
            (ProblemCode::NotListed, message, brief)
        }
        Trouble::Interrupted => {
            let message = format!(
                "the list of {name} sockets changed while it was read: rows may be missing"
            );
            (ProblemCode::Interrupted, message.clone(), message)
        }
    };
    Problem {
        brief: Text::new(&brief),
        ..Problem::new(code, &message)
    }
}

/// A kernel that does not know the protocol has no such sockets; one that knows it may have some.
fn why_not_listed(protocol: Protocol, error: &DumpError) -> String {
    let name = protocol.name();
    match error {
        DumpError::System(error) if is_missing(error) => match proc_net::knows(protocol) {
            Some(false) => format!(
                "this kernel has no {name}, or its module is not loaded (sock_diag says {})",
                problems::errno_name(error)
            ),
            Some(true) | None => format!(
                "this kernel has no handler that lists them (sock_diag says {})",
                problems::errno_name(error)
            ),
        },
        error => problems::why(error),
    }
}

/// Whether there is no handler for this family and protocol.
fn is_missing(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NOENT)
}

#[cfg(test)]
mod tests;
