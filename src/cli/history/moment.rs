//! `--at`: a moment of the history.

use anyhow::bail;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sockeye::history::{Position, StoredCounters};
use sockeye::model::{EarlierCounters, Snapshot, time};
use sockeye::report::{RecordedListing, before_history, gap_line, local_time};
use sockeye::track::{Table, Tracker};

use super::OpenedHistory;

/// What is to be known about the snapshot that is listed.
#[derive(Clone, Debug)]
pub struct Found {
    pub note: String,
    /// Whether it is not known to be that of the time that was meant.
    pub is_other_time: bool,
    /// The counters of its sockets, if they were recorded.
    pub counters: Option<StoredCounters>,
    /// Those that were stored before them.
    pub earlier_counters: Option<EarlierCounters>,
    /// Whether names and addresses are pseudonyms.
    pub is_redacted: bool,
    /// Its position in the history.
    pub position: Option<Position>,
}

impl Found {
    /// What JSON says of it.
    pub fn listing(&self, table: &Table) -> RecordedListing {
        let counters = self.counters.as_ref();
        let counters = counters.filter(|_| table.flows.is_counted());
        RecordedListing {
            is_redacted: self.is_redacted,
            counters_at: counters.map(|stored| stored.read_at),
        }
    }

    /// Adds the recorded counters to the snapshot, and to the note when they were read. The tracker gets what it needs for rates.
    pub fn add_counters(&mut self, snapshot: &mut Snapshot, tracker: &mut Tracker) {
        let Some(stored) = &self.counters else {
            self.note
                .push_str("; without numbers, which were not recorded");
            return;
        };
        snapshot.counters = Some(stored.counters.to_vec());
        tracker.expect_stored_counters(self.earlier_counters.take());
        if snapshot.taken_at.wall.duration_since(stored.read_at) >= SignedDuration::from_secs(1) {
            let read_at = local_time(stored.read_at, &TimeZone::system());
            self.note = format!("{}; numbers of {read_at}", self.note);
        }
    }
}

/// The snapshot of this time in the history.
pub fn of_history(opened: &mut OpenedHistory, at: Timestamp) -> anyhow::Result<(Snapshot, Found)> {
    let zone = TimeZone::system();
    let until = time::end_of_second(at);
    opened.wait_for(until)?;
    let recorded = opened.history.at(until)?;
    opened.report_damage();
    let shown = local_time(at, &zone);
    let Some(recorded) = recorded else {
        bail!("--at: {}", before_history(at, opened.range.from, &zone));
    };
    let taken_at = local_time(recorded.snapshot.taken_at.wall, &zone);
    let is_after_end = at > opened.range.to;
    let (note, is_other_time) = if let Some(gap) = recorded.gap {
        let gap = gap_line(&gap, &zone);
        (format!("{gap}; this is the last snapshot before"), true)
    } else if is_after_end {
        let end = opened.end();
        (format!("{end}; this is its last snapshot"), true)
    } else {
        (
            format!("as it was at {shown}, unchanged since {taken_at}"),
            false,
        )
    };
    let found = Found {
        note,
        is_other_time,
        counters: recorded.counters.clone(),
        earlier_counters: recorded.earlier_counters.clone(),
        is_redacted: recorded.is_redacted,
        position: Some(recorded.position),
    };
    let shown_at = if found.is_other_time {
        recorded.snapshot.taken_at.wall
    } else {
        at.min(opened.range.to)
    };
    Ok((recorded.snapshot_at(shown_at), found))
}
