//! What the rules foretell of random binds beside random holders, held against the kernel.
//!
//! `SOCKEYE_SEED=N` repeats a run; the seed of each is printed.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use socket2::Type;
use sockeye::bind::rules::{Answer, Prediction, Request, predict};
use sockeye::model::{Answered, Holder, Moment, Protocol};
use sockeye::source::Investigator;

use crate::holders::{KINDS, Manner};
use crate::support::netns::in_netns_with_users;

/// How many holders are made; each meets a few binds.
const HOLDERS: u16 = 1000;

/// Of each holder, how many binds are tried beside it, one with `SO_REUSEPORT` last: its success
/// leaves a mark in the kernel's table of that port.
const REQUESTS: usize = 5;

/// The first port; each holder has one of its own, below the ephemeral range.
const FIRST_PORT: u16 = 10_000;

pub const ADDRESSES: [(&str, bool); 7] = [
    ("0.0.0.0", false),
    ("127.0.0.1", false),
    ("127.0.0.2", false),
    ("::", false),
    ("::", true),
    ("::1", false),
    ("::ffff:127.0.0.1", false),
];

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.roll() % limit as u64).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn manner(&mut self, has_users: bool) -> Manner {
        let (address, v6only) = ADDRESSES[self.below(ADDRESSES.len())];
        Manner {
            reuse_address: self.one_in(2),
            reuse_port: self.one_in(3),
            is_of_nobody: has_users && self.one_in(4),
            address,
            v6only,
            on_lo: self.one_in(8),
        }
    }
}

/// What happened in one run.
#[derive(Debug, Default)]
struct Tally {
    cells: usize,
    refused: usize,
    doubtful: usize,
    doubtful_if_unread: usize,
    wrong: Vec<String>,
}

#[test]
fn the_kernel_answers_as_foretold() {
    in_netns_with_users("differential::the_kernel_answers_as_foretold", || {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        let seed = std::env::var("SOCKEYE_SEED").map_or_else(
            |_| u64::try_from(now.as_nanos() % 1_000_000_007).unwrap(),
            |seed| seed.parse().expect("SOCKEYE_SEED is a number"),
        );
        println!("seed {seed}: SOCKEYE_SEED={seed} repeats this run");
        let has_users = std::fs::read_to_string("/proc/self/uid_map")
            .unwrap()
            .trim_start()
            .starts_with("0          0");
        if !has_users {
            println!("no other users here: holders and binds of nobody are left out");
        }
        let mut dice = Dice(seed);
        let mut tally = Tally::default();
        let mut investigator = Investigator::new();
        for port in FIRST_PORT..FIRST_PORT + HOLDERS {
            beside_holders(&mut dice, &mut tally, &mut investigator, port, has_users);
        }
        println!(
            "{} cells: {} refused, {} doubtful; {} doubtful with no options read",
            tally.cells, tally.refused, tally.doubtful, tally.doubtful_if_unread
        );
        let wrong = &tally.wrong;
        assert!(
            wrong.is_empty(),
            "seed {seed}: {} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        assert!(tally.cells >= 2000, "only {} cells", tally.cells);
        assert!(
            tally.refused * 4 > tally.cells,
            "too few binds were refused"
        );
    });
}

/// One port: a holder or two, what is known of them, and binds beside them.
fn beside_holders(
    dice: &mut Dice,
    tally: &mut Tally,
    investigator: &mut Investigator,
    port: u16,
    has_users: bool,
) {
    let kind = KINDS[dice.below(KINDS.len())];
    let manner = dice.manner(has_users);
    let mut made = vec![(kind, manner)];
    let mut kept = match kind.make(manner, port) {
        Ok(sockets) => sockets,
        Err(error) => panic!("{kind:?} {manner:?}: {error}"),
    };
    if dice.one_in(4) {
        let (kind, manner) = (KINDS[dice.below(KINDS.len())], dice.manner(has_users));
        // Where the first is in its way there is just the first.
        if let Ok(sockets) = kind.make(manner, port) {
            kept.extend(sockets);
            made.push((kind, manner));
        }
    }
    let protocol = if kind.is_udp() {
        Protocol::Udp
    } else {
        Protocol::Tcp
    };
    let at = Moment {
        steady: Duration::ZERO,
        wall: Timestamp::UNIX_EPOCH,
    };
    let mut evidence = investigator.rows(protocol, port, at);
    investigator.explain(&mut evidence, protocol, port, Answered::Refused);
    assert!(!evidence.holders.is_empty(), "{made:?} has no row");
    for request in 0..REQUESTS {
        let mut asked = dice.manner(has_users);
        asked.reuse_port = request == REQUESTS - 1;
        let told = foretold(asked, protocol, &evidence.holders);
        let unread = foretold(asked, protocol, &unread(&evidence.holders));
        let kind = if protocol == Protocol::Udp {
            Type::DGRAM
        } else {
            Type::STREAM
        };
        let is_refused = match asked.bound(kind, None, port) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::AddrInUse => true,
            Err(error) => panic!("{asked:?}: {error}"),
        };
        tally.cells += 1;
        tally.refused += usize::from(is_refused);
        let mut hold = |told: &Prediction, what: &str| match told.is_refused() {
            Answer::Depends => 1,
            Answer::Yes if is_refused => 0,
            Answer::No if !is_refused => 0,
            answer => {
                let holders = &evidence.holders;
                tally.wrong.push(format!(
                    "{what}: {answer:?} but {is_refused}: {asked:?} beside {made:?} on {port}: {holders:?}"
                ));
                0
            }
        };
        tally.doubtful += hold(&told, "read");
        tally.doubtful_if_unread += hold(&unread, "unread");
        // Doubt is for what nobody can be asked about, and for whom `SO_REUSEPORT` lets pass.
        for &index in told.doubtful.iter().filter(|_| !asked.reuse_port) {
            let socket = &evidence.holders[index].socket;
            assert_eq!(socket.inode, None, "{asked:?} beside {made:?}: {socket:?}");
        }
    }
    drop(kept);
}

fn foretold(asked: Manner, protocol: Protocol, holders: &[Holder]) -> Prediction {
    let request = Request {
        protocol,
        address: asked.at(0).ip(),
        v6only: asked.v6only,
        reuse_address: asked.reuse_address,
        reuse_port: asked.reuse_port,
        uid: Some(if asked.is_of_nobody { 65_534 } else { 0 }),
        device: asked.on_lo.then(|| "lo".into()),
    };
    predict(&request, holders)
}

/// The same holders to one who may not ask them for their options.
fn unread(holders: &[Holder]) -> Vec<Holder> {
    let unread = |holder: &Holder| Holder {
        options: None,
        v6only: holder.v6only.filter(|_| holder.socket.remote.is_none()),
        ..holder.clone()
    };
    holders.iter().map(unread).collect()
}
