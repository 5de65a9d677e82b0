//! The main loop of the live table: messages go to the state machine, its effects to the system, its view to the
//! screen.

mod effects;
mod jobs;
pub mod lines;
mod opener;
mod threads;
mod worker;

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

pub use opener::OPENER;

use super::collector::Collector;
use super::history::Moments;
use super::process::signals::Signals;
use super::terminal::notification::Notifier;
use super::terminal::{self, Screen};
use crate::app::view::View;
use crate::app::{App, Environment, Exit, Input, Msg, Size};
use crate::clock::Clock;
use crate::settings::Settings;
use crate::ui;
use worker::Worker;

/// Reads the settings again: the effective ones and their file, or in one line why they can't be used.
pub type ReadAgain = Arc<dyn Fn() -> Result<(Settings, String), String> + Send + Sync>;

/// The config file of this run.
#[derive(Clone)]
pub struct ConfigFile {
    /// Reads it, with the command line on top.
    pub read_again: ReadAgain,
    /// Where it is, or would be; `None` for a user without a home.
    pub path: Option<PathBuf>,
}

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
    moments: Moments,
    clock: Clock,
    config: ConfigFile,
) -> io::Result<Exit> {
    let caught = Signals::catch()?;
    let (worker, ends) = Worker::new(clock, config, collector.history.clone());
    let screen = Screen::enter(settings.mouse)?;
    let mut live = Live {
        app: App::new(settings, environment, clock.now()),
        screen,
        drawn: None,
        notifier: Notifier::of(|name| std::env::var(name).ok()),
        worker,
    };
    #[cfg(unix)]
    if live.app.uses_terminal_background() {
        terminal::background::query()?;
    }
    live.worker.start_signals(caught)?;
    live.start_input()?;
    live.start_history(moments, ends.moments)?;
    (live.worker).start_collector(collector, ends.commands, ends.is_processed)?;
    Ok(live.run(&ends.messages))
}

struct Live {
    app: App,
    screen: Screen,
    /// The content of the screen, if known.
    drawn: Option<View>,
    notifier: Notifier,
    worker: Worker<Msg>,
}

impl Live {
    fn run(&mut self, messages: &Receiver<Msg>) -> Exit {
        loop {
            if let ControlFlow::Break(exit) = self.draw() {
                return exit;
            }
            let first = match self.app.next_wake(self.worker.clock.now()) {
                Some(time) => messages.recv_timeout(time),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            // The loop has a sender itself, so the channel never closes: no message is a timeout.
            let first = first.unwrap_or(Msg::Woke);
            let resumed = self.worker.take_resumed().then_some(Msg::Resumed);
            let burst = resumed.into_iter().chain([first]);
            for msg in burst.chain(messages.try_iter().take(MAX_BURST)) {
                let ends_collection = threads::ends_collection(&msg);
                let effects = self.app.update(msg, self.worker.clock.now());
                if ends_collection {
                    self.worker.report_processed();
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
            let _ = self.app.update(resized, self.worker.clock.now());
            self.repaint()?;
        }
        let began = self.worker.clock.now();
        let view = self.app.view(began);
        if self.drawn.as_ref() == Some(&view) {
            return ControlFlow::Continue(());
        }
        let drawn = self.screen.draw(|frame| ui::draw(frame, &view));
        self.drawn = Some(view);
        unless_gone(drawn)?;
        let now = self.worker.clock.now();
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
