//! `sockeye record`: keeps the history, as a service or in the foreground.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use sockeye::clock::Clock;
use sockeye::history::{Writer, WriterOptions};
use sockeye::model::{NamespaceScope, Text, duration, size};
use sockeye::runtime::panic::{bug_report, spawn_worker};
use sockeye::runtime::process::signals::{self, Signal, Signals};
use sockeye::runtime::record::HistoryRecorder;
use sockeye::settings::Settings;

use super::StoreArgs;
use crate::cli::errors::print_error;
use crate::cli::global::{GlobalArgs, system};
use crate::cli::output::print;

const EXAMPLES: &str = "\
Examples:
  sockeye record                        keep a week of your sockets, until Ctrl-C
  sudo sockeye record -N all            of all users, and of every container
  sudo systemctl enable --now sockeye   the same as a service, if it was installed as a package
  sockeye record --keep 30d --max-size 4G --dir /srv/sockeye
  sockeye who 8080 --since yesterday    who had the port";

/// Keep the history: who had which port, and when
///
/// Takes a snapshot every second, or less often (up to every 10 seconds) where that would take more than 1 % of a core, and
/// stores what changed: by default a week of it, at most 1 GiB, which is enough for 100 connections a second. --interval sets
/// another time, which is kept whatever it costs. `who`, `diff`, `list --at`, `check --at` and `watch --since` read it, also while it is being
/// written. Only its owner can read it, as it contains every user's command lines.
///
/// The oldest hours are removed when they are older than --keep, or when all are larger than --max-size; and whenever less
/// than --min-free is free on the disk. If that is not enough, nothing more is stored until there is room, which is checked
/// every 10 seconds; standard error says so, and the history has a gap.
///
/// SIGTERM, SIGINT and SIGHUP end it; what was taken is on the disk by then. One that was ignored when it started (`nohup`)
/// stays ignored. After a crash the changes of at most the last 10 seconds are missing.
///
/// Exit codes: 2 the history can't be written, or another recorder writes to the folder (or bad usage), 128 plus the number
/// of the signal that ended it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Record {
    #[command(flatten)]
    store: StoreArgs,
    /// Remove what is older than this
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = parse_keep)]
    keep: Duration,
    /// Remove the oldest hours when all together are larger than this, such as 500M or 2G
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = parse_max_size)]
    max_size: u64,
    /// Leave so much of the disk free, such as 500M or 10G [default: 5 % of it, at least 1G and at most 4G]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    min_free: Option<u64>,
    /// Also keep what the kernel counts about each socket: bytes, round-trip time, retransmits, drops
    ///
    /// Every 10 seconds, with more than 1,000 sockets less often, with more than about 100,000 not at all. `list --info --at` and the table at a moment have them.
    #[arg(long)]
    info: bool,
}

/// The longest time without a snapshot that is no gap, beside two intervals: a busy machine is slow, a recorder that was stopped
/// or a machine that was suspended took none.
const MAX_SILENCE: Duration = Duration::from_secs(20);

pub fn run(global: &GlobalArgs, record: &Record) -> anyhow::Result<u8> {
    global.refuse_recordings("record keeps the history of this machine: leave out --replay")?;
    let target = global.namespace_target()?;
    let is_whole = matches!(
        target.fixed(),
        Some(NamespaceScope::Own | NamespaceScope::All)
    );
    if !is_whole {
        bail!(
            "-N: record keeps all namespaces or only its own: name `all` or `own`, and one of them to what reads the history"
        );
    }
    let settings = global.override_settings(Settings::default(), &[])?;
    let folder = record.store.folder()?;
    let signals = catch_signals().context("can't wait for signals")?;
    let options = WriterOptions {
        keep: record.keep,
        max_size: record.max_size,
        min_free: record.min_free,
        is_redacted: global.redact,
        interval: settings.interval,
        max_silence: Some(MAX_SILENCE + 2 * settings.interval),
        host: sysinfo::System::host_name()
            .ok()
            .map(|name| Text::new(&name)),
        boot_id: boot_id(),
        ..WriterOptions::default()
    };
    let writer = Writer::open(&folder, &options)?;
    let interval = (settings.interval, global.interval.is_some());
    print_start(&folder, &options, interval)?;
    let source = system(settings.kinds, &target, &settings.filter).with_closes();
    let source = source.with_counters(record.info);
    let source = Box::new(source.with_services(global.services.clone()));
    let recorder = HistoryRecorder::new(source, writer, Clock::start(), interval);
    let ended_by = recorder.run(&signals, print_error)?;
    Ok(signals::end_by(ended_by))
}

/// The signals that end the program, or stop and continue it.
fn catch_signals() -> std::io::Result<Receiver<Signal>> {
    let caught = Signals::catch_in_background()?;
    let (sender, signals) = mpsc::channel();
    let forward = move || {
        caught.forward(|signal| match sender.send(signal) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
    };
    spawn_worker("signal", |what| print_error(&bug_report(&what)), forward)?;
    Ok(signals)
}

fn print_start(
    folder: &Path,
    options: &WriterOptions,
    (interval, is_fixed): (Duration, bool),
) -> anyhow::Result<()> {
    let folder = Text::new(&folder.to_string_lossy());
    let redacted = if options.is_redacted {
        ", redacted"
    } else {
        ""
    };
    let keep = duration::format_age_in_words(options.keep);
    let size = size::format(options.max_size);
    let interval = duration::format_in_minutes(interval);
    let adapted = if is_fixed { "" } else { " or less often" };
    // Without a reader it goes on: it is a service.
    print(|out| {
        writeln!(
            out,
            "recording to {folder}: a snapshot every {interval}{adapted}, kept {keep} or up to {size}{redacted}"
        )
    })?;
    Ok(())
}

/// Identifies the time since the machine started, on Linux.
fn boot_id() -> Option<Text> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(Text::new(id.trim()))
}

/// Parses the age of what is removed. Segments of an hour are removed whole.
fn parse_keep(text: &str) -> Result<Duration, String> {
    let keep = duration::parse(text).map_err(|_| "isn't a duration (use 24h, 7d or 90d)")?;
    if keep < Duration::from_hours(1) {
        return Err("too short: an hour is the least (use 24h or 7d)".to_owned());
    }
    Ok(keep)
}

fn parse_max_size(text: &str) -> Result<u64, String> {
    let size = size::parse(text)?;
    if size < 1 << 20 {
        return Err("too small for a history: 1M is the least".to_owned());
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_an_hour_or_a_mebibyte_is_refused() {
        assert!(parse_keep("59m").is_err() && parse_keep("1h").is_ok());
        assert!(parse_max_size("1023k").is_err() && parse_max_size("1M").is_ok());
    }
}
