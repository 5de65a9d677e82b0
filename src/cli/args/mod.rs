//! The options, as clap takes them apart.

pub mod examples;
mod size;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use sockeye::bind::Address;
use sockeye::config::duration;
use sockeye::filter::{Filter, nearest};
use sockeye::model::{Family, Kinds, Protocol, clean};
use sockeye::query::{Query, Sort, Tab};
use sockeye::settings::Settings;
use sockeye::source::{
    DEFAULT_MAX_SIZE, Recorder, Replay, STANDARD_INPUT, Source, System, own_uid,
};

use crate::cli::check::Check;
use crate::cli::config::PrintConfig;
use crate::cli::free::Free;
use crate::cli::list::List;
use crate::cli::output;
use crate::cli::reference::completions::Completions;
use crate::cli::reference::keys::Keys;
use crate::cli::reference::man::Man;
use crate::cli::wait::Wait;
use crate::cli::watch::Watch;

/// See every socket. Know why the port is taken.
///
/// Without a command: the live table. A FILTER is the language of `/`, such as `nginx`, `:8080`,
/// `:8000-8999`, `state:listen`, `user:ann !udp`; `?` in the table lists all of it.
///
/// Exit codes of every command: 0, done, and what was asked is so; 1, it is not so; 2, bad usage or it could not
/// be found out; 101, a bug; 128 and the number of the signal that ended it (130: interrupted).
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    // An alias may set what the command line then sets otherwise.
    args_override_self = true,
    override_usage = "sockeye [OPTIONS] [FILTER]...\n       sockeye [OPTIONS] <COMMAND>"
)]
pub struct Cli {
    /// What to show; without it, what listens or is bound
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// The definition of the command line. Every command takes the common options, before it and behind
    /// it; its help and its page tell of those that mean something to it.
    pub fn definition() -> clap::Command {
        let cli = Self::command();
        let common: Vec<Arg> = cli
            .get_arguments()
            .filter(|arg| arg.is_global_set())
            .cloned()
            .collect();
        cli.mut_subcommands(|command| {
            let told = told_of(command.get_name());
            let hidden = common
                .iter()
                .filter(|arg| !told.contains(&arg.get_id().as_str()));
            let hidden: Vec<_> = hidden.map(|arg| arg.clone().hide(true)).collect();
            command.args(hidden)
        })
    }

    /// Takes words apart.
    ///
    /// # Errors
    /// What is wrong with them, or the help that was asked for.
    pub fn parsed_from(words: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::definition().try_get_matches_from(words)?;
        Self::from_arg_matches(&matches)
    }

    /// Whether it shows ports by the names of their services, or takes them so.
    pub const fn names_services(&self) -> bool {
        matches!(
            self.command,
            None | Some(
                Command::List(_)
                    | Command::Watch(_)
                    | Command::Check(_)
                    | Command::Free(_)
                    | Command::Wait(_)
            )
        )
    }

    /// Why the first word of a filter is refused: it is nearly the name of a command. Behind `--` it is
    /// a filter whatever it is. `words` are all of the command line.
    pub fn mistyped_command(&self, words: impl Iterator<Item = OsString>) -> Option<String> {
        let behind_dashes = words.skip_while(|word| word != "--").skip(1).count();
        if self.command.is_some() || behind_dashes >= self.filter.len() {
            return None;
        }
        let word = self.filter.first()?;
        let cli = Self::definition();
        let names = crate::cli::commands(&cli).map(clap::Command::get_name);
        let name = nearest(word, names.filter(|name| is_slip(word, name)))?;
        Some(format!(
            "unknown command `{word}`; did you mean `sockeye {name}`? To filter for that word: sockeye -- {}",
            self.filter.join(" ")
        ))
    }
}

