//! The main loop: messages to the state machine, its effects to the world, its view to the screen.

mod producers;

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};

use crossterm::clipboard::CopyToClipboard;
use crossterm::style::Print;

use crate::clock::Clock;
use super::collector::{Collector, Control};
use super::end_process::{end_and_watch, inspect_owner, uninspected};
use super::notice::Terminal;
use super::output::RetryWriter;
use super::panic::{self, spawn_worker};
use super::signals::{self, Signals};
use super::terminal::{self, Screen};
use super::{fault, jobs};
use crate::app::view::View;
use crate::settings::Settings;
use crate::app::{App, Effect, Exit, Input, Msg, Size, Environment};
use crate::model::clean;
use crate::ui;
use producers::ends_a_reading;

/// Runs the live table until it is left.
///
/// # Errors
/// If there is no terminal, or the system starts no further threads.
pub fn run(
    settings: Settings,
    surroundings: Environment,
    collector: Collector,
    clock: Clock,
    read_again: ReadAgain,
) -> io::Result<Exit> {
    let (sender, messages) = mpsc::sync_channel(MAX_WAITING);
    let (control, controlled) = mpsc::channel();
    let (taken_in, is_taken_in) = mpsc::channel();
    let caught = Signals::catch()?;
    let mut live = Live {
        app: App::new(settings, surroundings, clock.now()),
        screen: Screen::enter()?,
        drawn: None,
        terminal: Terminal::of(|name| std::env::var(name).ok()),
        clock,
        read_again,
        sender,
        control,
        taken_in,
        was_resumed: Arc::default(),
    };
    live.watch_signals(caught)?;
    live.read_input()?;
    live.collect(collector, controlled, is_taken_in)?;
    Ok(live.run(&messages))
}

struct Live {
    app: App,
    screen: Screen,
    /// What the screen shows, if that is known.
    drawn: Option<View>,
    /// How a notice on the desktop is asked for.
    terminal: Terminal,
    clock: Clock,
    read_again: ReadAgain,
    sender: SyncSender<Msg>,
    control: Sender<Control>,
    /// Tells the collector that its last reading was taken in.
    taken_in: Sender<()>,
    /// Whether the process was stopped and went on while there was no room for a message.
    was_resumed: Arc<AtomicBool>,
}

/// Reads the settings again: those that count now, and from which file; or why they can't be taken, in one line.
pub type ReadAgain = Arc<dyn Fn() -> Result<(Settings, String), String> + Send + Sync>;

/// How many messages wait at most while a draw does not end, on a terminal that takes nothing. Whoever
/// has another one waits with it: what is typed then stays in the terminal.
const MAX_WAITING: usize = 512;

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
            let was_resumed = self.was_resumed.swap(false, Ordering::Relaxed);
            let first = was_resumed
                .then_some(Msg::Resumed)
                .into_iter()
                .chain([first]);
            for msg in first.chain(messages.try_iter().take(MAX_BURST)) {
                let is_reading = ends_a_reading(&msg);
                let effects = self.app.update(msg, self.clock.now());
                if is_reading {
                    let _ = self.taken_in.send(());
                }
                for effect in effects {
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
        let drawn = self.screen.draw(|frame| ui::draw(frame, &view));
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
            Effect::SetLinger(linger) => self.tell_collector(Control::SetLinger(linger)),
            Effect::SetKinds(kinds) => self.tell_collector(Control::SetKinds(kinds)),
            Effect::ReadSettings => {
                let read = Arc::clone(&self.read_again);
                self.start("settings", jobs::failed, move || {
                    jobs::read_settings(&*read)
                });
            }
            Effect::SetPaused(paused) => self.tell_collector(Control::SetPaused(paused)),
            Effect::BindTest { job, target } => {
                let clock = self.clock;
                let failed = move |message| Msg::BindTestFailed { job, message };
                let test = move || jobs::bind_test(job, &target, clock);
                self.start("bind test", failed, test);
            }
            Effect::FindFreePort { from } => {
                let find = move || jobs::find_free_port(from);
                self.start("free port", jobs::failed, find);
            }
            Effect::InspectOwner { job, socket } => {
                let clock = self.clock;
                let inspect = move || inspect_owner(job, &socket, clock);
                self.start("inspection", move |_| uninspected(job), inspect);
            }
            Effect::EndProcess(ending) => {
                let (clock, sender) = (self.clock, self.sender.clone());
                let mut tell = move |msg| drop(sender.send(msg));
                let end = move || end_and_watch(&ending, clock, &mut tell);
                self.start("signal", Msg::SignalFailed, end);
            }
            Effect::Write(format, rows) => {
                let (table, now) = (Arc::clone(self.app.table()), self.clock.now());
                let write = move || jobs::write_rows(&table, &rows, format, now);
                self.start("writer", jobs::failed, write);
            }
            Effect::Copy(text) => return copy(&text),
            Effect::Bell => return print("\x07"),
            Effect::DesktopNotice(text) => return print(&self.terminal.notice(&text)),
            // A system without job control refuses: then there is nothing to go back to.
            Effect::SuspendJob => drop(signals::suspend_job()),
            Effect::Suspend => return self.suspend(),
            Effect::Redraw => return self.redraw(),
            Effect::Repaint => return self.repaint(),
        }
        ControlFlow::Continue(())
    }

    /// The collector ends only when it crashed beyond its readings, which then says so itself.
    fn tell_collector(&self, control: Control) {
        let _ = self.control.send(control);
    }

    /// Runs a job on a thread of its own; its answer comes as a message. `failed` is that of a job which
    /// crashed, or could not begin: the program goes on without it.
    fn start(
        &mut self,
        name: &'static str,
        failed: impl Fn(String) -> Msg + Clone + Send + 'static,
        job: impl FnOnce() -> Msg + Send + 'static,
    ) {
        let (sender, crashed) = (self.sender.clone(), failed.clone());
        let work = move || {
            let done = panic::catch(|| {
                fault::point(name);
                job()
            });
            let answer = done.unwrap_or_else(|what| crashed(format!("{name} crashed: {what}")));
            let _ = sender.send(answer);
        };
        if let Err(error) = spawn_worker(name, self.on_crash(), work) {
            // Through the channel, which may be full, it would wait for itself.
            let failed = failed(format!("{name}: {error}"));
            let _ = self.app.update(failed, self.clock.now());
        }
    }

    fn on_crash(&self) -> impl FnOnce(String) + Send + 'static {
        let sender = self.sender.clone();
        move |what| drop(sender.send(Msg::ExitRequested(Exit::Crashed(what))))
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
        let Ok((width, height)) = terminal::size() else {
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
}

/// Says something to the terminal that moves nothing on its screen.
fn print(text: &str) -> ControlFlow<Exit> {
    match crossterm::execute!(RetryWriter(io::stdout()), Print(text)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(Exit::TerminalGone),
    }
}

/// By the terminal (OSC 52), so that it works over SSH too. What is pasted somewhere else shall show, too.
fn copy(text: &str) -> ControlFlow<Exit> {
    let text = clean(text).into_owned();
    match crossterm::execute!(
        RetryWriter(io::stdout()),
        CopyToClipboard::to_clipboard_from(text)
    ) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(Exit::TerminalGone),
    }
}
