//! What could not be read of the table, in words: what happened, what is missing by that, what to try.

use std::io;

use nix::errno::Errno;

use super::room::Shortage;
use super::sock_diag::DumpError;
use crate::model::{Problem, ProblemCode, Text, counted};
use crate::source::netstat::{PARTS, Part};

/// What `/proc/net` does not tell.
const NOT_IN_PROC: &str =
    "without sockets that are only bound, dual-stack, interfaces, units and backlogs";

/// Where the rows of a part came from that `sock_diag` did not give.
#[derive(Debug)]
pub(super) enum Instead {
    /// From `/proc/net`, where so many lines made no sense.
    ProcNet { odd: usize },
    /// From netstat2.
    Netstat,
    /// From nowhere, as `/proc/net` can't be read either.
    Nothing(io::Error),
}

/// What went wrong with the parts of one reading. What is wrong with one is mostly wrong with all, and
/// told once.
#[derive(Debug, Default)]
pub(super) struct Troubles(Vec<(Part, DumpError, Instead)>);

impl Troubles {
    /// Takes in that a part was not to be had from `sock_diag`.
    pub(super) fn add(&mut self, part: Part, error: DumpError, instead: Instead) {
        self.0.push((part, error, instead));
    }

    /// What to tell of it.
    pub(super) fn told(&self) -> impl Iterator<Item = Problem> {
        let is_read = |instead: &Instead| !matches!(instead, Instead::Nothing(_));
        let (read, unread): (Vec<_>, Vec<_>) = self.0.iter().partition(|one| is_read(&one.2));
        [unread_problem(&unread), replaced_problem(&read)]
            .into_iter()
            .flatten()
    }
}

type Trouble = (Part, DumpError, Instead);

fn unread_problem(troubles: &[&Trouble]) -> Option<Problem> {
    let (_, error, Instead::Nothing(too)) = troubles.first()? else {
        return None;
    };
    let what = match parts(troubles) {
        Some(parts) => format!("sockets of {parts}"),
        None => "the sockets".to_owned(),
    };
    let message = unread(&what, error, too);
    Some(Problem::new(ProblemCode::TableUnreadable, &message))
}

/// That these sockets can be had neither from `sock_diag` nor from `/proc/net`.
pub(crate) fn unread(what: &str, error: &DumpError, too: &io::Error) -> String {
    if let Some(shortage) = number(error).and_then(shortage) {
        return format!("{shortage}: {what} can't be read; {}", shortage.remedy());
    }
    let (why, too) = (why(error), errno_name(too));
    format!("{what} can't be read: {why}, and /proc/net is no help ({too}); mount /proc")
}

fn replaced_problem(troubles: &[&Trouble]) -> Option<Problem> {
    let (_, error, _) = troubles.first()?;
    let what = parts(troubles).unwrap_or_else(|| "the table".to_owned());
    let from_netstat = troubles
        .iter()
        .filter(|(.., from)| matches!(from, Instead::Netstat));
    let from = match from_netstat.count() {
        0 => "/proc/net",
        all if all == troubles.len() => "netstat2",
        _ => "/proc/net and netstat2",
    };
    let odd: usize = troubles
        .iter()
        .map(|(_, _, instead)| match instead {
            Instead::ProcNet { odd } => *odd,
            Instead::Netstat | Instead::Nothing(_) => 0,
        })
        .sum();
    let odd = match odd {
        0 => String::new(),
        lines => format!("; lines of /proc/net that make no sense: {lines}"),
    };
    let remedy = remedy(error).map_or(String::new(), |remedy| format!("; {remedy} to see them"));
    let message = format!(
        "{}: {what} is read from {from}, {NOT_IN_PROC}{odd}{remedy}",
        why(error)
    );
    Some(Problem {
        brief: Text::new(&format!(
            "{}: bound sockets and units are missing",
            why(error)
        )),
        ..Problem::new(ProblemCode::DetailsUnreadable, &message)
    })
}

/// Which parts it concerns; `None` for all of them.
fn parts(troubles: &[&Trouble]) -> Option<String> {
    let names: Vec<_> = troubles.iter().map(|(part, ..)| part.name()).collect();
    (names.len() < PARTS.len()).then(|| names.join(", "))
}

