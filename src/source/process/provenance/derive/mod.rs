//! What started a process, and whether it is left over, decided from its ancestors and its facts.
//!
//! The nearest evidence counts. In this order: the nearest ancestor that is known for starting others; where the
//! environment names an agent or a CI job that this ancestor's own environment does not name, that one, as it is between
//! the two; a unit; other names of the environment. An ancestor is there, while names are inherited: a tmux server has the
//! names of the login that it was started in. A user manager passes its names on to services, so a unit counts more.

use super::environment::Markers;
use super::facts::{Facts, Session};
use crate::model::{LeftOver, Pid, Process, StartedBy, StarterKind};

/// Longer lines of ancestors are cut; records that were not read at one instant could form a cycle.
const MAX_DEPTH: usize = 64;

/// What was decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Derived {
    pub(crate) started_by: Option<StartedBy>,
    pub(crate) left_over: Option<LeftOver>,
    /// An ancestor whose facts are needed, too, and not known.
    pub(super) needs: Option<Pid>,
}

/// Decides for a process with these facts.
pub(super) fn derive<'a, 'f>(
    process: &'a Process,
    own: &Facts,
    process_of: impl Fn(Pid) -> Option<&'a Process>,
    facts_of: impl Fn(Pid) -> Option<&'f Facts>,
) -> Derived {
    let line = Line::of(process, process_of);
    let named = own.markers.as_ref().and_then(Markers::started_by);
    let is_inner = |by: &StartedBy| matches!(by.kind, StarterKind::Agent | StarterKind::Ci);
    let inner = named.clone().filter(is_inner);
    let mut needs = None;
    let started_by = match (line.starter, inner) {
        (Some(starter), Some(inner)) if !is_inner(&starter) => {
            let ancestor = starter.pid.and_then(&facts_of);
            needs = starter.pid.filter(|_| ancestor.is_none());
            let markers = ancestor.and_then(|facts| facts.markers.as_ref());
            let is_outer = markers.is_some_and(|markers| markers.has(&inner));
            Some(if is_outer || needs.is_some() {
                starter
            } else {
                inner
            })
        }
        (Some(starter), _) => Some(starter),
        (None, Some(inner)) => Some(inner),
        (None, None) => own_unit(process, own).or(named),
    };
    let left_over = own.left_over.or_else(|| {
        let is_gone = match line.adopter {
            Some(adopter) => is_parent_gone(process, adopter, own, started_by.as_ref()),
            None => false,
        };
        is_gone.then_some(LeftOver::ParentGone)
    });
    Derived {
        started_by,
        left_over,
        needs,
    }
}

/// The unit; the ssh server is not started over ssh.
fn own_unit(process: &Process, own: &Facts) -> Option<StartedBy> {
    let unit = own.unit.clone()?;
    let is_service = unit.kind == StarterKind::Service;
    (is_service || process.as_starter().is_none()).then_some(unit)
}

/// Whether the shell or job that started an adopted process has ended. A daemon and a service are adopted, too, and are
/// there to stay: a process that began a session of its own, and one in the unit of a service.
fn is_parent_gone(
    process: &Process,
    adopter: Adopter<'_>,
    own: &Facts,
    by: Option<&StartedBy>,
) -> bool {
    if process.as_starter().is_some() || by.is_some_and(|by| !by.is_session()) {
        return false;
    }
    match own.session {
        Session::JobOfEnded => true,
        // Where there is no job control.
        Session::Ended => by.is_some_and(|by| {
            matches!(
                by.kind,
                StarterKind::Agent | StarterKind::Ci | StarterKind::Ssh
            )
        }),
        Session::Lasts => match adopter {
            // A shell that lost what started it.
            Adopter::First(top) => {
                let is_leader = top.session == Some(top.pid) && process.session == top.session;
                by.is_some() && top.pid != process.pid && is_leader && top.is_shell()
            }
            // It may be the program that was run, which has not lost anything.
            Adopter::Run => false,
        },
    }
}

/// What adopts processes whose parent has ended.
#[derive(Clone, Copy)]
enum Adopter<'a> {
    /// The first process or a user manager, whose child among the ancestors this is. It may be the process itself.
    First(&'a Process),
    /// The supervisor of `sockeye run`. The program that was run is its child, too.
    Run,
}

/// The short name of the supervisor of `sockeye run`.
const RUN: &str = "sockeye-run";

/// The ancestors of a process.
struct Line<'a> {
    /// The nearest one that is known for starting others.
    starter: Option<StartedBy>,
    /// The nearest one that adopts processes.
    adopter: Option<Adopter<'a>>,
}

impl<'a> Line<'a> {
    fn of(process: &'a Process, process_of: impl Fn(Pid) -> Option<&'a Process>) -> Self {
        let mut line = Self {
            starter: None,
            adopter: None,
        };
        let mut top = process;
        for _ in 0..MAX_DEPTH {
            let Some(pid) = top.parent else {
                return line;
            };
            let parent = process_of(pid);
            if pid == 1 || parent.is_some_and(|parent| &*parent.comm == "systemd") {
                line.adopter.get_or_insert(Adopter::First(top));
                return line;
            }
            let Some(parent) = parent else {
                return line;
            };
            line.starter = parent.as_starter();
            if line.starter.is_some() {
                return line;
            }
            if &*parent.comm == RUN {
                line.adopter.get_or_insert(Adopter::Run);
            }
            top = parent;
        }
        line
    }
}

#[cfg(test)]
mod tests;
