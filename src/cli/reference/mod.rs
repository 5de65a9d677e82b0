//! Commands that print reference texts: keys, man pages, completions.

pub mod completions;
pub mod keys;
pub mod man;

/// The commands in the help.
pub fn visible_commands(cli: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    let all = cli.get_subcommands();
    all.filter(|command| command.get_name() != "help" && !command.is_hide_set())
}
