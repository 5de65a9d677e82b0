//! The events of processes, compared with the processes that the test starts. They exist only in the initial network
//! namespace, so these tests run there, and look only at their own processes.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use sockeye::source::{ProcessEvents, ProcessEventsError};

use crate::kernel::scene::{INNER, is_inner};
use crate::support::netns::in_netns;
use crate::support::{is_required, wait_until};

fn monotonic() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}

/// `None` if there are no events here: the test did not run then.
fn started() -> Option<ProcessEvents> {
    match ProcessEvents::start() {
        Ok(events) => Some(events),
        Err(error) => {
            assert!(!is_required("first-pidns"), "{error}");
            eprintln!("NOT RUN: {error}");
            None
        }
    }
}

/// Runs a command that prints a pid first and ends with its standard input. Returns the pid, and a time between both.
/// It ends once `is_known` of both is true.
fn spoken(arguments: &[&str], is_known: impl Fn(u32, Duration) -> bool) -> (u32, Duration) {
    let mut child = Command::new(arguments[0])
        .args(&arguments[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let (pid, at) = (
        line.split_whitespace().next().unwrap().parse().unwrap(),
        monotonic(),
    );
    wait_until("the process", || is_known(pid, at));
    drop(child.stdin.take());
    child.wait().unwrap();
    (pid, at)
}

/// Runs processes and compares what is known of them when all have ended. Returns how many are known.
fn compare(events: &ProcessEvents, is_known: impl Fn(u32, Duration) -> bool) -> usize {
    let mut ended = Vec::new();
    for number in 0..200 {
        let number = number.to_string();
        let command = ["sh", "-c", "echo $$; read wait", "sh", &number];
        let (pid, at) = spoken(&command, &is_known);
        ended.push((pid, at, number, monotonic()));
    }
    let (last, last_at, ..) = &ended[ended.len() - 1];
    let later = |at: Duration| at + Duration::from_secs(9);
    wait_until("all events", || {
        events.process_at(*last, later(*last_at)).is_none()
    });
    let mut known = 0;
    for (pid, at, number, ended_at) in ended {
        assert_eq!(events.process_at(pid, later(ended_at)), None);
        let Some(process) = events.process_at(pid, at) else {
            continue;
        };
        assert_eq!(
            (process.pid, process.parent),
            (pid, Some(std::process::id()))
        );
        // One that ended while it was read may lack it.
        let own = rustix::process::geteuid().as_raw();
        assert!(process.uid.is_none_or(|uid| uid == own), "{process:?}");
        assert_eq!(&*process.comm, "sh");
        if process.argv.is_some() {
            let command = format!("sh -c echo $$; read wait sh {number}");
            assert_eq!(process.full_command(), command);
            known += 1;
        }
    }
    known
}

#[test]
fn processes_are_known_after_their_end() {
    let Some(events) = started() else {
        return;
    };
    // An ordinary user's buffer has room for about 500 events of the whole machine.
    let is_known = |pid, at| events.process_at(pid, at).is_some() || events.gaps() > 0;
    let known = compare(&events, is_known);
    assert!(known == 200 || events.gaps() > 0, "{known}");
}

#[test]
fn of_processes_that_live_for_a_moment_none_is_another() {
    if let Some(events) = started() {
        let known = compare(&events, |_, _| true);
        println!("{known} of 200 were read in time");
    }
}

#[test]
fn a_forked_process_has_the_name_of_its_parent() {
    let Some(events) = started() else {
        return;
    };
    // The shell in parentheses is a process of the same program.
    let script = "(read line </proc/self/stat; echo $line; read wait); :";
    let is_known = |pid, at| events.process_at(pid, at).is_some();
    let (pid, at) = spoken(&["bash", "-c", script, "a name"], is_known);
    let process = events.process_at(pid, at).unwrap();
    assert_eq!((&*process.comm, process.uid), ("bash", None));
    assert_eq!(process.full_command(), format!("bash -c {script} a name"));
}

#[test]
fn another_network_namespace_has_no_events() {
    in_netns(
        "process_events::another_network_namespace_has_no_events",
        || {
            let error = ProcessEvents::start().map(drop).unwrap_err();
            assert!(
                matches!(error, ProcessEventsError::OtherNetworkNamespace),
                "{error}"
            );
        },
    );
}

#[test]
fn an_ordinary_user_has_the_events() {
    if started().is_none() || !rustix::process::geteuid().is_root() {
        return;
    }
    let inner = "process_events::has_the_events_or_says_what_they_take";
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("kernel::{inner}"), "--nocapture"])
        .env(INNER, inner)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn has_the_events_or_says_what_they_take() {
    if !is_inner("process_events::has_the_events_or_says_what_they_take") {
        return;
    }
    match ProcessEvents::start() {
        Ok(_) => processes_are_known_after_their_end(),
        // A kernel up to 6.5.
        Err(error) => assert!(matches!(error, ProcessEventsError::Refused), "{error}"),
    }
}
