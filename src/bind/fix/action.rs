//! What carries out a fix, as data: signals to processes and programs with their arguments, in order.
//!
//! The command of a fix is the text of these steps for a shell, so that what is printed is what `sockeye end` carries out
//! without a shell.

use std::borrow::Cow;
use std::time::Duration;

use super::shell::shell_word;
use super::{Fix, FixCode, RunAs};
use crate::model::{Pid, Signal};

/// Steps in order, as one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Who has to run them.
    pub run_as: RunAs,
    /// The steps; never empty.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send a signal to processes, in this order.
    Signal {
        /// Which one.
        signal: Signal,
        /// Their pids; never empty.
        pids: Vec<Pid>,
    },
    /// Continue stopped processes (`SIGCONT`).
    Continue {
        /// Their pids.
        pids: Vec<Pid>,
    },
    /// Run a program and wait for its end.
    Run(Program),
    /// Start a program, which goes on during the next steps.
    Start(Program),
    /// Wait.
    Pause(Duration),
}

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// A variable that it needs in its environment, with its value.
    pub variable: Option<(&'static str, String)>,
    /// Its name, and its arguments.
    pub words: Vec<Word>,
}

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// This text.
    Text(String),
    /// One argument for each line that another program prints.
    Lines(Vec<String>),
}

impl Program {
    /// A program with these words.
    pub(in crate::bind) fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| Word::Text(word.into()));
        Self {
            variable: None,
            words: words.collect(),
        }
    }

    /// The program with more words.
    pub(in crate::bind) fn with<W: Into<String>>(
        mut self,
        words: impl IntoIterator<Item = W>,
    ) -> Self {
        self.words.extend(Self::new(words).words);
        self
    }

    /// The call as a line for a POSIX shell.
    pub fn shell_text(&self) -> String {
        let variable = self.variable.iter();
        let variable = variable.map(|(name, value)| format!("{name}={}", shell_word(value)));
        let words = self.words.iter().map(|word| match word {
            Word::Text(text) => shell_word(text).into_owned(),
            Word::Lines(program) => {
                let words: Vec<Cow<'_, str>> = program.iter().map(|one| shell_word(one)).collect();
                format!("$({})", words.join(" "))
            }
        });
        let words: Vec<_> = variable.chain(words).collect();
        words.join(" ")
    }
}

impl Step {
    /// SIGTERM to these processes.
    pub(super) fn term(pids: impl Into<Vec<Pid>>) -> Self {
        Self::Signal {
            signal: Signal::Term,
            pids: pids.into(),
        }
    }

    /// SIGKILL to these processes.
    pub(super) fn kill(pids: impl Into<Vec<Pid>>) -> Self {
        Self::Signal {
            signal: Signal::Kill,
            pids: pids.into(),
        }
    }

    fn shell_text(&self) -> String {
        let kill = |option: &str, pids: &[Pid]| {
            let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
            format!("kill {option}{}", pids.join(" "))
        };
        match self {
            Self::Signal {
                signal: Signal::Term,
                pids,
            } => kill("", pids),
            Self::Signal { signal, pids } => kill(&format!("-{} ", signal.as_str()), pids),
            Self::Continue { pids } => kill("-CONT ", pids),
            Self::Run(program) | Self::Start(program) => program.shell_text(),
            Self::Pause(time) => format!("sleep {}", time.as_secs_f64()),
        }
    }
}

/// The steps as one line for a POSIX shell.
pub fn shell_text(steps: &[Step]) -> String {
    let mut text = String::new();
    for (at, step) in steps.iter().enumerate() {
        text.push_str(&step.shell_text());
        if at + 1 < steps.len() {
            text.push_str(match step {
                Step::Start(_) => " & ",
                _ => "; ",
            });
        }
    }
    text
}

impl FixCode {
    /// A fix that these steps carry out.
    pub(super) fn steps(self, text: impl Into<String>, steps: Vec<Step>) -> Fix {
        let command = shell_text(&steps);
        let run_as = RunAs::User;
        Fix {
            actions: vec![Action { run_as, steps }],
            ..self.command(text, command)
        }
    }
}

/// Programs of which one call takes several operands.
const VERBS: [&[&str]; 3] = [
    &["systemctl", "stop"],
    &["docker", "stop"],
    &["podman", "stop"],
];

/// The actions of several fixes as fewer: `systemctl stop a` and `systemctl stop b` are one call, so are two SIGTERM.
pub(super) fn merged(actions: impl IntoIterator<Item = Action>) -> Vec<Action> {
    let mut merged: Vec<Action> = Vec::new();
    for action in actions {
        let is_merged = merged.iter_mut().any(|before| before.absorb(&action));
        if !is_merged {
            merged.push(action);
        }
    }
    merged
}

