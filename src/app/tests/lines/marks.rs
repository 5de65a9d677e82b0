//! Marked rows, and what acts on them.

use proptest::prelude::*;
use proptest::sample::select;

use crate::app::dialogs::menu::Menu;
use crate::app::dialogs::palette::Command;
use crate::app::tests::*;
use crate::app::view::{CellView, Role, RowSign};
use crate::keymap::{DialogAction, PortAction, TableAction};

/// The ports of the marked rows in sight.
fn marked(desk: &Desk) -> Vec<u16> {
    let rows = desk.app.rows_in_view();
    let marked = rows.filter(|row| desk.app.rows.marks.has(row.id));
    marked.map(|row| row.socket.local.port).collect()
}

fn header(desk: &Desk) -> String {
    let view = desk.view();
    view.header.iter().map(|span| span.text.as_str()).collect()
}

fn menu(desk: &Desk) -> &Menu {
    let Dialog::Menu(menu) = &desk.app.dialog else {
        panic!("no menu is open")
    };
    menu
}

fn labels(desk: &Desk) -> Vec<&str> {
    let items = menu(desk).items.iter();
    items.map(|item| item.label.as_str()).collect()
}

#[test]
fn space_marks_the_row_and_goes_down_and_space_again_unmarks() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press(" ");
    assert_eq!(desk.selected_port(), Some(20));
    assert_eq!(marked(&desk), [10]);
    assert!(header(&desk).contains("1 marked"));
    desk.press("  ");
    assert_eq!(marked(&desk), [10, 20, 30]);
    assert_eq!(desk.selected_port(), Some(30), "the last row");
    desk.press(" k ");
    assert_eq!(marked(&desk), [10]);
    assert!(!desk.app.is_paused(), "space no longer pauses");
    desk.press("g ");
    assert!(!header(&desk).contains("marked"));
}

#[test]
fn space_without_rows_says_so() {
    let mut desk = Desk::with_ports(&[]);
    desk.press(" V");
    assert!(!header(&desk).contains("marked"));
    desk.press(" ");
    assert!(footer(&desk).contains("no row is selected"));
}

#[test]
fn all_shown_are_marked_at_once_and_all_unmarked() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("jV");
    assert_eq!(marked(&desk), [10, 20, 30]);
    assert_eq!(desk.selected_port(), Some(20), "the cursor stays");
    desk.press("V");
    assert!(marked(&desk).is_empty());
    desk.press(" V");
    assert_eq!(marked(&desk), [10, 20, 30], "the others too");
}

#[test]
fn of_a_filtered_table_only_the_rows_shown_are_marked() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("/:20");
    desk.key(Key::Enter);
    desk.press("V");
    assert!(header(&desk).contains("1 marked"));
    desk.key(Key::Esc);
    assert_eq!(marked(&desk), [20]);
}

#[test]
fn marks_outlast_filter_view_order_and_refresh() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("j ");
    for keys in ["S", "1", "3", "S", "tt"] {
        desk.press(keys);
        desk.wait(SECOND).read_ports(&[5, 10, 20, 30]);
        assert_eq!(marked(&desk), [20], "{keys}");
    }
    desk.press("/:10");
    assert!(marked(&desk).is_empty());
    assert!(header(&desk).contains("1 marked"), "also of hidden rows");
    desk.key(Key::Esc);
    assert_eq!(marked(&desk), [20]);
}

#[test]
fn a_closed_row_stays_marked_until_it_leaves_the_table() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("V");
    desk.settle_on(&[10]);
    assert_eq!(marked(&desk), [10, 20]);
    desk.wait(LINGER + SECOND).read_ports(&[10]);
    assert!(header(&desk).contains("1 marked"));
    desk.wait(SECOND).read_ports(&[10, 20]);
    assert_eq!(marked(&desk), [10], "a new socket is another row");
}

#[test]
fn to_mark_all_where_no_row_is_shown_removes_no_mark() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("V/:30");
    desk.key(Key::Enter);
    desk.press("V");
    assert!(footer(&desk).contains("no rows are shown"));
    assert!(header(&desk).contains("2 marked"));
}

/// The listener of another process on the same port.
fn of_another(port: u16) -> Socket {
    Socket {
        inode: Some(99),
        owner: Owner::Known([process(99)].into()),
        ..listener(port)
    }
}

