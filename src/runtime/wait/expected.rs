//! The server that is waited for: whether the listeners that a client gets are its own.

use std::collections::HashMap;
use std::iter::successors;
use std::path::PathBuf;
use std::sync::Arc;

use super::Port;
use crate::bind::{ServerMatch, diverting, is_of_server};
use crate::model::{Holder, Moment, Pid, Process, Redirect};
use crate::source::{PinnedProcess, is_of_project};

/// Processes by pid.
pub(super) type Processes = HashMap<Pid, Arc<Process>>;

/// The most ancestors of an owner.
const MAX_DEPTH: usize = 64;

/// The server that a listener must belong to.
#[derive(Clone, Debug)]
pub enum ExpectedServer {
    /// This process, or one that descends from it.
    Process(Box<PinnedProcess>),
    /// A process that has ended: whatever listens is another.
    Ended,
    /// A process of the project with this real path.
    Project(PathBuf),
}

impl ExpectedServer {
    /// Whether it has ended. Processes of a project can always start.
    pub fn has_ended(&self) -> bool {
        match self {
            Self::Process(process) => process.has_ended(),
            Self::Ended => true,
            Self::Project(_) => false,
        }
    }

    /// Whether a process is of it; `processes` has its ancestors. `None` if that is unknown.
    fn has(&self, process: &Process, processes: &Processes) -> Option<bool> {
        match self {
            Self::Process(pinned) => {
                let parent = |one: &&Process| Some(&**processes.get(&one.parent?)?);
                let mut line = successors(Some(process), parent).take(MAX_DEPTH);
                Some(line.any(|one| one.is_same(pinned.process())))
            }
            Self::Ended => Some(false),
            Self::Project(project) => is_of_project(process, project),
        }
    }
}

impl Port {
    /// Decides whose `listeners` a client gets; those that were closed meanwhile don't count.
    pub(super) fn match_server(
        &mut self,
        expected: &ExpectedServer,
        listeners: Vec<Holder>,
        (processes, at): (&Processes, Moment),
    ) -> bool {
        let is_open = |holder: &Holder| holder.is_still_open;
        let listeners: Vec<_> = listeners.into_iter().filter(is_open).collect();
        let is_expected =
            |holder: &Holder| is_of_server(holder, |owner| expected.has(owner, processes));
        let answers: Vec<_> = listeners.iter().map(is_expected).collect();
        self.server = ServerMatch::of(&answers);
        let others = listeners.iter().zip(&answers);
        let others = others.filter(|(_, answer)| **answer != Some(true));
        self.others = others.map(|(holder, _)| holder.clone()).collect();
        (self.holders, self.seen_at) = (listeners, at);
        self.diverted_by = None;
        self.server == Some(ServerMatch::Expected)
    }

    /// Whether a rule of the packet filter sends clients of the expected server elsewhere.
    pub(super) fn is_diverted(&mut self, redirects: &[Redirect]) -> bool {
        self.diverted_by = diverting(&self.target, redirects).cloned();
        if self.diverted_by.is_some() {
            self.server = Some(ServerMatch::Several);
        }
        self.diverted_by.is_some()
    }
}