impl Action {
    /// Adds the operands of another action of the same kind; `false` if it is of another kind.
    fn absorb(&mut self, other: &Self) -> bool {
        if self.run_as != other.run_as || matches!(self.run_as, RunAs::Named(_)) {
            return false;
        }
        let ([own], [other]) = (self.steps.as_mut_slice(), other.steps.as_slice()) else {
            return false;
        };
        let (own, more) = match (own, other) {
            (
                Step::Signal {
                    signal: Signal::Term,
                    pids,
                },
                Step::Signal {
                    signal: Signal::Term,
                    pids: more,
                },
            ) => {
                pids.extend(
                    more.iter()
                        .filter(|pid| !pids.contains(pid))
                        .copied()
                        .collect::<Vec<_>>(),
                );
                return true;
            }
            (Step::Run(own), Step::Run(other)) => (own, other),
            _ => return false,
        };
        match (verb_of(own), verb_of(more)) {
            (Some(verb), Some(other)) if verb == other => {
                own.words.extend_from_slice(&more.words[verb.len()..]);
                true
            }
            _ => false,
        }
    }
}

/// The verb of a simple call: nothing but operands follows it.
fn verb_of(program: &Program) -> Option<&'static [&'static str]> {
    let mut words = Vec::new();
    for word in &program.words {
        let Word::Text(text) = word else {
            return None;
        };
        words.push(text.as_str());
    }
    let verb = VERBS.into_iter().find(|verb| words.starts_with(verb))?;
    let are_operands = words[verb.len()..]
        .iter()
        .all(|word| !word.starts_with('-'));
    (program.variable.is_none() && are_operands).then_some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(step: Step) -> Action {
        Action {
            run_as: RunAs::User,
            steps: vec![step],
        }
    }

    fn run(words: &str) -> Action {
        action(Step::Run(Program::new(words.split(' '))))
    }

    fn merged_text(actions: &[Action]) -> String {
        let merged = merged(actions.iter().cloned()).into_iter();
        let texts: Vec<_> = merged.map(|one| shell_text(&one.steps)).collect();
        texts.join("; ")
    }

    #[test]
    fn actions_of_one_kind_become_one_and_others_a_list() {
        let (term, kill) = (
            |pid| action(Step::term([pid])),
            |pid| action(Step::kill([pid])),
        );
        for (actions, text) in [
            ([term(1), term(2)], "kill 1 2"),
            ([term(1), term(1)], "kill 1"),
            ([kill(1), term(2)], "kill -KILL 1; kill 2"),
            ([term(1), kill(2)], "kill 1; kill -KILL 2"),
            (
                [
                    run("systemctl stop a.service"),
                    run("systemctl stop b.service"),
                ],
                "systemctl stop a.service b.service",
            ),
            ([run("docker stop a"), term(2)], "docker stop a; kill 2"),
            (
                [run("docker stop -t 1 a"), run("docker stop b")],
                "docker stop -t 1 a; docker stop b",
            ),
        ] {
            assert_eq!(merged_text(&actions), text);
        }
    }

    #[test]
    fn the_units_of_two_users_stay_two_calls() {
        let of_root = Action {
            run_as: RunAs::Root,
            ..run("systemctl stop a.service")
        };
        let both = [of_root, run("systemctl stop b.service")];
        assert_eq!(merged(both.clone()), both);
    }

    #[test]
    fn steps_are_printed_as_a_shell_takes_them() {
        let ids = ["docker", "ps", "-q"].map(str::to_owned).to_vec();
        let mut docker = Program::new(["docker", "stop"]);
        docker.words.push(Word::Lines(ids));
        let pm2 = Program {
            variable: Some(("PM2_HOME", "/home/a b".into())),
            ..Program::new(["pm2", "stop", "it's"])
        };
        let start = Step::Start(Program::new(["supervisorctl", "stop", "web"]));
        for (steps, text) in [
            (vec![Step::Run(docker)], "docker stop $(docker ps -q)"),
            (
                vec![Step::Run(pm2)],
                r"PM2_HOME='/home/a b' pm2 stop 'it'\''s'",
            ),
            (
                vec![
                    start,
                    Step::Pause(Duration::from_secs(1)),
                    Step::kill([1, 2]),
                ],
                "supervisorctl stop web & sleep 1; kill -KILL 1 2",
            ),
            (
                vec![Step::term([7]), Step::Continue { pids: vec![7] }],
                "kill 7; kill -CONT 7",
            ),
        ] {
            assert_eq!(shell_text(&steps), text);
        }
    }
}
