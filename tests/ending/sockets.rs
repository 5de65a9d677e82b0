//! Whether the process still holds the socket, wherever it does.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use sockeye::inspect::this_machine;
use sockeye::model::{Answered, Moment, Protocol};

use crate::ending::scene::{PORT, Server, end, ending, inode, listener, refusal, seen};
use crate::program::built;
use crate::support::netns::stage_with_pids;
use crate::support::wait_until;

#[test]
fn a_process_that_closed_the_socket_is_not_signalled() {
    stage_with_pids(|| {
        let script = "read go; exec 3<&-; exec cat";
        let mut server = Server::run(listener(), script, None);
        let ending = seen();
        server.send("go");
        assert!(server.answers());
        let pid = server.pid();
        assert_eq!(
            refusal(&ending),
            format!("sh ({pid}) no longer has this socket: nothing was sent")
        );
        assert!(server.answers());
    });
}

#[test]
fn a_process_that_executes_another_program_is_still_the_same_and_is_signalled() {
    stage_with_pids(|| {
        let mut server = Server::run(listener(), "read go; exec cat", None);
        let ending = seen();
        assert_eq!(&*ending.process().unwrap().name, "sh");
        server.send("go");
        assert!(server.answers());
        assert!(end(&ending).0);
        assert_eq!(server.wait_for_signal(), Some(Signal::TERM));
    });
}

#[test]
fn a_child_that_keeps_the_socket_does_not_hold_it_for_its_parent() {
    stage_with_pids(|| {
        let script = "read go; sleep 1000 & echo $!; exec 3<&-; exec cat";
        let mut server = Server::run(listener(), script, None);
        let ending = seen();
        server.send("go");
        let child = server.next_line();
        assert!(server.answers());
        assert!(refusal(&ending).contains("no longer has this socket"));
        assert!(server.answers());
        let kept = seen();
        assert_eq!(kept.process().unwrap().pid.to_string(), child.trim());
        assert!(end(&kept).0);
    });
}

#[test]
fn a_socket_that_is_not_known_can_be_nobodys() {
    stage_with_pids(|| {
        let socket = listener();
        let mut server = Server::with(socket.try_clone().unwrap());
        let mut unknown = server.ending(inode(&socket));
        unknown.sockets.clear();
        assert!(refusal(&unknown).contains("no longer has this socket: nothing was sent"));
        assert!(server.answers());
    });
}

/// With a thread's own table, an `io_uring`, or in a message: the bind test names such owners.
#[test]
fn a_process_that_holds_the_socket_where_no_tool_looks_is_signalled() {
    for_each_place(|ending| {
        let (succeeded, message) = end(&ending);
        assert!(succeeded, "{message}");
        true
    });
}

#[test]
fn a_process_that_holds_another_socket_there_is_not_signalled() {
    for_each_place(|mut ending| {
        ending.sockets = vec![1];
        // Where the first thread has ended, who is not root may not look at its table.
        let told = refusal(&ending);
        assert!(told.ends_with(": nothing was sent"), "{told}");
        false
    });
}

/// Runs `act` on each process that hides a listener; it says whether it has ended it.
fn for_each_place(act: impl Fn(sockeye::app::Ending) -> bool) {
    let name = std::thread::current().name().unwrap().to_owned();
    crate::support::netns::in_pidns(&name, || {
        for mode in ["ring", "thread", "zombie", "flight"] {
            let mut hiding = Command::new(built("bind/helpers/hiding.c"))
                .args([mode, &PORT.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = BufReader::new(hiding.stdout.take().unwrap()).lines();
            if said.next().is_none_or(|line| line.unwrap() != "ready") {
                assert_eq!(hiding.wait().unwrap().code(), Some(126), "{mode}");
                eprintln!("NOT RUN: this kernel has no {mode}");
                continue;
            }
            if !act(investigated()) {
                assert_eq!(hiding.try_wait().unwrap(), None, "{mode}");
                hiding.kill().unwrap();
                hiding.wait().unwrap();
                continue;
            }
            wait_until(mode, || hiding.try_wait().unwrap().is_some());
            let signal = hiding.wait().unwrap().signal();
            assert_eq!(signal, Some(Signal::TERM.as_raw()), "{mode}");
        }
    });
}

/// What a bind test knows of the port's only socket.
fn investigated() -> sockeye::app::Ending {
    let at = Moment {
        steady: Duration::ZERO,
        wall: Timestamp::UNIX_EPOCH,
    };
    let mut inspector = this_machine();
    let mut evidence = inspector.rows(Protocol::Tcp, PORT, at);
    inspector.explain(&mut evidence, Protocol::Tcp, PORT, Answered::Refused);
    let [holder] = &evidence.holders[..] else {
        panic!("{:?}", evidence.holders)
    };
    let owner = &holder.socket.owner.present()[0];
    ending((**owner).clone(), holder.socket.inode.unwrap())
}
