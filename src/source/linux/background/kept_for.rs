//! The program for which `sockeye run --port-env` or `sockeye free --hold` keeps a port.

use std::sync::Arc;

use super::facts::{Facts, executable_name};
use super::{by_age, may_signal, reaction};
use crate::model::{AlsoEnds, AlsoEndsKind, Background, KeptFor, Pid, Process};

/// The name of this program.
const OWN: &str = "sockeye";

/// The name that the supervisor of `sockeye run` gives its thread.
const SUPERVISOR: &str = "sockeye-run";

/// The program that such an owner runs, unless the program has the port itself. `ports_of` returns the other ports of a
/// process.
pub(super) fn keeps_for(
    own: &Facts,
    children: &[Pid],
    owners: &[Pid],
    ports_of: impl FnOnce(Pid) -> Vec<AlsoEnds>,
) -> Option<KeptFor> {
    let runs_own = || executable_name(own.pid).is_some_and(|name| name == OWN);
    if own.comm != SUPERVISOR && own.program() != OWN && !runs_own() {
        return None;
    }
    // The supervisor also adopts what lost its parent below it, and starts helpers: all of that began later.
    let first = by_age(children.iter().copied()).first().copied()?;
    let program = Facts::of(first).filter(|_| !owners.contains(&first))?;
    let process = Process::new(first, program.name());
    Some(KeptFor {
        process: Arc::new(process),
        background: Background {
            reaction: reaction::reaction(&program),
            may_signal: may_signal(&program),
            also_ends: ports_of(first),
            ..Background::new(first)
        },
    })
}

/// What ends with the owner: the program, and the ports of that.
pub(super) fn also_ends(kept: &KeptFor) -> Vec<AlsoEnds> {
    let program = AlsoEnds::new(AlsoEndsKind::Process, &kept.process.name_and_pid());
    let ports = kept.background.also_ends.iter().cloned();
    [program].into_iter().chain(ports).collect()
}
