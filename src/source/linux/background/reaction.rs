//! How a process reacts to SIGTERM, by its signal sets and threads.

use std::fs;
use std::thread;
use std::time::Duration;

use super::facts::{Facts, status_mask};
use crate::model::{Pid, Quick, Reaction, Run, Signal, Term};

/// The bit of SIGTERM in a set of signals.
const TERM: u64 = 1 << 14;

/// How often, and at what interval, to check a process in I/O before it counts as hanging: any process waits for a disk
/// for a moment.
const READS: usize = 4;
const APART: Duration = Duration::from_millis(8);

pub(super) fn reaction(facts: &Facts) -> Reaction {
    Reaction {
        run: facts.run(),
        term: term(facts, || accepts_blocked(facts.pid)),
        quick: quick(facts),
    }
}

/// Whether SIGTERM ends a process, by its signal sets.
pub(super) fn ends_by_term(facts: &Facts) -> bool {
    matches!(term(facts, || true), Term::Ends | Term::Handled)
}

/// `accepts_blocked` returns whether the process gets signals that its first thread blocks.
fn term(facts: &Facts, accepts_blocked: impl FnOnce() -> bool) -> Term {
    let is_in = |set: u64| set & TERM != 0;
    match () {
        () if is_in(facts.blocked) && !accepts_blocked() => Term::Blocked,
        () if is_in(facts.caught) || is_in(facts.blocked) => Term::Handled,
        () if is_in(facts.ignored) => Term::Ignored,
        () if facts.is_init() || facts.namespace_pids == [1] => Term::Dropped,
        () => Term::Ends,
    }
}

/// Servers that SIGTERM does not end at once, and the signal that does.
fn quick(facts: &Facts) -> Option<Quick> {
    let instead_of = match facts.program() {
        "postgres" | "postmaster" => "waits until every client has disconnected",
        "squid" => "waits half a minute for clients",
        "uwsgi" | "uwsgi-core" if !facts.has_argument("--die-on-term") => {
            "makes uWSGI start its workers again"
        }
        _ => return None,
    };
    Some(Quick {
        signal: Signal::Int,
        instead_of,
    })
}

/// Whether a thread of the process has SIGTERM unblocked or waits for it (`sigwaitinfo(2)`), or the process has a
/// `signalfd(2)` for it. `true` where that can't be read: most programs that block a signal do one of these.
fn accepts_blocked(pid: Pid) -> bool {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return true;
    };
    let mut tasks = tasks.flatten().map(|task| task.path());
    let is_unblocked_or_waits = tasks.any(|task| {
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        let waits_in = fs::read_to_string(task.join("wchan")).unwrap_or_default();
        status_mask(&status, "SigBlk:").is_none_or(|set| set & TERM == 0)
            || waits_in.contains("sigtimedwait")
    });
    let has_signalfd = || {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).ok()?;
        let paths = descriptors.flatten().map(|entry| entry.path());
        let mut texts = paths.filter_map(|path| fs::read_to_string(path).ok());
        let set = |text: String| status_mask(&text, "sigmask:").unwrap_or(0);
        Some(texts.any(|text| set(text) & TERM != 0))
    };
    is_unblocked_or_waits || has_signalfd().unwrap_or(true)
}

/// Checks a process in uninterruptible sleep again: it hangs only if every check finds it so.
pub(super) fn confirmed(mut facts: Facts) -> Facts {
    for _ in 1..READS {
        if facts.run() != Run::Uninterruptible {
            break;
        }
        thread::sleep(APART);
        let Some(again) = Facts::of(facts.pid) else {
            break;
        };
        facts = again;
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_sets_say_what_term_does() {
        let term = |ignored, caught, blocked, pids: &[u32], accepts| {
            let facts = Facts {
                ignored,
                caught,
                blocked,
                namespace_pids: pids.to_vec(),
                ..Facts::of_command("nginx")
            };
            term(&facts, || accepts)
        };
        assert_eq!(term(0, 0, 0, &[812], false), Term::Ends);
        assert_eq!(term(0, TERM, 0, &[812, 1], false), Term::Handled);
        assert_eq!(term(TERM, 0, 0, &[812], false), Term::Ignored);
        assert_eq!(term(0, 0, TERM, &[812], false), Term::Blocked);
        assert_eq!(term(0, 0, TERM, &[812], true), Term::Handled);
        assert_eq!(term(0, 0, 0, &[812, 1], false), Term::Dropped);
    }

    #[test]
    fn a_server_that_term_does_not_end_has_its_own_signal() {
        let signal = |command| quick(&Facts::of_command(command)).map(|quick| quick.signal);
        assert_eq!(
            signal("/usr/lib/postgresql/15/bin/postgres -D /x"),
            Some(Signal::Int)
        );
        assert_eq!(signal("uwsgi --http :8080"), Some(Signal::Int));
        assert_eq!(signal("uwsgi --die-on-term"), None);
        assert_eq!(signal("nginx"), None);
    }

    #[test]
    fn this_process_has_term_unblocked() {
        assert!(accepts_blocked(std::process::id()));
        assert_eq!(
            status_mask("pos:\t0\nsigmask:\t0000000000004000\n", "sigmask:"),
            Some(TERM)
        );
        assert_eq!(status_mask("pos:\t0\n", "sigmask:"), None);
    }
}
