//! `sockeye wait`: waits until a port is free, or until something listens on it.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use sockeye::clock::Clock;
use sockeye::model::duration;
use sockeye::query::NamespaceTarget;
use sockeye::report::{self, WaitedPort};
use sockeye::runtime::process::signals;
use sockeye::runtime::wait::{Goal, Port, PortWaiter};

use super::check::targets::{parse_targets, parse_targets_as_named};
use super::errors::print_error;
use super::global::GlobalArgs;
use super::output::{print, terminal_width};
use super::{EXIT_ERROR, EXIT_NO};

const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  sockeye wait 8080 --timeout 30 && curl localhost:8080
  sockeye wait 5432 6379                until something listens on both
  sockeye wait 8080 --for free && ./server
  sockeye wait -N web 80 --timeout 1m   until the container web listens on its port 80";

/// Wait until something listens on a port, or until the port is free
///
/// Prints who had the port (or who listens) and when that changed. With several ports, waits until it is true for all of
/// them at the same time.
///
/// With --namespace NAME it waits for a port of that network namespace, also for a listener in a container that does not run
/// yet. There it goes by the sockets alone: free means that none is in the way of a server that sets `SO_REUSEADDR`.
///
/// Exit codes: 0 it happened, 1 it didn't within --timeout, 2 waiting can't help (or bad usage).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Wait {
    /// The ports, as for check: `8080`, `8080/udp`, `127.0.0.1:8080`, `localhost:8080`, `3000-3010`
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// What to wait for
    #[arg(long = "for", value_name = "WHAT", default_value = "listening")]
    wanted: What,
    /// Give up after this time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Print nothing; the exit code is the answer
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// A bind succeeds: a server that sets `SO_REUSEADDR`, as most do, can start on every address
    Free,
    /// A listener covers the address; without an address, any listener of the port
    Listening,
}

pub(super) fn run(global: &GlobalArgs, wait: &Wait) -> anyhow::Result<u8> {
    global.refuse_recordings("wait looks at this machine: a recording does not change")?;
    let (targets, goal, name) = match wait.wanted {
        What::Free => (parse_targets(global, &wait.targets)?, Goal::Free, "free"),
        // -4 means a listener of that family, not one on all of its addresses.
        What::Listening => (
            parse_targets_as_named(global, &wait.targets)?,
            Goal::Listening(global.family()),
            "listening",
        ),
    };
    let mut progress = Progress::new(!wait.quiet);
    signals::exit_on_signal_after(progress.eraser()).context("can't wait for signals")?;
    let (clock, interval) = (Clock::start(), global.interval.unwrap_or(DEFAULT_INTERVAL));
    let mut waiter = PortWaiter::new(targets, goal, clock);
    let namespaces = global.namespace_target()?;
    if namespaces != NamespaceTarget::Own {
        waiter = waiter.in_namespaces(namespaces);
    }
    let result = waiter.wait(interval, wait.timeout, |ports| {
        progress.show(wait.wanted, ports, clock.now().steady);
    });
    drop(progress);
    let happened = match result {
        Ok(happened) => happened,
        Err((target, why)) => {
            print_error(&format!("{target}: waiting can't help: {why}"));
            return Ok(EXIT_ERROR);
        }
    };
    let ports = waiter.ports().iter().map(|port| WaitedPort {
        target: &port.target,
        happened: port.is_reached,
        changed_at: port.changed_at.filter(|_| port.is_reached),
        holders: &port.holders,
        seen_at: port.seen_at,
        summary: port.summary.as_deref(),
    });
    let ports: Vec<_> = ports.collect();
    if !wait.quiet {
        print_result(wait, name, clock.now().steady, &ports)?;
    }
    Ok(if happened { 0 } else { EXIT_NO })
}

/// Prints the result on standard output, and a timeout on standard error.
fn print_result(
    wait: &Wait,
    wanted: &'static str,
    elapsed: Duration,
    ports: &[WaitedPort<'_>],
) -> io::Result<()> {
    let zone = jiff::tz::TimeZone::system();
    let line = |port| report::wait_line(wanted, port, &zone);
    let failed: Vec<_> = ports.iter().filter(|port| !port.happened).collect();
    if wait.json {
        print(|out| report::write_wait_json(out, wanted, elapsed, ports))?;
    } else if failed.is_empty() {
        let mut lines = ports.iter().map(line);
        print(|out| lines.try_for_each(|line| writeln!(out, "{line}")))?;
    }
    for port in failed {
        print_error(&format!("timed out: {}", line(port)));
    }
    Ok(())
}

/// A line on standard error that shows how long it takes, if standard error is a terminal that can rewrite a line.
struct Progress {
    is_wanted: bool,
    shown: Option<String>,
    /// Whether there is a line to erase.
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

    /// Erases the line, from any thread.
    fn eraser(&self) -> impl FnOnce() + Send + 'static {
        let is_there = Arc::clone(&self.is_there);
        move || {
            if is_there.load(Ordering::Relaxed) {
                let _ = write!(io::stderr(), "\r\x1b[K");
            }
        }
    }

    /// Shows the first port that is still waited for, if the line changes.
    fn show(&mut self, wanted: What, ports: &[Port], time: Duration) {
        let pending = ports.iter().find(|port| !port.is_reached);
        let Some(port) = pending.filter(|_| self.is_wanted) else {
            return;
        };
        let why = match wanted {
            What::Free => port.summary.as_deref().unwrap_or("in use"),
            What::Listening => port.summary.as_deref().unwrap_or("nothing is listening"),
        };
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
