//! `check --at`: whether a port could be bound in the past, by the rules.

use anyhow::bail;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::bind::{BindTestResult, Target, Verdict};
use sockeye::model::{Evidence, Gap, GapCode, Holder, Limits, NamespaceScope, Snapshot};
use sockeye::query::resolve;
use sockeye::report::{Checked, local_time};

use super::targets::{Group, parse_groups};
use super::{Check, Run};
use crate::cli::EXIT_ERROR;
use crate::cli::errors::print_error;
use crate::cli::global::{GlobalArgs, namespace_error};
use crate::cli::history::moment::of_history;

pub(super) fn run(global: &GlobalArgs, check: &Check, at: Timestamp) -> anyhow::Result<u8> {
    let groups = parse_groups(global, &check.targets)?;
    let is_unix = |group: &Group| matches!(group, Group::Unix(_));
    if groups.iter().any(is_unix) {
        bail!("--at is for ports: the history has no paths of unix sockets");
    }
    let target = global.namespace_target_of(true)?;
    let (snapshot, found) = of_history(&mut check.store.open()?, at)?;
    let scope =
        resolve(&target, &snapshot.sockets).map_err(|error| namespace_error(&error, true))?;
    if scope == NamespaceScope::All {
        bail!("-N all: a port is bound in one network namespace; name one");
    }
    if !check.json && !check.quiet || found.is_other_time {
        print_error(&found.note);
    }
    let mut run = Run::new(global, check, &groups);
    let targets = groups.iter().flat_map(|group| match group {
        Group::Ports(targets) => targets.as_slice(),
        Group::Unix(_) => &[],
    });
    for target in targets {
        let evidence = evidence(target, &snapshot, scope);
        let result = BindTestResult::recorded(target, &evidence);
        let mut verdict = Verdict::of_recorded(&result, &run.zone);
        if found.is_other_time {
            is_of_before(&mut verdict, at, &run.zone);
        }
        if run.add(Checked::Port(target.clone(), verdict))?.is_break() {
            break;
        }
    }
    let code = run.finish(Some(snapshot.taken_at.wall))?;
    // What was then is not known.
    Ok(if found.is_other_time {
        EXIT_ERROR
    } else {
        code
    })
}

/// Says that a verdict is of the last snapshot before a time of which nothing is recorded.
fn is_of_before(verdict: &mut Verdict, at: Timestamp, zone: &TimeZone) {
    let [at, taken_at] = [at, verdict.taken_at.wall].map(|time| local_time(time, zone));
    let unknown = format!("nothing is recorded of {at}");
    verdict.summary = format!(
        "Unknown: {unknown}. In the last snapshot before it, at {taken_at}: {}",
        verdict.summary
    );
    let message = format!("{unknown}: this is the table of {taken_at}");
    verdict.gaps.insert(0, Gap::new(GapCode::Table, &message));
}

/// The sockets on the port of a target, and what is not known about that time.
fn evidence(target: &Target, snapshot: &Snapshot, scope: NamespaceScope) -> Evidence {
    let on_port = snapshot.sockets.iter().filter(|socket| {
        let is_port = socket.port() == Some(target.first_port());
        is_port && socket.protocol == target.protocol && scope.has(socket.namespace_id())
    });
    let holders = on_port.map(|socket| Holder {
        expires_in: socket.expires_in,
        ..Holder::new(socket.clone())
    });
    let gaps = [
        (
            GapCode::Limits,
            "privileges, limits and addresses of that time are not recorded",
        ),
        (
            GapCode::Options,
            "the options of its sockets are not recorded",
        ),
        (
            GapCode::Redirects,
            "the rules of the packet filter are not recorded",
        ),
    ];
    // They show which side opened a connection.
    let ephemeral = snapshot.ephemeral.as_ref().map(|ports| ports.range.clone());
    Evidence {
        limits: Limits {
            ephemeral,
            ..Limits::default()
        },
        processes: snapshot.processes.clone(),
        gaps: gaps.map(|(code, message)| Gap::new(code, message)).to_vec(),
        ..Evidence::new(snapshot.taken_at, holders.collect())
    }
}
