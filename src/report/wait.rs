//! `wait`: the goal, when it was reached, and who has or had the port.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::check_json::holder_processes;
use super::json::write_object;
use super::record::{Processes, SCHEMA, SocketRecord, millis, time};
use crate::bind::{ServerMatch, Target};
use crate::columns::{local_end, owner_with_pid, process_text, socket_with_owner};
use crate::model::{Holder, Moment, Owner, Pid, Protocol, Redirect, Text};

/// A port that was waited for.
#[derive(Debug)]
pub struct WaitedPort<'a> {
    /// The port.
    pub target: &'a Target,
    /// Whether it happened.
    pub happened: bool,
    /// When it happened; `None` if it was so from the start, or did not happen.
    pub changed_at: Option<Moment>,
    /// The listeners; or the sockets that had the port last, or still have it.
    pub holders: &'a [Holder],
    /// When those were seen.
    pub seen_at: Moment,
    /// Result of the last bind test; or why there is no namespace that could have a listener.
    pub summary: Option<&'a str>,
    /// With an expected server: whose listeners a client gets; `None` without any.
    pub server: Option<ServerMatch>,
    /// Those of the holders that are not known to be that server's.
    pub others: &'a [Holder],
    /// The rule that sends what a client of this machine sends elsewhere, if that server listens.
    pub diverted_by: Option<&'a Redirect>,
}

/// The server that was waited for.
#[derive(Debug, Serialize)]
pub struct WaitedServer {
    /// The pid of its process, or of the first of them.
    pub pid: Option<Pid>,
    /// The name of that process, if it was there.
    pub name: Option<Text>,
    /// The real path of its project, if any process of that is meant.
    pub project: Option<Text>,
    /// Whether the process has ended.
    #[serde(rename = "ended")]
    pub has_ended: bool,
}

impl fmt::Display for WaitedServer {
    /// `node server.js (812)`, `a process of /srv/shop`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.project, &self.name, self.pid) {
            (Some(project), ..) => write!(f, "a process of {project}"),
            (None, Some(name), Some(pid)) => write!(f, "{name} ({pid})"),
            (None, _, pid) => write!(f, "process {}", pid.unwrap_or_default()),
        }
    }
}

impl WaitedServer {
    /// Who a client of this port gets instead of the expected server, or may get; `None` where that is not the reason why
    /// it is still waited for.
    pub fn text(&self, port: &WaitedPort<'_>) -> Option<String> {
        if let Some(rule) = port.diverted_by {
            let (packets, to) = (rule.packets("it"), rule.target());
            return Some(format!("{self} listens, but {packets} go to {to}"));
        }
        let other = &port.others.first()?.socket;
        let local = local_end(other);
        let who = process_text(other).unwrap_or_else(|| owner_with_pid(other));
        let owners = other.owner.present();
        let project = owners.iter().find_map(|owner| owner.project.as_ref());
        let project = project.filter(|_| self.project.is_some());
        let who = project.map_or(who.clone(), |project| format!("{who} of {project}"));
        let more = match port.others.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        match port.server? {
            ServerMatch::Expected => None,
            ServerMatch::Another => Some(format!("{who} listens on {local}{more}, not {self}")),
            ServerMatch::Several => Some(format!(
                "{self} listens, but {who} listens on {local}{more}, which a client may get instead"
            )),
            ServerMatch::Unknown => {
                let hint = match other.owner {
                    Owner::Hidden => " (run with sudo)",
                    _ => "",
                };
                let listener = socket_with_owner(other);
                Some(format!(
                    "whether it is {self} is not known: {listener}{more}{hint}"
                ))
            }
        }
    }
}

/// Writes the result of waiting for `free` or `listening` as one JSON object, then a line feed.
pub fn write_wait_json(
    out: &mut dyn Write,
    wanted: &'static str,
    (server, elapsed): (Option<&WaitedServer>, Duration),
    ports: &[WaitedPort<'_>],
) -> io::Result<()> {
    #[derive(Serialize)]
    struct WaitRecord<'a> {
        schema: u32,
        r#for: &'static str,
        by: Option<&'a WaitedServer>,
        happened: bool,
        waited_ms: u64,
        processes: &'a Processes<'a>,
        targets: Vec<TargetRecord<'a>>,
    }
    #[derive(Serialize)]
    struct TargetRecord<'a> {
        target: String,
        protocol: Protocol,
        port: u16,
        happened: bool,
        changed_at: Option<String>,
        summary: Option<Cow<'a, str>>,
        server: Option<ServerMatch>,
        holders: Vec<SocketRecord<'a>>,
    }
    let holders = ports.iter().flat_map(|port| port.holders);
    let processes = holder_processes(holders);
    let summary = |port: &WaitedPort<'_>| {
        let text = server.and_then(|server| server.text(port));
        text.map(Cow::Owned)
    };
    let targets = ports.iter().map(|port| {
        let sockets = port.holders.iter().map(|holder| &holder.socket);
        let holders = sockets.map(|one| SocketRecord::of(one, port.seen_at.wall, &processes));
        TargetRecord {
            target: port.target.to_string(),
            protocol: port.target.protocol,
            port: port.target.first_port(),
            happened: port.happened,
            changed_at: port.changed_at.map(|at| time(at.wall)),
            summary: summary(port)
                .or(port.summary.map(Cow::Borrowed))
                .filter(|_| !port.happened),
            server: port.server,
            holders: holders.collect(),
        }
    });
    let record = WaitRecord {
        schema: SCHEMA,
        r#for: wanted,
        by: server,
        happened: ports.iter().all(|port| port.happened),
        waited_ms: millis(elapsed),
        targets: targets.collect(),
        processes: &processes,
    };
    write_object(out, &record)
}

/// The result for one port: `8080: free since 2026-01-02 12:04:31, before: tcp 127.0.0.1:8080 LISTEN node(40211)`, with
/// date and time in `zone`.
pub fn wait_line(
    wanted: &str,
    server: Option<&WaitedServer>,
    port: &WaitedPort<'_>,
    zone: &TimeZone,
) -> String {
    let holders = port.holders.iter();
    let holders: Vec<_> = holders.map(|one| socket_with_owner(&one.socket)).collect();
    let who = |label: &str| match holders.as_slice() {
        [] => String::new(),
        [only] => format!("{label}{only}"),
        [first, rest @ ..] => format!("{label}{first} and {} more", rest.len()),
    };
    let target = port.target;
    let since = port.changed_at.map_or(String::new(), |at| {
        let time = at.wall.to_zoned(zone.clone());
        format!(" since {}", time.strftime("%Y-%m-%d %H:%M:%S"))
    });
    let not_it = server.and_then(|server| server.text(port));
    match (port.happened, wanted) {
        (true, "free") => format!("{target}: free{since}{}", who(", before: ")),
        (true, _) => format!("{target}: listening{since}{}", who(": ")),
        (false, "free") => {
            let summary = port.summary.unwrap_or("not free");
            format!("{target}: {}", summary.trim_end_matches('.'))
        }
        (false, _) if not_it.is_some() => format!("{target}: {}", not_it.unwrap_or_default()),
        (false, _) => {
            let why = port.summary.map_or(String::new(), |why| format!(": {why}"));
            format!("{target}: nothing is listening{why}")
        }
    }
}
