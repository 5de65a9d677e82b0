//! The menu of the columns to sort by.

use crate::app::tests::*;
use crate::columns::ColumnId;
use crate::keymap::TableAction;
use crate::model::Queue;

fn choices(desk: &Desk) -> Vec<String> {
    let menu = desk.view().overlay.expect("the menu is open");
    let text = |line: &view::Line| line.iter().map(|span| span.text.as_str()).collect();
    menu.lines.iter().map(text).collect()
}

fn choose(desk: &mut Desk, title: &str) {
    desk.press("s");
    let at = choices(desk).iter().position(|line| line.contains(title));
    for _ in columns::ALL {
        desk.key(Key::Up);
    }
    for _ in 0..at.expect("it is there") {
        desk.key(Key::Down);
    }
    desk.key(Key::Enter);
}

fn with_queues() -> Desk {
    let mut desk = Desk::new();
    desk.resize(120, 40);
    let sockets = [(10, 7), (20, 9), (30, 0)].map(|(port, receive)| Socket {
        queue: Some(Queue { receive, send: 0 }),
        ..listener(port)
    });
    desk.read(&sockets);
    desk
}

#[test]
fn it_marks_the_current_column_and_stands_on_it() {
    let mut desk = with_queues();
    for key in [Key::Char('s'), Key::F(6)] {
        desk.key(key);
        assert_eq!(desk.mode(), Mode::Menu);
        let menu = desk.view().overlay.expect("it is open");
        let at = menu.selected.expect("a cursor");
        let choices = choices(&desk);
        assert!(choices[at].starts_with("▲ PORT "), "{choices:#?}");
        assert_eq!(
            choices
                .iter()
                .filter(|line| line.contains(['▲', '▼']))
                .count(),
            1
        );
        assert_eq!(choices.len(), columns::ALL.len());
        desk.key(Key::Esc);
    }
    desk.press("Ss");
    assert!(
        choices(&desk)
            .iter()
            .any(|line| line.starts_with("▼ PORT "))
    );
}

#[test]
fn amounts_begin_with_the_largest_and_ports_and_pids_with_the_lowest() {
    let mut desk = with_queues();
    choose(&mut desk, "RECV-Q");
    assert_eq!(desk.ports(), [20, 10, 30]);
    desk.press("S");
    assert_eq!(desk.ports(), [30, 10, 20]);
    choose(&mut desk, "PID");
    assert_eq!(desk.ports(), [10, 20, 30]);
    for column in columns::ALL {
        let is_amount = [
            ColumnId::Age,
            ColumnId::RecvQ,
            ColumnId::SendQ,
            ColumnId::Conns,
        ]
        .contains(&column.id);
        let is_amount = is_amount || column.id.needs_counters();
        assert_eq!(column.is_largest_first(), is_amount, "{:?}", column.id);
    }
}

#[test]
fn enter_on_the_current_column_and_esc_change_nothing() {
    let mut desk = with_queues();
    desk.press("S");
    let before = desk.app.rows.criteria.sort;
    desk.press("s");
    desk.key(Key::Enter);
    assert_eq!(desk.app.rows.criteria.sort, before);
    desk.press("sjj");
    desk.key(Key::Esc);
    assert_eq!(desk.app.rows.criteria.sort, before);
}

#[test]
fn the_next_column_has_no_key_unless_the_config_gives_it_one() {
    let action = Action::Table(TableAction::SortByNext);
    assert_eq!(Keymap::default().keys(Mode::Table, action), []);
    let mut desk = with_queues();
    let keymap = &mut desk.app.settings.keymap;
    keymap.bind(Mode::Table, action, vec![Key::Char('s')]);
    keymap.bind(Mode::Table, Action::Table(TableAction::ChooseSort), vec![]);
    let before = desk.app.rows.criteria.sort;
    desk.press("s");
    assert_eq!(desk.mode(), Mode::Table);
    assert_ne!(desk.app.rows.criteria.sort, before);
}
