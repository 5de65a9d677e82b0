//! The projects of processes and their git branches, by the folders that they are in.
//!
//! A folder may be on a file system that no longer responds. So a thread looks, one for the whole program, and for each
//! folder once; requests don't wait, and results are collected later. A branch changes while a server runs: some places
//! are checked again with each snapshot, in turn.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::answers::{Answers, Patience};
use super::background::queue;
use super::find::{Found, PlaceFacts, is_own};
use super::ownership::Ownership;
use crate::model::Pid;

/// The most folders whose results are kept.
const MAX_KNOWN: usize = 4096;

/// Where a process is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// Its mount namespace, where that can be read: in another one the same path is another folder.
    namespace: Option<PathBuf>,
    /// Its working directory, as it sees it.
    pub(super) folder: String,
    /// The file that its interpreter runs, as its arguments name it.
    pub(super) script: Option<String>,
    /// Whose manifests and repositories count for its user.
    pub(super) ownership: Ownership,
}

/// The projects of processes.
#[derive(Default)]
pub(super) struct Projects {
    known: HashMap<Place, Found>,
    /// Where each process is. Each place is known or queued, if there was room.
    members: HashMap<Pid, Place>,
    queued: HashSet<Place>,
    /// The places whose results were not collected yet.
    fresh: HashSet<Place>,
    /// The places to check again, in turn.
    to_check: Vec<(Pid, Place)>,
    answers: Answers<Answer>,
}

/// What the thread found.
struct Answer {
    pid: Pid,
    place: Place,
    /// `None` if it is as before.
    found: Option<Found>,
    /// Whether the process was still there afterwards.
    is_valid: bool,
}

impl Place {
    pub(crate) fn of(pid: Pid, uid: Option<u32>, folder: &str, script: Option<&str>) -> Self {
        Self {
            namespace: namespace(&pid.to_string()),
            folder: folder.to_owned(),
            script: script.map(str::to_owned),
            ownership: Ownership::of(uid),
        }
    }

    /// Whether it can be in a project at all: most services of a system are in `/`.
    fn may_have_one(&self) -> bool {
        self.folder.len() > 1 || self.script.as_deref().is_some_and(is_own)
    }

    /// Whether its paths are those of this program.
    pub(super) fn is_in_own_namespace(&self) -> bool {
        static OWN: LazyLock<Option<PathBuf>> = LazyLock::new(|| namespace("self"));
        cfg!(unix) && self.namespace == *OWN
    }
}

fn namespace(process: &str) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{process}/ns/mnt")).ok()
}

impl Projects {
    /// The facts of a process's place, if already known. Otherwise they are looked for in the background.
    pub(super) fn of(&mut self, pid: Pid, place: Place) -> PlaceFacts {
        if !place.may_have_one() {
            self.members.remove(&pid);
            return PlaceFacts::default();
        }
        let known = self.known.get(&place).map(|known| known.facts.clone());
        if known.is_none() {
            self.request(pid, &place);
        }
        self.members.insert(pid, place);
        known.unwrap_or_default()
    }

    /// Where a process is, if it may be in a project.
    pub(super) fn place_of(&self, pid: Pid) -> Option<&Place> {
        self.members.get(&pid)
    }

    /// Queues a place, if it is not there and there is room.
    fn request(&mut self, pid: Pid, place: &Place) {
        if self.queued.contains(place) {
            return;
        }
        let before = self.known.get(place).cloned();
        let (answers, place) = (self.answers.sender(), place.clone());
        let job = {
            let place = place.clone();
            move || {
                let is_unchanged = before.is_some_and(|before| before.is_unchanged());
                let found = (!is_unchanged).then(|| Found::read(pid, &place));
                let is_valid = is_there(pid, Path::new(&place.folder));
                let answer = Answer {
                    pid,
                    place,
                    found,
                    is_valid,
                };
                // No one may wait for it any more.
                let _ = answers.send(answer);
            }
        };
        if queue(Box::new(job)) {
            self.queued.insert(place);
        }
    }

    /// Has some places checked again, in turn; all of them after so many calls as it takes. Forgets processes that are
    /// not of these.
    pub(super) fn check_again(&mut self, places: usize, is_alive: impl Fn(Pid) -> bool) {
        if self.to_check.is_empty() {
            self.members.retain(|&pid, _| is_alive(pid));
            let one_of_each: HashMap<_, _> = self
                .members
                .iter()
                .map(|(&pid, place)| (place, pid))
                .collect();
            let all = one_of_each.into_iter();
            self.to_check = all.map(|(place, pid)| (pid, place.clone())).collect();
        }
        for _ in 0..places {
            let Some((pid, place)) = self.to_check.pop() else {
                return;
            };
            self.request(pid, &place);
        }
    }

    /// The facts found since the last call, by process.
    pub(super) fn take_late(&mut self) -> HashMap<Pid, PlaceFacts> {
        for answer in self.answers.take() {
            self.add(answer);
        }
        let fresh = std::mem::take(&mut self.fresh);
        if fresh.is_empty() {
            return HashMap::new();
        }
        let members = self.members.iter();
        let late = members.filter(|(_, place)| fresh.contains(place));
        late.filter_map(|(&pid, place)| Some((pid, self.known.get(place)?.facts.clone())))
            .collect()
    }

    /// Waits a moment for results; never again if they did not come in time.
    pub(super) fn wait(&mut self) {
        let mut patience = Patience::start();
        while self
            .queued
            .iter()
            .any(|place| !self.known.contains_key(place))
        {
            let Some(answer) = self.answers.next(&mut patience) else {
                return;
            };
            self.add(answer);
        }
    }

    fn add(&mut self, answer: Answer) {
        let Answer {
            pid,
            place,
            found,
            is_valid,
        } = answer;
        self.queued.remove(&place);
        if is_valid {
            if let Some(found) = found {
                self.forget_if_full();
                let facts = found.facts.clone();
                let before = self.known.insert(place.clone(), found);
                if before.is_none_or(|before| before.facts != facts) {
                    self.fresh.insert(place);
                }
            }
            return;
        }
        if self.members.get(&pid) == Some(&place) {
            self.members.remove(&pid);
        }
        // Another process may still be there.
        let other = self.members.iter().find(|(_, one)| **one == place);
        if let Some((&other, _)) = other {
            self.request(other, &place);
        }
    }

    /// Makes room for a result. Those that were not collected yet stay.
    fn forget_if_full(&mut self) {
        if self.known.len() >= MAX_KNOWN {
            self.known.retain(|place, _| self.fresh.contains(place));
        }
    }
}

/// Whether the process is still in this folder, or another one has its pid.
#[cfg(target_os = "linux")]
fn is_there(pid: Pid, folder: &Path) -> bool {
    let now = std::fs::read_link(format!("/proc/{pid}/cwd"));
    now.is_ok_and(|now| now.to_string_lossy() == folder.to_string_lossy())
}

#[cfg(not(target_os = "linux"))]
const fn is_there(_: Pid, _: &Path) -> bool {
    true
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
