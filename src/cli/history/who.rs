//! `sockeye who`: which process had a port, from the history.

use std::net::IpAddr;

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::bind::{Address, Target};
use sockeye::history::{GapReason, History, HolderQuery, TimeRange};
use sockeye::model::{NamespaceScope, Socket, time};
use sockeye::query::resolve;
use sockeye::report::{self, PortHistory, PortHolder, local_time};

use super::{OpenedHistory, StoreArgs, parse_time};
use crate::cli::check::targets::parse_targets;
use crate::cli::errors::print_error;
use crate::cli::global::{GlobalArgs, namespace_error};
use crate::cli::output::{output_width, print};
use crate::cli::{EXIT_ERROR, EXIT_NO};

const EXAMPLES: &str = "\
Examples:
  sockeye who 8080                      everything that is known about it
  sockeye who 8080 --at 3am             who had it at 3 am
  sockeye who 8080 --since yesterday --until 6:00
  sockeye who 127.0.0.1:5432 53/udp --since '2h ago' --json
  sudo sockeye who 443 -N all           in every container, from the history of the service";

/// Find out who had a port, from the history that `record` keeps
///
/// Prints a line for each listener, bound socket or outgoing connection that had the port: from when to when, what process,
/// and how it ended. Connections that a listener accepted are left out: their process is the listener's. A time that is not
/// exact has a sign: `≤` it was there already, `≥` it was seen last then; of more than 3 connections they are up to 10 seconds
/// wide. A gap in the range, when nothing was recorded, is named on standard error.
///
/// Exit codes: 0 something had it, 1 nothing had it in any snapshot, 2 nothing is recorded of that time (or bad usage).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Who {
    /// The ports, as for check: `8080`, `8080/udp`, `127.0.0.1:8080`, `localhost:8080`, `3000-3010`, `https`
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// At this time: `03:12`, `3am`, `2h ago`, `yesterday 3am`, `monday 9:00`, `2026-11-29 03:12:05`
    ///
    /// A time of day is the last one before now. A whole second means all of it.
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with_all = ["since", "until"])]
    at: Option<Timestamp>,
    /// At any time from this one on
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
    /// At any time up to this one
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
    #[command(flatten)]
    store: StoreArgs,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

pub fn run(global: &GlobalArgs, who: &Who) -> anyhow::Result<u8> {
    global.refuse_recordings(
        "who reads the history: name its folder, or one of its files, with --dir",
    )?;
    let targets = parse_targets(global, &who.targets)?;
    if targets.len() > MAX_PORTS {
        bail!("who finds the holders of up to {MAX_PORTS} ports at once");
    }
    let range = who.range()?;
    let mut opened = who.store.open()?;
    opened.wait_for(range.to)?;
    let mut found = PortHistory {
        range,
        recorded: opened.range,
        gaps: opened.history.gaps(range),
        holders: Vec::new(),
        is_current: opened.is_current && !opened.is_silent,
    };
    let mut left = MAX_SOUGHT;
    for target in &targets {
        let holders = holders(&mut opened.history, target, range, &mut left)?;
        found.holders.extend(holders);
    }
    let are_any = !found.holders.is_empty();
    found.holders = in_namespaces(global, found.holders)?;
    opened.report_damage();
    found.recorded = opened.range;
    let zone = TimeZone::system();
    let is_later = who.at.is_some_and(|at| at > opened.range.to);
    if found.holders.is_empty() && (!found.is_recorded() || is_later) {
        bail!(
            "nothing is recorded of that time: {}",
            extent(&found, &opened, &zone)
        );
    }
    if who.json {
        print(|out| report::write_who_json(out, &found))?;
    } else {
        print(|out| report::write_who(out, &found, &zone, output_width()))?;
        who.note(&found, &opened, &zone);
        if are_any && found.holders.is_empty() {
            print_error("sockets in other network namespaces had it: add -N all");
        }
    }
    Ok(
        match (found.holders.is_empty(), is_whole(&found, &opened)) {
            (false, _) => 0,
            // It may be in what is missing or can't be read.
            (true, false) => EXIT_ERROR,
            (true, true) => EXIT_NO,
        },
    )
}

impl Who {
    fn range(&self) -> anyhow::Result<TimeRange> {
        let range = match self.at {
            Some(at) => TimeRange {
                from: at,
                to: time::end_of_second(at),
            },
            None => TimeRange {
                from: self.since.unwrap_or(TimeRange::ALL.from),
                to: self.until.map_or(TimeRange::ALL.to, time::end_of_second),
            },
        };
        if range.from > range.to {
            bail!("--until is before --since");
        }
        Ok(range)
    }

    /// Prints what the history does not know of the range, and that nothing was found.
    fn note(&self, found: &PortHistory, opened: &OpenedHistory, zone: &TimeZone) {
        for gap in &found.gaps {
            print_error(&report::gap_line(gap, zone));
        }
        let begins_later = found.range.from < found.recorded.from && self.since.is_some();
        let ends_before = found.range.to > found.recorded.to && !found.is_current;
        if begins_later || ends_before {
            print_error(&extent(found, opened, zone));
        }
        if found.holders.is_empty() {
            let targets = self.targets.join(", ");
            let where_it_is = if is_whole(found, opened) {
                ""
            } else {
                " that is recorded"
            };
            print_error(&format!(
                "nothing had {targets} in any snapshot{where_it_is} (watch --since also prints what opened and closed between two)"
            ));
        }
    }
}

