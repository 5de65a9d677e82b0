//! Several processes at once, and what the last look before the signal guards.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::process::Signal;
use sockeye::app::{Confirmed, EndRole, EndTarget, Ending, Msg};
use sockeye::clock::Clock;
use sockeye::model::Process;
use sockeye::runtime::end_process::end_several;

use crate::ending::scene::{Server, end, ending, inode, listener, refusal, start_of};
use crate::support::netns::stage_with_pids;
use crate::support::wait_until;

/// A process as it is seen now, to end for this.
fn target(pid: u32, role: EndRole) -> EndTarget {
    let process = Process {
        started_at_tick: Some(start_of(pid)),
        ..Process::new(pid, "server")
    };
    EndTarget {
        process: Arc::new(process),
        role,
    }
}

fn of(targets: Vec<EndTarget>, inode: u32) -> Ending {
    let first = (*targets[0].process).clone();
    Ending {
        targets,
        ..ending(first, inode)
    }
}

#[test]
fn all_that_have_the_socket_get_the_signal() {
    stage_with_pids(|| {
        let socket = listener();
        let mut servers: Vec<Server> = (0..3)
            .map(|_| Server::with(socket.try_clone().unwrap()))
            .collect();
        let pids = servers.iter().map(Server::pid);
        let targets = pids.map(|pid| target(pid, EndRole::Owner)).collect();
        let (succeeded, message) = end(&of(targets, inode(&socket)));
        assert!(succeeded, "{message}");
        for server in &mut servers {
            assert_eq!(server.wait_for_signal(), Some(Signal::TERM));
        }
    });
}

