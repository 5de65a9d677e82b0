//! Problems of a snapshot, as text: what happened, what is missing because of it, what to try.

use std::io;

use rustix::io::Errno;

use super::netlink::DumpError;
pub(crate) use super::netlink::errno_name;
use super::proc::descriptor_limit::Shortage;
use crate::model::{Problem, ProblemCode, Text, counted};
use crate::source::netstat::{PARTS, Part};

/// Why a unit or a container is unknown.
pub(crate) const MANY_GROUPS: &str =
    "there are more control groups than are looked through at a time";

/// The source of rows that could not be read from `sock_diag`.
#[derive(Debug)]
pub(super) enum Instead {
    /// `/proc/net`, with this number of invalid lines.
    ProcNet {
        odd: usize,
    },
    Netstat,
    /// No source: `/proc/net` can't be read either.
    Nothing(io::Error),
}

/// The failed parts of one snapshot. They mostly fail for the same reason, so they become one problem.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    interrupted: Vec<Problem>,
    parts: Vec<Trouble>,
}

type Trouble = (Part, DumpError, Instead);

impl Troubles {
    /// A part that could not be read from `sock_diag`.
    pub(super) fn add(&mut self, part: Part, error: DumpError, instead: Instead) {
        self.parts.push((part, error, instead));
    }

    /// A part that changed too much while it was read.
    pub(super) fn add_interrupted(&mut self, part: &str) {
        let problem = Problem::new(ProblemCode::Interrupted, &changed(part));
        self.interrupted.push(problem);
    }

    /// Whether rows may be missing.
    pub(super) fn lack_rows(&self) -> bool {
        let is_unread = |trouble: &Trouble| matches!(trouble.2, Instead::Nothing(_));
        !self.interrupted.is_empty() || self.parts.iter().any(is_unread)
    }

    pub(super) fn problems(self) -> Vec<Problem> {
        let is_read = |trouble: &&Trouble| !matches!(trouble.2, Instead::Nothing(_));
        let (read, unreadable): (Vec<_>, Vec<_>) = self.parts.iter().partition(is_read);
        let mut problems = self.interrupted;
        if let Some((_, error, Instead::Nothing(too))) = unreadable.first() {
            let what = parts(&unreadable).map(|parts| format!("sockets of {parts}"));
            let message = unread(what.as_deref().unwrap_or("the sockets"), error, too);
            problems.push(Problem::new(ProblemCode::TableUnreadable, &message));
        }
        problems.extend(replaced_problem(&read));
        problems
    }
}

/// The message if these sockets can be read neither from `sock_diag` nor from `/proc/net`.
pub(crate) fn unread(what: &str, error: &DumpError, too: &io::Error) -> String {
    if let Some(shortage) = errno(error).and_then(Shortage::of) {
        return format!("{shortage}: {what} can't be read; {}", shortage.remedy());
    }
    let (why, too) = (why(error), errno_name(too));
    format!("{what} can't be read: {why}, and /proc/net is no help ({too}); mount /proc")
}

fn replaced_problem(troubles: &[&Trouble]) -> Option<Problem> {
    let (_, error, _) = troubles.first()?;
    let what = parts(troubles).unwrap_or_else(|| "the table".to_owned());
    let odd_lines = troubles.iter().filter_map(|(.., instead)| match instead {
        Instead::ProcNet { odd } => Some(*odd),
        Instead::Netstat | Instead::Nothing(_) => None,
    });
    let from = match odd_lines.clone().count() {
        0 => "netstat2",
        all if all == troubles.len() => "/proc/net",
        _ => "/proc/net and netstat2",
    };
    let odd = match odd_lines.sum::<usize>() {
        0 => String::new(),
        lines => format!("; lines of /proc/net that make no sense: {lines}"),
    };
    let remedy = cause(error).1;
    let remedy = remedy.map_or(String::new(), |remedy| format!("; {remedy} to see them"));
    let why = why(error);
    let message = format!(
        "{why}: {what} is read from {from}, without sockets that are only bound, dual-stack, interfaces, units and \
         backlogs{odd}{remedy}"
    );
    let brief = format!("{why}: bound sockets and units are missing");
    Some(Problem {
        brief: Text::new(&brief),
        ..Problem::new(ProblemCode::DetailsUnreadable, &message)
    })
}

