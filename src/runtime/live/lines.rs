//! The main loop of the live table as lines (`--linear`): typed lines and messages go to the session, its lines to
//! standard output.
//!
//! The terminal stays as it is: its own line editing, and every reader of it, keep working. Without a terminal the same
//! commands come from a pipe; each then waits for the answer to the one before.

use std::io::{self, IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

use super::effects::TerminalEffect;
use super::worker::Worker;
use super::{ConfigFile, MAX_BURST, threads};
use crate::app::{Effect, Environment, Exit, Msg};
use crate::clock::Clock;
use crate::linear::{Output, Session};
use crate::runtime::collector::Collector;
use crate::runtime::panic::spawn_worker;
use crate::runtime::process::signals::{self, Signals};
use crate::runtime::process::stdio::{RetryWriter, read_lines};
use crate::settings::Settings;
use crate::theme::Glyphs;
use crate::ui::in_ascii;

/// Something for the loop.
enum Incoming {
    Msg(Msg),
    /// The next line of standard input; the one after it is read when it was run.
    Typed(Typed),
}

enum Typed {
    Line(String),
    End,
}

impl From<Msg> for Incoming {
    fn from(msg: Msg) -> Self {
        Self::Msg(msg)
    }
}

/// Runs the live table as lines until the user quits, or standard input ends.
///
/// # Errors
/// If the system starts no further threads.
pub fn run(
    settings: Settings,
    environment: Environment,
    collector: Collector,
    clock: Clock,
    config: ConfigFile,
) -> io::Result<Exit> {
    let caught = Signals::catch()?;
    let (worker, ends) = Worker::new(clock, config, collector.history.clone());
    // Lines have no way back in time.
    drop(ends.moments);
    let (done, is_done) = mpsc::channel();
    let mut lines = Lines {
        is_terminal: io::stdin().is_terminal(),
        has_bell: io::stdout().is_terminal(),
        glyphs: environment.glyphs,
        session: Session::new(settings, environment, clock.now()),
        typed: None,
        done,
        worker,
    };
    lines.worker.start_signals(caught)?;
    lines.start_input(is_done)?;
    (lines.worker).start_collector(collector, ends.commands, ends.is_processed)?;
    Ok(lines.run(&ends.messages))
}

struct Lines {
    session: Session,
    worker: Worker<Incoming>,
    /// The line that was read and not run yet.
    typed: Option<Typed>,
    /// Lets the next line be read, so that a script of any length waits in its pipe.
    done: Sender<()>,
    /// Whether a person types: commands then run at once.
    is_terminal: bool,
    has_bell: bool,
    glyphs: Glyphs,
}

impl Lines {
    fn run(&mut self, messages: &Receiver<Incoming>) -> Exit {
        loop {
            let first = match self.session.next_wake(self.worker.clock.now()) {
                Some(time) => messages.recv_timeout(time),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            // The loop has a sender itself, so the channel never closes: no message is a timeout.
            let first = first.unwrap_or(Incoming::Msg(Msg::Woke));
            let resumed = self
                .worker
                .take_resumed()
                .then_some(Incoming::Msg(Msg::Resumed));
            let burst = resumed.into_iter().chain([first]);
            for incoming in burst.chain(messages.try_iter().take(MAX_BURST)) {
                if let ControlFlow::Break(exit) = self.receive(incoming) {
                    return exit;
                }
            }
        }
    }

    fn receive(&mut self, incoming: Incoming) -> ControlFlow<Exit> {
        match incoming {
            Incoming::Typed(typed) => self.typed = Some(typed),
            Incoming::Msg(msg) => {
                let ends_collection = threads::ends_collection(&msg);
                let output = self.session.update(msg, self.worker.clock.now());
                if ends_collection {
                    self.worker.report_processed();
                }
                self.carry_out(output)?;
            }
        }
        if !self.is_terminal && self.session.is_busy() {
            return ControlFlow::Continue(());
        }
        match self.typed.take() {
            None => ControlFlow::Continue(()),
            Some(Typed::End) => ControlFlow::Break(Exit::Quit),
            Some(Typed::Line(line)) => {
                let output = self.session.run(&line, self.worker.clock.now());
                // The thread that reads has ended if there is no more to read.
                let _ = self.done.send(());
                self.carry_out(output)
            }
        }
    }

    fn carry_out(&mut self, output: Output) -> ControlFlow<Exit> {
        self.write(&output.lines)?;
        for effect in output.effects {
            self.perform(effect)?;
        }
        ControlFlow::Continue(())
    }

    fn perform(&mut self, effect: Effect) -> ControlFlow<Exit> {
        let effects = self.worker.perform(effect, self.session.app_mut());
        let mut effects = effects.into_iter();
        effects.try_for_each(|effect| self.perform_on_terminal(effect))
    }

    fn perform_on_terminal(&self, effect: TerminalEffect) -> ControlFlow<Exit> {
        match effect {
            TerminalEffect::End(exit) => ControlFlow::Break(exit),
            // The text is printed, so that any reader has it: no sequence of the terminal is.
            TerminalEffect::Copy(text) => self.write(&[text]),
            TerminalEffect::Bell if self.has_bell => unless_gone(print(b"\x07")),
            TerminalEffect::SuspendJob => {
                // This fails on a system without job control: then there is no shell to return to.
                drop(signals::suspend_job());
                ControlFlow::Continue(())
            }
            TerminalEffect::Suspend => {
                // If the system won't stop us, we simply go on.
                let _ = signals::stop_now();
                ControlFlow::Continue(())
            }
            // An alert has its line already, and there is no screen to redraw.
            TerminalEffect::SetMouse(_)
            | TerminalEffect::Bell
            | TerminalEffect::DesktopNotice(_)
            | TerminalEffect::Redraw
            | TerminalEffect::Repaint => ControlFlow::Continue(()),
        }
    }

    /// Writes whole lines at once.
    fn write(&self, lines: &[String]) -> ControlFlow<Exit> {
        if lines.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut text = lines.join("\n");
        if self.glyphs == Glyphs::Ascii {
            let ascii: Vec<_> = lines.iter().map(|line| in_ascii(line)).collect();
            text = ascii.join("\n");
        }
        text.push('\n');
        unless_gone(print(text.as_bytes()))
    }

    fn start_input(&self, is_done: Receiver<()>) -> io::Result<()> {
        let sender = self.worker.sender.clone();
        let read = move || {
            let read = read_lines(|line| {
                let typed = Incoming::Typed(Typed::Line(line));
                sender.send(typed).is_ok() && is_done.recv().is_ok()
            });
            let end = match read {
                Ok(()) => Incoming::Typed(Typed::End),
                Err(_) => Incoming::Msg(Msg::ExitRequested(Exit::TerminalGone)),
            };
            let _ = sender.send(end);
        };
        spawn_worker("input", self.worker.on_crash(), read).map(drop)
    }
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = RetryWriter(io::stdout().lock());
    out.write_all(bytes)?;
    out.flush()
}

/// Ends the program if its output could not be written. A reader that has closed the pipe has seen enough.
fn unless_gone(written: io::Result<()>) -> ControlFlow<Exit> {
    match written {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ControlFlow::Break(Exit::Quit),
        Err(_) => ControlFlow::Break(Exit::TerminalGone),
    }
}
