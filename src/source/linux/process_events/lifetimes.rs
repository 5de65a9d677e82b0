//! Which process had a pid at some time, by the events of the proc connector.
//!
//! A pid is one process from its fork to its exit, and each program that it executes begins at a time. Where that order
//! is not known, nothing is returned: before the first event of a pid, and after a gap in the events, in which the process
//! may have ended and another one got its pid.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::message::{Event, EventKind};
use crate::model::{Pid, Process};

/// The most processes that have ended.
const MAX_ENDED: usize = 4096;

/// The most processes that run; more are not remembered.
const MAX_RUNNING: usize = 16_384;

/// The most programs of a process, the newest.
const MAX_PROGRAMS: usize = 4;

/// The lifetimes of processes, by pid.
#[derive(Default)]
pub(super) struct Lifetimes {
    running: HashMap<Pid, Lifetime>,
    /// Of one pid in the order in which they ended.
    ended: HashMap<Pid, VecDeque<Lifetime>>,
    /// The pids of all ended ones, in that order.
    order: VecDeque<Pid>,
    /// The time of the last event.
    last_at: Duration,
}

struct Lifetime {
    /// By whom it was forked; `None` if that was not seen, or since its first program.
    parent: Option<Pid>,
    /// In the order of their times.
    programs: Vec<Program>,
    /// The last time at which it certainly had the pid; `None` while it runs.
    until: Option<Duration>,
}

/// What a process executes from some time on.
struct Program {
    from: Duration,
    /// `None` if it could not be read.
    process: Option<Arc<Process>>,
    /// When that was read; later than `from`.
    read_at: Duration,
}

/// A process as it was read, and when that was done; `None` if it could not be read.
pub(super) type Reading = (Option<Arc<Process>>, Duration);

impl Lifetimes {
    /// The process that [`Self::apply`] has to read for this event.
    pub(super) fn unread(&self, event: &Event) -> Option<Pid> {
        match event.kind {
            EventKind::Exec => Some(event.pid),
            EventKind::Fork { parent } => (!self.running.contains_key(&parent)).then_some(parent),
            EventKind::Exit => None,
        }
    }

    /// Applies an event. `read` reads a process: of an exec its own, of a fork the parent, if that is not known.
    pub(super) fn apply(&mut self, event: Event, read: impl FnOnce(Pid) -> Reading) {
        let Event { at, pid, kind } = event;
        self.last_at = at;
        match kind {
            EventKind::Fork { parent } => {
                // Its exit was not seen.
                self.end(pid, at);
                let process = self.program_of(parent, at, read);
                self.start(pid, Some(parent), Program::at_once(at, process));
            }
            EventKind::Exec => {
                let (process, read_at) = read(pid);
                let program = Program {
                    from: at,
                    process,
                    read_at,
                };
                match self.running.get_mut(&pid) {
                    Some(lifetime) => lifetime.execute(program),
                    None => self.start(pid, None, program),
                }
            }
            EventKind::Exit => self.end(pid, at),
        }
    }

    /// Events were lost after the last one: no running process is known any more.
    pub(super) fn lose(&mut self) {
        let pids: Vec<Pid> = self.running.keys().copied().collect();
        for pid in pids {
            self.end(pid, self.last_at);
        }
    }

    /// The process that had this pid at this time. One that was forked and did not execute a program since has the name
    /// and arguments of its parent, and neither user nor start.
    pub(super) fn process_at(&self, pid: Pid, at: Duration) -> Option<Arc<Process>> {
        let ended = self.ended.get(&pid).into_iter().flatten();
        let mut lifetimes = self.running.get(&pid).into_iter().chain(ended);
        lifetimes
            .find(|lifetime| lifetime.contains(at))?
            .process_at(pid, at)
    }

