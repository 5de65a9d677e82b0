//! The list of events and its timeline.

use crate::app::tests::panes::stats::lines;
use crate::app::tests::*;

fn connection(port: u16, state: State) -> Socket {
    let peer = Endpoint::new("10.0.0.9".parse().unwrap(), 50_000);
    Socket {
        remote: Some(peer),
        state,
        ..listener(port)
    }
}

/// A listener and a connection open, the connection changes its state, the listener closes.
fn scene() -> Desk {
    let mut desk = Desk::new();
    desk.read(&[]);
    let open = [listener(80), connection(443, State::Established)];
    desk.wait(SECOND).read(&open);
    let changed = [listener(80), connection(443, State::CloseWait)];
    desk.wait(SECOND).read(&changed);
    for _ in 0..2 {
        desk.wait(SECOND).read(&changed[1..]);
    }
    desk.press("e");
    desk
}

/// Local address and change of each event in sight.
fn listed(desk: &Desk) -> Vec<String> {
    let lines = lines(desk)
        .into_iter()
        .filter(|line| line.starts_with("12:"));
    let words = lines.map(|line| {
        let words: Vec<_> = line.split_whitespace().skip(1).collect();
        format!("{} {}", words[0], words[2])
    });
    words.collect()
}

#[test]
fn events_are_listed_if_their_row_passes_view_and_filter() {
    let mut desk = scene();
    let all = [
        "- 127.0.0.1:80",
        "~ 127.0.0.1:443",
        "+ 127.0.0.1:443",
        "+ 127.0.0.1:80",
    ];
    let mut sorted = listed(&desk);
    sorted[2..].sort();
    let mut expected = all;
    expected[2..].sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(pane_title(&desk), "events · 4");
    desk.press("1");
    assert_eq!(listed(&desk), ["- 127.0.0.1:80", "+ 127.0.0.1:80"]);
    assert_eq!(pane_title(&desk), "events · 2 of 4");
    desk.press("2");
    assert_eq!(listed(&desk), ["~ 127.0.0.1:443", "+ 127.0.0.1:443"]);
    desk.press("4");
    assert_eq!(pane_title(&desk), "events · 4");
    desk.press("t");
    assert_eq!(pane_title(&desk), "events · 0 of 4");
    desk.press("t3/state:close-wait");
    desk.key(Key::Enter);
    assert_eq!(listed(&desk), ["~ 127.0.0.1:443"]);
    assert_eq!(pane_title(&desk), "events · 1 of 4");
}

#[test]
fn events_are_aligned_below_their_headings_at_every_width() {
    let mut desk = scene();
    for width in 60..=240 {
        let height = 24;
        desk.send(Msg::Input(Input::Resized { width, height }));
        let lines = lines(&desk);
        let heading = lines.iter().find(|line| line.starts_with("TIME")).unwrap();
        let column = heading.find("LOCAL").unwrap();
        let room = usize::from(desk.view().layout.pane_lines().width);
        for line in &lines {
            assert!(columns::width(line) <= room, "{width}: {line}");
            if line.starts_with("12:") {
                let at = line.char_indices().nth(column).unwrap().0;
                assert!(line[at..].starts_with("127"), "{width}: {line}");
                assert!(
                    line.contains(":80 ") || line.contains(":443 "),
                    "{width}: {line}"
                );
            }
        }
    }
}

#[test]
fn the_timeline_is_one_line_with_its_axis_and_counts_what_is_listed() {
    let mut desk = scene();
    assert_eq!(lines(&desk)[0], "-0:05 █ now  +2 ~1 -1  peak 4 in 5 s");
    desk.press("1");
    assert_eq!(lines(&desk)[0], "-0:05 █ now  +1 ~0 -1  peak 2 in 5 s");
    desk.press("3p");
    assert!(
        lines(&desk)[0].starts_with("-0:05 █ 12:00:0"),
        "{:?}",
        lines(&desk)[0]
    );
    desk.press("p");
    for _ in 0..200 {
        desk.wait(SECOND * 2)
            .read(&[connection(443, State::CloseWait)]);
    }
    let line = lines(&desk).remove(0);
    assert!(
        line.starts_with("-3:20 ") && line.ends_with(" now  +0 ~0 -0  peak 0 in 5 s"),
        "{line}"
    );
}
