//! `sockeye run`: runs a program and explains each bind below it that fails.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{ArgAction, Args};
use sockeye::bind::{Address, Claim};
use sockeye::model::{Text, clean, duration};
use sockeye::runtime::run::{self, Ended, RunOptions, Style};

use crate::cli::EXIT_NO;
use crate::cli::free::not_started;
use crate::cli::free::search::{Range, claim_one, request};
use crate::cli::global::GlobalArgs;
use crate::cli::output::terminal_width;

const EXAMPLES: &str = "\
Examples:
  sockeye run -- npm test                       why a port was taken, in the log of the job
  sockeye run --report ports.jsonl -- make check
  sockeye run --wait 30s -- ./server            wait for the old one to go away
  sockeye run --port-env PORT=3000-3999 -- npm start";

/// Run a program and explain each bind that fails
///
/// Standard error gets one line for each bind(2) or listen(2) of the program, or of anything that it starts, that fails
/// with EADDRINUSE, EACCES, EPERM or EADDRNOTAVAIL, and below it why, who has the port and how to free it: read before the
/// program sees the error. Everything else is the program's own: exit code, signals, terminal, standard streams.
///
/// It works in any language, also for static programs, and needs no rights (Linux 5.6; TCP and UDP). Except as root, no
/// program below can gain rights (`no_new_privs`): sudo, and ping where it has file capabilities, don't work there. What can't
/// be judged goes on untouched: programs of other users, 32-bit programs that use socketcall(2), binds by `io_uring`.
///
/// Exit codes: those of the program; 127 if it doesn't exist, 126 if it can't be executed, 1 if --port-env finds no free
/// port, 2 bad usage.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Run {
    /// Hold a bind that fails with EADDRINUSE until the port is free, for at most this long, then let it succeed
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// End first what is in the way of such a bind, as `sockeye end --yes --mine` would, once for each port
    ///
    /// Nothing that CMD has started is ended. A program that tries one port after the other until one is free would get the
    /// first: name the ports to free then.
    #[arg(long, value_name = "PORT,…", num_args = 0..=1, require_equals = true, value_delimiter = ',', value_parser = port)]
    free_first: Option<Vec<u16>>,
    /// Choose a free port, keep it until the program binds it, and set this variable to it
    ///
    /// Without RANGE (`3000`, `3000-3999`, `127.0.0.1:3000-3999`) the kernel chooses. May be given several times.
    #[arg(long, value_name = "NAME[=RANGE]", action = ArgAction::Append)]
    port_env: Vec<String>,
    /// List at the end what it listened on, and what is still open
    #[arg(long)]
    listeners: bool,
    /// Write each failure to this file, too, as a line of JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print nothing, such as with --report
    #[arg(short, long)]
    quiet: bool,
    /// The program with its arguments
    #[arg(last = true, required = true, value_name = "CMD", action = ArgAction::Append)]
    command: Vec<OsString>,
}

pub fn run(global: &GlobalArgs, args: Run) -> anyhow::Result<u8> {
    global.refuse_recordings("run starts a program on this machine: a recording has none")?;
    let mut ports: Vec<Kept> = Vec::new();
    for text in &args.port_env {
        match claim(global, text, &ports)? {
            Some(port) => ports.push(port),
            None => return Ok(EXIT_NO),
        }
    }
    let ports = ports.into_iter().map(|kept| (kept.name, kept.claim));
    let report = args.report.map(|path| {
        let file = File::create(&path);
        file.with_context(|| format!("--report {}", clean(&path.to_string_lossy())))
    });
    let program = args.command.first().cloned().unwrap_or_default();
    let is_terminal = io::stderr().is_terminal();
    let options = RunOptions {
        command: args.command,
        wait: args.wait,
        frees_first: args.free_first,
        ports: ports.collect(),
        lists: args.listeners,
        report: report.transpose()?,
        is_quiet: args.quiet,
        style: Style {
            columns: is_terminal.then(terminal_width).flatten(),
            has_colour: global.has_coloured_errors(),
            is_terminal,
        },
    };
    match run::run(options) {
        Ok(Ended::Code(code)) => Ok(code),
        Ok(Ended::WithSupervisor) => {
            let why = "the supervisor was killed, so no process below could bind a port any more: CMD was ended";
            bail!(why)
        }
        Ok(Ended::NotStarted(error)) => Ok(not_started(&program, &error)),
        Err(error) => Err(error).context("CMD was not started: its supervisor can't be"),
    }
}

fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|&port| port != 0);
    port.ok_or_else(|| "not a port (1 to 65535; `--free-first=3000,3001`)".to_owned())
}

/// A variable with a port that is kept for it.
struct Kept {
    name: String,
    address: Address,
    claim: Claim,
}

/// A variable with a port that is kept for it; `None` if none is free, which was printed. `before` are those that have
/// ports already.
fn claim(global: &GlobalArgs, text: &str, before: &[Kept]) -> anyhow::Result<Option<Kept>> {
    let (name, range) = match text.split_once('=') {
        Some((name, range)) => (name, Some(range)),
        None => (text, None),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || !name.chars().all(is_name)
        || name.starts_with(|c: char| c.is_ascii_digit())
    {
        bail!(
            "--port-env {}: not the name of a variable (PORT, PORT=3000-3999)",
            Text::new(text)
        );
    }
    let context = || format!("--port-env {name}");
    let parsed = range.map(|range| Range::parse(range, global)).transpose();
    let parsed = parsed.with_context(context)?;
    let address = request(global, parsed.as_ref()).address;
    let found = claim_one(global, parsed.as_ref()).with_context(context)?;
    let Some(mut claim) = found else {
        let port = parsed.as_ref().and_then(Range::only_port);
        let has_it = |one: &&Kept| Some(one.claim.port()) == port && one.address.overlaps(address);
        if let Some(other) = before.iter().find(has_it) {
            let (port, other) = (other.claim.port(), &other.name);
            bail!(
                "--port-env {}: {port} is already that of --port-env {other}",
                Text::new(text)
            );
        }
        let why = range.map_or_else(
            || ": no port is free".to_owned(),
            |range| {
                let range = Text::new(range);
                format!("={range}: no port can be had; `sockeye free {range}` says why")
            },
        );
        crate::cli::errors::print_error(&format!("--port-env {name}{why}"));
        return Ok(None);
    };
    // A bound UDP socket would receive what is sent to the program.
    claim.release(sockeye::model::Protocol::Udp);
    Ok(Some(Kept {
        name: name.to_owned(),
        address,
        claim,
    }))
}
