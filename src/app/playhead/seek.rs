//! Requests for a moment of the history, and the answers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Moment, Services, Socket};
use crate::track::{Row, TableUpdate};

/// A direction in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the direction of that name")]
pub enum Direction {
    Back,
    Forward,
}

/// Which moment to show.
#[derive(Clone, Debug, PartialEq)]
pub enum Seek {
    /// The one that is shown, with a timeline of another width.
    Stay,
    /// This one.
    Time(Timestamp),
    /// The first snapshot.
    Start,
    /// The last snapshot.
    End,
    /// The snapshot before or after the one that is shown.
    Snapshot(Direction),
    /// The last change of a socket before the moment that is shown, or the next one after it. Of a socket without a peer:
    /// of any such socket on its port.
    Change(Direction, Box<Socket>),
}

/// A request for a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct MomentRequest {
    /// To be repeated in the answer.
    pub job: u64,
    /// Which moment.
    pub seek: Seek,
    /// If the table is not at a moment yet: when it was taken. Else the seek starts at the moment requested before.
    pub from: Option<Timestamp>,
    /// Rows of the same sockets get the same ids, so that what is selected stays selected. The first one with an id counts.
    pub known: Vec<Arc<Row>>,
    /// How long closed rows stay.
    pub linger: Duration,
    /// The user's own names of services.
    pub services: Services,
    /// The cells of the timeline.
    pub cells: usize,
}

/// A moment of the history.
#[derive(Clone, Debug)]
pub struct ShownMoment {
    /// Which request it answers.
    pub job: u64,
    /// The table, and the changes in the minutes before.
    pub update: TableUpdate,
    /// The moment: when the snapshot was taken, or later, if nothing is known to have changed until then.
    pub at: Moment,
    /// If nothing was recorded at that time: why.
    pub gap: Option<&'static str>,
    /// When the counters of its sockets were read: at that time or before it. `None` without any.
    pub counters_at: Option<Timestamp>,
    /// The whole history.
    pub timeline: Timeline,
}

/// How many sockets changed when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The first snapshot.
    pub from: Timestamp,
    /// The last snapshot.
    pub to: Timestamp,
    /// Equal parts of that time.
    pub parts: Vec<TimelinePart>,
}

/// A part of the time of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimelinePart {
    /// How many sockets opened, changed or closed; `None` if nothing was recorded, or a part of it was not and nothing changed
    /// in the rest.
    pub changes: Option<usize>,
    /// Whether a socket without a peer was among them.
    pub has_listener_change: bool,
}

impl Timeline {
    /// The part that has this time.
    pub(crate) fn part_at(&self, at: Timestamp) -> usize {
        let millis = |to: Timestamp| to.duration_since(self.from).as_millis().max(0);
        let (part, all) = (millis(at), millis(self.to).max(1));
        let count = i128::try_from(self.parts.len()).unwrap_or(i128::MAX);
        let at = usize::try_from(part * count / all).unwrap_or(usize::MAX);
        at.min(self.parts.len().saturating_sub(1))
    }

    /// When a part begins; for the last one, the end of the history.
    pub(crate) fn begin_of(&self, part: usize) -> Timestamp {
        if part + 1 >= self.parts.len() {
            return self.to;
        }
        let all = self.to.duration_since(self.from).as_millis();
        let [part, count] = [part, self.parts.len()].map(|it| i128::try_from(it).unwrap_or(1));
        let millis = i64::try_from(all * part / count.max(1)).unwrap_or_default();
        let begin = self
            .from
            .checked_add(jiff::SignedDuration::from_millis(millis));
        begin.unwrap_or(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_part_that_begins_with_it() {
        let from = Timestamp::UNIX_EPOCH;
        let to = from + Duration::from_secs(100);
        let parts = vec![TimelinePart::default(); 10];
        let timeline = Timeline { from, to, parts };
        for part in 0..10 {
            assert_eq!(timeline.part_at(timeline.begin_of(part)), part);
        }
        assert_eq!(timeline.begin_of(3), from + Duration::from_secs(30));
        assert_eq!(timeline.begin_of(9), to);
        assert_eq!(timeline.part_at(Timestamp::MIN), 0);
        assert_eq!(timeline.part_at(Timestamp::MAX), 9);
        assert_eq!(Timeline::default().part_at(to), 0);
    }
}
