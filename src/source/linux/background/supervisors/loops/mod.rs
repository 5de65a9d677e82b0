//! Whether a shell script starts a command again when it ends. "Yes" is only said of a command that a loop provably
//! starts once more, because the script is then ended with it. If it is unclear, the answer is unknown.

mod commands;
#[cfg(test)]
mod tests;
mod text;

use commands::{Command, Ends, Kind, Script};

/// The most steps to find the loops of all commands: functions may call each other.
const MOST_STEPS: usize = 200_000;
/// The most functions between a command and the place where it is run.
const MOST_CALLS: usize = 16;

/// Whether a script starts a command again when it ends; `None` if that is unclear.
pub(super) fn has_loop(script: &str, command: &[String]) -> Option<bool> {
    let text = text::stripped(script);
    let tokens = text::tokens(&text);
    let script = Script::parse(&tokens);
    let is_loop = |word: &&str| ["while", "until", "for", "select"].contains(word);
    if !script.is_unclear && script.loops.is_empty() || !tokens.iter().any(is_loop) {
        return Some(false);
    }
    if script.is_unclear {
        return None;
    }
    let server = Server::new(command);
    let mut runs = Runs {
        script: &script,
        steps: MOST_STEPS,
    };
    let mut found = Vec::new();
    for one in &script.commands {
        let likeness = server.likeness(one, &script);
        if likeness != Likeness::None {
            found.push((likeness, runs.of(one, State::default())));
        }
    }
    answer(&found)
}

/// The answer by the most alike commands. Those that are less alike can only make it unclear.
fn answer(found: &[(Likeness, Repeat)]) -> Option<bool> {
    let &(most, _) = found.iter().max()?;
    // If nothing is like it, any other program may have started it.
    let is_main = |likeness| likeness == most || most <= Likeness::Unknown;
    let mut main = found.iter().filter(|(likeness, _)| is_main(*likeness));
    if main.all(|&(_, repeat)| repeat == Repeat::Again) {
        return Some(true);
    }
    let may_be = |likeness| is_main(likeness) || likeness != Likeness::AnyProgram;
    let mut all = found.iter().filter(|(likeness, _)| may_be(*likeness));
    all.all(|&(_, repeat)| repeat == Repeat::Once)
        .then_some(false)
}

/// How often a command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Repeat {
    Once,
    Unknown,
    Again,
}

/// Whether a command of a script is the one that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// It is another one, or starts nothing.
    None,
    /// A program that may start it.
    AnyProgram,
    /// A variable or another script.
    Unknown,
    /// The same program, with arguments that are not known.
    Program,
    Same,
}

/// The command that is looked for: its words, paths without their folders.
struct Server<'a> {
    words: Vec<&'a str>,
}

impl<'a> Server<'a> {
    fn new(command: &'a [String]) -> Self {
        // A process that has set its title has it in one word.
        let (title, rest) = match command {
            [first, rest @ ..] if rest.iter().all(String::is_empty) => (Some(first), &[][..]),
            rest => (None, rest),
        };
        let words = title.into_iter().flat_map(|title| title.split(' '));
        let words = words.chain(rest.iter().map(String::as_str)).map(base_name);
        Self {
            words: words.collect(),
        }
    }

    fn likeness(&self, command: &Command<'_>, script: &Script<'_>) -> Likeness {
        let Some(first) = command.words.first().map(|first| base_name(first)) else {
            return Likeness::None;
        };
        if script.functions.contains(first) {
            return Likeness::None;
        }
        let whole = [&self.words[..], self.script().unwrap_or_default()];
        let mut alike = whole.into_iter().filter(|one| one.first() == Some(&first));
        if let Some(words) = alike.next() {
            let has = |word: &&str| command.words.iter().any(|one| base_name(one) == *word);
            let arguments = &command.words[1..];
            return match words.iter().all(has) {
                true => Likeness::Same,
                false if arguments.iter().any(|word| is_unknown(word)) => Likeness::Program,
                false => Likeness::AnyProgram,
            };
        }
        match first {
            _ if HARMLESS.contains(&first) => Likeness::None,
            _ if is_plain(command.words[0]) => Likeness::AnyProgram,
            _ => Likeness::Unknown,
        }
    }

    /// The script that an interpreter runs, with its arguments: it may have been started by its own name.
    fn script(&self) -> Option<&[&'a str]> {
        let words = self.words.get(1..)?;
        words.first()?.contains('.').then_some(words)
    }
}

