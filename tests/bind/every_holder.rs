//! The verdict beside every kind of holder, with every set of options, on every address: the cause,
//! what servers can do (held against binds of the test's own), and the pid wherever there is one.

use std::io::ErrorKind;

use jiff::tz::TimeZone;
use socket2::Type;
use sockeye::bind::{Cause, Outcome, Start, Verdict};
use sockeye::clock::Clock;
use sockeye::inspect::BindTester;
use sockeye::model::{Evidence, Holder};

use crate::bind::differential::ADDRESSES;
use crate::bind::holders::{KINDS, Kind, Manner};
use crate::support::netns::stage;

/// Each holder has a port of its own.
const FIRST_PORT: u16 = 20_000;

#[test]
fn every_holder_gets_the_right_verdict() {
    stage(|| {
        let clock = Clock::start();
        let mut tester = BindTester::new(clock);
        let (mut port, mut wrong) = (FIRST_PORT, Vec::new());
        for kind in KINDS {
            for (address, v6only) in ADDRESSES {
                for options in 0..4 {
                    port += 1;
                    let manner = Manner::with_options((address, v6only), options);
                    let kept = kind.make(manner, port).unwrap();
                    let servers = [true, false].map(|reuse| server_can_start(kind, reuse, port));
                    let target = if kind.is_udp() {
                        format!("{port}/udp")
                    } else {
                        port.to_string()
                    };
                    let test_result = tester.test(&target.parse().unwrap());
                    let verdict = Verdict::of(&test_result, &TimeZone::UTC, clock.now());
                    let faults = faults(kind, manner, &verdict, servers, &test_result.evidence);
                    let case = format!("{kind:?} on {address} {v6only} with {options}");
                    wrong.extend(
                        faults.map(|fault| format!("{case}: {fault}: {}", verdict.summary)),
                    );
                    drop(kept);
                }
            }
        }
        println!("{} holders", port - FIRST_PORT);
        assert!(
            wrong.is_empty(),
            "{} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    });
}

/// Binds both wildcards, one after the other, as a server does that wants every address.
fn server_can_start(kind: Kind, reuse_address: bool, port: u16) -> bool {
    [("0.0.0.0", false), ("::", true)]
        .into_iter()
        .all(|(address, v6only)| {
            let server = Manner::with_options((address, v6only), u16::from(reuse_address));
            let socket = if kind.is_udp() {
                Type::DGRAM
            } else {
                Type::STREAM
            };
            match server.bound(socket, None, port) {
                Ok(_) => true,
                Err(error) if error.kind() == ErrorKind::AddrInUse => false,
                Err(error) => panic!("{error}"),
            }
        })
}

/// What is wrong with a verdict.
fn faults(
    kind: Kind,
    manner: Manner,
    verdict: &Verdict,
    [with, without]: [bool; 2],
    evidence: &Evidence,
) -> impl Iterator<Item = String> {
    let expected = cause(kind, manner);
    let start = |can| if can { Start::Ok } else { Start::Refused };
    let is_free = if kind.is_udp() { without } else { with };
    let outcome = if is_free {
        Outcome::Free
    } else {
        Outcome::InUse
    };
    let pids: Vec<u32> = verdict.blockers.first().map_or_else(Vec::new, pids);
    let has_pid = evidence
        .holders
        .iter()
        .any(|holder| holder.socket.inode.is_some());
    let checks = [
        (
            verdict.cause == expected,
            format!("{:?}, not {expected:?}", verdict.cause),
        ),
        (
            verdict.outcome == outcome,
            format!("{:?}, not {outcome:?}", verdict.outcome),
        ),
        (
            verdict.with_reuse_address == start(with),
            format!(
                "with SO_REUSEADDR {:?}, really {with}",
                verdict.with_reuse_address
            ),
        ),
        (
            verdict.without == start(without),
            format!("without {:?}, really {without}", verdict.without),
        ),
        (
            // A child that the test starts has its sockets as well until it executes.
            pids.contains(&std::process::id()) == has_pid,
            format!("pids {pids:?}"),
        ),
        (
            !verdict.blockers.is_empty(),
            "nothing is in the way".to_owned(),
        ),
    ];
    checks
        .into_iter()
        .filter(|(is_right, _)| !is_right)
        .map(|(_, fault)| fault)
}

fn pids(holder: &Holder) -> Vec<u32> {
    let processes = holder.socket.owner.present().iter();
    processes.map(|process| process.pid).collect()
}

/// The cause of the verdict on both wildcards.
pub fn cause(kind: Kind, manner: Manner) -> Cause {
    let is_dual_stack = manner.address == "::" && !manner.v6only;
    match kind {
        Kind::Listen | Kind::FullBacklog | Kind::Multipath | Kind::Server if is_dual_stack => {
            Cause::DualStackListener
        }
        Kind::Listen | Kind::FullBacklog | Kind::Multipath | Kind::Server => Cause::Listener,
        Kind::Bound | Kind::ShutDown | Kind::MultipathBound => Cause::BoundNotListening,
        Kind::Client | Kind::ClientUnbound | Kind::SynSent => Cause::OutgoingConnection,
        Kind::Accepted | Kind::CloseWait | Kind::HalfClosed => Cause::OldConnection,
        Kind::FinWait1 | Kind::FinWait2 | Kind::LastAck => Cause::ClosingOrphan,
        // If the leftovers had not set the option, setting it doesn't help.
        Kind::TimeWaitOfServer | Kind::TimeWaitOfClient | Kind::TimeWaitOfClientUnbound => {
            if manner.reuse_address {
                Cause::TimeWait
            } else {
                Cause::TimeWaitNoReuse
            }
        }
        Kind::SelfConnect => Cause::SelfConnect,
        Kind::Udp | Kind::UdpConnected | Kind::UdpMulticast => Cause::UdpSocket,
    }
}
