//! The live table on a busy machine, seen from its terminal: `cargo bench --bench keys`.
//!
//! Beside 10,420 sockets and beside 104,200, with all of them shown: how long until there are rows and
//! until they have owners, how long the terminal waits for an answer to each kind of key while refreshes
//! go on, what it costs to leave it alone, running and paused, and its memory. Beside it, one
//! `ss -tuanp`, and one each second, as `watch -n1` would run it. Nothing is asserted: timing decides no
//! test.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]

mod load;
mod session;
#[path = "../tests/support/mod.rs"]
mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use load::{Outcome, Size, millis, time};
use session::Session;

const SIZES: [Size; 2] = [
    Size::BUDGETS,
    Size {
        workers: 200,
        idle: 1000,
    },
];

/// For how long it is left alone.
const REST: Duration = Duration::from_secs(20);

fn main() -> Outcome {
    load::run_beside_each("", &SIZES, bench)
}

fn bench(size: Size) -> Outcome {
    println!("{size}");
    let (once, _) = time(Command::new("ss").arg("-tuanp"))?;
    println!(
        "  ss -tuanp, once: {:.0} ms, {:.0} of CPU",
        millis(once.wall),
        millis(once.cpu)
    );
    let mut session = Session::start(&["--all"]);
    let (rows, owners) = session.begin();
    println!("  first rows after {rows:.0} ms, owners after {owners:.0}");
    session.wait_until_idle();
    println!("  key to screen, ms (median / 95 % / worst):");
    press_all_kinds(&mut session);
    session.wait_until_idle();
    let (cpu, bytes) = session.rest(REST)?;
    println!("  left alone for {REST:?}: {cpu:.1} % of a core, {bytes} bytes written");
    session.press("p");
    session.wait_until_idle();
    let (cpu, bytes) = session.rest(REST)?;
    println!("  paused for {REST:?}: {cpu:.1} % of a core, {bytes} bytes written");
    println!("  memory: {:.1} MiB", session.memory()?);
    session.end();
    println!(
        "  ss -tuanp each second: {:.1} % of a core",
        listing_each_second()?
    );
    Ok(())
}

fn press_all_kinds(session: &mut Session) {
    println!("    moves: {}", session.move_about(300).summary());
    let mut typed = session::Waits::default();
    for filter in [
        "127.0.0.1:4",
        "bench",
        "port:40000-50000",
        "\"54\"",
        "/keys-.*LISTEN/",
        "!tcp | :4",
    ] {
        typed.add(session.type_keys(["/"]));
        typed.add(session.type_keys(filter.split("").filter(|key| !key.is_empty())));
        typed.add(session.type_keys(["\x7f"; 2]));
        // Esc alone: the terminal needs a moment to know that nothing follows.
        session.press("\r");
        session.press("\x1b");
    }
    println!("    letters of a filter: {}", typed.summary());
    println!(
        "    another order: {}",
        session.type_keys(["s", "S"].repeat(12)).summary()
    );
    println!(
        "    another view: {}",
        session.type_keys(["1", "2", "3"].repeat(10)).summary()
    );
    println!(
        "    details, opened and closed: {}",
        session.type_keys(["\r"; 20]).summary()
    );
}

/// In percent of a core.
fn listing_each_second() -> Outcome<f64> {
    let (began, mut cpu) = (Instant::now(), Duration::ZERO);
    for second in 1..=10 {
        cpu += time(Command::new("ss").arg("-tuanp"))?.0.cpu;
        std::thread::sleep(Duration::from_secs(second).saturating_sub(began.elapsed()));
    }
    Ok(cpu.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0)
}
