//! One snapshot of the system's tables.

use std::collections::HashMap;
use std::sync::Arc;

use super::{EphemeralPorts, Kinds, Moment, Pid, Problem, Process, Socket};

/// The system's sockets and their processes at one moment.
///
/// A snapshot is not atomic: a row may be missing from one and back in the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was taken.
    pub taken_at: Moment,
    /// The kinds of sockets that were read.
    pub kinds: Kinds,
    /// Every socket of these kinds, in the order of the system's table.
    pub sockets: Vec<Socket>,
    /// The owners and their ancestors.
    pub processes: HashMap<Pid, Arc<Process>>,
    /// The problems: what could not be read.
    pub problems: Vec<Problem>,
    /// The port range for outgoing connections; `None` if unknown.
    pub ephemeral: Option<EphemeralPorts>,
}
