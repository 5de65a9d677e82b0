//! Columns at difficult widths and with difficult texts.

use std::sync::Arc;

use super::*;
use crate::model::{Age, Endpoint, Owner, Process, Protocol, Socket, State};
use crate::track::RowId;

/// Each column with texts of this width.
fn candidates(widest: u16) -> Vec<Candidate> {
    let candidate = |column| Candidate {
        column,
        widest,
        is_chosen: false,
    };
    ALL.iter().map(candidate).collect()
}

fn titles_and_widths(fitted: &[Fitted]) -> Vec<(&'static str, u16)> {
    let each = fitted.iter().map(|one| (one.column.title, one.width));
    each.collect()
}

fn fitted(room: u16) -> Vec<(&'static str, u16)> {
    titles_and_widths(&fit(&candidates(16), room))
}

#[test]
fn every_column_is_found_under_its_id_and_its_name() {
    for column in ALL {
        assert_eq!(super::column(column.id).title, column.title);
        assert_eq!(by_name(column.name).unwrap().id, column.id);
    }
}

#[test]
fn port_state_and_process_are_never_dropped() {
    for width in 20..200 {
        let titles: Vec<_> = fitted(width).iter().map(|(title, _)| *title).collect();
        for kept in ["PORT", "STATE", "PROCESS"] {
            assert!(titles.contains(&kept), "{kept} at {width}");
        }
    }
}

#[test]
fn a_port_of_five_digits_fits_wherever_six_cells_do() {
    for width in 6..200 {
        let port = fitted(width)
            .iter()
            .find(|(title, _)| *title == "PORT")
            .unwrap()
            .1;
        assert!(port >= 5, "{port} at {width}");
    }
}

#[test]
fn columns_never_reach_beyond_the_edge() {
    for width in 1..250 {
        for widest in [0, 16, 60, u16::MAX] {
            let fitted = fit(&candidates(widest), width);
            let last = fitted.last().unwrap();
            assert!(
                last.x + last.width <= width,
                "{} at {width}",
                last.x + last.width
            );
        }
    }
}

#[test]
fn no_column_is_wider_than_its_texts_before_the_command_has_the_rest() {
    for room in 100..300 {
        for widest in [0, 9, 30] {
            let fitted = fit(&candidates(widest), room);
            let is_command = |one: &&Fitted| one.column.id == ColumnId::Command;
            let others = fitted.iter().filter(|one| !is_command(one));
            for other in others {
                let title = u16::try_from(other.column.title.len()).unwrap();
                let useful = widest.max(other.column.min).max(title);
                assert!(other.width <= useful, "{other:?} in {room}");
            }
            let last = fitted.last().unwrap();
            if fitted.iter().any(|one| is_command(&one)) {
                assert_eq!(last.x + last.width, room);
            }
        }
    }
}

#[test]
fn wide_terminals_show_everything_and_give_the_rest_to_the_command() {
    let fitted = fitted(400);
    assert_eq!(fitted.len(), ALL.len());
    assert!(fitted.last().unwrap().1 > 60, "{fitted:?}");
}

#[test]
fn a_wider_text_never_makes_its_column_narrower() {
    for room in 30..260 {
        for column in 0..ALL.len() {
            let mut before = 0;
            for widest in 1..60 {
                let mut candidates = candidates(12);
                candidates[column].widest = widest;
                let fitted = fit(&candidates, room);
                let mut own = fitted.iter().filter(|one| one.column.id == ALL[column].id);
                // A column whose numbers are too long for the line is dropped.
                let Some(own) = own.next() else { break };
                assert!(own.width >= before, "{own:?} in {room}");
                before = own.width;
            }
        }
    }
}

#[test]
fn a_chosen_column_is_kept_while_default_ones_are_dropped() {
    let mut candidates = candidates(10);
    for one in &mut candidates {
        one.is_chosen = [ColumnId::SendQ, ColumnId::Unit].contains(&one.column.id);
    }
    let titles: Vec<_> = fit(&candidates, 60)
        .iter()
        .map(|one| one.column.title)
        .collect();
    assert_eq!(titles, ["PORT", "STATE", "PROCESS", "UNIT", "SEND-Q"]);
}

#[test]
fn eighty_cells_have_protocol_addresses_port_state_pid_and_a_process_with_its_script() {
    // Without the mark and the scrollbar.
    for pid in 1..8 {
        let mut candidates = candidates(30);
        candidates[ColumnId::Pid as usize].widest = pid;
        // Only other namespaces have that column.
        candidates.retain(|one| one.column.id != ColumnId::Namespace);
        candidates.retain(|one| !one.column.id.needs_counters());
        let fitted = titles_and_widths(&fit(&candidates, 80 - 3));
        let titles: Vec<_> = fitted.iter().map(|one| one.0).collect();
        let expected = ["PROTO", "LOCAL ADDRESS", "PORT", "REMOTE", "STATE", "PID"];
        assert_eq!(titles, [&expected[..], &["PROCESS"]].concat());
        let process = fitted.last().unwrap().1;
        assert!(usize::from(process) >= "python3 pg.py".len(), "{fitted:?}");
    }
}

#[test]
fn a_text_that_is_scrolled_begins_with_a_sign_of_the_cut_and_stays_aligned() {
    for (skipped, text) in [
        (0, "デ server"),
        (1, "… server"),
        (2, "…server"),
        (3, "…erver"),
        (7, "…r"),
        (8, "…"),
        (99, "…"),
    ] {
        assert_eq!(measure::cut_start("デ server", skipped), text, "{skipped}");
    }
    assert_eq!(measure::cut_start("aデb", 1), "… b", "half of it is cut");
}

