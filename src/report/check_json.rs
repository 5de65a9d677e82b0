//! `check --json`: the names and types that scripts rely on. Unknown values are `null`.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::check_text::{Checked, unix_state};
use super::json::write_object;
use super::record::{NamespaceRecord, Processes, SCHEMA, SocketRecord, millis, time};
use crate::bind::{
    Address, AnyVerdict, Fix, Note, Outcome, Probe, Profile, Start, Target, UnixVerdict, Verdict,
};
use crate::model::{
    Behind, BehindKind, FoundIn, Gap, Holder, OwnerKind, Pid, Queue, Supervisor, UnixAddress,
    UnixKind,
};

#[derive(Serialize)]
struct Check<'a> {
    schema: u32,
    /// Of a check of the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    processes: Processes<'a>,
    targets: Vec<TargetRecord<'a>>,
}

#[derive(Serialize)]
pub(super) struct TargetRecord<'a> {
    target: String,
    protocol: &'static str,
    address: Option<String>,
    port: Option<u16>,
    verdict: Outcome,
    cause: Value,
    summary: &'a str,
    details: &'a [String],
    remedies: &'a [Fix],
    behind: Option<&'a Behind>,
    kept_by: Option<&'a Supervisor>,
    free_in_ms: Option<u64>,
    servers: Servers,
    profiles: Vec<ProfileRecord>,
    probes: &'a [Probe],
    blockers: Vec<BlockerRecord<'a>>,
    notes: &'a [Note],
    gaps: &'a [Gap],
    namespace: Option<NamespaceRecord<'a>>,
}

#[derive(Serialize)]
struct Servers {
    reuse_address: Start,
    plain: Start,
}

#[derive(Serialize)]
struct ProfileRecord {
    #[serde(flatten)]
    profile: Profile,
    start: Start,
}

#[derive(Serialize)]
#[serde(untagged)]
enum BlockerRecord<'a> {
    Port(Box<PortBlocker<'a>>),
    Unix(UnixBlocker<'a>),
}

#[derive(Serialize)]
struct PortBlocker<'a> {
    #[serde(flatten)]
    socket: SocketRecord<'a>,
    reuse_address: Option<bool>,
    reuse_port: Option<bool>,
    expires_in_ms: Option<u64>,
    #[serde(rename = "held_in")]
    found_in: Option<FoundIn>,
}

#[derive(Serialize)]
struct UnixBlocker<'a> {
    protocol: &'static str,
    r#type: UnixKind,
    path: String,
    state: &'static str,
    inode: Option<u32>,
    uid: Option<u32>,
    user: Option<&'a str>,
    owner: OwnerKind,
    pids: Vec<Pid>,
    unit: Option<&'a str>,
    queue: Option<Queue>,
}

/// Writes the verdicts as one JSON object, then a line feed. `at` is the time of a check of the past.
pub fn write_check_json(
    out: &mut dyn Write,
    at: Option<Timestamp>,
    verdicts: &[Checked],
) -> io::Result<()> {
    let holders = verdicts.iter().flat_map(|checked| match checked {
        Checked::Port(_, verdict) => verdict.blockers.iter().collect(),
        Checked::Unix(_, verdict) => {
            let holders = verdict.blockers.iter().map(|one| &one.holder);
            holders.collect::<Vec<_>>()
        }
    });
    let processes = holder_processes(holders);
    let targets = verdicts.iter().map(|checked| match checked {
        Checked::Port(target, verdict) => port_record(target, verdict, &processes),
        Checked::Unix(name, verdict) => unix_record(name, verdict, &processes),
    });
    let check = Check {
        schema: SCHEMA,
        at: at.map(time),
        targets: targets.collect(),
        processes,
    };
    write_object(out, &check)
}

/// The owners of these sockets. The unit of a container's process may be that of the engine's client.
pub(super) fn holder_processes<'a>(
    holders: impl Iterator<Item = &'a Holder> + Clone,
) -> Processes<'a> {
    let mut processes = Processes::of(holders.clone().map(|holder| &holder.socket.owner));
    for background in holders.flat_map(|holder| &holder.backgrounds) {
        let behind = background.behind.as_ref();
        let is_container = behind.is_some_and(|behind| behind.kind == BehindKind::Container);
        if let (Some(unit), false) = (&background.unit, is_container) {
            processes.set_unit(background.pid, &unit.name);
        }
    }
    processes
}