    /// What a parent executes at this time.
    fn program_of(
        &mut self,
        parent: Pid,
        at: Duration,
        read: impl FnOnce(Pid) -> Reading,
    ) -> Option<Arc<Process>> {
        if let Some(lifetime) = self.running.get(&parent) {
            return lifetime.process_at(parent, at);
        }
        let (process, read_at) = read(parent);
        let program = Program {
            from: at,
            process: process.clone(),
            read_at,
        };
        self.start(parent, None, program);
        process
    }

    fn start(&mut self, pid: Pid, parent: Option<Pid>, program: Program) {
        if self.running.len() < MAX_RUNNING {
            let lifetime = Lifetime {
                parent,
                programs: vec![program],
                until: None,
            };
            self.running.insert(pid, lifetime);
        }
    }

    fn end(&mut self, pid: Pid, at: Duration) {
        let Some(mut lifetime) = self.running.remove(&pid) else {
            return;
        };
        lifetime.until = Some(at);
        self.ended.entry(pid).or_default().push_back(lifetime);
        self.order.push_back(pid);
        if self.order.len() > MAX_ENDED
            && let Some(oldest) = self.order.pop_front()
            && let Some(lifetimes) = self.ended.get_mut(&oldest)
        {
            lifetimes.pop_front();
            if lifetimes.is_empty() {
                self.ended.remove(&oldest);
            }
        }
    }
}

impl Lifetime {
    /// What was read after the next program had begun is of that one, or of none.
    fn execute(&mut self, program: Program) {
        if let Some(last) = self.programs.last_mut()
            && last.read_at >= program.from
        {
            last.process = None;
        }
        if self.programs.len() >= MAX_PROGRAMS {
            self.programs.remove(0);
            self.parent = None;
        }
        self.programs.push(program);
    }

    fn contains(&self, at: Duration) -> bool {
        let from = self
            .programs
            .first()
            .map_or(Duration::MAX, |first| first.from);
        from <= at && self.until.is_none_or(|until| at <= until)
    }

    fn process_at(&self, pid: Pid, at: Duration) -> Option<Arc<Process>> {
        let index = self
            .programs
            .iter()
            .rposition(|program| program.from <= at)?;
        let process = self.programs[index].process.as_ref()?;
        match self.parent.filter(|_| index == 0) {
            None => Some(Arc::clone(process)),
            Some(parent) => Some(Arc::new(forked(pid, parent, process))),
        }
    }
}

impl Program {
    /// That of a new process, which is known from the beginning.
    const fn at_once(from: Duration, process: Option<Arc<Process>>) -> Self {
        Self {
            from,
            process,
            read_at: Duration::ZERO,
        }
    }
}

