//! `sockeye diff`: which ports appeared, went or changed their owner between two times.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueHint};
use jiff::Timestamp;
use sockeye::clock::Clock;
use sockeye::history::{History, Position};
use sockeye::model::{Family, Snapshot};
use sockeye::query::{NamespaceError, NamespaceTarget, PortDiff, Ports, ports_of, resolve};
use sockeye::report;
use sockeye::runtime::recording::{self, Opened};
use sockeye::settings::Settings;
use sockeye::source::{STANDARD_INPUT, Source as _};

use super::OpenedHistory;
use super::baseline::{self, Listing};
use super::moment::of_history;
use super::{StoreArgs, parse_time};
use crate::cli::EXIT_NO;
use crate::cli::global::{GlobalArgs, namespace_error, system};
use crate::cli::output::print;

const EXAMPLES: &str = "\
Examples:
  sockeye diff --at yesterday           what has changed since (see record)
  sockeye diff --at 3am --at 4am        between two times
  sockeye list --json >ports.json       a baseline …
  sockeye diff ports.json               … and later: exits with 1 if a port appeared or went";

/// Compare the ports of two times, or with a baseline
///
/// Says which appeared, went, or have another owner. Ports are listeners, and bound UDP sockets without a peer. The first time is that of --at or of BASELINE, the second one
/// that of a second --at, or now. Owners are compared by name and user, not by pid. An owner that is hidden has not changed.
///
/// Exit codes: 0 nothing differs, 1 something does, 2 it can't be compared (or bad usage).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Diff {
    /// A file of `list --json`, or a recording or a history: its last snapshot
    #[arg(value_name = "BASELINE", value_hint = ValueHint::FilePath, conflicts_with = "at")]
    baseline: Option<PathBuf>,
    /// A time, from the history; twice: both times
    ///
    /// `03:12`, `3am`, `2h ago`, `yesterday 3am`, `monday 9:00`, `2026-11-29 03:12:05`. A time of day is the last one before
    /// now.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Vec<Timestamp>,
    #[command(flatten)]
    store: StoreArgs,
    /// Print one JSON object instead of a line for each port
    #[arg(long)]
    json: bool,
    /// Print nothing; the exit code is the answer
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

/// The ports of one time.
struct Side {
    ports: Ports,
    at: Option<Timestamp>,
    /// Whether the namespace that the option names was there.
    namespace: Result<(), NamespaceError>,
    pseudonyms: Pseudonyms,
}

/// Whether names and addresses are pseudonyms, and which.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pseudonyms {
    /// They are not.
    None,
    /// Those of a recorder, while it took this snapshot.
    OfHistory(Position),
    /// Those of a file.
    OfFile,
}

impl Pseudonyms {
    const fn of_file(is_redacted: bool) -> Self {
        if is_redacted {
            Self::OfFile
        } else {
            Self::None
        }
    }
}

pub fn run(global: &GlobalArgs, diff: &Diff) -> anyhow::Result<u8> {
    global.refuse_recordings("diff takes a recording as its argument: sockeye diff FILE")?;
    let target = &global.namespace_target()?;
    let (mut before, mut after) = match (&diff.baseline, diff.at.as_slice()) {
        (Some(path), _) => (baseline_of(path, target)?, now(target)?),
        (None, [at]) => (diff.side(*at, target)?, now(target)?),
        (None, [from, to]) => (diff.side(*from, target)?, diff.side(*to, target)?),
        (None, []) => {
            bail!("compare what? name a time (--at 3am) or a file of `sockeye list --json`")
        }
        (None, _) => bail!("--at: two times are compared, name no more"),
    };
    diff.check_pseudonyms(&before, &after)?;
    // At one of the times it may not have been there.
    if let (Err(error), Err(_)) = (&before.namespace, &after.namespace) {
        return Err(namespace_error(error, false));
    }
    for side in [&mut before, &mut after] {
        narrow(global, &mut side.ports);
    }
    let found = PortDiff::of(&before.ports, &after.ports);
    if diff.json {
        print(|out| report::write_diff_json(out, &found, (before.at, after.at)))?;
    } else if !diff.quiet {
        print(|out| report::write_diff(out, &found))?;
    }
    Ok(if found.is_empty() { 0 } else { EXIT_NO })
}

