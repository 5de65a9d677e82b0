//! The last minutes through pauses, jumps and clocks that are set back.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::{Endpoint, Protocol, Socket, State};
use crate::track::{Change, ChangeKind, Row, RowId};

const FRESH: Duration = Duration::from_secs(3);

fn at(millis: u64) -> Moment {
    Moment {
        steady: Duration::from_millis(millis),
        wall: Timestamp::UNIX_EPOCH + Duration::from_millis(millis),
    }
}

fn listening(count: usize) -> Counts {
    Counts {
        listening: count,
        ..Counts::default()
    }
}

fn event(at: Moment, kind: ChangeKind) -> Event {
    let local = Endpoint::new([127, 0, 0, 1].into(), 80);
    let change = Change { at, kind };
    let row = Row {
        id: RowId(1),
        socket: Socket::new(Protocol::Tcp, local, None, State::Listen),
        first_seen: at,
        state_since: at,
        was_open_at_start: false,
        change: Some(change.clone()),
        is_in_conflict: false,
        sign: None,
        ends_at: None,
        end: None,
    };
    Event {
        change,
        row: Arc::new(row),
    }
}

/// How many listened in each bucket.
fn levels(history: &CountHistory) -> Vec<Option<usize>> {
    let buckets = history.buckets();
    buckets
        .map(|one| one.most.map(|most| most.listening))
        .collect()
}

fn total(history: &CountHistory) -> usize {
    let marks = [Mark::Opened, Mark::Changed, Mark::Closed];
    let tallies = history.buckets().map(|one| one.tally);
    tallies
        .map(|tally| marks.iter().map(|&mark| tally.of(mark)).sum::<usize>())
        .sum()
}

#[test]
fn a_bucket_holds_the_most_of_its_readings() {
    let mut history = CountHistory::default();
    for (millis, count) in [(0, 3), (100, 9), (4900, 4), (5000, 4), (5100, 2)] {
        history.add(at(millis), listening(count), FRESH);
    }
    assert_eq!(levels(&history), [Some(9), Some(4)]);
}

#[test]
fn a_reading_holds_until_the_next_that_comes_in_time_and_a_pause_is_a_gap() {
    let mut history = CountHistory::default();
    let minute = Duration::from_secs(121);
    history.add(at(0), listening(3), minute);
    history.add(at(60_000), listening(5), minute);
    let expected: Vec<_> = std::iter::repeat_n(Some(3), 12).chain([Some(5)]).collect();
    assert_eq!(levels(&history), expected, "every minute");

    let mut history = CountHistory::default();
    history.add(at(0), listening(3), FRESH);
    history.add(at(16_000), listening(3), FRESH);
    assert_eq!(levels(&history), [Some(3), None, None, Some(3)], "paused");
}

#[test]
fn the_oldest_are_forgotten_and_a_long_absence_forgets_all() {
    let mut history = CountHistory::default();
    for second in 0..2000 {
        history.add(at(1000 * second), listening(1), FRESH);
    }
    assert_eq!(levels(&history), [Some(1); BUCKETS]);
    history.add(at(10_000_000_000), listening(2), FRESH);
    let known: Vec<_> = levels(&history).into_iter().flatten().collect();
    assert_eq!((levels(&history).len(), known), (BUCKETS, vec![2]));
}

#[test]
fn a_clock_that_goes_back_moves_nothing() {
    let mut history = CountHistory::default();
    history.add(at(20_000), listening(1), FRESH);
    let mut back = at(21_000);
    back.wall = Timestamp::MIN;
    history.add(back, listening(2), FRESH);
    history.add(at(1000), listening(3), FRESH);
    assert_eq!(levels(&history), [Some(3)]);
    assert_eq!(
        history.buckets().next().unwrap().wall,
        Some(at(20_000).wall)
    );
}

#[test]
fn an_event_counts_in_the_bucket_in_which_it_was_seen() {
    let mut history = CountHistory::default();
    history.add(at(3000), listening(1), FRESH);
    history.add(at(6000), listening(1), FRESH);
    let closed = event(at(3000), ChangeKind::Closed);
    let opened = event(at(6000), ChangeKind::Opened);
    history.count([&closed, &opened, &opened]);
    let told = history
        .buckets()
        .map(|one| (one.tally.of(Mark::Opened), one.tally.of(Mark::Closed)));
    assert_eq!(told.collect::<Vec<_>>(), [(0, 1), (2, 0)]);
    let only = history.with([&closed]);
    assert_eq!((total(&only), total(&history)), (1, 3));
}

#[test]
fn stretches_begin_at_the_same_buckets_however_time_goes_on() {
    let mut history = CountHistory::default();
    let levels = |history: &CountHistory| history.levels(3, 5, |counts| counts.listening);
    history.add(at(24_000), listening(4), FRESH);
    assert_eq!(levels(&history), [None, None, Some(4)]);
    history.add(at(25_000), listening(1), FRESH);
    assert_eq!(levels(&history), [None, Some(4), Some(1)]);
    history.add(at(49_000), listening(2), Duration::from_mins(1));
    assert_eq!(levels(&history), [None, Some(4), Some(2)]);
    history.add(at(50_000), listening(2), FRESH);
    assert_eq!(levels(&history), [Some(4), Some(2), Some(2)]);
}

proptest! {
    #[test]
    fn no_event_of_the_last_minutes_is_lost(steps in prop::collection::vec((0_u64..400_000, 0_usize..5), 1..60)) {
        let (mut history, mut millis, mut seen) = (CountHistory::default(), 0, Vec::new());
        for (step, events) in steps {
            millis += step;
            history.add(at(millis), listening(1), FRESH);
            let event = event(at(millis), ChangeKind::Opened);
            for _ in 0..events {
                history.count([&event]);
                seen.push(millis);
            }
            let first = (millis / 5000 + 1).saturating_sub(BUCKETS as u64) * 5000;
            prop_assert!(history.buckets().len() <= BUCKETS);
            prop_assert_eq!(total(&history), seen.iter().filter(|&&at| at >= first).count());
        }
    }
}
