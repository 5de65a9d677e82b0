//! How long a row has been in its state.

use std::time::Duration;

use jiff::Timestamp;

use super::describe::NONE;
use crate::model::duration::format_age;
use crate::model::{Age, Moment};
use crate::track::Row;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// The largest lower bound shown: a longer one does not fit behind the `>`.
const MAX_AT_LEAST: Duration = Duration::from_hours(99 * 24);

/// `42s`, `5m`, `3h`, `12d`: time in this state. For a listener older than this program it is the age of its oldest
/// process; for other rows of unknown beginning it is a lower bound: `>5m`.
pub fn age_text(row: &Row, now: Moment) -> String {
    match shown_age(row, now) {
        Age::Exactly(age) => format_age(age),
        Age::AtLeast(age) if age < SECOND => NONE.into(),
        Age::AtLeast(age) => format!(">{}", format_age(age.min(MAX_AT_LEAST))),
    }
}

/// After how long [`age_text`] of the row can change.
pub fn next_age_change(row: &Row, now: Moment) -> Duration {
    let shown = shown_age(row, now).duration();
    let unit = if shown < MINUTE { SECOND } else { MINUTE };
    let since_change = shown.as_nanos() % unit.as_nanos();
    unit.saturating_sub(Duration::from_nanos(since_change.try_into().unwrap_or(0)))
}

/// Sorts the youngest first, by lower bounds where the beginning is unknown; `None` without any bound.
pub(super) fn sort_key(row: &Row) -> Option<u64> {
    let began = process_start(row).or_else(|| row.state_began_by());
    began.map(|at| u64::MAX - at.as_millisecond().abs_diff(i64::MIN))
}

fn shown_age(row: &Row, now: Moment) -> Age {
    match process_start(row) {
        Some(started) => Age::Exactly(since(started, row, now)),
        None => row.age(now),
    }
}

/// Start of the oldest process of a listener older than this program.
fn process_start(row: &Row) -> Option<Timestamp> {
    let processes = row.socket.owner.present().iter();
    let started = processes.filter_map(|process| process.started_at).min();
    started.filter(|_| row.is_unchanged_since_start() && row.socket.is_listening())
}

/// Time since then. Process starts use the wall clock as it was when this program started; the time since the row was
/// first seen comes from the steady clock, so that a clock that is set has no effect.
fn since(started: Timestamp, row: &Row, now: Moment) -> Duration {
    let before = row.first_seen.wall.duration_since(started);
    let seen = row.first_seen.age(now).try_into();
    let whole = before.saturating_add(seen.unwrap_or(jiff::SignedDuration::MAX));
    whole.try_into().unwrap_or_default()
}