/// Whether a word may be the name of a command with a slip of the finger: it begins like the name or has its
/// letters. A short name is near too many words (`man`, `main`), so it must have all of its letters.
fn is_slip(word: &str, name: &str) -> bool {
    let letters = |word: &str| {
        let mut letters: Vec<_> = word.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let (own, others) = (letters(word), letters(name));
    let begins_alike = word.to_lowercase().chars().next() == name.chars().next();
    let differ_by = own.len().abs_diff(others.len());
    own == others || name.len() > 3 && begins_alike && differ_by <= name.len() / 4
}

/// The common options that mean something to a command.
fn told_of(command: &str) -> &'static [&'static str] {
    match command {
        "list" => &[
            "tcp",
            "udp",
            "kind",
            "ipv4",
            "ipv6",
            "listening",
            "all",
            "replay",
            "record",
            "record_max",
            "redact",
            "stats",
        ],
        "watch" => &[
            "interval",
            "tcp",
            "udp",
            "kind",
            "ipv4",
            "ipv6",
            "listening",
            "all",
            "color",
            "no_color",
            "replay",
            "record",
            "record_max",
            "redact",
            "stats",
        ],
        "check" => &["tcp", "udp", "ipv4", "ipv6", "color", "no_color"],
        "free" => &["tcp", "udp", "ipv4", "ipv6"],
        "wait" => &["interval", "tcp", "udp", "ipv4", "ipv6"],
        "config" | "keys" => &["config"],
        _ => &[],
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    List(List),
    Watch(Watch),
    Check(Check),
    Free(Free),
    Wait(Wait),
    Completions(Completions),
    Man(Man),
    Keys(Keys),
    Config(PrintConfig),
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own for the user"
)]
pub struct Shared {
    /// Time from one reading to the next [default: 1s; of wait: 100ms]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse_interval)]
    interval: Option<Duration>,
    /// How long closed rows stay [default: 5s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse)]
    linger: Option<Duration>,
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
    /// Only what listens or is bound
    #[arg(short, long, global = true, conflicts_with = "all")]
    listening: bool,
    /// Everything, connections too
    #[arg(short, long, global = true)]
    all: bool,
    /// When there are colours: auto is on a terminal, and not with `NO_COLOR`
    #[arg(long, global = true, value_name = "WHEN", overrides_with = "no_color")]
    color: Option<When>,
    /// No colours (as `NO_COLOR` in the environment, or --color never)
    #[arg(long, global = true, overrides_with = "color")]
    no_color: bool,
    /// Colours of the live table: terminal (those of the terminal itself), dark, light, color-blind,
    /// high-contrast, gruvbox, catppuccin, or one of the file of settings
    #[arg(long, global = true, value_name = "NAME")]
    theme: Option<String>,
    /// Take the settings of the live table from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show a recording instead of this machine; `-` reads it from standard input
    #[arg(long, global = true, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Write every reading to a file that --replay shows; after the first one, what changed
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// With --record: end the recording before the file is larger than this, such as 500M or 2G [default: 1G]
    #[arg(long, global = true, value_name = "SIZE", value_parser = size::parse)]
    record_max: Option<u64>,
    /// With --record: pseudonyms for addresses, users, units, containers and interfaces, and no arguments; process
    /// names, pids, ports and times stay
    #[arg(long, global = true)]
    pub redact: bool,
    /// Tell what each reading cost: in the table a pane, of list and watch a line on standard error
    #[arg(long, global = true, overrides_with = "no_stats")]
    stats: bool,
    /// Do not, whatever the file of settings says
    #[arg(long, global = true, overrides_with = "stats")]
    no_stats: bool,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

impl Shared {
    /// What the command line, where it says something, and the environment make of settings.
    ///
    /// # Errors
    /// What is wrong with the filter that was typed, or there is no such theme.
    pub fn over(&self, below: Settings, words: &[String]) -> anyhow::Result<Settings> {
        let mut themes = below.themes.clone();
        if let Some(name) = &self.theme {
            let chosen = themes.choose(name).map_err(anyhow::Error::msg);
            chosen.context("--theme")?;
        }
        let filter = if words.is_empty() {
            below.filter.clone()
        } else {
            typed(words)?
        };
        // `proto:unix` asks for unix sockets, unless other kinds are asked for.
        let kinds = self.kinds();
        let kinds = kinds.unwrap_or_else(|| below.kinds.and(filter.kinds().optional()));
        let settings = Settings {
            interval: self.interval_or(below.interval),
            linger: self.linger.unwrap_or(below.linger),
            highlight: self.highlight.unwrap_or(below.highlight),
            view: match (self.listening, self.all || !words.is_empty()) {
                (true, _) => Tab::Listening,
                (_, true) => Tab::All,
                _ => below.view,
            },
            custom_view: below
                .custom_view
                .filter(|_| !(self.listening || self.all || !words.is_empty())),
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
            ..below
        };
        // Here, where it can still be told, and not in the middle of the table.
        settings.narrowed_filter()?;
        Ok(settings)
    }