/// A new process. It may change its user without executing a program.
fn forked(pid: Pid, parent: Pid, program: &Process) -> Process {
    Process {
        pid,
        parent: Some(parent),
        started_at: None,
        started_at_tick: None,
        user: None,
        uid: None,
        ..program.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Lifetimes and the events that they got.
    #[derive(Default)]
    struct Story(Lifetimes);

    impl Story {
        fn event(&mut self, second: u64, pid: Pid, kind: EventKind, name: &str, read_at: u64) {
            let at = s(second);
            let event = Event { at, pid, kind };
            let unread = self.0.unread(&event);
            self.0.apply(event, |pid| {
                assert_eq!(Some(pid), unread);
                let process = Process {
                    uid: Some(0),
                    ..Process::new(pid, name)
                };
                ((!name.is_empty()).then(|| Arc::new(process)), s(read_at))
            });
        }

        fn exec(&mut self, second: u64, pid: Pid, name: &str) {
            self.event(second, pid, EventKind::Exec, name, second);
        }

        fn fork(&mut self, second: u64, pid: Pid, parent: Pid) {
            self.event(second, pid, EventKind::Fork { parent }, "shell", second);
        }

        fn exit(&mut self, second: u64, pid: Pid) {
            self.event(second, pid, EventKind::Exit, "", second);
        }

        fn name(&self, second: u64, pid: Pid) -> Option<String> {
            let process = self.0.process_at(pid, s(second))?;
            assert_eq!(process.pid, pid);
            Some(process.name.to_string())
        }
    }

    #[test]
    fn a_process_has_its_name_while_it_runs_and_after_its_end() {
        let mut story = Story::default();
        story.exec(10, 7, "web");
        assert_eq!(story.name(9, 7), None);
        assert_eq!(story.name(12, 7).as_deref(), Some("web"));
        story.exit(20, 7);
        assert_eq!(story.name(10, 7).as_deref(), Some("web"));
        assert_eq!(story.name(20, 7).as_deref(), Some("web"));
        assert_eq!(story.name(21, 7), None);
        assert_eq!(story.name(12, 8), None);
    }

    #[test]
    fn a_reused_pid_is_each_process_in_its_time() {
        let mut story = Story::default();
        story.exec(10, 7, "web");
        story.exit(20, 7);
        story.exec(30, 7, "other");
        assert_eq!(story.name(15, 7).as_deref(), Some("web"));
        assert_eq!(story.name(25, 7), None);
        assert_eq!(story.name(35, 7).as_deref(), Some("other"));
        // Its exit was not seen: it was before the fork.
        story.fork(40, 7, 1);
        assert_eq!(story.name(39, 7).as_deref(), Some("other"));
        assert_eq!(story.name(41, 7).as_deref(), Some("shell"));
    }

    #[test]
    fn a_program_counts_until_the_next() {
        let mut story = Story::default();
        story.fork(10, 7, 1);
        story.exec(20, 7, "env");
        story.exec(30, 7, "web");
        assert_eq!(story.name(10, 7).as_deref(), Some("shell"));
        assert_eq!(story.name(29, 7).as_deref(), Some("env"));
        assert_eq!(story.name(30, 7).as_deref(), Some("web"));
    }

    #[test]
    fn what_was_read_too_late_is_not_of_that_program() {
        let mut story = Story::default();
        story.event(20, 7, EventKind::Exec, "web", 31);
        story.exec(30, 7, "web");
        assert_eq!(story.name(25, 7), None);
        assert_eq!(story.name(32, 7).as_deref(), Some("web"));
        story.exec(40, 7, "");
        assert_eq!(story.name(41, 7), None);
    }

    #[test]
    fn a_new_process_is_its_parent_by_name_but_not_by_user_and_start() {
        let mut story = Story::default();
        story.exec(10, 6, "sshd");
        story.fork(20, 7, 6);
        story.exit(21, 6);
        story.fork(30, 8, 7);
        let process = story.0.process_at(8, s(30)).unwrap();
        assert_eq!((&*process.name, process.parent), ("sshd", Some(7)));
        assert_eq!((process.uid, process.started_at_tick), (None, None));
        assert_eq!(story.0.process_at(6, s(15)).unwrap().uid, Some(0));
    }

    #[test]
    fn after_a_gap_a_running_process_is_known_only_up_to_it() {
        let mut story = Story::default();
        story.exec(10, 7, "web");
        story.exec(20, 8, "other");
        story.0.lose();
        assert_eq!(story.name(20, 7).as_deref(), Some("web"));
        assert_eq!(story.name(21, 7), None);
        story.exec(40, 7, "new");
        assert_eq!(story.name(15, 7).as_deref(), Some("web"));
        assert_eq!(story.name(41, 7).as_deref(), Some("new"));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let mut story = Story::default();
        for pid in 1..=10_000 {
            story.exec(u64::from(pid), pid, "web");
            story.exit(u64::from(pid), pid);
        }
        assert_eq!(
            (story.0.order.len(), story.0.ended.len()),
            (MAX_ENDED, MAX_ENDED)
        );
        assert_eq!(story.name(10_000, 10_000).as_deref(), Some("web"));
        for pid in 1..=20_000 {
            story.exec(20_000, pid, "web");
        }
        assert_eq!(story.0.running.len(), MAX_RUNNING);
        for second in 20_001..20_100 {
            story.exec(second, 1, "web");
        }
        assert_eq!(story.0.running[&1].programs.len(), MAX_PROGRAMS);
    }
}
