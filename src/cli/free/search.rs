//! Searches for free ports.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use sockeye::bind::{self, Address, Choice, Claim, PortRequest, Refusal, SkipReason, Target};
use sockeye::clock::Clock;
use sockeye::inspect::inspector_of;
use sockeye::model::{Evidence, Gap, Inside, Limits, Protocol, Services, Socket};
use sockeye::source::System;

use super::Free;
use crate::cli::check::targets::check_address;
use crate::cli::global::GlobalArgs;

/// How many ports of the kernel are tried, as one may be taken for the other protocol.
const MAX_TRIES: usize = 1000;

/// How often a port with leftovers is claimed that another program claims at the same moment.
const MAX_CLAIMS: usize = 5;

/// Where the search for a stable port starts; most lower numbers are in use by convention.
const STABLE_FROM: u16 = 10_000;

/// The argument RANGE.
pub struct Range {
    /// If the kernel chooses, its ports don't count.
    target: Target,
    /// Whether the port is 0: the kernel chooses.
    is_kernels: bool,
    names_protocol: bool,
}

impl Range {
    pub fn parse(text: &str, global: &GlobalArgs) -> anyhow::Result<Self> {
        let (place, protocol) = text.split_at(text.find('/').unwrap_or(text.len()));
        let is_kernels = place == "0" || place.ends_with(":0");
        let mut target = if is_kernels {
            // A target needs a port: any will do.
            let place = place.strip_suffix('0').unwrap_or(place);
            let protocol = if protocol == "/" { "" } else { protocol };
            Target::parse_with(&format!("{place}1{protocol}"), &global.services)?
        } else {
            Target::parse_with(text, &global.services)?
        };
        check_address(global, &mut target, text)?;
        Ok(Self {
            target,
            is_kernels,
            names_protocol: !protocol.is_empty(),
        })
    }

    /// Its port, if it names a single one.
    pub fn only_port(&self) -> Option<u16> {
        let ports = &self.target.ports;
        let is_one = !self.is_kernels && ports.start() == ports.end();
        is_one.then_some(*ports.start())
    }
}

/// The protocols and the address to search for.
pub fn request(global: &GlobalArgs, range: Option<&Range>) -> PortRequest {
    let (tcp, udp) = match range {
        Some(range) if range.names_protocol => {
            let named = range.target.protocol;
            (named == Protocol::Tcp, named == Protocol::Udp)
        }
        // Without an option, both.
        _ => (global.tcp || !global.udp, global.udp || !global.tcp),
    };
    let address = range.map_or(Address::Every, |range| range.target.address);
    PortRequest {
        tcp,
        udp,
        address: global.narrowed(address),
    }
}

/// Claims one port of a range, the first that is free for TCP and UDP; without one, of the kernel's choice. `None` if none
/// is free.
pub fn claim_one(global: &GlobalArgs, range: Option<&Range>) -> anyhow::Result<Option<Claim>> {
    let request = PortRequest {
        tcp: true,
        udp: true,
        ..request(global, range)
    };
    let ports = candidates(range, None, (false, 1)).into_iter();
    let claim = |port| Claim::of(&request, port);
    let choice = bind::choose(ports, 1, |_| None, claim, |_| None);
    let choice = choice.map_err(|refusal| anyhow::anyhow!(why_refused(&refusal)))?;
    Ok(choice.found.into_iter().next())
}

/// A service of a project, which has a port of its own.
pub struct Service {
    /// The real path of the project.
    pub project: PathBuf,
    /// Empty if the project has only one.
    pub name: String,
}

/// Result of a search.
pub struct Found {
    pub choice: Choice<Claim>,
    /// The port of the service whenever it can be had.
    pub usual: Option<u16>,
    /// For a stable port: the limits of this system.
    pub limits: Limits,
    /// For a stable port: what is unknown about it.
    pub gaps: Vec<Gap>,
}