/// Whether all of the range is recorded and can be read. Where the clock was set nothing is missing.
fn is_whole(found: &PortHistory, opened: &OpenedHistory) -> bool {
    let mut reasons = found.gaps.iter().map(|gap| gap.reason);
    !opened.is_damaged && reasons.all(|reason| reason == GapReason::ClockSet)
}

/// `the history begins at 2026-11-29 03:12:05; the history ends at 2026-11-29 05:00:00`
fn extent(found: &PortHistory, opened: &OpenedHistory, zone: &TimeZone) -> String {
    let times = found.recorded;
    let is_in = |at: Timestamp| (times.from..=times.to).contains(&at);
    if is_in(found.range.from) && is_in(found.range.to) {
        let lines = found.gaps.iter().map(|gap| report::gap_line(gap, zone));
        return lines.collect::<Vec<_>>().join("; ");
    }
    let begin = format!("the history begins at {}", local_time(times.from, zone));
    let is_later = found.range.to > times.to;
    let end = match (opened.is_current, opened.is_silent) {
        (true, false) if is_later && found.range.from >= times.from => return opened.end(),
        (true, false) => return begin,
        (true, true) => opened.end(),
        (false, _) => opened.end() + ", as nothing records now (sockeye record)",
    };
    if found.range.from < times.from {
        format!("{begin}; {end}")
    } else {
        end
    }
}

/// Each is sought for itself, in all segments.
const MAX_PORTS: usize = 1000;

/// So many connections are sought for their addresses: each takes up to half an hour of the history.
const MAX_SOUGHT: usize = 50;

/// Of so many connections the times are sought to the snapshot: that is twice the work for each.
const FEW: usize = 3;

/// The sockets that had the first port of a target.
fn holders(
    history: &mut History,
    target: &Target,
    range: TimeRange,
    left: &mut usize,
) -> anyhow::Result<Vec<PortHolder>> {
    let query = HolderQuery {
        protocol: Some(target.protocol),
        range,
        ..HolderQuery::new(target.first_port())
    };
    let (mut found, mut peers) = (Vec::new(), Vec::new());
    let spans = history.holders(&query)?;
    let are_few = spans.iter().filter(|span| span.is_connection).count() <= FEW;
    for mut span in spans {
        let mut connection = None;
        if span.is_connection && are_few && *left > 0 {
            *left -= 1;
            connection = history.narrow_connection(&mut span)?;
            if !range.overlaps(span.from, span.to.unwrap_or(Timestamp::MAX)) {
                continue;
            }
        }
        if span.is_connection && connection.is_none() && *left > 0 {
            *left -= 1;
            connection = history.connection(&span, &peers)?;
        }
        peers.extend(connection.as_ref().and_then(|one| one.remote));
        let holder = PortHolder::new(span, connection.as_ref());
        let is_unknown = holder.span.is_connection && connection.is_none();
        if is_unknown || has_address(target.address, holder.socket.local.address) {
            found.push(holder);
        }
    }
    Ok(found)
}

/// Whether a socket on this address had the port of a target on these.
fn has_address(address: Address, local: IpAddr) -> bool {
    let local = local.to_canonical();
    // A wildcard of IPv6 may have IPv4 too.
    let is_wildcard_of = |one: IpAddr| local.is_unspecified() && (local.is_ipv6() || one.is_ipv4());
    let is_one = |one: IpAddr| one == local || is_wildcard_of(one);
    match address {
        Address::Every => true,
        Address::Loopback => local.is_loopback() || local.is_unspecified(),
        // Every address of the family.
        Address::One(one) if one.is_unspecified() => {
            one.is_ipv4() == local.is_ipv4() || is_wildcard_of(one)
        }
        Address::One(one) => is_one(one),
        Address::Zoned(one, _) => is_one(one.into()),
    }
}

/// Those in the network namespaces of the option.
fn in_namespaces(
    global: &GlobalArgs,
    mut holders: Vec<PortHolder>,
) -> anyhow::Result<Vec<PortHolder>> {
    let target = global.namespace_target_of(true)?;
    let sockets: Vec<Socket> = holders.iter().map(|one| one.socket.clone()).collect();
    let scope = match target.fixed() {
        Some(scope) => scope,
        None if holders.is_empty() => NamespaceScope::All,
        None => resolve(&target, &sockets).map_err(|error| namespace_error(&error, true))?,
    };
    holders.retain(|one| scope.has(one.socket.namespace_id()));
    Ok(holders)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server on 0.0.0.0:8080 was named as one that had `[::1]:8080`.
    #[test]
    fn a_wildcard_has_the_port_of_every_address_of_its_families() {
        let has = |address: &str, local: &str| {
            has_address(
                Address::One(address.parse().unwrap()),
                local.parse().unwrap(),
            )
        };
        for (address, local) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1", "0.0.0.0"),
            ("127.0.0.1", "::"),
            ("0.0.0.0", "10.0.0.1"),
            ("0.0.0.0", "::"),
            ("::", "::1"),
            ("::1", "::"),
        ] {
            assert!(has(address, local), "{address} {local}");
        }
        for (address, local) in [
            ("127.0.0.1", "127.0.0.2"),
            ("0.0.0.0", "::1"),
            ("::", "0.0.0.0"),
            ("::1", "0.0.0.0"),
        ] {
            assert!(!has(address, local), "{address} {local}");
        }
    }
}
