//! Which servers could start here: the binds that they make, compared with the results of a bind test.
//!
//! The binds of each server were seen with `strace`; those of Go are from its documentation. Where a bind was not made,
//! its result follows from those that were (without `SO_REUSEADDR` it fails wherever it fails with the option; `[::]`
//! for both families needs `0.0.0.0` and IPv6-only `[::]`), or from the rules. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::BindTestResult;
use crate::bind::probe::Bind;
use crate::bind::rules::Answer;
use crate::bind::{Address, ProbeResult};
use crate::model::Protocol;

/// Whether a server can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// It can start.
    Ok,
    /// Unknown: hidden by an error, or not readable.
    Unknown,
    /// The kernel refuses it.
    Refused,
}

impl Start {
    /// The word on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "can start",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }
}

/// A kind of server, and its binds if only a port is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Servers of that kind.
    pub servers: &'static str,
    /// What they bind, as JSON has it.
    #[serde(rename = "binds")]
    pub manner: &'static str,
    /// The same, as it is shown.
    #[serde(skip)]
    pub shown: &'static str,
}

const V4: Bind = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), None);
const V6: Bind = (IpAddr::V6(Ipv6Addr::UNSPECIFIED), Some(true));

/// Servers, what they bind in words (for JSON, then as shown) and as sockets, and whether with `SO_REUSEADDR`.
type Row = (&'static str, [&'static str; 2], &'static [Bind], bool);

const TCP: [Row; 4] = [
    (
        "Node, Java, Go",
        ["[::] for both", "[::] dual-stack"],
        &[V4, V6],
        true,
    ),
    ("Rust, http.server", ["0.0.0.0"; 2], &[V4], true),
    ("asyncio", ["0.0.0.0 and [::]"; 2], &[V4, V6], true),
    (
        "socketserver, Perl",
        ["0.0.0.0, no option", "0.0.0.0 without SO_REUSEADDR"],
        &[V4],
        false,
    ),
];

const UDP: [Row; 2] = [
    ("most servers", ["0.0.0.0"; 2], &[V4], false),
    (
        "Node udp6, Java, Go",
        ["[::] for both", "[::] dual-stack"],
        &[V4, V6],
        false,
    ),
];

/// Servers that were given an address differ only in the option.
const ON_AN_ADDRESS: [Row; 2] = [
    (
        "Node, Java, Go, Rust, asyncio",
        ["SO_REUSEADDR", "with SO_REUSEADDR"],
        &[],
        true,
    ),
    (
        "socketserver, Perl",
        ["no option", "without SO_REUSEADDR"],
        &[],
        false,
    ),
];

/// The profiles that fit the target, each with whether it can start.
pub(in crate::bind) fn profiles(result: &BindTestResult) -> Vec<(Profile, Start)> {
    let rows: &[Row] = match (result.target.address, result.target.protocol) {
        (Address::Every, Protocol::Tcp) => &TCP,
        (Address::Every, _) => &UDP,
        (_, Protocol::Tcp) => &ON_AN_ADDRESS,
        _ => &[],
    };
    let profiles = rows
        .iter()
        .map(|&(servers, [manner, shown], binds, reuse_address)| {
            let profile = Profile {
                servers,
                manner,
                shown,
            };
            (profile, start(result, binds, reuse_address))
        });
    profiles.collect()
}

/// Whether a server can start that makes these binds; without any, it binds every address of the target. A family that
/// this system lacks does not count: servers start without it.
pub(in crate::bind) fn start(
    result: &BindTestResult,
    binds: &[Bind],
    reuse_address: bool,
) -> Start {
    let ips = result.target.address.ips().into_iter();
    let every = ips.map(|ip| (ip, ip.is_ipv6().then(|| ip.is_unspecified())));
    let every: Vec<Bind> = every.collect();
    let binds = if binds.is_empty() { &every } else { binds };
    let probed = |bind: Bind, reuse_address: bool| {
        let mut probes = result.trials.iter().map(|trial| &trial.probe);
        let probe = probes.find(|it| (it.bind(), it.reuse_address) == (bind, reuse_address));
        probe.map(|probe| &probe.result)
    };
    let is_missing = |bind: Bind| {
        let is_off = |one: Option<&ProbeResult>| one.is_some_and(|it| result.is_family_missing(it));
        bind.0.is_ipv6() && (is_off(probed(bind, true)) || is_off(probed(bind, false)))
    };
    let start_of = |bind: Bind| {
        // The option only ever helps.
        let other = probed(bind, !reuse_address).filter(|it| it.is_ok() == reuse_address);
        match probed(bind, reuse_address).or(other) {
            Some(ProbeResult::Ok) => Start::Ok,
            Some(result) if result.is("EACCES") || result.is("EPERM") => Start::Unknown,
            Some(_) => Start::Refused,
            None => match result.predict(bind, reuse_address).is_refused() {
                Answer::No => Start::Ok,
                Answer::Depends => Start::Unknown,
                Answer::Yes => Start::Refused,
            },
        }
    };
    let present = binds.iter().filter(|&&bind| !is_missing(bind));
    let starts = present.map(|&bind| start_of(bind));
    starts.max().unwrap_or(Start::Unknown)
}
