//! From key to screen on a busy machine: `cargo bench --bench keys`.
//!
//! Makes a load of 10,420 sockets and 1,020 processes in a network namespace of its own, runs the
//! program in a pty, presses keys at uneven times during its refreshes, and prints how long the
//! terminal waited for an answer; beside it, what one `ss -tuanp` takes on the same load. Nothing
//! is asserted: timing decides no test.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]

mod load;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use load::{Outcome, millis};
use support::pty::Pty;

const KEYS: usize = 300;

fn main() -> Outcome {
    load::run_beside(bench)
}

fn bench() -> Outcome {
    println!("{}", load::one_listing()?);

    let began = Instant::now();
    let mut pty = Pty::spawn(env!("CARGO_BIN_EXE_sockeye"), &[], (150, 40), &[]);
    pty.wait_for_text("LISTEN");
    println!("first rows after {:.0} ms", millis(began.elapsed()));
    settle(&pty);

    let mut waits: Vec<f64> = (0..KEYS)
        .map(|press| press_and_wait(&mut pty, press))
        .collect();
    waits.sort_by(f64::total_cmp);
    println!(
        "{KEYS} keys, ms to the screen: median {:.1}, 95 % {:.1}, worst {:.1}",
        waits[KEYS / 2],
        waits[KEYS * 95 / 100],
        waits[KEYS - 1]
    );
    let (before, time) = (cpu_time(&pty)?, Duration::from_secs(10));
    let bytes = pty.bytes_written_during(time);
    let cpu = cpu_time(&pty)?.saturating_sub(before).as_secs_f64() / time.as_secs_f64();
    println!(
        "idle for {time:?}: {bytes} bytes written, {:.1} % of a core",
        cpu * 100.0
    );
    println!("{}", memory(&pty)?);
    pty.send("q");
    pty.wait_exit();
    Ok(())
}

/// The milliseconds until the terminal got an answer to a key.
fn press_and_wait(pty: &mut Pty, press: usize) -> f64 {
    // Uneven, so that keys fall into every part of a refresh; the same in every run.
    std::thread::sleep(Duration::from_millis(11 + (press * 37 % 53) as u64));
    let before = pty.written();
    let began = Instant::now();
    pty.send(if press % 40 < 20 { "j" } else { "k" });
    while pty.written() == before && began.elapsed() < support::PATIENCE {
        std::thread::sleep(Duration::from_micros(100));
    }
    millis(began.elapsed())
}

/// Until the start is over: nothing is written for a second.
fn settle(pty: &Pty) {
    while pty.bytes_written_during(Duration::from_secs(1)) > 0 {}
}

/// User and system time, fields 14 and 15 of `/proc/PID/stat`, in hundredths of a second.
fn cpu_time(pty: &Pty) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pty.pid()))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("an odd stat file")?;
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks * 10))
}

fn memory(pty: &Pty) -> Outcome<String> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pty.pid()))?;
    Ok(status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap_or_default()
        .to_owned())
}
