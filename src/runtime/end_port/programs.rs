//! Runs the programs of a plan, with their arguments as they are. No shell is involved here; `sudo -i` and `runuser -l` start
//! the login shell of another user for theirs. What they print goes to standard error.

use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::bind::{Program, RanProgram, Word};
use crate::clock::Clock;
use crate::model::clean;
use crate::runtime::end_process::watch::INTERVAL;
use crate::source::find_tool;

pub(super) struct Programs {
    clock: Clock,
    /// Those that were run.
    pub(super) ran: Vec<RanProgram>,
    /// Those that go on.
    started: Vec<Child>,
}

impl Programs {
    pub(super) const fn new(clock: Clock) -> Self {
        Self {
            clock,
            ran: Vec::new(),
            started: Vec::new(),
        }
    }

    /// Runs a program until it ends. One that still runs at `end` goes on.
    ///
    /// # Errors
    /// It could not be started, failed, or took too long.
    pub(super) fn run(&mut self, program: &Program, end: Duration) -> Result<(), String> {
        let name = line(program);
        let began = self.clock.now().steady;
        let mut child = spawn(program)?;
        let mut ran = RanProgram {
            command: name.clone(),
            code: None,
        };
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    ran.code = status.code();
                    self.ran.push(ran);
                    return if status.success() {
                        Ok(())
                    } else {
                        Err(format!("`{name}` failed ({status})"))
                    };
                }
                Ok(None) if self.clock.now().steady < end => thread::sleep(INTERVAL),
                Ok(None) => {
                    self.ran.push(ran);
                    self.started.push(child);
                    let time = self.clock.now().steady.saturating_sub(began);
                    return Err(format!(
                        "`{name}` still runs after {:.0} s",
                        time.as_secs_f64()
                    ));
                }
                Err(error) => return Err(format!("`{name}`: {error}")),
            }
        }
    }

    /// Starts a program, which goes on.
    ///
    /// # Errors
    /// It could not be started.
    pub(super) fn start(&mut self, program: &Program) -> Result<(), String> {
        self.started.push(spawn(program)?);
        self.ran.push(RanProgram {
            command: line(program),
            code: None,
        });
        Ok(())
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        // They are no longer waited for; those that have ended leave no zombie.
        for child in &mut self.started {
            let _ = child.try_wait();
        }
    }
}

/// The program as a line for people.
fn line(program: &Program) -> String {
    clean(&program.shell_text()).into_owned()
}

fn spawn(program: &Program) -> Result<Child, String> {
    let mut words = Vec::new();
    for word in &program.words {
        match word {
            Word::Text(text) => words.push(text.clone()),
            Word::Lines(lister) => words.extend(lines(lister)?),
        }
    }
    let mut command = command(&words)?;
    if let Some((name, value)) = &program.variable {
        command.env(name, value);
    }
    command.stdout(Stdio::from(io::stderr()));
    let child = command.spawn();
    child.map_err(|error| format!("{}: {error}", words.join(" ")))
}

/// The lines that a program prints, at least one.
fn lines(words: &[String]) -> Result<Vec<String>, String> {
    let name = words.join(" ");
    let output = command(words)?.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("`{name}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{name}` failed ({})", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(format!("`{name}` lists nothing"));
    }
    Ok(lines)
}

/// A command of these words, without input; only `sudo` may want a password.
fn command(words: &[String]) -> Result<Command, String> {
    let name = words.first().map_or("", String::as_str);
    let path = find_tool(name).ok_or_else(|| {
        format!("{name} is not installed in a folder that only root or you can change")
    })?;
    let mut command = Command::new(path);
    command.args(&words[1..]);
    if name != "sudo" {
        command.stdin(Stdio::null());
    }
    Ok(command)
}
