//! `wait`: what was waited for, when it came, and who has or had the port.

use std::io::{self, Write};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::check_json::holder_processes;
use super::record::{Processes, SCHEMA, SocketRecord, time};
use crate::bind::Target;
use crate::columns::socket_with_owner;
use crate::model::{Holder, Moment, Protocol};

/// How waiting for some ports ended.
#[derive(Debug)]
pub struct Waited<'a> {
    /// What was waited for: `free`, `listening`.
    pub wanted: &'static str,
    /// Whether it is so for every port.
    pub happened: bool,
    /// How long it took.
    pub time: Duration,
    /// The ports.
    pub ports: Vec<WaitedFor<'a>>,
}

/// One of the ports.
#[derive(Debug)]
pub struct WaitedFor<'a> {
    /// The port.
    pub target: &'a Target,
    /// When it was seen to become so; `None`: it was so from the start, or is not.
    pub changed_at: Option<Moment>,
    /// Whether it is so.
    pub is_reached: bool,
    /// Who listens, or who had the port last, or still has it.
    pub holders: &'a [Holder],
    /// When those were seen.
    pub seen_at: Moment,
    /// What the last bind test said.
    pub summary: Option<&'a str>,
}

#[derive(Serialize)]
struct WaitRecord<'a> {
    schema: u32,
    #[serde(rename = "for")]
    wanted: &'static str,
    happened: bool,
    waited_ms: u64,
    processes: Processes<'a>,
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

/// Writes it as one JSON object, then a line feed.
///
/// # Errors
/// What the writer says.
pub fn write_wait_json(out: &mut dyn Write, waited: &Waited<'_>) -> io::Result<()> {
    let holders = waited.ports.iter().flat_map(|port| port.holders);
    let processes = holder_processes(holders);
    let ports = waited.ports.iter();
    let record = WaitRecord {
        schema: SCHEMA,
        wanted: waited.wanted,
        happened: waited.happened,
        waited_ms: waited.time.as_millis().try_into().unwrap_or(u64::MAX),
        targets: ports.map(|port| target(port, &processes)).collect(),
        processes,
    };
    serde_json::to_writer(&mut *out, &record)?;
    writeln!(out)
}

fn target<'a>(port: &WaitedFor<'a>, processes: &Processes<'_>) -> TargetRecord<'a> {
    let holders = port.holders.iter();
    let socket =
        |holder: &'a Holder| SocketRecord::of(&holder.socket, port.seen_at.wall, processes);
    TargetRecord {
        target: port.target.to_string(),
        protocol: port.target.protocol,
        port: port.target.first_port(),
        happened: port.is_reached,
        changed_at: port.changed_at.map(|at| time(at.wall)),
        summary: port.summary.filter(|_| !port.is_reached),
        holders: holders.map(socket).collect(),
    }
}

/// Writes a line for each port: `8080: free since 2026-01-02 12:04:31, before: tcp 127.0.0.1:8080 LISTEN
/// node(40211)`, with date and time in `zone`.
///
/// # Errors
/// What the writer says.
pub fn write_wait(out: &mut dyn Write, waited: &Waited<'_>, zone: &TimeZone) -> io::Result<()> {
    for port in &waited.ports {
        writeln!(out, "{}", told_of_wait(waited.wanted, port, zone))?;
    }
    Ok(())
}

/// The same for one port, on one line.
pub fn told_of_wait(wanted: &str, port: &WaitedFor<'_>, zone: &TimeZone) -> String {
    let holders = port.holders.iter();
    let holders: Vec<_> = holders.map(|one| socket_with_owner(&one.socket)).collect();
    let who = |label: &str| match holders.as_slice() {
        [] => String::new(),
        [only] => format!("{label}{only}"),
        [first, rest @ ..] => format!("{label}{first} and {} more", rest.len()),
    };
    let target = port.target;
    let since = port.changed_at.map_or(String::new(), |at| {
        let time = at.wall.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S");
        format!(" since {time}")
    });
    match (port.is_reached, wanted) {
        (true, "free") => format!("{target}: free{since}{}", who(", before: ")),
        (true, _) => format!("{target}: listening{since}{}", who(": ")),
        (false, "free") => {
            let summary = port.summary.unwrap_or("not free");
            format!("{target}: {}", summary.trim_end_matches('.'))
        }
        (false, _) => format!("{target}: nothing listens"),
    }
}
