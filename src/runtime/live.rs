//! The main loop: messages to the state machine, its effects to the world, its view to the screen.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

use crossterm::clipboard::CopyToClipboard;
use crossterm::style::Print;

use super::clock::Clock;
use super::collector::{Collector, Control};
use super::end_process::end_process;
use super::panic::spawn_worker;
use super::signals::{self, Signal, Signals};
use super::terminal::Screen;
use super::{input, jobs};
use crate::app::view::View;
use crate::app::{App, Effect, Exit, Input, Msg, Settings, Size};
use crate::ui::{self, Theme};

/// Runs the live table until it is left.
///
/// # Errors
/// If there is no terminal, or the system starts no further threads.
pub fn run(
    settings: Settings,
    collector: Collector,
    theme: Theme,
    clock: Clock,
) -> io::Result<Exit> {
    let (sender, messages) = mpsc::channel();
    let (control, controlled) = mpsc::channel();
    let caught = Signals::catch()?;
    let mut live = Live {
        app: App::new(settings, clock.now()),
        screen: Screen::enter()?,
        drawn: None,
        theme,
        clock,
        sender,
        control,
    };
    live.watch_signals(caught)?;
    live.read_input()?;
    live.collect(collector, controlled)?;
    Ok(live.run(&messages))
}

struct Live {
    app: App,
    screen: Screen,
    /// What the screen shows, if that is known.
    drawn: Option<View>,
    theme: Theme,
    clock: Clock,
    sender: Sender<Msg>,
    control: Sender<Control>,
}

/// How many messages are taken in before the screen is drawn again.
const MAX_BURST: usize = 512;

impl Live {
    fn run(&mut self, messages: &Receiver<Msg>) -> Exit {
        loop {
            if let Err(exit) = self.draw() {
                return exit;
            }
            let first = match self.app.next_wake(self.clock.now()) {
                Some(time) => messages.recv_timeout(time),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            // The loop holds a sender itself, so the channel never closes: no message is a timeout.
            let first = first.unwrap_or(Msg::Woke);
            for msg in std::iter::once(first).chain(messages.try_iter().take(MAX_BURST)) {
                for effect in self.app.update(msg, self.clock.now()) {
                    if let ControlFlow::Break(exit) = self.carry_out(effect) {
                        return exit;
                    }
                }
            }
        }
    }

    /// Draws if anything looks different. A terminal that can't be written to is gone.
    fn draw(&mut self) -> Result<(), Exit> {
        if let ControlFlow::Break(exit) = self.resize_to_terminal() {
            return Err(exit);
        }
        let began = self.clock.now();
        let view = self.app.view(began);
        if self.drawn.as_ref() == Some(&view) {
            return Ok(());
        }
        let theme = self.theme;
        let drawn = self.screen.draw(|frame| ui::draw(frame, &view, theme));
        self.drawn = Some(view);
        drawn.map_err(|_| Exit::TerminalGone)?;
        let now = self.clock.now();
        // It asks for nothing, not even to be drawn.
        let _ = self.app.update(Msg::Drawn(began.age(now)), now);
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> ControlFlow<Exit> {
        match effect {
            Effect::End(exit) => return ControlFlow::Break(exit),
            Effect::Refresh => self.tell_collector(Control::Refresh),
            Effect::SetInterval(interval) => self.tell_collector(Control::SetInterval(interval)),
            Effect::SetPaused(paused) => self.tell_collector(Control::SetPaused(paused)),
            Effect::BindTest { job, target } => {
                let clock = self.clock;
                self.start("bind test", move || jobs::bind_test(job, &target, clock));
            }
            Effect::FindFreePort { from } => {
                self.start("free port", move || jobs::find_free_port(from));
            }
            Effect::EndProcess(ending) => self.start("signal", move || end_process(&ending)),
            Effect::Write(format, rows) => {
                let (table, now) = (Arc::clone(self.app.table()), self.clock.now());
                self.start("writer", move || {
                    jobs::write_rows(&table, &rows, format, now)
                });
            }
            Effect::Copy(text) => return copy(text),
            Effect::Bell => return ring(),
            // A system without job control refuses: then there is nothing to go back to.
            Effect::SuspendJob => drop(signals::suspend_job()),
            Effect::Suspend => return self.suspend(),
            Effect::Redraw => return self.redraw(),
            Effect::Repaint => return self.repaint(),
        }
        ControlFlow::Continue(())
    }

    /// The collector ends only when it crashed, which then says so itself.
    fn tell_collector(&self, control: Control) {
        let _ = self.control.send(control);
    }

    /// Runs a job on a thread of its own; its answer comes as a message.
    fn start(&self, name: &str, job: impl FnOnce() -> Msg + Send + 'static) {
        let sender = self.sender.clone();
        let work = move || drop(sender.send(job()));
        if let Err(error) = spawn_worker(name, self.on_crash(), work) {
            let message = format!("{name}: {error}");
            let _ = self.sender.send(Msg::JobDone {
                succeeded: false,
                message,
            });
        }
    }

    fn on_crash(&self) -> impl FnOnce(String) + Send + 'static {
        let sender = self.sender.clone();
        move |what| drop(sender.send(Msg::EndAsked(Exit::Crashed(what))))
    }

    fn suspend(&mut self) -> ControlFlow<Exit> {
        self.screen.leave();
        // If the system won't stop us, we simply go on.
        let _ = signals::stop_now();
        self.redraw()
    }

    fn redraw(&mut self) -> ControlFlow<Exit> {
        if self.screen.enter_again().is_err() {
            return ControlFlow::Break(Exit::TerminalGone);
        }
        self.drawn = None;
        ControlFlow::Continue(())
    }

    fn repaint(&mut self) -> ControlFlow<Exit> {
        self.drawn = None;
        match self.screen.repaint() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(Exit::TerminalGone),
        }
    }

