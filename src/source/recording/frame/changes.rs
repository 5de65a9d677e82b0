//! A frame as changes since the previous one, and back.
//!
//! Of 10,000 sockets a hundred change in a second: written whole, each snapshot is 3 MB. The order of the
//! sockets is kept, as rows are matched by it too. A line names the snapshot that it builds on, so that a missing
//! one is noticed.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Frame, MAX_LENGTH, SCHEMA, SocketFrame, bounded_list, too_many};
use crate::model::{Moment, Pid, Process};

/// Version of a line that builds on the one before.
const CHANGES: u32 = 2;

/// The unchanged parts of the previous snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Since {
    /// When that snapshot was taken.
    taken_at: Moment,
    /// Which of its sockets are still the same, and where the new ones go.
    #[serde(deserialize_with = "bounded_list")]
    kept: Vec<Run>,
    /// Its processes that are not in this snapshot.
    #[serde(deserialize_with = "bounded_list")]
    ended: Vec<Pid>,
}

/// `count` sockets of the snapshot before, beginning with `first`, and then `new` ones: `[first, count, new]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run(usize, usize, usize);

impl Frame {
    /// This whole frame as changes since another whole one.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let (kept, sockets) = compared(&before.sockets, &self.sockets);
        let old: HashMap<Pid, _> = before.processes.iter().map(|it| (it.pid, it)).collect();
        let is_new = |process: &&Arc<Process>| old.get(&process.pid) != Some(process);
        let pids: HashSet<Pid> = self.processes.iter().map(|process| process.pid).collect();
        let ended = before.processes.iter().map(|process| process.pid);
        Self {
            schema: CHANGES,
            since: Some(Since {
                taken_at: before.taken_at,
                kept,
                ended: ended.filter(|pid| !pids.contains(pid)).collect(),
            }),
            sockets,
            processes: self.processes.iter().filter(is_new).cloned().collect(),
            kinds: self.kinds.clone(),
            problems: self.problems.clone(),
            namespaces: self.namespaces.clone(),
            late_namespaces: self.late_namespaces.clone(),
            ephemeral: self.ephemeral.clone(),
            closed: self.closed.clone(),
            ..*self
        }
    }

    /// The whole frame, given the previous whole one, or the error.
    pub(crate) fn completed(self, before: Option<&Self>) -> Result<Self, String> {
        let since = match (self.schema, &self.since) {
            (SCHEMA, None) => return Ok(self),
            (CHANGES, Some(since)) => since,
            (SCHEMA | CHANGES, _) => return Err("it is neither whole nor a change".to_owned()),
            (other, _) => {
                return Err(format!(
                    "schema {other} is not supported, only {SCHEMA} and {CHANGES}"
                ));
            }
        };
        let before = before
            .filter(|before| before.taken_at == since.taken_at)
            .ok_or("the reading that this line builds on is missing")?;
        let sockets = joined(&before.sockets, &since.kept, &self.sockets)?;
        let replaced = self.processes.iter().map(|process| process.pid);
        let ended: HashSet<Pid> = replaced.chain(since.ended.iter().copied()).collect();
        let mut processes = before.processes.clone();
        processes.retain(|process| !ended.contains(&process.pid));
        processes.extend(self.processes);
        if processes.len() > MAX_LENGTH {
            return Err(too_many());
        }
        processes.sort_by_key(|process| process.pid);
        Ok(Self {
            schema: SCHEMA,
            since: None,
            sockets,
            processes,
            ..self
        })
    }
}

/// What identifies a socket while its other properties change; several may have the same.
fn key(socket: &SocketFrame) -> impl Hash + Eq + use<> {
    (
        (socket.protocol, socket.local, socket.remote),
        (socket.inode, socket.namespace),
    )
}

/// The common elements, and those only in the second. Mostly the order is the same, so the next one is compared first;
/// an index is built only after a change.
fn compared(old: &[SocketFrame], new: &[SocketFrame]) -> (Vec<Run>, Vec<SocketFrame>) {
    let mut index: Option<HashMap<_, usize>> = None;
    let (mut runs, mut others) = (Vec::new(), Vec::new());
    let mut run = Run(0, 0, 0);
    for socket in new {
        let expected = run.0 + run.1;
        let is_same = |&at: &usize| old.get(at) == Some(socket);
        let found = Some(expected).filter(is_same).or_else(|| {
            let index = index.get_or_insert_with(|| old.iter().map(key).zip(0..).collect());
            index.get(&key(socket)).copied().filter(is_same)
        });
        match found {
            Some(at) if at == expected && run.2 == 0 => run.1 += 1,
            Some(at) => {
                runs.push(run);
                run = Run(at, 1, 0);
            }
            None => {
                run.2 += 1;
                others.push(socket.clone());
            }
        }
    }
    runs.push(run);
    // So there are no more of them than sockets, and a reader takes them.
    runs.retain(|run| *run != Run(0, 0, 0));
    (runs, others)
}

/// The sockets of these runs.
fn joined(
    old: &[SocketFrame],
    runs: &[Run],
    new: &[SocketFrame],
) -> Result<Vec<SocketFrame>, String> {
    let counts = runs.iter().map(|run| run.1);
    let kept = counts.fold(0, usize::saturating_add);
    if kept.saturating_add(new.len()) > MAX_LENGTH {
        return Err(too_many());
    }
    let (mut all, mut new) = (Vec::new(), new.iter());
    for &Run(first, count, others) in runs {
        let kept = first.checked_add(count).and_then(|end| old.get(first..end));
        all.extend_from_slice(kept.ok_or("it takes over more than the reading before has")?);
        all.extend(new.by_ref().take(others).cloned());
    }
    all.extend(new.cloned());
    Ok(all)
}