#[test]
fn the_mark_is_gone_when_another_process_gets_the_row_of_its_listener() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("V");
    for _ in 0..2 {
        desk.wait(SECOND).read(&[of_another(10), listener(20)]);
        assert_eq!(marked(&desk), [20], "replaced at once");
    }
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("V");
    desk.settle_on(&[20]);
    assert_eq!(marked(&desk), [10, 20]);
    desk.wait(SECOND).read(&[of_another(10), listener(20)]);
    assert_eq!(desk.ports(), [10, 20], "reopened in the same row");
    assert_eq!(marked(&desk), [20]);
    let inherited = Socket {
        owner: Owner::Known([process(98)].into()),
        ..listener(20)
    };
    desk.wait(SECOND).read(&[of_another(10), inherited]);
    assert!(marked(&desk).is_empty(), "the same socket, another owner");
}

#[test]
fn the_mark_stays_when_its_process_opens_the_port_again_or_the_state_changes() {
    let connection = |state| Socket {
        remote: Some(Endpoint::new([10, 0, 0, 9].into(), 443)),
        state,
        ..listener(40)
    };
    let again = Socket {
        inode: Some(99),
        ..listener(10)
    };
    let mut desk = Desk::new();
    desk.read(&[listener(10), connection(State::Established)]);
    desk.press("V");
    desk.wait(SECOND)
        .read(&[again, connection(State::CloseWait)]);
    assert_eq!(marked(&desk), [10, 40]);
    let late = Socket {
        owner: Owner::None,
        inode: None,
        ..connection(State::TimeWait)
    };
    desk.wait(SECOND).read(&[late]);
    assert!(marked(&desk).contains(&40));
}

#[test]
fn esc_closes_the_pane_then_clears_the_filter_then_the_marks() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("V/:10");
    desk.key(Key::Enter);
    desk.press("e");
    desk.key(Key::Esc);
    assert!(desk.view().pane.is_none());
    assert_eq!(desk.ports(), [10]);
    desk.key(Key::Esc);
    assert_eq!(desk.ports(), [10, 20]);
    assert_eq!(marked(&desk), [10, 20]);
    desk.key(Key::Esc);
    assert!(marked(&desk).is_empty());
    assert!(footer(&desk).contains("unmarked 2 rows"));
}

#[test]
fn a_mark_moves_no_column_and_is_seen_without_colours() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press("j");
    let cells = |desk: &Desk| -> Vec<Vec<(u16, String)>> {
        let cell = |cell: &CellView| (cell.x, cell.text.clone());
        let rows = desk.view().rows;
        rows.iter()
            .map(|row| row.cells.iter().map(cell).collect())
            .collect()
    };
    let before = cells(&desk);
    desk.press("k ");
    assert_eq!(cells(&desk), before);
    let rows = desk.view().rows;
    assert_eq!(signs(&desk), [true, false]);
    assert!(rows[0].cells.iter().any(|cell| cell.role == Role::Accent));
}

#[test]
fn pin_and_unpin_act_on_all_marked_ports() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("m  m");
    assert!(
        header(&desk).contains("pinned 10, 20"),
        "the missing one is added"
    );
    assert!(footer(&desk).contains("pinned 10, 20: you get an alert"));
    desk.press("m");
    assert!(footer(&desk).contains("unpinned 10, 20"));
    assert!(!header(&desk).contains("pinned"));
    assert_eq!(marked(&desk), [10, 20], "marks stay");
}

#[test]
fn copy_offers_the_texts_of_all_marked_rows() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("  c");
    assert_eq!(menu(&desk).title, "copy of 2 rows");
    assert_eq!(
        labels(&desk)[..3],
        [
            "address  127.0.0.1:10 and 1 more",
            "pid      10 and 1 more",
            "command  app --serve",
        ]
    );
    desk.press("j");
    let effects = desk.key(Key::Enter);
    assert_eq!(effects, [Effect::Copy("10 20".into())]);
    desk.press("c");
    desk.key(Key::Down);
    desk.key(Key::Down);
    desk.key(Key::Down);
    let effects = desk.key(Key::Enter);
    let curl = "curl http://127.0.0.1:10/; curl http://127.0.0.1:20/";
    assert_eq!(effects, [Effect::Copy(curl.into())]);
}

