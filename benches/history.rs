//! What the history costs: bytes a day, CPU, the time to any moment of a week, and to the holders of a port.
//!
//! A week is an hour 168 times, each with its own times.

mod machine;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use machine::{BUSY, Load, Machine, QUIET};
use nix::sys::resource::{UsageWho, getrusage};
use sockeye::history::{History, HolderQuery, Writer, WriterOptions};

const MIB: f64 = 1024.0 * 1024.0;

fn main() {
    let folder = std::env::temp_dir().join(format!("sockeye-bench-{}", std::process::id()));
    let seconds = std::env::var("SOCKEYE_HISTORY_SECONDS");
    let seconds = seconds
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3600);
    let quiet = folder.join("quiet");
    write("quiet", QUIET, &quiet, seconds * 2);
    let busy = folder.join("busy");
    write("busy", BUSY, &busy, seconds);
    if std::env::var_os("SOCKEYE_HISTORY_KEEP").is_none() {
        let _ = fs::remove_dir_all(&folder);
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
