//! Who could start here: what real servers bind, held against the answers of a bind test.
//!
//! What each does was seen with `strace`; Go's manner is that of its documentation. A bind that was
//! made is its own answer. One that was not follows from those that were (a plain bind fails where
//! one with `SO_REUSEADDR` does; `[::]` for both families can be had where `0.0.0.0` and `[::]`
//! for IPv6 alone can), or from the rules. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::examine::{Examination, foretold as predicted, request_of};
use super::rules::Answer;
use super::{Address, ProbeResult};
use crate::model::Protocol;

/// Whether a server can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// It can.
    Ok,
    /// That can't be told.
    Unknown,
    /// It is refused.
    Refused,
}

impl Start {
    /// The word as a person reads it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "can start",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }

    /// Of several sockets that all must be bound.
    fn all(starts: impl Iterator<Item = Self>) -> Self {
        starts.max().unwrap_or(Self::Unknown)
    }
}

/// A kind of server and what it binds where it is told only a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Who does it so.
    pub servers: &'static str,
    /// What it binds, in words.
    pub manner: &'static str,
    binds: &'static [Wanted],
}

/// A socket that a server binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    place: Wildcard,
    reuse_address: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wildcard {
    V4,
    V6Only,
    DualStack,
}

const fn wanted(place: Wildcard, reuse_address: bool) -> Wanted {
    Wanted {
        place,
        reuse_address,
    }
}

/// The profiles of servers that are told no address.
#[rustfmt::skip]
static TCP: [Profile; 4] = [
    Profile { servers: "Node, Java, Go", manner: "[::] for both",
              binds: &[wanted(Wildcard::DualStack, true)] },
    Profile { servers: "Rust, http.server", manner: "0.0.0.0",
              binds: &[wanted(Wildcard::V4, true)] },
    Profile { servers: "asyncio", manner: "0.0.0.0 and [::]",
              binds: &[wanted(Wildcard::V4, true), wanted(Wildcard::V6Only, true)] },
    Profile { servers: "socketserver, Perl", manner: "0.0.0.0, no option",
              binds: &[wanted(Wildcard::V4, false)] },
];

#[rustfmt::skip]
static UDP: [Profile; 2] = [
    Profile { servers: "most servers", manner: "0.0.0.0",
              binds: &[wanted(Wildcard::V4, false)] },
    Profile { servers: "Node udp6, Java, Go", manner: "[::] for both",
              binds: &[wanted(Wildcard::DualStack, false)] },
];

/// Servers that were told an address: they differ by the option alone.
#[rustfmt::skip]
static ON_AN_ADDRESS: [(Profile, bool); 2] = [
    (Profile { servers: "Node, Java, Go, Rust, asyncio", manner: "SO_REUSEADDR", binds: &[] }, true),
    (Profile { servers: "socketserver, Perl", manner: "no option", binds: &[] }, false),
];

/// The profiles that fit what was asked, each with whether it can start.
pub(super) fn profiles(examination: &Examination) -> Vec<(Profile, Start)> {
    let target = &examination.target;
    match (target.address, target.protocol) {
        (Address::Every, Protocol::Tcp) => started(examination, &TCP),
        (Address::Every, _) => started(examination, &UDP),
        (_, Protocol::Tcp) => ON_AN_ADDRESS
            .iter()
            .map(|&(profile, reuse_address)| (profile, server(examination, reuse_address)))
            .collect(),
        _ => Vec::new(),
    }
}

fn started(examination: &Examination, profiles: &[Profile]) -> Vec<(Profile, Start)> {
    let start = |profile: &Profile| {
        let binds = profile.binds.iter();
        let start = Start::all(binds.map(|wanted| wildcard(examination, *wanted)));
        (*profile, start)
    };
    profiles.iter().map(start).collect()
}

