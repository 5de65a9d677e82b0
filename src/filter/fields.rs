//! The fields of the language, one line each, as in `port:8080`.

use std::collections::BTreeSet;

use super::expr::{Counter, CounterTime, Part, QueueEnd, Term};
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
    /// Whether several values may stand there, with commas between them.
    pub(super) takes_lists: bool,
    /// Reads the value, which may be empty. An error is one sentence.
    pub(super) read: fn(&str, &Services) -> Result<Term, String>,
    /// The values that completion offers, given the names in the table.
    pub(super) values: fn(&Names<'_>) -> Vec<String>,
}

/// Every field, in the order in which the help lists them.
#[rustfmt::skip]
pub static FIELDS: [Field; 27] = [
    Field { name: "port", accepts: "8080, 8000-8999, 80,443, >1024, https", help: "the local port, as after `:`", takes_lists: true, read: value::local_port, values: |names| names.ports() },
    Field { name: "pid", accepts: "4242, 4000-4999, 1,2, >1000", help: "the pid of an owner, current or former", takes_lists: true, read: |text, _| value::pid(text), values: |_| Vec::new() },
    Field { name: "proc", accepts: "text", help: "part of a process name", takes_lists: false, read: |text, _| value::part(Part::Proc, text), values: |names| listed(&names.processes) },
    Field { name: "cmd", accepts: "text", help: "part of a command line", takes_lists: false, read: |text, _| value::part(Part::Cmd, text), values: |_| Vec::new() },
    Field { name: "user", accepts: "text or a uid", help: "part of the user's name, or the uid", takes_lists: false, read: |text, _| value::part(Part::User, text), values: |names| listed(&names.users) },
    Field { name: "unit", accepts: "text", help: "part of the systemd unit", takes_lists: false, read: |text, _| value::part(Part::Unit, text), values: |names| listed(&names.units) },
    Field { name: "container", accepts: "text", help: "part of a container's name or image, or the start of its id", takes_lists: false, read: |text, _| value::part(Part::Container, text), values: |names| listed(&names.containers) },
    Field { name: "ns", accepts: "text", help: "part of the name of another network namespace", takes_lists: false, read: |text, _| value::part(Part::Ns, text), values: |names| listed(&names.namespaces) },
    Field { name: "service", accepts: "text", help: "part of the service name", takes_lists: false, read: |text, _| value::part(Part::Service, text), values: |names| listed(&names.services) },
    Field { name: "proto", accepts: "tcp, udp6, …", help: "protocol and family", takes_lists: false, read: |text, _| value::transport(text), values: |_| TRANSPORTS.iter().map(|word| word.name.to_owned()).collect() },
    Field { name: "project", accepts: "text", help: "part of the path of a process's project", takes_lists: false, read: |text, _| value::part(Part::Project, text), values: |names| listed(&names.projects) },
    Field { name: "state", accepts: "listen, time_wait, …", help: "the state", takes_lists: false, read: |text, _| value::state(text), values: |_| State::ALL.iter().map(|state| state.as_str().to_lowercase()).collect() },
    Field { name: "branch", accepts: "text", help: "part of the git branch of a process's project, or of its linked worktree's name", takes_lists: false, read: |text, _| value::part(Part::Branch, text), values: |names| listed(&names.branches) },
    Field { name: "started", accepts: "tmux, agent, ci, …", help: "part of what started a process, or its kind: agent, ci, ide, multiplexer, terminal, ssh, cron, supervisor, service", takes_lists: false, read: |text, _| value::part(Part::Started, text), values: |names| listed(&names.starters) },
    Field { name: "addr", accepts: "10.0.0.7, 10.0.0.0/8, localhost, [::1]:443, fe80::1%eth0, :443", help: "the local address, network or port", takes_lists: true, read: value::local, values: |_| Vec::new() },
    Field { name: "remote", accepts: "443, 80,443, >1024, https, 1.1.1.1:443, 10.0.0.0/8", help: "the peer's port, address or network", takes_lists: true, read: value::remote, values: |_| Vec::new() },
    Field { name: "age", accepts: ">1m, <=30s, >2d", help: "the time in its state, as AGE shows it", takes_lists: false, read: |text, _| value::age(text), values: |_| owned(&[">10s", ">1m", ">1h", ">1d", "<10s", "<1m", "<1h", "<1d"]) },
    Field { name: "recv-q", accepts: ">0, >=64k, 0", help: "bytes not read yet; of a listener, connections to accept", takes_lists: true, read: |text, _| value::queue(QueueEnd::Receive, text), values: |_| owned(&SIZES) },
    Field { name: "send-q", accepts: ">0, >=64k, 0", help: "bytes not acknowledged yet; of a listener, its backlog", takes_lists: true, read: |text, _| value::queue(QueueEnd::Send, text), values: |_| owned(&SIZES) },
    Field { name: "rate", accepts: ">1m, >=100k, 0", help: "payload per second, both directions together", takes_lists: true, read: |text, _| value::counter(Counter::Rate, text), values: |_| owned(&[">0", ">10k", ">1m"]) },
    Field { name: "rx", accepts: ">1g, >=100k, 0", help: "payload received since the connection began", takes_lists: true, read: |text, _| value::counter(Counter::Rx, text), values: |_| owned(&TOTALS) },
    Field { name: "tx", accepts: ">1g, >=100k, 0", help: "payload sent since the connection began", takes_lists: true, read: |text, _| value::counter(Counter::Tx, text), values: |_| owned(&TOTALS) },
    Field { name: "rtt", accepts: ">100ms, <=1ms", help: "the round-trip time of a connection", takes_lists: false, read: |text, _| value::counter_time(CounterTime::Rtt, text), values: |_| owned(&[">10ms", ">100ms", ">1s"]) },
    Field { name: "retr", accepts: ">0, >=10, 0", help: "segments sent again", takes_lists: true, read: |text, _| value::counter(Counter::Retr, text), values: |_| owned(&[">0", ">10", ">100"]) },
    Field { name: "idle", accepts: ">1m, <=30s, >2d", help: "the time since payload last went either way", takes_lists: false, read: |text, _| value::counter_time(CounterTime::Idle, text), values: |_| owned(&[">10s", ">1m", ">1h", "<1s"]) },
    Field { name: "drops", accepts: ">0, >=10, 0", help: "packets dropped by a UDP socket, handshakes by a listener", takes_lists: true, read: |text, _| value::counter(Counter::Drops, text), values: |_| owned(&[">0", ">10", ">100"]) },
    Field { name: "is", accepts: "new, mine, public, …", help: "a property of the row, listed below", takes_lists: false, read: |text, _| value::flag(text), values: |_| FLAGS.iter().map(|word| word.name.to_owned()).collect() },
];

