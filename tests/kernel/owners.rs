//! Who has a socket, and how that is kept up to date.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use socket2::Type;
use sockeye::model::{OwnerKind, Snapshot, Socket};
use sockeye::source::{Source as _, System};

use crate::kernel::scene::{
    InheritingChild, Row, assert_rows, at, bound, is_inner, listener, listener_with, rows,
    run_under, snapshot,
};
use crate::support::netns::{in_netns, stage_in_first_pidns};

/// The pids of the only row.
fn pids(snapshot: &Snapshot) -> Vec<u32> {
    let [socket] = &snapshot.sockets[..] else {
        panic!("{:?}", snapshot.sockets)
    };
    socket
        .owner
        .processes()
        .iter()
        .map(|process| process.pid)
        .collect()
}

#[test]
fn a_socket_of_three_processes_names_all_three() {
    in_netns(
        "owners::a_socket_of_three_processes_names_all_three",
        || {
            let shared = listener_with("127.0.0.1:8080", |socket| socket.set_cloexec(false));
            let (one, two) = (InheritingChild::start(), InheritingChild::start());
            let own = std::process::id();
            let seen = snapshot();
            let three = vec![own, one.pid(), two.pid()];
            let expected = Row::listen("tcp", "127.0.0.1:8080", &shared).owner("known", three);
            assert_rows(&seen, [expected]);
            let child = &seen.processes[&one.pid()];
            assert_eq!(
                (&*child.name, child.command.as_deref()),
                ("sleep", Some("sleep 1000"))
            );
            assert_eq!(
                (child.parent, child.user.as_deref()),
                (Some(own), Some("root"))
            );
            assert_eq!(seen.sockets[0].user.as_deref(), Some("root"));
            assert!(seen.processes.contains_key(&own), "ancestors are known too");
        },
    );
}

#[test]
fn a_new_owner_is_noticed_and_one_that_ended_is_dropped() {
    in_netns(
        "owners::a_new_owner_is_noticed_and_one_that_ended_is_dropped",
        || {
            let _shared = listener_with("127.0.0.1:8080", |socket| socket.set_cloexec(false));
            let own = std::process::id();
            let mut system = System::new();
            assert_eq!(pids(&system.take(at(0)).unwrap()), [own]);
            let inheritor = InheritingChild::start();
            let mut both = [own, inheritor.pid()];
            both.sort_unstable();
            assert_eq!(pids(&system.take(at(10)).unwrap()), both, "after a round");
            drop(inheritor);
            assert_eq!(pids(&system.take(at(11)).unwrap()), [own], "without one");
        },
    );
}

#[test]
fn a_socket_that_outlives_its_known_owner_is_searched_for_at_once() {
    let name = "owners::a_socket_that_outlives_its_known_owner_is_searched_for_at_once";
    in_netns(name, || {
        let shared = listener_with("127.0.0.1:8080", |socket| socket.set_cloexec(false));
        let mut parent = Parent::start();
        drop(shared);
        let mut system = System::new();
        assert_eq!(pids(&system.take(at(0)).unwrap()), [parent.shell.id()]);
        let heir = parent.have_a_child();
        assert_eq!(
            pids(&system.take(at(1)).unwrap()),
            [parent.shell.id()],
            "not noticed yet"
        );
        parent.end_shell();
        assert_eq!(pids(&system.take(at(2)).unwrap()), [heir]);
    });
}

