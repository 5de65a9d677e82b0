//! What is shown when something does not answer, crashes, or when time jumps.

use crate::app::tests::*;

/// The text of the lines at the bottom.
fn footer(desk: &Desk) -> String {
    let lines = desk.view().footer;
    let texts = lines.into_iter().flatten().map(|span| span.text);
    texts.collect()
}

fn clock_of(desk: &Desk) -> String {
    let line = desk.view().header_right;
    line.into_iter().map(|span| span.text).collect()
}

#[test]
fn a_first_reading_that_takes_long_says_for_how_long() {
    let mut desk = Desk::new();
    assert_eq!(desk.view().empty.unwrap(), "Reading the sockets…");
    let sleep = desk.app.next_wake(desk.now()).unwrap();
    desk.wait(sleep);
    assert_eq!(
        desk.view().empty.unwrap(),
        "Reading the sockets… no answer for 2s"
    );
    let sleep = desk.app.next_wake(desk.now()).unwrap();
    assert!(sleep <= SECOND + SECOND / 100, "{sleep:?}");
    desk.wait(sleep);
    assert_eq!(
        desk.view().empty.unwrap(),
        "Reading the sockets… no answer for 3s"
    );
}

#[test]
fn a_failed_reading_leaves_the_table_its_age_and_the_cursor() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("j");
    desk.wait(10 * SECOND);
    desk.send(Msg::SnapshotFailed("a reading crashed".into()));
    assert_eq!(desk.ports(), [10, 20]);
    assert_eq!(desk.selected_port(), Some(20));
    assert_eq!(clock_of(&desk), "every 1s · 10s ago ");
    desk.read_ports(&[10, 20]);
    assert_eq!(clock_of(&desk), "every 1s ");
    let header = format!("{:?}", desk.view().header);
    assert!(!header.contains("crashed"), "{header}");
}

#[test]
fn a_request_is_shown_until_it_is_done() {
    let mut desk = Desk::with_ports(&[8080]);
    desk.press("f");
    assert_eq!(footer(&desk), " looking for a free port above 8080…");
    desk.wait(60 * SECOND).wake();
    let told = " looking for a free port above 8080… no answer for 60s";
    assert_eq!(footer(&desk), told);
    desk.send(Msg::JobDone {
        succeeded: true,
        message: "8081 is free".into(),
    });
    assert_eq!(footer(&desk), " 8081 is free");
    desk.wait(9 * SECOND).wake();
    assert!(!footer(&desk).contains("free"), "{}", footer(&desk));
}

#[test]
fn a_bind_test_that_crashed_says_why_and_can_be_repeated() {
    let mut desk = Desk::with_ports(&[8080]);
    let failed = |job| Msg::BindTestFailed {
        job,
        message: "bind test crashed: no luck".into(),
    };
    desk.press("b");
    desk.send(failed(0));
    let pane = desk.view().pane.unwrap();
    assert!(
        pane.title.ends_with("testing…"),
        "an older one: {}",
        pane.title
    );
    desk.send(failed(1));
    let pane = desk.view().pane.unwrap();
    assert_eq!(pane.title, "bind test · tcp 8080");
    assert_eq!(pane.lines[0][0].text, "bind test crashed: no luck");
    let effects = desk.press("b");
    assert!(
        matches!(effects[..], [_, Effect::BindTest { job: 2, .. }]),
        "{effects:?}"
    );
}

#[test]
fn a_job_that_failed_does_not_end_the_bind_test_that_runs() {
    let mut desk = Desk::with_ports(&[8080]);
    desk.press("b");
    desk.send(Msg::JobDone {
        succeeded: false,
        message: "no file can be written".into(),
    });
    assert!(desk.view().pane.unwrap().title.ends_with("testing…"));
}

#[test]
fn resuming_after_a_stop_reads_at_once_unless_the_table_is_paused() {
    let mut desk = Desk::with_ports(&[8080]);
    assert_eq!(desk.send(Msg::Resumed), [Effect::Redraw, Effect::Refresh]);
    desk.press("p");
    assert_eq!(desk.send(Msg::Resumed), [Effect::Redraw]);
}

#[test]
fn a_wall_clock_that_is_set_back_or_forward_changes_no_age_and_no_mark() {
    for hours in [-7, 7] {
        let mut desk = Desk::with_ports(&[10]);
        desk.wait(SECOND).read_ports(&[10, 20]);
        desk.wait(2 * SECOND);
        let before = desk.view();
        let jumped = Moment {
            wall: desk.now().wall + jiff::SignedDuration::from_hours(hours),
            ..desk.now()
        };
        desk.app.update(Msg::Woke, jumped);
        assert_eq!(desk.app.view(jumped), before, "{hours} hours");
        // And the next reading, which is of the new time.
        let observation = desk.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: jumped,
            sockets: vec![listener(10), listener(20)],
            processes: HashMap::new(),
            problems: Vec::new(),
            ..Snapshot::default()
        });
        desk.app.update(Msg::SnapshotTaken(observation), jumped);
        let after = desk.app.view(jumped);
        assert_eq!(after.rows, before.rows, "{hours} hours");
        assert_eq!(after.header_right, before.header_right);
        let sleeps = desk.app.next_wake(jumped).unwrap();
        assert!(sleeps <= HIGHLIGHT, "{sleeps:?}");
    }
}

#[test]
fn after_hours_of_suspension_the_age_is_true_and_marks_are_over() {
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND).read_ports(&[10, 20]);
    desk.wait(8 * 3600 * SECOND).wake();
    assert_eq!(clock_of(&desk), "every 1s · 28800s ago ");
    let view = desk.view();
    assert!(view.rows.iter().all(|row| row.mark.is_none()), "{view:?}");
    desk.read_ports(&[10, 20]);
    assert_eq!(clock_of(&desk), "every 1s ");
}

#[test]
fn a_filter_that_is_full_says_so_and_is_not_applied_again() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("/");
    desk.send(Msg::Input(Input::Paste("a".repeat(1 << 20))));
    assert_eq!(desk.app.rows.criteria.filter.to_string().len(), 4096);
    assert!(footer(&desk).contains("there is room for 4096 bytes: the rest was left out"));
    desk.key(Key::Backspace);
    assert!(!footer(&desk).contains("left out"));
    desk.press("ab");
    assert!(footer(&desk).contains("left out"));
    assert_eq!(desk.app.rows.criteria.filter.to_string().len(), 4096);
}
