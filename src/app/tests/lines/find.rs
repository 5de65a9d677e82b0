//! Finding rows by a text, without hiding the others.

use crate::app::tests::*;

const F3: Key = Key::F(3);

fn desk() -> Desk {
    Desk::with_ports(&[10, 20, 30, 120, 200])
}

/// The ports of the rows marked as matches.
fn matches(desk: &Desk) -> Vec<u16> {
    let rows = desk.view().rows;
    let ports = desk.ports().into_iter().zip(rows);
    let found = ports.filter(|(_, row)| row.is_match);
    found.map(|(port, _)| port).collect()
}

/// The footer's line below the typed text.
fn below(desk: &Desk) -> String {
    let footer = desk.view().footer;
    footer[1].iter().map(|span| span.text.as_str()).collect()
}

#[test]
fn the_cursor_goes_to_the_first_match_while_a_text_is_typed_and_no_row_is_hidden() {
    let mut desk = desk();
    desk.key(F3);
    desk.press(":2");
    assert_eq!(desk.selected_port(), Some(10), "no port is 2");
    assert!(below(&desk).starts_with(" no match "), "{}", below(&desk));
    desk.press("0");
    assert_eq!(desk.selected_port(), Some(20));
    assert_eq!(desk.ports(), [10, 20, 30, 120, 200]);
    assert_eq!(matches(&desk), [20]);
    assert!(
        below(&desk).starts_with(" match 1 of 1 "),
        "{}",
        below(&desk)
    );
    desk.press("0");
    assert_eq!(desk.selected_port(), Some(200));
    assert_eq!(matches(&desk), [200]);
}

#[test]
fn whatever_can_be_filtered_by_can_be_found() {
    for (text, expected) in [
        (":20", vec![20]),
        (":100-200", vec![120, 200]),
        ("state:listen", vec![10, 20, 30, 120, 200]),
        ("pid:30", vec![30]),
        ("!(:10 | :20)", vec![30, 120, 200]),
        ("APP", vec![10, 20, 30, 120, 200]),
        ("udp", vec![]),
    ] {
        let mut desk = desk();
        desk.key(F3);
        desk.press(text);
        assert_eq!(matches(&desk), expected, "{text}");
    }
}

#[test]
fn enter_keeps_the_position_and_n_and_shift_n_go_round_the_matches() {
    let mut desk = desk();
    desk.key(F3);
    desk.press("!:30");
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Matches);
    let mut positions = vec![desk.selected_port()];
    for key in ["n", "n", "n", "n", "N", "N"] {
        desk.press(key);
        positions.push(desk.selected_port());
    }
    let expected = [10, 20, 120, 200, 10, 200, 120].map(Some);
    assert_eq!(positions, expected);
    assert!(
        footer(&desk).starts_with(" find !:30  match 3 of 4  n next  N previous  Esc close"),
        "{}",
        footer(&desk)
    );
    // Beside a match they are counted.
    desk.press("k");
    assert!(footer(&desk).contains("  4 matches "), "{}", footer(&desk));
    desk.press("n");
    assert_eq!(desk.selected_port(), Some(120));
}

#[test]
fn n_switches_names_unless_something_is_found() {
    let mut desk = desk();
    desk.press("n");
    assert!(!desk.app.rows.names);
    desk.key(F3);
    desk.press(":20");
    desk.key(Key::Enter);
    desk.press("n");
    assert!(!desk.app.rows.names);
    desk.key(Key::Esc);
    assert_eq!(desk.mode(), Mode::Table);
    assert!(matches(&desk).is_empty());
    assert_eq!(desk.selected_port(), Some(20), "the cursor stays");
    desk.press("n");
    assert!(desk.app.rows.names);
}

#[test]
fn esc_while_typing_returns_the_cursor_to_its_row_wherever_that_is_now() {
    let mut desk = desk();
    desk.press("jj");
    desk.key(F3);
    desk.press(":200");
    assert_eq!(desk.selected_port(), Some(200));
    desk.read_ports(&[5, 10, 20, 30, 120, 200]);
    desk.key(Key::Esc);
    assert_eq!(desk.selected_port(), Some(30));
    assert_eq!(desk.mode(), Mode::Table);
    assert!(matches(&desk).is_empty());
}