#[test]
fn one_that_has_not_the_socket_keeps_the_signal_from_all() {
    stage_with_pids(|| {
        let socket = listener();
        let mut server = Server::with(socket.try_clone().unwrap());
        let mut stranger = Server::with(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let pids = [server.pid(), stranger.pid()];
        let targets = pids.map(|pid| target(pid, EndRole::Owner)).into();
        let told = refusal(&of(targets, inode(&socket)));
        let who = format!("server ({}) no longer has this socket", stranger.pid());
        assert!(told.starts_with(&who), "{told}");
        assert!(server.answers() && stranger.answers());
    });
}

#[test]
fn of_several_one_that_has_ended_needs_no_signal() {
    stage_with_pids(|| {
        let socket = listener();
        let mut gone = Server::with(socket.try_clone().unwrap());
        let mut server = Server::with(socket.try_clone().unwrap());
        let pids = [gone.pid(), server.pid()];
        let targets = pids.map(|pid| target(pid, EndRole::Owner)).into();
        let all = of(targets, inode(&socket));
        gone.kill();
        gone.reap();
        let (succeeded, message) = end(&all);
        assert!(succeeded, "{message}");
        assert_eq!(
            message,
            format!("sent SIGTERM to server ({})", server.pid())
        );
        assert_eq!(server.wait_for_signal(), Some(Signal::TERM));
        assert!(refusal(&all).ends_with("has ended already"));
    });
}

/// Requests all of these, with the same question; returns whether all ended, and the output.
fn end_all(endings: &[Ending]) -> (bool, String) {
    match end_several(endings, &[], Clock::start(), &mut |_| {}) {
        Msg::EndOutcome { succeeded, message } => (succeeded, message),
        Msg::SignalFailed(message) => (false, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_several_requests_each_is_checked_by_itself_and_only_the_right_processes_get_a_signal() {
    stage_with_pids(|| {
        let socket = listener();
        let mut right = Server::with(socket.try_clone().unwrap());
        let mut other = Server::with(socket.try_clone().unwrap());
        let mut stranger = Server::with(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let mut gone = Server::with(socket.try_clone().unwrap());
        let mut replaced = other.ending(inode(&socket));
        let mut process = (*replaced.targets[0].process).clone();
        process.started_at_tick = process.started_at_tick.map(|tick| tick + 1);
        replaced.targets[0].process = Arc::new(process);
        let all = [
            replaced,
            stranger.ending(inode(&socket)),
            right.ending(inode(&socket)),
            gone.ending(inode(&socket)),
        ];
        gone.kill();
        gone.reap();
        let (succeeded, message) = end_all(&all);
        assert!(!succeeded);
        let expected = [
            "2 of 4 exited ".to_owned(),
            format!("{} is another process now: nothing was sent", other.pid()),
            format!("server ({}) no longer has this socket", stranger.pid()),
        ];
        for words in expected {
            assert!(message.contains(&words), "{message}");
        }
        assert_eq!(right.wait_for_signal(), Some(Signal::TERM));
        assert!(other.answers() && stranger.answers());
    });
}

#[test]
fn of_several_requests_one_for_a_guarded_process_that_was_confirmed_once_sends_nothing_to_it() {
    stage_with_pids(|| {
        let socket = listener();
        let mut server = Server::with(socket.try_clone().unwrap());
        // The test itself has the socket, and is an ancestor of nothing but its servers.
        let own = of(
            vec![target(std::process::id(), EndRole::Owner)],
            inode(&socket),
        );
        let (succeeded, message) = end_all(&[own, server.ending(inode(&socket))]);
        assert!(!succeeded);
        let why = "nothing was sent, not confirmed twice: server (";
        assert!(message.contains(why), "{message}");
        assert!(message.contains("1 of 2 exited "), "{message}");
        assert_eq!(server.wait_for_signal(), Some(Signal::TERM));
    });
}

#[test]
fn a_parent_gets_the_signal_only_where_it_is_one() {
    stage_with_pids(|| {
        // The shell gives up the socket; its child keeps it.
        let script = "sleep 1000 & echo $!; exec 3<&-; while read line; do echo $line; done";
        let socket = listener();
        let mut parent = Server::run(socket.try_clone().unwrap(), script, None);
        let child: u32 = parent.next_line().trim().parse().unwrap();
        assert!(parent.answers());
        let mut stranger = Server::with(std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let with = |supervisor: u32| {
            let targets = [(supervisor, EndRole::Supervisor), (child, EndRole::Owner)];
            let targets = targets.map(|(pid, role)| target(pid, role)).into();
            of(targets, inode(&socket))
        };
        let told = refusal(&with(stranger.pid()));
        let who = format!(
            "server ({}) is no longer an ancestor of what it started: nothing was sent",
            stranger.pid()
        );
        assert_eq!(told, who);
        assert!(parent.answers() && stranger.answers());
        let mut replaced = with(parent.pid());
        let other_start = start_of(parent.pid()) + 1;
        let process = Arc::make_mut(&mut replaced.targets[0].process);
        process.started_at_tick = Some(other_start);
        let (succeeded, message) = end(&replaced);
        // That one has ended: only the child is left to end.
        assert!(
            succeeded && message.ends_with(&format!("server ({child})")),
            "{message}"
        );
        assert!(parent.answers());
    });
}

#[test]
fn a_parent_and_its_child_end_by_one_answer() {
    stage_with_pids(|| {
        let script = "sleep 1000 & echo $!; exec 3<&-; while read line; do echo $line; done";
        let socket = listener();
        let mut parent = Server::run(socket.try_clone().unwrap(), script, None);
        let child: u32 = parent.next_line().trim().parse().unwrap();
        assert!(parent.answers());
        let targets = [(parent.pid(), EndRole::Supervisor), (child, EndRole::Owner)];
        let targets = targets.map(|(pid, role)| target(pid, role)).into();
        let (succeeded, message) = end(&of(targets, inode(&socket)));
        assert!(succeeded, "{message}");
        assert_eq!(parent.wait_for_signal(), Some(Signal::TERM));
    });
}

/// A program of this name that has a listener and waits for the end of its input.
fn named(name: &str, arguments: &[&str], listener: &std::net::TcpListener) -> Child {
    rustix::io::fcntl_setfd(listener, rustix::io::FdFlags::empty()).unwrap();
    let mut shell = Command::new("sh");
    shell.arg0(name).args(["-c", "read end"]).args(arguments);
    let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null());
    let child = shell.stderr(Stdio::null()).spawn().unwrap();
    // A program that was just executed has no arguments for some microseconds.
    let line = format!("/proc/{}/cmdline", child.id());
    wait_until("its arguments", || {
        std::fs::read(&line).is_ok_and(|line| line.starts_with(name.as_bytes()))
    });
    child
}

/// Whatever the question knew: the last look is the same judgement.
#[test]
fn what_others_need_is_not_ended_by_one_yes() {
    stage_with_pids(|| {
        let proxy = [
            "-proto",
            "tcp",
            "-container-ip",
            "172.17.0.2",
            "-container-port",
            "80",
        ];
        for (name, arguments, what) in [
            ("docker-proxy", &proxy[..], "the proxy of a container"),
            ("conmon", &["-n", "web"], "the monitor of a container"),
            ("dockerd", &["-H", "fd://"], "a container engine"),
            ("systemd", &["--user"], "a manager of services"),
            ("supervisord", &["-n"], "a supervisor"),
        ] {
            let socket = listener();
            let mut child = named(name, arguments, &socket);
            let targets = vec![target(child.id(), EndRole::Owner)];
            let mut asked = of(targets, inode(&socket));
            let told = refusal(&asked);
            assert!(
                told.starts_with("nothing was sent, not confirmed twice"),
                "{told}"
            );
            assert!(told.contains(what), "{told}");
            assert_eq!(child.try_wait().unwrap(), None, "{name}");
            asked.confirmed = Confirmed::Twice;
            assert!(end(&asked).0);
            child.wait().unwrap();
        }
    });
}
