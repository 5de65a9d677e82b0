//! `check --json`: the names and types that scripts rely on. What is not known is `null`.

use std::io::{self, Write};

use serde::Serialize;

use super::check_fixes::{BehindRecord, FixRecord, KeptByRecord};
use super::check_unix::UnixTargetRecord;
use super::record::{Processes, SCHEMA, SocketRecord};
use crate::bind::{Address, Cause, NoteCode, Outcome, Start, Target, UnixVerdict, Verdict};
use crate::model::{BehindKind, Gap, GapCode, Holder, Moment, Place, Protocol, UnixAddress};

#[derive(Serialize)]
struct Check<'a> {
    schema: u32,
    processes: Processes<'a>,
    targets: Vec<AnyRecord<'a>>,
}

/// A target of either kind.
#[derive(Serialize)]
#[serde(untagged)]
enum AnyRecord<'a> {
    Port(Box<TargetRecord<'a>>),
    Unix(Box<UnixTargetRecord<'a>>),
}

/// A target with its verdict.
#[derive(Clone, Debug)]
pub enum Checked {
    /// A port.
    Port(Target, Verdict),
    /// The name of a unix socket.
    Unix(UnixAddress, UnixVerdict),
}

#[derive(Serialize)]
struct TargetRecord<'a> {
    target: String,
    protocol: Protocol,
    address: Option<String>,
    port: u16,
    verdict: Outcome,
    cause: Cause,
    summary: &'a str,
    details: &'a [String],
    remedies: Vec<FixRecord<'a>>,
    behind: Option<BehindRecord<'a>>,
    kept_by: Option<KeptByRecord<'a>>,
    free_in_ms: Option<u64>,
    servers: Servers,
    profiles: Vec<ProfileRecord<'a>>,
    probes: Vec<ProbeRecord<'a>>,
    blockers: Vec<BlockerRecord<'a>>,
    notes: Vec<NoteRecord<'a>>,
    gaps: Vec<GapRecord<'a>>,
}

#[derive(Serialize)]
pub(super) struct Servers {
    pub(super) reuse_address: Start,
    pub(super) plain: Start,
}

#[derive(Serialize)]
struct ProfileRecord<'a> {
    servers: &'a str,
    binds: &'a str,
    start: Start,
}

#[derive(Serialize)]
struct ProbeRecord<'a> {
    address: std::net::IpAddr,
    v6only: Option<bool>,
    reuse_address: bool,
    result: &'a str,
}

#[derive(Serialize)]
struct BlockerRecord<'a> {
    #[serde(flatten)]
    socket: SocketRecord<'a>,
    reuse_address: Option<bool>,
    reuse_port: Option<bool>,
    expires_in_ms: Option<u64>,
    held_in: Option<&'static str>,
}

#[derive(Serialize)]
struct NoteRecord<'a> {
    code: NoteCode,
    message: &'a str,
}

#[derive(Serialize)]
pub(super) struct GapRecord<'a> {
    code: GapCode,
    message: &'a str,
}

impl<'a> GapRecord<'a> {
    pub(super) fn of(gap: &'a Gap) -> Self {
        Self {
            code: gap.code,
            message: &gap.message,
        }
    }
}

/// Writes the verdicts as one JSON object, then a line feed.
///
/// # Errors
/// What the writer says.
pub fn write_check_json<'a>(
    out: &mut dyn Write,
    verdicts: impl IntoIterator<Item = &'a Checked>,
) -> io::Result<()> {
    let verdicts: Vec<_> = verdicts.into_iter().collect();
    let processes = holder_processes(verdicts.iter().flat_map(|checked| holders(checked)));
    let targets = verdicts.iter();
    let check = Check {
        schema: SCHEMA,
        targets: targets
            .map(|checked| match checked {
                Checked::Port(target, verdict) => {
                    AnyRecord::Port(Box::new(record(target, verdict, &processes)))
                }
                Checked::Unix(name, verdict) => {
                    AnyRecord::Unix(Box::new(UnixTargetRecord::of(name, verdict, &processes)))
                }
            })
            .collect(),
        processes,
    };
    serde_json::to_writer(&mut *out, &check)?;
    writeln!(out)
}

/// What is in the way.
fn holders(checked: &Checked) -> Vec<&Holder> {
    match checked {
        Checked::Port(_, verdict) => verdict.blockers.iter().collect(),
        Checked::Unix(_, verdict) => verdict.blockers.iter().map(|one| &one.holder).collect(),
    }
}

/// The processes that have these sockets. What is behind a container's process may be of its client.
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

fn record<'a>(
    target: &Target,
    verdict: &'a Verdict,
    processes: &Processes<'_>,
) -> TargetRecord<'a> {
    TargetRecord {
        target: target.to_string(),
        protocol: target.protocol,
        address: match target.address {
            Address::Every => None,
            Address::Loopback => Some("localhost".into()),
            Address::One(one) => Some(one.to_string()),
            Address::Zoned(one, zone) => Some(format!("{one}%{zone}")),
        },
        port: target.first_port(),
        verdict: verdict.outcome,
        cause: verdict.cause,
        summary: &verdict.summary,
        details: &verdict.details,
        remedies: verdict.fixes.iter().map(FixRecord::of).collect(),
        behind: verdict.behind.as_ref().map(BehindRecord::of),
        kept_by: verdict.kept_by.as_ref().map(KeptByRecord::of),
        free_in_ms: verdict.free_in.map(millis),
        servers: Servers {
            reuse_address: verdict.with_reuse_address,
            plain: verdict.without,
        },
        profiles: verdict
            .profiles
            .iter()
            .map(|(profile, start)| ProfileRecord {
                servers: profile.servers,
                binds: profile.manner,
                start: *start,
            })
            .collect(),
        probes: verdict
            .probes
            .iter()
            .map(|probe| ProbeRecord {
                address: probe.address,
                v6only: probe.v6only,
                reuse_address: probe.reuse_address,
                result: probe.result.as_str(),
            })
            .collect(),
        blockers: verdict
            .blockers
            .iter()
            .map(|holder| blocker(holder, verdict.taken_at, processes))
            .collect(),
        notes: verdict
            .notes
            .iter()
            .map(|note| NoteRecord {
                code: note.code,
                message: &note.message,
            })
            .collect(),
        gaps: verdict.gaps.iter().map(GapRecord::of).collect(),
    }
}

fn blocker<'a>(holder: &'a Holder, seen: Moment, processes: &Processes<'_>) -> BlockerRecord<'a> {
    let options = holder.options;
    BlockerRecord {
        socket: SocketRecord::of(&holder.socket, seen.wall, processes),
        reuse_address: options.map(|options| options.reuse_address),
        reuse_port: options.map(|options| options.reuse_port),
        expires_in_ms: holder.expires_in.map(millis),
        held_in: (!holder.socket.owner.present().is_empty()).then_some(match holder.place {
            Place::Descriptors => "descriptors",
            Place::Thread => "thread",
            Place::Ring => "io_uring",
            Place::InFlight => "in_flight",
        }),
    }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{
        Background, Behind, Endpoint, Manager, Owner, Process, Socket, State, Unit,
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
