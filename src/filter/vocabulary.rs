//! The words of the language besides its fields, one line each. Parser, printer, help, completion and error messages
//! use these tables.

use std::borrow::Cow;

use crate::model::{Family, Kinds, Protocol};

/// A property that `is:` tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described in `FLAGS`")]
pub enum Flag {
    New,
    Changed,
    Closed,
    Hidden,
    Mine,
    Loopback,
    Public,
    Conflict,
    Filling,
    Full,
}

/// A word that may follow `is:`.
#[derive(Debug)]
pub struct FlagWord {
    /// The word.
    pub name: &'static str,
    /// What it matches, in a few words.
    pub help: &'static str,
    /// The property that it tests.
    pub flag: Flag,
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

/// A form of the language that has no word.
#[derive(Debug)]
pub struct Form {
    /// An example, which is a filter.
    pub example: &'static str,
    /// What it matches, in a few words.
    pub help: &'static str,
}

/// Every word that may follow `is:`.
#[rustfmt::skip]
pub static FLAGS: [FlagWord; 10] = [
    FlagWord { name: "new", help: "opened just now", flag: Flag::New },
    FlagWord { name: "changed", help: "changed state or owner just now", flag: Flag::Changed },
    FlagWord { name: "closed", help: "closed, and still shown for a while", flag: Flag::Closed },
    FlagWord { name: "hidden", help: "its owner can't be seen", flag: Flag::Hidden },
    FlagWord { name: "mine", help: "belongs to you", flag: Flag::Mine },
    FlagWord { name: "loopback", help: "its own address is loopback", flag: Flag::Loopback },
    FlagWord { name: "public", help: "the peer is public; or bound to a public address or to all addresses", flag: Flag::Public },
    FlagWord { name: "conflict", help: "another process has the same port", flag: Flag::Conflict },
    FlagWord { name: "filling", help: "its accept queue is at least half full", flag: Flag::Filling },
    FlagWord { name: "full", help: "its accept queue is full", flag: Flag::Full },
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

/// Everything else that can be written.
#[rustfmt::skip]
pub static FORMS: [Form; 12] = [
    Form { example: "8080", help: "a port that starts with 8080, local or remote; or that pid" },
    Form { example: ":8080", help: "the local port" },
    Form { example: ":8000-8999", help: "a range of local ports" },
    Form { example: ":https", help: "the local port of a service" },
    Form { example: "nginx", help: "part of any name, command line, address or state" },
    Form { example: "[::1]:80", help: "an address, local or remote; also 10.0.0.0/8" },
    Form { example: r#""8080 tcp""#, help: "exactly this text, spaces and all; \\\" is a quote" },
    Form { example: "/nginx|node/", help: "a regex over the whole row; \\/ is a slash" },
    Form { example: "nginx :80", help: "both" },
    Form { example: "nginx | :80", help: "either one; a b | c means (a b) | c" },
    Form { example: "!udp", help: "not this term or group" },
    Form { example: "(nginx | node) :80", help: "a group" },
];

impl Flag {
    pub(super) fn name(self) -> &'static str {
        let word = FLAGS.iter().find(|word| word.flag == self);
        word.map_or("", |word| word.name)
    }
}

impl Transport {
    /// Whether it needs no `proto:` before it. The words for kinds that are not listed by default are too much like
    /// names: alone they are text, which matches such rows too.
    pub(super) fn is_bare_word(&self) -> bool {
        Kinds::DEFAULT.has(self.protocol)
    }

    /// As it is typed: `tcp`, `proto:unix`.
    pub(super) fn word(&self) -> Cow<'static, str> {
        if self.is_bare_word() {
            self.name.into()
        } else {
            format!("proto:{}", self.name).into()
        }
    }

    /// Ignores case.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut words = TRANSPORTS.iter();
        words
            .find(|word| word.name.eq_ignore_ascii_case(name))
            .copied()
    }
}
