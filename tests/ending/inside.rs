//! An end in another network namespace: the process there gets the signal, not the one with the same port here, and
//! whether the port is free is found out there.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::sync::Arc;

use sockeye::app::{Ending, Msg, PortToFree, RowNamespace};
use sockeye::clock::Clock;
use sockeye::inspect::{AccessError, NamespaceAccess, run_in};
use sockeye::model::{Endpoint, Namespace, NamespaceId, Owner, Protocol, Socket, State};
use sockeye::runtime::end_process::{end_and_watch, inspect_owner};
use sockeye::source::System;

use crate::ending::scene::{Server, inode, listener};
use crate::support::netns::stage;

/// A process that keeps a network namespace.
struct Keeper(std::process::Child);

impl Keeper {
    fn start() -> Self {
        let script = "ip link set lo up; echo up; exec sleep 600";
        let mut command = Command::new("unshare");
        command.args(["-n", "sh", "-ec", script]);
        command.stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.as_mut().unwrap();
        let mut up = [0; 3];
        std::io::Read::read_exact(out, &mut up).unwrap();
        Self(child)
    }

    fn namespace(&self) -> Arc<Namespace> {
        let file = format!("/proc/{}/ns/net", self.0.id());
        Arc::new(Namespace {
            id: NamespaceId(1),
            inode: Some(std::fs::metadata(file).unwrap().ino()),
            cookie: None,
            name: "inside".into(),
            container: None,
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same request as a question about a row of the namespace.
fn inside(ending: Ending, namespace: &Arc<Namespace>) -> Ending {
    let row = RowNamespace {
        container: None,
        namespace: Arc::clone(namespace),
        owners: ending.owners.clone(),
    };
    let port = ending.port.map(|port| PortToFree {
        namespace: Some(row),
        ..port
    });
    Ending { port, ..ending }
}

fn outcome(ending: &Ending) -> (bool, String) {
    match end_and_watch(ending, Clock::start(), &mut |_| ()) {
        Msg::EndOutcome { succeeded, message } => (succeeded, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_process_inside_ends_and_the_one_with_the_same_port_here_does_not() {
    stage(|| {
        let keeper = Keeper::start();
        let namespace = keeper.namespace();
        let access = NamespaceAccess::of(&namespace, &[]).unwrap();
        let socket = run_in(Some(&access), listener).unwrap();
        let number = inode(&socket);
        let mut server = Server::with(socket);
        let mut here = Server::with(listener());
        let (succeeded, message) = outcome(&inside(server.ending(number), &namespace));
        assert!(
            succeeded && message.contains("port 20000 is free"),
            "{message}"
        );
        assert!(server.wait_for_signal().is_some());
        assert!(here.answers());
    });
}

#[test]
fn a_port_that_another_process_inside_keeps_is_not_free() {
    stage(|| {
        let keeper = Keeper::start();
        let namespace = keeper.namespace();
        let access = NamespaceAccess::of(&namespace, &[]).unwrap();
        let sockets = run_in(Some(&access), || [listener(), listener()]).unwrap();
        let [first, second] = sockets;
        let number = inode(&first);
        let server = Server::with(first);
        let mut other = Server::with(second);
        let (succeeded, message) = outcome(&inside(server.ending(number), &namespace));
        assert!(!succeeded, "{message}");
        assert!(other.answers());
    });
}

#[test]
fn another_namespace_than_the_one_shown_is_never_entered() {
    stage(|| {
        let keeper = Keeper::start();
        let mut namespace = keeper.namespace();
        let access = NamespaceAccess::of(&namespace, &[keeper.0.id()]).unwrap();
        assert!(access.run(|| ()).is_ok());
        // Its pid is that of a process in another namespace by now.
        Arc::make_mut(&mut namespace).inode = Some(1);
        let gone = NamespaceAccess::of(&namespace, &[keeper.0.id()]);
        assert!(matches!(gone, Err(AccessError::Gone(_))));
        drop(keeper);
        assert!(matches!(access.run(|| ()), Err(AccessError::Gone(_))));
    });
}

/// The number of a namespace that ended is that of the next one, which was taken for it: binds were made there.
#[test]
fn a_namespace_with_the_number_of_the_one_shown_is_never_entered() {
    stage(|| {
        let enters = |namespace: &Arc<Namespace>, keeper: &Keeper| {
            let access = NamespaceAccess::of(namespace, &[keeper.0.id()]);
            run_in(Some(&access.unwrap()), || true)
        };
        // The kernel gives the lowest number that is free to the next namespace, and other tests make some too.
        let (shown, again) = (0..50)
            .find_map(|_| {
                let keeper = Keeper::start();
                let made = keeper.namespace();
                let access = NamespaceAccess::of(&made, &[]).unwrap();
                let socket = run_in(Some(&access), listener).unwrap();
                let shown = shown(inode(&socket));
                assert_eq!(shown.inode, made.inode);
                assert!(
                    shown.cookie.is_some(),
                    "the kernel has cookies since Linux 5.14"
                );
                assert_eq!(enters(&shown, &keeper), Ok(true));
                drop((socket, keeper));
                let mut others = (0..100).map(|_| Keeper::start());
                let again = others.find(|one| one.namespace().inode == shown.inode);
                again.map(|again| (shown, again))
            })
            .expect("a number is given again");
        let entered = enters(&shown, &again);
        assert!(matches!(entered, Err(AccessError::Gone(_))), "{entered:?}");
        assert_eq!(enters(&again.namespace(), &again), Ok(true));
        let socket = run_in(
            Some(&NamespaceAccess::of(&again.namespace(), &[]).unwrap()),
            listener,
        );
        let now = self::shown(inode(&socket.unwrap()));
        assert_ne!(now.cookie, shown.cookie);
    });
}

/// A namespace that can't be entered: its number may not be read.
fn closed() -> Arc<Namespace> {
    Arc::new(Namespace {
        id: NamespaceId(1),
        inode: None,
        cookie: None,
        name: "inside".into(),
        container: None,
    })
}

/// It was called free as nothing could be tested.
#[test]
fn a_port_that_could_not_be_tested_is_not_called_free() {
    stage(|| {
        let socket = listener();
        let number = inode(&socket);
        let mut server = Server::run(socket, "trap '' TERM; echo up; exec cat", None);
        assert_eq!(server.next_line(), "up\n");
        let (succeeded, message) = outcome(&inside(server.ending(number), &closed()));
        assert!(!succeeded && message.contains("still running"), "{message}");
        assert!(!message.contains("is free"), "{message}");
        assert!(server.answers());
    });
}

/// What was said about the socket was that of the same port in our namespace, with its limits and commands.
#[test]
fn of_a_namespace_that_can_not_be_entered_only_the_processes_are_inspected() {
    stage(|| {
        let socket = listener();
        let number = inode(&socket);
        let server = Server::with(socket);
        let ending = server.ending(number);
        let local = Endpoint::new([127, 0, 0, 1].into(), 20_000);
        let processes = ending.targets.iter().map(|one| Arc::clone(&one.process));
        let mut socket = Socket {
            owner: Owner::Known(processes.collect()),
            ..Socket::new(Protocol::Tcp, local, None, State::Listen)
        };
        let inspected = |socket: &Socket| match inspect_owner(1, socket, Clock::start()) {
            Msg::OwnerInspected(inspected) => *inspected,
            other => panic!("{other:?}"),
        };
        let own = inspected(&socket).limits;
        assert!(own.ephemeral.is_some() && own.inside.is_none(), "{own:?}");
        socket.namespace = Some(closed());
        let found = inspected(&socket);
        assert_eq!(found.backgrounds.len(), 1);
        assert_eq!(found.backgrounds[0].pid, server.pid());
        let limits = found.limits;
        assert_eq!(limits.uid, own.uid);
        assert!(limits.ephemeral.is_none() && limits.unprivileged_from.is_none());
        let inside = limits.inside.expect("it is known which one it is");
        assert_eq!(inside.namespace, closed());
        assert_eq!((&inside.option, &inside.enter), (&None, &None));
    });
}

/// The namespace of a socket, as the table has it.
fn shown(socket: u32) -> Arc<Namespace> {
    let mut system = System::new().with_all_namespaces();
    let snapshot = system.take_once(Clock::start().now()).unwrap();
    let mut sockets = snapshot.sockets.into_iter();
    let found = sockets.find(|one| one.inode == Some(socket));
    found.unwrap().namespace.unwrap()
}
