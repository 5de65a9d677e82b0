//! The kinds of sockets besides TCP and UDP, each read only when it is shown.
//!
//! `sock_diag` lists UDP-Lite, SCTP, unix and packet sockets where the kernel has a handler for them; without one it ends
//! the dump with `ENOENT`, which must not be taken for an empty list. `/proc/net` has raw sockets, and is second choice
//! for the others. What neither can list is a problem of the snapshot.

mod inet;
mod packet;
pub(crate) mod unix;

use std::io;

use rustix::io::Errno;

use super::interfaces::Interfaces;
use super::netlink::DumpError;
use super::problems;
use crate::model::{Kinds, Problem, ProblemCode, Protocol, Socket, Text};

/// Why a kind can't be listed, or only in part.
#[derive(Debug)]
enum Trouble {
    /// Neither source works, with the error of `sock_diag`.
    NotListed(DumpError),
    /// Only `/proc/net` was available, which lacks this.
    Less(DumpError, &'static str),
    /// The only source, `/proc/net`, can't be read.
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
                inet::read_sockets(protocol, &mut interfaces, &mut sockets)
            }
            Protocol::Raw => inet::read_raw(&mut sockets).map_err(Trouble::NoProc),
            Protocol::Packet => packet::read_sockets(&mut interfaces, &mut sockets),
            Protocol::Unix => unix::read_sockets(&mut sockets),
        };
        problems.extend(outcome.err().map(|trouble| problem(protocol, &trouble)));
    }
    sockets
}

/// The outcome of a dump to `into`, which began at this length; if it failed, adds the sockets of `/proc/net`, which may
/// miss something.
fn or_proc_net(
    dumped: Result<(), DumpError>,
    (into, start): (&mut Vec<Socket>, usize),
    proc_net: impl FnOnce(&mut Vec<Socket>) -> io::Result<()>,
    not_in_proc: Option<&'static str>,
) -> Result<(), Trouble> {
    let error = match dumped {
        Ok(()) => return Ok(()),
        Err(DumpError::Interrupted) => return Err(Trouble::Interrupted),
        Err(error) => error,
    };
    into.truncate(start);
    match (proc_net(into), not_in_proc) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(missing)) => Err(Trouble::Less(error, missing)),
        (Err(_), _) => Err(Trouble::NotListed(error)),
    }
}

fn problem(protocol: Protocol, trouble: &Trouble) -> Problem {
    let (name, word) = (protocol.name(), protocol.as_str());
    let not_listed = |why| {
        let message = format!("{name} sockets can't be listed: {why}");
        (
            ProblemCode::NotListed,
            message,
            format!("{word} not listed"),
        )
    };
    let (code, message, brief) = match trouble {
        // There is no handler for this family and protocol.
        Trouble::NotListed(DumpError::System(error))
            if Errno::from_io_error(error) == Some(Errno::NOENT) =>
        {
            // A kernel without the protocol has no such sockets; with it, there may be some.
            let lack = match kernel_has(protocol) {
                Some(false) => format!("{name}, or its module is not loaded"),
                Some(true) | None => "handler that lists them".to_owned(),
            };
            let why = problems::errno_name(error);
            not_listed(format!("this kernel has no {lack} (sock_diag says {why})"))
        }
        Trouble::NotListed(error) => not_listed(problems::why(error)),
        Trouble::NoProc(error) => {
            let why = problems::errno_name(error);
            not_listed(format!("/proc/net can't be read ({why}); mount /proc"))
        }
        Trouble::Less(error, missing) => {
            let why = problems::why(error);
            let message =
                format!("{why}: {name} sockets are read from /proc/net, without {missing}");
            let brief = format!("{word} sockets without {missing}");
            (ProblemCode::DetailsUnreadable, message, brief)
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

/// Whether the kernel has this protocol now; `None` where that is unknown.
fn kernel_has(protocol: Protocol) -> Option<bool> {
    let name = match protocol {
        Protocol::UdpLite => "UDP-Lite",
        Protocol::Sctp => "SCTP",
        Protocol::Packet => "PACKET",
        Protocol::Unix => "UNIX",
        Protocol::Tcp | Protocol::Udp | Protocol::Raw => return None,
    };
    let protocols = std::fs::read_to_string("/proc/thread-self/net/protocols").ok()?;
    let mut names = protocols.lines().map(|line| line.split(' ').next());
    Some(names.any(|one| one == Some(name)))
}

#[cfg(test)]
mod tests;
