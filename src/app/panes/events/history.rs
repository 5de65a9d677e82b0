//! The last minutes in buckets of a few seconds: counts of sockets by kind, and events; and numbers as bars.
//!
//! Times are from the tables, by the steady clock: setting the wall clock back has no effect, and a recording has its
//! playback time. A period without tables (paused, suspended) is a gap; between tables within the interval, the counts
//! of the first are valid.

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

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A sparkline, scaled from the least to the largest number. The full height is at least a quarter of the largest, so
/// that a small change looks small. Constant numbers are a low line; unknown ones are blank.
pub(crate) fn sparkline(numbers: &[Option<usize>]) -> String {
    let known = || numbers.iter().copied().flatten();
    let (least, most) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
    let top = BARS.len() - 1;
    let whole = (most - least).max(most / 4).max(top);
    let level = |number: usize| ((number - least) * top + whole / 2) / whole;
    if known().all(|number| level(number) == 0) {
        return numbers.iter().map(|_| BARS[0]).collect();
    }
    let bar = |number: &Option<usize>| number.map_or(' ', |number| BARS[level(number).min(top)]);
    numbers.iter().map(bar).collect()
}

/// A count as a bar, `peak` being the highest: blank for zero, visible for one.
pub(crate) fn bar(count: usize, peak: usize) -> char {
    match (count * BARS.len()).div_ceil(peak.max(1)) {
        0 => ' ',
        height => BARS[height.min(BARS.len()) - 1],
    }
}

#[cfg(test)]
#[path = "../../tests/panes/history.rs"]
mod tests;

#[cfg(test)]
mod bar_tests {
    use super::*;

    #[test]
    fn what_never_changes_is_a_low_line_and_a_small_change_a_small_step() {
        let line =
            |numbers: &[usize]| sparkline(&numbers.iter().map(|&n| Some(n)).collect::<Vec<_>>());
        assert_eq!(line(&[0, 0, 0]), "▁▁▁");
        assert_eq!(line(&[9000, 9000, 9000]), "▁▁▁");
        assert_eq!(line(&[3, 4, 3]), "▁▂▁");
        assert_eq!(line(&[0, 7, 3]), "▁█▄");
        assert_eq!(line(&[1000, 1010, 1000]), "▁▁▁");
        assert_eq!(line(&[1000, 1125, 1250]), "▁▄▇");
        assert_eq!(line(&[0, 50_000, 100_000]), "▁▅█");
    }

    #[test]
    fn what_is_not_known_is_left_open_unless_nothing_ever_changed() {
        assert_eq!(sparkline(&[None, Some(2), Some(2)]), "▁▁▁");
        assert_eq!(sparkline(&[None, Some(2), None, Some(9)]), " ▁ █");
        assert_eq!(sparkline(&[None, None]), "▁▁");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_single_event_is_seen_beside_any_peak() {
        assert_eq!(bar(0, 10), ' ');
        assert_eq!(bar(1, 1_000_000), '▁');
        assert_eq!(bar(5, 10), '▄');
        assert_eq!(bar(10, 10), '█');
        assert_eq!(bar(0, 0), ' ');
    }
}
