//! What a click, a drag and the wheel do, wherever they are.

use crate::app::layout::Area;
use crate::app::tests::*;
use crate::app::view::{Click, Part};
use crate::keymap::{DialogAction, PaneAction, PortAction, ProgramAction, TableAction};

impl Desk {
    fn mouse(&mut self, mouse: Mouse) -> Vec<Effect> {
        self.send(Msg::Input(Input::Mouse(mouse)))
    }

    fn click(&mut self, (column, row): (u16, u16)) -> Vec<Effect> {
        let effects = self.mouse(Mouse::Click { column, row });
        self.mouse(Mouse::Release);
        effects
    }

    /// The first cell on which a click does this.
    fn spot(&self, click: Click) -> (u16, u16) {
        let view = self.view();
        let cells = |area: Area| {
            (area.y..area.y + area.height)
                .flat_map(move |y| (area.x..area.x + area.width).map(move |x| (x, y)))
        };
        let mut areas = view.targets.iter().filter(|target| target.click == click);
        let mut found = areas.by_ref().flat_map(|target| cells(target.area));
        found
            .find(|&(x, y)| view.click_at(x, y) == Some(click))
            .unwrap_or_else(|| panic!("nothing does {click:?}: {:#?}", view.targets))
    }

    fn click_on(&mut self, click: Click) -> Vec<Effect> {
        let spot = self.spot(click);
        self.wait(SECOND).click(spot)
    }

    fn wide(ports: &[u16]) -> Self {
        let mut desk = Self::with_ports(ports);
        let (width, height) = (160, 45);
        desk.send(Msg::Input(Input::Resized { width, height }));
        desk
    }
}

/// What opens each mode, from the table.
const OPENINGS: [(&str, Mode); 8] = [
    ("", Mode::Table),
    ("b", Mode::Bind),
    ("/", Mode::Prompt),
    ("g", Mode::Digits),
    ("C", Mode::Menu),
    ("K", Mode::Question),
    ("?", Mode::Help),
    (":", Mode::Palette),
];

#[test]
fn a_click_on_a_hint_does_what_its_key_does_in_every_mode() {
    for (open, mode) in OPENINGS {
        let scene = || {
            let mut desk = Desk::wide(&(1000..1100).collect::<Vec<_>>());
            desk.press("Gkkkk");
            desk.press(open);
            assert_eq!(desk.mode(), mode);
            desk
        };
        let hinted = KEYMAP
            .iter()
            .filter(|binding| binding.mode == mode && binding.hint.is_some());
        // Of a question about one process there is nothing to choose, and nothing better to copy; Enter only closes
        // the menu of columns.
        let is_of_use = |action| {
            !matches!(
                (mode, action),
                (
                    Mode::Question,
                    Action::Dialog(DialogAction::OtherTargets) | Action::CopyFix
                ) | (Mode::Menu, Action::Dialog(DialogAction::Accept))
            )
        };
        for binding in hinted.filter(|binding| is_of_use(binding.action)) {
            let (mut clicked, mut pressed) = (scene(), scene());
            let effects = clicked.click_on(Click::Do(binding.action));
            let told = pressed.wait(SECOND).key(binding.keys[0]);
            assert_eq!(effects, told, "{mode:?} {:?}", binding.action);
            let is_same = clicked.view() == pressed.view();
            assert!(is_same, "{mode:?} {:?}", binding.action);
        }
    }
}

#[test]
fn two_clicks_on_a_row_open_its_details_and_two_slow_ones_do_not() {
    let mut desk = Desk::with_ports(&[80, 81, 82]);
    desk.click((20, 4));
    desk.wait(SECOND).click((20, 4));
    assert!(desk.view().pane.is_none());
    desk.wait(SECOND / 5).click((20, 4));
    assert_eq!(
        (pane_title(&desk), desk.selected_port()),
        ("details".into(), Some(81))
    );
    // Two more do not close them.
    desk.wait(SECOND).click((20, 5));
    desk.wait(SECOND / 5).click((20, 5));
    assert_eq!(
        (pane_title(&desk), desk.selected_port()),
        ("details".into(), Some(82))
    );
}

#[test]
fn a_click_on_the_filter_edits_it_and_one_on_a_pause_ends_it() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("/:81");
    desk.key(Key::Enter);
    desk.press("p");
    desk.click_on(Click::Do(Action::Table(TableAction::EditFilter)));
    assert_eq!(desk.mode(), Mode::Prompt);
    assert!(footer(&desk).contains(":81"));
    desk.key(Key::Enter);
    assert_eq!(
        desk.click_on(Click::Do(Action::Program(ProgramAction::TogglePause))),
        [Effect::SetPaused(false)]
    );
}

#[test]
fn a_click_on_a_notice_takes_it_away_and_does_nothing_else() {
    let mut desk = Desk::with_ports(&[80]);
    desk.send(Msg::JobDone {
        succeeded: true,
        message: "it is done".into(),
    });
    assert_eq!(desk.click((2, 23)), []);
    assert!(footer(&desk).contains("bind test"), "{}", footer(&desk));
}

