//! Carries out the effects of the state machine.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;
use crossterm::style::Print;

use super::{Live, jobs, unless_gone};
use crate::app::{Effect, Exit, Msg};
use crate::model::clean;
use crate::runtime::collector::Control;
use crate::runtime::end_process::{end_and_watch, end_several, inspect_owner};
use crate::runtime::fault;
use crate::runtime::panic::{self, spawn_worker};
use crate::runtime::process::signals;
use crate::runtime::process::stdio::RetryWriter;

impl Live {
    pub(super) fn perform(&mut self, effect: Effect) -> ControlFlow<Exit> {
        let clock = self.clock;
        match effect {
            Effect::End(exit) => return ControlFlow::Break(exit),
            Effect::Refresh => self.control(Control::Refresh),
            Effect::SetInterval(interval) => self.control(Control::SetInterval(interval)),
            Effect::SetLinger(linger) => self.control(Control::SetLinger(linger)),
            Effect::SetServices(services) => self.control(Control::SetServices(services)),
            Effect::SetKinds(kinds) => self.control(Control::SetKinds(kinds)),
            Effect::SetPaused(paused) => self.control(Control::SetPaused(paused)),
            Effect::ReadSettings => {
                let read = Arc::clone(&self.read_again);
                let read = move || jobs::read_settings(&*read);
                self.start("settings", jobs::failed, read);
            }
            Effect::BindTest { job, target } => {
                let failed = move |message| Msg::BindTestFailed { job, message };
                let test = move || jobs::bind_test(job, &target, clock);
                self.start("bind test", failed, test);
            }
            Effect::FindFreePort { from } => {
                let find = move || jobs::find_free_port(from);
                self.start("free port", jobs::failed, find);
            }
            Effect::InspectOwner { job, socket } => {
                let inspect = move || inspect_owner(job, &socket, clock);
                self.start("inspection", move |_| jobs::uninspected(job), inspect);
            }
            Effect::EndProcess(ending) => {
                self.start_signal(move |send| end_and_watch(&ending, clock, send));
            }
            Effect::EndSeveral { endings, ports } => {
                self.start_signal(move |send| end_several(&endings, &ports, clock, send));
            }
            Effect::Write(format, rows) => {
                let (table, now) = (Arc::clone(self.app.table()), clock.now());
                let write = move || jobs::write_rows(&table, &rows, format, now);
                self.start("writer", jobs::failed, write);
            }
            // By the terminal (OSC 52), so that it works over SSH too. Control characters are made visible: the text
            // may be pasted anywhere.
            Effect::Copy(text) => {
                return write(CopyToClipboard::to_clipboard_from(clean(&text).as_ref()));
            }
            Effect::Bell => return write(Print("\x07")),
            Effect::DesktopNotice(text) => return write(Print(self.notifier.sequence(&text))),
            // This fails on a system without job control: then there is no shell to return to.
            Effect::SuspendJob => drop(signals::suspend_job()),
            Effect::Suspend => {
                self.screen.leave();
                // If the system won't stop us, we simply go on.
                let _ = signals::stop_now();
                return self.redraw();
            }
            Effect::Redraw => return self.redraw(),
            Effect::Repaint => return self.repaint(),
        }
        ControlFlow::Continue(())
    }

    /// If the collector is gone it has crashed, which it reports itself.
    fn control(&self, control: Control) {
        let _ = self.control.send(control);
    }

    /// Sends signals on a thread of its own, which also reports the progress.
    fn start_signal(&mut self, end: impl FnOnce(&mut dyn FnMut(Msg)) -> Msg + Send + 'static) {
        let sender = self.sender.clone();
        let mut send = move |msg| drop(sender.send(msg));
        self.start("signal", Msg::SignalFailed, move || end(&mut send));
    }

    /// Runs a job on a thread of its own; its answer comes as a message. `failed` makes the answer of a job that
    /// crashed, or could not be started: the program goes on without it.
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
            // Not through the channel: that may be full, and only this thread empties it.
            let failed = failed(format!("{name}: {error}"));
            let _ = self.app.update(failed, self.clock.now());
        }
    }

    pub(super) fn on_crash(&self) -> impl FnOnce(String) + Send + 'static {
        let sender = self.sender.clone();
        move |what| drop(sender.send(Msg::ExitRequested(Exit::Crashed(what))))
    }

    fn redraw(&mut self) -> ControlFlow<Exit> {
        unless_gone(self.screen.enter_again())?;
        self.drawn = None;
        ControlFlow::Continue(())
    }

    pub(super) fn repaint(&mut self) -> ControlFlow<Exit> {
        self.drawn = None;
        unless_gone(self.screen.repaint())
    }
}

/// Writes a sequence that moves nothing on the screen.
fn write(sequence: impl Command) -> ControlFlow<Exit> {
    unless_gone(crossterm::execute!(RetryWriter(io::stdout()), sequence))
}
