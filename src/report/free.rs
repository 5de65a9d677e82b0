//! `free`: the ports that were chosen, and why others were not.

use std::io::{self, Write};

use serde::Serialize;

use super::json::record::{Processes, SCHEMA};
use crate::bind::{PortRequest, Unfit};
use crate::columns::socket_with_owner;
use crate::model::{Gap, Limits, Owner, Pid, Protocol, Socket};

/// What a search found, as it is told.
pub struct FreePorts<'a> {
    /// What they were wanted for.
    pub request: &'a PortRequest,
    /// The ports, in the order in which they were found.
    pub ports: &'a [u16],
    /// What was not taken, and why; in order.
    pub passed_over: &'a [(u16, Unfit)],
    /// What was taken for want of anything better.
    pub second_best: &'a [(u16, Unfit)],
    /// What has a port, where that was found out.
    pub holders: &'a dyn Fn(u16) -> Option<&'a Socket>,
    /// The limits of this system, where they were asked for.
    pub limits: &'a Limits,
    /// What could not be found out.
    pub gaps: &'a [Gap],
}

/// Ports that follow each other and share their fault.
struct Stretch<'a> {
    first: u16,
    last: u16,
    code: &'static str,
    message: String,
    owner: Option<&'a Owner>,
}

#[derive(Serialize)]
struct StretchRecord {
    first: u16,
    last: u16,
    code: &'static str,
    message: String,
    pids: Vec<Pid>,
}

#[derive(Serialize)]
struct FreeRecord<'a> {
    schema: u32,
    ports: &'a [u16],
    protocols: Vec<Protocol>,
    processes: Processes<'a>,
    passed_over: Vec<StretchRecord>,
    settled_for: Vec<StretchRecord>,
    gaps: &'a [Gap],
}

/// No more stretches than this are told to a person.
const MAX_TOLD: usize = 12;

/// Writes it as one JSON object, then a line feed.
///
/// # Errors
/// What the writer says.
pub fn write_free_json(out: &mut dyn Write, free: &FreePorts<'_>) -> io::Result<()> {
    let (passed_over, settled_for) = (
        stretches(free.passed_over, free),
        stretches(free.second_best, free),
    );
    let all = passed_over.iter().chain(&settled_for);
    let processes = Processes::of(all.filter_map(|stretch| stretch.owner));
    let records =
        |all: Vec<Stretch<'_>>| all.into_iter().map(|one| one.record(&processes)).collect();
    let record = FreeRecord {
        schema: SCHEMA,
        ports: free.ports,
        protocols: free.request.protocols().collect(),
        passed_over: records(passed_over),
        settled_for: records(settled_for),
        processes,
        gaps: free.gaps,
    };
    serde_json::to_writer(&mut *out, &record)?;
    writeln!(out)
}

/// Why ports were passed over, and what is wrong with those that were taken all the same: a line each.
pub fn told_of_free(free: &FreePorts<'_>) -> Vec<String> {
    let passed = stretches(free.passed_over, free);
    let mut lines: Vec<_> = passed.iter().take(MAX_TOLD).map(line).collect();
    if passed.len() > MAX_TOLD {
        let rest: usize = passed[MAX_TOLD..].iter().map(Stretch::count).sum();
        lines.push(format!("and {rest} more"));
    }
    for (port, unfit) in free.second_best {
        lines.push(format!("{port} is taken for want of a better one: {unfit}"));
        lines.extend(unfit.remedy(*port, free.limits));
    }
    let gaps = free.gaps.iter();
    lines.extend(gaps.map(|gap| format!("not known: {}", gap.message)));
    lines
}

impl Stretch<'_> {
    fn count(&self) -> usize {
        usize::from(self.last - self.first) + 1
    }

    fn record(self, processes: &Processes<'_>) -> StretchRecord {
        StretchRecord {
            first: self.first,
            last: self.last,
            code: self.code,
            message: self.message,
            pids: self
                .owner
                .map_or_else(Vec::new, |owner| processes.pids(owner)),
        }
    }
}

fn line(stretch: &Stretch<'_>) -> String {
    let Stretch {
        first,
        last,
        message,
        ..
    } = stretch;
    if first == last {
        format!("{first}: {message}")
    } else {
        format!("{first}-{last}: {message}")
    }
}

/// Neighbours with the same fault are one entry.
fn stretches<'a>(ports: &[(u16, Unfit)], free: &FreePorts<'a>) -> Vec<Stretch<'a>> {
    let mut stretches: Vec<Stretch<'a>> = Vec::new();
    for (port, unfit) in ports {
        let is_in_use = *unfit == Unfit::InUse;
        let holder = is_in_use.then(|| (free.holders)(*port)).flatten();
        let message = match holder {
            Some(holder) => format!("in use, {}", socket_with_owner(holder)),
            None => unfit.to_string(),
        };
        match stretches.last_mut() {
            Some(last)
                if last.last.checked_add(1) == Some(*port)
                    && (last.code, &last.message) == (unfit.code(), &message) =>
            {
                last.last = *port;
            }
            _ => stretches.push(Stretch {
                first: *port,
                last: *port,
                code: unfit.code(),
                message,
                owner: holder.map(|socket| &socket.owner),
            }),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bind::Address;
    use crate::model::{Endpoint, Process, State};

    #[test]
    fn neighbours_with_the_same_fault_are_one_line() {
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
        let mut free = FreePorts {
            request: &request,
            ports: &[7],
            passed_over: &passed_over,
            second_best: &[],
            holders: &|port| (port == 4).then_some(&socket),
            limits: &limits,
            gaps: &[],
        };
        let expected = [
            "1-2: set aside in net.ipv4.ip_local_reserved_ports",
            "3: in use",
            "4: in use, tcp 127.0.0.1:4 LISTEN node(12)",
            "6: in use",
        ];
        assert_eq!(told_of_free(&free), expected);
        let many: Vec<_> = (0..100).map(|n| in_use(2 * n)).collect();
        free.passed_over = &many;
        assert_eq!(told_of_free(&free).last().unwrap(), "and 88 more");
    }
}
