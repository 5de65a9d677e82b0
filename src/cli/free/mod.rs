//! `sockeye free`: chooses ports by binding them, keeps them, hands one over.

mod search;

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, bail};
use clap::{ArgAction, Args, value_parser};
use sockeye::bind::{Address, Claim, PortRequest, browsers_refuse};
use sockeye::model::{Protocol, Text};
use sockeye::report::{self, FreePorts};
use sockeye::runtime::process::{self, child, exec, signals, stdio};

use self::search::{Found, Holders, Range, choose, request};
use crate::cli::args::Shared;
use crate::cli::args::examples;
use crate::cli::output::{Printed, print};
use crate::cli::{EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_NOT_SO, EXIT_TROUBLE, complain};

/// Choose a free port by binding it
///
/// The port is free on every address for both TCP and UDP, or for what -t, -u, -4 and -6 say. It is
/// bound while it is chosen; once it is printed, anybody may take it, unless it is kept (--hold) or
/// handed to a command.
///
/// Exit codes: 0, found; 1, there is none; 2, bad usage or it could not be found out; of a command,
/// its own, or 127 if it is not there and 126 if it can't be executed.
#[derive(Debug, Args)]
#[command(after_long_help = examples::FREE)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own for the user"
)]
pub struct Free {
    /// Ports to choose from, the first that is free: `3000-3010`, `127.0.0.1:3000-3010`; without it, or
    /// with the port 0 (`127.0.0.1:0`), the kernel chooses
    #[arg(value_name = "RANGE")]
    range: Option<String>,
    /// How many different ports, all of them free at the same time
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1,
          value_parser = value_parser!(u16).range(1..))]
    count: u16,
    /// A port for good: outside the ephemeral range, not reserved, registered for no service, in no
    /// other network namespace, none that browsers refuse
    ///
    /// Without RANGE it is looked for from 10000 on. What is passed over is told on standard error.
    /// Where there is nothing better, one of those is taken, and that is told too.
    #[arg(long)]
    stable: bool,
    /// Print one JSON object instead of a line for each port
    #[arg(long, conflicts_with = "command")]
    json: bool,
    /// Print nothing: the exit code says whether there is one
    #[arg(short, long, conflicts_with_all = ["json", "hold", "command"])]
    quiet: bool,
    /// Keep the port until standard input closes or CMD ends
    ///
    /// It is kept bound, not listening: a TCP server that sets `SO_REUSEADDR` can start on it, one that
    /// does not can't, and the kernel gives it to nobody. CMD is not handed the socket then. UDP is kept
    /// only with -u, and then from everybody: a UDP socket that is bound takes what is sent to its port.
    #[arg(long)]
    hold: bool,
    /// A server that takes a socket as systemd hands it over, and gets the port in place of us
    ///
    /// One that binds the port by itself fails here with "address already in use": that is for --hold.
    /// It gets the listening socket itself as descriptor 3, as systemd hands it over (`LISTEN_FDS=1`,
    /// `LISTEN_PID`), so there is no moment at which somebody else could take the port. `PORT` is set, and
    /// `{}` in its words is replaced by the port. Of a UDP port (-u) it gets the bound socket.
    #[arg(last = true, value_name = "CMD", action = ArgAction::Append)]
    command: Vec<OsString>,
}

/// Chooses, and does with the ports what was asked.
pub fn run(shared: &Shared, free: &Free) -> anyhow::Result<u8> {
    shared.refuse_recordings("free binds on this machine: a recording has no ports to bind")?;
    if free.count > 1 && !free.command.is_empty() {
        bail!("--count {}: a command gets one port", free.count);
    }
    let mut range = free.range.as_deref().map(Range::parse).transpose()?;
    if let (Some(range), Some(text)) = (&mut range, &free.range) {
        let address = &mut range.target.address;
        *address = crate::cli::check::with_interface(*address, text)?;
        crate::cli::check::contradicts(shared, &range.target, text)?;
    }
    let request = request(shared, free.range.as_deref(), range.as_ref());
    if request.address == Address::Loopback && !free.command.is_empty() && !free.hold {
        bail!("localhost is two addresses: a command gets one socket (127.0.0.1:3000-3010)");
    }
    let runs_a_child = free.hold && !free.command.is_empty();
    if !runs_a_child {
        // A child must be told first, and waited for: that is seen to where it runs.
        signals::exit_on_signal()?;
    }
    if free.count > 1 {
        // A command, which gets one port, keeps the limit that it would have had.
        process::raise_descriptor_limit(usize::from(free.count) * 4);
    }
    let mut found = choose(free, &request, range.as_ref())?;
    let is_found = found.choice.found.len() == usize::from(free.count);
    if free.hold && is_found {
        let keeps_udp = shared.udp || !request.tcp;
        keep(&mut found.choice.found, keeps_udp).context("the port can't be kept")?;
    }
    if free.quiet {
        return Ok(if is_found { 0 } else { EXIT_NOT_SO });
    }
    tell(free, &request, &found, is_found)?;
    if !is_found {
        let choice = &found.choice;
        complain(&none(free, choice.found.len(), choice.is_exhausted));
        return Ok(EXIT_NOT_SO);
    }
    deliver(free, found.choice.found)
}

