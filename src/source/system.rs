//! This machine as a source: the table, the details, the holders, their processes, in this order.
//!
//! What differs between systems is behind `Platform`; here is what all of them share. Whatever
//! can't be read becomes a problem of the snapshot, with what to do about it.

use std::collections::HashMap;
use std::sync::Arc;

#[cfg(target_os = "linux")]
use super::linux::Platform;
#[cfg(not(target_os = "linux"))]
use super::portable::Platform;
use super::process::Processes;
use super::{Blind, Holding, Source, SourceError};
use crate::model::{Moment, Owner, Pid, Problem, ProblemCode, Snapshot, Socket, Text};

/// Reads the sockets of this machine's current network namespace.
///
/// It keeps what it learned from one reading to the next, so a second one costs a fraction of the
/// first.
#[derive(Default)]
pub struct System {
    platform: Platform,
    processes: Processes,
}

impl System {
    /// A source that has not looked at anything yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one reading that stands for itself. Where nobody was found to have a socket, it looks
    /// a second time: it may have been on its way from one process to another, and only then is it
    /// the kernel's.
    ///
    /// # Errors
    ///
    /// Those of [`Source::take`].
    pub fn take_once(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let first = self.take(at)?;
        let is_open = |socket: &Socket| socket.inode.is_some() && socket.owner == Owner::None;
        if first.sockets.iter().any(is_open) {
            self.take(at)
        } else {
            Ok(first)
        }
    }

    /// The holders of every socket, all of them alive at the last look.
    fn holdings(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<Holding> {
        let holdings = self.platform.holdings(sockets, at, problems);
        let gone = self.processes.refresh(&pids(&holdings), at);
        if gone.is_empty() || !self.platform.forget(&gone) {
            return holdings;
        }
        // A socket outlived the last process known to have it: somebody else has it.
        let holdings = self.platform.holdings(sockets, at, &mut Vec::new());
        self.processes.refresh(&pids(&holdings), at);
        holdings
    }
}

impl Source for System {
    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        let mut problems = Vec::new();
        let mut sockets = self.platform.sockets(at, &mut problems);
        let holdings = self.holdings(&sockets, at, &mut problems);
        let mut owners = Owners {
            processes: &self.processes,
            known: HashMap::new(),
        };
        for (socket, holding) in sockets.iter_mut().zip(&holdings) {
            socket.owner = owners.of(holding);
        }
        #[cfg(target_os = "linux")]
        for socket in &mut sockets {
            socket.user = socket.uid.and_then(|uid| self.processes.users.name(uid));
        }
        problems.extend(hidden_problem(&sockets, self.platform.blind(), &problems));
        Ok(Snapshot {
            taken_at: at,
            sockets,
            processes: self.processes.all(),
            problems,
        })
    }
}

/// Every pid that holds something, once.
fn pids(holdings: &[Holding]) -> Vec<Pid> {
    let mut pids: Vec<Pid> = Vec::new();
    for holding in holdings {
        if let Holding::By(of_one) = holding
            && !pids.ends_with(of_one)
        {
            pids.extend(of_one.iter());
        }
    }
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// The owner of each holding, in their order, with the processes looked at now.
pub(super) fn owners(holdings: &[Holding], processes: &mut Processes, at: Moment) -> Vec<Owner> {
    processes.refresh(&pids(holdings), at);
    let mut owners = Owners {
        processes,
        known: HashMap::new(),
    };
    holdings.iter().map(|holding| owners.of(holding)).collect()
}

/// Turns holdings into owners; sockets of the same processes share the list of them.
struct Owners<'a> {
    processes: &'a Processes,
    known: HashMap<&'a [Pid], Owner>,
}

impl<'a> Owners<'a> {
    fn of(&mut self, holding: &'a Holding) -> Owner {
        match holding {
            Holding::By(pids) => {
                let processes = self.processes;
                self.known
                    .entry(pids)
                    .or_insert_with(|| known(pids, processes))
                    .clone()
            }
            #[cfg(target_os = "linux")]
            Holding::Hidden => Owner::Hidden,
            #[cfg(target_os = "linux")]
            Holding::Kernel => Owner::Kernel,
            Holding::None => Owner::None,
        }
    }
}

/// A process that ended since the holders were looked for is left out.
fn known(pids: &[Pid], processes: &Processes) -> Owner {
    let alive: Arc<[_]> = pids
        .iter()
        .filter_map(|&pid| processes.get(pid))
        .cloned()
        .collect();
    if alive.is_empty() {
        Owner::None
    } else {
        Owner::Known(alive)
    }
}

/// Says how many owners are hidden and what would show them, unless it is because no process can
/// be read at all.
fn hidden_problem(
    sockets: &[Socket],
    blind: Option<Blind>,
    problems: &[Problem],
) -> Option<Problem> {
    let is_known = |problem: &Problem| problem.code == ProblemCode::ProcessesUnreadable;
    let count = sockets
        .iter()
        .filter(|socket| socket.owner == Owner::Hidden)
        .count();
    if count == 0 || problems.iter().any(is_known) {
        return None;
    }
    let (who, them, s) = match count {
        1 => ("the owner of 1 socket is".to_owned(), "it", ""),
        _ => (format!("owners of {count} sockets are"), "them", "s"),
    };
    let (remedy, brief) = match blind {
        Some(Blind::OtherNamespace) => (
            format!("outside this pid namespace: run on the host to see {them}"),
            "outside this container",
        ),
        Some(Blind::Forbidden) => (
            format!(
                "hidden even from root: CAP_SYS_PTRACE would show {them}, if nothing forbids it"
            ),
            "CAP_SYS_PTRACE",
        ),
        Some(Blind::NotPermitted) | None => (format!("hidden: run as root to see {them}"), "sudo"),
    };
    Some(Problem {
        code: ProblemCode::HiddenOwners,
        count: Some(count),
        message: Text::new(&format!("{who} {remedy}")),
        brief: Text::new(&format!("{count} owner{s} hidden: {brief}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, Protocol, State};

    fn hidden(count: usize) -> Vec<Socket> {
        let local = Endpoint::new([127, 0, 0, 1].into(), 80);
        let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        socket.owner = Owner::Hidden;
        vec![socket; count]
    }

    #[test]
    fn hidden_owners_are_counted_with_what_would_show_them() {
        let told = |count, blind| {
            let problem = hidden_problem(&hidden(count), Some(blind), &[]);
            problem.map(|told| (told.message.to_string(), told.brief.to_string()))
        };
        let pair = |message: &str, brief: &str| Some((message.to_owned(), brief.to_owned()));
        assert_eq!(told(0, Blind::NotPermitted), None);
        assert_eq!(
            told(1, Blind::NotPermitted),
            pair(
                "the owner of 1 socket is hidden: run as root to see it",
                "1 owner hidden: sudo"
            )
        );
        assert_eq!(
            told(2, Blind::NotPermitted),
            pair(
                "owners of 2 sockets are hidden: run as root to see them",
                "2 owners hidden: sudo"
            )
        );
        assert_eq!(
            told(2, Blind::OtherNamespace),
            pair(
                "owners of 2 sockets are outside this pid namespace: run on the host to see them",
                "2 owners hidden: outside this container"
            )
        );
    }

    #[test]
    fn every_holder_is_asked_about_once() {
        let by = |pids: &[Pid]| Holding::By(pids.into());
        let holdings = [by(&[3, 5]), by(&[5]), Holding::None, by(&[5]), by(&[1])];
        assert_eq!(pids(&holdings), [1, 3, 5]);
    }
}