#[test]
fn a_menu_of_switches_says_which_key_turns_them_and_no_other_menu_does() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("C");
    assert!(footer(&desk).contains("Space on/off"), "{}", footer(&desk));
    let before = desk.view().overlay;
    desk.click_on(Click::Do(Action::Dialog(DialogAction::Toggle)));
    assert!(desk.view().overlay != before && desk.mode() == Mode::Menu);
    desk.key(Key::Esc);
    desk.press("c");
    assert!(!footer(&desk).contains("on/off"), "{}", footer(&desk));
}

#[test]
fn a_click_beside_what_covers_the_table_closes_it_and_one_on_it_does_not() {
    for open in ["C", "c", "w", "K", "?", ":"] {
        let mut desk = Desk::wide(&[80, 81]);
        desk.press(open);
        let mode = desk.mode();
        let area = desk.view().overlay.expect("it is open").area;
        assert_eq!(desk.click((area.x + 1, area.y)), [], "{open}");
        assert_eq!(desk.mode(), mode, "{open}");
        // The first row of the table.
        assert_eq!(desk.wait(SECOND).click((0, 3)), [], "{open}");
        assert_eq!(desk.mode(), Mode::Table, "{open}");
    }
}

#[test]
fn a_click_on_a_choice_takes_it_and_one_on_a_switch_leaves_the_menu_open() {
    let mut desk = Desk::with_ports(&[80]);
    desk.press("c");
    assert_eq!(
        desk.click_on(Click::Choose(1)),
        [Effect::Copy("80".into())],
        "the pid"
    );
    assert_eq!(desk.mode(), Mode::Table);
    desk.press("C");
    desk.click_on(Click::Choose(1));
    let (view, mode) = (desk.view(), desk.mode());
    let line = &view.overlay.expect("still open").lines[1];
    assert_eq!((line[0].text.as_str(), mode), ("[ ] ", Mode::Menu));
}

fn ends(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::EndProcess(_)))
}

#[test]
fn the_second_click_of_a_double_click_answers_no_question() {
    for x in (0..100).step_by(2) {
        let mut desk = Desk::wide(&[80]);
        desk.press("b");
        // A double click never opens a question and answers it.
        for _ in 0..2 {
            let effects = desk.click((x, 44));
            assert!(!ends(&effects), "column {x}");
        }
    }
}

#[test]
fn clicks_in_a_row_never_say_yes_however_many_and_wherever_they_are() {
    // From the palette the question's yes comes up where the hint was that chose it.
    for (open, shift) in [(":", 0), (":", 1), ("b", 0), ("", 0)] {
        for x in 0..100 {
            let mut desk = Desk::wide(&[80]);
            desk.press(open);
            if open == ":" {
                desk.press("end the process");
            }
            for at in 0..6 {
                let effects = desk.wait(SECOND / 5).click((x + at * shift, 44));
                assert!(!ends(&effects), "{open:?} column {x}, click {at}");
            }
        }
    }
}

#[test]
fn a_click_says_no_however_soon_it_comes() {
    let mut desk = Desk::wide(&[80]);
    desk.click_on(Click::Do(Action::Port(PortAction::EndProcess)));
    let no = desk.spot(Click::Do(Action::Back));
    desk.wait(SECOND / 5).click(no);
    assert_eq!(desk.mode(), Mode::Table);
}

#[test]
fn one_click_on_yes_ends_a_process_and_a_guarded_one_takes_two_at_two_places() {
    let mut desk = Desk::wide(&[80]);
    desk.press("K");
    assert!(ends(
        &desk.click_on(Click::Do(Action::Dialog(DialogAction::Confirm)))
    ));

    let mut desk = Desk::wide(&[1]);
    desk.press("K");
    let yes = desk.spot(Click::Do(Action::Dialog(DialogAction::Confirm)));
    assert_eq!(desk.wait(SECOND).click(yes), []);
    assert_eq!(desk.mode(), Mode::ConfirmAgain);
    let second = desk.view();
    assert_ne!(
        second.click_at(yes.0, yes.1),
        Some(Click::Do(Action::Dialog(DialogAction::Confirm)))
    );
    assert!(ends(
        &desk.click_on(Click::Do(Action::Dialog(DialogAction::Confirm)))
    ));
}

#[test]
fn the_wheel_moves_what_is_under_it() {
    let wheel = |(column, row)| Mouse::WheelDown { column, row };
    let mut desk = Desk::with_ports(&(1000..1100).collect::<Vec<_>>());
    desk.mouse(wheel((5, 5)));
    assert_eq!(desk.selected_port(), Some(1003));
    desk.press("e");
    let pane = desk.view().layout.pane;
    desk.mouse(wheel((5, pane.y + 2)));
    assert_eq!(desk.selected_port(), Some(1003));
    desk.press("C");
    desk.mouse(wheel((5, 5)));
    assert_eq!(desk.view().overlay.and_then(|menu| menu.selected), Some(1));
    desk.key(Key::Esc);
    desk.press("?");
    let before = desk.view();
    desk.mouse(wheel((5, 5)));
    assert!(desk.view() != before);
    assert_eq!(desk.selected_port(), Some(1003));
}

