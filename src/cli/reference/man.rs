//! `sockeye man`: man pages, generated from the definition of the command line and the tables of filters and keys.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::builder::Resettable;
use clap::{Args, Command};
use clap_mangen::Man as Page;
use regex::Regex;
use roff::{Roff, bold, roman};
use sockeye::filter;
use sockeye::keymap::{Keymap, Mode};

use super::visible_commands;
use crate::cli::output::print;

/// Print a man page, or write all of them
///
/// To read one: `sockeye man list | man -l -`.
#[derive(Debug, Args)]
pub struct Man {
    /// The command; without it, the page of sockeye itself
    #[arg(value_name = "COMMAND", value_parser = PAGES, conflicts_with = "dir")]
    page: Option<String>,
    /// Write every page to this directory: sockeye.1, sockeye-list.1, …
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(wanted: &Man, definition: Command) -> anyhow::Result<u8> {
    let pages = pages(definition)?;
    if let Some(folder) = &wanted.dir {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for (name, page) in &pages {
            let path = folder.join(format!("{name}.1"));
            fs::write(&path, page).with_context(|| path.display().to_string())?;
        }
        return Ok(0);
    }
    let name = match &wanted.page {
        Some(command) => format!("sockeye-{command}"),
        None => "sockeye".to_owned(),
    };
    let page = pages.into_iter().find(|(of, _)| *of == name);
    let (_, page) = page.context("every command has a page")?;
    print(|out| out.write_all(&page))?;
    Ok(0)
}

/// The names and pages of the program and of each command.
fn pages(definition: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut cli = definition.disable_help_subcommand(true);
    // Adds the global options to the commands, as parsing does.
    cli.build();
    let commands: Vec<_> = visible_commands(&cli).cloned().collect();
    let own = std::iter::once(("sockeye".to_owned(), cli));
    let named = commands.into_iter().map(|command| {
        let name = format!("sockeye-{}", command.get_name());
        (name, command)
    });
    let with_page = |(name, command)| Ok((name, page(command)?));
    own.chain(named).map(with_page).collect()
}

fn page(mut command: Command) -> io::Result<Vec<u8>> {
    let filters = || section("FILTERS", filter::words());
    let more = if command.has_subcommands() {
        let keymap = Keymap::default();
        let keys = |title, mode| {
            let bindings = keymap.bound(mode);
            section(title, bindings.map(|one| (one.keys_text(), one.help)))
        };
        filters()
            + &keys("KEYS", Mode::Table)
            + &keys("KEYS OF A BIND TEST", Mode::Bind)
            + &keys("KEYS OF A FOCUSED PANE", Mode::Pane)
    } else {
        let mut arguments = command.get_positionals();
        let takes_a_filter = arguments.any(|arg| arg.get_id() == "filter");
        let filters = takes_a_filter.then(filters).unwrap_or_default();
        examples(&command) + &filters + ".SH \"SEE ALSO\"\n\\fBsockeye\\fR(1)\n"
    };
    let usage = command.render_usage().to_string();
    let command = command
        .override_usage(usage.trim_start_matches("Usage: ").to_owned())
        .subcommand_help_heading("COMMANDS")
        // The generator would put the examples under the heading EXTRA.
        .after_long_help(Resettable::Reset)
        .mut_args(|arg| {
            if arg.is_positional() {
                arg.help_heading("Arguments")
            } else {
                arg
            }
        });
    let page = Page::new(command)
        .source(concat!("sockeye ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut roff = Vec::new();
    page.render(&mut roff)?;
    let roff = String::from_utf8(roff).map_err(io::Error::other)?;
    // Code is printed in bold, as roff takes backquotes for opening quotes.
    let code = Regex::new("`([^`\n]+)`").expect("the pattern is fixed and valid");
    let roff = code.replace_all(&roff, r"\fB$1\fR");
    // The generator leaves out the date, so that roff would take the version as the date.
    let undated = Regex::new(r"(?m)^(\.TH \S+ 1)  ").expect("the pattern is fixed and valid");
    let roff = undated.replace(&roff, "$1 \"\" ").into_owned();
    Ok((roff + &more).into_bytes())
}

/// The examples at the end of the help.
fn examples(command: &Command) -> String {
    let text = command.get_after_long_help().map(ToString::to_string);
    let Some((_, lines)) = text.as_deref().and_then(|text| text.split_once('\n')) else {
        return String::new();
    };
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("EX", []);
    for line in lines.lines() {
        roff.text([roman(line)]);
    }
    roff.control("EE", []);
    roff.to_roff()
}

/// A heading, and words with their meanings.
fn section<'a>(title: &str, words: impl Iterator<Item = (String, &'a str)>) -> String {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (word, meaning) in words {
        roff.control("TP", [])
            .text([bold(word)])
            .text([roman(meaning)]);
    }
    roff.to_roff()
}

/// The commands that have a page. This is part of the definition, so it can't be derived from it; a test compares them.
#[rustfmt::skip]
const PAGES: [&str; 14] = [
    "list", "watch", "check", "end", "free", "wait", "run", "record", "who", "diff", "completions", "man", "keys", "config",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::definition::Cli;

    #[test]
    fn examples_and_filters_have_headings() {
        for (name, page) in pages(Cli::definition()).unwrap() {
            assert!(!page_has(&page, "EXTRA"), "{name}");
            let has_examples = [
                "list", "watch", "check", "end", "free", "wait", "run", "record", "who", "diff",
                "config",
            ]
            .iter()
            .any(|command| name == format!("sockeye-{command}"));
            assert_eq!(page_has(&page, "EXAMPLES"), has_examples, "{name}");
            let takes_filters = ["sockeye", "sockeye-list", "sockeye-watch"];
            let has_filters = page_has(&page, "FILTERS");
            assert_eq!(has_filters, takes_filters.contains(&&*name), "{name}");
        }
    }

    fn page_has(page: &[u8], heading: &str) -> bool {
        let page = String::from_utf8_lossy(page);
        page.lines().any(|line| line == format!(".SH {heading}"))
    }

    #[test]
    fn every_command_has_a_page() {
        let pages = pages(Cli::definition()).unwrap();
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        let asked = PAGES.map(|name| format!("sockeye-{name}"));
        let expected: Vec<_> = std::iter::once("sockeye")
            .chain(asked.iter().map(String::as_str))
            .collect();
        assert_eq!(names, expected);
    }
}
