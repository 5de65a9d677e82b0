//! The records of real processes: this one, and children that it starts and ends.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;

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
    // Its project may come later.
    for _ in 0..1000 {
        if processes.get(own).unwrap().project.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        processes.refresh(&[own], at(0));
    }
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

/// A folder of this test's own, removed with it.
#[cfg(target_os = "linux")]
struct Folder(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }
}

#[cfg(target_os = "linux")]
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a program that waits for its standard input; `None`, said aloud, where it is not installed.
#[cfg(target_os = "linux")]
fn run(folder: &Folder, argv: &[&str]) -> Option<Ended> {
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]).current_dir(&folder.0);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    match command.stdout(Stdio::null()).spawn() {
        Ok(child) => Some(Ended(child)),
        Err(error) => {
            let required = std::env::var("SOCKEYE_REQUIRE").unwrap_or_default();
            let is_required = required.split(',').any(|one| one == "interpreters");
            assert!(!is_required, "{argv:?}: {error}");
            eprintln!("not tested with {argv:?}: {error}");
            None
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn real_interpreters_are_named_with_what_they_run() {
    let folder = Folder::new("naming");
    folder.write("pg.py", "import sys; sys.stdin.read()");
    folder.write("server.js", "process.stdin.resume()");
    folder.write("renamed.js", RENAMED);
    folder.write("d.pl", "<STDIN>");
    folder.write("run.sh", "read stop");
    folder.write("Wait.java", WAIT);
    folder.write("mod.py", "import sys; sys.stdin.read()");
    for (argv, expected) in [
        (&["python3", "pg.py"][..], "python3 pg.py"),
        (&["python3", "-um", "mod"], "python3 mod"),
        (&["node", "server.js"], "node server.js"),
        (&["node", "renamed.js"], "node renamed.js"),
        (&["perl", "d.pl"], "perl d.pl"),
        (&["bash", "run.sh"], "bash run.sh"),
        (&["sh", "run.sh"], "sh run.sh"),
        (&["busybox", "sh", "run.sh"], "sh run.sh"),
        (&["busybox", "cat"], "cat"),
        (&["java", "-Xmx64m", "Wait.java"], "java Wait.java"),
    ] {
        let Some(child) = run(&folder, argv) else {
            continue;
        };
        let mut processes = Processes::default();
        let is_named = |process: &Process| &*process.name == expected;
        let process = wait_for(&mut processes, child.0.id(), is_named);
        assert_eq!(process.cwd.as_deref(), folder.0.to_str(), "{argv:?}");
        let arguments: Vec<&str> = process
            .argv
            .iter()
            .flat_map(|argv| argv.iter())
            .map(|one| &**one)
            .collect();
        assert_eq!(arguments[1..], argv[1..]);
        let link = std::fs::read_link(format!("/proc/{}/exe", process.pid)).unwrap();
        assert_eq!(process.executable.as_deref(), link.to_str());
    }
}

/// As Node 24 does: the first thread has another name.
#[cfg(target_os = "linux")]
const RENAMED: &str =
    "require('fs').writeFileSync('/proc/self/comm', 'MainThread'); process.stdin.resume()";

#[cfg(target_os = "linux")]
const WAIT: &str =
    "class Wait { public static void main(String[] a) throws Exception { System.in.read(); } }";

#[cfg(target_os = "linux")]
#[test]
fn a_renamed_first_thread_is_only_its_comm() {
    let folder = Folder::new("renamed");
    folder.write("server.js", RENAMED);
    let Some(child) = run(&folder, &["node", "server.js"]) else {
        return;
    };
    let is_renamed = |process: &Process| &*process.comm == "MainThread";
    let process = wait_for(&mut Processes::default(), child.0.id(), is_renamed);
    assert_eq!(&*process.name, "node server.js");
}

#[cfg(target_os = "linux")]
#[test]
fn arguments_are_whole_however_long_they_are() {
    for (count, length) in [(1, 5_000), (40, 10_000)] {
        let long = "é".repeat(length / 2);
        let mut command = Command::new("sh");
        command
            .args(["-c", "read stop", ""])
            .args(vec![&long; count])
            .arg("last");
        let child = Ended(command.stdin(Stdio::piped()).spawn().unwrap());
        let is_there = |process: &Process| process.argv.is_some() && &*process.comm == "sh";
        let process = wait_for(&mut Processes::default(), child.0.id(), is_there);
        let argv = process.argv.as_deref().unwrap();
        assert_eq!(argv.len(), 5 + count);
        assert_eq!(
            (&*argv[3], &*argv[4], &*argv[4 + count]),
            ("", &*long, "last")
        );
        assert!(process.is_command_cut() == (length / 2 * count > 4096));
        assert!(process.full_command().ends_with(" last"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_is_changed_at_the_start_is_the_one_that_is_shown() {
    let child = start("read go; cd /; read stop");
    let mut processes = Processes::default();
    processes.refresh(&[child.0.id()], at(0));
    let link = format!("/proc/{}/cwd", child.0.id());
    std::io::Write::write_all(&mut child.0.stdin.as_ref().unwrap(), b"go\n").unwrap();
    for _ in 0..1000 {
        if std::fs::read_link(&link).unwrap() == std::path::Path::new("/") {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    processes.refresh(&[child.0.id()], at(0));
    let process = processes.get(child.0.id()).unwrap();
    assert_eq!(process.cwd.as_deref(), Some("/"));
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
    processes.refresh(&[], at(1));
    processes.refresh(&[], at(2));
    assert!(processes.all().is_empty());
}

/// That its port was closed because it had ended was stored of servers that closed their last socket.
#[test]
fn a_process_that_lives_on_without_sockets_is_there_for_a_moment() {
    let mut child = start("read go");
    let pid = child.0.id();
    let mut processes = Processes::default();
    processes.refresh(&[pid], at(0));
    assert!(processes.refresh(&[], at(60)).is_empty());
    assert!(processes.all().contains_key(&pid));
    child.0.kill().unwrap();
    // It has ended, though its parent has not noticed.
    let has_ended = || proc_stat(pid).is_none_or(|stat| stat.has_ended);
    while !has_ended() {
        std::thread::sleep(Duration::from_millis(1));
    }
    processes.refresh(&[], at(60));
    assert!(!processes.all().contains_key(&pid));
}
