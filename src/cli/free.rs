//! `sockeye free`: chooses ports by binding them, keeps them, hands one over.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};

use anyhow::{Context as _, bail};
use clap::{ArgAction, Args, value_parser};
use sockeye::bind::{self, Address, Choice, Claim, Refusal, Target, TargetError, Unfit, Wish};
use sockeye::columns::{owner_with_pid, socket_text};
use sockeye::model::{Gap, Limits, Protocol, Socket, Text};
use sockeye::report::{self, FreePorts};
use sockeye::runtime::clock::Clock;
use sockeye::runtime::{child, descriptors, hand_over, input, signals};
use sockeye::source::{Investigator, System};

use super::options::Shared;
use super::output::{Printed, print};
use super::{EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_NOT_SO, EXIT_TROUBLE, complain, examples};

/// How often the kernel is asked for a port whose other protocol is taken.
const MAX_TRIES: usize = 1000;

/// Where a stable port is looked for if nothing is said: below, most numbers are somebody's.
const STABLE_FROM: u16 = 10_000;

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
pub(super) struct Free {
    /// Ports to choose from, the first that is free: `3000-3010`, `127.0.0.1:3000-3010`; without it, or
    /// with the port 0 (`127.0.0.1:0`), the kernel chooses
    #[arg(value_name = "RANGE")]
    range: Option<String>,
    /// How many different ports, all of them free at the same time
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1,
          value_parser = value_parser!(u16).range(1..))]
    count: u16,
    /// A port for good: outside the ephemeral range, not reserved, registered for no service, in no
    /// other network namespace
    ///
    /// Without RANGE it is looked for from 10000 on. What is passed over is told on standard error.
    /// Where there is nothing better, one of those is taken, and that is told too.
    #[arg(long)]
    stable: bool,
    /// Print one JSON object instead of a line for each port
    #[arg(long, conflicts_with = "command")]
    json: bool,
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
pub(super) fn run(shared: &Shared, free: &Free) -> anyhow::Result<u8> {
    if shared.replay.is_some() || shared.record.is_some() {
        bail!("free binds on this machine: a recording has no ports to bind");
    }
    if free.count > 1 && !free.command.is_empty() {
        bail!("--count {}: a command gets one port", free.count);
    }
    let range = free.range.as_deref().map(Range::parse).transpose()?;
    if let (Some(range), Some(text)) = (&range, &free.range) {
        super::check::contradicts(shared, &range.target, text)?;
    }
    let wish = wish(shared, free.range.as_deref(), range.as_ref());
    if wish.address == Address::Loopback && !free.command.is_empty() && !free.hold {
        bail!("localhost is two addresses: a command gets one socket (127.0.0.1:3000-3010)");
    }
    let runs_a_child = free.hold && !free.command.is_empty();
    if !runs_a_child {
        // A child must be told first, and waited for: that is seen to where it runs.
        signals::exit_when_asked()?;
    }
    if free.count > 1 {
        // A command, which gets one port, keeps the limit that it would have had.
        descriptors::make_room_for(usize::from(free.count) * 4);
    }
    let Found {
        choice,
        limits,
        gaps,
    } = choose(free, &wish, range.as_ref())?;
    let ports: Vec<_> = choice.found.iter().map(Claim::port).collect();
    let is_found = ports.len() == usize::from(free.count);
    let holders = Holders::look(
        &wish,
        &choice.passed_over,
        free.stable || free.json || !is_found,
    );
    let told = FreePorts {
        wish: &wish,
        ports: if is_found { &ports } else { &[] },
        passed_over: &choice.passed_over,
        settled_for: &choice.settled_for,
        holders: &|port| holders.of(port),
        limits: &limits,
        gaps: &gaps,
    };
    if free.json {
        print(|out| report::write_free_json(out, &told))?;
    } else if free.stable || !is_found {
        for line in report::told_of_free(&told) {
            complain(&line);
        }
    }
    if !is_found {
        complain(&none(free, ports.len(), choice.is_exhausted));
        return Ok(EXIT_NOT_SO);
    }
    let keeps_udp = wish.udp && (shared.udp || !wish.tcp);
    deliver(free, choice.found, &ports, keeps_udp)
}

/// Prints the ports, or gives one to the command.
fn deliver(
    free: &Free,
    mut claims: Vec<Claim>,
    ports: &[u16],
    keeps_udp: bool,
) -> anyhow::Result<u8> {
    if let ([word, ..], Some(claim), false) = (&*free.command, claims.first(), free.hold) {
        let port = claim.port();
        let claim = claims.into_iter().next().context("there is one")?;
        let server = claim
            .into_server()
            .context("the port can't be listened on")?;
        let server = server.context("a command gets one socket")?;
        return match hand_over::hand_over(&free.command, server, port) {
            Ok(never) => match never {},
            Err(error) => Ok(not_started(word, &error)),
        };
    }
    if free.hold {
        for claim in &mut claims {
            if !keeps_udp {
                claim.release(Protocol::Udp);
            }
            claim.share().context("the port can't be kept")?;
        }
    }
    if let [word, ..] = &*free.command {
        let ended = child::run(&free.command, ports[0]);
        return Ok(ended.unwrap_or_else(|error| not_started(word, &error)));
    }
    if !free.json {
        let printed = print(|out| ports.iter().try_for_each(|port| writeln!(out, "{port}")))?;
        if printed == Printed::Cut {
            return Ok(0);
        }
    }
    if free.hold {
        hold()?;
    }
    Ok(0)
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
    if input::has_ended() {
        // Whoever starts us in the background of a script gives us nothing to read.
        complain("standard input is closed already, so the port is not kept");
    }
    io::copy(&mut stdin.lock(), &mut io::sink()).map(drop)
}

