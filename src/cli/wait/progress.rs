//! The progress of waiting, on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sockeye::report::WaitedServer;
use sockeye::runtime::wait::Port;

use super::{What, waited};
use crate::cli::errors::print_error;
use crate::cli::output::terminal_width;

/// A line on standard error that shows how long it takes, if standard error is a terminal that can rewrite a line.
pub(super) struct Progress {
    is_wanted: bool,
    is_quiet: bool,
    /// The ports, by index, of which it was reported that another server listens.
    reported: Vec<bool>,
    shown: Option<String>,
    /// Whether there is a line to erase.
    is_there: Arc<AtomicBool>,
}

impl Progress {
    pub(super) fn new(is_quiet: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            is_wanted: !is_quiet && io::stderr().is_terminal() && !is_dumb,
            is_quiet,
            reported: Vec::new(),
            shown: None,
            is_there: Arc::default(),
        }
    }

    /// Erases the line, from any thread.
    pub(super) fn eraser(&self) -> impl FnOnce() + Send + 'static {
        let is_there = Arc::clone(&self.is_there);
        move || {
            if is_there.load(Ordering::Relaxed) {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        }
    }

    /// Reports once for each port that another server than the expected one listens there.
    pub(super) fn report_others(&mut self, server: Option<&WaitedServer>, ports: &[Port]) {
        self.reported.resize(ports.len(), self.is_quiet);
        for (port, is_reported) in ports.iter().zip(&mut self.reported) {
            let text = server.and_then(|server| server.text(&waited(port)));
            if let Some(text) = text.filter(|_| !*is_reported) {
                *is_reported = true;
                if self.shown.take().is_some() {
                    let _ = write!(io::stderr(), "\r\x1b[K");
                }
                print_error(&format!("{}: {text}; still waiting", port.target));
            }
        }
    }

    /// Shows the first port that is still waited for, if the line changes.
    pub(super) fn show(
        &mut self,
        wanted: What,
        server: Option<&WaitedServer>,
        ports: &[Port],
        time: Duration,
    ) {
        let pending = ports.iter().find(|port| !port.is_reached);
        let Some(port) = pending.filter(|_| self.is_wanted) else {
            return;
        };
        let default = match wanted {
            What::Free => "in use",
            What::Listening => "nothing is listening",
        };
        let another = server.and_then(|server| server.text(&waited(port)));
        let why = another.as_deref().or(port.summary.as_deref());
        let why = why.unwrap_or(default);
        let line = format!("{}: {} s, {why}", port.target, time.as_secs());
        let columns = terminal_width().unwrap_or(80);
        let line = sockeye::columns::cut(&line, usize::from(columns).saturating_sub(1));
        if self.shown.as_ref() != Some(&line) {
            self.is_there.store(true, Ordering::Relaxed);
            let _ = write!(io::stderr(), "\r\x1b[K{line}");
            self.shown = Some(line);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.eraser()();
    }
}
