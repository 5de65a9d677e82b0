//! `sockeye completions`, `man` and `keys`: what the program says of itself, from the same tables that
//! drive it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use sockeye::app::keymap;

use super::options::Cli;
use super::output::print;

/// Print the completions for a shell
///
/// bash: `source <(sockeye completions bash)`; zsh: write it to a file `_sockeye` in a folder of
/// `$fpath`; fish: `sockeye completions fish | source`; PowerShell: `sockeye completions powershell |
/// Out-String | Invoke-Expression`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Print a man page, or write all of them
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Whose page; without it, the page of sockeye itself
    #[arg(value_name = "COMMAND", value_parser = page_names(), conflicts_with = "dir")]
    page: Option<String>,
    /// Write every page into this folder: sockeye.1, sockeye-list.1, …
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Print the keys of the live table
#[derive(Debug, Args)]
pub(super) struct Keys {
    /// As tables in Markdown
    #[arg(long)]
    markdown: bool,
}

/// Prints the script that a shell reads.
pub(super) fn completions(wanted: &Completions) -> io::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut Cli::command(), "sockeye", &mut script);
    print(|out| out.write_all(&script))?;
    Ok(0)
}

/// Prints one page, or writes all.
pub(super) fn man(wanted: &Man) -> anyhow::Result<u8> {
    let pages = pages()?;
    if let Some(folder) = &wanted.dir {
        for (name, page) in &pages {
            write(&folder.join(format!("{name}.1")), page)?;
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

fn write(path: &Path, page: &[u8]) -> anyhow::Result<()> {
    fs::write(path, page).with_context(|| path.display().to_string())
}

/// Prints every key of the table, and of a bind test.
pub(super) fn keys(wanted: &Keys) -> io::Result<u8> {
    let text = if wanted.markdown {
        keymap::markdown()
    } else {
        keymap::plain()
    };
    print(|out| out.write_all(text.as_bytes()))?;
    Ok(0)
}

/// Every page with its name: the program's, and one for each command.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut cli = Cli::command().disable_help_subcommand(true);
    // Gives the commands the global options, as parsing does.
    cli.build();
    let commands: Vec<_> = commands(&cli).cloned().collect();
    let own = std::iter::once(("sockeye".to_owned(), cli));
    let named = commands.into_iter().map(|command| {
        let name = format!("sockeye-{}", command.get_name());
        (name, command)
    });
    let render = |(name, command): (String, Command)| {
        let mut page = Vec::new();
        Page::new(command).render(&mut page)?;
        Ok((name, page))
    };
    own.chain(named).map(render).collect()
}

fn commands(cli: &Command) -> impl Iterator<Item = &Command> {
    let all = cli.get_subcommands();
    all.filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

/// The commands that have a page. Not taken from the definition, as this is a part of it; a test holds
/// the two together.
const fn page_names() -> [&'static str; 8] {
    [
        "list",
        "watch",
        "check",
        "free",
        "wait",
        "completions",
        "man",
        "keys",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_can_be_asked_for() {
        let pages = pages().unwrap();
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        let asked = page_names().map(|name| format!("sockeye-{name}"));
        let expected: Vec<_> = std::iter::once("sockeye")
            .chain(asked.iter().map(String::as_str))
            .collect();
        assert_eq!(names, expected);
    }
}
