//! Any bytes as a filter: what is refused says where, what is accepted prints back to itself, and
//! the ways to match agree about every row of a small world.
//!
//! `fuzz_targets/filter.rs` feeds it new bytes, `tests/properties/corpus.rs` those that were kept.

use std::io::Cursor;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use sockeye::filter::{Context, Filter, FilterError};
use sockeye::model::{Age, Moment, Owner};
use sockeye::source::{Replay, Source as _};
use sockeye::track::{Row, Table, Tracker};

/// A small world in two readings: rows of every kind of owner; one opened, one changed, one closed.
const WORLD: &str = include_str!("world.jsonl");

static TABLE: LazyLock<Arc<Table>> = LazyLock::new(|| {
    let mut replay = Replay::from_reader("world", Cursor::new(WORLD)).expect("it is a recording");
    let mut tracker = Tracker::new(Duration::from_secs(10));
    let tables = [1, 2, 3].map(|second| {
        let reading = replay.take(at(second)).expect("it has no mistakes");
        tracker.apply(reading).table
    });
    let [.., last] = tables;
    last
});

/// One input.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Filter::parse(text) {
        Ok(filter) => {
            prints_back(&filter);
            matches_in_one_way(&filter);
        }
        Err(error) => names_its_place(text, &error),
    }
}

fn prints_back(filter: &Filter) {
    let printed = filter.to_string();
    let again = Filter::parse(&printed);
    assert_eq!(again.as_ref(), Ok(filter), "printed: {printed}");
    assert_eq!(again.map(|again| again.to_string()), Ok(printed));
}

fn matches_in_one_way(filter: &Filter) {
    let context = Context {
        now: at(3),
        highlight: Duration::from_secs(5),
        uid: Some(1000),
    };
    // Refused where the original is as long or as deep as a filter may be.
    let negated = Filter::parse(&format!("!({filter})")).ok();
    let mut pass = filter.pass(&context);
    for row in &TABLE.rows {
        let matches = filter.matches(row, &context);
        assert_eq!(pass.matches(row), matches, "in a pass: {row:?}");
        if let (false, Some(negated)) = (filter.is_empty(), &negated) {
            let opposite = negated.matches(row, &context);
            // What depends on an owner that is yet to be found, or on an age with a bound only, matches neither.
            let has_open_age = matches!(row.shown_age(context.now), Age::AtLeast(_));
            let is_open = (row.socket.owner == Owner::Unknown || has_open_age) && !matches;
            assert!(opposite != matches || is_open, "negated: {row:?}");
        }
        let unchanged = Row {
            change: None,
            ..Row::clone(row)
        };
        if let Some(said) = filter.could_match(&row.socket, &context) {
            assert_eq!(
                filter.matches(&unchanged, &context),
                said,
                "said before the owner: {row:?}"
            );
        }
    }
}

fn names_its_place(text: &str, error: &FilterError) {
    assert!(!error.span.is_empty(), "{error:?}");
    assert!(text.get(error.span.clone()).is_some(), "{error:?}");
    assert!(!error.message.contains(char::is_control), "{error:?}");
}

fn at(second: u64) -> Moment {
    let steady = Duration::from_secs(second);
    Moment {
        steady,
        wall: Timestamp::UNIX_EPOCH + steady,
    }
}
