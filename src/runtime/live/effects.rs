//! Carries out the effects of the state machine: those on the system for every front end, those on the screen here.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;
use crossterm::style::Print;

use super::{Live, Worker, jobs, opener, unless_gone};
use crate::app::{App, Effect, Exit, MomentRequest, Msg, RowNamespace};
use crate::bind::Target;
use crate::model::clean;
use crate::runtime::collector::Control;
use crate::runtime::end_process::{end_and_watch, end_several, inspect_owner};
use crate::runtime::fault;
use crate::runtime::panic::{self, spawn_worker};
use crate::runtime::process::signals;
use crate::runtime::process::stdio::RetryWriter;

/// An effect on the terminal, which depends on the front end.
pub(super) enum TerminalEffect {
    End(Exit),
    /// Without control characters: the text may be pasted anywhere.
    Copy(String),
    SetMouse(bool),
    Bell,
    DesktopNotice(String),
    SuspendJob,
    Suspend,
    Redraw,
    Repaint,
}

/// Carries out an effect and all that follow from it, one after the other. `perform` returns the effect that is left
/// for the terminal, and those that follow. This ends, as no job is requested again because it could not be started.
fn with_all_that_follow(
    first: Effect,
    mut perform: impl FnMut(Effect) -> (Option<TerminalEffect>, Vec<Effect>),
) -> Vec<TerminalEffect> {
    let mut on_terminal = Vec::new();
    let mut waiting = VecDeque::from([first]);
    while let Some(effect) = waiting.pop_front() {
        let (left, follow) = perform(effect);
        on_terminal.extend(left);
        waiting.extend(follow);
    }
    on_terminal
}

impl<M: From<Msg> + Send + 'static> Worker<M> {
    /// Carries out an effect, and those that follow from jobs that could not be started; returns those on the
    /// terminal.
    pub(super) fn perform(&self, effect: Effect, app: &mut App) -> Vec<TerminalEffect> {
        with_all_that_follow(effect, |effect| {
            let mut lost = None;
            let on_terminal = self.perform_one(effect, app, &mut lost);
            // Not through the channel: that may be full, and only this thread empties it.
            let follow = lost.map(|failed| app.update(failed, self.clock.now()));
            (on_terminal, follow.unwrap_or_default())
        })
    }

    /// `lost` gets the answer for a job that could not be started, or was refused.
    fn perform_one(
        &self,
        effect: Effect,
        app: &App,
        lost: &mut Option<Msg>,
    ) -> Option<TerminalEffect> {
        let clock = self.clock;
        match effect {
            Effect::End(exit) => return Some(TerminalEffect::End(exit)),
            Effect::Refresh => self.control(Control::Refresh),
            Effect::SetInterval(interval) => self.control(Control::SetInterval(interval)),
            Effect::SetLinger(linger) => self.control(Control::SetLinger(linger)),
            Effect::SetServices(services) => self.control(Control::SetServices(services)),
            Effect::SetKinds(kinds) => self.control(Control::SetKinds(kinds)),
            Effect::SetCounters(are_read) => self.control(Control::SetCounters(are_read)),
            Effect::SetPaused(paused) => self.control(Control::SetPaused(paused)),
            Effect::ShowMoment(request) => self.show_moment(*request, lost),
            Effect::ReadSettings => self.start_reading_settings(lost),
            Effect::PrepareSave(settings) => {
                self.start_config(|path| jobs::prepare_save(path, *settings), lost);
            }
            Effect::Save(save) => self.start_config(move |path| jobs::save(path, &save), lost),
            Effect::BindTest {
                job,
                target,
                namespace,
            } => self.start_bind_test(job, target, namespace, lost),
            Effect::FindFreePort { from, namespace } => {
                let find = move || jobs::find_free_port(from, namespace.as_ref());
                self.start("free port", jobs::failed, find, lost);
            }
            Effect::InspectOwner { job, socket } => {
                let inspect = move || inspect_owner(job, &socket, clock);
                self.start("inspection", move |_| jobs::uninspected(job), inspect, lost);
            }
            Effect::EndProcess(ending) => {
                self.start_signal(move |send| end_and_watch(&ending, clock, send), lost);
            }
            Effect::EndSeveral { endings, ports } => {
                self.start_signal(move |send| end_several(&endings, &ports, clock, send), lost);
            }
            Effect::Write(format, rows) => {
                let (table, now) = (Arc::clone(app.table()), clock.now());
                let counters_at = app.counters_at();
                let write = move || jobs::write_rows(&table, &rows, format, counters_at, now);
                self.start("writer", jobs::failed, write, lost);
            }
            Effect::WriteHistory => self.start_writing_history(lost),
            Effect::Copy(text) => return Some(TerminalEffect::Copy(clean(&text).into_owned())),
            Effect::CopyRows(format, rows) => match jobs::rows_text(app.table(), &rows, format) {
                Some(text) => return Some(TerminalEffect::Copy(text)),
                None => *lost = Some(jobs::failed(jobs::TOO_MUCH.to_owned())),
            },
            Effect::OpenUrl(url) => {
                let open = move || opener::open_url(&url, clock);
                self.start("browser", jobs::failed, open, lost);
            }
            Effect::SetMouse(is_used) => return Some(TerminalEffect::SetMouse(is_used)),
            Effect::Bell => return Some(TerminalEffect::Bell),
            Effect::DesktopNotice(text) => return Some(TerminalEffect::DesktopNotice(text)),
            Effect::SuspendJob => return Some(TerminalEffect::SuspendJob),
            Effect::Suspend => return Some(TerminalEffect::Suspend),
            Effect::Redraw => return Some(TerminalEffect::Redraw),
            Effect::Repaint => return Some(TerminalEffect::Repaint),
        }
        None
    }

    /// Without a thread that has a history nothing is kept: in the front end of lines, or after its crash.
    fn show_moment(&self, request: MomentRequest, lost: &mut Option<Msg>) {
        if let Err(refused) = self.moments.send(request) {
            let message = "no history is kept".to_owned();
            let job = refused.0.job;
            *lost = Some(Msg::MomentFailed { job, message });
        }
    }

    fn start_writing_history(&self, lost: &mut Option<Msg>) {
        let (history, now) = (self.history.clone(), self.clock.now());
        let write = move || jobs::write_history(history.as_ref(), now);
        self.start("writer", jobs::failed, write, lost);
    }

    fn start_reading_settings(&self, lost: &mut Option<Msg>) {
        let read = Arc::clone(&self.config.read_again);
        let read = move || jobs::read_settings(&*read);
        self.start("settings", jobs::failed, read, lost);
    }

    fn start_bind_test(
        &self,
        job: u64,
        target: Target,
        namespace: Option<RowNamespace>,
        lost: &mut Option<Msg>,
    ) {
        let clock = self.clock;
        let failed = move |message| Msg::BindTestFailed { job, message };
        let test = move || jobs::bind_test(job, &target, namespace.as_ref(), clock);
        self.start("bind test", failed, test, lost);
    }

    /// If the collector is gone it has crashed, which it reports itself.
    fn control(&self, control: Control) {
        let _ = self.control.send(control);
    }

    fn start_config(
        &self,
        job: impl FnOnce(Option<&Path>) -> Msg + Send + 'static,
        lost: &mut Option<Msg>,
    ) {
        let path = self.config.path.clone();
        let job = move || job(path.as_deref());
        self.start("config", jobs::failed, job, lost);
    }

    /// Sends signals on a thread of its own, which also reports the progress.
    fn start_signal(
        &self,
        end: impl FnOnce(&mut dyn FnMut(Msg)) -> Msg + Send + 'static,
        lost: &mut Option<Msg>,
    ) {
        let sender = self.sender.clone();
        let mut send = move |msg| drop(sender.send(M::from(msg)));
        let job = move || end(&mut send);
        self.start("signal", Msg::SignalFailed, job, lost);
    }

    /// Runs a job on a thread of its own; its answer comes as a message. `failed` makes the answer of a job that
    /// crashed, or could not be started: the program goes on without it.
    fn start(
        &self,
        name: &'static str,
        failed: impl Fn(String) -> Msg + Clone + Send + 'static,
        job: impl FnOnce() -> Msg + Send + 'static,
        lost: &mut Option<Msg>,
    ) {
        let (sender, crashed) = (self.sender.clone(), failed.clone());
        let work = move || {
            let done = panic::catch(|| {
                fault::point(name);
                job()
            });
            let answer = done.unwrap_or_else(|what| crashed(format!("{name} crashed: {what}")));
            let _ = sender.send(answer.into());
        };
        if let Err(error) = spawn_worker(name, self.on_crash(), work) {
            *lost = Some(failed(format!("{name}: {error}")));
        }
    }

    pub(super) fn on_crash(&self) -> impl FnOnce(String) + Send + 'static {
        let sender = self.sender.clone();
        move |what| drop(sender.send(Msg::ExitRequested(Exit::Crashed(what)).into()))
    }
}

