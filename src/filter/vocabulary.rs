//! The words of the language besides its fields, one line each. Parser, printer, help, completion and error messages
//! use these tables.

use super::Context;
use super::subject::Subject;
use crate::model::{Family, Fill, Kinds, Owner, Protocol, Scope};
use crate::track::Mark;

/// A word that may follow `is:`.
#[derive(Debug)]
pub struct Flag {
    /// The word.
    pub name: &'static str,
    /// What it matches, in a few words.
    pub help: &'static str,
    /// Whether it is true; `None` if that depends on the owner, which is not known yet.
    pub(super) matches: fn(&Subject<'_>, &Context) -> Option<bool>,
}

/// A protocol with or without a family. The words for TCP and UDP need no `proto:` before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// The word.
    pub name: &'static str,
    /// What it matches, in a few words.
    pub help: &'static str,
    /// The protocol.
    pub protocol: Protocol,
    /// The family; `None` for both.
    pub family: Option<Family>,
}

/// Every word that may follow `is:`.
#[rustfmt::skip]
pub static FLAGS: [Flag; 15] = [
    Flag { name: "new", help: "opened just now", matches: |it, context| Some(it.has_mark(Mark::Opened, context)) },
    Flag { name: "changed", help: "changed state or owner just now", matches: |it, context| Some(it.has_mark(Mark::Changed, context)) },
    Flag { name: "short", help: "opened and closed between two snapshots", matches: |it, _| Some(it.is_short()) },
    Flag { name: "closed", help: "closed, and still shown for a while", matches: |it, _| Some(it.is_closed()) },
    Flag { name: "hidden", help: "its owner can't be seen", matches: |it, _| Some(it.row?.socket.owner == Owner::Hidden) },
    Flag { name: "mine", help: "belongs to you", matches: |it, context| Some(context.uid.is_some() && it.socket.uid == context.uid) },
    Flag { name: "own", help: "in the network namespace that sockeye runs in", matches: |it, _| Some(it.socket.is_own()) },
    Flag { name: "published", help: "a port of a container, published on this machine", matches: |it, _| it.is_published() },
    Flag { name: "loopback", help: "its own address is loopback", matches: |it, _| Some(it.local_scope() == Some(Scope::Loopback)) },
    Flag { name: "public", help: "the peer is public; or bound to a public address or to all addresses",
           matches: |it, _| Some(match it.socket.remote {
               Some(remote) => remote.scope() == Scope::Public,
               None => matches!(it.local_scope(), Some(Scope::Any | Scope::Public)),
           }) },
    Flag { name: "conflict", help: "another process has the same port", matches: |it, _| Some(it.row?.is_in_conflict) },
    Flag { name: "filling", help: "its accept queue is at least half full", matches: |it, _| Some(it.is_filled(Fill::Filling)) },
    Flag { name: "full", help: "its accept queue is full", matches: |it, _| Some(it.is_filled(Fill::Full)) },
    Flag { name: "left-over", help: "its owner is left over: what started it is gone, or its folder was deleted", matches: |it, _| it.is_left_over() },
    Flag { name: "trouble", help: "an accept queue, a leak, no answer, a peer or a program that does not read, drops, losses", matches: |it, context| it.is_in_trouble(context) },
];

/// Every protocol word. Where two mean the same, the first is canonical.
#[rustfmt::skip]
pub static TRANSPORTS: [Transport; 17] = [
    Transport { name: "tcp", help: "TCP over IPv4 and IPv6", protocol: Protocol::Tcp, family: None },
    Transport { name: "tcp4", help: "TCP over IPv4", protocol: Protocol::Tcp, family: Some(Family::Ipv4) },
    Transport { name: "tcp6", help: "TCP over IPv6", protocol: Protocol::Tcp, family: Some(Family::Ipv6) },
    Transport { name: "udp", help: "UDP over IPv4 and IPv6", protocol: Protocol::Udp, family: None },
    Transport { name: "udp4", help: "UDP over IPv4", protocol: Protocol::Udp, family: Some(Family::Ipv4) },
    Transport { name: "udp6", help: "UDP over IPv6", protocol: Protocol::Udp, family: Some(Family::Ipv6) },
    Transport { name: "udplite", help: "UDP-Lite over IPv4 and IPv6", protocol: Protocol::UdpLite, family: None },
    Transport { name: "udplite4", help: "UDP-Lite over IPv4", protocol: Protocol::UdpLite, family: Some(Family::Ipv4) },
    Transport { name: "udplite6", help: "UDP-Lite over IPv6", protocol: Protocol::UdpLite, family: Some(Family::Ipv6) },
    Transport { name: "sctp", help: "SCTP over IPv4 and IPv6", protocol: Protocol::Sctp, family: None },
    Transport { name: "sctp4", help: "SCTP over IPv4", protocol: Protocol::Sctp, family: Some(Family::Ipv4) },
    Transport { name: "sctp6", help: "SCTP over IPv6", protocol: Protocol::Sctp, family: Some(Family::Ipv6) },
    Transport { name: "raw", help: "raw IP and ping sockets", protocol: Protocol::Raw, family: None },
    Transport { name: "raw4", help: "raw IPv4 and ping sockets", protocol: Protocol::Raw, family: Some(Family::Ipv4) },
    Transport { name: "raw6", help: "raw IPv6 and ping sockets", protocol: Protocol::Raw, family: Some(Family::Ipv6) },
    Transport { name: "packet", help: "packet sockets", protocol: Protocol::Packet, family: None },
    Transport { name: "unix", help: "unix sockets", protocol: Protocol::Unix, family: None },
];

/// Everything else that can be written: an example, which is a filter, and what it matches.
#[rustfmt::skip]
pub static FORMS: [(&str, &str); 16] = [
    ("8080", "a port that starts with 8080, local or remote; or that pid"),
    (":8080", "the local port"),
    (":8000-8999", "a range of local ports"),
    (":80,443,8000-8999", "any of these local ports"),
    (":>1024", "local ports above 1024; also >=, < and <="),
    (":https", "the local port of a service"),
    ("nginx", "part of any name, command line, address or state"),
    ("[::1]:80", "an address, local or remote; also 10.0.0.0/8"),
    (r#""8080 tcp""#, "exactly this text, spaces and all; \\\" is a quote"),
    ("/nginx|node/", "a regex over the whole row; \\/ is a slash"),
    ("nginx :80", "both"),
    ("nginx | :80", "either one; a b | c means (a b) | c"),
    ("!udp", "not this term or group"),
    ("(nginx | node) :80", "a group"),
    ("nginx and not udp or :80", "the same in words: (nginx !udp) | :80"),
    (r#""and""#, "quoted, and, or and not are text"),
];

/// By name: each is there once.
impl PartialEq for Flag {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Transport {
    /// Whether it needs no `proto:` before it. The words for kinds that are not listed by default are too much like
    /// names: alone they are text, which matches such rows too.
    pub(super) fn is_bare_word(&self) -> bool {
        Kinds::DEFAULT.has(self.protocol)
    }

    /// As it is typed: `tcp`, `proto:unix`.
    pub(super) fn word(&self) -> String {
        let field = if self.is_bare_word() { "" } else { "proto:" };
        format!("{field}{}", self.name)
    }

    /// Ignores case.
    pub(super) fn named(name: &str) -> Option<Self> {
        let is_it = |word: &&Self| word.name.eq_ignore_ascii_case(name);
        TRANSPORTS.iter().find(is_it).copied()
    }
}