impl Field {
    /// Ignores case.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        let is_it = |field: &&Self| field.name.eq_ignore_ascii_case(name);
        FIELDS.iter().find(is_it)
    }
}

/// Sizes of queues that completion offers.
const SIZES: [&str; 3] = [">0", ">4k", ">64k"];

/// Amounts of payload that it offers.
const TOTALS: [&str; 3] = [">1m", ">100m", ">1g"];

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
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
    pub projects: BTreeSet<&'a str>,
    pub branches: BTreeSet<&'a str>,
    pub starters: BTreeSet<&'a str>,
    pub containers: BTreeSet<&'a str>,
    pub namespaces: BTreeSet<&'a str>,
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
            names.containers.extend(socket.container.as_deref());
            let containers = socket.containers().map(|one| &*one.name);
            names.containers.extend(containers);
            let namespace = socket.namespace.as_ref();
            names.namespaces.extend(namespace.map(|one| &*one.name));
            let processes = socket.owner.processes().iter();
            let projects = processes
                .clone()
                .filter_map(|process| process.project_name());
            names.projects.extend(projects);
            let branches = processes
                .clone()
                .filter_map(|process| process.branch.as_deref());
            names.branches.extend(branches);
            let starters = processes
                .clone()
                .filter_map(|process| process.started_by.as_ref());
            names.starters.extend(starters.map(|by| &*by.name));
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