    /// The size may have changed without a signal: while we were stopped, or under `su -c`, which
    /// takes the terminal's signals away.
    fn resize_to_terminal(&mut self) -> ControlFlow<Exit> {
        let Ok((width, height)) = crossterm::terminal::size() else {
            return ControlFlow::Continue(());
        };
        if self.app.size() == (Size { width, height }) {
            return ControlFlow::Continue(());
        }
        // A new size asks for nothing but a new picture.
        let resized = Msg::Input(Input::Resized { width, height });
        let _ = self.app.update(resized, self.clock.now());
        self.repaint()
    }

    fn watch_signals(&self, caught: Signals) -> io::Result<()> {
        let sender = self.sender.clone();
        let watch = move || {
            caught.forward(|signal| {
                deliver(
                    &sender,
                    match signal {
                        Signal::Quit(number) => Msg::EndAsked(Exit::Signal(number)),
                        Signal::Suspend => Msg::SuspendAsked,
                        Signal::Resume => Msg::Resumed,
                    },
                )
            });
        };
        spawn_worker("signal", self.on_crash(), watch).map(drop)
    }

    fn read_input(&self) -> io::Result<()> {
        let sender = self.sender.clone();
        let read = move || {
            input::read_forever(|input| {
                deliver(
                    &sender,
                    match input {
                        Ok(input) => Msg::Input(input),
                        Err(_) => Msg::EndAsked(Exit::TerminalGone),
                    },
                )
            });
        };
        spawn_worker("input", self.on_crash(), read)?;
        self.watch_for_hangup()
    }

    #[cfg(unix)]
    fn watch_for_hangup(&self) -> io::Result<()> {
        let sender = self.sender.clone();
        let watch = move || {
            if input::wait_for_hangup().is_ok() {
                let _ = sender.send(Msg::EndAsked(Exit::TerminalGone));
            }
        };
        spawn_worker("hangup", self.on_crash(), watch).map(drop)
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on unix")]
    fn watch_for_hangup(&self) -> io::Result<()> {
        Ok(())
    }

    fn collect(&self, collector: Collector, control: Receiver<Control>) -> io::Result<()> {
        let sender = self.sender.clone();
        let collect = move || collector.run(&control, |msg| sender.send(msg).is_ok());
        spawn_worker("collector", self.on_crash(), collect).map(drop)
    }
}

fn deliver(sender: &Sender<Msg>, msg: Msg) -> ControlFlow<()> {
    match sender.send(msg) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

fn ring() -> ControlFlow<Exit> {
    match crossterm::execute!(io::stdout(), Print('\x07')) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(Exit::TerminalGone),
    }
}

/// By the terminal (OSC 52), so that it works over SSH too.
fn copy(text: String) -> ControlFlow<Exit> {
    match crossterm::execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(Exit::TerminalGone),
    }
}
