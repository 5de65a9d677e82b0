//! How many sockets changed when, for a timeline: from the heads of the frames alone.

use jiff::Timestamp;

use super::{History, timestamp};
use crate::history::format::{Head, Kind};
use crate::history::{Bucket, GapReason, TimeRange};

impl History {
    /// How many sockets opened, closed and changed in each of so many equal parts of a range. A frame of several seconds counts
    /// where it begins. Empty if `buckets` is 0.
    pub fn counts(&self, range: TimeRange, buckets: usize) -> Vec<Bucket> {
        let (from, to) = (range.from.as_millisecond(), range.to.as_millisecond());
        let span = i128::from(to.saturating_sub(from)).max(0) + 1;
        let count = i128::try_from(buckets).unwrap_or(i128::MAX);
        let begins = |at: usize| {
            let offset = span * i128::try_from(at).unwrap_or_default() / count.max(1);
            timestamp(from.saturating_add(i64::try_from(offset).unwrap_or(i64::MAX)))
        };
        let mut all: Vec<_> = (0..buckets).map(|at| empty(begins(at))).collect();
        let index = |ms: i64| {
            let offset = (i128::from(ms) - i128::from(from)).clamp(0, span - 1);
            usize::try_from(offset * count / span).unwrap_or_default()
        };
        for head in self.heads().filter(|_| buckets > 0) {
            if head.end() < from || head.wall > to {
                continue;
            }
            let (first, last) = (index(head.wall), index(head.end()));
            all[first].add(&head);
            for bucket in &mut all[first..=last.max(first)] {
                bucket.is_recorded = true;
            }
        }
        for section in self.sections() {
            if section.end >= from && section.start <= to && buckets > 0 {
                let (first, last) = (index(section.start), index(section.end));
                for bucket in &mut all[first..=last.max(first)] {
                    bucket.is_recorded = true;
                }
            }
        }
        for gap in self.gaps(range) {
            let (first, last) = (gap.from.as_millisecond(), gap.to.as_millisecond());
            if gap.reason != GapReason::ClockSet && first < last && buckets > 0 {
                for bucket in &mut all[index(first)..=index(last)] {
                    bucket.has_gap = true;
                }
            }
        }
        all
    }

    fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        let entries = self.segments.iter().flat_map(|one| &one.frames.entries);
        let heads = entries.map(|entry| entry.head);
        heads.filter(|head| head.kind == Kind::Changes)
    }
}

impl Bucket {
    fn add(&mut self, head: &Head) {
        self.opened += u64::from(head.counts.opened);
        self.closed += u64::from(head.counts.closed);
        self.changed += u64::from(head.counts.changed);
        self.has_listener_change |= head.flags & Head::HAS_LISTENER_CHANGE != 0;
    }
}

fn empty(from: Timestamp) -> Bucket {
    Bucket {
        from,
        opened: 0,
        closed: 0,
        changed: 0,
        has_listener_change: false,
        is_recorded: false,
        has_gap: false,
    }
}
