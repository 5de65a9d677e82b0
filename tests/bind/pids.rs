//! Who has the holder, wherever a pid exists: also where no tool looks.

use std::io::{BufRead as _, BufReader, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use sockeye::inspect::this_machine;
use sockeye::model::{
    Answered, Evidence, FoundIn, GapCode, Holder, Moment, Owner, Protocol, State,
};

use crate::bind::helpers::helper;
use crate::bind::holders::{Kind, Manner, as_nobody};
use crate::support::netns::{has_users, in_netns_with_users, stage, stage_in_first_pidns};

const PORT: u16 = 20_000;

/// The helper that holds a listener in an unusual place; ended with the test.
struct Hiding {
    child: Child,
    /// The pid of its own child, if it has one.
    heir: Option<u32>,
}

impl Hiding {
    /// `None` where this kernel has no such place.
    fn start(mode: &str) -> Option<Self> {
        let mut child = Command::new(helper("hiding"))
            .args([mode, &PORT.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            said.push(line.unwrap());
            if said.ends_with(&["ready".to_owned()]) {
                let heir = said[0].parse().ok();
                return Some(Self { child, heir });
            }
        }
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(126), "{mode}");
        eprintln!("NOT RUN: this kernel has no {mode}");
        None
    }
}

impl Drop for Hiding {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        match self.child.wait() {
            Err(error) if error.kind() != ErrorKind::InvalidInput => eprintln!("{error}"),
            _ => {}
        }
    }
}

fn evidence(protocol: Protocol) -> Evidence {
    let at = Moment {
        steady: Duration::ZERO,
        wall: Timestamp::UNIX_EPOCH,
    };
    let mut inspector = this_machine();
    let mut evidence = inspector.rows(protocol, PORT, at);
    // As it is after a bind that such a holder refused.
    inspector.explain(&mut evidence, protocol, PORT, Answered::Refused);
    evidence
}

fn only_holder() -> Holder {
    let mut holders = evidence(Protocol::Tcp).holders;
    assert_eq!(holders.len(), 1, "{holders:?}");
    holders.remove(0)
}

/// Without the processes that have ended since: `nft` runs at the same time, and between its fork and its exec it
/// shares the sockets of this process.
fn pids(holder: &Holder) -> Vec<u32> {
    let processes = holder.socket.owner.present().iter();
    let pids = processes.map(|process| process.pid);
    pids.filter(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists())
        .collect()
}

/// The holder is this helper's alone, and found in this place.
fn is_found_in(mode: &str, place: FoundIn) {
    let Some(hiding) = Hiding::start(mode) else {
        return;
    };
    let holder = only_holder();
    let found = (holder.found_in, pids(&holder));
    assert_eq!(found, (place, vec![hiding.child.id()]));
}

#[test]
fn a_ring_that_a_socket_is_registered_with() {
    stage(|| is_found_in("ring", FoundIn::Ring));
}

#[test]
fn a_thread_with_its_own_descriptor_table() {
    stage(|| is_found_in("thread", FoundIn::Thread));
}

/// Threads were counted over all processes, so the crowd left none to look at.
#[test]
fn a_thread_with_its_own_descriptor_table_beside_a_process_of_many_threads() {
    stage(|| {
        if let Some(_crowd) = Hiding::start("crowd") {
            is_found_in("thread", FoundIn::Thread);
        }
    });
}

#[test]
fn a_process_whose_first_thread_has_ended() {
    stage(|| is_found_in("zombie", FoundIn::Thread));
}

#[test]
fn a_message_that_waits() {
    stage(|| is_found_in("flight", FoundIn::InFlight));
}

/// The sender has none of it any more, though it still runs.
#[test]
fn the_receiver_of_a_message_that_waits() {
    stage(|| {
        let hiding = Hiding::start("sent").unwrap();
        let holder = only_holder();
        let found = (holder.found_in, pids(&holder));
        assert_eq!(found, (FoundIn::InFlight, vec![hiding.heir.unwrap()]));
    });
}

#[test]
fn a_process_that_bound_it_and_does_not_listen() {
    stage(|| {
        let manner = Manner {
            reuse_address: false,
            reuse_port: false,
            is_of_nobody: false,
            address: "127.0.0.1",
            v6only: false,
            over_ipv4: false,
            device: None,
        };
        let _bound = Kind::Bound.make(manner, PORT).unwrap();
        let holder = only_holder();
        assert_eq!(holder.socket.state, State::Bound);
        let found = (holder.found_in, pids(&holder));
        assert_eq!(found, (FoundIn::Descriptors, vec![std::process::id()]));
    });
}

#[test]
fn a_child_that_inherited_it_and_its_parent() {
    stage(|| {
        let hiding = Hiding::start("child").unwrap();
        let mut expected = vec![hiding.child.id(), hiding.heir.unwrap()];
        expected.sort_unstable();
        let holder = only_holder();
        assert_eq!(
            (holder.found_in, pids(&holder)),
            (FoundIn::Descriptors, expected)
        );
    });
}

#[test]
fn hidden_from_a_user_who_may_not_read_the_process() {
    let name = "pids::hidden_from_a_user_who_may_not_read_the_process";
    in_netns_with_users(name, || {
        if !has_users() {
            println!("NOT RUN: no other users here");
            return;
        }
        let hiding = Hiding::start("child").unwrap();
        let mut seen = as_nobody(|| evidence(Protocol::Tcp));
        let holder = seen.holders.remove(0);
        assert_eq!(holder.socket.owner, Owner::Hidden);
        assert_eq!((holder.socket.uid, holder.options), (Some(0), None));
        let codes: Vec<_> = seen.gaps.iter().map(|gap| gap.code).collect();
        assert!(codes.contains(&GapCode::Owners), "{codes:?}");
        assert!(pids(&only_holder()).contains(&hiding.child.id()));
    });
}

/// It has no inode yet: its listener has it.
#[test]
fn the_listener_of_a_connection_that_waits_to_be_accepted() {
    stage(|| {
        let _listener = TcpListener::bind(("127.0.0.1", PORT)).unwrap();
        let _client = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
        let holders = evidence(Protocol::Tcp).holders;
        let [listening, waiting] = &holders[..] else {
            panic!("{holders:?}")
        };
        assert_eq!(listening.socket.state, State::Listen);
        assert_eq!(waiting.socket.inode, None);
        for holder in [listening, waiting] {
            assert_eq!(pids(holder), [std::process::id()]);
        }
    });
}

/// A message with another socket gives the kernel's socket no owner.
#[test]
fn the_kernel_alone() {
    stage_in_first_pidns(|| {
        let _courier = Hiding::start("flight").unwrap();
        let ip =
            format!("ip link add vx0 type vxlan id 7 dstport {PORT} dev lo && ip link set vx0 up");
        if !Command::new("sh")
            .args(["-c", &ip])
            .status()
            .unwrap()
            .success()
        {
            eprintln!("NOT RUN: this kernel has no VXLAN");
            return;
        }
        let holders = evidence(Protocol::Udp).holders;
        assert!(!holders.is_empty());
        for holder in holders {
            assert_eq!(holder.socket.owner, Owner::Kernel);
            assert!(holder.socket.inode.is_some());
        }
    });
}

#[test]
fn no_process_any_more() {
    stage(|| {
        let listener = TcpListener::bind(("127.0.0.1", PORT)).unwrap();
        let client = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
        drop(listener.accept().unwrap());
        drop(listener);
        let holder = only_holder();
        let socket = &holder.socket;
        assert_eq!(
            (socket.inode, &socket.owner),
            (None, &Owner::None),
            "{socket:?}"
        );
        drop(client);
    });
}
