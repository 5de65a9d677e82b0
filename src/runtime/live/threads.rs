//! The threads that send messages to the main loop: one each for signals, the terminal and the collector.
//!
//! `M` is what the loop receives: [`Msg`], or that and typed lines.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TrySendError};
use std::time::Duration;

use crossterm::terminal::disable_raw_mode;

use super::{Live, Worker};
use crate::app::MomentRequest;
use crate::app::{Exit, Msg};
use crate::runtime::collector::{Collector, CollectorEvent, Control};
use crate::runtime::history::Moments;
use crate::runtime::panic::spawn_worker;
use crate::runtime::process::signals::{self, Signal, Signals};
use crate::runtime::terminal::input;

/// How long the last draw may take after a signal that ends the program.
const LAST_WRITE: Duration = Duration::from_secs(2);

impl<M: From<Msg> + Send + 'static> Worker<M> {
    pub(super) fn start_signals(&self, caught: Signals) -> io::Result<()> {
        let (sender, was_resumed) = (self.sender.clone(), Arc::clone(&self.was_resumed));
        let forward = move || {
            caught.forward(|signal| {
                let msg = match signal {
                    Signal::Quit(number) => {
                        end_even_if_stuck(number);
                        Msg::ExitRequested(Exit::Signal(number))
                    }
                    Signal::Suspend => Msg::SuspendRequested,
                    Signal::Resume => Msg::Resumed,
                };
                // Blocking here would miss the signal that ends the program.
                match sender.try_send(msg.into()) {
                    Err(TrySendError::Disconnected(_)) => return ControlFlow::Break(()),
                    Err(TrySendError::Full(_)) if signal == Signal::Resume => {
                        was_resumed.store(true, Ordering::Relaxed);
                    }
                    _ => {}
                }
                ControlFlow::Continue(())
            });
        };
        spawn_worker("signal", self.on_crash(), forward).map(drop)
    }

    /// The collector continues after its last update was processed, so that tables don't queue up on a terminal that
    /// accepts no output.
    pub(super) fn start_collector(
        &self,
        collector: Collector,
        commands: Receiver<Control>,
        is_processed: Receiver<()>,
    ) -> io::Result<()> {
        let sender = self.sender.clone();
        let send = move |event: CollectorEvent| {
            let msg = match event {
                CollectorEvent::Updated(update) => Msg::SnapshotTaken(update),
                CollectorEvent::Measured(refresh) => Msg::RefreshMeasured(refresh),
                CollectorEvent::Failed(why) => Msg::SnapshotFailed(why),
            };
            let ends_collection = ends_collection(&msg);
            sender.send(msg.into()).is_ok() && (!ends_collection || is_processed.recv().is_ok())
        };
        let collect = move || collector.run(&commands, send);
        spawn_worker("collector", self.on_crash(), collect).map(drop)
    }
}

impl Live {
    /// Answers the requests for moments of the history.
    pub(super) fn start_history(
        &self,
        moments: Moments,
        requests: Receiver<MomentRequest>,
    ) -> io::Result<()> {
        let sender = self.worker.sender.clone();
        let answer = move || moments.run(&requests, |msg| sender.send(msg).is_ok());
        spawn_worker("history", self.worker.on_crash(), answer).map(drop)
    }

    pub(super) fn start_input(&self) -> io::Result<()> {
        let sender = self.worker.sender.clone();
        let read = move || {
            input::read_forever(|input| {
                let msg = input.map_or(Msg::ExitRequested(Exit::TerminalGone), Msg::Input);
                match sender.send(msg) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            });
        };
        spawn_worker("input", self.worker.on_crash(), read)?;
        #[cfg(unix)]
        {
            let sender = self.worker.sender.clone();
            let watch = move || {
                if input::wait_for_hangup().is_ok() {
                    let _ = sender.send(Msg::ExitRequested(Exit::TerminalGone));
                }
            };
            spawn_worker("hangup", self.worker.on_crash(), watch)?;
        }
        Ok(())
    }
}

/// Ends the program a while after a fatal signal. On a terminal that accepts no output the main thread blocks in a
/// write and never receives the message. The sequences that leave our screen would block too, but the terminal modes
/// can be restored through the kernel.
#[expect(
    clippy::disallowed_methods,
    reason = "the main thread can't be reached, and holds nothing that the kernel would not undo"
)]
fn end_even_if_stuck(signal: i32) {
    let end = move || {
        std::thread::sleep(LAST_WRITE);
        // Without `terminal::restore`, which may be blocked in a write. There is nothing left to report an error to.
        let _ = disable_raw_mode();
        std::process::exit(signals::end_by(signal).into());
    };
    // Without a thread it ends as soon as the terminal accepts output.
    let _ = spawn_worker("end", |_| (), end);
}

/// Whether this is the last message about a snapshot.
pub(super) const fn ends_collection(msg: &Msg) -> bool {
    matches!(msg, Msg::SnapshotTaken(_) | Msg::SnapshotFailed(_))
}