#[test]
fn texts_are_cut_by_cells_not_by_characters() {
    assert_eq!(cut("データベース", 7), "データ…");
    assert_eq!(cut("nginx", 5), "nginx");
    assert_eq!(cut("nginx", 4), "ngi…");
    assert_eq!(cut("nginx", 0), "");
    assert_eq!(cut_middle("2001:db8:1234:5678::beef", 11), "2001:…:beef");
    assert_eq!(cut_middle("データベース", 6), "デ…ス");
    assert_eq!(pad_left("デ", 4), "  デ");
}

#[test]
fn cutting_in_the_middle_leaves_no_accent_on_the_ellipsis() {
    assert_eq!(cut_middle("abcdee\u{301}fgh", 8), "abcd…fgh");
    assert_eq!(cut_middle("abcdefe\u{301}gh", 8), "abcd…e\u{301}gh");
}

#[test]
fn letters_that_a_font_may_join_take_their_own_cells() {
    assert_eq!(width("لا"), 2);
}

#[test]
fn a_word_that_is_too_wide_is_broken_before_a_wide_character() {
    assert_eq!(wrap_anywhere("a 語語語 b", 5), ["a", "語語", "語", "b"]);
    assert_eq!(wrap_anywhere("語", 1), ["語"]);
}

const START: Moment = Moment {
    steady: Duration::ZERO,
    wall: jiff::Timestamp::UNIX_EPOCH,
};

fn after(time: Duration) -> Moment {
    Moment {
        steady: time,
        wall: START.wall,
    }
}

/// A row of this state, first seen when tracking began; `age` is what the kernel said of it then.
fn found(state: State, age: Option<Age>) -> Row {
    let local = Endpoint::new([127, 0, 0, 1].into(), 8080);
    let remote = (state != State::Listen).then_some(local);
    let mut socket = Socket::new(Protocol::Tcp, local, remote, state);
    socket.age = age;
    Row {
        ends_at: None,
        end: None,
        id: RowId(1),
        socket,
        first_seen: START,
        state_since: START,
        was_open_at_start: true,
        change: None,
        is_in_conflict: false,
        sign: None,
    }
}

/// A listener whose process was started so long before.
fn server_up(before: Duration) -> Row {
    let mut row = found(State::Listen, None);
    let mut process = Process::new(7, "server");
    process.started_at = Some(START.wall - before);
    row.socket.owner = Owner::Known(Arc::new([Arc::new(process)]));
    row
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn an_age_is_shown_in_the_largest_unit_that_fits() {
    for (age, text) in [
        (seconds(0), "0s"),
        (seconds(59), "59s"),
        (seconds(60), "1m"),
        (seconds(3599), "59m"),
        (seconds(3600), "1h"),
        (Duration::from_hours(23), "23h"),
        (Duration::from_hours(24), "1d"),
        (Duration::from_hours(24 * 999), "999d"),
        (Duration::from_hours(24 * 1000), "2y"),
    ] {
        let connection = found(State::Established, Some(Age::Exactly(age)));
        assert_eq!(age_text(&connection, START), text);
        assert_eq!(age_text(&server_up(age), START), text);
        let mut opened = found(State::Established, None);
        opened.was_open_at_start = false;
        assert_eq!(age_text(&opened, after(age)), text);
    }
}

#[test]
fn an_age_of_unknown_beginning_is_a_lower_bound_from_the_first_second_on() {
    let unknown = found(State::TimeWait, None);
    let known = found(State::Established, Some(Age::AtLeast(seconds(150))));
    for (passed, unknown_text, known_text) in [
        (seconds(0), "–", ">2m"),
        (seconds(1), ">1s", ">2m"),
        (seconds(59), ">59s", ">3m"),
        (Duration::from_hours(24 * 200), ">99d", ">99d"),
    ] {
        assert_eq!(age_text(&unknown, after(passed)), unknown_text);
        assert_eq!(age_text(&known, after(passed)), known_text);
    }
}

#[test]
fn an_age_changes_when_predicted() {
    for row in [
        found(State::TimeWait, None),
        found(State::Established, Some(Age::AtLeast(seconds(57)))),
        found(
            State::Established,
            Some(Age::Exactly(Duration::from_millis(58_300))),
        ),
        server_up(Duration::from_millis(119_500)),
    ] {
        let mut now = after(seconds(1));
        for _ in 0..5 {
            let due = next_age_change(&row, now);
            assert!(!due.is_zero());
            let a_moment_less = due.saturating_sub(Duration::from_nanos(1));
            let before = after(now.steady + a_moment_less);
            assert_eq!(age_text(&row, before), age_text(&row, now));
            now = after(now.steady + due);
            assert_ne!(age_text(&row, before), age_text(&row, now));
        }
    }
}

#[test]
fn sorting_by_age_puts_the_youngest_first_and_unknown_ages_last() {
    let SortBy::Number(by) = column(ColumnId::Age).sort else {
        panic!("a number")
    };
    let rows = [
        found(State::Established, Some(Age::Exactly(seconds(5)))),
        found(State::Established, Some(Age::AtLeast(seconds(50)))),
        server_up(seconds(500)),
    ];
    let keys: Vec<_> = rows.iter().map(|row| by(row).unwrap()).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    assert_eq!(by(&found(State::TimeWait, None)), None);
}

#[test]
fn an_impossible_age_is_no_crash() {
    let far = Duration::from_secs(u64::MAX);
    for age in [Age::Exactly(far), Age::AtLeast(far)] {
        let row = found(State::Established, Some(age));
        assert!(age_text(&row, after(far)).ends_with(['y', 'd']));
        assert_eq!((row.opened(), row.state_began_by()), (None, None));
    }
}
