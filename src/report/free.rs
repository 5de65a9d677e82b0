//! `free`: the ports that were chosen, and why others were not.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;

use super::json::write_object;
use super::record::{NamespaceRecord, Processes, SCHEMA};
use crate::bind::{PortRequest, SkipReason};
use crate::columns::{process_text, socket_with_owner};
use crate::model::{Gap, Limits, Namespace, Owner, Pid, Protocol, Socket, Text};

/// Result of a search for free ports.
pub struct FreePorts<'a> {
    /// The request.
    pub request: &'a PortRequest,
    /// The ports, in the order in which they were found.
    pub ports: &'a [u16],
    /// The port that a service of a project usually has, if one was wanted for a project.
    pub usual: Option<UsualPort<'a>>,
    /// Ports that were not chosen, and why; in the order in which they were tried.
    pub passed_over: &'a [(u16, SkipReason)],
    /// Ports that were chosen because there was nothing better.
    pub second_best: &'a [(u16, SkipReason)],
    /// The sockets that have ports in use, where known.
    pub holders: &'a HashMap<u16, Socket>,
    /// The limits of this system; empty unless they were needed.
    pub limits: &'a Limits,
    /// The gaps.
    pub gaps: &'a [Gap],
    /// The network namespace of the ports; `None` for that of this program.
    pub namespace: Option<&'a Namespace>,
}

/// The port that a service of a project has whenever it can be had.
pub struct UsualPort<'a> {
    /// The port.
    pub port: u16,
    /// The real path of the project.
    pub project: Text,
    /// The name of the service, if it has one.
    pub service: Option<&'a str>,
    /// Whose process has it in use; `None` if no socket is known to have it.
    pub used_by: Option<PortUser>,
}

/// Whose process uses the usual port of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortUser {
    /// A process of the same project: its server is running already.
    ThisProject,
    /// A process of another project, or of none.
    Another,
    /// Its owner, or the project of that, is unknown.
    Unknown,
}

/// Consecutive ports that are skipped for the same reason.
#[derive(Serialize)]
struct Run<'a> {
    first: u16,
    last: u16,
    code: &'static str,
    message: String,
    /// The pids of the owner in JSON.
    pids: Vec<Pid>,
    #[serde(skip)]
    owner: Option<&'a Owner>,
}

/// More runs than this are counted, not listed.
const MAX_LINES: usize = 12;

/// Writes it as one JSON object, then a line feed.
pub fn write_free_json(out: &mut dyn Write, free: &FreePorts<'_>) -> io::Result<()> {
    #[derive(Serialize)]
    struct FreeRecord<'a> {
        schema: u32,
        ports: &'a [u16],
        r#for: Option<ServiceRecord<'a>>,
        protocols: Vec<Protocol>,
        processes: &'a Processes<'a>,
        passed_over: Vec<Run<'a>>,
        #[serde(rename = "settled_for")]
        second_best: Vec<Run<'a>>,
        gaps: &'a [Gap],
        namespace: Option<NamespaceRecord<'a>>,
    }
    #[derive(Serialize)]
    struct ServiceRecord<'a> {
        project: &'a Text,
        name: Option<Text>,
        usual_port: u16,
        used_by: Option<PortUser>,
    }
    let of_service = free.usual.as_ref().map(|usual| ServiceRecord {
        project: &usual.project,
        name: usual.service.map(Text::new),
        usual_port: usual.port,
        used_by: usual.used_by,
    });
    let mut passed_over = runs(free.passed_over, free);
    let mut second_best = runs(free.second_best, free);
    let all = passed_over.iter().chain(&second_best);
    let processes = Processes::of(all.filter_map(|run| run.owner));
    for run in passed_over.iter_mut().chain(&mut second_best) {
        run.pids = run.owner.map(|it| processes.pids(it)).unwrap_or_default();
    }
    let record = FreeRecord {
        schema: SCHEMA,
        ports: free.ports,
        r#for: of_service,
        protocols: free.request.protocols().collect(),
        processes: &processes,
        passed_over,
        second_best,
        gaps: free.gaps,
        namespace: free.namespace.map(NamespaceRecord::of),
    };
    write_object(out, &record)
}

