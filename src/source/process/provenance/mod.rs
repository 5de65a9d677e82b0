//! Where processes come from: their project and its branch, what started them, and whether they are left over.
//!
//! All of it is read in the background, for owners of sockets and as far as needed for their ancestors. What may change
//! while a process runs is read again for some processes with each snapshot, in turn, so that the cost has a bound.

mod answers;
mod background;
mod derive;
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux has `/proc`")
)]
mod environment;
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux has `/proc`")
)]
mod facts;
mod find;
mod ownership;
mod projects;
mod repository;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use self::answers::{Answers, Patience};
#[cfg(target_os = "linux")]
pub(crate) use self::background::start_background_thread;
use self::derive::Derived;
use self::facts::{Facts, Request};
pub(super) use self::find::PlaceFacts;
pub use self::find::{Project, project_folder_of, project_of};
#[cfg(target_os = "linux")]
pub(super) use self::find::{project_through, root};
pub(super) use self::projects::Place;
use self::projects::Projects;
use crate::model::{Moment, Pid, Process};

/// How often facts are read again, and of how many processes and places.
const STEP: Duration = Duration::from_secs(1);
const PROCESSES_IN_STEP: usize = 32;
const PLACES_IN_STEP: usize = 16;

/// The most processes whose facts are read before others get their turn.
const MAX_BATCH: usize = 4096;

/// The facts of processes about where they come from.
#[derive(Default)]
pub(super) struct Provenance {
    projects: Projects,
    facts: HashMap<Pid, Facts>,
    queued: HashSet<Pid>,
    /// Those of the queue that were forgotten meanwhile: the answer may be about another program.
    outdated: HashSet<Pid>,
    /// Ancestors whose facts are needed.
    needed: HashSet<Pid>,
    /// The processes to read again, in turn.
    to_check: Vec<Pid>,
    stepped_at: Option<Moment>,
    answers: Answers<Answer>,
    /// Whether a process or a fact has changed since the last derivation.
    has_changed: bool,
}

type Answer = Vec<(Pid, Facts)>;

impl Provenance {
    /// The project of a process that was just read, as far as known.
    pub(super) fn place(&mut self, pid: Pid, place: Place) -> PlaceFacts {
        self.projects.of(pid, place)
    }

