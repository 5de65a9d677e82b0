//! The predictions of the rules for random binds beside random holders, compared with the kernel.
//!
//! Each bind is predicted three times: from the evidence, from the evidence without the holders' options
//! (which not every user may read), and with the options of leftovers, which only the test knows. Doubt is
//! allowed where something could not be read; a wrong answer never is.
//!
//! `SOCKEYE_SEED=N` repeats a run; the seed of each is printed.

use std::io::ErrorKind;
use std::process::Command;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use socket2::{Socket, Type};
use sockeye::bind::rules::{Answer, Prediction, Request, predict};
use sockeye::inspect::this_machine;
use sockeye::model::{Answered, Holder, Moment, Protocol, SocketOptions};

use crate::bind::holders::{KINDS, Kind, Manner};
use crate::support::netns::{has_users, in_netns_with_users};

/// How many holders are made; each meets a few binds.
const HOLDERS: u16 = 1000;

/// Of each holder, how many binds are tried beside it, one with `SO_REUSEPORT` last: its success
/// leaves a mark in the kernel's table of that port.
const REQUESTS: usize = 5;

/// The first port; each holder has one of its own, below the ephemeral range.
const FIRST_PORT: u16 = 10_000;

/// Addresses, and whether a socket there is for IPv6 alone.
pub const ADDRESSES: [(&str, bool); 8] = [
    ("0.0.0.0", false),
    ("127.0.0.1", false),
    ("127.0.0.2", false),
    ("::", false),
    ("::", true),
    ("::1", false),
    ("::ffff:0.0.0.0", false),
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
            over_ipv4: self.one_in(2),
            device: self.one_in(8).then_some("lo"),
        }
    }
}

/// What happened in one run.
#[derive(Debug, Default)]
struct Tally {
    cells: usize,
    refused: usize,
    /// Doubts by what was known.
    doubts: [usize; 3],
    wrong: Vec<String>,
}

/// What the holders' side of a prediction is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knowledge {
    /// From the evidence.
    Read,
    /// The same without any options.
    Unread,
    /// The same with what only the test knows.
    Full,
}

struct Run {
    dice: Dice,
    inspector: Box<dyn sockeye::inspect::PortInspector>,
    tally: Tally,
    has_users: bool,
    /// An interface that no holder is bound to.
    other_device: Option<&'static str>,
}

/// What holds one port: a holder or two.
struct Held {
    port: u16,
    made: Vec<(Kind, Manner)>,
    /// Whether nothing else was tried there.
    is_alone: bool,
    /// Open as long as this lives.
    _sockets: Vec<Socket>,
}

#[test]
fn the_kernel_answers_as_predicted() {
    in_netns_with_users("differential::the_kernel_answers_as_predicted", || {
        let seed = seed();
        println!("seed {seed}: SOCKEYE_SEED={seed} repeats this run");
        let mut run = Run::new(seed);
        for port in FIRST_PORT..FIRST_PORT + HOLDERS {
            run.beside_holders(port);
        }
        let Tally {
            cells,
            refused,
            doubts: [read, unread, full],
            wrong,
        } = run.tally;
        println!(
            "{cells} cells: {refused} refused; in doubt: {read}, {unread} with no options read, {full} \
             with all that the test knows"
        );
        assert!(
            wrong.is_empty(),
            "seed {seed}: {} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        assert!(cells >= 2000, "only {cells} cells");
        assert!(refused * 4 > cells, "too few binds were refused");
    });
}

fn seed() -> u64 {
    let by_clock = |_| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        u64::try_from(now.unwrap().as_nanos() % 1_000_000_007).unwrap()
    };
    let told = std::env::var("SOCKEYE_SEED");
    told.map_or_else(by_clock, |seed| {
        seed.parse().expect("SOCKEYE_SEED is a number")
    })
}

/// A second interface, of the first kind that this kernel knows.
fn other_device() -> Option<&'static str> {
    let make = |kind: &str| {
        let mut ip = Command::new("ip");
        let output = ip.args(["link", "add", "d0", "type", kind]).output();
        output.unwrap().status.success()
    };
    let mut kinds = ["dummy", "bridge", "veth"].iter();
    kinds.any(|kind| make(kind)).then_some("d0")
}

impl Run {
    fn new(seed: u64) -> Self {
        let (has_users, other_device) = (has_users(), other_device());
        if !has_users {
            println!("no other users here: holders and binds of nobody are left out");
        }
        if other_device.is_none() {
            println!("no second interface can be made here: binds to it are left out");
        }
        Self {
            dice: Dice(seed),
            inspector: this_machine(),
            tally: Tally::default(),
            has_users,
            other_device,
        }
    }

    /// One port: its holders, what is known of them, and binds beside them.
    fn beside_holders(&mut self, port: u16) {
        let held = self.hold(port);
        let protocol = held.made[0].0.protocol();
        let holders = self.seen(&held, protocol);
        let unread = unread(&holders);
        let full = held
            .is_alone
            .then(|| with_all_known(&holders, held.made[0]));
        for request in 1..=REQUESTS {
            let asked = self.request(request == REQUESTS);
            let is_refused = is_refused(asked, protocol, port);
            self.tally.cells += 1;
            self.tally.refused += usize::from(is_refused);
            let known = [
                (Knowledge::Read, Some(&holders)),
                (Knowledge::Unread, Some(&unread)),
                (Knowledge::Full, full.as_ref()),
            ];
            for (knowledge, holders) in known {
                if let Some(holders) = holders {
                    self.compare(knowledge, holders, &held, asked, is_refused);
                }
            }
        }
    }

