//! `sockeye completions`: shell completions, generated from the definition of the command line.

use std::io::{self, Write as _};

use clap::{Arg, Args, Command, ValueHint};
use clap_complete::Shell;

use super::visible_commands;
use crate::cli::output::print;

/// Print completions for a shell
///
/// bash: `source <(sockeye completions bash)`
///
/// zsh: `sockeye completions zsh >DIR/_sockeye`, where DIR is a directory of `$fpath`
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

pub fn run(wanted: &Completions, definition: &Command) -> io::Result<u8> {
    // Without the FILTER of the live table: zsh would read a command as the filter, and complete nothing after it.
    let options = definition
        .get_arguments()
        .filter(|arg| !arg.is_positional());
    let commands = definition.get_subcommands().cloned();
    let mut cli = Command::new("sockeye")
        .version(env!("CARGO_PKG_VERSION"))
        .args(options.cloned().map(without_files))
        .subcommands(commands.map(|command| command.mut_args(without_files)));
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut cli, "sockeye", &mut script);
    if wanted.shell == Shell::Zsh {
        // With two colons zsh takes everything after the first argument as more arguments, even options.
        let text = String::from_utf8(script).map_err(io::Error::other)?;
        script = text.replace("'*::", "'*:").into_bytes();
    }
    if wanted.shell == Shell::Fish {
        // What the generator leaves out: the possible values of a command's arguments, and that they are not files.
        for command in visible_commands(&cli) {
            let takes_files = command.get_positionals().any(Arg::is_last_set);
            let files = if takes_files { "" } else { " --no-files" };
            let values = command.get_positionals().flat_map(Arg::get_possible_values);
            let words: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
            writeln!(
                script,
                "complete -c sockeye -n \"__fish_sockeye_using_subcommand {}\"{files} -a \"{}\"",
                command.get_name(),
                words.join(" ")
            )?;
        }
    }
    print(|out| out.write_all(&script))?;
    Ok(0)
}

/// Keeps shells from offering files, unless the argument is a path or a command to start.
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
