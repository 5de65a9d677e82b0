//! What the history costs: bytes a day, CPU, the time to any moment of a week, and to the holders of a port.
//!
//! A week is an hour 168 times, each with its own times.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unchecked_time_subtraction,
    reason = "a bench measures and prints"
)]

mod machine;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use machine::{BUSY, Load, Machine, QUIET};
use nix::sys::resource::{UsageWho, getrusage};
use sockeye::history::{FileOptions, FileWriter, History, HolderQuery, Writer, WriterOptions};

/// The length of a frame's head, and where its time is.
const HEAD: usize = 46;
const WALL: usize = 20;

const MIB: f64 = 1024.0 * 1024.0;

fn main() {
    let folder = std::env::temp_dir().join(format!("sockeye-bench-{}", std::process::id()));
    let seconds = std::env::var("SOCKEYE_HISTORY_SECONDS");
    let seconds = seconds
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3600);
    if let Some(week) = std::env::var_os("SOCKEYE_HISTORY_WEEK") {
        let start = Timestamp::from_second(1_800_000_000).expect("it is a time");
        return seek(week.as_ref(), &mut Machine::new(QUIET, start));
    }
    write("quiet", QUIET, &folder.join("quiet"), seconds * 2);
    record(&folder, seconds.min(600));
    let busy = folder.join("busy");
    let mut machine = write("busy", BUSY, &busy, seconds);
    let week = folder.join("week");
    copy(&busy, &week, 7 * 24);
    seek(&week, &mut machine);
    holders(&week, &machine);
    if std::env::var_os("SOCKEYE_HISTORY_KEEP").is_none() {
        let _ = fs::remove_dir_all(&folder);
    }
}

/// The first segment so many times, an hour apart.
fn copy(from: &Path, to: &Path, hours: i64) {
    fs::create_dir_all(to).expect("it can be created");
    let bytes = fs::read(&files(from)[0]).expect("it is there");
    for hour in 0..hours {
        let mut copy = bytes.clone();
        let shift = hour * 3_600_000;
        let mut at = 0;
        while at + HEAD <= copy.len() {
            let number = |at: usize| i64::from_le_bytes(copy[at..at + 8].try_into().expect("8"));
            let length = number(at + 8) as u32 as usize;
            let wall = number(at + WALL) + shift;
            copy[at + WALL..at + WALL + 8].copy_from_slice(&wall.to_le_bytes());
            let crc = crc32fast::hash(&copy[at..at + HEAD - 4]);
            copy[at + HEAD - 4..at + HEAD].copy_from_slice(&crc.to_le_bytes());
            at += HEAD + length;
        }
        let name = format!("{}-{}.seg", 1_800_000_000 + hour * 3600, hour + 1);
        fs::write(to.join(name), copy).expect("it can be written");
    }
}

/// The time to any moment: the store is opened, and the first seek counts; then any.
fn seek(folder: &Path, machine: &mut Machine) {
    let began = Instant::now();
    let mut history = History::open(folder).expect("it is there");
    let opened = began.elapsed();
    let range = history.range().expect("it has snapshots");
    let span = range.to.duration_since(range.from).as_secs() as u64;
    let mut times = Vec::new();
    for _ in 0..300 {
        let offset = Duration::from_secs(machine.random.below(span));
        let time = range.from.checked_add(offset).expect("it is in the range");
        let (began, before) = (Instant::now(), cpu());
        let found = history.at(time).expect("it can be read");
        times.push((began.elapsed(), cpu() - before));
        assert!(found.is_some());
    }
    let began = Instant::now();
    let steps = history.from(range.from).take(60).count();
    let step = began.elapsed() / steps as u32;
    let of = |part: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<_> = times.iter().map(part).collect();
        all.sort();
        format!(
            "{:.1?}, worst {:.1?}",
            all[all.len() / 2],
            all[all.len() - 1]
        )
    };
    let (wall, busy) = (of(|one| one.0), of(|one| one.1));
    println!("a week: opened in {opened:.1?}, a moment {wall} (of CPU {busy}); next {step:.1?}");
}

/// The time to who had a port within a week.
fn holders(folder: &Path, machine: &Machine) {
    for (what, port) in [
        ("a listener", 1013),
        ("a client's port", machine.client_port()),
        ("an unused port", 999),
    ] {
        let (mut times, mut narrowed) = (Vec::new(), Vec::new());
        let mut count = 0;
        for _ in 0..5 {
            let began = Instant::now();
            let mut history = History::open(folder).expect("it is there");
            let mut spans = history
                .holders(&HolderQuery::new(port))
                .expect("it can be read");
            times.push(began.elapsed());
            count = spans.len();
            // As `who` does for so few connections.
            for span in spans.iter_mut().filter(|one| one.is_connection).take(3) {
                history.narrow_connection(span).expect("it can be read");
            }
            narrowed.push(began.elapsed());
        }
        narrowed.sort();
        times.sort();
        println!(
            "who had {port} ({what}): {:.1?}, worst {:.1?}, {count} spans; with the times of 3 connections {:.1?}, worst {:.1?}",
            times[2], times[4], narrowed[2], narrowed[4]
        );
    }
}

/// Writes so many snapshots and prints the size and the CPU of a day.
fn write(name: &str, load: Load, folder: &Path, seconds: usize) -> Machine {
    let start = Timestamp::from_second(1_800_000_000).expect("it is a time");
    let mut machine = Machine::new(load, start);
    let options = WriterOptions {
        min_free: Some(0),
        ..WriterOptions::default()
    };
    let mut writer = Writer::open(folder, &options).expect("the folder is new");
    let (mut sockets, mut model) = (0, Duration::ZERO);
    let before = cpu();
    for _ in 0..seconds {
        let began = cpu();
        let snapshot = machine.snapshot();
        model += cpu() - began;
        sockets = snapshot.sockets.len();
        writer.add(&snapshot).expect("it is written");
        let began = cpu();
        drop(snapshot);
        model += cpu() - began;
        writer.sync().expect("it is written");
    }
    writer.close().expect("it is written");
    let cpu = (cpu() - before).saturating_sub(model);
    let size: u64 = files(folder).iter().map(|path| length(path)).sum();
    let per_day = size as f64 / seconds as f64 * 86_400.0 / MIB;
    let share = cpu.as_secs_f64() / seconds as f64 * 100.0;
    println!("{name}: {sockets} sockets, {per_day:.1} MiB a day, {share:.3} % of a core");
    machine
}

/// The size of a file of `--record`, in which each snapshot can be read at once.
fn record(folder: &Path, seconds: usize) {
    let start = Timestamp::from_second(1_800_000_000).expect("it is a time");
    let mut machine = Machine::new(BUSY, start);
    let path = folder.join("recording");
    let mut writer = FileWriter::create(&path, &FileOptions::default()).expect("it is new");
    writer.add(&machine.snapshot()).expect("it is written");
    let first = length(&path);
    for _ in 0..seconds {
        writer.add(&machine.snapshot()).expect("it is written");
    }
    let per_second = (length(&path) - first) as f64 / seconds as f64 / 1000.0;
    println!(
        "a busy recording: {} kB for its first snapshot, then {per_second:.1} kB a second",
        first / 1000
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("it is there");
    let paths = entries.map(|entry| entry.expect("it is there").path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "seg"))
        .collect()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("it is our own");
    let time = |one: nix::sys::time::TimeVal| {
        Duration::new(one.tv_sec() as u64, one.tv_usec() as u32 * 1000)
    };
    time(usage.user_time()) + time(usage.system_time())
}
