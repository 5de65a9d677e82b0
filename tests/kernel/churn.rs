//! The index of owners under random forks, executions, passed and closed descriptors and ends, against
//! a scan of all of `/proc` that the test makes once things are quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};

use sockeye::model::{OwnerKind, Snapshot};
use sockeye::source::{Source as _, System};

use crate::kernel::scene::{at, fresh_seed};
use crate::program::built;
use crate::support::netns::in_netns;
use crate::support::wait_until;

/// How many orders are given between two times of quiet, and how often that is.
const ORDERS: usize = 120;
const QUIET_TIMES: u64 = 12;

/// No more processes than this at a time.
const MOST: usize = 30;

/// The orders for processes, each as often as it is listed here.
const ACTIONS: &[u8] = b"LLLLUUCCCCCAAAAXXXXXGGGGTTTTTFFFEEQ";

#[test]
fn owners_are_right_whatever_processes_did() {
    in_netns("churn::owners_are_right_whatever_processes_did", || {
        let start = start();
        println!("SOCKEYE_SEED={start} repeats the orders, not who obeys them");
        let (mut random, mut family) = (Random(start), Family::start());
        let (mut system, mut compared) = (System::new(), 0);
        for round in 1..=QUIET_TIMES {
            for order in 0..ORDERS {
                family.obey(random.pick(ACTIONS), random.next());
                // Readings in the middle of it all, and what they find is found at once.
                if order % 30 == 7 {
                    let now = 20 * round + order as u64 / 30;
                    // What ended between table and scan is gone from the second one.
                    system.take(at(now)).unwrap();
                    let seen = system.take(at(now)).unwrap();
                    assert_none_is_missing(&seen, &family);
                }
            }
            family.empty_the_mailbox();
            wait_until("those that ended are gone", || family_here() == family.size);
            // The time of a round after the last snapshot.
            let seen = system.take(at(20 * round + 13)).unwrap();
            compared += seen.sockets.len();
            assert_eq!(owners(&seen), scan(&seen), "round {round}");
        }
        assert!(
            compared > 50,
            "what was compared says little: {compared} sockets"
        );
    });
}

/// The owner of a socket that was opened since the last snapshot is found in this one. A socket in the mailbox has none.
fn assert_none_is_missing(seen: &Snapshot, family: &Family) {
    let is_missing = |socket: &&sockeye::model::Socket| {
        socket.inode.is_some() && socket.owner.kind() != OwnerKind::Known
    };
    let missing: Vec<_> = seen.sockets.iter().filter(is_missing).collect();
    assert!(
        missing.len() <= family.mail,
        "{} in the mailbox: {missing:?}",
        family.mail
    );
}

/// The owners of each inode as the snapshot has them.
fn owners(seen: &Snapshot) -> BTreeMap<u32, BTreeSet<u32>> {
    let with_inode = seen.sockets.iter().filter_map(|socket| {
        let pids = socket.owner.present().iter().map(|process| process.pid);
        Some((socket.inode?, pids.collect()))
    });
    with_inode.collect()
}

/// The same from `/proc`, every descriptor of every process.
fn scan(seen: &Snapshot) -> BTreeMap<u32, BTreeSet<u32>> {
    let inodes = seen.sockets.iter().filter_map(|socket| socket.inode);
    let mut owners: BTreeMap<u32, BTreeSet<u32>> =
        inodes.map(|inode| (inode, BTreeSet::new())).collect();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(descriptors) = std::fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        for link in descriptors
            .flatten()
            .filter_map(|one| std::fs::read_link(one.path()).ok())
        {
            let inode = link
                .to_str()
                .and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
            let inode = inode.and_then(|inode| inode.parse().ok());
            if let Some(pids) = inode.and_then(|inode: u32| owners.get_mut(&inode)) {
                pids.insert(pid);
            }
        }
    }
    owners
}

/// How many processes obey, those that are about to end among them.
fn family_here() -> usize {
    let own = std::fs::metadata("/proc/self/ns/net").unwrap().ino();
    let is_one = |process: &std::fs::DirEntry| {
        let name = std::fs::read(process.path().join("comm"));
        let network = std::fs::metadata(process.path().join("ns/net"));
        name.is_ok_and(|name| name == b"actor\n" || name == b"exe\n")
            && network.is_ok_and(|network| network.ino() == own)
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(is_one)
        .count()
}

/// The processes that obey. They end when no orders come any more.
struct Family {
    first: Child,
    orders: Option<PipeWriter>,
    answers: PipeReader,
    size: usize,
    /// How many sockets at most wait in the mailbox.
    mail: usize,
}

impl Family {
    fn start() -> Self {
        let (their_orders, orders) = std::io::pipe().unwrap();
        let (answers, their_answers) = std::io::pipe().unwrap();
        let (mail_in, mail_out) = UnixDatagram::pair().unwrap();
        let descriptors = [
            their_orders.as_raw_fd(),
            their_answers.as_raw_fd(),
            mail_in.as_raw_fd(),
            mail_out.as_raw_fd(),
        ];
        for end in [
            &their_orders as &dyn AsFd,
            &their_answers,
            &mail_in,
            &mail_out,
        ] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::empty()).unwrap();
        }
        let mut command = Command::new(built("kernel/churn/actor.c"));
        let first = command.args(descriptors.map(|one| one.to_string())).spawn();
        Self {
            first: first.unwrap(),
            orders: Some(orders),
            answers,
            size: 1,
            mail: 0,
        }
    }

    /// Gives an order, unless it would leave too many processes or none, and waits until it is done.
    fn obey(&mut self, what: u8, which: u8) {
        if what == b'F' && self.size == MOST || what == b'Q' && self.size == 1 {
            return;
        }
        let answer = self.order(what, which);
        match what {
            b'F' => self.size += 1,
            b'Q' => self.size -= 1,
            b'G' => self.mail += 1,
            b'T' if answer == b'-' => self.mail = 0,
            _ => {}
        }
    }

    fn order(&mut self, what: u8, which: u8) -> u8 {
        self.orders
            .as_mut()
            .unwrap()
            .write_all(&[what, which])
            .unwrap();
        let mut answer = [0];
        self.answers.read_exact(&mut answer).unwrap();
        answer[0]
    }

    fn empty_the_mailbox(&mut self) {
        while self.order(b'T', 0) != b'-' {}
        self.mail = 0;
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.first.wait();
        // The process with the other end of the answers lives.
        let _ = self.answers.read_to_end(&mut Vec::new());
    }
}

/// A new one for each run, unless one is to be repeated.
fn start() -> u64 {
    let seed = std::env::var("SOCKEYE_SEED").ok();
    seed.map_or_else(fresh_seed, |seed| seed.parse().unwrap())
}

/// xorshift64*: the orders need not be unforeseeable.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u8 {
        self.0 = (self.0 ^ 0x9E37_79B9_7F4A_7C15).max(1);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()[0]
    }

    fn pick(&mut self, from: &[u8]) -> u8 {
        from[usize::from(self.next()) * from.len() / 256]
    }
}