impl Diff {
    /// The ports of a time in the history.
    fn side(&self, at: Timestamp, target: &NamespaceTarget) -> anyhow::Result<Side> {
        let (snapshot, found) = of_history(&mut self.store.open()?, at)?;
        if found.is_other_time {
            let hint = match self.at.len() {
                2 => " (with one --at it is compared with the present)",
                _ => "",
            };
            bail!("--at: {}{hint}", found.note);
        }
        let position = found.position.filter(|_| found.is_redacted);
        let pseudonyms = position.map_or(Pseudonyms::None, Pseudonyms::OfHistory);
        side(&snapshot, target, pseudonyms)
    }

    /// A recorder has other pseudonyms each time it starts, and now there are none.
    fn check_pseudonyms(&self, before: &Side, after: &Side) -> anyhow::Result<()> {
        let are_same = match (before.pseudonyms, after.pseudonyms) {
            (Pseudonyms::None, Pseudonyms::None) => true,
            (Pseudonyms::OfHistory(one), Pseudonyms::OfHistory(other)) => {
                self.store.open()?.history.are_of_one_run(one, other)?
            }
            _ => false,
        };
        if !are_same {
            bail!(
                "a redacted history has pseudonyms: only two times of one run of the recorder can be compared"
            );
        }
        Ok(())
    }
}

/// The ports of a snapshot in the namespaces that are meant. A namespace that no socket is in has none.
fn side(
    snapshot: &Snapshot,
    target: &NamespaceTarget,
    pseudonyms: Pseudonyms,
) -> anyhow::Result<Side> {
    let scope = match resolve(target, &snapshot.sockets) {
        Err(error @ NamespaceError::Ambiguous { .. }) => {
            return Err(namespace_error(&error, false));
        }
        scope => scope,
    };
    let ports = scope
        .as_ref()
        .map(|scope| ports_of(snapshot.sockets.iter(), *scope));
    Ok(Side {
        ports: ports.unwrap_or_default(),
        at: Some(snapshot.taken_at.wall),
        namespace: scope.map(|_| ()),
        pseudonyms,
    })
}

/// The ports of this machine now.
fn now(target: &NamespaceTarget) -> anyhow::Result<Side> {
    let settings = Settings::default();
    let mut system = system(settings.kinds, target, &settings.filter);
    let snapshot = system.take_once(Clock::start().now())?;
    if let Some(problem) = snapshot.problems.iter().find(|one| one.code.is_unread()) {
        bail!("{}", problem.message);
    }
    side(&snapshot, target, Pseudonyms::None)
}

/// The ports of a file.
fn baseline_of(path: &Path, target: &NamespaceTarget) -> anyhow::Result<Side> {
    let named = || path.display().to_string();
    let mut text = Vec::new();
    if !path.is_dir() {
        let mut file: Box<dyn Read> = if path.as_os_str() == STANDARD_INPUT {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(path).with_context(named)?)
        };
        let begin = file.by_ref().take(4096).read_to_end(&mut text);
        begin.with_context(named)?;
        if baseline::is_listing(&text) {
            file.read_to_end(&mut text).with_context(named)?;
        } else if path.metadata().map_or(true, |it| !it.is_file()) {
            bail!(
                "{}: only the output of `list --json` can be read from a pipe",
                named()
            );
        }
    }
    if baseline::is_listing(&text) {
        let listing = serde_json::from_slice::<Listing>(&text).with_context(named)?;
        return Ok(Side {
            at: Some(listing.taken_at),
            ports: listing.ports(target),
            namespace: Ok(()),
            pseudonyms: Pseudonyms::of_file(listing.redacted),
        });
    }
    match recording::open(path)? {
        Opened::History(history) => last_of(history, target).with_context(named),
        Opened::Lines(mut replay) => {
            replay.seek(usize::MAX)?;
            let pseudonyms = Pseudonyms::of_file(replay.is_redacted);
            side(&replay.take(Clock::start().now())?, target, pseudonyms)
        }
    }
}

/// The ports of the last snapshot of a history.
fn last_of(history: History, target: &NamespaceTarget) -> anyhow::Result<Side> {
    let mut opened = OpenedHistory::new(history, "the history")?;
    let last = opened.history.at(opened.range.to)?;
    let last = last.context("the history is empty")?;
    let pseudonyms = Pseudonyms::of_file(last.is_redacted);
    side(&last.snapshot, target, pseudonyms)
}

/// Leaves out the ports that options exclude.
fn narrow(global: &GlobalArgs, ports: &mut Ports) {
    let kinds = global.kinds();
    let family = global.family();
    ports.retain(|key, _| {
        let is_ipv4 = key.address.is_ipv4();
        let is_of_family = family.is_none_or(|one| (one == Family::Ipv4) == is_ipv4);
        is_of_family && kinds.is_none_or(|kinds| kinds.has(key.protocol))
    });
}
