//! The menu of columns: switching them on and off, and moving them.

use crate::app::tests::*;
use crate::columns::{self, ColumnId};

fn wide(ports: &[u16]) -> Desk {
    let mut desk = Desk::new();
    desk.resize(160, 45).read_ports(ports);
    desk
}

fn headings(desk: &Desk) -> Vec<String> {
    let titles = desk.view().titles.into_iter();
    let each = titles.map(|title| title.text.trim().replace(" ▲", ""));
    each.collect()
}

/// The menu's lines, and which one has the cursor.
fn menu(desk: &Desk) -> (Vec<String>, usize) {
    let menu = desk.view().overlay.expect("the menu is open");
    let line = |line: &crate::app::view::Line| line.iter().map(|span| &*span.text).collect();
    let (lines, at): (Vec<String>, _) = (menu.lines.iter().map(line).collect(), menu.selected);
    (lines, at.expect("a menu has a cursor"))
}

fn place_of(desk: &Desk, title: &str) -> usize {
    let (lines, _) = menu(desk);
    let found = lines.iter().position(|line| line[4..].starts_with(title));
    found.expect("every column is in the menu")
}

/// Opens the menu with the cursor on a column.
fn open(desk: &mut Desk, title: &str) {
    desk.press("C");
    let at = place_of(desk, title);
    desk.press(&"j".repeat(at));
}

/// The columns that would be saved.
fn saved(desk: &mut Desk) -> Vec<ColumnId> {
    match &*desk.press("W") {
        [Effect::PrepareSave(settings)] => settings.columns.clone(),
        other => panic!("{other:?}"),
    }
}

fn web(columns: Option<Vec<ColumnId>>) -> CustomView {
    CustomView {
        name: "Web".into(),
        shows: Tab::All,
        filter: crate::filter::Filter::default(),
        columns,
        sort: None,
    }
}

#[test]
fn a_column_moves_in_the_table_at_once_and_the_cursor_goes_with_it() {
    let mut desk = wide(&[80, 81]);
    let before = headings(&desk);
    assert_eq!(before[..2], ["PROTO", "LOCAL ADDRESS"]);
    open(&mut desk, "PROTO");
    desk.press("J");
    assert_eq!(headings(&desk)[..2], ["LOCAL ADDRESS", "PROTO"]);
    assert_eq!((place_of(&desk, "PROTO"), menu(&desk).1), (1, 1));
    assert_eq!(desk.app.width_changes().1, Some(WidthReason::Columns));
    desk.press("K");
    assert_eq!(headings(&desk), before);
    assert_eq!(menu(&desk).1, 0);
}

#[test]
fn a_column_at_either_end_of_the_list_stays_there() {
    let mut desk = wide(&[80]);
    open(&mut desk, "PROTO");
    let before = menu(&desk);
    desk.press("K");
    assert_eq!(menu(&desk), before);
    desk.press(&"J".repeat(50));
    assert_eq!(place_of(&desk, "PROTO"), columns::ALL.len() - 1);
    assert_eq!(menu(&desk).1, columns::ALL.len() - 1);
}

#[test]
fn port_state_and_process_are_always_on_and_can_be_moved() {
    for title in ["PORT", "STATE", "PROCESS"] {
        let mut desk = wide(&[80]);
        open(&mut desk, title);
        let (lines, at) = menu(&desk);
        assert!(lines[at].contains("always on"), "{}", lines[at]);
        desk.press(" ");
        assert_eq!(menu(&desk), (lines, at), "it can't be switched off");
        desk.press(&"K".repeat(at));
        desk.key(Key::Esc);
        assert_eq!(headings(&desk)[0], title);
    }
}

#[test]
fn no_other_menu_moves_anything_or_has_a_hint_for_it() {
    let mut desk = wide(&[80]);
    let before = headings(&desk);
    for open in ["P", "c", "w", "s", "Z"] {
        desk.press(open);
        let menu = menu(&desk);
        desk.press("JK");
        assert_eq!(self::menu(&desk), menu, "{open}");
        assert!(!footer(&desk).contains("move"), "{}", footer(&desk));
        desk.key(Key::Esc);
    }
    assert_eq!(headings(&desk), before);
    desk.press("C");
    let hints = footer(&desk);
    assert!(hints.contains("K move left  J move right"), "{hints}");
}

