//! A focused pane: its keys, its cursor, searching, zoom and clicks.

use crate::app::tests::panes::stats::lines;
use crate::app::tests::*;

/// Which lines of the pane are reversed as matches, by their reversed texts.
fn matches(desk: &Desk) -> Vec<String> {
    let pane = desk.view().pane.unwrap();
    let spans = pane.lines.iter().flatten();
    let reversed = spans.filter(|span| span.is_reversed);
    reversed.map(|span| span.text.clone()).collect()
}

/// The text of the line under the cursor.
fn line(desk: &Desk) -> String {
    let at = desk.view().pane.unwrap().selected.expect("it is focused");
    lines(desk).remove(at)
}

/// The ports open one by one, a second apart, then the events are focused.
fn events(ports: &[u16]) -> Desk {
    let mut desk = Desk::with_ports(&[1]);
    for count in 1..=ports.len() {
        let ports = [&[1], &ports[..count]].concat();
        desk.wait(SECOND).read_ports(&ports);
    }
    desk.press("eo");
    desk
}

impl Desk {
    fn click_at(&mut self, column: u16, row: u16) {
        self.send(Msg::Input(Input::Mouse(Mouse::Click { column, row })));
    }
}

#[test]
fn o_focuses_the_open_pane_or_opens_the_details() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("o");
    assert_eq!(
        (pane_title(&desk), desk.mode()),
        ("details".into(), Mode::Pane)
    );
    desk.press("j");
    assert_eq!(desk.selected_port(), Some(80), "the table has no keys");
    desk.press("o");
    assert_eq!(desk.mode(), Mode::Table);
    desk.press("j");
    assert_eq!(desk.selected_port(), Some(81));
    desk.press("eo");
    assert!(pane_title(&desk).starts_with("events"));
    desk.key(Key::Esc);
    assert!(desk.view().pane.is_some_and(|pane| !pane.is_focused));
    desk.key(Key::Esc);
    assert!(desk.view().pane.is_none());
}

#[test]
fn keys_without_another_meaning_in_a_pane_work_as_in_the_table() {
    let mut desk = events(&[80, 81]);
    desk.press("$");
    assert!(pane_title(&desk).starts_with("stats"));
    assert_eq!(desk.mode(), Mode::Pane, "another pane keeps the keys");
    desk.press("2");
    assert_eq!(desk.app.rows.criteria.tab, Tab::Connections);
    assert_eq!(desk.press("q"), [Effect::End(Exit::Quit)]);
    desk.press("$");
    assert_eq!(desk.mode(), Mode::Table, "a closed pane has no keys");
}

#[test]
fn a_focused_bind_test_also_has_the_keys_of_a_bind_test() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("bo");
    assert_eq!(desk.mode(), Mode::Pane);
    desk.press("J");
    assert!(footer(&desk).contains("no socket is in the way"));
    desk.press("w");
    assert!(footer(&desk).contains("the test is still running"));
    desk.key(Key::Esc);
    assert_eq!(desk.mode(), Mode::Bind);
    desk.press("eo");
    assert_eq!(
        desk.app.action_of(Key::Char('w')),
        Desk::new().app.action_of(Key::Char('w'))
    );
}

#[test]
fn the_cursor_moves_by_lines_pages_and_to_the_ends() {
    let mut desk = events(&(100..140).collect::<Vec<_>>());
    assert!(line(&desk).contains(":139 "), "the newest: {}", line(&desk));
    desk.press("jj");
    assert!(line(&desk).contains(":137 "));
    desk.key(Key::End);
    assert!(line(&desk).contains(":100 "));
    desk.key(Key::PageUp);
    let page = line(&desk);
    assert!(!page.contains(":100 ") && !page.contains(":101 "), "{page}");
    desk.key(Key::PageDown);
    assert!(line(&desk).contains(":100 "));
    desk.press("gk");
    assert!(line(&desk).contains(":139 "));
    desk.press("G");
    assert!(line(&desk).contains(":100 "));
    assert_eq!(desk.selected_port(), Some(1));
}

#[test]
fn the_cursor_stays_on_its_event_when_newer_ones_come_and_on_the_newest_at_the_top() {
    let mut desk = events(&[80, 81, 82]);
    desk.wait(SECOND).read_ports(&[1, 80, 81, 82, 83]);
    assert!(line(&desk).contains(":83 "));
    desk.press("jj");
    assert!(line(&desk).contains(":81 "));
    for port in 90..120 {
        let ports: Vec<_> = [1, 80, 81, 82, 83].into_iter().chain(90..=port).collect();
        desk.wait(SECOND).read_ports(&ports);
        assert!(line(&desk).contains(":81 "), "{}", line(&desk));
    }
}

#[test]
fn enter_on_an_event_selects_its_row_also_if_view_and_filter_hide_it() {
    let mut desk = events(&[80, 81, 82]);
    desk.press("j");
    desk.key(Key::Enter);
    assert_eq!((desk.selected_port(), desk.mode()), (Some(81), Mode::Table));
    desk.press("2o");
    assert_eq!(lines(&desk), ["no event matches the view and the filter"]);
    desk.key(Key::Enter);
    assert!(footer(&desk).contains("this line belongs to no row"));
    desk.press("3");
    desk.settle_on(&[1, 81, 82]);
    desk.wait(LINGER * 2).settle_on(&[1, 81, 82]);
    desk.press("g");
    desk.key(Key::Enter);
    assert!(footer(&desk).contains("its row is not in the table any more"));
    assert_eq!(desk.mode(), Mode::Pane);
}