#[test]
fn a_snapshot_for_one_port_says_the_same_of_it_as_a_whole_one() {
    let name = "owners::a_snapshot_for_one_port_says_the_same_of_it_as_a_whole_one";
    in_netns(name, || {
        let shared = listener_with("127.0.0.1:8080", |socket| socket.set_cloexec(false));
        let _inheritor = InheritingChild::start();
        shared.set_cloexec(true).unwrap();
        let _others = [listener("127.0.0.2:8080"), listener("127.0.0.1:9090")];
        let _waiting = TcpStream::connect("127.0.0.1:8080").unwrap();
        let is_asked = |socket: &Socket| socket.local.to_string() == "127.0.0.1:8080";
        let requested = |snapshot: Snapshot| -> Vec<Socket> {
            // The second snapshot comes later.
            let ageless = |socket| Socket {
                age: None,
                ..socket
            };
            let sockets = snapshot.sockets.into_iter();
            sockets.filter(is_asked).map(ageless).collect()
        };
        let whole = requested(System::new().take_once(at(0)).unwrap());
        let those = |sockets: &[Socket]| sockets.iter().map(is_asked).collect();
        let seen = System::new().take_with_owners_of(at(0), those).unwrap();
        let owner = |local: &str| {
            let is_it = |socket: &&Socket| socket.local.to_string() == local;
            seen.sockets.iter().find(is_it).unwrap().owner.kind()
        };
        assert_eq!(
            owner("127.0.0.2:8080"),
            OwnerKind::Known,
            "it may be in conflict"
        );
        assert_eq!(owner("127.0.0.1:9090"), OwnerKind::Unknown);
        assert_eq!((whole.len(), &whole), (2, &requested(seen)));
        assert!(
            whole.iter().all(|socket| socket.owner.present().len() == 2),
            "{whole:?}"
        );
    });
}

/// A shell that starts a child on command. Both are ended with the test.
struct Parent {
    shell: Child,
    child: Option<u32>,
}

impl Parent {
    fn start() -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "read go; sleep 1000 & echo $!; read stop"]);
        let shell = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { shell, child: None }
    }

    /// Has the shell start a child, which inherits what the shell has.
    fn have_a_child(&mut self) -> u32 {
        self.shell
            .stdin
            .as_ref()
            .unwrap()
            .write_all(b"go\n")
            .unwrap();
        let mut line = String::new();
        BufReader::new(self.shell.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        *self.child.insert(line.trim().parse().unwrap())
    }

    fn end_shell(&mut self) {
        self.shell.kill().unwrap();
        self.shell.wait().unwrap();
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.shell.kill().and_then(|()| self.shell.wait());
        if let Some(child) = self.child {
            let _ = Command::new("kill").arg(child.to_string()).status();
        }
    }
}

#[test]
fn the_kernels_own_socket_is_the_kernels_at_the_second_scan() {
    stage_in_first_pidns(|| {
        // In a namespace of its own: an ordinary user's `unshare`, which still waits in
        // the outer one, may not be read, and so it could be the one that has the socket.
        run_under(&["unshare", "-n"], "owners::reader_of_the_kernels_socket");
    });
}

#[test]
fn reader_of_the_kernels_socket() {
    if !is_inner("owners::reader_of_the_kernels_socket") {
        return;
    }
    let vxlan = "ip link add vx0 type vxlan id 7 dstport 4789 dev lo && ip link set vx0 up";
    let script = format!("ip link set lo up && {vxlan}");
    if !Command::new("sh")
        .args(["-c", &script])
        .status()
        .unwrap()
        .success()
    {
        println!("NOT RUN: the kernel has no vxlan");
        return;
    }
    let own = bound(Type::DGRAM, "127.0.0.1:5353", |_| Ok(()));
    let mut system = System::new();
    let own_rows = [Row::new("udp", "UNCONN", "127.0.0.1:5353", &own)];
    for kind in ["none", "kernel", "kernel"] {
        let seen = system.take(at(0)).unwrap();
        let (kernels, others): (Vec<_>, Vec<_>) = rows(&seen).into_iter().partition(Row::is_vxlan);
        assert!(
            !kernels.is_empty() && kernels.iter().all(|row| row.has_owner(kind)),
            "{kernels:?}"
        );
        assert_eq!(others, own_rows);
    }
    let single = rows(&snapshot());
    let kernels = single.iter().filter(|row| row.is_vxlan());
    assert!(kernels.clone().count() > 0 && kernels.clone().all(|row| row.has_owner("kernel")));
}
