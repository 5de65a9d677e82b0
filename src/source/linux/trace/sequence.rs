//! The records of all rings in the order of their times, as events with their processes.
//!
//! A loss has a begin and an end. What is older than its begin is certain; all between is left out, as a record that is
//! missing may be what it depends on: a new process with a known pid, a new socket at a known address.

use std::collections::HashMap;
use std::time::Duration;

use super::names::Names;
use super::record::{Record, SocketRecord};
use super::{TraceEvent, TraceKind};
use crate::model::{Pid, Text};

/// What is known of processes, and the records that wait.
#[derive(Default)]
pub(super) struct Sequence {
    names: Names,
    /// Records that are newer than the start of the last pass.
    newer: Vec<Record>,
    /// The end of the last loss.
    lost_until: Option<Duration>,
}

/// What a record brings.
#[derive(Debug)]
pub(super) enum Step {
    Event(TraceEvent),
    /// How many were lost, 0 if that is not known.
    Lost(u64),
}

impl Sequence {
    /// The records of a pass over the rings that started at `now`. The rings are read one after another. What a record
    /// depends on (the start of its process, an earlier change of its socket) is in a ring before it happens. So all that
    /// the records up to then depend on has been read, but not what newer ones depend on, which may be in a ring that was
    /// read before.
    pub(super) fn steps(&mut self, records: Vec<Record>, now: Duration) -> Vec<Step> {
        self.newer.extend(records);
        self.newer.sort_by_key(Record::at);
        let mut left = changes_by_pid(&self.newer);
        let is_old = |record: &Record| record.at() <= now;
        let newer = self.newer.split_off(self.newer.partition_point(is_old));
        let mut steps = Vec::new();
        for record in std::mem::replace(&mut self.newer, newer) {
            if let Record::Comm { pid, .. } | Record::Fork { pid, .. } = &record
                && let Some(count) = left.get_mut(pid)
            {
                *count -= 1;
            }
            steps.extend(self.step(record, &left));
        }
        steps
    }

    /// Whether records wait for the next pass.
    pub(super) const fn has_newer(&self) -> bool {
        !self.newer.is_empty()
    }

    fn step(&mut self, record: Record, left: &HashMap<Pid, usize>) -> Option<Step> {
        if let Record::Lost { count, until, .. } = record {
            self.names.clear();
            self.lost_until = self.lost_until.max(Some(until));
            return Some(Step::Lost(count));
        }
        if self.lost_until.is_some_and(|until| record.at() <= until) {
            return None;
        }
        self.names.apply(&record);
        match record {
            Record::Socket(record) => Some(Step::Event(self.event(&record, left))),
            _ => None,
        }
    }

    /// The pid is 0 or -1 where the process is unknown, which counts only for a freed socket.
    fn event(&mut self, record: &SocketRecord, left: &HashMap<Pid, usize>) -> TraceEvent {
        let (pid, kind) = (record.pid, record.kind);
        let is_known = pid != 0 && pid != Pid::MAX;
        let (comm, process) = match kind {
            TraceKind::Destroy => (Text::default(), None),
            _ if !is_known => (Text::default(), None),
            _ => {
                let has_changed = left.get(&pid).is_some_and(|&count| count > 0);
                self.names.process_at(pid, record.at, has_changed)
            }
        };
        TraceEvent {
            kind,
            at: record.at,
            pid,
            tid: record.tid,
            comm,
            process,
            socket: record.socket,
            local: record.local,
            remote: record.remote,
            cookie: record.cookie,
        }
    }
}

/// How many records of a new name or a new process there are of each pid.
fn changes_by_pid(records: &[Record]) -> HashMap<Pid, usize> {
    let mut changes = HashMap::new();
    for record in records {
        if let Record::Comm { pid, .. } | Record::Fork { pid, .. } = record {
            *changes.entry(*pid).or_default() += 1;
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;

    /// A pid that no process has: the limit of the kernel is 2^22.
    const PID: Pid = 5_000_000;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn comm(at: u64, comm: &str) -> Record {
        Record::Comm {
            at: s(at),
            pid: PID,
            comm: Text::new(comm),
        }
    }

    const fn fork(at: u64) -> Record {
        Record::Fork {
            at: s(at),
            pid: PID,
            parent: None,
        }
    }

    const fn lost(from: u64, until: u64) -> Record {
        Record::Lost {
            count: 1,
            from: s(from),
            until: s(until),
        }
    }

    fn connect(at: u64) -> Record {
        let end = Endpoint::new([127, 0, 0, 1].into(), 80);
        Record::Socket(SocketRecord {
            at: s(at),
            pid: PID,
            tid: PID,
            kind: TraceKind::Connect,
            socket: 1,
            local: end,
            remote: Some(end),
            cookie: None,
        })
    }

    /// The times and names of the events, and `lost`.
    fn texts(steps: &[Step]) -> Vec<String> {
        let text = |step: &Step| match step {
            Step::Event(event) => format!("{} {}", event.at.as_secs(), event.comm),
            Step::Lost(_) => "lost".to_owned(),
        };
        steps.iter().map(text).collect()
    }

    #[test]
    fn a_name_from_before_a_loss_is_not_that_of_a_reused_pid() {
        let mut sequence = Sequence::default();
        // The end of the process and the start of another with its pid were lost.
        let records = vec![lost(2, 4), comm(1, "bash"), connect(5)];
        assert_eq!(texts(&sequence.steps(records, s(9))), ["lost", "5 "]);
        let records = vec![comm(10, "bash"), connect(12), lost(11, 11)];
        assert_eq!(texts(&sequence.steps(records, s(19))), ["lost", "12 "]);
    }

    #[test]
    fn only_what_is_between_begin_and_end_of_a_loss_is_left_out() {
        let mut sequence = Sequence::default();
        let records = vec![
            lost(3, 6),
            comm(1, "web"),
            connect(2),
            connect(4),
            comm(5, "sh"),
            comm(7, "curl"),
            connect(8),
        ];
        let steps = sequence.steps(records, s(9));
        assert_eq!(texts(&steps), ["2 web", "lost", "8 curl"]);
    }

    #[test]
    fn a_record_of_a_later_pass_may_be_from_before_the_end_of_a_loss() {
        let mut sequence = Sequence::default();
        let steps = sequence.steps(vec![comm(1, "web"), lost(2, 6), connect(5)], s(4));
        assert_eq!(texts(&steps), ["lost"]);
        assert!(sequence.has_newer());
        let steps = sequence.steps(vec![fork(7), connect(8)], s(9));
        assert_eq!(texts(&steps), ["8 "]);
        assert!(!sequence.has_newer());
    }
}
