//! `check` of a unix socket's name: as text, and as a target of `check --json`.

use std::io::{self, Write};

use serde::Serialize;

use super::check_fixes::{BehindRecord, FixRecord, KeptByRecord};
use super::check_json::{GapRecord, Servers};
use super::check_text::{self, MAX_LISTED};
use super::record::Processes;
use crate::bind::{Outcome, UnixCause, UnixVerdict};
use crate::columns::owner_with_pid;
use crate::model::{OwnerKind, Pid, Queue, UnixAddress, UnixHolder, UnixKind};

/// Writes a verdict. Sentences are broken at `columns` cells if there is such a limit; the outcome is coloured if
/// `has_colour`.
///
/// # Errors
/// What the writer says.
pub fn write_unix_check(
    out: &mut dyn Write,
    name: &UnixAddress,
    verdict: &UnixVerdict,
    columns: Option<u16>,
    has_colour: bool,
) -> io::Result<()> {
    let outcome = check_text::painted(verdict.outcome, has_colour);
    writeln!(out, "{name}: {outcome}")?;
    for text in std::iter::once(&verdict.summary).chain(&verdict.details) {
        check_text::sentence(out, "", text, columns)?;
    }
    check_text::fixes(out, &verdict.fixes, columns)?;
    // One is named in the first sentence.
    if verdict.blockers.len() > 1 {
        writeln!(out, "\n  in the way")?;
        check_text::table(out, &blockers(verdict))?;
        let more = verdict.blockers.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            writeln!(out, "    and {more} more")?;
        }
    }
    if !verdict.gaps.is_empty() {
        writeln!(out)?;
    }
    for gap in &verdict.gaps {
        let text = format!("{}.", gap.message);
        check_text::sentence(out, "not known: ", &text, columns)?;
    }
    Ok(())
}

fn blockers(verdict: &UnixVerdict) -> Vec<Vec<String>> {
    let shown = verdict.blockers.iter().take(MAX_LISTED);
    let row = |one: &UnixHolder| {
        let words = [one.kind.as_str(), state(one)].map(str::to_owned);
        let owner = owner_with_pid(&one.holder.socket);
        words.into_iter().chain([owner]).collect()
    };
    shown.map(row).collect()
}

const fn state(one: &UnixHolder) -> &'static str {
    if one.is_listening { "LISTEN" } else { "UNCONN" }
}

/// What `check --json` says of it.
#[derive(Serialize)]
pub(super) struct UnixTargetRecord<'a> {
    target: String,
    protocol: &'static str,
    address: Option<&'a str>,
    port: Option<u16>,
    verdict: Outcome,
    cause: UnixCause,
    summary: &'a str,
    details: &'a [String],
    remedies: Vec<FixRecord<'a>>,
    behind: Option<BehindRecord<'a>>,
    kept_by: Option<KeptByRecord<'a>>,
    free_in_ms: Option<u64>,
    servers: Servers,
    profiles: [(); 0],
    probes: [(); 0],
    blockers: Vec<UnixBlockerRecord<'a>>,
    notes: [(); 0],
    gaps: Vec<GapRecord<'a>>,
}

#[derive(Serialize)]
struct UnixBlockerRecord<'a> {
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

impl<'a> UnixTargetRecord<'a> {
    pub(super) fn of(
        name: &UnixAddress,
        verdict: &'a UnixVerdict,
        processes: &Processes<'_>,
    ) -> Self {
        let start = verdict.start();
        let blockers = verdict.blockers.iter();
        Self {
            target: name.to_string(),
            protocol: "unix",
            address: None,
            port: None,
            verdict: verdict.outcome,
            cause: verdict.cause,
            summary: &verdict.summary,
            details: &verdict.details,
            remedies: verdict.fixes.iter().map(FixRecord::of).collect(),
            behind: verdict.behind.as_ref().map(BehindRecord::of),
            kept_by: verdict.kept_by.as_ref().map(KeptByRecord::of),
            free_in_ms: None,
            servers: Servers {
                reuse_address: start,
                plain: start,
            },
            profiles: [],
            probes: [],
            blockers: blockers.map(|one| blocker(name, one, processes)).collect(),
            notes: [],
            gaps: verdict.gaps.iter().map(GapRecord::of).collect(),
        }
    }
}

fn blocker<'a>(
    name: &UnixAddress,
    one: &'a UnixHolder,
    processes: &Processes<'_>,
) -> UnixBlockerRecord<'a> {
    let socket = &one.holder.socket;
    UnixBlockerRecord {
        protocol: "unix",
        r#type: one.kind,
        path: name.to_string(),
        state: state(one),
        inode: socket.inode,
        uid: socket.uid,
        user: socket.user.as_deref(),
        owner: socket.owner.kind(),
        pids: processes.pids(&socket.owner),
        unit: socket.unit.as_deref(),
        queue: socket.queue,
    }
}