/// What keeps `sock_diag` from answering.
pub(crate) fn why(error: &DumpError) -> String {
    match number(error) {
        Some(Errno::EPERM | Errno::EACCES) => format!("sock_diag is refused ({error})"),
        Some(
            Errno::ENOENT
            | Errno::EPROTONOSUPPORT
            | Errno::EAFNOSUPPORT
            | Errno::EOPNOTSUPP
            | Errno::ENOSYS,
        ) => format!("sock_diag is missing ({error})"),
        Some(_) => format!("sock_diag fails ({error})"),
        None => format!("sock_diag is of no use ({error})"),
    }
}

/// What would make it answer.
fn remedy(error: &DumpError) -> Option<&'static str> {
    match number(error)? {
        Errno::EPERM | Errno::EACCES | Errno::EAFNOSUPPORT | Errno::ENOSYS => {
            Some("allow netlink sockets (seccomp, RestrictAddressFamilies, SELinux)")
        }
        Errno::ENOENT | Errno::EPROTONOSUPPORT | Errno::EOPNOTSUPP => {
            Some("load the modules tcp_diag and udp_diag")
        }
        _ => None,
    }
}

fn number(error: &DumpError) -> Option<Errno> {
    match error {
        DumpError::System(error) => error.raw_os_error().map(Errno::from_raw),
        DumpError::Interrupted | DumpError::Malformed => None,
    }
}

/// Until the renames.
pub(crate) use self::errno_name as name;

/// `EPERM`, as manual pages name it.
pub(crate) fn errno_name(error: &io::Error) -> String {
    let number = error.raw_os_error();
    number.map_or_else(
        || error.to_string(),
        |number| format!("{:?}", Errno::from_raw(number)),
    )
}

/// A part of the table changed too much while it was read.
pub(super) fn interrupted(part: &str) -> Problem {
    Problem::new(ProblemCode::Interrupted, &changed(part))
}

/// What to say of a part that changed too much.
pub(crate) fn changed(part: &str) -> String {
    format!("the table of {part} changed while it was read: rows may be missing")
}

/// Nobody can be looked at.
pub(super) fn processes(error: rustix::io::Errno) -> Problem {
    match Shortage::of(error) {
        Some(shortage) => no_descriptors(shortage),
        None => Problem::new(ProblemCode::ProcessesUnreadable, &unreadable(error)),
    }
}

/// Nobody can be looked at for want of descriptors.
pub(super) fn no_descriptors(shortage: Shortage) -> Problem {
    let message = format!("{shortage}: owners are unknown; {}", shortage.remedy());
    Problem::new(ProblemCode::ProcessesUnreadable, &message)
}

fn unreadable(error: rustix::io::Errno) -> String {
    format!(
        "/proc can't be read ({}): owners are unknown; mount /proc",
        errno_name(&error.into())
    )
}

fn shortage(number: Errno) -> Option<Shortage> {
    Shortage::of(rustix::io::Errno::from_raw_os_error(number as i32))
}

/// That the tree of control groups is too large for one reading, so that the units and containers of so many
/// sockets are not known.
pub(super) fn groups(sockets: usize) -> Option<Problem> {
    let of = counted(sockets, "socket", "sockets");
    let message = format!("the units and containers of {of} are not known yet: {MANY_GROUPS}");
    (sockets > 0).then(|| Problem {
        count: Some(sockets),
        brief: Text::new(&format!("units of {of} are not known yet")),
        ..Problem::new(ProblemCode::DetailsUnreadable, &message)
    })
}

/// Why a unit or a container is not known.
pub(crate) const MANY_GROUPS: &str =
    "there are more control groups than are looked through at a time";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(instead: [Instead; 2]) -> String {
        let mut troubles = Troubles::default();
        for (part, instead) in PARTS.into_iter().zip(instead) {
            troubles.add(part, DumpError::Malformed, instead);
        }
        let mut told = troubles.told();
        told.next().unwrap().message.to_string()
    }

    #[test]
    fn every_source_that_stands_in_for_sock_diag_is_named() {
        let proc_net = |odd| Instead::ProcNet { odd };
        assert!(told([proc_net(0), proc_net(0)]).contains(" is read from /proc/net, without"));
        let netstat = told([Instead::Netstat, Instead::Netstat]);
        assert!(
            netstat.contains(" is read from netstat2, without"),
            "{netstat}"
        );
        for both in [
            [proc_net(2), Instead::Netstat],
            [Instead::Netstat, proc_net(2)],
        ] {
            let both = told(both);
            let sources = " is read from /proc/net and netstat2, without";
            assert!(both.contains(sources), "{both}");
            assert!(
                both.contains("; lines of /proc/net that make no sense: 2"),
                "{both}"
            );
        }
    }
}