/// How a command is run by the one that it is in.
#[derive(Clone, Copy, Default)]
struct State {
    is_guarded: bool,
    is_background: bool,
    calls: usize,
}

struct Runs<'a> {
    script: &'a Script<'a>,
    /// The steps that are left.
    steps: usize,
}

impl Runs<'_> {
    fn of(&mut self, command: &Command<'_>, mut state: State) -> Repeat {
        let script = self.script;
        state.is_guarded |= command.is_guarded;
        state.is_background |= command.is_background;
        let (mut block, mut once) = (command.block, Repeat::Once);
        while let Some(at) = block {
            self.steps = self.steps.saturating_sub(1);
            if self.steps == 0 {
                return Repeat::Unknown;
            }
            let inner = &script.blocks[at];
            match inner.kind {
                Kind::Group | Kind::If => {}
                Kind::Branch | Kind::Case => state.is_guarded = true,
                Kind::Function(name) => return self.of_function(name, state).max(once),
                Kind::Condition(number) => {
                    let ends = script.loops[number].ends;
                    let is_again = ends == Ends::OnSuccess && !state.is_guarded;
                    return again_if(is_again && !state.is_background);
                }
                // Another loop may repeat it.
                Kind::Body(number) if script.loops[number].ends == Ends::Finite => {
                    once = Repeat::Unknown;
                }
                Kind::Body(number) => {
                    let its_loop = &script.loops[number];
                    // A loop that waits for it is there to start it again.
                    let is_endless = its_loop.ends == Ends::Never && !its_loop.has_break;
                    let is_repeated = is_endless || !state.is_background;
                    return again_if(is_repeated && !state.is_guarded);
                }
            }
            state.is_guarded |= inner.is_guarded;
            block = inner.parent;
        }
        once
    }

    /// Of a command in a function, by all that call it.
    fn of_function(&mut self, name: &str, mut state: State) -> Repeat {
        state.calls += 1;
        if state.calls > MOST_CALLS {
            return Repeat::Unknown;
        }
        let mut repeats = Vec::new();
        for call in &self.script.commands {
            self.steps = self.steps.saturating_sub(1);
            match call.words.iter().position(|word| *word == name) {
                _ if self.steps == 0 => return Repeat::Unknown,
                Some(0) => repeats.push(self.of(call, state)),
                // Another command may call it.
                Some(_) => repeats.push(Repeat::Unknown),
                None => {}
            }
        }
        let first = repeats.first().copied();
        let is_same = repeats.iter().all(|one| Some(*one) == first);
        first.filter(|_| is_same).unwrap_or(Repeat::Unknown)
    }
}

const fn again_if(is_again: bool) -> Repeat {
    if is_again {
        Repeat::Again
    } else {
        Repeat::Unknown
    }
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_unknown(word: &str) -> bool {
    word.contains(['$', text::UNKNOWN])
}

/// Whether a word names a program that starts no other one, as far as its name shows: no variable, script or shell.
fn is_plain(word: &str) -> bool {
    const STARTS_OTHERS: [&str; 9] = [
        "eval", "source", "sh", "bash", "dash", "zsh", "ksh", "xargs", "sudo",
    ];
    let is_name = word.chars().all(|c| c.is_alphanumeric() || c == '-');
    is_name && !STARTS_OTHERS.contains(&word)
}

/// Commands that start no server.
#[rustfmt::skip]
const HARMLESS: [&str; 81] = [
    ":", "[", "[[", "]", "alias", "awk", "basename", "break", "cat", "cd", "chmod", "chown", "clear", "continue", "cp",
    "curl", "cut", "date", "declare", "dirname", "echo", "exit", "export", "false", "getopts", "grep", "head", "hostname",
    "id", "jq", "kill", "killall", "ln", "local", "logger", "ls", "lsof", "mapfile", "mkdir", "mv", "nc", "netstat",
    "pgrep", "pkill", "popd", "printf", "ps", "pushd", "pwd", "read", "readlink", "readonly", "realpath", "return", "rm",
    "rmdir", "sed", "seq", "set", "shift", "shopt", "sleep", "sort", "ss", "tail", "tee", "test", "touch", "tr", "trap",
    "true", "typeset", "ulimit", "umask", "uname", "unset", "wait", "wc", "wget", "which", "whoami",
];