#[test]
fn the_menu_can_be_used_in_a_small_terminal() {
    for (width, height) in [(40, 10), (80, 24)] {
        let mut desk = Desk::with_ports(&[80, 81]);
        desk.resize(width, height);
        desk.press("C");
        for column in columns::ALL {
            let (lines, at) = menu(&desk);
            assert!(lines[at].contains(column.title), "{lines:?}");
            desk.press("j");
        }
        // The last one, to the front.
        desk.press(&"K".repeat(columns::ALL.len()));
        let (lines, at) = menu(&desk);
        assert!(lines[at].contains("COMMAND"), "{lines:?}");
        assert_eq!(desk.app.columns_menu(0).items[0].label[..7], *"COMMAND");
        assert!(footer(&desk).contains("J move right"), "{}", footer(&desk));
    }
}

#[test]
fn the_order_belongs_to_the_view_and_that_of_the_tabs_is_saved() {
    for own in [
        None,
        Some(vec![ColumnId::Process, ColumnId::State, ColumnId::Port]),
    ] {
        let mut desk = Desk::with(Settings {
            views: vec![web(own)],
            ..Settings::default()
        });
        desk.resize(160, 45).read_ports(&[80]);
        open(&mut desk, "PROTO");
        desk.press("J");
        desk.key(Key::Esc);
        let of_tabs = headings(&desk);
        assert_eq!(of_tabs[..2], ["LOCAL ADDRESS", "PROTO"]);
        desk.press("5");
        let of_view = headings(&desk);
        open(&mut desk, "PROCESS");
        desk.press("JJJ");
        desk.key(Key::Esc);
        assert_ne!(headings(&desk), of_view);
        let saved = saved(&mut desk);
        desk.press("1");
        assert_eq!(headings(&desk), of_tabs);
        assert_eq!(saved[..2], [ColumnId::Local, ColumnId::Proto]);
        desk.press("5");
        assert_eq!(headings(&desk), of_view, "as the config has it");
    }
}

#[test]
fn columns_are_saved_only_if_they_are_others_than_those_of_the_config() {
    let short = [ColumnId::State, ColumnId::Port, ColumnId::Process];
    for config in [Settings::default().columns, short.to_vec()] {
        let mut desk = Desk::with(Settings {
            columns: config.clone(),
            ..Settings::default()
        });
        desk.resize(160, 45).read_ports(&[80]);
        assert_eq!(saved(&mut desk), config);
        // Another view, and changes that were undone.
        desk.press("2");
        open(&mut desk, "PID");
        desk.press("  ");
        desk.key(Key::Esc);
        assert_eq!(saved(&mut desk), config);
        open(&mut desk, "PORT");
        desk.press("JK");
        desk.key(Key::Esc);
        assert_eq!(saved(&mut desk), config);
        open(&mut desk, "PORT");
        desk.press("K");
        desk.key(Key::Esc);
        let saved = saved(&mut desk);
        assert_ne!(saved, config);
        assert_eq!(saved.len(), config.len());
    }
}

#[test]
fn what_was_saved_begins_with_the_same_order_and_drops_the_same_columns() {
    let mut desk = wide(&[80, 81]);
    open(&mut desk, "PID");
    desk.press("KKKKK");
    desk.key(Key::Esc);
    let columns = saved(&mut desk);
    let mut again = Desk::with(Settings {
        columns,
        ..desk.app.config.clone()
    });
    for (width, height) in [(160, 45), (80, 24), (40, 10)] {
        desk.resize(width, height);
        again.resize(width, height).read_ports(&[80, 81]);
        assert_eq!(headings(&again), headings(&desk), "{width}×{height}");
    }
}

#[test]
fn reading_the_config_again_keeps_the_order_unless_its_columns_changed() {
    let mut desk = wide(&[80]);
    open(&mut desk, "PROTO");
    desk.press("J");
    desk.key(Key::Esc);
    let moved = headings(&desk);
    let config = desk.app.config.clone();
    let mut read = |settings: Settings| {
        desk.press("R");
        desk.send(Msg::SettingsRead {
            settings: Box::new(settings),
            from: "config.toml".into(),
        });
        headings(&desk)
    };
    let other = Settings {
        linger: std::time::Duration::from_secs(9),
        ..config.clone()
    };
    assert_eq!(read(other), moved);
    let columns = vec![ColumnId::State, ColumnId::Port, ColumnId::Process];
    let shown = read(Settings { columns, ..config });
    assert_eq!(shown, ["STATE", "PORT", "PROCESS"]);
}