/// The verdict of a port.
pub(super) fn port_record<'a>(
    target: &Target,
    verdict: &'a Verdict,
    processes: &Processes<'_>,
) -> TargetRecord<'a> {
    let blockers = verdict.blockers.iter().map(|holder| {
        BlockerRecord::Port(Box::new(PortBlocker {
            socket: SocketRecord::of(&holder.socket, verdict.taken_at.wall, processes),
            reuse_address: holder.options.map(|options| options.reuse_address),
            reuse_port: holder.options.map(|options| options.reuse_port),
            expires_in_ms: holder.expires_in.map(millis),
            found_in: (!holder.socket.owner.present().is_empty()).then_some(holder.found_in),
        }))
    });
    TargetRecord {
        target: target.to_string(),
        protocol: target.protocol.as_str(),
        address: match target.address {
            Address::Every => None,
            Address::Loopback => Some("localhost".into()),
            Address::One(one) => Some(one.to_string()),
            Address::Zoned(one, zone) => Some(format!("{one}%{zone}")),
        },
        port: Some(target.first_port()),
        blockers: blockers.collect(),
        ..record(verdict)
    }
}

fn unix_record<'a>(
    name: &UnixAddress,
    verdict: &'a UnixVerdict,
    processes: &Processes<'_>,
) -> TargetRecord<'a> {
    let blockers = verdict.blockers.iter().map(|one| {
        let socket = &one.holder.socket;
        BlockerRecord::Unix(UnixBlocker {
            protocol: "unix",
            r#type: one.kind,
            path: name.to_string(),
            state: unix_state(one),
            inode: socket.inode,
            uid: socket.uid,
            user: socket.user.as_deref(),
            owner: socket.owner.kind(),
            pids: processes.pids(&socket.owner),
            unit: socket.unit.as_deref(),
            queue: socket.queue,
        })
    });
    TargetRecord {
        target: name.to_string(),
        blockers: blockers.collect(),
        ..record(verdict)
    }
}

/// The fields common to both kinds of targets; the others are for a unix socket.
fn record<C: Serialize, B>(verdict: &AnyVerdict<C, B>) -> TargetRecord<'_> {
    let profiles = verdict.profiles.iter();
    TargetRecord {
        target: String::new(),
        protocol: "unix",
        address: None,
        port: None,
        verdict: verdict.outcome,
        cause: json!(verdict.cause),
        summary: &verdict.summary,
        details: &verdict.details,
        remedies: &verdict.fixes,
        behind: verdict.behind.as_ref(),
        kept_by: verdict.kept_by.as_ref(),
        free_in_ms: verdict.free_in.map(millis),
        servers: Servers {
            reuse_address: verdict.with_reuse_address,
            plain: verdict.without,
        },
        profiles: profiles
            .map(|&(profile, start)| ProfileRecord { profile, start })
            .collect(),
        probes: &verdict.probes,
        blockers: Vec::new(),
        notes: &verdict.notes,
        gaps: &verdict.gaps,
        namespace: verdict.namespace.as_deref().map(NamespaceRecord::of),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        Background, Endpoint, Manager, Owner, Process, Protocol, Socket, State, Unit,
    };

    fn holder(behind: Option<Behind>) -> Holder {
        let local = Endpoint::new([127, 0, 0, 1].into(), 80);
        let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        socket.owner = Owner::Known(Arc::new([Arc::new(Process::new(7, "web"))]));
        let unit = Unit {
            name: "web.service".into(),
            manager: Manager::System,
            is_server: None,
            main_pid: None,
            restart: None,
            kill_mode: None,
            triggered_by: Vec::new(),
        };
        let background = Background {
            unit: Some(unit),
            behind,
            ..Background::new(7)
        };
        Holder {
            backgrounds: vec![background],
            ..Holder::new(socket)
        }
    }

    #[test]
    fn a_process_has_its_own_unit_and_not_that_of_a_containers_client() {
        let unit = |behind| {
            let holder = [holder(behind)];
            let told = serde_json::to_value(holder_processes(holder.iter())).unwrap();
            told["7"]["unit"].clone()
        };
        assert_eq!(unit(None), "web.service");
        let container = Behind::new(BehindKind::Container);
        assert_eq!(unit(Some(container)), serde_json::Value::Null);
    }
}