    /// The time between two readings, or what a command takes where nothing is said.
    pub fn interval_or(&self, default: Duration) -> Duration {
        self.interval.unwrap_or(default)
    }

    /// Whether colours are welcome: as the option says, or else the environment.
    fn has_colour(&self) -> bool {
        match self.color {
            Some(When::Always) => true,
            Some(When::Never) => false,
            Some(When::Auto) | None => !self.no_color && output::takes_colour(),
        }
    }

    /// Whether what a command prints has colours: into a file or a pipe only if that was said.
    pub fn colours_output(&self) -> bool {
        self.color == Some(When::Always) || self.has_colour() && io::stdout().is_terminal()
    }

    /// Whether TCP and whether UDP are asked for; neither named means both.
    pub const fn protocols(&self) -> (bool, bool) {
        (self.tcp || !self.udp, self.udp || !self.tcp)
    }

    /// The kinds of sockets that are asked for, if some are: `-t` is `--kind tcp`, `-u` `--kind udp`.
    fn kinds(&self) -> Option<Kinds> {
        let named = self.kind.iter().copied().fold(Kinds::NONE, Kinds::and);
        let tcp = self.tcp.then_some(Protocol::Tcp);
        let udp = self.udp.then_some(Protocol::Udp);
        let kinds = named.and(tcp.into_iter().chain(udp).collect());
        (!kinds.is_empty()).then_some(kinds)
    }

    /// What `-4` and `-6` leave of the addresses.
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

    /// The only family that is asked for, if that is so.
    pub const fn family(&self) -> Option<Family> {
        match (self.ipv4, self.ipv6) {
            (true, false) => Some(Family::Ipv4),
            (false, true) => Some(Family::Ipv6),
            _ => None,
        }
    }

    /// For a command that neither plays recordings, and says why, nor makes any.
    ///
    /// # Errors
    /// One was named.
    pub fn refuse_recordings(&self, why: &'static str) -> anyhow::Result<()> {
        if self.replay.is_some() {
            bail!(why);
        }
        if self.record.is_some() {
            bail!(
                "--record is for readings of the table: those of the live table, of list and of watch"
            );
        }
        Ok(())
    }

    /// What the options mean together.
    ///
    /// # Errors
    /// If there is nothing to redact.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.redact && self.record.is_none() {
            bail!("--redact is for what --record writes: name a file (--record FILE --redact)");
        }
        if self.replays_standard_input() && io::stdin().is_terminal() {
            bail!(
                "--replay -: standard input is a terminal, not a recording (sockeye --replay - <FILE)"
            );
        }
        if self
            .record
            .as_deref()
            .is_some_and(|path| path.as_os_str() == STANDARD_INPUT)
        {
            bail!("--record -: a recording is written to a file; name one");
        }
        if self.record_max.is_some() && self.record.is_none() {
            bail!(
                "--record-max is for what --record writes: name a file (--record FILE --record-max 2G)"
            );
        }
        Ok(())
    }

    /// Whether the recording comes from standard input.
    pub fn replays_standard_input(&self) -> bool {
        let path = self.replay.as_ref();
        path.is_some_and(|path| path.as_os_str() == STANDARD_INPUT)
    }

    /// This machine with these kinds of sockets, or the recording that was named.
    pub fn source(&self, kinds: Kinds) -> anyhow::Result<Box<dyn Source>> {
        Ok(match &self.replay {
            Some(path) => Box::new(Replay::open(path)?),
            None => Box::new(System::new().with_kinds(kinds)),
        })
    }

    /// The file to record into, if one was named.
    pub fn recorder(&self) -> anyhow::Result<Option<Recorder>> {
        let recorder = self.record.as_ref().map(Recorder::create).transpose()?;
        let max_size = self.record_max.unwrap_or(DEFAULT_MAX_SIZE);
        let recorder = recorder.map(|recorder| recorder.limited(max_size));
        Ok(if self.redact {
            recorder.map(Recorder::redacted)
        } else {
            recorder
        })
    }
}

