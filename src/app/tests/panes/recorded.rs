//! A recording has its own time, and says that it is one.

use crate::app::tests::*;
use crate::columns::width;
use crate::model::{Kinds, Playback};

impl Desk {
    /// A terminal that shows a recording, with its first snapshot: port 10.
    fn recorded() -> Self {
        let mut desk = Self::new();
        desk.app.environment.origin = crate::model::Origin::Recording;
        desk.play(0, 1, &[10]);
        desk
    }

    /// Shows the snapshot of this number, which was recorded so long after the first. Here a second passes.
    fn play(&mut self, recorded: u64, number: usize, ports: &[u16]) {
        self.wait(SECOND);
        let sockets = ports.iter().map(|&port| listener(port)).collect();
        let mut observation = self.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: moment(SECOND + Duration::from_secs(recorded)),
            sockets,
            processes: HashMap::new(),
            problems: Vec::new(),
            ..Snapshot::default()
        });
        observation.playback = Some(Playback {
            number,
            total: Some(3),
            has_ended: number == 3,
        });
        self.send(Msg::SnapshotTaken(observation));
    }

    fn row_text(&self, port: u16) -> String {
        let view = self.view();
        let at = self.ports().iter().position(|&one| one == port);
        let cells = view.rows[at.expect("its row")].cells.iter();
        let texts: Vec<_> = cells.map(|cell| cell.text.trim()).collect();
        texts.join(" ")
    }

    fn has_mark(&self, port: u16) -> bool {
        let at = self.ports().iter().position(|&one| one == port);
        self.view().rows[at.expect("its row")].mark.is_some()
    }

    fn badge(&self) -> String {
        let line = self.view().header_right;
        let reversed = line.iter().filter(|span| span.is_reversed);
        reversed.map(|span| span.text.as_str()).collect()
    }
}

const FOUR_HOURS: u64 = 4 * 3600;

#[test]
fn ages_and_marks_go_by_the_recorded_time_and_stand_between_two_snapshots() {
    let mut desk = Desk::recorded();
    let (width, height) = (160, 24);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.play(1, 2, &[10, 20]);
    assert!(desk.row_text(20).contains(" 0s "), "{}", desk.row_text(20));
    let shown = desk.view();
    desk.wait(Duration::from_mins(10)).wake();
    assert_eq!(desk.view(), shown, "no second of the recording has passed");
    assert!(desk.has_mark(20));
    assert_eq!(desk.app.next_wake(desk.now()), None);
    desk.play(1 + FOUR_HOURS, 3, &[10, 20]);
    assert!(desk.row_text(20).contains(" 4h "), "{}", desk.row_text(20));
    assert!(!desk.has_mark(20));
}

#[test]
fn a_closed_row_stays_for_its_time_of_the_recording() {
    let mut desk = Desk::recorded();
    for (recorded, ports) in [(1, &[10, 20][..]), (2, &[20]), (3, &[20])] {
        desk.play(recorded, 2, ports);
    }
    desk.wait(Duration::from_mins(10)).wake();
    assert_eq!(desk.ports(), [10, 20]);
    desk.play(11, 2, &[20]);
    assert_eq!(desk.ports(), [10, 20]);
    desk.play(12, 2, &[20]);
    assert_eq!(desk.ports(), [20]);
}

#[test]
fn events_and_the_last_minutes_have_the_times_of_the_recording() {
    let mut desk = Desk::recorded();
    for at in 1..=30 {
        desk.play(at * 10, 2, if at % 2 == 0 { &[10] } else { &[10, 20] });
    }
    let times: Vec<_> = desk
        .app
        .log
        .iter()
        .map(|event| event.change.at.wall)
        .collect();
    assert_eq!(times.first(), Some(&moment(SECOND * 11).wall));
    // Five minutes in snapshots ten seconds apart: no hole, as that is how it was recorded.
    let levels = desk.app.history.levels(12, 5, |counts| counts.listening);
    assert_eq!(levels, [Some(2); 12]);
    desk.play(900, 2, &[10]);
    let levels = desk.app.history.levels(12, 5, |counts| counts.listening);
    assert_eq!(levels[1..11], [None; 10], "ten minutes without a snapshot");
}

#[test]
fn a_recording_and_its_moment_are_shown_reversed_at_every_width() {
    let mut desk = Desk::recorded();
    for columns in 6..=220 {
        let (width_, height) = (columns, 24);
        desk.send(Msg::Input(Input::Resized {
            width: width_,
            height,
        }));
        let badge = desk.badge();
        assert!(badge.starts_with("REPLAY"), "{columns}: {badge}");
        assert!(width(&badge) <= usize::from(columns), "{columns}: {badge}");
        assert_eq!(
            badge.contains("1/3") || badge.contains("1 of 3"),
            columns >= 11,
            "{columns}: {badge}"
        );
        assert_eq!(
            badge.contains("01-02 12:00"),
            columns >= 23,
            "{columns}: {badge}"
        );
    }
    for (columns, badge) in [
        (160, "REPLAY 2026-01-02 12:00:02 · 2 of 3"),
        (80, "REPLAY 2026-01-02 12:00:02 · 2 of 3"),
        (40, "REPLAY 2026-01-02 12:00:02 2/3"),
        (28, "REPLAY 01-02 12:00:02 2/3"),
        (20, "REPLAY 2/3"),
        (9, "REPLAY"),
    ] {
        let (width, height) = (columns, 24);
        desk.send(Msg::Input(Input::Resized { width, height }));
        desk.play(1, 2, &[10]);
        assert_eq!(desk.badge(), badge, "{columns}");
    }
}

#[test]
fn the_end_and_a_pause_of_a_recording_are_said_at_every_width() {
    let mut desk = Desk::recorded();
    for (columns, paused, ended) in [
        (
            80,
            "REPLAY 2026-01-02 12:00:01 · 1 of 3 · paused",
            "REPLAY 2026-01-02 12:00:02 · 3 of 3 · ended",
        ),
        (
            40,
            "REPLAY 2026-01-02 12:00:01 1/3 paused",
            "REPLAY 2026-01-02 12:00:02 3/3 ended",
        ),
        (14, "REPLAY paused", "REPLAY ended"),
    ] {
        let (width, height) = (columns, 24);
        desk = Desk::recorded();
        desk.send(Msg::Input(Input::Resized { width, height }));
        desk.press("p");
        assert_eq!(desk.badge(), paused);
        desk.press("p");
        desk.play(1, 3, &[10]);
        assert_eq!(desk.badge(), ended);
    }
    assert_eq!(desk.ports(), [10]);
}

#[test]
fn r_steps_through_a_paused_recording() {
    let mut desk = Desk::recorded();
    desk.press("p");
    assert_eq!(desk.press("r"), [Effect::Refresh]);
    desk.play(1, 2, &[10, 20]);
    assert_eq!(desk.ports(), [10, 20]);
    assert_eq!(desk.badge(), "REPLAY 2026-01-02 12:00:02 · 2 of 3 · paused");
}
