//! `wait`: the goal, when it was reached, and who has or had the port.

use std::io::{self, Write};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::check_json::holder_processes;
use super::json::write_object;
use super::record::{Processes, SCHEMA, SocketRecord, millis, time};
use crate::bind::Target;
use crate::columns::socket_with_owner;
use crate::model::{Holder, Moment, Protocol};

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
}

/// Writes the result of waiting for `free` or `listening` as one JSON object, then a line feed.
pub fn write_wait_json(
    out: &mut dyn Write,
    wanted: &'static str,
    elapsed: Duration,
    ports: &[WaitedPort<'_>],
) -> io::Result<()> {
    #[derive(Serialize)]
    struct WaitRecord<'a> {
        schema: u32,
        r#for: &'static str,
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
        summary: Option<&'a str>,
        holders: Vec<SocketRecord<'a>>,
    }
    let holders = ports.iter().flat_map(|port| port.holders);
    let processes = holder_processes(holders);
    let targets = ports.iter().map(|port| {
        let sockets = port.holders.iter().map(|holder| &holder.socket);
        let holders = sockets.map(|one| SocketRecord::of(one, port.seen_at.wall, &processes));
        TargetRecord {
            target: port.target.to_string(),
            protocol: port.target.protocol,
            port: port.target.first_port(),
            happened: port.happened,
            changed_at: port.changed_at.map(|at| time(at.wall)),
            summary: port.summary.filter(|_| !port.happened),
            holders: holders.collect(),
        }
    });
    let record = WaitRecord {
        schema: SCHEMA,
        r#for: wanted,
        happened: ports.iter().all(|port| port.happened),
        waited_ms: millis(elapsed),
        targets: targets.collect(),
        processes: &processes,
    };
    write_object(out, &record)
}

/// The result for one port: `8080: free since 2026-01-02 12:04:31, before: tcp 127.0.0.1:8080 LISTEN node(40211)`, with
/// date and time in `zone`.
pub fn wait_line(wanted: &str, port: &WaitedPort<'_>, zone: &TimeZone) -> String {
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
    match (port.happened, wanted) {
        (true, "free") => format!("{target}: free{since}{}", who(", before: ")),
        (true, _) => format!("{target}: listening{since}{}", who(": ")),
        (false, "free") => {
            let summary = port.summary.unwrap_or("not free");
            format!("{target}: {}", summary.trim_end_matches('.'))
        }
        (false, _) => {
            let why = port.summary.map_or(String::new(), |why| format!(": {why}"));
            format!("{target}: nothing is listening{why}")
        }
    }
}
