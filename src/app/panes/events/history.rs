//! The last minutes in buckets of a few seconds: counts of sockets by kind, and events.
//!
//! Times are from the tables, by the steady clock: setting the wall clock back has no effect, and a recording has its
//! playback time. A period without tables (paused, suspended) is a gap. Between two tables no further apart than the
//! interval, the earlier counts apply.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::Moment;
use crate::track::{Counts, Event, Mark};

/// The length of a bucket, in seconds.
pub(crate) const SECONDS: u64 = 5;

/// How many buckets are kept: ten minutes.
pub(crate) const BUCKETS: usize = 120;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// The wall clock at its first table.
    pub wall: Option<Timestamp>,
    /// The highest counts; `None` without a table.
    pub most: Option<Counts>,
    pub tally: Tally,
}

/// The number of events of each mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally([usize; 3]);

impl Tally {
    pub const fn of(&self, mark: Mark) -> usize {
        self.0[mark as usize]
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct CountHistory {
    /// Oldest first, without gaps; the last has the newest table.
    buckets: VecDeque<Bucket>,
    /// The number of the last bucket, counted from the zero of the steady clock.
    newest: u64,
    last: Option<(Moment, Counts)>,
}

impl CountHistory {
    /// Adds a table. The one before was valid for `valid_for` if none followed.
    pub(crate) fn add(&mut self, at: Moment, counts: Counts, valid_for: Duration) {
        let number = number(at).max(self.newest);
        let ahead = if self.buckets.is_empty() {
            1
        } else {
            number - self.newest
        };
        if ahead > BUCKETS as u64 {
            self.buckets.clear();
        }
        let previous = self.last.filter(|(last, _)| last.age(at) <= valid_for);
        let between = Bucket {
            most: previous.map(|(_, counts)| counts),
            ..Bucket::default()
        };
        for left in (0..ahead.min(BUCKETS as u64)).rev() {
            let bucket = if left > 0 { between } else { Bucket::default() };
            if self.buckets.len() == BUCKETS {
                self.buckets.pop_front();
            }
            self.buckets.push_back(bucket);
        }
        self.newest = number;
        self.last = Some((at, counts));
        if let Some(bucket) = self.buckets.back_mut() {
            bucket.wall.get_or_insert(at.wall);
            bucket.most = Some(bucket.most.map_or(counts, |before| most(before, counts)));
        }
    }

    /// Counts events; those older than all buckets are left out.
    pub(crate) fn count<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        for event in events {
            let ago = self.newest.saturating_sub(number(event.change.at));
            let ago = usize::try_from(ago).unwrap_or(usize::MAX);
            if let Some(bucket) = self.buckets.iter_mut().rev().nth(ago) {
                bucket.tally.0[Mark::of(&event.change.kind) as usize] += 1;
            }
        }
    }

    pub(crate) fn buckets(&self) -> impl ExactSizeIterator<Item = &Bucket> {
        self.buckets.iter()
    }

    /// The same, counting only these events.
    pub(crate) fn with<'a>(&self, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut only = self.clone();
        for bucket in &mut only.buckets {
            bucket.tally = Tally::default();
        }
        only.count(events);
        only
    }

    /// The highest counts in `stretches` of several buckets each, newest last; `None` if unknown. Their boundaries are
    /// fixed, so that they don't change as they age.
    pub(crate) fn levels(
        &self,
        stretches: usize,
        buckets: u64,
        pick: fn(&Counts) -> usize,
    ) -> Vec<Option<usize>> {
        let mut levels = vec![None; stretches];
        let newest = self.newest / buckets;
        for (ago, bucket) in (0..).zip(self.buckets.iter().rev()) {
            let stretch = self.newest.saturating_sub(ago) / buckets;
            let back = usize::try_from(newest - stretch).unwrap_or(usize::MAX);
            let Some(place) = stretches.checked_sub(back.saturating_add(1)) else {
                break;
            };
            levels[place] = levels[place].max(bucket.most.as_ref().map(pick));
        }
        levels
    }
}

/// The number of the bucket that a moment falls into.
const fn number(at: Moment) -> u64 {
    at.steady.as_secs() / SECONDS
}

fn most(one: Counts, other: Counts) -> Counts {
    Counts {
        listening: one.listening.max(other.listening),
        connected: one.connected.max(other.connected),
        time_wait: one.time_wait.max(other.time_wait),
        bound: one.bound.max(other.bound),
        udp: one.udp.max(other.udp),
        others: std::array::from_fn(|at| one.others[at].max(other.others[at])),
    }
}

#[cfg(test)]
#[path = "../../tests/panes/history.rs"]
mod tests;