    /// A process was read and is not as before: it may execute another program, or be another process.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.facts.remove(&pid);
        if self.queued.contains(&pid) {
            self.outdated.insert(pid);
        }
        self.has_changed = true;
    }

    /// A process has ended: others may have another parent.
    pub(super) const fn expect_change(&mut self) {
        self.has_changed = true;
    }

    /// Has the facts of these owners read, if they are not known, and those of some of them again.
    pub(super) fn request(&mut self, owners: &[Pid], is_alive: impl Fn(Pid) -> bool, at: Moment) {
        let is_due = self.stepped_at.is_none_or(|last| last.age(at) >= STEP);
        let mut again = Vec::new();
        if is_due {
            self.stepped_at = Some(at);
            if self.to_check.is_empty() {
                self.facts.retain(|&pid, _| is_alive(pid));
                self.needed.retain(|&pid| is_alive(pid));
                self.to_check = owners.to_vec();
            }
            let rest = self.to_check.len().saturating_sub(PROCESSES_IN_STEP);
            again = self.to_check.split_off(rest);
            self.projects.check_again(PLACES_IN_STEP, &is_alive);
        }
        let unknown = owners.iter().filter(|pid| !self.facts.contains_key(pid));
        let pids = unknown.copied().chain(again).filter(|&pid| is_alive(pid));
        self.read(pids.collect());
    }

    /// Queues processes whose facts are not on their way.
    fn read(&mut self, pids: Vec<Pid>) {
        let is_new = |pid: &Pid| !self.queued.contains(pid);
        let pids: HashSet<Pid> = pids.into_iter().filter(is_new).take(MAX_BATCH).collect();
        if pids.is_empty() {
            return;
        }
        let request = |&pid: &Pid| Request {
            pid,
            place: self.projects.place_of(pid).cloned(),
            before: self.facts.get(&pid).cloned(),
        };
        let requests: Vec<_> = pids.iter().map(request).collect();
        let answers = self.answers.sender();
        let job = move || {
            let read = |request: Request| (request.pid, Facts::read(request));
            // No one may wait for it any more.
            let _ = answers.send(requests.into_iter().map(read).collect());
        };
        if background::queue(Box::new(job)) {
            self.queued.extend(pids);
        }
    }

    /// The projects found since the last call, by process.
    pub(super) fn take_projects(&mut self) -> HashMap<Pid, PlaceFacts> {
        self.projects.take_late()
    }

    /// Decides for each of these owners what started it and whether it is left over, if something has changed since the
    /// last call and its facts are known. Returns those for which that is not as in its record.
    pub(super) fn derive<'a>(
        &mut self,
        owners: &[Pid],
        process_of: impl Fn(Pid) -> Option<&'a Process>,
    ) -> Vec<(Pid, Derived)> {
        self.take_answers();
        if !std::mem::take(&mut self.has_changed) {
            return Vec::new();
        }
        let (mut changed, mut needed) = (Vec::new(), Vec::new());
        for &pid in owners {
            let (Some(process), Some(facts)) = (process_of(pid), self.facts.get(&pid)) else {
                continue;
            };
            let derived = derive::derive(process, facts, &process_of, |pid| self.facts.get(&pid));
            needed.extend(derived.needs);
            if derived.started_by != process.started_by || derived.left_over != process.left_over {
                changed.push((pid, derived));
            }
        }
        self.needed.extend(&needed);
        self.read(needed);
        changed
    }

    fn take_answers(&mut self) {
        for answer in self.answers.take() {
            self.add(answer);
        }
    }

    fn add(&mut self, answer: Answer) {
        for (pid, facts) in answer {
            self.queued.remove(&pid);
            if self.outdated.remove(&pid) {
                continue;
            }
            self.has_changed |= self.facts.get(&pid) != Some(&facts);
            self.facts.insert(pid, facts);
        }
    }

    /// Waits a moment for facts that are not known yet; never again if they did not come in time.
    pub(super) fn wait(&mut self) {
        self.projects.wait();
        let mut patience = Patience::start();
        while self.queued.iter().any(|pid| !self.facts.contains_key(pid)) {
            let Some(answer) = self.answers.next(&mut patience) else {
                return;
            };
            self.add(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_about_a_program_that_was_replaced_meanwhile_is_not_kept() {
        let mut provenance = Provenance::default();
        provenance.queued.insert(7);
        provenance.forget(7);
        provenance.add(vec![(7, Facts::default())]);
        assert!(provenance.facts.is_empty() && provenance.queued.is_empty());
        provenance.add(vec![(7, Facts::default())]);
        assert!(provenance.facts.contains_key(&7));
    }

    #[test]
    fn facts_are_read_again_for_some_processes_a_second_in_turn() {
        let at = |seconds| Moment {
            steady: Duration::from_secs(seconds),
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        // No process has such a pid.
        let owners: Vec<Pid> = (Pid::MAX - 99..=Pid::MAX).collect();
        let mut provenance = Provenance::default();
        let known = owners.iter().map(|&pid| (pid, Facts::default()));
        provenance.facts = known.collect();
        let mut read = HashSet::new();
        for (seconds, expected) in [(0, 32), (0, 32), (1, 64), (2, 96), (3, 100)] {
            provenance.request(&owners, |_| true, at(seconds));
            read.extend(provenance.queued.drain());
            assert_eq!(read.len(), expected, "{seconds}");
        }
        // Those that have ended are forgotten, and are not read.
        provenance.request(&owners, |pid| pid == Pid::MAX, at(4));
        assert_eq!(provenance.facts.len(), 1);
    }
}