/// Whether a server that binds every address asked for can start, with or without the option.
pub(super) fn server(examination: &Examination, reuse_address: bool) -> Start {
    let asked: Vec<Place> = match examination.target.address {
        Address::Every => [Wildcard::V4, Wildcard::V6Only].map(Place::of).to_vec(),
        Address::Loopback => vec![
            Place::one(Ipv4Addr::LOCALHOST.into()),
            Place::one(Ipv6Addr::LOCALHOST.into()),
        ],
        Address::One(one) => vec![Place::one(one)],
        Address::Zoned(one, _) => vec![Place::one(one.into())],
    };
    let all_there = asked
        .into_iter()
        .filter(|place| !is_absent(examination, *place));
    Start::all(all_there.map(|place| bind(examination, place, reuse_address)))
}

fn wildcard(examination: &Examination, wanted: Wanted) -> Start {
    let parts: &[Wildcard] = match wanted.place {
        Wildcard::DualStack => &[Wildcard::V4, Wildcard::V6Only],
        Wildcard::V4 => &[Wildcard::V4],
        Wildcard::V6Only => &[Wildcard::V6Only],
    };
    let places = parts.iter().map(|&part| Place::of(part));
    let mut there = places
        .filter(|place| !is_absent(examination, *place))
        .peekable();
    if there.peek().is_none() {
        // A server makes do without a family that is not there.
        return Start::Ok;
    }
    Start::all(there.map(|place| bind(examination, place, wanted.reuse_address)))
}

/// An address to bind, as the probes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    address: IpAddr,
    v6only: Option<bool>,
}

impl Place {
    const fn of(wildcard: Wildcard) -> Self {
        match wildcard {
            Wildcard::V4 => Self {
                address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                v6only: None,
            },
            Wildcard::V6Only | Wildcard::DualStack => Self {
                address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                v6only: Some(true),
            },
        }
    }

    fn one(address: IpAddr) -> Self {
        let v6only = address.is_ipv6().then(|| address.is_unspecified());
        Self { address, v6only }
    }
}

fn answer(examination: &Examination, place: Place, reuse_address: bool) -> Option<&ProbeResult> {
    let is_it = |probe: &super::Probe| {
        (probe.address, probe.v6only, probe.reuse_address)
            == (place.address, place.v6only, reuse_address)
    };
    let probes = examination.trials.iter().map(|trial| &trial.probe);
    let mut answers = probes
        .filter(|probe| is_it(probe))
        .map(|probe| &probe.result);
    answers.next()
}

/// Whether this system has no such family.
fn is_absent(examination: &Examination, place: Place) -> bool {
    let answers = [true, false].map(|reuse| answer(examination, place, reuse));
    let mut answers = answers.into_iter().flatten();
    place.address.is_ipv6() && answers.any(|answer| examination.is_family_missing(answer))
}

fn bind(examination: &Examination, place: Place, reuse_address: bool) -> Start {
    let of = |result: &ProbeResult| match result {
        ProbeResult::Ok => Start::Ok,
        result if result.is("EACCES") || result.is("EPERM") => Start::Unknown,
        ProbeResult::Errno { .. } => Start::Refused,
    };
    if let Some(answer) = answer(examination, place, reuse_address) {
        return of(answer);
    }
    match answer(examination, place, !reuse_address) {
        // The option only ever helps.
        Some(ProbeResult::Ok) if reuse_address => Start::Ok,
        Some(other) if !reuse_address && !other.is_ok() => of(other),
        _ => foretold(examination, place, reuse_address),
    }
}

fn foretold(examination: &Examination, place: Place, reuse_address: bool) -> Start {
    let Examination {
        target, evidence, ..
    } = examination;
    let Place { address, v6only } = place;
    let request = request_of(address, v6only, reuse_address, target, evidence);
    match predicted(&request, evidence).is_refused() {
        Answer::No => Start::Ok,
        Answer::Depends => Start::Unknown,
        Answer::Yes => Start::Refused,
    }
}
