//! `check --json`: the names and types that scripts rely on. Unknown values are `null`.

use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::check_text::unix_state;
use super::json::write_object;
use super::record::{Processes, SCHEMA, SocketRecord};
use crate::bind::{
    Address, AnyVerdict, Cause, Fix, Note, Outcome, Probe, Profile, Start, Target, UnixCause,
    UnixVerdict, Verdict,
};
use crate::model::{
    Behind, BehindKind, Engine, FoundIn, Gap, Holder, OwnerKind, Pid, Queue, Restarts, Supervisor,
    SupervisorKind, UnixAddress, UnixHolder, UnixKind,
};

/// A target with its verdict.
#[derive(Clone, Debug)]
pub enum Checked {
    /// A port.
    Port(Target, Verdict),
    /// The name of a unix socket.
    Unix(UnixAddress, UnixVerdict),
}

#[derive(Serialize)]
struct Check<'a> {
    schema: u32,
    processes: Processes<'a>,
    targets: Vec<TargetRecord<'a>>,
}

#[derive(Serialize)]
struct TargetRecord<'a> {
    target: String,
    protocol: &'static str,
    address: Option<String>,
    port: Option<u16>,
    verdict: Outcome,
    cause: AnyCause,
    summary: &'a str,
    details: &'a [String],
    remedies: &'a [Fix],
    behind: Option<BehindRecord<'a>>,
    kept_by: Option<KeptByRecord<'a>>,
    free_in_ms: Option<u64>,
    servers: Servers,
    profiles: Vec<ProfileRecord>,
    probes: &'a [Probe],
    blockers: Vec<BlockerRecord<'a>>,
    notes: &'a [Note],
    gaps: &'a [Gap],
}

#[derive(Serialize)]
#[serde(untagged)]
enum AnyCause {
    Port(Cause),
    Unix(UnixCause),
}

#[derive(Serialize)]
struct BehindRecord<'a> {
    kind: BehindKind,
    name: Option<&'a str>,
    engine: Option<Engine>,
    id: Option<&'a str>,
    image: Option<&'a str>,
    project: Option<&'a str>,
    service: Option<&'a str>,
    pod: Option<&'a str>,
    address: Option<IpAddr>,
    port: Option<u16>,
    process: Option<ServingRecord<'a>>,
    server: Option<&'a str>,
    user: Option<&'a str>,
}

#[derive(Serialize)]
struct ServingRecord<'a> {
    pid: Pid,
    name: &'a str,
}

#[derive(Serialize)]
struct KeptByRecord<'a> {
    kind: SupervisorKind,
    name: Option<&'a str>,
    pid: Option<Pid>,
    restarts: Restarts,
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
    found_in: Option<&'static str>,
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

/// Writes the verdicts as one JSON object, then a line feed.
///
/// # Errors
/// Those of the writer.
pub fn write_check_json<'a>(
    out: &mut dyn Write,
    verdicts: impl IntoIterator<Item = &'a Checked>,
) -> io::Result<()> {
    let verdicts: Vec<_> = verdicts.into_iter().collect();
    let processes = holder_processes(verdicts.iter().flat_map(|checked| holders(checked)));
    let targets = verdicts.iter().map(|checked| match checked {
        Checked::Port(target, verdict) => port_record(target, verdict, &processes),
        Checked::Unix(name, verdict) => unix_record(name, verdict, &processes),
    });
    let check = Check {
        schema: SCHEMA,
        targets: targets.collect(),
        processes,
    };
    write_object(out, &check)
}

/// The sockets in the way.
fn holders(checked: &Checked) -> Vec<&Holder> {
    match checked {
        Checked::Port(_, verdict) => verdict.blockers.iter().collect(),
        Checked::Unix(_, verdict) => verdict.blockers.iter().map(|one| &one.holder).collect(),
    }
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

fn port_record<'a>(
    target: &Target,
    verdict: &'a Verdict,
    processes: &Processes<'_>,
) -> TargetRecord<'a> {
    let blocker = |holder: &'a Holder| PortBlocker {
        socket: SocketRecord::of(&holder.socket, verdict.taken_at.wall, processes),
        reuse_address: holder.options.map(|options| options.reuse_address),
        reuse_port: holder.options.map(|options| options.reuse_port),
        expires_in_ms: holder.expires_in.map(millis),
        found_in: (!holder.socket.owner.present().is_empty()).then(|| found_in(holder)),
    };
    let blockers = verdict.blockers.iter().map(blocker);
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
        blockers: blockers
            .map(|one| BlockerRecord::Port(Box::new(one)))
            .collect(),
        ..record(verdict, AnyCause::Port(verdict.cause))
    }
}

const fn found_in(holder: &Holder) -> &'static str {
    match holder.found_in {
        FoundIn::Descriptors => "descriptors",
        FoundIn::Thread => "thread",
        FoundIn::Ring => "io_uring",
        FoundIn::InFlight => "in_flight",
    }
}

fn unix_record<'a>(
    name: &UnixAddress,
    verdict: &'a UnixVerdict,
    processes: &Processes<'_>,
) -> TargetRecord<'a> {
    let blocker = |one: &'a UnixHolder| {
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
    };
    TargetRecord {
        target: name.to_string(),
        blockers: verdict.blockers.iter().map(blocker).collect(),
        ..record(verdict, AnyCause::Unix(verdict.cause))
    }
}

/// The fields common to both kinds of targets; the others are for a unix socket.
fn record<C, B>(verdict: &AnyVerdict<C, B>, cause: AnyCause) -> TargetRecord<'_> {
    let profiles = verdict.profiles.iter();
    TargetRecord {
        target: String::new(),
        protocol: "unix",
        address: None,
        port: None,
        verdict: verdict.outcome,
        cause,
        summary: &verdict.summary,
        details: &verdict.details,
        remedies: &verdict.fixes,
        behind: verdict.behind.as_ref().map(behind_record),
        kept_by: verdict.kept_by.as_ref().map(kept_by_record),
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
    }
}

fn behind_record(behind: &Behind) -> BehindRecord<'_> {
    BehindRecord {
        kind: behind.kind,
        name: behind.name.as_deref(),
        engine: behind.engine,
        id: behind.id.as_deref(),
        image: behind.image.as_deref(),
        project: behind.project.as_deref(),
        service: behind.service.as_deref(),
        pod: behind.pod.as_deref(),
        address: behind.address,
        port: behind.port,
        process: behind.process.as_ref().map(|process| ServingRecord {
            pid: process.pid,
            name: &process.name,
        }),
        server: behind.server.as_deref(),
        user: behind.user.as_deref(),
    }
}

fn kept_by_record(kept_by: &Supervisor) -> KeptByRecord<'_> {
    KeptByRecord {
        kind: kept_by.kind,
        name: kept_by.name.as_deref(),
        pid: kept_by.pid,
        restarts: kept_by.restarts,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
