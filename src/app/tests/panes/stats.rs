//! The cost of refreshes in the stats pane.

use crate::app::panes::stats::MAX_REFRESHES;
use crate::app::tests::*;
use crate::model::{Refresh, RefreshTimings};

impl Desk {
    /// A refresh of three sockets whose dump took this.
    fn measure(&mut self, dump: Duration) -> Vec<Effect> {
        let cost = RefreshTimings {
            dump,
            ..RefreshTimings::default()
        };
        let taken_at = self.now();
        self.tell(Msg::RefreshMeasured(Refresh {
            taken_at,
            rows: 3,
            cost,
        }))
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The pane's lines in sight.
pub fn lines(desk: &Desk) -> Vec<String> {
    let lines = desk.view().pane.unwrap().lines;
    let text = |line: &Vec<view::Span>| line.iter().map(|span| &*span.text).collect();
    lines.iter().map(text).collect()
}

/// The words of the line that begins like this, of those in sight.
fn words(desk: &Desk, begin: &str) -> Vec<String> {
    let lines = lines(desk);
    let line = lines.iter().find(|line| line.starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("no {begin:?} in\n{lines:#?}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn refreshes_are_listed_newest_first_below_the_median_and_the_worst() {
    let mut desk = Desk::with_ports(&[10]);
    for dump in [5, 30, 10] {
        desk.tell(Msg::Drawn(millis(2)));
        desk.measure(millis(dump));
        desk.wait(SECOND);
    }
    desk.press("$");
    assert_eq!(pane_title(&desk), "stats · 3 refreshes · ms");
    let dumps: Vec<_> = lines(&desk)
        .iter()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned))
        .collect();
    assert_eq!(dumps, ["10.0", "30.0", "10.0", "30.0", "5.0"]);
    let titles = "rows dump owners processes diff draw total procs read files draws";
    assert_eq!(words(&desk, "  ").join(" "), titles);
    let newest = "12:00:02 3 10.0 – – – 2.0 12.0 0 0 1";
    assert_eq!(words(&desk, "12:00:02").join(" "), newest);
}

#[test]
fn a_refresh_is_listed_with_the_longest_draw_since_the_one_before() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("$");
    desk.measure(millis(1));
    for draw in [2, 7, 3] {
        desk.tell(Msg::Drawn(millis(draw)));
    }
    desk.wait(SECOND).measure(millis(1));
    assert_eq!(words(&desk, "12:00:01")[6..], ["7.0", "8.0", "0", "0", "3"]);
    desk.wait(SECOND).measure(millis(1));
    assert_eq!(words(&desk, "12:00:02")[6..], ["–", "1.0", "0", "0", "0"]);
}

#[test]
fn a_draw_requests_no_other() {
    let mut desk = Desk::with_ports(&[10]);
    desk.press("$");
    desk.measure(millis(1));
    let (before, wake) = (desk.view(), desk.app.next_wake(desk.now()));
    for _ in 0..3 {
        assert_eq!(desk.tell(Msg::Drawn(millis(900))), []);
        assert_eq!(desk.view(), before);
    }
    assert_eq!(desk.app.next_wake(desk.now()), wake);
}

#[test]
fn a_closed_pane_is_not_drawn_anew_for_what_is_measured() {
    let mut desk = Desk::with_ports(&[10]);
    let before = desk.view();
    assert_eq!(desk.measure(millis(1)), []);
    assert_eq!(desk.view(), before);
}

#[test]
fn the_oldest_refreshes_are_forgotten_but_counted() {
    let mut desk = Desk::with_ports(&[10]);
    desk.measure(millis(5000));
    for _ in 0..MAX_REFRESHES {
        desk.wait(SECOND).measure(millis(1));
    }
    assert_eq!(desk.app.stats.refreshes().count(), MAX_REFRESHES);
    desk.press("$");
    assert_eq!(pane_title(&desk), "stats · 101 refreshes · ms");
    assert_eq!(words(&desk, "worst")[2], "1.0");
}

#[test]
fn scrolling_leaves_the_headings() {
    let mut desk = Desk::with_ports(&[10]);
    for _ in 0..30 {
        desk.wait(SECOND).measure(millis(1));
    }
    desk.press("$");
    let before = lines(&desk);
    desk.press("]");
    let after = lines(&desk);
    assert_eq!(before[..3], after[..3]);
    assert!(before[3].starts_with("12:00:30"), "{before:?}");
    assert!(after[3].starts_with("12:00:29"), "{after:?}");
    desk.press(&"]".repeat(100));
    assert!(lines(&desk)[9].starts_with("12:00:01"), "to the very end");
    // The last press down does not have to be taken back.
    desk.press("[");
    assert!(lines(&desk)[9].starts_with("12:00:02"));
}

#[test]
fn the_key_and_esc_close_the_pane() {
    let mut desk = Desk::with_ports(&[10]);
    for close in [Key::Char('$'), Key::Esc] {
        desk.press("$");
        assert!(matches!(desk.app.dock.pane, Some(Pane::Stats)));
        desk.key(close);
        assert!(desk.app.dock.pane.is_none());
    }
}

#[test]
fn the_pane_is_open_from_the_start_if_that_is_wanted() {
    let desk = Desk::with(Settings {
        stats: true,
        ..Settings::default()
    });
    assert_eq!(pane_title(&desk), "stats · 0 refreshes · ms");
}
