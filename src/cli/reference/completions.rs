//! `sockeye completions`: what a shell reads to complete our words, made from the definition that parses
//! them.

use std::io;

use clap::{Arg, Args, Command, ValueHint};
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::commands;
use crate::cli::output::print;

/// Print the completions for a shell
///
/// bash: `source <(sockeye completions bash)`
///
/// zsh: `sockeye completions zsh >DIR/_sockeye`, where DIR is a folder of `$fpath`
///
/// fish: `sockeye completions fish | source`
///
/// PowerShell: `sockeye completions powershell | Out-String | Invoke-Expression`
///
/// elvish: `eval (sockeye completions elvish | slurp)`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script that a shell reads.
pub fn run(wanted: &Completions) -> io::Result<u8> {
    let mut cli = as_shells_know_it();
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut cli, "sockeye", &mut script);
    if wanted.shell == Shell::Zsh {
        // With two colons zsh takes everything behind a first argument for more of them, options too.
        let text = String::from_utf8(script).map_err(io::Error::other)?;
        script = text.replace("'*::", "'*:").into_bytes();
    }
    if wanted.shell == Shell::Fish {
        let arguments = commands(&cli).map(fish_arguments);
        script.extend(arguments.collect::<String>().into_bytes());
    }
    print(|out| out.write_all(&script))?;
    Ok(0)
}

/// The program without the FILTER of its own: zsh would take a command for it and complete nothing
/// behind the command. No word of a filter can be completed anyway.
fn as_shells_know_it() -> Command {
    let cli = Cli::definition();
    let options = cli.get_arguments().filter(|arg| !arg.is_positional());
    let commands = cli.get_subcommands().cloned();
    Command::new("sockeye")
        .version(env!("CARGO_PKG_VERSION"))
        .args(options.cloned().map(without_files))
        .subcommands(commands.map(|command| command.mut_args(without_files)))
}

/// An argument for which no shell offers files, unless it is a path, or a command to be started.
fn without_files(arg: Arg) -> Arg {
    let takes_anything = arg.get_action().takes_values()
        && arg.get_value_hint() == ValueHint::Unknown
        && !arg.is_last_set();
    if takes_anything {
        arg.value_hint(ValueHint::Other)
    } else {
        arg
    }
}

/// What the generator for fish leaves out: the words that a command's arguments may be, and that they
/// are no files.
fn fish_arguments(command: &Command) -> String {
    let condition = format!("__fish_sockeye_using_subcommand {}", command.get_name());
    let files = if command.get_positionals().any(Arg::is_last_set) {
        ""
    } else {
        " --no-files"
    };
    let values = command.get_positionals().flat_map(Arg::get_possible_values);
    let words: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
    let words = words.join(" ");
    format!("complete -c sockeye -n \"{condition}\"{files} -a \"{words}\"\n")
}