/// The column and the first and last cell of a scrollbar.
fn bar(desk: &Desk, part: Part) -> Option<(u16, u16, u16)> {
    let bars = desk.view().scrollbars;
    let bar = bars.iter().find(|bar| bar.part == part)?;
    Some((bar.area.x, bar.area.y, bar.area.y + bar.area.height - 1))
}

#[test]
fn the_table_is_scrolled_by_its_bar_with_the_selection_in_sight() {
    let ports: Vec<u16> = (1000..1200).collect();
    let mut desk = Desk::with_ports(&ports);
    let (column, top, bottom) = bar(&desk, Part::Table).expect("there are more rows than fit");
    assert_eq!(column, 79);
    let rows = desk.ports().len();
    desk.mouse(Mouse::Click { column, row: top });
    // Beside the bar, and beyond its end: the hand still holds it.
    let (column, row) = (3, bottom + 5);
    desk.mouse(Mouse::Drag { column, row });
    assert_eq!(desk.ports(), ports[200 - rows..]);
    assert_eq!(desk.selected_port(), desk.ports().first().copied());
    desk.mouse(Mouse::Drag { column, row: 0 });
    assert_eq!(desk.ports(), ports[..rows]);
    assert_eq!(desk.selected_port(), desk.ports().last().copied());
    desk.mouse(Mouse::Release);
    desk.mouse(Mouse::Drag { column, row });
    assert_eq!(desk.ports(), ports[..rows], "it was let go");
}

#[test]
fn a_click_in_the_trough_goes_there() {
    let mut desk = Desk::with_ports(&(1000..1200).collect::<Vec<_>>());
    let (column, top, bottom) = bar(&desk, Part::Table).expect("there are more rows than fit");
    desk.click((column, u16::midpoint(top, bottom)));
    let middle = desk.ports()[0];
    assert!((1080..1100).contains(&middle), "{middle}");
    desk.click((column, bottom));
    assert_eq!(desk.ports().last(), Some(&1199));
}

#[test]
fn the_help_a_menu_and_a_pane_have_bars_of_their_own() {
    let mut desk = Desk::with_ports(&(1000..1200).collect::<Vec<_>>());
    desk.press("?");
    let (column, _, row) = bar(&desk, Part::Overlay).expect("the help is long");
    desk.click((column, row));
    assert_eq!(
        desk.mode(),
        Mode::Help,
        "a click on its bar does not close it"
    );
    let last = desk.view().overlay.expect("it is open").lines;
    desk.press("jjjjj");
    assert_eq!(desk.view().overlay.expect("it is open").lines, last);
    desk.key(Key::Esc);

    desk.press(":");
    let (column, _, row) = bar(&desk, Part::Overlay).expect("there are many actions");
    desk.click((column, row));
    let menu = desk.view().overlay.expect("it is open");
    assert_eq!(menu.selected, Some(menu.lines.len() - 1));
    desk.key(Key::Esc);

    desk.settle_on(&(1100..1200).collect::<Vec<_>>());
    desk.press("e");
    let (column, _, row) = bar(&desk, Part::Pane).expect("a hundred ports closed");
    desk.click((column, row));
    assert!(
        pane_text(&desk).contains("127.0.0.1:10"),
        "{}",
        pane_text(&desk)
    );
    let hint = desk.view().pane.expect("it is open").hint;
    assert!(
        !hint.iter().any(|span| span.text.contains("more")),
        "its end is in sight"
    );
}

#[test]
fn there_is_no_bar_where_all_rows_are_in_sight_or_the_terminal_is_small() {
    let mut desk = Desk::with_ports(&[80, 81]);
    assert_eq!(bar(&desk, Part::Table), None);
    desk.read_ports(&(1000..1200).collect::<Vec<_>>());
    let (width, height) = (40, 10);
    desk.send(Msg::Input(Input::Resized { width, height }));
    assert_eq!(bar(&desk, Part::Table), None);
}

#[test]
fn the_hints_in_a_pane_s_border_scroll_and_close_it() {
    let mut desk = Desk::with_ports(&(1000..1200).collect::<Vec<_>>());
    desk.settle_on(&[80]);
    desk.press("e");
    let text = pane_text(&desk);
    desk.click_on(Click::Do(Action::Pane(PaneAction::Down)));
    assert_ne!(pane_text(&desk), text);
    desk.click_on(Click::Do(Action::Pane(PaneAction::ToggleEvents)));
    assert!(desk.view().pane.is_none());
}

#[test]
fn the_mouse_is_left_to_the_terminal_and_used_again_by_a_key() {
    let mut desk = Desk::with_ports(&[10, 20]);
    assert_eq!(desk.press("M"), [Effect::SetMouse(false)]);
    assert!(footer(&desk).contains("select text"), "{}", footer(&desk));
    assert_eq!(desk.press("M"), [Effect::SetMouse(true)]);
}
