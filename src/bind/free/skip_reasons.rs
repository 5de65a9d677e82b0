//! Reasons to skip a port. Pure.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{Claim, PortRequest};
use crate::bind::fix::shell::{in_namespace, in_namespace_words};
use crate::bind::text::after;
use crate::bind::verdict::reserve;
use crate::model::{Elsewhere, Evidence, Gap, GapCode, Holder, Limits, Redirect, Services, State};

/// Why a port was not chosen, or only because no better one was free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Another socket has it.
    InUse,
    /// This process may not bind it, with this error.
    Denied(Cow<'static, str>),
    /// It is in this range for outgoing connections.
    Ephemeral(RangeInclusive<u16>),
    /// It is reserved in `net.ipv4.ip_local_reserved_ports`.
    Reserved,
    /// Browsers refuse to connect to it.
    BrowsersRefuse,
    /// It is registered for this service.
    Registered(Arc<str>),
    /// Ports below this one need a privilege.
    Privileged(u16),
    /// It is in use in another network namespace.
    Elsewhere(Elsewhere),
    /// The packet filter sends its traffic elsewhere.
    Redirected(Redirect),
}

/// The "bad ports" of the Fetch standard (<https://fetch.spec.whatwg.org/#port-blocking>, as of July 2026), ascending.
#[rustfmt::skip]
const BAD_PORTS: [RangeInclusive<u16>; 60] = [
    1..=1, 7..=7, 9..=9, 11..=11, 13..=13, 15..=15, 17..=17, 19..=23, 25..=25, 37..=37, 42..=43, 53..=53,
    69..=69, 77..=77, 79..=79, 87..=87, 95..=95, 101..=104, 109..=111, 113..=113, 115..=115, 117..=117,
    119..=119, 123..=123, 135..=135, 137..=137, 139..=139, 143..=143, 161..=161, 179..=179, 389..=389,
    427..=427, 465..=465, 512..=515, 526..=526, 530..=532, 540..=540, 548..=548, 554..=554, 556..=556,
    563..=563, 587..=587, 601..=601, 636..=636, 989..=990, 993..=993, 995..=995, 1719..=1720,
    1723..=1723, 2049..=2049, 3659..=3659, 4045..=4045, 4190..=4190, 5060..=5061, 6000..=6000,
    6566..=6566, 6665..=6669, 6679..=6679, 6697..=6697, 10_080..=10_080,
];

/// Whether browsers refuse to connect to this TCP port.
pub fn browsers_refuse(port: u16) -> bool {
    BAD_PORTS.iter().any(|range| range.contains(&port))
}

/// Whether a port has only connections and their leftovers, besides a claim's own sockets: no other socket listens or is
/// bound, so a server that sets `SO_REUSEADDR` may start.
pub fn has_only_leftovers(evidence: &Evidence, claimed: Option<&Claim>) -> bool {
    let own = claimed.map_or_else(Vec::new, Claim::inodes);
    let is_own = |inode: Option<u32>| inode.is_some_and(|inode| own.contains(&inode));
    let keeps = |holder: &Holder| {
        let socket = &holder.socket;
        matches!(socket.state, State::Listen | State::Bound) && !is_own(socket.inode)
    };
    !evidence.may_lack_rows() && !evidence.holders.iter().any(keeps)
}

/// The reason not to choose a port as the stable port of a service, whether it is in use or not.
pub fn skip_reason(
    request: &PortRequest,
    port: u16,
    limits: &Limits,
    services: &Services,
) -> Option<SkipReason> {
    if limits.is_privileged(port) {
        return limits.unprivileged_from.map(SkipReason::Privileged);
    }
    if limits.is_reserved(port) {
        return Some(SkipReason::Reserved);
    }
    let ephemeral = limits.ephemeral.as_ref();
    if let Some(range) = ephemeral.filter(|range| range.contains(&port)) {
        return Some(SkipReason::Ephemeral(range.clone()));
    }
    if request.tcp && browsers_refuse(port) {
        return Some(SkipReason::BrowsersRefuse);
    }
    let mut names = request.protocols().filter_map(|of| services.name(of, port));
    names.next().map(|name| SkipReason::Registered(name.into()))
}

impl SkipReason {
    /// The reason that comes from other namespaces or the packet filter.
    pub fn of(evidence: Evidence) -> Option<Self> {
        let elsewhere = evidence.elsewhere.into_iter().map(Self::Elsewhere);
        let redirects = evidence.redirects.into_iter().map(Self::Redirected);
        elsewhere.chain(redirects).next()
    }

    /// The fix if the port is used anyway, a sentence with the exact command.
    pub fn remedy(&self, port: u16, limits: &Limits) -> Option<String> {
        match self {
            Self::Ephemeral(_) => {
                let command = reserve(limits, port)?;
                let words = || in_namespace_words(&command, limits);
                let command = in_namespace(&command, limits).unwrap_or_else(words);
                Some(format!("to keep it from clients: {command}"))
            }
            _ => None,
        }
    }

    /// Whether a gap may hide what [`Self::of`] returns.
    pub const fn is_about(gap: &Gap) -> bool {
        matches!(gap.code, GapCode::Namespaces | GapCode::Redirects)
    }

    /// A word for scripts, the same as in the notes of a bind test if there is one.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InUse => "in_use",
            Self::Denied(_) => "denied",
            Self::Ephemeral(_) => "ephemeral_range",
            Self::Reserved => "reserved_port",
            Self::BrowsersRefuse => "browsers_refuse",
            Self::Registered(_) => "registered_service",
            Self::Privileged(_) => "privileged_port",
            Self::Elsewhere(_) => "other_namespace",
            Self::Redirected(_) => "redirected",
        }
    }
}

impl fmt::Display for SkipReason {
    /// The text after a port: `8080: in use`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("in use"),
            Self::Denied(name) => write!(f, "may not be bound ({name})"),
            Self::Ephemeral(range) => write!(
                f,
                "in the ephemeral range {}–{}: the kernel may give it to an outgoing connection",
                range.start(),
                range.end()
            ),
            Self::Reserved => f.write_str("set aside in net.ipv4.ip_local_reserved_ports"),
            Self::BrowsersRefuse => f.write_str("browsers refuse to connect to it"),
            Self::Registered(name) => write!(f, "registered for {name}"),
            Self::Privileged(first) => {
                write!(f, "needs a privilege, as does every port below {first}")
            }
            Self::Elsewhere(at) => {
                write!(f, "{} is in use in another network namespace", at.local)?;
                match &at.owner {
                    Some(owner) => write!(f, ", by {}({})", owner.name, owner.pid)?,
                    None => write!(f, ", that of pid {}", at.member)?,
                }
                f.write_str(&after(" in container ", at.container.as_ref()))
            }
            Self::Redirected(redirect) => {
                write!(f, "{} go to {}", redirect.packets("it"), redirect.target())
            }
        }
    }
}
