//! `sockeye wait`: returns when a port is free, or when something listens there.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use sockeye::clock::Clock;
use sockeye::config::duration;
use sockeye::report::{self, WaitResult, WaitedPort};
use sockeye::runtime::process::signals;
use sockeye::runtime::wait::{Goal, Port, PortWaiter, WaitError};

use super::args::Shared;
use super::args::examples;
use super::output::{columns_of_terminal, print};
use super::{EXIT_NOT_SO, EXIT_TROUBLE, complain};

/// How soon to look again where nothing is said.
const INTERVAL: Duration = Duration::from_millis(100);

/// Wait until something listens on a port, or until the port is free
///
/// Prints who had the port (or who listens) and when that changed. Of several ports all must be so at
/// the same time.
///
/// Exit codes: 0, it happened; 1, it did not within --timeout; 2, bad usage, or waiting can't help.
#[derive(Debug, Args)]
#[command(after_long_help = examples::WAIT)]
pub(super) struct Wait {
    /// The ports, as for check: `8080`, `8080/udp`, `127.0.0.1:8080`, `localhost:8080`, `3000-3010`
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// What to wait for
    #[arg(long = "for", value_name = "WHAT", default_value = "listening")]
    wanted: What,
    /// Give up after so long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Print nothing: the exit code is the answer
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// A bind succeeds: a server that sets `SO_REUSEADDR`, as most do, can start on every address
    Free,
    /// A listener covers the address; where none is named, any listener of the port
    Listening,
}

/// Waits; the code is 1 if the time is over first.
pub(super) fn run(shared: &Shared, wait: &Wait) -> anyhow::Result<u8> {
    shared.refuse_recordings("wait looks at this machine: a recording does not change")?;
    let targets = match wait.wanted {
        What::Free => super::check::targets(shared, &wait.targets)?,
        // A listener of a family, not one on all its addresses.
        What::Listening => super::check::targets_of_any_family(shared, &wait.targets)?,
    };
    let wanted = match wait.wanted {
        What::Free => Goal::Free,
        What::Listening => Goal::Listening(shared.family()),
    };
    let mut progress = Progress::new(!wait.quiet);
    signals::exit_on_signal_after(progress.eraser()).context("signals can't be waited for")?;
    let (clock, interval) = (Clock::start(), shared.interval_or(INTERVAL));
    let mut waiting = PortWaiter::new(targets, wanted, clock);
    let happened = waiting.wait(interval, wait.timeout, |ports| {
        progress.show(wait.wanted, ports, clock.now().steady);
    });
    drop(progress);
    let happened = match happened {
        Ok(happened) => happened,
        Err(WaitError { target, why }) => {
            complain(&format!("{target}: waiting can't help: {why}"));
            return Ok(EXIT_TROUBLE);
        }
    };
    let outcome = WaitResult {
        wanted: wait.wanted.as_str(),
        happened,
        time: clock.now().steady,
        ports: waiting.ports().iter().map(told).collect(),
    };
    tell(wait, &outcome)?;
    Ok(if happened { 0 } else { EXIT_NOT_SO })
}

fn told(port: &Port) -> WaitedPort<'_> {
    WaitedPort {
        target: &port.target,
        changed_at: port.changed_at.filter(|_| port.is_reached),
        happened: port.is_reached,
        holders: &port.holders,
        seen_at: port.seen_at,
        summary: port.summary.as_deref(),
    }
}

/// The outcome on standard output; on standard error what is missing.
fn tell(wait: &Wait, outcome: &WaitResult<'_>) -> io::Result<()> {
    if wait.quiet {
        return Ok(());
    }
    let zone = jiff::tz::TimeZone::system();
    if wait.json {
        print(|out| report::write_wait_json(out, outcome))?;
    } else if outcome.happened {
        print(|out| report::write_wait(out, outcome, &zone))?;
    }
    for port in outcome.ports.iter().filter(|port| !port.happened) {
        let told = report::wait_line(outcome.wanted, port, &zone);
        complain(&format!("timed out: {told}"));
    }
    Ok(())
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Listening => "listening",
        }
    }
}

/// One line on standard error while it takes time, if that is a terminal that can rewrite a line.
struct Progress {
    is_wanted: bool,
    shown: Option<String>,
    /// Whether there is a line to take away.
    is_there: Arc<AtomicBool>,
}

impl Progress {
    fn new(is_wanted: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            is_wanted: is_wanted && io::stderr().is_terminal() && !is_dumb,
            shown: None,
            is_there: Arc::default(),
        }
    }

    /// Takes the line away, from wherever it is called.
    fn eraser(&self) -> impl FnOnce() + Send + 'static {
        let is_there = Arc::clone(&self.is_there);
        move || {
            if is_there.load(Ordering::Relaxed) {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        }
    }

    /// Shows what is waited for and for how long, if that reads differently now.
    fn show(&mut self, what: What, ports: &[Port], waited: Duration) {
        if !self.is_wanted {
            return;
        }
        let Some(port) = ports.iter().find(|port| !port.is_reached) else {
            return;
        };
        let why = match what {
            What::Free => port.summary.as_deref().unwrap_or("in use"),
            What::Listening => "nothing listens",
        };
        let (target, seconds) = (&port.target, waited.as_secs());
        let columns = columns_of_terminal().unwrap_or(80);
        let line = format!("{target}: {seconds} s, {why}");
        let line = sockeye::columns::cut(&line, usize::from(columns).saturating_sub(1));
        if self.shown.as_ref() != Some(&line) {
            self.is_there.store(true, Ordering::Relaxed);
            let _ = write!(io::stderr(), "\r\x1b[K{line}");
            self.shown = Some(line);
        }
    }
}

impl Drop for Progress {
    /// Takes the line away.
    fn drop(&mut self) {
        self.eraser()();
    }
}