#[test]
fn a_search_goes_to_the_first_match_while_it_is_typed_then_to_the_others() {
    let mut desk = events(&[80, 180, 90, 81]);
    desk.press("/");
    assert_eq!(desk.mode(), Mode::Prompt);
    desk.press("APP(180");
    assert!(line(&desk).contains(":180 "), "{}", line(&desk));
    assert!(footer(&desk).contains("1 line"), "{}", footer(&desk));
    for _ in 0..7 {
        desk.key(Key::Backspace);
    }
    assert!(matches(&desk).is_empty());
    desk.press(":8");
    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Pane);
    assert_eq!(matches(&desk), [":8", ":8"]);
    assert_eq!(pane_title(&desk), "events · 4 · :8 2 of 2");
    desk.press("n");
    assert!(
        line(&desk).contains(":81 "),
        "after the last comes the first"
    );
    assert_eq!(pane_title(&desk), "events · 4 · :8 1 of 2");
    desk.press("j");
    assert_eq!(pane_title(&desk), "events · 4 · :8 2 matches");
    desk.press("N");
    assert!(line(&desk).contains(":81 "));
    desk.press("N");
    assert!(line(&desk).contains(":80 "));
    desk.key(Key::Esc);
    assert!(matches(&desk).is_empty());
}

#[test]
fn a_search_without_a_match_says_so_and_esc_ends_it() {
    let mut desk = events(&[80]);
    desk.press("n");
    assert!(footer(&desk).contains("no search in this pane"));
    desk.press("/nginx");
    assert!(footer(&desk).contains("no match"), "{}", footer(&desk));
    desk.key(Key::Enter);
    assert!(footer(&desk).contains("nothing in this pane contains nginx"));
    assert!(pane_title(&desk).ends_with("nginx no match"));
    desk.press("/app");
    desk.key(Key::Esc);
    assert_eq!(
        (desk.mode(), pane_title(&desk)),
        (Mode::Pane, "events · 1".into())
    );
    assert_eq!(desk.app.filter.text, "", "it is no filter");
}

#[test]
fn a_zoomed_pane_takes_the_place_of_the_table_until_it_is_left() {
    for (width, height) in [(160, 45), (80, 24)] {
        let mut desk = events(&[80, 81]);
        desk.resize(width, height);
        let before = desk.view();
        desk.press("+");
        let zoomed = desk.view().layout;
        assert_eq!((zoomed.pane.width, zoomed.pane.height), (width, height - 2));
        assert!(desk.view().rows.is_empty());
        desk.press("+");
        assert_eq!(desk.view(), before);
        desk.press("+");
        desk.key(Key::Esc);
        assert_eq!(desk.view().layout, before.layout);
        assert!(desk.view().rows.iter().any(|row| row.is_selected));
    }
}

#[test]
fn the_cursor_is_visible_at_every_size() {
    let mut desk = events(&(100..140).collect::<Vec<_>>());
    for keys in ["G", "g", "jjjjjjjjjjjjjj", "[[[[[", "]]]]]]]]", "+", "G"] {
        desk.press(keys);
        for (width, height) in [(160, 45), (160, 12), (80, 24), (60, 12), (40, 10), (30, 6)] {
            desk.resize(width, height);
            let pane = desk.view().pane.unwrap();
            let at = pane.selected;
            assert!(
                at.is_some_and(|at| at < pane.lines.len()),
                "{keys} {width}×{height}"
            );
        }
    }
}

#[test]
fn a_click_focuses_the_pane_and_puts_the_cursor_on_its_line_and_two_go_to_the_row() {
    for (width, height) in [(160, 45), (80, 24), (40, 10)] {
        let mut desk = events(&[80, 81, 82]);
        desk.press("o");
        desk.resize(width, height);
        let view = desk.view();
        let area = view.layout.pane_lines();
        let at = lines(&desk).iter().position(|line| line.contains(":81 "));
        let row = area.y + u16::try_from(at.unwrap()).unwrap();
        desk.wait(SECOND).click_at(area.x + 3, row);
        assert_eq!(desk.mode(), Mode::Pane);
        assert!(line(&desk).contains(":81 "), "{}", line(&desk));
        desk.click_at(area.x + 3, row);
        assert_eq!((desk.selected_port(), desk.mode()), (Some(81), Mode::Table));
    }
}

#[test]
fn a_click_on_a_row_of_the_table_gives_the_keys_back() {
    let mut desk = events(&[80, 81]);
    desk.resize(160, 45);
    desk.wait(SECOND).click_at(10, 4);
    assert_eq!((desk.selected_port(), desk.mode()), (Some(80), Mode::Table));
    // The wheel scrolls what is below the pointer, without a focus.
    let column = desk.view().layout.pane.x + 5;
    for row in [3, 30] {
        desk.send(Msg::Input(Input::Mouse(Mouse::WheelDown { column, row })));
    }
    assert_eq!((desk.selected_port(), desk.mode()), (Some(80), Mode::Table));
}

#[test]
fn the_pane_at_the_right_is_live_with_the_cursor_of_the_table() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.resize(160, 45);
    desk.key(Key::Enter);
    assert!(pane_text(&desk).contains("127.0.0.1:80"));
    desk.press("j");
    assert!(pane_text(&desk).contains("127.0.0.1:81"));
    let view = desk.view();
    assert!(view.layout.pane.x > view.layout.rows.width);
    let cells = view.rows.iter().flat_map(|row| &row.cells);
    for cell in cells.chain(&view.titles) {
        let end = usize::from(cell.x) + columns::width(&cell.text);
        assert!(end <= view.layout.rows.width.into(), "{cell:?}");
    }
}
