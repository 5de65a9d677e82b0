//! The main loop of the live table: messages go to the state machine, its effects to the system, its view to the
//! screen.

mod effects;
mod jobs;
mod threads;

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};

use super::collector::{Collector, Control};
use super::process::signals::Signals;
use super::terminal::notification::Notifier;
use super::terminal::{self, Screen};
use crate::app::view::View;
use crate::app::{App, Environment, Exit, Input, Msg, Size};
use crate::clock::Clock;
use crate::settings::Settings;
use crate::ui;

/// Reads the settings again: the effective ones and their file, or in one line why they can't be used.
pub type ReadAgain = Arc<dyn Fn() -> Result<(Settings, String), String> + Send + Sync>;

/// The most messages to queue while a draw blocks, on a terminal that accepts no output. Threads block beyond that;
/// typed input then stays in the terminal.
const MAX_WAITING: usize = 512;

/// How many messages are processed before the screen is drawn again.
const MAX_BURST: usize = 512;

/// Runs the live table until the user leaves it.
///
/// # Errors
/// If there is no terminal, or the system starts no further threads.
pub fn run(
    settings: Settings,
    environment: Environment,
    collector: Collector,
    clock: Clock,
    read_again: ReadAgain,
) -> io::Result<Exit> {
    let (sender, messages) = mpsc::sync_channel(MAX_WAITING);
    let (control, commands) = mpsc::channel();
    let (processed, is_processed) = mpsc::channel();
    let caught = Signals::catch()?;
    let mut live = Live {
        app: App::new(settings, environment, clock.now()),
        screen: Screen::enter()?,
        drawn: None,
        notifier: Notifier::of(|name| std::env::var(name).ok()),
        clock,
        read_again,
        sender,
        control,
        processed,
        was_resumed: Arc::default(),
    };
    #[cfg(unix)]
    if live.app.uses_terminal_background() {
        terminal::background::query()?;
    }
    live.start_signals(caught)?;
    live.start_input()?;
    live.start_collector(collector, commands, is_processed)?;
    Ok(live.run(&messages))
}

struct Live {
    app: App,
    screen: Screen,
    /// The content of the screen, if known.
    drawn: Option<View>,
    notifier: Notifier,
    clock: Clock,
    read_again: ReadAgain,
    sender: SyncSender<Msg>,
    control: Sender<Control>,
    /// Lets the collector continue: its last update was processed.
    processed: Sender<()>,
    /// Whether the process was stopped and continued while there was no room for a message.
    was_resumed: Arc<AtomicBool>,
}

impl Live {
    fn run(&mut self, messages: &Receiver<Msg>) -> Exit {
        loop {
            if let ControlFlow::Break(exit) = self.draw() {
                return exit;
            }
            let first = match self.app.next_wake(self.clock.now()) {
                Some(time) => messages.recv_timeout(time),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            // The loop has a sender itself, so the channel never closes: no message is a timeout.
            let first = first.unwrap_or(Msg::Woke);
            let was_resumed = self.was_resumed.swap(false, Ordering::Relaxed);
            let resumed = was_resumed.then_some(Msg::Resumed);
            let burst = resumed.into_iter().chain([first]);
            for msg in burst.chain(messages.try_iter().take(MAX_BURST)) {
                let ends_collection = threads::ends_collection(&msg);
                let effects = self.app.update(msg, self.clock.now());
                if ends_collection {
                    let _ = self.processed.send(());
                }
                for effect in effects {
                    if let ControlFlow::Break(exit) = self.perform(effect) {
                        return exit;
                    }
                }
            }
        }
    }

    /// Draws if the view changed. A write error means that the terminal is gone.
    fn draw(&mut self) -> ControlFlow<Exit> {
        // The size may have changed without a signal: while we were stopped, or under `su -c`, which takes the
        // terminal's signals away.
        if let Ok((width, height)) = terminal::size()
            && self.app.size() != (Size { width, height })
        {
            // A new size has no effects but needs a new picture.
            let resized = Msg::Input(Input::Resized { width, height });
            let _ = self.app.update(resized, self.clock.now());
            self.repaint()?;
        }
        let began = self.clock.now();
        let view = self.app.view(began);
        if self.drawn.as_ref() == Some(&view) {
            return ControlFlow::Continue(());
        }
        let drawn = self.screen.draw(|frame| ui::draw(frame, &view));
        self.drawn = Some(view);
        unless_gone(drawn)?;
        let now = self.clock.now();
        // It has no effects and needs no draw.
        let _ = self.app.update(Msg::Drawn(began.age(now)), now);
        ControlFlow::Continue(())
    }
}

/// Ends the program if the terminal could not be written to.
fn unless_gone(written: io::Result<()>) -> ControlFlow<Exit> {
    written.map_or(
        ControlFlow::Break(Exit::TerminalGone),
        ControlFlow::Continue,
    )
}
