//! The times of a recording on the viewer's steady clock: the first snapshot is at the time when it is shown, and the
//! others follow with their recorded distance, regardless of playback speed.

use std::time::Duration;

use crate::model::{LostCloses, Moment, Snapshot};

/// The longest recording, a thousand years: later times are set to its end.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 1000);

/// The least time between two snapshots, so that the order is kept whatever the recorded times are.
const LEAST: Duration = Duration::from_nanos(1);

/// The position of a recording on a steady clock.
#[derive(Debug)]
pub(crate) struct Timeline {
    /// The recorded moment of the snapshot shown last.
    recorded: Moment,
    /// The same on the clock; `None` before the first.
    now: Option<Duration>,
    /// The latest possible time on it.
    end: Duration,
}

impl Timeline {
    /// A recording that begins with a snapshot of this moment.
    pub(crate) const fn from(first: Moment) -> Self {
        Self {
            recorded: first,
            now: None,
            end: Duration::MAX,
        }
    }

    /// Sets the times of the next snapshot to those on the clock; `at` is when it is shown.
    pub(crate) fn set_times(&mut self, snapshot: &mut Snapshot, at: Moment) {
        let recorded = snapshot.taken_at;
        snapshot.taken_at.steady = self.advance_to(recorded, at);
        for closed in &mut snapshot.closed {
            let before = closed.at.age(recorded);
            closed.at.steady = snapshot.taken_at.steady.saturating_sub(before);
        }
    }

    /// Makes the last snapshot one that is shown again after the end.
    pub(crate) fn repeat_last(&self, last: &mut Snapshot, at: Moment) {
        last.taken_at.steady = self.after_end(at);
        last.closed.clear();
        last.lost_closes = LostCloses::default();
    }

    /// The time on the clock of a snapshot recorded at this moment; `at` is when it is shown.
    fn advance_to(&mut self, recorded: Moment, at: Moment) -> Duration {
        let now = match self.now {
            None => {
                self.end = at.steady.saturating_add(LONGEST);
                at.steady
            }
            Some(now) => {
                // By the steady clock, or, where a program that was started later went on with the recording and that
                // clock began anew, by the wall clock.
                let steady = recorded.steady.checked_sub(self.recorded.steady);
                let on_the_wall = || recorded.wall.duration_since(self.recorded.wall).try_into();
                let later = steady.unwrap_or_else(|| on_the_wall().unwrap_or_default());
                now.saturating_add(later.max(LEAST)).min(self.end)
            }
        };
        self.recorded = recorded;
        self.now = Some(now);
        now
    }

    /// A moment after the last snapshot: sockets missing from it have closed, as no further snapshot can show them.
    fn after_end(&self, at: Moment) -> Duration {
        self.now.unwrap_or(at.steady).saturating_add(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn moment(steady: u64, wall: i64) -> Moment {
        Moment {
            steady: Duration::from_secs(steady),
            wall: Timestamp::from_second(wall).unwrap(),
        }
    }

    /// When each of these is, if the first is shown at 7 s and each next a second later.
    fn played(recorded: &[Moment]) -> Vec<Duration> {
        let mut timeline = Timeline::from(recorded[0]);
        let shown = recorded.iter().zip(7..);
        shown
            .map(|(&one, at)| timeline.advance_to(one, moment(at, 1_000_000)))
            .collect()
    }

    fn seconds(seconds: &[u64]) -> Vec<Duration> {
        seconds.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn a_recording_has_its_own_time_however_fast_it_is_played() {
        let recorded = [moment(5, 0), moment(6, 1), moment(4 * 3600 + 6, 14_401)];
        assert_eq!(played(&recorded), seconds(&[7, 8, 4 * 3600 + 8]));
    }

    #[test]
    fn a_wall_clock_that_jumps_moves_nothing() {
        let recorded = [moment(5, 1000), moment(6, 0), moment(7, 999_999)];
        assert_eq!(played(&recorded), seconds(&[7, 8, 9]));
    }

    #[test]
    fn a_recording_that_another_program_has_written_on_goes_on_by_the_clock_on_the_wall() {
        let recorded = [moment(500, 1000), moment(2, 1060), moment(3, 1061)];
        assert_eq!(played(&recorded), seconds(&[7, 67, 68]));
    }

    #[test]
    fn no_snapshot_comes_before_another_and_none_at_the_end_of_time() {
        let recorded = [
            moment(9, 9),
            moment(3, 3),
            moment(3, 3),
            moment(u64::MAX, 3),
        ];
        let played = played(&recorded);
        assert!(played.is_sorted_by(|one, next| one < next), "{played:?}");
        assert_eq!(played[3], Duration::from_secs(7) + LONGEST);
    }
}