    fn hold(&mut self, port: u16) -> Held {
        let (kind, manner) = self.holder();
        let mut sockets = kind
            .make(manner, port)
            .unwrap_or_else(|error| panic!("{kind:?} {manner:?}: {error}"));
        let mut made = vec![(kind, manner)];
        let is_alone = !self.dice.one_in(4);
        if !is_alone {
            let (kind, manner) = self.holder();
            // Where the first is in its way there is just the first.
            if let Ok(more) = kind.make(manner, port) {
                sockets.extend(more);
                made.push((kind, manner));
            }
        }
        Held {
            port,
            made,
            is_alone,
            _sockets: sockets,
        }
    }

    fn holder(&mut self) -> (Kind, Manner) {
        let kind = KINDS[self.dice.below(KINDS.len())];
        (kind, self.dice.manner(self.has_users))
    }

    /// The evidence about the holders, which must contain each of them.
    fn seen(&mut self, held: &Held, protocol: Protocol) -> Vec<Holder> {
        let at = Moment {
            steady: Duration::ZERO,
            wall: Timestamp::UNIX_EPOCH,
        };
        let mut evidence = self.inspector.rows(protocol, held.port, at);
        self.inspector
            .explain(&mut evidence, protocol, held.port, Answered::Refused);
        let holders = evidence.holders;
        let of_protocol = held.made.iter().map(|(kind, _)| *kind);
        for kind in of_protocol.filter(|kind| kind.protocol() == protocol) {
            let mut states = holders.iter().map(|holder| holder.socket.state);
            let (port, made) = (held.port, &held.made);
            assert!(
                states.any(|state| state == kind.state()),
                "no {} of {made:?} on {port}: {holders:?}",
                kind.state()
            );
        }
        holders
    }

    fn request(&mut self, reuse_port: bool) -> Manner {
        let mut asked = Manner {
            reuse_port,
            ..self.dice.manner(self.has_users)
        };
        // A single IPv6 address, which a mapped one is too, must be one of the interface.
        let is_everywhere = !matches!(asked.address, "::1" | "::ffff:127.0.0.1");
        if self.dice.one_in(8) && is_everywhere {
            asked.device = self.other_device;
        }
        asked
    }

    /// Holds a prediction against what the kernel said.
    fn compare(
        &mut self,
        knowledge: Knowledge,
        holders: &[Holder],
        held: &Held,
        asked: Manner,
        is_refused: bool,
    ) {
        let told = predicted(asked, held.made[0].0.protocol(), holders);
        let is_right = match told.is_refused() {
            Answer::Depends => {
                self.tally.doubts[knowledge as usize] += 1;
                may_doubt(knowledge, &told, holders, asked)
            }
            answer => (answer == Answer::Yes) == is_refused,
        };
        if !is_right {
            let (answer, port, made) = (told.is_refused(), held.port, &held.made);
            let kernel = if is_refused { "refused" } else { "let pass" };
            self.tally.wrong.push(format!(
                "{knowledge:?}: {answer:?} but {kernel}: {asked:?} beside {made:?} on {port}: {holders:?}"
            ));
        }
    }
}

/// Doubt is allowed only for options that can't be read. Apart from that, the kernel may let a bind with
/// `SO_REUSEPORT` pass because of a socket that shares, or once shared, the port.
fn may_doubt(knowledge: Knowledge, told: &Prediction, holders: &[Holder], asked: Manner) -> bool {
    let mut doubtful = told.doubtful.iter().map(|&index| &holders[index]);
    let shares = |holder: &Holder| holder.options.is_none_or(|options| options.reuse_port);
    let may_be_vouched_for = asked.reuse_port && holders.iter().any(shares);
    match knowledge {
        Knowledge::Unread => true,
        Knowledge::Read => {
            may_be_vouched_for || doubtful.all(|holder| holder.socket.inode.is_none())
        }
        Knowledge::Full => may_be_vouched_for,
    }
}

/// What the kernel says.
fn is_refused(asked: Manner, protocol: Protocol, port: u16) -> bool {
    let kind = match protocol {
        Protocol::Tcp => Type::STREAM,
        _ => Type::DGRAM,
    };
    match asked.bound(kind, None, port) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::AddrInUse => true,
        Err(error) => panic!("{asked:?}: {error}"),
    }
}

fn predicted(asked: Manner, protocol: Protocol, holders: &[Holder]) -> Prediction {
    let request = Request {
        protocol,
        address: asked.at(0).ip(),
        v6only: asked.v6only,
        reuse_address: asked.reuse_address,
        reuse_port: asked.reuse_port,
        uid: Some(if asked.is_of_nobody { 65_534 } else { 0 }),
        device: asked.device.map(Into::into),
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

/// The same holders with the options that can't be read. Those that were read must be as they were set.
fn with_all_known(holders: &[Holder], (kind, manner): (Kind, Manner)) -> Vec<Holder> {
    let options = SocketOptions {
        reuse_address: manner.reuse_address,
        reuse_port: manner.reuse_port,
    };
    let with_all_known = |holder: &Holder| {
        let mut socket = (*holder.socket).clone();
        let v6only = socket
            .local
            .address
            .is_ipv6()
            .then(|| manner.is_v6_alone(kind));
        // An IPv4 socket of Multipath TCP says something of it too, which means nothing.
        let is_as_made = holder.options.is_none_or(|read| read == options)
            && (v6only.is_none() || holder.v6only.is_none_or(|read| Some(read) == v6only));
        assert!(is_as_made, "{kind:?} {manner:?}: {holder:?}");
        // A uid of 0 with no inode may mean that there is none; what was accepted here is root's.
        socket.uid = socket.uid.or(Some(0));
        Holder {
            socket: socket.into(),
            options: Some(options),
            v6only,
            ..holder.clone()
        }
    };
    holders.iter().map(with_all_known).collect()
}