/// Takes the name of a kind of sockets, or `all`.
fn kind_name() -> impl TypedValueParser<Value = Kinds> {
    let names = Protocol::ALL.map(Protocol::as_str).into_iter();
    PossibleValuesParser::new(names.chain(["all"])).map(|name| {
        let one = Protocol::named(&name);
        one.map_or(Kinds::ALL, Kinds::of)
    })
}

/// What these settings ask of a table.
///
/// # Errors
/// The filter gets too long by what narrows it.
pub fn asked(settings: &Settings, sort: Sort) -> anyhow::Result<Query> {
    Ok(Query {
        tab: settings.view,
        kinds: settings.kinds,
        filter: settings.narrowed_filter()?,
        uid: own_uid(),
        sort,
        highlight: settings.highlight,
    })
}

/// The filter that was typed. Names are cleaned, so what is looked for must be as they are shown.
fn typed(words: &[String]) -> anyhow::Result<Filter> {
    let typed = clean(&words.join(" ")).into_owned();
    Filter::parse(&typed).with_context(|| format!("filter `{typed}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_do_not_contradict_each_other() {
        Cli::definition().debug_assert();
    }

    #[test]
    fn a_command_takes_the_common_options_that_it_does_not_tell_of() {
        let parsed = |words: &str| {
            let words = words.split(' ').map(OsString::from);
            Cli::parsed_from(words).unwrap().shared
        };
        for words in ["sockeye --linger 9s free -4", "sockeye free -4 --linger 9s"] {
            let shared = parsed(words);
            let linger = Some(Duration::from_secs(9));
            assert_eq!((shared.linger, shared.ipv4), (linger, true));
        }
    }

    #[test]
    fn a_word_that_is_nearly_a_command_is_refused_and_behind_dashes_it_is_a_filter() {
        let refusal = |line: &str| {
            let words = || line.split(' ').map(OsString::from);
            Cli::parsed_from(words()).unwrap().mistyped_command(words())
        };
        for (line, meant) in [
            ("sockeye chek 8080", "check"),
            ("sockeye chek", "check"),
            ("sockeye lits", "list"),
            ("sockeye wach", "watch"),
            ("sockeye -t hceck 80", "check"),
            ("sockeye CHEKC 80", "check"),
            ("sockeye amn list", "man"),
            ("sockeye completion bash", "completions"),
            ("sockeye kesy", "keys"),
            ("sockeye chek -- 80", "check"),
        ] {
            let told = refusal(line).unwrap_or_default();
            let hint = format!("did you mean `sockeye {meant}`?");
            assert!(told.contains(&hint), "{line}: {told}");
        }
        for line in [
            "sockeye",
            "sockeye nginx",
            "sockeye nginx chek",
            "sockeye main",
            "sockeye mac",
            "sockeye tree",
            "sockeye co",
            "sockeye :8080",
            "sockeye 8080",
            "sockeye !list",
            "sockeye /list/",
            "sockeye list",
            "sockeye -- chek",
            "sockeye -t -- chek 8080",
            "sockeye -- check 8080",
        ] {
            assert_eq!(refusal(line), None, "{line}");
        }
    }

    #[test]
    fn only_options_that_there_are_are_told_of() {
        let cli = Cli::definition();
        for command in cli.get_subcommands() {
            for name in told_of(command.get_name()) {
                let is_it = |arg: &Arg| arg.get_id() == *name;
                assert!(cli.get_arguments().any(is_it), "{name}");
            }
        }
    }
}
