//! The help: its sections, its search, and what it leaves out.

use crate::app::tests::*;
use crate::model::Origin;
use crate::settings::CustomView;

fn sized(width: u16, height: u16) -> Desk {
    let mut desk = Desk::with_ports(&(1000..1020).collect::<Vec<_>>());
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk
}

/// Every line of the help, with spaces at its end removed.
fn lines(desk: &Desk) -> Vec<String> {
    let mut tall = desk.app.clone();
    tall.size.height = 2000;
    let overlay = tall.view(desk.now()).overlay.expect("the help is open");
    let text = |line: &view::Line| line.iter().map(|span| span.text.as_str()).collect();
    let lines: Vec<String> = overlay.lines.iter().map(text).collect();
    lines
        .into_iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn place(lines: &[String], line: &str) -> usize {
    let at = lines.iter().position(|one| one == line);
    at.unwrap_or_else(|| panic!("no {line:?} in {lines:#?}"))
}

#[test]
fn its_sections_are_in_order_and_what_is_open_comes_first() {
    let order = [
        "Move", "Look", "Act", "View", "Program", "Marks", "States", "Colors", "Owners", "Columns",
        "Filter",
    ];
    for (open, first) in [
        ("", None),
        ("e", Some("Open pane")),
        ("b", Some("Bind test")),
    ] {
        let mut desk = sized(100, 40);
        desk.press(open);
        desk.press("?");
        let lines = lines(&desk);
        let expected = first.iter().chain(&order);
        let places: Vec<_> = expected.map(|title| place(&lines, title)).collect();
        assert_eq!(places[0], 0);
        assert!(places.is_sorted(), "{lines:#?}");
    }
}

#[test]
fn it_lists_every_key_that_works_once() {
    for open in ["", "e", "b"] {
        let mut desk = sized(119, 40);
        desk.press(open);
        let mode = desk.mode();
        desk.press("?");
        let lines = lines(&desk);
        let keymap = Keymap::default();
        for binding in keymap.bound(mode).chain(keymap.bound(Mode::Table)) {
            let is_it = |line: &&String| {
                let keys = desk.app.keys_in_force(mode, binding);
                let rest = line.strip_prefix(&keys).filter(|_| !keys.is_empty());
                rest.is_some_and(|rest| rest.trim_start() == binding.help)
            };
            let works = desk.app.is_available(binding.action)
                && !desk.app.keys_in_force(mode, binding).is_empty();
            let count = lines.iter().filter(is_it).count();
            assert_eq!(count, usize::from(works), "{open:?}: {binding:?}");
        }
    }
}

#[test]
fn keys_that_do_nothing_here_are_not_listed() {
    let listed = |desk: &mut Desk, what: &str| {
        desk.press("?");
        let is_listed = lines(desk).iter().any(|line| line.contains(what));
        desk.key(Key::Esc);
        is_listed
    };
    let mut desk = sized(100, 40);
    assert!(!listed(&mut desk, "fifth view") && !listed(&mut desk, "scroll the open pane"));
    assert!(listed(&mut desk, "end the process") && listed(&mut desk, "bind test"));
    desk.app.environment.origin = Origin::Recording;
    assert!(!listed(&mut desk, "end the process") && !listed(&mut desk, "bind test of any port"));
    desk.app.settings.views = vec![CustomView {
        name: "web".into(),
        shows: Tab::All,
        filter: crate::filter::Filter::parse(":80").unwrap(),
        columns: None,
        sort: None,
    }];
    assert!(listed(&mut desk, "show the view web") && !listed(&mut desk, "sixth view"));
}

#[test]
fn a_wide_terminal_has_two_columns_and_a_narrower_one() {
    let first = |width| {
        let mut desk = sized(width, 40);
        desk.press("?");
        lines(&desk)[0]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(first(120), "Move Look");
    assert_eq!(first(119), "Move");
    assert_eq!(first(40), "Move");
}

#[test]
fn each_state_and_mark_is_in_its_color_of_the_table_with_its_meaning() {
    let mut desk = sized(119, 40);
    desk.press("?");
    desk.app.size.height = 2000;
    let overlay = desk.view().overlay.expect("the help is open");
    for (word, role) in [
        ("LISTEN", view::Role::Good),
        ("ESTABLISHED", view::Role::Busy),
        ("TIME_WAIT", view::Role::Dim),
        ("+", view::Role::Good),
        ("!", view::Role::Bad),
    ] {
        let says = |line: &&view::Line| {
            line.len() > 1 && line[0].text.trim() == word && line[0].role == role
        };
        let line = overlay.lines.iter().find(says);
        let line = line.unwrap_or_else(|| panic!("no {word} in its color"));
        assert!(!line[1].text.trim().is_empty(), "{word} has a meaning");
    }
}

#[test]
fn a_search_shows_the_lines_that_have_its_words_while_it_is_typed() {
    let mut desk = sized(80, 24);
    desk.press("?");
    let whole = desk.view().overlay.expect("it is open").area;
    desk.press("/REVERSE or");
    assert_eq!(desk.mode(), Mode::HelpSearch);
    assert!(
        footer(&desk).starts_with(" / REVERSE or"),
        "{}",
        footer(&desk)
    );
    let found: Vec<_> = lines(&desk)
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(found[0], "Look");
    assert!(found[1].ends_with("reverse the order"), "{found:#?}");
    assert_eq!(
        desk.view().overlay.expect("it is open").area,
        whole,
        "its size stays"
    );

    desk.key(Key::Enter);
    assert_eq!(desk.mode(), Mode::Help);
    assert!(lines(&desk)[1].ends_with("reverse the order"));
    desk.press("/x");
    desk.key(Key::Esc);
    assert_eq!((desk.mode(), &*lines(&desk)[0]), (Mode::Help, "Move"));
    desk.press("q");
    assert_eq!(desk.mode(), Mode::Table);
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    for (width, height) in [(160, 45), (80, 24), (40, 10), (3, 3)] {
        let mut desk = sized(width, height);
        desk.press("?/no such word");
        let text = lines(&desk).join(" ");
        let words: String = text.split_whitespace().collect();
        let nothing = "Nothinginthehelpmatches`nosuchword`.";
        assert!(words.contains(nothing) || width == 3, "{text}");
    }
}

#[test]
fn it_scrolls_to_its_last_line_also_while_something_is_searched() {
    for (width, height) in [(160, 45), (80, 24), (40, 10)] {
        let mut desk = sized(width, height);
        desk.press("?/port");
        for _ in 0..2 {
            for _ in 0..60 {
                desk.key(Key::PageDown);
            }
            let last = |lines: Vec<String>| lines.into_iter().rfind(|line| !line.is_empty());
            let shown = desk.view().overlay.expect("it is open").lines;
            let text = |line: &view::Line| line.iter().map(|span| span.text.as_str()).collect();
            let shown: Vec<String> = shown.iter().map(text).collect();
            let shown = shown.iter().map(|line| line.trim_end().to_owned());
            assert_eq!(
                last(shown.collect()),
                last(lines(&desk)),
                "{width}×{height}"
            );
            desk.key(Key::Enter);
        }
    }
}
