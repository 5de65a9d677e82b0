//! What time does to rows, marks and notices, and when the screen has to be drawn again.

use crate::app::tests::*;

#[test]
fn a_recording_may_claim_the_end_of_time() {
    let mut desk = Desk::new();
    let observation = desk.tracker.apply(Snapshot {
        kinds: Kinds::DEFAULT,
        late_namespaces: Vec::new(),
        taken_at: Moment {
            wall: jiff::Timestamp::MAX,
            ..desk.now()
        },
        sockets: vec![listener(80)],
        processes: HashMap::new(),
        problems: Vec::new(),
        ..Snapshot::default()
    });
    desk.send(Msg::SnapshotTaken(observation));
    desk.wait(SECOND).wake();
    for key in ["j", "e"] {
        desk.press(key);
        let _ = desk.app.view(desk.now());
    }
    desk.key(Key::Enter);
    assert_eq!(desk.app.view(desk.now()).rows.len(), 1);
}

#[test]
fn a_closed_row_goes_when_its_time_is_over() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.wait(SECOND).read_ports(&[10]);
    desk.wait(SECOND).read_ports(&[10]);
    // It was missed one second ago, which counts.
    desk.wait(Duration::from_millis(8999)).wake();
    assert_eq!(desk.ports(), [10, 20]);
    desk.wait(Duration::from_millis(1)).wake();
    assert_eq!(desk.ports(), [10]);
}

#[test]
fn a_mark_goes_when_its_time_is_over() {
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND).read_ports(&[10, 20]);
    let marks = |desk: &Desk| -> Vec<bool> {
        desk.view()
            .rows
            .iter()
            .map(|row| row.mark.is_some())
            .collect()
    };
    assert_eq!(marks(&desk), [false, true]);
    desk.wait(Duration::from_millis(4999));
    assert_eq!(marks(&desk), [false, true]);
    desk.wait(Duration::from_millis(1));
    assert_eq!(marks(&desk), [false, false]);
}

/// Only the clock in the header goes on.
#[test]
fn a_paused_table_keeps_its_marks_and_closed_rows() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.settle_on(&[10, 30]);
    assert_eq!(desk.press("p"), [Effect::SetPaused(true)]);
    let before = desk.view();
    assert_eq!(desk.ports(), [10, 20, 30]);
    for _ in 0..10 {
        desk.wait(Duration::from_secs(30)).wake();
        let after = desk.view();
        assert_eq!(after.rows, before.rows);
    }
    assert_ne!(desk.view().header_right, before.header_right);
    assert_eq!(desk.press("p"), [Effect::SetPaused(false)]);
    assert_eq!(desk.ports(), [10, 30], "time has passed after all");
}

#[test]
fn the_cursor_moves_in_a_paused_table_and_no_row_jumps() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("p");
    let ports = desk.ports();
    for key in ["j", "j", "k", "g", "G"] {
        desk.wait(Duration::from_secs(7)).press(key);
        assert_eq!(desk.ports(), ports);
    }
    assert_eq!(desk.selected_port(), Some(30));
}

/// The program sleeps until `next_wake`; what is on the screen must be right until then.
#[test]
fn nothing_on_the_screen_changes_before_the_next_wake() {
    let mut desk = Desk::new();
    let (width, height) = (160, 24);
    desk.send(Msg::Input(Input::Resized { width, height }));
    let mut old = listener(10);
    let started = moment(Duration::ZERO).wall - Duration::from_millis(130_500);
    old.owner = Owner::Known(
        [Arc::new(Process {
            started_at: Some(started),
            ..(*process(10)).clone()
        })]
        .into(),
    );
    desk.read(&[old.clone(), listener(20)]);
    desk.wait(SECOND * 2).read(&[old.clone(), listener(30)]);
    desk.wait(SECOND).read(&[old, listener(30)]);
    let mut looks = 0;
    for _ in 0..400 {
        let view = desk.view();
        let Some(sleep) = desk.app.next_wake(desk.now()) else {
            break;
        };
        assert!(sleep > Duration::ZERO);
        let almost = moment(desk.time + sleep.saturating_sub(Duration::from_millis(6)));
        assert_eq!(
            desk.app.view(almost),
            view,
            "at {:?} + {sleep:?}",
            desk.time
        );
        desk.wait(sleep).wake();
        looks += usize::from(desk.view() != view);
    }
    assert!(
        looks > 100,
        "the program woke to something new {looks} times"
    );
}

#[test]
fn a_paused_table_wakes_for_nothing_but_the_minutes_of_its_pause() {
    let mut desk = Desk::with_ports(&[10]);
    desk.wait(SECOND).read_ports(&[10, 20]);
    desk.press("p");
    let sleep = desk.app.next_wake(desk.now()).unwrap();
    assert!(sleep >= Duration::from_mins(1), "{sleep:?}");
}

#[test]
fn a_notice_goes_by_itself_and_at_the_next_key() {
    let done = || Msg::JobDone {
        succeeded: true,
        message: "written".into(),
    };
    let mut desk = Desk::with_ports(&[10]);
    desk.send(done());
    assert!(footer(&desk).contains("written"));
    desk.wait(Duration::from_secs(8)).wake();
    assert!(!footer(&desk).contains("written"));
    desk.send(done());
    desk.press("j");
    assert!(!footer(&desk).contains("written"));
}

#[test]
fn the_interval_stays_within_its_limits() {
    let mut desk = Desk::with_ports(&[10]);
    let mut last = |key: &str| -> Option<Duration> {
        let mut set = None;
        for _ in 0..20 {
            if let [Effect::SetInterval(interval)] = desk.press(key)[..] {
                set = Some(interval);
            }
        }
        set
    };
    assert_eq!(last("+"), Some(Duration::from_mins(1)));
    assert_eq!(last("-"), Some(Duration::from_millis(100)));
}
