//! Whether a process takes signals that it has blocked, and whether it really hangs in the kernel.

use std::fs;
use std::thread;
use std::time::Duration;

use super::facts::Facts;
use crate::model::{Pid, Run};

/// The bit of SIGTERM in a set of signals.
const TERM: u64 = 1 << 14;

/// How often, and how far apart, a process that waits for I/O is looked at before it is said to hang: a
/// disk is waited for all the time, for a moment.
const LOOKS: usize = 4;
const APART: Duration = Duration::from_millis(8);

/// Whether a thread of the process has SIGTERM unblocked, waits for it, or it is read from a `signalfd`.
/// Where that can't be seen the answer is yes: most programs that block a signal do one of these.
pub(super) fn takes_blocked(pid: Pid) -> bool {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return true;
    };
    let mut tasks = tasks.flatten().map(|task| task.path());
    let has_unblocked_or_waits = tasks.any(|task| {
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        let waits = fs::read_to_string(task.join("wchan")).unwrap_or_default();
        set_of(&status, "SigBlk:").is_none_or(|set| set & TERM == 0)
            || waits.contains("sigtimedwait")
    });
    has_unblocked_or_waits || reads_signals(pid)
}

/// Whether one of its descriptors is a `signalfd` for SIGTERM; also where they may not be seen.
fn reads_signals(pid: Pid) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else {
        return true;
    };
    let mut files = descriptors
        .flatten()
        .map(|entry| fs::read_to_string(entry.path()));
    files.any(|text| {
        text.is_ok_and(|text| set_of(&text, "sigmask:").is_some_and(|set| set & TERM != 0))
    })
}

fn set_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// The facts of a process that may hang in the kernel: only where it does at every look.
pub(super) fn settled(mut facts: Facts) -> Facts {
    for _ in 1..LOOKS {
        if facts.run() != Run::Uninterruptible {
            break;
        }
        thread::sleep(APART);
        match Facts::of(facts.pid) {
            Some(again) => facts = again,
            None => break,
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_term_unblocked() {
        assert!(takes_blocked(std::process::id()));
        assert_eq!(
            set_of("pos:\t0\nsigmask:\t0000000000004000\n", "sigmask:"),
            Some(TERM)
        );
        assert_eq!(set_of("pos:\t0\n", "sigmask:"), None);
    }
}