/// A line for each reason why ports were not chosen, and for faults of chosen ones.
pub fn free_port_lines(free: &FreePorts<'_>) -> Vec<String> {
    let passed_over = runs(free.passed_over, free);
    let listed = passed_over.iter().take(MAX_LINES);
    let mut lines: Vec<_> = listed
        .map(|run| {
            let Run {
                first,
                last,
                message,
                ..
            } = run;
            let last = if first == last {
                String::new()
            } else {
                format!("-{last}")
            };
            format!("{first}{last}: {message}")
        })
        .collect();
    if passed_over.len() > MAX_LINES {
        let rest = passed_over[MAX_LINES..].iter();
        let rest: usize = rest.map(|run| usize::from(run.last - run.first) + 1).sum();
        lines.push(format!("and {rest} more"));
    }
    for (port, skip_reason) in free.second_best {
        lines.push(format!(
            "{port} is chosen as there is nothing better: {skip_reason}"
        ));
        lines.extend(skip_reason.remedy(*port, free.limits));
    }
    let gaps = free.gaps.iter();
    lines.extend(gaps.map(|gap| format!("not known: {}", gap.message)));
    lines
}

impl UsualPort<'_> {
    /// Why it was not chosen, to follow the port. `reason`: the same for any port.
    fn message(&self, reason: &str, holder: Option<&Socket>) -> String {
        let what = match self.service {
            Some(name) => format!("the usual port of {name} in this project"),
            None => "the usual port of this project".to_owned(),
        };
        let process = holder.and_then(process_text);
        match (self.used_by, process) {
            (Some(PortUser::ThisProject), Some(process)) => {
                format!("{what}, in use by {process} of this very project")
            }
            (Some(PortUser::Another), Some(process)) => {
                let owners = holder.map_or(&[][..], |holder| holder.owner.present());
                let project = owners.iter().find_map(|owner| owner.project.as_ref());
                let of = project.map_or(String::new(), |project| format!(" of {project}"));
                format!("{what}, in use by {process}{of}")
            }
            _ => format!("{what}, {reason}"),
        }
    }
}

fn runs<'a>(ports: &[(u16, SkipReason)], free: &FreePorts<'a>) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'a>> = Vec::new();
    let mut ports: Vec<_> = ports.iter().collect();
    // Those of a project are tried in an order that no reader knows.
    ports.sort_by_key(|(port, _)| free.usual.as_ref().map(|_| *port));
    for (port, skip_reason) in ports {
        let holder = free
            .holders
            .get(port)
            .filter(|_| *skip_reason == SkipReason::InUse);
        let mut message = match holder {
            Some(holder) => format!("in use, {}", socket_with_owner(holder)),
            None => skip_reason.to_string(),
        };
        if let Some(usual) = free.usual.as_ref().filter(|usual| usual.port == *port) {
            message = usual.message(&message, holder);
        }
        match runs.last_mut() {
            Some(run)
                if run.last.checked_add(1) == Some(*port)
                    && (run.code, &run.message) == (skip_reason.code(), &message) =>
            {
                run.last = *port;
            }
            _ => runs.push(Run {
                first: *port,
                last: *port,
                code: skip_reason.code(),
                message,
                pids: Vec::new(),
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
        let (limits, in_use) = (Limits::default(), |port| (port, SkipReason::InUse));
        let mut passed_over = vec![(1, SkipReason::Reserved), (2, SkipReason::Reserved)];
        passed_over.extend([3, 4, 6].map(in_use));
        let holders = HashMap::from([(4, socket)]);
        let mut free = FreePorts {
            request: &request,
            ports: &[7],
            usual: None,
            passed_over: &passed_over,
            second_best: &[],
            holders: &holders,
            limits: &limits,
            gaps: &[],
            namespace: None,
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
