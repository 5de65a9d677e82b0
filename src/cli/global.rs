//! The options of every command, and how they combine.

use std::io::{self, IsTerminal as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use sockeye::bind::Address;
use sockeye::filter::Filter;
use sockeye::history::{FileOptions, FileWriter};
use sockeye::inspect::NamespaceAccess;
use sockeye::model::{
    Family, Kinds, NamespaceScope, Pid, Protocol, Services, clean, duration, size,
};
use sockeye::query::{NamespaceError, NamespaceTarget, Query, Sort, Tab};
use sockeye::settings::Settings;
use sockeye::source::{HAS_NAMESPACES, STANDARD_INPUT, System, network_namespace, own_uid};
use sockeye::track::Tracker;

use crate::cli::output;

/// The options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct GlobalArgs {
    /// Time between two refreshes [default: 1s; wait: 100ms]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse_interval)]
    pub interval: Option<Duration>,
    /// How long closed rows stay [default: 5s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse)]
    pub linger: Option<Duration>,
    /// How long opened and changed rows are marked [default: 5s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse)]
    highlight: Option<Duration>,
    /// TCP only
    #[arg(short, long, global = true)]
    pub tcp: bool,
    /// UDP only
    #[arg(short, long, global = true)]
    pub udp: bool,
    /// Sockets of these kinds: tcp, udp, udplite, sctp, raw, packet, unix or all [default: tcp,udp]
    #[arg(long, global = true, value_name = "KIND,...", value_delimiter = ',', ignore_case = true,
          value_parser = kind_name(), hide_possible_values = true)]
    kind: Vec<Kinds>,
    /// IPv4 only
    #[arg(short = '4', long, global = true)]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long, global = true)]
    pub ipv6: bool,
    /// Only listeners and bound sockets
    #[arg(short, long, global = true, conflicts_with = "all")]
    listening: bool,
    /// Everything, including connections
    #[arg(short, long, global = true)]
    all: bool,
    /// Network namespace: own, all, a name (of a container, of `ip netns`, of a unit), the start of a container's id, or
    /// the PID of a process in it [default: own]
    #[arg(short = 'N', long, global = true, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// When to use colors: auto means on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", overrides_with = "no_color")]
    color: Option<When>,
    /// No colors (same as `NO_COLOR` in the environment, or --color never)
    #[arg(long, global = true, overrides_with = "color")]
    no_color: bool,
    /// Colors of the live table: terminal (the terminal's own colors), dark, light, color-blind,
    /// high-contrast, gruvbox, catppuccin, or a theme of the config file
    #[arg(long, global = true, value_name = "NAME")]
    theme: Option<String>,
    /// Use this config file for the live table
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show a recording, or a history that record keeps, instead of this machine; `-` reads a recording from standard input
    #[arg(long, global = true, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Record every snapshot to a file that --replay shows; after the first one, only changes
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// With --record: stop recording before the file gets larger than this, such as 500M or 2G [default: 1G]
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size)]
    record_max: Option<u64>,
    /// With --record, and for record: replace addresses, users, units, containers and interfaces with pseudonyms, and leave out arguments;
    /// process names, pids, ports and times stay
    #[arg(long, global = true)]
    pub redact: bool,
    /// Trace which process opens and closes each TCP socket, so that short-lived connections have a name (Linux, as root).
    /// While it runs, every connection of this machine takes 2 to 30 µs longer
    #[arg(long, global = true)]
    pub trace: bool,
    /// Show what each refresh cost: the live table in a pane, list and watch on standard error
    #[arg(long, global = true, overrides_with = "no_stats")]
    stats: bool,
    /// Don't show it, whatever the config file says
    #[arg(long, global = true, overrides_with = "stats")]
    no_stats: bool,
    /// The user's names for ports, from the config file.
    #[arg(skip)]
    pub services: Services,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl GlobalArgs {
    /// These settings, overridden by the command line and the environment. `words` are the filter.
    pub fn override_settings(&self, below: Settings, words: &[String]) -> anyhow::Result<Settings> {
        let mut themes = below.themes.clone();
        if let Some(name) = &self.theme {
            let chosen = themes.choose(name).map_err(anyhow::Error::msg);
            chosen.context("--theme")?;
        }
        let filter = if words.is_empty() {
            below.filter.clone()
        } else {
            // Names are shown cleaned, so the filter is cleaned, too.
            let typed = clean(&words.join(" ")).into_owned();
            Filter::parse_with(&typed, &self.services)
                .with_context(|| format!("filter `{typed}`"))?
        };
        // `proto:unix` also lists unix sockets, unless options name other kinds.
        let shows_all = self.all || !words.is_empty();
        let kinds = self.kinds();
        let kinds = kinds.unwrap_or_else(|| below.kinds.and(filter.kinds().optional()));
        let settings = Settings {
            interval: self.interval.unwrap_or(below.interval),
            linger: self.linger.unwrap_or(below.linger),
            highlight: self.highlight.unwrap_or(below.highlight),
            view: match (self.listening, shows_all) {
                (true, _) => Tab::Listening,
                (_, true) => Tab::All,
                _ => below.view,
            },
            custom_view: below.custom_view.filter(|_| !(self.listening || shows_all)),
            kinds,
            family: match (self.ipv4, self.ipv6) {
                (false, false) => below.family,
                _ => self.family(),
            },
            filter,
            stats: (self.stats || below.stats) && !self.no_stats,
            color: match self.color {
                Some(_) => self.has_colour(),
                None => self.has_colour() && below.color,
            },
            themes,
            services: self.services.clone(),
            ..below
        };
        // An error here is better than one in the middle of the table.
        settings.narrowed_filter()?;
        Ok(settings)
    }

    /// As the options say; without them, as the environment does.
    fn has_colour(&self) -> bool {
        match self.color {
            Some(When::Always) => true,
            Some(When::Never) => false,
            Some(When::Auto) | None => !self.no_color && output::allows_colour(),
        }
    }

    /// Whether a command prints colours: to a file or a pipe only with `--color always`.
    pub fn has_coloured_output(&self) -> bool {
        self.color == Some(When::Always) || self.has_colour() && io::stdout().is_terminal()
    }

    /// The same for standard error.
    pub fn has_coloured_errors(&self) -> bool {
        self.color == Some(When::Always) || self.has_colour() && io::stderr().is_terminal()
    }

    /// The kinds of sockets that options name: `-t` is `--kind tcp`, `-u` `--kind udp`.
    pub fn kinds(&self) -> Option<Kinds> {
        let named = self.kind.iter().copied().fold(Kinds::NONE, Kinds::and);
        let tcp = self.tcp.then_some(Protocol::Tcp);
        let udp = self.udp.then_some(Protocol::Udp);
        let kinds = named.and(tcp.into_iter().chain(udp).collect());
        (!kinds.is_empty()).then_some(kinds)
    }

    /// The address within the family of `-4` or `-6`.
    pub const fn narrowed(&self, address: Address) -> Address {
        let one = match (address, self.family()) {
            (Address::Every, Some(Family::Ipv4)) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            (Address::Every, Some(Family::Ipv6)) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            (Address::Loopback, Some(Family::Ipv4)) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            (Address::Loopback, Some(Family::Ipv6)) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            (address, _) => return address,
        };
        Address::One(one)
    }

    /// The family of `-4` or `-6`; `None` without them, and with both.
    pub const fn family(&self) -> Option<Family> {
        match (self.ipv4, self.ipv6) {
            (true, false) => Some(Family::Ipv4),
            (false, true) => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// The network namespaces of `--namespace`. On this machine a process is found by its number, in a recording by its
    /// sockets.
    pub fn namespace_target(&self) -> anyhow::Result<NamespaceTarget> {
        self.namespace_target_of(self.replay.is_some())
    }

    /// The same of a recording or the history, or of this machine as it is.
    pub fn namespace_target_of(&self, is_recorded: bool) -> anyhow::Result<NamespaceTarget> {
        let Some(text) = &self.namespace else {
            return Ok(NamespaceTarget::Own);
        };
        let target = NamespaceTarget::parse(text);
        if is_recorded || target == NamespaceTarget::Own {
            return Ok(target);
        }
        if !HAS_NAMESPACES {
            bail!("--namespace: this system has no network namespaces");
        }
        // With a zero in front it is the start of an id.
        let pid = text.parse::<Pid>().ok();
        let Some(pid) = pid.filter(|_| !text.starts_with('0')) else {
            return Ok(target);
        };
        match network_namespace(pid) {
            Ok(inode) => match NamespaceAccess::find(text) {
                // Something else is named like it.
                Err(why) => bail!("--namespace {}: {why}", clean(text)),
                Ok(None) => Ok(NamespaceTarget::Own),
                Ok(Some(_)) => Ok(NamespaceTarget::Process { pid, inode }),
            },
            // It may be a number of something else.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(target),
            Err(error) => bail!("--namespace: that of process {pid} can't be read: {error}"),
        }
    }

    /// Returns an error for a command that can't use recordings, with the reason.
    pub fn refuse_recordings(&self, why: &'static str) -> anyhow::Result<()> {
        if self.replay.is_some() {
            bail!(why);
        }
        if self.record.is_some() {
            bail!("--record works with the live table, list and watch only");
        }
        Ok(())
    }

    /// `is_recorder`: the command is `record`.
    pub fn check(&self, is_recorder: bool) -> anyhow::Result<()> {
        if self.redact && self.record.is_none() && !is_recorder {
            bail!("--redact needs --record: name a file (--record FILE --redact)");
        }
        if self.trace && self.replay.is_some() {
            bail!("--trace: a recording has the processes that it has; leave it out");
        }
        if self.replays_standard_input() && io::stdin().is_terminal() {
            bail!(
                "--replay -: standard input is a terminal, not a recording (sockeye --replay - <FILE)"
            );
        }
        if self.record.as_deref() == Some(Path::new(STANDARD_INPUT)) {
            bail!("--record -: a recording needs a file; name one");
        }
        if self.record_max.is_some() && self.record.is_none() {
            bail!("--record-max needs --record: name a file (--record FILE --record-max 2G)");
        }
        Ok(())
    }

    pub fn replays_standard_input(&self) -> bool {
        self.replay.as_deref() == Some(Path::new(STANDARD_INPUT))
    }

    /// Creates the file of `--record`.
    pub fn recorder(&self, interval: Duration) -> anyhow::Result<Option<FileWriter>> {
        let Some(path) = &self.record else {
            return Ok(None);
        };
        let options = FileOptions {
            max_size: (self.record_max).unwrap_or_else(|| FileOptions::default().max_size),
            is_redacted: self.redact,
            interval,
        };
        Ok(Some(FileWriter::create(path, &options)?))
    }
}

/// Parses the name of a kind of sockets, or `all`.
fn kind_name() -> impl TypedValueParser<Value = Kinds> {
    let names = Protocol::ALL.map(Protocol::as_str).into_iter();
    PossibleValuesParser::new(names.chain(["all"]))
        .map(|name| Protocol::named(&name).map_or(Kinds::ALL, Kinds::of))
}

/// The error for namespaces that were not found, on this machine or in a recording.
pub fn namespace_error(error: &NamespaceError, is_recorded: bool) -> anyhow::Error {
    // To root no name is hidden.
    let is_hidden = !is_recorded
        && matches!(error, NamespaceError::Unknown { .. })
        && own_uid().is_some_and(|uid| uid != 0);
    let hint = if is_hidden {
        "; names of root's containers may be hidden from you: run with sudo, or use the id"
    } else {
        ""
    };
    anyhow!("--namespace: {error}{hint}")
}

/// This machine as a source: with the sockets of other namespaces only if they, or what the filter says of them, are
/// wanted, as reading them takes time.
pub fn system(kinds: Kinds, target: &NamespaceTarget, filter: &Filter) -> System {
    let system = System::new().with_kinds(kinds);
    if *target == NamespaceTarget::Own && !filter.is_about_namespaces() {
        return system;
    }
    system.with_all_namespaces()
}

/// The rows that these settings select.
pub fn query(settings: &Settings, sort: Sort) -> anyhow::Result<Query> {
    Ok(Query {
        tab: settings.view,
        kinds: settings.kinds,
        namespaces: NamespaceScope::Own,
        filter: settings.narrowed_filter()?,
        uid: own_uid(),
        mine: None,
        sort,
        highlight: settings.highlight,
        linger: Duration::ZERO,
    })
}

/// A tracker for these settings.
pub fn tracker(settings: &Settings) -> Tracker {
    let mut tracker = Tracker::new(settings.linger);
    tracker.services = settings.services.clone();
    tracker
}

/// Parses the size of a recording, as [`size::parse`] does.
pub fn parse_size(text: &str) -> Result<u64, String> {
    match size::parse(text)? {
        0 => Err("a recording needs room for one snapshot".to_owned()),
        bytes => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn a_recording_has_room_for_something() {
        assert_eq!(parse_size("500M"), Ok(500 << 20));
        for text in ["0", "0k", "5X"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
