//! A frame that has the changes since the previous one.
//!
//! Of 10,000 sockets a hundred change in a second: written whole, each snapshot is 3 MB. The order of the
//! sockets is kept, as rows are matched by it too. A line names the snapshot that it builds on, so that a missing
//! one is noticed.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Frame, MAX_LENGTH, SCHEMA, SocketFrame, bounded_list, too_many};
use crate::model::{Moment, Pid};

/// Version of a line that builds on the one before.
pub(super) const CHANGES: u32 = 2;

/// The unchanged parts of the previous snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Since {
    /// When that snapshot was taken.
    pub(super) taken_at: Moment,
    /// Which of its sockets are still the same, and where the new ones go.
    #[serde(deserialize_with = "bounded_list")]
    pub(super) kept: Vec<Run>,
    /// Its processes that are not in this snapshot.
    #[serde(deserialize_with = "bounded_list")]
    pub(super) ended: Vec<Pid>,
}

/// `count` sockets of the snapshot before, beginning with `first`, and then `new` ones: `[first, count, new]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run(pub(super) usize, pub(super) usize, pub(super) usize);

impl Frame {
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
