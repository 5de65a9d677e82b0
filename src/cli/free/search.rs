//! Where a port is looked for, and what came of it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::RangeInclusive;

use sockeye::bind::{
    self, Address, Choice, Claim, PortRequest, Refusal, Target, TargetError, Unfit,
};
use sockeye::clock::Clock;
use sockeye::inspect::this_machine;
use sockeye::model::{Gap, Limits, Protocol, Socket};
use sockeye::source::System;

use super::Free;
use crate::cli::args::Shared;

/// How often the kernel is asked for a port whose other protocol is taken.
const MAX_TRIES: usize = 1000;

/// Where a stable port is looked for if nothing is said: below, most numbers are somebody's.
const STABLE_FROM: u16 = 10_000;

/// Where a port is to be chosen.
pub struct Range {
    /// The ports; none of them counts where the kernel chooses.
    pub target: Target,
    /// Whether the kernel chooses: 0 was named for the port.
    is_kernels: bool,
}

impl Range {
    pub fn parse(text: &str) -> Result<Self, TargetError> {
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
pub fn request(shared: &Shared, text: Option<&str>, range: Option<&Range>) -> PortRequest {
    let target = range.map(|range| &range.target);
    let (tcp, udp) = match target {
        Some(target) if text.is_some_and(|text| text.contains('/')) => (
            target.protocol == Protocol::Tcp,
            target.protocol == Protocol::Udp,
        ),
        _ => shared.protocols(),
    };
    let address = target.map_or(Address::Every, |target| target.address);
    PortRequest {
        tcp,
        udp,
        address: shared.narrowed(address),
    }
}

/// What came of the search.
pub struct Found {
    pub choice: Choice<Claim>,
    /// The limits that were considered, for a stable port.
    pub limits: Limits,
    /// What could not be found out about a stable port.
    pub gaps: Vec<Gap>,
}

/// Looks for as many ports as are wanted, and keeps what it finds.
pub fn choose(free: &Free, request: &PortRequest, range: Option<&Range>) -> anyhow::Result<Found> {
    let ports = match range {
        Some(range) if !range.is_kernels => Some(range.target.ports.clone()),
        _ => free.stable.then_some(STABLE_FROM..=u16::MAX),
    };
    let found = match ports {
        Some(ports) => among(ports, free, request),
        None => chosen_by_kernel(free, request),
    };
    found.map_err(|refusal| failed(&refusal))
}

/// Whatever the kernel chooses is held at once, so it never chooses it twice.
fn chosen_by_kernel(free: &Free, request: &PortRequest) -> Result<Found, Refusal> {
    let count = usize::from(free.count);
    let whatever = std::iter::repeat_n(0, count + MAX_TRIES);
    let claim = |port| Claim::of(request, port);
    let choice = bind::choose(whatever, count, |_| None, claim, |_| None)?;
    Ok(Found {
        choice,
        limits: Limits::default(),
        gaps: Vec::new(),
    })
}

fn among(ports: RangeInclusive<u16>, free: &Free, request: &PortRequest) -> Result<Found, Refusal> {
    let now = Clock::start().now();
    let mut inspector = this_machine();
    let mut limits = Limits::default();
    if free.stable {
        let first = *ports.start();
        limits = inspector.rows(Protocol::Tcp, first, now).limits;
    }
    // A command starts as any server does, also beside what an earlier one left behind.
    let hands_over = request.tcp && !free.command.is_empty() && !free.hold;
    // Two closures ask the same machine, in turn.
    let (machine, mut gaps) = (RefCell::new(inspector), Vec::new());
    let claim = |port| match Claim::of(request, port) {
        Err(refusal) if hands_over && refusal.result.is_in_use() => {
            let evidence = machine.borrow_mut().rows(Protocol::Tcp, port, now);
            if bind::has_only_leftovers(&evidence) {
                Claim::beside_leftovers(request, port)
            } else {
                Err(refusal)
            }
        }
        claimed => claimed,
    };
    let is_unfit = |port| {
        let unfit = || bind::unfit(request, port, &limits);
        free.stable.then(unfit).flatten()
    };
    let doubt = |port| {
        request.protocols().filter(|_| free.stable).find_map(|of| {
            let evidence = machine.borrow_mut().surroundings(of, port, now);
            gaps.extend(
                evidence
                    .gaps
                    .iter()
                    .filter(|gap| Unfit::is_about(gap))
                    .cloned(),
            );
            Unfit::of(evidence)
        })
    };
    let choice = bind::choose(ports, usize::from(free.count), is_unfit, claim, doubt)?;
    gaps.sort_by(|a: &Gap, b| a.message.cmp(&b.message));
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

/// Who has the ports that are in use, as far as one reading of the table tells.
pub struct Holders(Vec<Socket>);

impl Holders {
    /// Looks only if somebody wants to know, and something is in use.
    pub fn look(request: &PortRequest, passed_over: &[(u16, Unfit)], is_wanted: bool) -> Self {
        let in_use = passed_over
            .iter()
            .filter(|(_, unfit)| *unfit == Unfit::InUse);
        let ports: HashSet<u16> = in_use.map(|&(port, _)| port).collect();
        if !is_wanted || ports.is_empty() {
            return Self(Vec::new());
        }
        let is_asked = |socket: &Socket| {
            let is_of_protocol = request.protocols().any(|wanted| wanted == socket.protocol);
            is_of_protocol && ports.contains(&socket.local.port)
        };
        // What can't be read is not told: that the port is in use is certain all the same.
        let all_asked = |sockets: &[Socket]| sockets.iter().map(is_asked).collect();
        let snapshot = System::new().take_with_owners_of(Clock::start().now(), all_asked);
        let mut sockets = snapshot.map_or_else(|_| Vec::new(), |snapshot| snapshot.sockets);
        sockets.retain(is_asked);
        sockets.sort_by_key(|socket| (socket.local.port, socket.state, socket.inode));
        Self(sockets)
    }

    /// What has a port: what listens comes first.
    pub fn of(&self, port: u16) -> Option<&Socket> {
        let at = self.0.partition_point(|socket| socket.local.port < port);
        self.0.get(at).filter(|socket| socket.local.port == port)
    }
}
