//! The history on disk: the folder that options name, and the commands that write and read it.

mod baseline;
pub(super) mod diff;
pub(super) mod moment;
pub(super) mod record;
pub(super) mod who;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueHint};
use etcetera::BaseStrategy as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sockeye::clock::Clock;
use sockeye::history::{DamageKind, History, StoreError, TimeRange};
use sockeye::model::{clean, time};
use sockeye::report::local_time;
use sockeye::runtime::record::wait_for_recorder;
use sockeye::source::own_uid;

use super::errors::print_error;

/// Where the history of the whole machine is: that of root, and of the service.
const OF_THE_MACHINE: &str = "/var/lib/sockeye";

/// The option that names the folder of a history.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// The folder of the history, or one of its files [default: of root /var/lib/sockeye, of others `$XDG_STATE_HOME/sockeye` or
    /// `~/.local/state/sockeye`]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

impl StoreArgs {
    /// It is an error if it is given without the option that reads the history.
    pub fn check(&self, is_read: bool, option: &str) -> anyhow::Result<()> {
        if self.is_named() && !is_read {
            bail!("--dir names a history: add {option}, or leave it out");
        }
        Ok(())
    }

    /// Whether the option is given.
    pub const fn is_named(&self) -> bool {
        self.dir.is_some()
    }

    /// The folder that the option names, or the user's.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.dir {
            Some(dir) => Ok(dir.clone()),
            None => default_folder().context("no home directory: name a folder with --dir"),
        }
    }
}

/// A history that has snapshots.
pub struct OpenedHistory {
    pub history: History,
    /// The times of the first and the last one.
    pub range: TimeRange,
    /// Whether a recorder goes on.
    pub is_current: bool,
    /// Whether it was requested to store what it has, and did not.
    pub is_silent: bool,
    /// Whether something of it could not be read.
    pub is_damaged: bool,
}

impl OpenedHistory {
    /// One that is a single file is verified first, and what is damaged printed.
    pub fn new(mut history: History, name: &str) -> anyhow::Result<Self> {
        let is_file = history.is_one_file();
        let damage = if is_file {
            history.verify()?
        } else {
            Vec::new()
        };
        for damage in &damage {
            print_error(&damage.sentence());
        }
        let Some(range) = history.range() else {
            bail!("{name} has no snapshot that can be read");
        };
        let age = Clock::start().now().wall.duration_since(range.to);
        let is_new = age < CURRENT && !history.is_stopped();
        Ok(Self {
            range,
            is_current: history.is_recording().unwrap_or(is_new),
            is_silent: false,
            is_damaged: !damage.is_empty(),
            history,
        })
    }

    /// Prints what was found to be damaged in a folder. The last frame may be about to be written.
    pub fn report_damage(&mut self) {
        if self.history.is_one_file() {
            return;
        }
        for damage in self.history.damage() {
            if damage.kind != DamageKind::Incomplete {
                print_error(&damage.sentence());
                self.is_damaged = true;
            }
        }
        self.range = self.history.range().unwrap_or(self.range);
    }
}

/// A snapshot is stored at least once a minute, and then some seconds later.
const CURRENT: SignedDuration = SignedDuration::from_secs(90);

/// So long a recorder may take for a snapshot that a reader requests.
const NEXT_SNAPSHOT: Duration = Duration::from_secs(6);

impl OpenedHistory {
    /// Waits for what a recorder has taken up to this time and not stored yet, if one runs: a second at most on an idle machine. A
    /// time that is stored already, or in a folder that this user can't write to, needs no waiting.
    pub fn wait_for(&mut self, at: Timestamp) -> Result<(), StoreError> {
        if self.is_current {
            let at = at.min(Clock::start().now().wall);
            self.is_silent = !wait_for_recorder(&mut self.history, at, NEXT_SNAPSHOT)?;
            self.range = self.history.range().unwrap_or(self.range);
        }
        Ok(())
    }

    /// When the history ends, and why.
    pub fn end(&self) -> String {
        let end = local_time(self.range.to, &TimeZone::system());
        let why = match (self.is_current, self.is_silent) {
            (true, false) => " so far",
            (true, true) => ", as the recorder does not answer",
            (false, _) => "",
        };
        format!("the history ends at {end}{why}")
    }

    /// Reads what was added.
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        self.history.refresh()?;
        self.range = self.history.range().unwrap_or(self.range);
        Ok(())
    }
}

impl StoreArgs {
    /// Opens the history. It is an error if there is none.
    pub fn open(&self) -> anyhow::Result<OpenedHistory> {
        let folder = self.folder()?;
        let shown = clean(&folder.to_string_lossy()).into_owned();
        let history = match History::open(&folder) {
            Err(StoreError::File { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
                bail!(
                    "no history in {shown}: `sockeye record` keeps one{}",
                    self.other_place()
                );
            }
            Err(StoreError::File { reason, .. })
                if reason.kind() == io::ErrorKind::PermissionDenied =>
            {
                bail!("{shown}: only its owner can read a history (run with sudo)");
            }
            opened => opened?,
        };
        if history.range().is_none() && !history.is_one_file() {
            bail!("no history in {shown}: `sockeye record` keeps one");
        }
        OpenedHistory::new(history, &shown)
    }

    /// Where the history of the machine is, if that of the user is missing.
    fn other_place(&self) -> String {
        let is_there =
            self.dir.is_none() && own_uid() != Some(0) && Path::new(OF_THE_MACHINE).exists();
        let hint = || format!("; that of the machine is in {OF_THE_MACHINE} (run with sudo)");
        is_there.then(hint).unwrap_or_default()
    }
}

/// A time as it was typed, if it is one at all: what it means may depend on the end of a recording.
pub fn checked(text: &str) -> Result<String, String> {
    parse_relative(text, Clock::start().now().wall).map(|_| text.to_owned())
}

/// Parses a point in time until now, relative to now and in the local time zone.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    let now = Clock::start().now().wall;
    let at = parse_relative(text, now)?;
    if at > now {
        let shown = local_time(at, &TimeZone::system());
        return Err(format!("{shown} is in the future"));
    }
    Ok(at)
}

fn parse_relative(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    time::parse(text, &now.to_zoned(TimeZone::system()))
}

fn default_folder() -> Option<PathBuf> {
    if own_uid() == Some(0) {
        return Some(OF_THE_MACHINE.into());
    }
    let folders = etcetera::choose_base_strategy().ok()?;
    // Windows has no folder for that.
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(folder.join("sockeye"))
}
