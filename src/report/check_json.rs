//! `check --json`: the names and types that scripts rely on. What is not known is `null`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::check_fixes::{BehindRecord, FixRecord, KeptByRecord};
use super::check_unix::UnixTargetRecord;
use super::json::{ProcessRecord, SocketRecord, programs};
use crate::bind::{Address, Cause, NoteCode, Outcome, Start, Target, UnixVerdict, Verdict};
use crate::model::{Gap, GapCode, Holder, Moment, Pid, Place, Protocol, UnixName};

/// Version of this output; raised when a name or a type changes, not when one is added.
const SCHEMA: u32 = 2;

#[derive(Serialize)]
struct Check<'a> {
    schema: u32,
    processes: BTreeMap<Pid, ProcessRecord<'a>>,
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
    Unix(UnixName, UnixVerdict),
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
    let blockers = verdicts.iter().flat_map(|checked| holders(checked));
    let targets = verdicts.iter();
    let check = Check {
        schema: SCHEMA,
        processes: blockers
            .flat_map(|holder| programs(&holder.socket))
            .collect(),
        targets: targets
            .map(|checked| match checked {
                Checked::Port(target, verdict) => {
                    AnyRecord::Port(Box::new(record(target, verdict)))
                }
                Checked::Unix(name, verdict) => {
                    AnyRecord::Unix(Box::new(UnixTargetRecord::of(name, verdict)))
                }
            })
            .collect(),
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

fn record<'a>(target: &Target, verdict: &'a Verdict) -> TargetRecord<'a> {
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
            .map(|holder| blocker(holder, verdict.taken_at))
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

fn blocker(holder: &Holder, seen: Moment) -> BlockerRecord<'_> {
    let options = holder.options;
    BlockerRecord {
        socket: SocketRecord::with_pids(&holder.socket, seen.wall),
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
