//! `sockeye free`: chooses ports by binding them, keeps them, or hands one to a command.

pub mod search;

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, ValueHint, value_parser};
use sockeye::bind::{Address, Claim, PortRequest, browsers_refuse};
use sockeye::model::{Inside, Protocol, Socket, Text};
use sockeye::report::{self, FreePorts, PortUser, UsualPort};
use sockeye::runtime::process::{self, exec, signals, stdio};
use sockeye::source::is_of_project;

use crate::cli::errors::print_error;
use crate::cli::global::GlobalArgs;
use crate::cli::namespace;
use crate::cli::output::print;
use crate::cli::project::project_of;
use crate::cli::{EXIT_ERROR, EXIT_NO, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND};
use search::{Found, Range, Service, choose, holders_of};

const EXAMPLES: &str = "\
Examples:
  port=$(sockeye free)                  one that TCP and UDP have free
  sockeye free 3000-3010                the first of these
  sockeye free --for . --name web       the one of this project's service web
  sockeye free 8000-8999 -- ./server    a server that takes the socket from us
  sockeye free --hold -- python3 -m http.server '{}'
                                        one that binds by itself";

/// Choose a free port by binding it
///
/// The port is free on every address for both TCP and UDP, or for what -t, -u, -4 and -6 select. It is bound while it is
/// chosen; after it is printed, any program can take it, unless you keep it (--hold) or pass it to a command.
///
/// Exit codes: 0 found, 1 no port is free, 2 unknown (or bad usage); with a command, that of the command, or 127 if
/// it doesn't exist and 126 if it can't be executed.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct Free {
    /// The ports to choose from, lowest first: `3000-3010`, `127.0.0.1:3000-3010`; without it, or with port 0
    /// (`127.0.0.1:0`), the kernel chooses
    #[arg(value_name = "RANGE")]
    range: Option<String>,
    /// Number of different ports, all free at the same time
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1,
          value_parser = value_parser!(u16).range(1..))]
    count: u16,
    /// A port to keep for good: outside the ephemeral range, not reserved, not registered for a service, not used in
    /// another network namespace, not refused by browsers
    ///
    /// Without RANGE the search starts at 10000. Standard error says which ports were skipped. If there is nothing
    /// better, one of those is chosen, with a note.
    #[arg(long)]
    stable: bool,
    /// A stable port for the project of this folder: the same one each time, while it can be bound
    ///
    /// The project is the nearest folder, from PATH up, with a manifest or a repository, or else PATH. Its real path and
    /// NAME select one of the ports of RANGE (without it of 10000-32767), which is the first to try: every worktree has
    /// its own. If that is in use, standard error says by whom, and the next one is tried. Old connections in `TIME_WAIT`
    /// don't count, as a server that sets `SO_REUSEADDR` can start beside them. Implies --stable.
    #[arg(long = "for", value_name = "PATH", value_hint = ValueHint::DirPath)]
    project: Option<PathBuf>,
    /// The service of the project, if that has several: `web`, `db`. Each has a port of its own
    #[arg(long, value_name = "NAME", requires = "project", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Print one JSON object instead of one port per line
    #[arg(long, conflicts_with = "command")]
    json: bool,
    /// Print nothing; the exit code says whether a port is free
    #[arg(short, long, conflicts_with_all = ["json", "keep", "command"])]
    quiet: bool,
    /// Keep the port until standard input closes or CMD ends
    ///
    /// The port stays bound but doesn't listen: a TCP server that sets `SO_REUSEADDR` can start on it, one that doesn't
    /// can't, and the kernel won't choose it for another program. CMD doesn't get the socket. UDP is kept only with -u,
    /// and then no server can use it: a bound UDP socket receives what is sent to its port.
    #[arg(long = "hold")]
    keep: bool,
    /// A server that accepts a socket the way systemd passes it; it gets the port
    ///
    /// A server that binds the port itself fails with "address already in use": use --hold for that. CMD gets the
    /// listening socket as descriptor 3, the way systemd passes it (`LISTEN_FDS=1`, `LISTEN_PID`), so no other program
    /// can take the port in between. `PORT` is set, and `{}` in its arguments is replaced by the port. For a UDP port (-u)
    /// CMD gets the bound socket.
    #[arg(last = true, value_name = "CMD", action = ArgAction::Append)]
    command: Vec<OsString>,
}

