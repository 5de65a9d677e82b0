//! What a steady refresh takes beside the bare dump of the kernel's tables, and how that grows:
//! `cargo bench --bench refresh`.
//!
//! Seven loads, from 1,000 sockets to 100,000 and from 100 processes to 10,000. Beside each: four dumps of `sock_diag`,
//! one walk of the TCP table for both families (`TCPDIAG_GETSOCK`) and two dumps of UDP, which is the floor, all
//! their answers thrown away; one `ss -tuanp`, and what the one-shot
//! commands take. Also a refresh with the numbers of connections (`tcp_info` and drops). CPU time of this process or of the command; nothing is asserted.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]
#![cfg(target_os = "linux")]

mod load;

use std::process::Command;
use std::time::{Duration, Instant};

use load::{Outcome, Size, Took, median, millis, time};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_SOCK_DIAG};
use nix::time::ClockId;
use sockeye::model::Moment;
use sockeye::source::{Source as _, System};
use sockeye::track::Tracker;

const SIZES: [Size; 7] = [
    Size {
        workers: 2,
        idle: 98,
    },
    Size {
        workers: 2,
        idle: 998,
    },
    Size {
        workers: 2,
        idle: 4998,
    },
    Size {
        workers: 20,
        idle: 80,
    },
    Size::BUDGETS,
    Size {
        workers: 20,
        idle: 10_000,
    },
    Size {
        workers: 200,
        idle: 1000,
    },
];

/// Refreshes that are measured, after those that get to know everything.
const REFRESHES: usize = 21;
const BEFORE: u64 = 30;

const HEADING: &str = "\
| load | four dumps | walk | with bound | with ages | refresh | ÷ walk | with counters | ÷ refresh | `ss -tuanp` | ÷ ss | `list` | `list :PORT` | `check PORT` |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

fn main() -> Outcome {
    load::run_beside_each(HEADING, &SIZES, bench)
}

fn bench(size: Size) -> Outcome {
    let ss = median(5, || Ok(time(Command::new("ss").arg("-tuanp"))?.0))?;
    let refresh = steady_refreshes(false)?;
    let with_counters = steady_refreshes(true)?;
    let dumps = median(REFRESHES, || on_this_thread(dump_all))?;
    let [walk, bound, ages] = [(TCP_STATES, 0), (TCP_STATES | BOUND, 0), (TCP_STATES, INFO)].map(
        |(states, extensions)| {
            median(REFRESHES, || {
                on_this_thread(|| walk_all(states, extensions))
            })
        },
    );
    let walk = walk?;
    let port = load::a_listening_port()?;
    let [list, list_one, check] = [
        &["list", "--all"][..],
        &["list", &format!(":{port}")],
        &["check", "--quiet", &port],
    ]
    .map(|arguments| median(5, || Ok(time(sockeye().args(arguments))?.0)));
    let ms = |took: Took| format!("{:.1}", millis(took.cpu));
    let ratio = |one: Took, other: Took| one.cpu.as_secs_f64() / other.cpu.as_secs_f64();
    println!(
        "| {size} | {} | {} | {} | {} | {} | {:.2} | {} | {:.2} | {} | {:.2} | {} | {} | {} |",
        ms(dumps),
        ms(walk),
        ms(bound?),
        ms(ages?),
        ms(refresh),
        ratio(refresh, walk),
        ms(with_counters),
        ratio(with_counters, refresh),
        ms(ss),
        ratio(refresh, ss),
        ms(list?),
        ms(list_one?),
        ms(check?),
    );
    Ok(())
}

fn sockeye() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sockeye"))
}

/// Table, owners, processes and comparison, at one a second of their clock; if wanted, with the numbers of connections.
fn steady_refreshes(has_counters: bool) -> Outcome<Took> {
    let mut system = System::new().with_counters(has_counters);
    let mut tracker = Tracker::new(Duration::from_secs(5));
    let mut second = 0;
    let mut refresh = || {
        second += 1;
        let at = Moment {
            steady: Duration::from_secs(second),
            wall: jiff::Timestamp::now(),
        };
        on_this_thread(|| {
            let snapshot = system.take(at)?;
            drop(tracker.apply(snapshot));
            Ok(())
        })
    };
    for _ in 0..BEFORE {
        refresh()?;
    }
    median(REFRESHES, refresh)
}

fn on_this_thread(work: impl FnOnce() -> Outcome) -> Outcome<Took> {
    let (began, used) = (Instant::now(), ClockId::CLOCK_THREAD_CPUTIME_ID.now()?);
    work()?;
    let cpu = ClockId::CLOCK_THREAD_CPUTIME_ID.now()? - used;
    Ok(Took {
        wall: began.elapsed(),
        cpu: cpu.into(),
    })
}

/// The four dumps: TCP and UDP of IPv4 and IPv6, every state that `ss` requests, no extensions.
fn dump_all() -> Outcome {
    for family in [2, 10] {
        for protocol in [6, 17] {
            dump(family, protocol)?;
        }
    }
    Ok(())
}

/// TCP's states, the bit of sockets that are only bound, and the extension with `tcp_info`.
const TCP_STATES: u32 = 0xfff;
const BOUND: u32 = 1 << 13;
const INFO: u8 = 1 << 1;

/// One walk of the TCP table for both families, and UDP's two dumps.
fn walk_all(states: u32, extensions: u8) -> Outcome {
    // `struct nlmsghdr`, then `struct inet_diag_req` (linux/inet_diag.h).
    let mut request = [0; 76];
    request[0..4].copy_from_slice(&76_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&18_u16.to_ne_bytes());
    request[6..8].copy_from_slice(&0x301_u16.to_ne_bytes());
    request[19] = extensions;
    request[68..72].copy_from_slice(&states.to_ne_bytes());
    throw_away(&request)?;
    dump(2, 17)?;
    dump(10, 17)
}

fn dump(family: u8, protocol: u8) -> Outcome {
    // `struct nlmsghdr`, then `struct inet_diag_req_v2` (sock_diag(7)).
    let mut request = [0; 72];
    request[0..4].copy_from_slice(&72_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&20_u16.to_ne_bytes());
    request[6..8].copy_from_slice(&0x301_u16.to_ne_bytes());
    request[16..18].copy_from_slice(&[family, protocol]);
    request[20..24].copy_from_slice(&TCP_STATES.to_ne_bytes());
    throw_away(&request)
}

/// Sends a request and reads its answer to the end.
fn throw_away(request: &[u8]) -> Outcome {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    socket.send(request, 0)?;
    let mut answer = vec![0; 64 * 1024];
    loop {
        let length = socket.recv(&mut &mut answer[..], 0)?;
        if is_last(&answer[..length]) {
            return Ok(());
        }
    }
}

/// Whether a datagram ends with `NLMSG_DONE` (3) or an error (2).
fn is_last(mut rest: &[u8]) -> bool {
    while let Some(header) = rest.get(..16) {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if matches!(u16::from_ne_bytes([header[4], header[5]]), 2 | 3) {
            return true;
        }
        rest = rest
            .get(length.next_multiple_of(4).max(16)..)
            .unwrap_or_default();
    }
    false
}
