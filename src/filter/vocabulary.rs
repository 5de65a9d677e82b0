//! The words of the language, one line each. Parser, printer, help, completion and error messages use these tables.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::complete::Names;
use super::expr::{Part, Term};
use super::parse::value;

use crate::model::{Family, Kinds, Protocol, State};

/// A word with a colon and a value after it.
#[derive(Debug)]
pub struct Field {
    /// The word before the colon.
    pub name: &'static str,
    /// Examples of values.
    pub accepts: &'static str,
    /// What it matches, in a few words.
    pub help: &'static str,
    /// Reads the value, which may be empty. An error is one sentence.
    pub(super) read: fn(&str) -> Result<Term, String>,
    /// The values that completion offers, given the names in the table.
    pub(super) values: fn(&Names) -> Vec<String>,
}

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
    /// What it tests.
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

/// Every field, in the order in which the help lists them.
#[rustfmt::skip]
pub static FIELDS: [Field; 12] = [
    Field { name: "port", accepts: "8080, 8000-8999, https", help: "the local port, as after `:`", read: value::local_port, values: Names::ports },
    Field { name: "pid", accepts: "4242, 4000-4999", help: "a process that has it open, or had", read: value::pid, values: |_| Vec::new() },
    Field { name: "proc", accepts: "text", help: "part of a process name", read: |text| value::part(Part::Process, text), values: |names| listed(&names.processes) },
    Field { name: "cmd", accepts: "text", help: "part of a command line", read: |text| value::part(Part::Command, text), values: |_| Vec::new() },
    Field { name: "user", accepts: "text or a uid", help: "part of the user's name, or the uid", read: |text| value::part(Part::User, text), values: |names| listed(&names.users) },
    Field { name: "unit", accepts: "text", help: "part of the systemd unit", read: |text| value::part(Part::Unit, text), values: |names| listed(&names.units) },
    Field { name: "service", accepts: "text", help: "part of the service name", read: |text| value::part(Part::Service, text), values: |names| listed(&names.services) },
    Field { name: "proto", accepts: "tcp, udp6, …", help: "protocol and family", read: value::transport, values: |_| TRANSPORTS.iter().map(|word| word.name.to_owned()).collect() },
    Field { name: "state", accepts: "listen, time_wait, …", help: "the state", read: value::state, values: |_| State::ALL.iter().map(|state| state.as_str().to_lowercase()).collect() },
    Field { name: "addr", accepts: "10.0.0.7, 10.0.0.0/8, localhost, [::1]:443, fe80::1%eth0, :443", help: "the local address, network or port", read: value::local, values: |_| Vec::new() },
    Field { name: "remote", accepts: "443, https, 1.1.1.1:443, 10.0.0.0/8", help: "the peer's port, address or network", read: value::remote, values: |_| Vec::new() },
    Field { name: "is", accepts: "new, mine, public, …", help: "what the row is", read: value::flag, values: |_| FLAGS.iter().map(|word| word.name.to_owned()).collect() },
];

/// Every word that may follow `is:`.
#[rustfmt::skip]
pub static FLAGS: [FlagWord; 10] = [
    FlagWord { name: "new", help: "opened just now", flag: Flag::New },
    FlagWord { name: "changed", help: "changed state or owner just now", flag: Flag::Changed },
    FlagWord { name: "closed", help: "closed, and still shown for a while", flag: Flag::Closed },
    FlagWord { name: "hidden", help: "its owner can't be seen", flag: Flag::Hidden },
    FlagWord { name: "mine", help: "belongs to you", flag: Flag::Mine },
    FlagWord { name: "loopback", help: "its own address is loopback", flag: Flag::Loopback },
    FlagWord { name: "public", help: "the peer is public; or bound to a public or to every address", flag: Flag::Public },
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
    Form { example: "nginx | :80", help: "at least one; binds looser than a space" },
    Form { example: "!udp", help: "not this term or group" },
    Form { example: "(nginx | node) :80", help: "a group" },
];

impl Field {
    /// Ignores case.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FIELDS
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

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

fn listed(names: &BTreeSet<String>) -> Vec<String> {
    names.iter().cloned().collect()
}

/// Every word of the language as it is typed, with what it matches: for the help and the man page.
pub fn words() -> impl Iterator<Item = (String, &'static str)> {
    let forms = FORMS
        .iter()
        .map(|form| (form.example.to_owned(), form.help));
    let fields = FIELDS
        .iter()
        .map(|field| (format!("{}:", field.name), field.help));
    let flags = FLAGS
        .iter()
        .map(|flag| (format!("is:{}", flag.name), flag.help));
    let transports = TRANSPORTS
        .iter()
        .map(|word| (word.word().into_owned(), word.help));
    forms.chain(fields).chain(flags).chain(transports)
}