/// Searches for the ports, and keeps those it finds bound.
pub fn choose(
    free: &Free,
    request: &PortRequest,
    (range, service): (Option<&Range>, Option<&Service>),
    (services, inside): (&Services, Option<&Arc<Inside>>),
) -> anyhow::Result<Found> {
    let (count, is_stable) = (usize::from(free.count), free.is_stable());
    let ports = candidates(range, service, (is_stable, count));
    let now = Clock::start().now();
    let mut inspector = inspector_of(inside.cloned());
    let limits = match ports.first() {
        Some(&first) if is_stable => inspector.rows(Protocol::Tcp, first, now).limits,
        _ => Limits::default(),
    };
    // A command starts like any server, also beside connections that an earlier one left; and so does that of a project,
    // which has the same port again.
    let hands_over = !free.command.is_empty() && !free.keep;
    let reuses = request.tcp && (hands_over || service.is_some());
    // Two closures use the inspector in turn.
    let (inspector, mut gaps) = (RefCell::new(inspector), Vec::new());
    let claim = |port| match Claim::of(request, port) {
        Err(refusal) if reuses && port != 0 && refusal.result.is_in_use() => {
            let mut rows = || inspector.borrow_mut().rows(Protocol::Tcp, port, now);
            match claim_beside_leftovers(request, port, &mut rows) {
                Some(claim) if hands_over => claim.listening(),
                claim => claim.ok_or(refusal),
            }
        }
        claimed => claimed,
    };
    let reason_to_skip = |port| {
        let skip_reason = || bind::skip_reason(request, port, &limits, services);
        is_stable.then(skip_reason).flatten()
    };
    let is_usual = |port: &&u16| reason_to_skip(**port).is_none();
    let usual = ports.iter().find(is_usual).or(ports.first()).copied();
    let doubt = |port| {
        request.protocols().filter(|_| is_stable).find_map(|of| {
            let mut evidence = inspector.borrow_mut().traffic(of, port, now);
            let relevant = evidence.gaps.iter().filter(|gap| SkipReason::is_about(gap));
            gaps.extend(relevant.cloned());
            if service.is_some() {
                // A project keeps its port, whatever containers use inside.
                evidence.elsewhere.clear();
            }
            SkipReason::of(evidence)
        })
    };
    let choice = bind::choose(ports.iter().copied(), count, reason_to_skip, claim, doubt);
    let choice = choice.map_err(|refusal| anyhow::anyhow!(why_refused(&refusal)))?;
    gaps.sort_by(|a: &Gap, b| a.message.cmp(&b.message));
    gaps.dedup();
    Ok(Found {
        choice,
        usual: usual.filter(|_| service.is_some()),
        limits,
        gaps,
    })
}

/// The ports to try, in their order.
fn candidates(
    range: Option<&Range>,
    service: Option<&Service>,
    (is_stable, count): (bool, usize),
) -> Vec<u16> {
    let range = range.filter(|range| !range.is_kernels);
    let range = range.map(|range| range.target.ports.clone());
    match (range, service) {
        (range, Some(service)) => {
            let range = range.unwrap_or(bind::SERVICE_PORTS);
            bind::service_ports(&service.project, &service.name, range).collect()
        }
        (Some(range), None) => range.collect(),
        (None, None) if is_stable => (STABLE_FROM..=u16::MAX).collect(),
        // Port 0 is the kernel's choice. Each stays bound, so the kernel never chooses it twice.
        (None, None) => vec![0; count + MAX_TRIES],
    }
}

/// Claims a port that was refused, if only connections of an earlier server are on it, or only a bind test was. The table
/// is read after the bind, too: another program may have bound the port in the same way meanwhile. As that gives the port
/// up for the same reason, it is tried again.
fn claim_beside_leftovers(
    request: &PortRequest,
    port: u16,
    rows: &mut dyn FnMut() -> Evidence,
) -> Option<Claim> {
    for _ in 0..MAX_CLAIMS {
        if !bind::has_only_leftovers(&rows(), None) {
            return None;
        }
        let claim = Claim::beside_leftovers(request, port).ok()?;
        if bind::has_only_leftovers(&rows(), Some(&claim)) {
            return Some(claim);
        }
    }
    None
}

/// Why the search ended at a port.
fn why_refused(refusal: &Refusal) -> String {
    let what = match refusal.result.as_str() {
        "EADDRNOTAVAIL" => "the address is not one of this machine",
        "EMFILE" | "ENFILE" => "no descriptors are left",
        _ => "no port can be bound",
    };
    format!("{what} ({})", refusal.result)
}

/// The sockets that have the ports in use, as far as one snapshot shows them: for each port a listener, if there is one.
pub fn holders_of(
    request: &PortRequest,
    passed_over: &[(u16, SkipReason)],
) -> HashMap<u16, Socket> {
    let in_use = |(port, skip_reason): &(u16, SkipReason)| {
        (*skip_reason == SkipReason::InUse).then_some(*port)
    };
    let ports: HashSet<u16> = passed_over.iter().filter_map(in_use).collect();
    if ports.is_empty() {
        return HashMap::new();
    }
    let is_wanted = |socket: &Socket| {
        let mut protocols = request.protocols();
        ports.contains(&socket.local.port) && protocols.any(|one| one == socket.protocol)
    };
    let wanted = |sockets: &[Socket]| sockets.iter().map(is_wanted).collect();
    // If the table can't be read, the holders are unknown; the ports are in use all the same.
    let snapshot = System::new().take_with_owners_of(Clock::start().now(), wanted);
    let mut sockets = snapshot.map_or_else(|_| Vec::new(), |snapshot| snapshot.sockets);
    sockets.retain(is_wanted);
    sockets.sort_by_key(|socket| (socket.state, socket.inode));
    // The first of a port stays.
    let by_port = sockets.into_iter().rev();
    by_port.map(|socket| (socket.local.port, socket)).collect()
}