/// Lets servers in that set `SO_REUSEADDR`; nobody has been told of the ports yet.
fn keep(claims: &mut [Claim], keeps_udp: bool) -> io::Result<()> {
    claims.iter_mut().try_for_each(|claim| {
        if !keeps_udp {
            claim.release(Protocol::Udp);
        }
        claim.share()
    })
}

/// What was found as JSON, or on standard error why other ports were passed over.
fn tell(free: &Free, request: &PortRequest, found: &Found, is_found: bool) -> io::Result<()> {
    let choice = &found.choice;
    let ports: Vec<_> = choice.found.iter().map(Claim::port).collect();
    let is_wanted = free.stable || free.json || !is_found;
    let holders = Holders::look(request, &choice.passed_over, is_wanted);
    let told = FreePorts {
        request,
        ports: if is_found { &ports } else { &[] },
        passed_over: &choice.passed_over,
        second_best: &choice.second_best,
        holders: &|port| holders.of(port),
        limits: &found.limits,
        gaps: &found.gaps,
    };
    if free.json {
        print(|out| report::write_free_json(out, &told))?;
    } else if is_wanted {
        for line in report::told_of_free(&told) {
            complain(&line);
        }
    }
    if !free.json && !free.stable && request.tcp && is_found {
        // Who names a range may well want to serve pages; it is no fault of the port for anything else.
        for port in ports.iter().filter(|&&port| browsers_refuse(port)) {
            complain(&format!("note: {port}: browsers refuse to connect to it"));
        }
    }
    Ok(())
}

/// Prints the ports, or gives one to the command.
fn deliver(free: &Free, claims: Vec<Claim>) -> anyhow::Result<u8> {
    let Some(word) = free.command.first() else {
        let ports = claims.iter().map(Claim::port);
        let write =
            |out: &mut dyn io::Write| ports.clone().try_for_each(|port| writeln!(out, "{port}"));
        if !free.json && print(write)? == Printed::Cut {
            return Ok(0);
        }
        if free.hold {
            hold()?;
        }
        return Ok(0);
    };
    let claim = claims.into_iter().next();
    let claim = claim.context("a command gets one port")?;
    let port = claim.port();
    if free.hold {
        let ended = child::run(&free.command, port);
        return Ok(ended.unwrap_or_else(|error| not_started(word, &error)));
    }
    let server = claim.into_server();
    let server = server.context("the port can't be listened on")?;
    let server = server.context("a command gets one socket")?;
    match exec::exec_with_socket(&free.command, server, port) {
        Ok(never) => match never {},
        Err(error) => Ok(not_started(word, &error)),
    }
}

/// Says why a command could not be started; the code for that.
fn not_started(word: &OsStr, error: &io::Error) -> u8 {
    let word = Text::from_bytes(word.as_encoded_bytes());
    complain(&format!("{word}: {error}"));
    match error.kind() {
        io::ErrorKind::NotFound => EXIT_NOT_FOUND,
        io::ErrorKind::Unsupported => EXIT_TROUBLE,
        _ => EXIT_NOT_EXECUTABLE,
    }
}

/// Waits until standard input closes; what comes from there is of no interest.
fn hold() -> io::Result<()> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        complain("kept until Ctrl-D or Ctrl-C");
    }
    if stdio::stdin_is_at_end() {
        // Whoever starts us in the background of a script gives us nothing to read.
        complain("standard input is closed already, so the port is not kept");
    }
    stdio::drain_stdin()
}

fn none(free: &Free, found: usize, is_exhausted: bool) -> String {
    let place = match &free.range {
        Some(range) => format!(" of {}", Text::new(range)),
        None => String::new(),
    };
    let why = if is_exhausted {
        ": the kernel has none left to choose from (net.ipv4.ip_local_port_range)"
    } else {
        ""
    };
    match (free.count, found) {
        (1, _) => format!("no port{place} is free{why}"),
        (count, found) => format!("{found} of the {count} ports wanted can be had{place}{why}"),
    }
}
