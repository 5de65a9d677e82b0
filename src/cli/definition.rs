//! The command line as clap parses it.

use std::ffi::OsString;

use clap::{Arg, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use sockeye::filter::nearest;
use sockeye::query::GroupBy;

use super::check::Check;
use super::config::PrintConfig;
use super::end::End;
use super::free::Free;
use super::global::GlobalArgs;
use super::history::diff::Diff;
use super::history::record::Record;
use super::history::who::Who;
use super::history::{StoreArgs, checked};
use super::list::List;
use super::list::groups::FieldParser;
use super::reference::completions::Completions;
use super::reference::keys::Keys;
use super::reference::man::Man;
use super::reference::visible_commands;
use super::run::Run;
use super::wait::Wait;
use super::watch::Watch;

/// See every socket. Know why the port is taken.
///
/// Without a command: the live table. A FILTER is what you type after `/` there, such as `nginx`, `:8080`,
/// `:8000-8999`, `state:listen`, `user:ann !udp`; `?` in the table lists the whole language.
///
/// Exit codes of every command: 0 yes (or done), 1 no, 2 unknown (or bad usage), 101 a bug, 128 plus the number
/// of the signal that ended it (130: interrupted).
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    // An alias may set what the command line then overrides.
    args_override_self = true,
    override_usage = "sockeye [OPTIONS] [FILTER]...\n       sockeye [OPTIONS] <COMMAND>"
)]
pub struct Cli {
    /// What to show; without it, listeners and bound sockets
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
    /// The live table as lines of text, for screen readers and dumb terminals: type commands, `help` lists them
    #[arg(long)]
    pub linear: bool,
    /// Group the live table by a FIELD, or by two: process, port, peer, network, state, user, unit, container,
    /// project, branch, started
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',', value_parser = FieldParser, hide_possible_values = true,
        conflicts_with = "linear")]
    pub group: Vec<GroupBy>,
    /// Begin the live table at this time: of the history that record keeps, or with --replay of the recording
    ///
    /// TIME is `03:12`, `3am`, `2h ago`, `yesterday 3am` or a date with a time. The key `0` returns to now.
    #[arg(long, value_name = "TIME", value_parser = checked, conflicts_with = "linear")]
    pub at: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    List(List),
    Watch(Watch),
    Check(Check),
    End(End),
    Free(Free),
    Wait(Wait),
    Run(Run),
    Record(Record),
    Who(Who),
    Diff(Diff),
    Completions(Completions),
    Man(Man),
    Keys(Keys),
    Config(PrintConfig),
}

impl Cli {
    /// The definition of the command line. Every command accepts all global options, before it and after it; its help
    /// and its man page show those that it uses.
    pub fn definition() -> clap::Command {
        let cli = Self::command();
        let global = cli.get_arguments().filter(|arg| arg.is_global_set());
        let global: Vec<Arg> = global.cloned().collect();
        cli.mut_subcommands(|command| {
            let used: Vec<_> = global_options_of(command.get_name()).split(' ').collect();
            let is_unused = |arg: &&Arg| !used.contains(&arg.get_id().as_str());
            let unused = global.iter().filter(is_unused);
            command.args(unused.map(|arg| arg.clone().hide(true)))
        })
    }

    pub fn parsed_from(words: impl Iterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::definition().try_get_matches_from(words)?;
        Self::from_arg_matches(&matches)
    }

    /// The error if the first word of the filter is a mistyped command. After `--` every word is a filter. `words` are
    /// the whole command line.
    pub fn mistyped_command(&self, words: impl Iterator<Item = OsString>) -> Option<String> {
        let after_dashes = words.skip_while(|word| word != "--").skip(1).count();
        if self.command.is_some() || after_dashes >= self.filter.len() {
            return None;
        }
        let word = self.filter.first()?;
        let name = meant_command(word)?;
        Some(format!(
            "unknown command `{word}`; did you mean `sockeye {name}`? To filter for that word: sockeye -- {}",
            self.filter.join(" ")
        ))
    }
}

/// The command that a mistyped word most likely means: one with the same first letter and about the same length, or the
/// same letters. Short names are near many words (`man`, `main`), so all letters must be the same.
pub fn meant_command(word: &str) -> Option<String> {
    let sorted = |word: &str| {
        let mut letters: Vec<_> = word.to_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let is_typo = |name: &&str| {
        let (letters, others) = (sorted(word), sorted(name));
        let same_start = word.to_lowercase().chars().next() == name.chars().next();
        let differ_by = letters.len().abs_diff(others.len());
        letters == others || name.len() > 3 && same_start && differ_by <= name.len() / 4
    };
    let cli = Cli::definition();
    let names = visible_commands(&cli).map(clap::Command::get_name);
    nearest(word, names.filter(is_typo)).map(str::to_owned)
}

/// The ids of the global options that a command uses.
fn global_options_of(command: &str) -> &'static str {
    match command {
        "list" => {
            "tcp udp kind ipv4 ipv6 listening all namespace replay record record_max redact stats"
        }
        "watch" => {
            "interval tcp udp kind ipv4 ipv6 listening all namespace color no_color replay record record_max redact stats trace"
        }
        "check" => "tcp udp ipv4 ipv6 namespace color no_color",
        "end" | "free" | "who" | "diff" => "tcp udp ipv4 ipv6 namespace",
        "wait" => "interval tcp udp ipv4 ipv6 namespace",
        "record" => "interval tcp udp kind namespace redact",
        "run" => "ipv4 ipv6 color no_color",
        "config" | "keys" => "config",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_options_do_not_contradict_each_other() {
        Cli::definition().debug_assert();
    }

    #[test]
    fn a_command_accepts_global_options_that_its_help_hides() {
        let parsed = |words: &str| {
            let words = words.split(' ').map(OsString::from);
            Cli::parsed_from(words).unwrap().global
        };
        for words in ["sockeye --linger 9s free -4", "sockeye free -4 --linger 9s"] {
            let global = parsed(words);
            let linger = Some(Duration::from_secs(9));
            assert_eq!((global.linger, global.ipv4), (linger, true));
        }
    }

    #[test]
    fn a_mistyped_command_is_refused_and_after_dashes_it_is_a_filter() {
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
            let message = refusal(line).unwrap_or_default();
            let hint = format!("did you mean `sockeye {meant}`?");
            assert!(message.contains(&hint), "{line}: {message}");
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
    fn every_option_that_a_command_uses_exists() {
        let cli = Cli::definition();
        for command in cli.get_subcommands() {
            for id in global_options_of(command.get_name()).split_whitespace() {
                assert!(cli.get_arguments().any(|arg| arg.get_id() == id), "{id}");
            }
        }
    }
}