#[test]
fn the_search_begins_at_the_cursor_and_continues_at_the_top() {
    let mut desk = desk();
    desk.press("jj");
    desk.key(F3);
    desk.press("!:30");
    assert_eq!(desk.selected_port(), Some(120));
    desk.key(Key::Down);
    desk.key(F3);
    assert_eq!(desk.selected_port(), Some(10));
    desk.key(Key::Up);
    assert_eq!(desk.selected_port(), Some(200));
    let mut desk = self::desk();
    desk.press("jj");
    desk.key(F3);
    desk.press(":20");
    assert_eq!(desk.selected_port(), Some(20));
}

#[test]
fn matches_follow_their_rows_when_rows_open_or_the_order_changes() {
    let mut desk = desk();
    desk.key(F3);
    desk.press(":20 | :200");
    desk.key(Key::Enter);
    desk.read_ports(&[5, 10, 20, 30, 120, 200]);
    assert_eq!(matches(&desk), [20, 200]);
    desk.press("S");
    assert_eq!(matches(&desk), [200, 20]);
    assert!(footer(&desk).contains("match 2 of 2"), "{}", footer(&desk));
}

#[test]
fn an_error_is_shown_and_enter_does_not_confirm_it() {
    let mut desk = desk();
    desk.key(F3);
    desk.press(":20 (");
    assert!(desk.app.filter.error.is_some());
    assert_eq!(matches(&desk), [20], "the last valid text counts");
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Finding);
    assert!(below(&desk).contains(')'), "{}", below(&desk));
    desk.key(Key::Esc);
    assert!(desk.app.filter.error.is_none());
}

#[test]
fn a_found_text_leaves_the_filter_and_its_history_alone() {
    let mut desk = desk();
    desk.press("/!:10");
    desk.key(Key::Enter);
    desk.key(F3);
    desk.press(":30");
    desk.key(Key::Enter);
    desk.key(Key::Esc);
    assert_eq!(desk.app.filter.text, "!:10");
    assert_eq!(desk.app.filter.history, ["!:10"]);
    assert_eq!(desk.ports(), [20, 30, 120, 200]);
}

#[test]
fn an_empty_text_finds_nothing_and_marks_nothing() {
    let mut desk = desk();
    desk.key(F3);
    desk.press(":20");
    desk.key(Key::Ctrl('u'));
    assert_eq!(desk.selected_port(), Some(10));
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Table);
    let mut desk = Desk::with_ports(&[]);
    desk.key(F3);
    desk.press(":20");
    desk.key(Key::Down);
    desk.key(Key::Enter);
    desk.press("nN");
    assert!(footer(&desk).contains("no match"), "{}", footer(&desk));
}

#[test]
fn at_the_smallest_sizes_finding_never_fails() {
    for (width, height) in [(1, 1), (2, 3), (7, 4), (40, 10)] {
        let mut desk = desk();
        desk.send(Msg::Input(Input::Resized { width, height }));
        desk.key(F3);
        desk.press("app");
        desk.view();
        desk.key(Key::Enter);
        desk.press("nN");
        desk.view();
        assert_eq!(desk.selected_port(), Some(10));
    }
}

#[test]
fn matches_follow_their_lines_when_a_group_opens_or_closes() {
    let places = |desk: &Desk| -> Vec<usize> {
        let rows = desk.view().rows.into_iter().enumerate();
        rows.filter_map(|(place, row)| row.is_match.then_some(place))
            .collect()
    };
    let mut desk = desk();
    desk.press("z");
    desk.key(F3);
    desk.press(":120");
    desk.key(Key::Enter);
    desk.press("gg");
    assert_eq!(places(&desk), [3]);
    desk.key(Key::Right);
    assert_eq!(places(&desk), [4], "the first group has opened");
    desk.key(Key::Left);
    assert_eq!(places(&desk), [3], "it has closed");
    let mut rows = desk.app.rows.table.rows.iter();
    let at = rows.position(|row| row.socket.local.port == 10);
    let now = desk.now();
    desk.app.show_row(at.unwrap(), now);
    assert_eq!(places(&desk), [4], "it was opened for its row");
}
