//! A paused table does not change, whatever else runs.

use crate::app::tests::panes::bind::report;
use crate::app::tests::*;

fn clock_of(desk: &Desk) -> String {
    let line = desk.view().header_right;
    line.into_iter().map(|span| span.text).collect()
}

#[test]
fn a_bind_test_and_its_watch_read_nothing_into_a_paused_table() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("p");
    let effects = desk.press("b");
    assert!(!effects.contains(&Effect::Refresh), "{effects:?}");
    let leftover = crate::app::tests::panes::bind::leftover(10, Duration::from_secs(30));
    let answer = report(&desk, &effects, vec![leftover.clone()]);
    desk.send(Msg::BindTested(Box::new(answer)));
    assert!(!desk.press("w").contains(&Effect::Refresh));
    for _ in 0..3 {
        let effects = desk.wait(SECOND).wake();
        assert!(!effects.contains(&Effect::Refresh), "{effects:?}");
    }
    let effects = desk.press("r");
    assert!(!effects.contains(&Effect::Refresh), "it tests again");
    desk.press("p");
    let effects = desk.press("B20");
    assert_eq!(effects, []);
    assert!(
        desk.key(Key::Enter).contains(&Effect::Refresh),
        "it goes on"
    );
}

#[test]
fn the_outcome_of_an_end_is_shown_and_a_paused_table_does_not_change() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("p");
    let late = Msg::EndOutcome {
        succeeded: true,
        message: "10 is free".into(),
    };
    assert_eq!(desk.send(late), []);
    assert!(footer(&desk).contains("10 is free"));
}

/// A reading that was under way when the table was paused.
#[test]
fn what_is_read_meanwhile_is_shown_when_a_paused_table_goes_on_and_no_event_is_lost() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("p");
    let before = desk.view();
    desk.wait(SECOND).read_ports(&[10, 20]);
    desk.wait(SECOND).read_ports(&[10, 20, 30]);
    assert_eq!(desk.view(), before);
    assert_eq!(desk.press("p"), [Effect::SetPaused(false)]);
    assert_eq!(desk.ports(), [10, 20, 30]);
    assert_eq!(desk.app.log.len(), 2);
}

#[test]
fn r_moves_a_paused_table_to_its_next_reading_and_the_clock_with_it() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("p");
    let paused = clock_of(&desk);
    assert_eq!(desk.wait(SECOND * 60).press("r"), [Effect::Refresh]);
    desk.read_ports(&[10, 20]);
    assert_eq!(desk.ports(), [10, 20]);
    let moved = clock_of(&desk);
    assert!(moved.starts_with("paused ") && moved != paused, "{moved}");
    assert!(!moved.contains('·'), "its age begins again: {moved}");
    desk.wait(SECOND).read_ports(&[10, 20, 30]);
    assert_eq!(desk.ports(), [10, 20], "once");
}

#[test]
fn a_table_that_is_paused_before_its_first_reading_shows_that() {
    let mut desk = Desk::new();
    desk.press("p");
    desk.read_ports(&[10]);
    assert_eq!(desk.ports(), [10]);
}
