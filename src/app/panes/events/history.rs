//! The last minutes in buckets of a few seconds: how many sockets of each kind there were, and what happened.
//!
//! Time is that of the tables, by the steady clock: a wall clock that is set back moves nothing, and a recording has the
//! time in which it is played. A stretch without tables (paused, suspended) is a gap; between tables that follow each
//! other within the interval, the counts of the first are valid.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::Moment;
use crate::track::{Counts, Event, Mark};

/// The length of a bucket, in seconds.
pub(crate) const SECONDS: u64 = 5;

/// How many buckets are kept: ten minutes.
pub(crate) const BUCKETS: usize = 120;

/// One bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// The wall clock at its first table.
    pub wall: Option<Timestamp>,
    /// The highest counts; `None` if nothing was read.
    pub most: Option<Counts>,
    /// What happened.
    pub tally: Tally,
}

/// How many events there were of each mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    opened: usize,
    changed: usize,
    closed: usize,
}

impl Tally {
    /// How many of this mark.
    pub(crate) const fn of(&self, mark: Mark) -> usize {
        match mark {
            Mark::Opened => self.opened,
            Mark::Changed => self.changed,
            Mark::Closed => self.closed,
        }
    }

    const fn add(&mut self, mark: Mark) {
        *match mark {
            Mark::Opened => &mut self.opened,
            Mark::Changed => &mut self.changed,
            Mark::Closed => &mut self.closed,
        } += 1;
    }
}

/// The last minutes.
#[derive(Clone, Debug, Default)]
pub(crate) struct CountHistory {
    /// The oldest first, without a hole; the last has the newest table.
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
        let (newest, length) = (self.newest, self.buckets.len());
        for event in events {
            if let Some(place) = place(event, newest, length) {
                self.buckets[place].tally.add(Mark::of(&event.change.kind));
            }
        }
    }

    /// The buckets, the oldest first.
    pub(crate) fn buckets(&self) -> impl ExactSizeIterator<Item = &Bucket> {
        self.buckets.iter()
    }

    /// The same with these events alone.
    pub(crate) fn with<'a>(&self, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut only = self.clone();
        for bucket in &mut only.buckets {
            bucket.tally = Tally::default();
        }
        only.count(events);
        only
    }

    /// The highest counts in so many stretches of so many buckets each, the newest last; `None` if nothing is known. A
    /// stretch always begins at the same buckets, so that it does not change as it ages.
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

/// Which of `length` buckets, the last of which is `newest`, an event falls into.
fn place(event: &Event, newest: u64, length: usize) -> Option<usize> {
    let ago = newest.saturating_sub(number(event.change.at));
    length
        .checked_sub(1)?
        .checked_sub(usize::try_from(ago).ok()?)
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
