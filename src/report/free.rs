//! `free`: the ports that were chosen, and why others were not.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;

use super::json::record::{Processes, SCHEMA};
use super::json::write_object;
use crate::bind::{PortRequest, Unfit};
use crate::columns::socket_with_owner;
use crate::model::{Gap, Limits, Owner, Pid, Protocol, Socket};

/// Result of a search for free ports.
pub struct FreePorts<'a> {
    /// The request.
    pub request: &'a PortRequest,
    /// The ports, in the order in which they were found.
    pub ports: &'a [u16],
    /// Ports that were not chosen, and why; in order.
    pub passed_over: &'a [(u16, Unfit)],
    /// Ports that were chosen because there was nothing better.
    pub second_best: &'a [(u16, Unfit)],
    /// The sockets that have ports in use, where known.
    pub holders: &'a HashMap<u16, Socket>,
    /// The limits of this system; empty unless they were needed.
    pub limits: &'a Limits,
    /// The gaps.
    pub gaps: &'a [Gap],
}

/// Consecutive ports that are unfit for the same reason.
struct Run<'a> {
    first: u16,
    last: u16,
    code: &'static str,
    message: String,
    owner: Option<&'a Owner>,
}

#[derive(Serialize)]
struct RunRecord<'a> {
    first: u16,
    last: u16,
    code: &'static str,
    message: &'a str,
    pids: Vec<Pid>,
}

impl<'a> RunRecord<'a> {
    fn all(runs: &'a [Run<'_>], processes: &Processes<'_>) -> Vec<Self> {
        let record = |run: &'a Run<'_>| Self {
            first: run.first,
            last: run.last,
            code: run.code,
            message: &run.message,
            pids: run
                .owner
                .map_or_else(Vec::new, |owner| processes.pids(owner)),
        };
        runs.iter().map(record).collect()
    }
}

const MAX_LINES: usize = 12;

/// Writes it as one JSON object, then a line feed.
///
/// # Errors
/// If the writer fails.
pub fn write_free_json(out: &mut dyn Write, free: &FreePorts<'_>) -> io::Result<()> {
    #[derive(Serialize)]
    struct FreeRecord<'a> {
        schema: u32,
        ports: &'a [u16],
        protocols: Vec<Protocol>,
        processes: &'a Processes<'a>,
        passed_over: Vec<RunRecord<'a>>,
        #[serde(rename = "settled_for")]
        second_best: Vec<RunRecord<'a>>,
        gaps: &'a [Gap],
    }
    let [passed_over, second_best] =
        [free.passed_over, free.second_best].map(|ports| runs(ports, free));
    let owners = passed_over
        .iter()
        .chain(&second_best)
        .filter_map(|run| run.owner);
    let processes = Processes::of(owners);
    let record = FreeRecord {
        schema: SCHEMA,
        ports: free.ports,
        protocols: free.request.protocols().collect(),
        processes: &processes,
        passed_over: RunRecord::all(&passed_over, &processes),
        second_best: RunRecord::all(&second_best, &processes),
        gaps: free.gaps,
    };
    write_object(out, &record)
}

/// A line for each reason why ports were not chosen, and for faults of chosen ones.
pub fn free_port_lines(free: &FreePorts<'_>) -> Vec<String> {
    let passed_over = runs(free.passed_over, free);
    let mut lines: Vec<_> = passed_over.iter().take(MAX_LINES).map(Run::line).collect();
    if passed_over.len() > MAX_LINES {
        let rest = passed_over[MAX_LINES..].iter();
        let rest: usize = rest.map(|run| usize::from(run.last - run.first) + 1).sum();
        lines.push(format!("and {rest} more"));
    }
    for (port, unfit) in free.second_best {
        lines.push(format!(
            "{port} is chosen as there is nothing better: {unfit}"
        ));
        lines.extend(unfit.remedy(*port, free.limits));
    }
    let gaps = free.gaps.iter();
    lines.extend(gaps.map(|gap| format!("not known: {}", gap.message)));
    lines
}

impl Run<'_> {
    fn line(&self) -> String {
        let Self {
            first,
            last,
            message,
            ..
        } = self;
        if first == last {
            format!("{first}: {message}")
        } else {
            format!("{first}-{last}: {message}")
        }
    }
}

fn runs<'a>(ports: &[(u16, Unfit)], free: &FreePorts<'a>) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    for (port, unfit) in ports {
        let holder = free.holders.get(port).filter(|_| *unfit == Unfit::InUse);
        let message = match holder {
            Some(holder) => format!("in use, {}", socket_with_owner(holder)),
            None => unfit.to_string(),
        };
        match runs.last_mut() {
            Some(run)
                if run.last.checked_add(1) == Some(*port)
                    && (run.code, &run.message) == (unfit.code(), &message) =>
            {
                run.last = *port;
            }
            _ => runs.push(Run {
                first: *port,
                last: *port,
                code: unfit.code(),
                message,
                owner: holder.map(|socket| &socket.owner),
            }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bind::Address;
    use crate::model::{Endpoint, Process, State};

    #[test]
    fn consecutive_ports_with_the_same_reason_are_one_line() {
        let request = PortRequest {
            tcp: true,
            udp: false,
            address: Address::Every,
        };
        let node = Arc::new([Arc::new(Process::new(12, "node"))]);
        let local = Endpoint::new([127, 0, 0, 1].into(), 4);
        let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        socket.owner = Owner::Known(node);
        let (limits, in_use) = (Limits::default(), |port| (port, Unfit::InUse));
        let mut passed_over = vec![(1, Unfit::Reserved), (2, Unfit::Reserved)];
        passed_over.extend([3, 4, 6].map(in_use));
        let holders = HashMap::from([(4, socket)]);
        let mut free = FreePorts {
            request: &request,
            ports: &[7],
            passed_over: &passed_over,
            second_best: &[],
            holders: &holders,
            limits: &limits,
            gaps: &[],
        };
        let expected = [
            "1-2: set aside in net.ipv4.ip_local_reserved_ports",
            "3: in use",
            "4: in use, tcp 127.0.0.1:4 LISTEN node(12)",
            "6: in use",
        ];
        assert_eq!(free_port_lines(&free), expected);
        let many: Vec<_> = (0..100).map(|n| in_use(2 * n)).collect();
        free.passed_over = &many;
        assert_eq!(free_port_lines(&free).last().unwrap(), "and 88 more");
    }
}