impl Free {
    const fn is_stable(&self) -> bool {
        self.stable || self.project.is_some()
    }

    fn service(&self) -> anyhow::Result<Option<Service>> {
        let Some(folder) = &self.project else {
            return Ok(None);
        };
        Ok(Some(Service {
            project: project_of("--for", folder)?,
            name: self.name.clone().unwrap_or_default(),
        }))
    }
}

pub fn run(global: &GlobalArgs, free: &Free) -> anyhow::Result<u8> {
    global.refuse_recordings("free binds on this machine: a recording has no ports to bind")?;
    if free.count > 1 && !free.command.is_empty() {
        bail!("--count {}: a command gets one port", free.count);
    }
    if free.count > 1 && free.project.is_some() {
        let count = free.count;
        bail!("--count {count}: a project has one port, or one for each service (--name web)");
    }
    namespace::run(global.namespace.as_deref(), "free", |inside| {
        run_inside(global, free, inside)
    })
}

/// `inside`: the network namespace that this thread is in, if it is not that of this program.
fn run_inside(
    global: &GlobalArgs,
    free: &Free,
    inside: Option<&Arc<Inside>>,
) -> anyhow::Result<u8> {
    let range = free.range.as_deref();
    let range = range.map(|text| Range::parse(text, global)).transpose()?;
    let request = search::request(global, range.as_ref());
    if request.address == Address::Loopback && !free.command.is_empty() && !free.keep {
        bail!("localhost is two addresses: a command gets one socket (127.0.0.1:3000-3010)");
    }
    let runs_a_child = free.keep && !free.command.is_empty();
    if !runs_a_child {
        // The module that runs a child passes signals on to it, and waits for it.
        signals::exit_on_signal()?;
    }
    if free.count > 1 {
        // A command, which gets one port, inherits an unchanged limit.
        process::raise_descriptor_limit(usize::from(free.count) * 4);
    }
    let service = free.service()?;
    let wanted = (range.as_ref(), service.as_ref());
    let mut found = choose(free, &request, wanted, (&global.services, inside))?;
    let is_found = found.choice.found.len() == usize::from(free.count);
    if free.keep && is_found {
        let keeps_udp = global.udp || !request.tcp;
        for claim in &mut found.choice.found {
            if !keeps_udp {
                claim.release(Protocol::Udp);
            }
            // From here on servers that set SO_REUSEADDR can start.
            claim.share().context("can't keep the port")?;
        }
    }
    if free.quiet {
        return Ok(if is_found { 0 } else { EXIT_NO });
    }
    print_search(
        free,
        &request,
        (&found, service.as_ref()),
        (is_found, inside),
    )?;
    if !is_found {
        return Ok(EXIT_NO);
    }
    deliver(free, found.choice.found)
}