impl Live {
    pub(super) fn perform(&mut self, effect: Effect) -> ControlFlow<Exit> {
        let mut effects = self.worker.perform(effect, &mut self.app).into_iter();
        effects.try_for_each(|effect| self.perform_on_terminal(effect))
    }

    fn perform_on_terminal(&mut self, effect: TerminalEffect) -> ControlFlow<Exit> {
        match effect {
            TerminalEffect::End(exit) => return ControlFlow::Break(exit),
            // By the terminal (OSC 52), so that it works over SSH too.
            TerminalEffect::Copy(text) => return write(CopyToClipboard::to_clipboard_from(text)),
            TerminalEffect::SetMouse(is_used) => {
                return unless_gone(self.screen.set_mouse(is_used));
            }
            TerminalEffect::Bell => return write(Print("\x07")),
            TerminalEffect::DesktopNotice(text) => {
                return write(Print(self.notifier.sequence(&text)));
            }
            // This fails on a system without job control: then there is no shell to return to.
            TerminalEffect::SuspendJob => drop(signals::suspend_job()),
            TerminalEffect::Suspend => {
                self.screen.leave();
                // If the system won't stop us, we simply go on.
                let _ = signals::stop_now();
                return self.redraw();
            }
            TerminalEffect::Redraw => return self.redraw(),
            TerminalEffect::Repaint => return self.repaint(),
        }
        ControlFlow::Continue(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, Protocol, Socket, State};

    #[test]
    fn what_follows_from_a_job_that_could_not_be_started_is_carried_out_too() {
        let local = Endpoint::new("127.0.0.1".parse().unwrap(), 80);
        let socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        let inspect = |job| Effect::InspectOwner {
            job,
            socket: Box::new(socket.clone()),
        };
        let mut jobs = Vec::new();
        let on_terminal = with_all_that_follow(inspect(1), |effect| match effect {
            Effect::InspectOwner { job, .. } => {
                jobs.push(job);
                let next = if job < 100_000 {
                    inspect(job + 1)
                } else {
                    Effect::Bell
                };
                (None, vec![next])
            }
            Effect::Bell => (Some(TerminalEffect::Bell), Vec::new()),
            other => panic!("{other:?}"),
        });
        assert_eq!(jobs.len(), 100_000);
        assert!(matches!(on_terminal[..], [TerminalEffect::Bell]));
    }
}
