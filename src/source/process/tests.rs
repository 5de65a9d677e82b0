//! The records of real processes: this one, and children that it starts and ends.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;

fn at(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        wall: Timestamp::UNIX_EPOCH,
    }
}

/// A child that is ended with the test, whatever happens.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(script: &str) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped());
    Ended(command.spawn().unwrap())
}

/// Refreshes until the child's record satisfies `wanted`; fails after ten seconds.
#[cfg(target_os = "linux")]
fn wait_for(
    processes: &mut Processes,
    pid: Pid,
    wanted: impl Fn(&Process) -> bool,
) -> Arc<Process> {
    for _ in 0..1000 {
        processes.refresh(&[pid], at(0));
        if let Some(process) = processes.get(pid).filter(|process| wanted(process)) {
            return Arc::clone(process);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("last seen: {:?}", processes.get(pid));
}

#[test]
fn a_process_and_its_ancestors_are_known() {
    let mut processes = Processes::default();
    let own = std::process::id();
    assert_eq!(processes.refresh(&[own], at(0)), [] as [Pid; 0]);
    let process = processes.get(own).unwrap();
    assert!(process.command.is_some() && process.started_at.is_some() && process.user.is_some());
    let parent = process.parent.expect("a test has a parent");
    assert!(processes.get(parent).is_some());
}

#[test]
fn an_unchanged_record_stays_the_same_object() {
    let mut processes = Processes::default();
    let own = std::process::id();
    processes.refresh(&[own], at(0));
    let first = Arc::clone(processes.get(own).unwrap());
    processes.refresh(&[own], at(0));
    assert!(Arc::ptr_eq(&first, processes.get(own).unwrap()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_executes_another_program_gets_its_name_and_command() {
    let child = start("read go; exec sleep 1000");
    let pid = child.0.id();
    let mut processes = Processes::default();
    let shows = |command: &'static str| {
        move |process: &Process| process.command.as_deref() == Some(command)
    };
    let before = wait_for(&mut processes, pid, shows("sh -c read go; exec sleep 1000"));
    assert_eq!(&*before.name, "sh");
    std::io::Write::write_all(&mut child.0.stdin.as_ref().unwrap(), b"go\n").unwrap();
    // Read while it executes, the name may still be the old one beside the new command.
    let is_renamed = |process: &Process| &*process.name == "sleep" && shows("sleep 1000")(process);
    let after = wait_for(&mut processes, pid, is_renamed);
    assert!(after.is_same(&before), "it is still the same process");
}

#[cfg(target_os = "linux")]
#[test]
fn a_change_that_leaves_the_name_alone_is_noticed_after_a_while() {
    let child = start("read go; exec sh -c 'read stop' another");
    let pid = child.0.id();
    let mut processes = Processes::default();
    processes.refresh(&[pid], at(0));
    std::io::Write::write_all(&mut child.0.stdin.as_ref().unwrap(), b"go\n").unwrap();
    let changed = (1..1000).any(|look| {
        std::thread::sleep(Duration::from_millis(10));
        processes.refresh(&[pid], at(5 * look));
        processes.get(pid).unwrap().command.as_deref() == Some("sh -c read stop another")
    });
    assert!(changed, "{:?}", processes.get(pid));
}

#[test]
fn a_process_that_ended_is_reported_and_forgotten() {
    let mut child = start("read go");
    let pid = child.0.id();
    let mut processes = Processes::default();
    assert!(processes.refresh(&[pid], at(0)).is_empty());
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    assert_eq!(processes.refresh(&[pid], at(0)), [pid]);
    assert!(processes.get(pid).is_none());
    assert!(processes.all().is_empty());
}

#[test]
fn a_process_that_no_longer_matters_is_forgotten() {
    let child = start("read go");
    let mut processes = Processes::default();
    processes.refresh(&[child.0.id()], at(0));
    processes.refresh(&[], at(0));
    assert!(processes.all().is_empty());
}
