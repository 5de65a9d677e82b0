//! `sockeye wait`: waits until a port is free, or until something listens on it.

mod progress;
mod server;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum, ValueHint};
use sockeye::bind::{ServerMatch, Target};
use sockeye::clock::Clock;
use sockeye::model::{Pid, duration};
use sockeye::query::NamespaceTarget;
use sockeye::report::{self, WaitedPort, WaitedServer};
use sockeye::runtime::process::signals;
use sockeye::runtime::wait::{Goal, Port, PortWaiter};

use super::check::targets::{parse_targets, parse_targets_as_named};
use super::errors::print_error;
use super::global::GlobalArgs;
use super::output::print;
use super::{EXIT_ERROR, EXIT_NO};
use progress::Progress;

const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  sockeye wait 8080 --timeout 30 && curl localhost:8080
  sockeye wait 5432 6379                until something listens on both
  npm start & sockeye wait localhost:3000 --by $! --timeout 30
                                        until that server listens, not another one
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
/// With --by or --project only one server counts. While another one listens there, or one that a client of TARGET may get
/// instead (on a more specific address, or on the same one by `SO_REUSEPORT`), it is not so: standard error says once who
/// that is, and waiting goes on.
///
/// Exit codes: 0 it happened, 1 it didn't within --timeout or the process of --by has ended, 2 waiting can't help, the
/// owner is hidden (or bad usage).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Wait {
    /// The ports, as for check: `8080`, `8080/udp`, `127.0.0.1:8080`, `localhost:8080`, `3000-3010`
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// What to wait for
    #[arg(long = "for", value_name = "WHAT", default_value = "listening")]
    wanted: What,
    /// Only a listener of this process counts, or of one that descends from it, as a shell's `$!`
    #[arg(long, value_name = "PID", conflicts_with = "project")]
    by: Option<Pid>,
    /// Only a listener of a process of this folder's project counts: the project as `free --for` finds it
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
    project: Option<PathBuf>,
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
    let (targets, goal) = targets(global, wait)?;
    let (expected, server) = server::expected(wait)?;
    let mut progress = Progress::new(wait.quiet);
    signals::exit_on_signal_after(progress.eraser()).context("can't wait for signals")?;
    let (clock, interval) = (Clock::start(), global.interval.unwrap_or(DEFAULT_INTERVAL));
    let mut waiter = PortWaiter::new(targets, goal, clock);
    let namespaces = global.namespace_target()?;
    if namespaces != NamespaceTarget::Own {
        waiter = waiter.in_namespaces(namespaces);
    }
    waiter = waiter.for_server(expected);
    let result = waiter.wait(interval, wait.timeout, |ports| {
        progress.report_others(server.as_ref(), ports);
        progress.show(wait.wanted, server.as_ref(), ports, clock.now().steady);
    });
    drop(progress);
    let happened = match result {
        Ok(happened) => happened,
        Err((target, why)) => {
            print_error(&format!("{target}: waiting can't help: {why}"));
            return Ok(EXIT_ERROR);
        }
    };
    let server = server.map(|server| WaitedServer {
        has_ended: !happened && waiter.has_server_ended(),
        ..server
    });
    let ports: Vec<_> = waiter.ports().iter().map(waited).collect();
    if !wait.quiet {
        let elapsed = clock.now().steady;
        print_result(wait, (server.as_ref(), elapsed), &ports)?;
    }
    Ok(exit_code(happened, server.as_ref(), &ports))
}

fn targets(global: &GlobalArgs, wait: &Wait) -> anyhow::Result<(Vec<Target>, Goal)> {
    Ok(match wait.wanted {
        What::Free => (parse_targets(global, &wait.targets)?, Goal::Free),
        // -4 means a listener of that family, not one on all of its addresses.
        What::Listening => (
            parse_targets_as_named(global, &wait.targets)?,
            Goal::Listening(global.family()),
        ),
    })
}

/// A port for the report.
fn waited(port: &Port) -> WaitedPort<'_> {
    WaitedPort {
        target: &port.target,
        happened: port.is_reached,
        changed_at: port.changed_at.filter(|_| port.is_reached),
        holders: &port.holders,
        seen_at: port.seen_at,
        summary: port.summary.as_deref(),
        server: port.server,
        others: &port.others,
        diverted_by: port.diverted_by.as_ref(),
    }
}

/// Whether the expected server listens is unknown if nothing but a hidden owner speaks against it.
fn exit_code(happened: bool, server: Option<&WaitedServer>, ports: &[WaitedPort<'_>]) -> u8 {
    let has_ended = server.is_some_and(|server| server.has_ended);
    let mut missing = ports.iter().filter(|port| !port.happened);
    match happened {
        true => 0,
        false if !has_ended && missing.all(|it| it.server == Some(ServerMatch::Unknown)) => {
            EXIT_ERROR
        }
        false => EXIT_NO,
    }
}

/// Prints the result on standard output, and why it did not happen on standard error.
fn print_result(
    wait: &Wait,
    (server, elapsed): (Option<&WaitedServer>, Duration),
    ports: &[WaitedPort<'_>],
) -> io::Result<()> {
    let zone = jiff::tz::TimeZone::system();
    let wanted = match wait.wanted {
        What::Free => "free",
        What::Listening => "listening",
    };
    let line = |port| report::wait_line(wanted, server, port, &zone);
    let failed: Vec<_> = ports.iter().filter(|port| !port.happened).collect();
    if wait.json {
        print(|out| report::write_wait_json(out, wanted, (server, elapsed), ports))?;
    } else if failed.is_empty() {
        let mut lines = ports.iter().map(line);
        print(|out| lines.try_for_each(|line| writeln!(out, "{line}")))?;
    }
    let why = match server.filter(|server| server.has_ended) {
        None => "timed out".to_owned(),
        Some(server) if server.name.is_none() => format!("there is no {server}"),
        Some(server) => format!("{server} has ended"),
    };
    for port in failed {
        print_error(&format!("{why}: {}", line(port)));
    }
    Ok(())
}