/// Where a port is to be chosen.
struct Range {
    /// The ports; none of them counts where the kernel chooses.
    target: Target,
    /// Whether the kernel chooses: 0 was named for the port.
    is_kernels: bool,
}

impl Range {
    fn parse(text: &str) -> Result<Self, TargetError> {
        let (place, protocol) = text.split_once('/').unwrap_or((text, ""));
        let is_kernels = place == "0" || place.ends_with(":0");
        let target = if is_kernels {
            // Any port stands for the kernel's.
            let place = place.strip_suffix('0').unwrap_or(place);
            let slash = if protocol.is_empty() { "" } else { "/" };
            format!("{place}1{slash}{protocol}").parse()?
        } else {
            text.parse()?
        };
        Ok(Self { target, is_kernels })
    }
}

/// What is wanted: both protocols where nothing is said.
fn wish(shared: &Shared, text: Option<&str>, range: Option<&Range>) -> Wish {
    let target = range.map(|range| &range.target);
    let (tcp, udp) = match target {
        Some(target) if text.is_some_and(|text| text.contains('/')) => (
            target.protocol == Protocol::Tcp,
            target.protocol == Protocol::Udp,
        ),
        _ => shared.protocols(),
    };
    let address = target.map_or(Address::Every, |target| target.address);
    Wish {
        tcp,
        udp,
        address: shared.narrowed(address),
    }
}

/// What came of the search.
struct Found {
    choice: Choice<Claim>,
    /// The limits that were considered, for a stable port.
    limits: Limits,
    /// What could not be found out about a stable port.
    gaps: Vec<Gap>,
}

fn choose(free: &Free, wish: &Wish, range: Option<&Range>) -> anyhow::Result<Found> {
    let count = usize::from(free.count);
    let now = Clock::start().now();
    let mut investigator = Investigator::new();
    let hands_over = wish.tcp && !free.command.is_empty() && !free.hold;
    let ports = match range {
        Some(range) if !range.is_kernels => Some(range.target.ports.clone()),
        _ => free.stable.then_some(STABLE_FROM..=u16::MAX),
    };
    let (limits, mut gaps) = match &ports {
        Some(ports) if free.stable => {
            let evidence = investigator.rows(Protocol::Tcp, *ports.start(), now);
            (evidence.limits, Vec::new())
        }
        _ => (Limits::default(), Vec::new()),
    };
    // Both ask the same machine, in turn.
    let investigator = RefCell::new(investigator);
    let claim = |port| match Claim::of(wish, port) {
        Err(refusal) if hands_over && refusal.result.is_in_use() && port != 0 => {
            let evidence = investigator.borrow_mut().rows(Protocol::Tcp, port, now);
            if bind::has_only_leftovers(&evidence) {
                Claim::beside_leftovers(wish, port)
            } else {
                Err(refusal)
            }
        }
        claimed => claimed,
    };
    let is_unfit = |port| {
        let unfit = || bind::unfit(wish, port, &limits);
        free.stable.then(unfit).flatten()
    };
    let doubt = |port| {
        let look = |protocol| {
            let evidence = investigator.borrow_mut().surroundings(protocol, port, now);
            let of_that = evidence.gaps.iter().filter(|gap| Unfit::is_about(gap));
            gaps.extend(of_that.cloned());
            Unfit::of(evidence)
        };
        wish.protocols().filter(|_| free.stable).find_map(look)
    };
    let choice = if let Some(ports) = ports {
        bind::choose(ports, count, is_unfit, claim, doubt)
    } else {
        // Whatever the kernel chooses is held at once, so it never chooses it twice.
        let whatever = std::iter::repeat_n(0, count + MAX_TRIES);
        bind::choose(whatever, count, |_| None, claim, |_| None)
    };
    let choice = choice.map_err(|refusal| failed(&refusal))?;
    gaps.sort_by(|a, b| a.message.cmp(&b.message));
    gaps.dedup();
    Ok(Found {
        choice,
        limits,
        gaps,
    })
}

/// A refusal that is no fault of the port.
fn failed(refusal: &Refusal) -> anyhow::Error {
    let what = match refusal.result.as_str() {
        "EADDRNOTAVAIL" => "the address is not one of this machine",
        "EMFILE" | "ENFILE" => "no descriptors are left",
        _ => "no port can be bound",
    };
    anyhow::anyhow!("{what} ({})", refusal.result)
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

/// Who has the ports that are in use, as far as one reading of the table tells.
struct Holders(Vec<Socket>);

impl Holders {
    /// Looks only if somebody wants to know, and something is in use.
    fn look(wish: &Wish, passed_over: &[(u16, Unfit)], is_wanted: bool) -> Self {
        let is_in_use = |(_, unfit): &(_, Unfit)| *unfit == Unfit::InUse;
        if !is_wanted || !passed_over.iter().any(is_in_use) {
            return Self(Vec::new());
        }
        // What can't be read is not told: that the port is in use is certain all the same.
        let snapshot = System::new().take_once(Clock::start().now());
        let mut sockets = snapshot.map_or_else(|_| Vec::new(), |snapshot| snapshot.sockets);
        sockets.retain(|socket| wish.protocols().any(|wanted| wanted == socket.protocol));
        sockets.sort_by_key(|socket| (socket.local.port, socket.state));
        Self(sockets)
    }

    /// What has a port: what listens comes first.
    fn of(&self, port: u16) -> Option<String> {
        let at = self.0.partition_point(|socket| socket.local.port < port);
        let socket = self.0.get(at).filter(|socket| socket.local.port == port)?;
        let (what, state, who) = (socket_text(socket), socket.state, owner_with_pid(socket));
        Some(format!("{what} {state} {who}"))
    }
}
