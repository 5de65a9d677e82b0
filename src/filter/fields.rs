//! The fields of the language, one line each, as in `port:8080`.

use std::collections::BTreeSet;

use super::expr::{Part, Term};
use super::parse::value;
use super::vocabulary::{FLAGS, FORMS, TRANSPORTS};
use crate::model::{Services, State};
use crate::track::Row;

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
    pub(super) read: fn(&str, &Services) -> Result<Term, String>,
    /// The values that completion offers, given the names in the table.
    pub(super) values: fn(&Names<'_>) -> Vec<String>,
}

/// Every field, in the order in which the help lists them.
#[rustfmt::skip]
pub static FIELDS: [Field; 12] = [
    Field { name: "port", accepts: "8080, 8000-8999, https", help: "the local port, as after `:`", read: value::local_port, values: |names| names.ports() },
    Field { name: "pid", accepts: "4242, 4000-4999", help: "the pid of an owner, current or former", read: |text, _| value::pid(text), values: |_| Vec::new() },
    Field { name: "proc", accepts: "text", help: "part of a process name", read: |text, _| value::part(Part::Proc, text), values: |names| listed(&names.processes) },
    Field { name: "cmd", accepts: "text", help: "part of a command line", read: |text, _| value::part(Part::Cmd, text), values: |_| Vec::new() },
    Field { name: "user", accepts: "text or a uid", help: "part of the user's name, or the uid", read: |text, _| value::part(Part::User, text), values: |names| listed(&names.users) },
    Field { name: "unit", accepts: "text", help: "part of the systemd unit", read: |text, _| value::part(Part::Unit, text), values: |names| listed(&names.units) },
    Field { name: "service", accepts: "text", help: "part of the service name", read: |text, _| value::part(Part::Service, text), values: |names| listed(&names.services) },
    Field { name: "proto", accepts: "tcp, udp6, …", help: "protocol and family", read: |text, _| value::transport(text), values: |_| TRANSPORTS.iter().map(|word| word.name.to_owned()).collect() },
    Field { name: "state", accepts: "listen, time_wait, …", help: "the state", read: |text, _| value::state(text), values: |_| State::ALL.iter().map(|state| state.as_str().to_lowercase()).collect() },
    Field { name: "addr", accepts: "10.0.0.7, 10.0.0.0/8, localhost, [::1]:443, fe80::1%eth0, :443", help: "the local address, network or port", read: value::local, values: |_| Vec::new() },
    Field { name: "remote", accepts: "443, https, 1.1.1.1:443, 10.0.0.0/8", help: "the peer's port, address or network", read: value::remote, values: |_| Vec::new() },
    Field { name: "is", accepts: "new, mine, public, …", help: "a property of the row, listed below", read: |text, _| value::flag(text), values: |_| FLAGS.iter().map(|word| word.name.to_owned()).collect() },
];

impl Field {
    /// Ignores case.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        let is_it = |field: &&Self| field.name.eq_ignore_ascii_case(name);
        FIELDS.iter().find(is_it)
    }
}

fn listed(names: &BTreeSet<&str>) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Every word of the language as it is typed, with what it matches: for the help and the man page.
pub fn words() -> impl Iterator<Item = (String, &'static str)> {
    let forms = FORMS.iter();
    let forms = forms.map(|&(example, help)| (example.to_owned(), help));
    let fields = FIELDS.iter();
    let fields = fields.map(|field| (format!("{}:", field.name), field.help));
    let flags = FLAGS.iter();
    let flags = flags.map(|flag| (format!("is:{}", flag.name), flag.help));
    let transports = TRANSPORTS.iter().map(|word| (word.word(), word.help));
    forms.chain(fields).chain(flags).chain(transports)
}

/// The names in a table, which completion offers.
#[derive(Default)]
pub(super) struct Names<'a> {
    ports: BTreeSet<u16>,
    /// Services of these ports.
    port_services: BTreeSet<&'a str>,
    /// Also services of peers' ports.
    pub services: BTreeSet<&'a str>,
    pub users: BTreeSet<&'a str>,
    pub processes: BTreeSet<&'a str>,
    pub units: BTreeSet<&'a str>,
    /// The user's names for ports.
    pub own_services: Services,
}

impl<'a> Names<'a> {
    pub fn of(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut names = Self::default();
        for socket in rows.into_iter().map(|row| &row.socket) {
            if let Some(port) = socket.port().filter(|_| !socket.is_connection()) {
                names.ports.insert(port);
                names.port_services.extend(socket.service());
            }
            names.services.extend(socket.service());
            if let Some(own) = &socket.own_service {
                let port = socket.local.port;
                names.own_services.add(socket.protocol, port, own);
            }
            names.users.extend(socket.user.as_deref());
            names.units.extend(socket.unit.as_deref());
            let processes = socket.owner.processes().iter();
            names
                .processes
                .extend(processes.map(|process| &*process.name));
        }
        names
    }

    /// Services first, as a name says more than a number. A connection's service may be that of its peer's port, so
    /// connections don't count.
    fn ports(&self) -> Vec<String> {
        let numbers = self.ports.iter().map(ToString::to_string);
        [listed(&self.port_services), numbers.collect()].concat()
    }
}
