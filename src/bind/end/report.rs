//! What came of a plan, for each port. Values only: `runtime::end_port` makes them, `report::end` prints them.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::PlannedPort;
use crate::model::{Pid, Process, Signal};

/// What came of a plan.
#[derive(Clone, Debug)]
pub struct EndReport {
    /// The ports of the plan, in its order.
    pub ports: Vec<PortReport>,
    /// The signals that were sent, in order.
    pub sent: Vec<SentSignal>,
    /// The programs that were run, in order.
    pub ran: Vec<RanProgram>,
    /// The processes that had a port before and have ended, each with the time from the first step.
    pub ended: Vec<(Arc<Process>, Duration)>,
}

impl EndReport {
    /// Whether every port can be bound.
    pub fn is_free(&self) -> bool {
        self.ports.iter().all(|port| port.is_free)
    }
}

/// What came of one port.
#[derive(Clone, Debug)]
pub struct PortReport {
    /// What was planned.
    pub plan: PlannedPort,
    /// What came of it.
    pub outcome: EndOutcome,
    /// Whether the port can be bound now, by a server that sets `SO_REUSEADDR`.
    pub is_free: bool,
    /// The time from the first step until the port could be bound, or until it was given up.
    pub took: Duration,
}

/// What came of one port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndOutcome {
    /// It could be bound before.
    NothingToDo,
    /// It can be bound now.
    Free {
        /// The supervisor that may start the process again later.
        supervisor: Option<String>,
        /// The bind test's sentence on connections that are left.
        leftovers: Option<String>,
    },
    /// It became free, and a process that did not have it before has it now.
    Back {
        /// The process.
        pid: Pid,
        /// Its name.
        name: String,
        /// Whether it is the same program as one that ended.
        is_same: bool,
        /// What started it.
        by: Option<String>,
        /// A command that frees the port for good.
        command: Option<String>,
    },
    /// Processes did not end in time: why, as a part of a sentence.
    StillRunning {
        /// Their names.
        names: String,
        /// Why, and what ends them; empty if that is unknown.
        why: String,
    },
    /// The processes ended, or the steps were carried out, and the port is in use: the bind test's sentence.
    Kept(String),
    /// It did not become free by itself in time: the bind test's sentence.
    TimedOut(String),
    /// Nothing was done: why, as a sentence without a full stop.
    Refused(String),
    /// A step failed: why, as a sentence without a full stop.
    Failed(String),
    /// The user did not confirm.
    Declined,
    /// It was only planned.
    Planned,
}

impl EndOutcome {
    /// A word for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingToDo => "nothing_to_do",
            Self::Free { .. } => "free",
            Self::Back { .. } => "back",
            Self::StillRunning { .. } => "still_running",
            Self::Kept(_) => "kept",
            Self::TimedOut(_) => "timed_out",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Declined => "declined",
            Self::Planned => "planned",
        }
    }
}

/// A signal that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentSignal {
    /// Which one.
    pub signal: Signal,
    /// The processes that got it.
    pub pids: Vec<Pid>,
}

/// A program that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RanProgram {
    /// Its words, as a line.
    pub command: String,
    /// Its exit code; `None` if it did not end in time, or by a signal.
    pub code: Option<i32>,
}
