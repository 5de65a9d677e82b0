//! What tells the main loop that something happened: signals, the terminal, the collector. A thread each.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use super::Live;
use crate::app::{Exit, Msg};
use crate::runtime::collector::{Collector, Control};
use crate::runtime::panic::spawn_worker;
use crate::runtime::process::signals::{self, Signal, Signals};
use crate::runtime::{input, terminal};

/// How long the last picture may take after a signal that ends the program.
const LAST_WRITE: Duration = Duration::from_secs(2);

impl Live {
    pub(super) fn watch_signals(&self, caught: Signals) -> io::Result<()> {
        let (sender, was_resumed) = (self.sender.clone(), Arc::clone(&self.was_resumed));
        let watch = move || {
            caught.forward(|signal| {
                let msg = match signal {
                    Signal::Quit(number) => {
                        end_even_if_stuck(number);
                        Msg::ExitRequested(Exit::Signal(number))
                    }
                    Signal::Suspend => Msg::SuspendRequested,
                    Signal::Resume => Msg::Resumed,
                };
                // Were it to wait for room, it would miss the signal that ends the program.
                match sender.try_send(msg) {
                    Err(TrySendError::Disconnected(_)) => return ControlFlow::Break(()),
                    Err(TrySendError::Full(Msg::Resumed)) => {
                        was_resumed.store(true, Ordering::Relaxed);
                    }
                    _ => {}
                }
                ControlFlow::Continue(())
            });
        };
        spawn_worker("signal", self.on_crash(), watch).map(drop)
    }

    pub(super) fn read_input(&self) -> io::Result<()> {
        let sender = self.sender.clone();
        let read = move || {
            input::read_forever(|input| {
                deliver(
                    &sender,
                    match input {
                        Ok(input) => Msg::Input(input),
                        Err(_) => Msg::ExitRequested(Exit::TerminalGone),
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
                let _ = sender.send(Msg::ExitRequested(Exit::TerminalGone));
            }
        };
        spawn_worker("hangup", self.on_crash(), watch).map(drop)
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on unix")]
    fn watch_for_hangup(&self) -> io::Result<()> {
        Ok(())
    }

    /// The collector goes on when its last reading was taken in: on a terminal that takes nothing no
    /// table waits behind another.
    pub(super) fn collect(
        &self,
        collector: Collector,
        control: Receiver<Control>,
        is_taken_in: Receiver<()>,
    ) -> io::Result<()> {
        let sender = self.sender.clone();
        let deliver = move |msg: Msg| {
            let is_reading = ends_a_reading(&msg);
            sender.send(msg).is_ok() && (!is_reading || is_taken_in.recv().is_ok())
        };
        let collect = move || collector.run(&control, deliver);
        spawn_worker("collector", self.on_crash(), collect).map(drop)
    }
}

/// Ends the program a while after a signal that asks for it. On a terminal that takes nothing the main
/// thread is in a write that does not return, and would never hear of it; nor would the sequences that
/// leave our screen be taken, but the modes of the terminal are the kernel's.
#[expect(
    clippy::disallowed_methods,
    reason = "the main thread can't be reached, and holds nothing that the kernel would not undo"
)]
fn end_even_if_stuck(signal: i32) {
    let end = move || {
        std::thread::sleep(LAST_WRITE);
        terminal::abandon();
        std::process::exit(signals::end_by(signal).into());
    };
    // Without a thread it ends as soon as the terminal takes something.
    let _ = spawn_worker("end", |_| (), end);
}

/// Whether this is how a reading of the collector comes to its end.
pub(super) const fn ends_a_reading(msg: &Msg) -> bool {
    matches!(msg, Msg::SnapshotTaken(_) | Msg::SnapshotFailed(_))
}

fn deliver(sender: &SyncSender<Msg>, msg: Msg) -> ControlFlow<()> {
    match sender.send(msg) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}