#[test]
fn write_takes_the_marked_rows_also_hidden_ones() {
    let mut desk = Desk::with_ports(&[10, 20, 30]);
    desk.press("j  w");
    assert_eq!(menu(&desk).title, "write the 2 rows marked");
    let id = |desk: &Desk, at: usize| desk.app.rows.table.rows[at].id;
    let ids = vec![id(&desk, 1), id(&desk, 2)];
    let expected = Effect::Write(FileFormat::Json, ids);
    assert_eq!(desk.key(Key::Enter), [expected]);
    desk.press("/:10 or :30");
    desk.key(Key::Enter);
    desk.press("w");
    let shown_first = vec![id(&desk, 2), id(&desk, 1)];
    let expected = Effect::Write(FileFormat::Json, shown_first);
    assert_eq!(desk.key(Key::Enter), [expected]);
}

#[test]
fn k_with_one_marked_row_is_about_that_row() {
    let mut desk = Desk::with_ports(&[10, 20]);
    desk.press(" K");
    let effects = desk.press("y");
    let [Effect::EndProcess(ending)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(ending.process().unwrap().pid, 10);
}

/// Three listeners and a connection, each of a process of its own, by state.
fn by_state() -> Desk {
    let mut desk = Desk::new();
    let connection = Socket {
        remote: Some(Endpoint::new([10, 0, 0, 9].into(), 443)),
        state: State::Established,
        ..listener(40)
    };
    desk.read(&[listener(10), listener(20), listener(30), connection]);
    desk.press("zzzz");
    desk
}

/// Of each line of the table whether it has the sign of marked rows.
fn signs(desk: &Desk) -> Vec<bool> {
    let rows = desk.view().rows.into_iter();
    rows.map(|row| row.sign == Some(RowSign::Marked)).collect()
}

#[test]
fn space_on_a_group_marks_all_its_rows_and_again_unmarks_them() {
    let mut desk = by_state();
    assert_eq!(signs(&desk), [false, false]);
    desk.press(" ");
    assert!(header(&desk).contains("3 marked"));
    assert_eq!(signs(&desk), [true, false]);
    let line = &desk.view().rows[1];
    assert!(line.is_selected, "the next group");
    desk.press("k ");
    assert!(!header(&desk).contains("marked"));
    assert_eq!(signs(&desk), [false, false]);
}

#[test]
fn a_group_has_the_sign_only_if_all_its_rows_are_marked() {
    let mut desk = by_state();
    desk.key(Key::Right);
    desk.press("j");
    assert_eq!(desk.selected_port(), Some(10));
    desk.press(" ");
    assert_eq!(signs(&desk), [false, true, false, false, false]);
    desk.press("gg ");
    assert!(header(&desk).contains("3 marked"), "the others are added");
    assert_eq!(signs(&desk), [true, true, true, true, false]);
}

#[test]
fn on_a_group_end_asks_about_all_its_processes() {
    let mut desk = by_state();
    desk.press("K");
    let Dialog::EndSeveral(_) = &desk.app.dialog else {
        panic!("no question about several")
    };
    let effects = desk.press("y");
    let [Effect::EndSeveral { endings, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    let pids = endings.iter().map(|ending| ending.process().unwrap().pid);
    assert_eq!(pids.collect::<Vec<_>>(), [10, 20, 30]);
}

#[test]
fn on_a_group_copy_and_pin_act_on_all_its_rows_unless_others_are_marked() {
    let mut desk = by_state();
    desk.press("c");
    assert_eq!(menu(&desk).title, "copy of 3 rows");
    desk.key(Key::Esc);
    desk.press("m");
    assert!(header(&desk).contains("pinned 10, 20, 30"));
    desk.press("mj kc");
    assert_eq!(menu(&desk).title, "copy", "of the marked connection");
}

#[test]
fn all_rows_are_marked_those_of_closed_groups_too_and_esc_keeps_the_groups() {
    let mut desk = by_state();
    desk.press("V");
    assert!(header(&desk).contains("4 marked"));
    assert_eq!(signs(&desk), [true, true]);
    desk.press(" w");
    assert_eq!(menu(&desk).title, "write the row marked");
    desk.key(Key::Esc);
    desk.key(Key::Esc);
    assert_eq!(signs(&desk), [false, false]);
    desk.press("w");
    assert_eq!(menu(&desk).title, "write the 4 rows shown");
}

#[test]
fn on_a_group_the_palette_offers_what_acts_on_its_rows() {
    let mut desk = by_state();
    desk.send(Msg::Input(Input::Resized {
        width: 160,
        height: 99,
    }));
    desk.press(":");
    let Dialog::Palette(palette) = &desk.app.dialog else {
        panic!("no palette is open")
    };
    let offers = |action| {
        palette
            .entries
            .iter()
            .any(|entry| entry.command == Command::Act(action))
    };
    assert!(offers(Action::Port(PortAction::EndProcess)));
    assert!(offers(Action::Table(TableAction::Copy)));
    assert!(
        !offers(Action::Port(PortAction::BindTest)),
        "it is of one row"
    );
}

#[test]
fn a_question_about_marked_rows_that_are_not_shown_says_so() {
    let mut desk = Desk::with_ports(&[10, 20]);
    let title = |desk: &Desk| desk.view().overlay.expect("a dialog").title;
    desk.press(" K");
    assert_eq!(title(&desk), "end a process");
    desk.press("n/:20");
    desk.key(Key::Enter);
    for keys in ["K", "c", "w"] {
        desk.press(keys);
        let title = title(&desk);
        assert!(title.ends_with(" · 1 marked row is not shown"), "{title}");
        desk.key(Key::Esc);
    }
}

/// Keys that may change marks.
const MARKING: [Action; 4] = [
    Action::Table(TableAction::MarkRow),
    Action::Table(TableAction::MarkAll),
    Action::Back,
    // The palette may have been at one of them.
    Action::Dialog(DialogAction::Accept),
];

fn ids(desk: &Desk) -> BTreeSet<RowId> {
    let rows = desk.app.rows.table.rows.iter();
    rows.map(|row| row.id).collect()
}

fn marks(desk: &Desk) -> BTreeSet<RowId> {
    let all = ids(desk).into_iter();
    all.filter(|&id| desk.app.rows.marks.has(id)).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Key(Key),
    Read(u16),
    Wait(u64),
    Resize(u16, u16),
}

fn step() -> impl Strategy<Value = Step> {
    let keys: Vec<Key> = KEYMAP.iter().flat_map(|one| one.keys.to_vec()).collect();
    prop_oneof![
        4 => Just(Step::Key(Key::Char(' '))),
        8 => select(keys).prop_map(Step::Key),
        4 => any::<u16>().prop_map(Step::Read),
        2 => (0..8000_u64).prop_map(Step::Wait),
        1 => (1..100_u16, 1..40_u16).prop_map(|(width, height)| Step::Resize(width, height)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is typed and read, a marked row stays marked as long as it is in the table, and no other is marked.
    #[test]
    fn only_the_keys_for_marks_change_them(steps in proptest::collection::vec(step(), 1..80)) {
        let mut desk = Desk::with_ports(&[100, 101, 102, 103]);
        for step in steps {
            let before = marks(&desk);
            let action = match &step {
                // A key that is no digit closes the port being typed, and acts on the table.
                Step::Key(key) => {
                    let keymap = &desk.app.settings.keymap;
                    let typed = keymap.lookup(desk.mode(), *key);
                    let is_typing = desk.mode() == Mode::Digits;
                    typed.or_else(|| keymap.lookup(Mode::Table, *key).filter(|_| is_typing))
                }
                _ => None,
            };
            let at_cursor: BTreeSet<RowId> =
                desk.app.rows_at_cursor().iter().map(|row| row.id).collect();
            let in_table = matches!(desk.mode(), Mode::Table | Mode::Bind | Mode::Digits);
            match step {
                Step::Key(key) => drop(desk.key(key)),
                Step::Read(bits) => {
                    let ports = (0..16).filter(|bit| bits & (1 << bit) != 0);
                    let ports: Vec<u16> = ports.map(|bit| 100 + bit).collect();
                    desk.read_ports(&ports);
                }
                Step::Wait(millis) => drop(desk.wait(Duration::from_millis(millis)).wake()),
                Step::Resize(width, height) => {
                    desk.send(Msg::Input(Input::Resized { width, height }));
                }
            }
            let there = ids(&desk);
            let kept: BTreeSet<RowId> = before.intersection(&there).copied().collect();
            prop_assert_eq!(desk.app.rows.marks.len(), marks(&desk).len(), "none of a row that is gone");
            match action {
                Some(Action::Table(TableAction::MarkRow)) if in_table => {
                    let toggled: BTreeSet<RowId> = if at_cursor.is_subset(&before) {
                        before.difference(&at_cursor).copied().collect()
                    } else {
                        before.union(&at_cursor).copied().collect()
                    };
                    prop_assert_eq!(marks(&desk), toggled);
                }
                Some(action) if MARKING.contains(&action) => {}
                _ => prop_assert_eq!(marks(&desk), kept),
            }
        }
    }
}
