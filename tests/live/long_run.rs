//! What a run that goes on for long must not do: grow.

use std::fs;

use rustix::process::Pid;
use sockeye::keymap::Key;
use sockeye::track::EventLog;

use crate::live::scene::{BINARY, Live, listeners, stage};
use crate::support::wait_until;

/// So many listeners open and close together: two events each.
const PORTS: std::ops::Range<u16> = 20_000..20_200;

/// How often, so that the log of events is full.
const CYCLES: usize = EventLog::CAPACITY / (2 * 200) + 1;

/// Half of what ten thousand events take that are not forgotten, in KiB.
const LEAK: u64 = 2 * 1024;

#[test]
fn neither_memory_nor_descriptors_nor_threads_grow_with_what_happens() {
    stage(|| {
        let mut live = Live::start_as(BINARY, (150, 40), &["--interval", "50ms"]);
        use_it(&mut live, CYCLES);
        let before = Uses::of_one_at_rest(live.pty.pid());
        use_it(&mut live, CYCLES);
        // What the last job had is given back a moment after its answer.
        wait_until("as many descriptors and threads as before", || {
            let now = Uses::of(live.pty.pid());
            (now.descriptors, now.threads) == (before.descriptors, before.threads)
        });
        let after = Uses::of(live.pty.pid());
        println!("{before:?}, and after as much again {after:?}");
        let grown = after.kibibytes.saturating_sub(before.kibibytes);
        assert!(grown < LEAK, "{grown} KiB");
    });
}

/// Lets sockets come and go, and does now and then what starts threads and opens files.
fn use_it(live: &mut Live, cycles: usize) {
    let ports: Vec<u16> = PORTS.collect();
    for cycle in 0..cycles {
        let open = listeners(&ports);
        live.wait_for_text("200 listening");
        if cycle % 5 == 0 {
            live.press("b");
            live.wait_for_text("in the way");
            live.pty.send_key(Key::Esc);
            live.wait_without("in the way");
            live.press("f");
            live.wait_for_text("is free");
            live.press("e");
            live.wait_for_text("opened");
            live.press("e");
        }
        drop(open);
        live.wait_for_text(" 0 listening");
    }
}

#[derive(Debug)]
struct Uses {
    descriptors: usize,
    threads: usize,
    kibibytes: u64,
}

impl Uses {
    /// When the last job has given back what it had: main, input, hangup, signals, collector, the search for projects and
    /// the two that read reports of closed sockets, and the one that finds moments of the last hour, are left.
    fn of_one_at_rest(pid: Pid) -> Self {
        wait_until("the end of the last job", || Self::of(pid).threads == 9);
        Self::of(pid)
    }

    fn of(pid: Pid) -> Self {
        let count = |what: &str| {
            let folder = format!("/proc/{}/{what}", pid.as_raw_nonzero());
            fs::read_dir(folder).unwrap().count()
        };
        let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
        let status = status.unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|line| line.split_whitespace().next());
        Self {
            descriptors: count("fd"),
            threads: count("task"),
            kibibytes: resident.unwrap().parse().unwrap(),
        }
    }
}