/// Prints the result as JSON, or on standard error why other ports were skipped, and if too few were found.
fn print_search(
    free: &Free,
    request: &PortRequest,
    (found, service): (&Found, Option<&Service>),
    (is_found, inside): (bool, Option<&Arc<Inside>>),
) -> io::Result<()> {
    let choice = &found.choice;
    let ports: Vec<_> = choice.found.iter().map(Claim::port).collect();
    if free.is_stable() || free.json || !is_found {
        let holders = holders_of(request, &choice.passed_over);
        let usual = service.zip(found.usual);
        let result = FreePorts {
            request,
            ports: if is_found { &ports } else { &[] },
            usual: usual.map(|(service, port)| usual_port(service, port, holders.get(&port))),
            passed_over: &choice.passed_over,
            second_best: &choice.second_best,
            holders: &holders,
            limits: &found.limits,
            gaps: &found.gaps,
            namespace: inside.map(|inside| &*inside.namespace),
        };
        if free.json {
            print(|out| report::write_free_json(out, &result))?;
        } else {
            for line in report::free_port_lines(&result) {
                print_error(&line);
            }
        }
    }
    if !is_found {
        let range = free.range.as_ref();
        let range = range.map_or(String::new(), |range| format!(" of {}", Text::new(range)));
        let why = if choice.is_exhausted {
            ": the kernel has no ports left to choose from (net.ipv4.ip_local_port_range)"
        } else {
            ""
        };
        print_error(&match (free.count, ports.len()) {
            (1, _) => format!("no port{range} is free{why}"),
            (count, found) => format!("only {found} of {count} ports{range} are free{why}"),
        });
    }
    if is_found && request.tcp && !(free.is_stable() || free.json) {
        // The range may be for a web server; for anything else the port is fine.
        for port in ports.iter().filter(|&&port| browsers_refuse(port)) {
            print_error(&format!("note: {port}: browsers refuse to connect to it"));
        }
    }
    Ok(())
}

/// The usual port of a service. `holder`: the socket that has it in use.
fn usual_port<'a>(service: &'a Service, port: u16, holder: Option<&Socket>) -> UsualPort<'a> {
    let used_by = holder.map(|socket| {
        let owners = socket.owner.present().iter();
        let mut is_own = owners.map(|owner| is_of_project(owner, &service.project));
        // Any of several owners: it is still the server that this project started.
        if is_own.clone().any(|is_own| is_own == Some(true)) {
            PortUser::ThisProject
        } else if is_own.len() == 0 || is_own.any(|is_own| is_own.is_none()) {
            PortUser::Unknown
        } else {
            PortUser::Another
        }
    });
    UsualPort {
        port,
        project: Text::from_bytes(service.project.as_os_str().as_encoded_bytes()),
        service: Some(&*service.name).filter(|name| !name.is_empty()),
        used_by,
    }
}

/// Prints the ports, or gives one to the command.
fn deliver(free: &Free, claims: Vec<Claim>) -> anyhow::Result<u8> {
    let Some(program) = free.command.first() else {
        if !free.json {
            let is_read = print(|out| {
                let mut ports = claims.iter().map(Claim::port);
                ports.try_for_each(|port| writeln!(out, "{port}"))
            });
            if !is_read? {
                return Ok(0);
            }
        }
        if free.keep {
            if io::stdin().is_terminal() {
                print_error("kept until Ctrl-D or Ctrl-C");
            }
            if stdio::stdin_is_at_end() {
                // As in the background of a script.
                print_error("standard input is closed already, so the port is not kept");
            }
            stdio::drain_stdin()?;
        }
        return Ok(0);
    };
    let claim = claims.into_iter().next();
    let claim = claim.context("a command gets one port")?;
    let port = claim.port();
    if free.keep {
        let ended = exec::run(&free.command, port);
        return Ok(ended.unwrap_or_else(|error| not_started(program, &error)));
    }
    let server = claim.into_server().context("can't listen on the port")?;
    let server = server.context("a command gets one socket")?;
    match exec::exec_with_socket(&free.command, server, port) {
        Ok(never) => match never {},
        Err(error) => Ok(not_started(program, &error)),
    }
}

/// Prints why the command could not be started, and returns the exit code for it.
pub fn not_started(program: &OsStr, error: &io::Error) -> u8 {
    let program = Text::from_bytes(program.as_encoded_bytes());
    print_error(&format!("{program}: {error}"));
    match error.kind() {
        io::ErrorKind::NotFound => EXIT_NOT_FOUND,
        io::ErrorKind::Unsupported => EXIT_ERROR,
        _ => EXIT_NOT_EXECUTABLE,
    }
}