/// The names of these parts; `None` for all parts.
fn parts(troubles: &[&Trouble]) -> Option<String> {
    let names: Vec<_> = troubles.iter().map(|(part, ..)| part.name()).collect();
    (names.len() < PARTS.len()).then(|| names.join(", "))
}

/// Why `sock_diag` fails.
pub(crate) fn why(error: &DumpError) -> String {
    format!("sock_diag {} ({error})", cause(error).0)
}

/// What `sock_diag` does with this error, and the fix.
fn cause(error: &DumpError) -> (&'static str, Option<&'static str>) {
    let allow = "allow netlink sockets (seccomp, RestrictAddressFamilies, SELinux)";
    let load = "load the modules tcp_diag and udp_diag";
    match errno(error) {
        Some(Errno::PERM | Errno::ACCESS) => ("is refused", Some(allow)),
        Some(Errno::AFNOSUPPORT | Errno::NOSYS) => ("is missing", Some(allow)),
        Some(Errno::NOENT | Errno::PROTONOSUPPORT | Errno::OPNOTSUPP) => ("is missing", Some(load)),
        Some(_) => ("fails", None),
        None => ("is of no use", None),
    }
}

fn errno(error: &DumpError) -> Option<Errno> {
    match error {
        DumpError::System(error) => Errno::from_io_error(error),
        DumpError::Interrupted | DumpError::Malformed => None,
    }
}

/// The message for a part that changed too much while it was read.
pub(crate) fn changed(part: &str) -> String {
    format!("the table of {part} changed while it was read: rows may be missing")
}

/// No process can be read.
pub(super) fn processes(error: Errno) -> Problem {
    if let Some(shortage) = Shortage::of(error) {
        return no_descriptors(shortage);
    }
    let why = errno_name(&error.into());
    let message = format!("/proc can't be read ({why}): owners are unknown; mount /proc");
    Problem::new(ProblemCode::ProcessesUnreadable, &message)
}

/// No process can be read, as no descriptor is left.
pub(super) fn no_descriptors(shortage: Shortage) -> Problem {
    let message = format!("{shortage}: owners are unknown; {}", shortage.remedy());
    Problem::new(ProblemCode::ProcessesUnreadable, &message)
}

/// The units and containers of `count` sockets are not known yet, as there are many control groups.
pub(super) fn groups(sockets: usize) -> Option<Problem> {
    let of = counted(sockets, "socket", "sockets");
    let message = format!("the units and containers of {of} are not known yet: {MANY_GROUPS}");
    (sockets > 0).then(|| Problem {
        count: Some(sockets),
        brief: Text::new(&format!("units of {of} are not known yet")),
        ..Problem::new(ProblemCode::DetailsUnreadable, &message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(instead: [Instead; 2]) -> String {
        let mut troubles = Troubles::default();
        for (part, instead) in PARTS.into_iter().zip(instead) {
            troubles.add(part, DumpError::Malformed, instead);
        }
        let problem = troubles.problems().into_iter().next();
        problem.unwrap().message.to_string()
    }

    #[test]
    fn every_source_that_replaces_sock_diag_is_named() {
        let proc_net = |odd| Instead::ProcNet { odd };
        assert!(message([proc_net(0), proc_net(0)]).contains(" is read from /proc/net, without"));
        let netstat = message([Instead::Netstat, Instead::Netstat]);
        assert!(
            netstat.contains(" is read from netstat2, without"),
            "{netstat}"
        );
        for both in [
            [proc_net(2), Instead::Netstat],
            [Instead::Netstat, proc_net(2)],
        ] {
            let both = message(both);
            let sources = " is read from /proc/net and netstat2, without";
            assert!(both.contains(sources), "{both}");
            assert!(
                both.contains("; lines of /proc/net that make no sense: 2"),
                "{both}"
            );
        }
    }
}
