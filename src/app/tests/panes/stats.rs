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
        self.send(Msg::RefreshMeasured(Refresh {
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
        desk.send(Msg::Drawn(millis(2)));
        desk.measure(millis(dump));
        desk.wait(SECOND);
    }
    desk.press("$");
    assert_eq!(pane_title(&desk), "stats · 3 refreshes");
    desk.send(Msg::Input(Input::Resized {
        width: 100,
        height: 60,
    }));
    let dumps: Vec<_> = lines(&desk)
        .iter()
        .skip_while(|line| !line.contains("dump"))
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
    desk.send(Msg::Input(Input::Resized {
        width: 100,
        height: 60,
    }));
    desk.measure(millis(1));
    for draw in [2, 7, 3] {
        desk.send(Msg::Drawn(millis(draw)));
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
        assert_eq!(desk.send(Msg::Drawn(millis(900))), []);
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
    assert_eq!(pane_title(&desk), "stats · 101 refreshes");
    assert_eq!(words(&desk, "worst")[2], "1.0");
}

#[test]
fn the_pane_scrolls_to_the_oldest_refresh() {
    let mut desk = Desk::with_ports(&[10]);
    for _ in 0..30 {
        desk.wait(SECOND).measure(millis(1));
    }
    desk.press("$");
    assert!(lines(&desk)[0].starts_with("states"), "{:?}", lines(&desk));
    desk.press(&"]".repeat(100));
    let last = |desk: &Desk| lines(desk).pop().unwrap();
    assert!(last(&desk).starts_with("12:00:01"), "to the very end");
    // The last press down does not have to be taken back.
    desk.press("[");
    assert!(last(&desk).starts_with("12:00:02"));
}

#[test]
fn the_network_comes_first_sockets_by_state_then_processes_and_peers_by_connections() {
    let connection = |port: u16, pid: u32, peer: &str| Socket {
        remote: Some(Endpoint::new(peer.parse().unwrap(), 50_000)),
        state: State::Established,
        owner: Owner::Known([process(pid)].into()),
        ..listener(port)
    };
    let mut desk = Desk::new();
    desk.read(&[
        listener(80),
        connection(81, 7, "10.0.0.9"),
        connection(82, 7, "10.0.0.8"),
        connection(83, 8, "10.0.0.9"),
        connection(84, 7, "::ffff:10.0.0.9"),
    ]);
    desk.press("$");
    let words: Vec<_> = lines(&desk)
        .iter()
        .take(5)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        words,
        [
            "states 4 ESTABLISHED · 1 LISTEN",
            "processes 3 app(7)",
            "1 app(8)",
            "peers 3 10.0.0.9",
            "1 10.0.0.8",
        ]
    );
    // A talker goes to its first connection.
    desk.press("ojjj");
    desk.key(Key::Enter);
    assert_eq!(desk.selected_port(), Some(81));
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
    assert_eq!(pane_title(&desk), "stats · 0 refreshes");
}

#[test]
fn the_network_is_counted_once_for_each_table_while_the_pane_is_open() {
    let mut desk = Desk::with_ports(&[10, 20]);
    assert!(desk.app.dock.network.is_none());
    desk.press("$");
    assert_eq!(words(&desk, "states"), ["states", "2", "LISTEN"]);
    let is_of_table = |desk: &Desk| {
        let network = desk.app.dock.network.as_ref();
        network.is_some_and(|network| Arc::ptr_eq(&network.table, &desk.app.rows.table))
    };
    assert!(is_of_table(&desk));
    desk.wait(SECOND).read_ports(&[10, 20, 30]);
    assert!(is_of_table(&desk));
    assert_eq!(words(&desk, "states"), ["states", "3", "LISTEN"]);
    desk.press("$");
    assert!(desk.app.dock.network.is_none());
}
