//! What keys do in each mode.

use crate::app::tests::*;
use crate::keymap::TableAction::{Left, Right};

#[test]
fn every_action_has_a_key() {
    let source = include_str!("../../../keymap/action.rs");
    let names: BTreeSet<&str> = (source.split('"').skip(1).step_by(2))
        .filter(|name| *name != "show-view" && !name.contains(' '))
        .collect();
    assert!(names.contains("bind-test-any") && names.contains("show-ninth"));
    let bound: BTreeSet<&str> = KEYMAP.iter().map(|binding| binding.action.name()).collect();
    assert_eq!(names, bound);
}

#[test]
fn every_key_of_the_table_does_something() {
    for binding in Keymap::default().bindings(Mode::Table) {
        for &key in &*binding.keys {
            let mut desk = Desk::with_ports(&(1000..1100).collect::<Vec<_>>());
            let (width, height) = (240, 24);
            desk.send(Msg::Input(Input::Resized { width, height }));
            desk.press("/a");
            desk.key(Key::Enter);
            desk.press("eGk");
            for _ in 0..40 {
                desk.key(Key::Char('k'));
            }
            desk.settle_on(&[80]);
            desk.settle_on(&(1000..1100).collect::<Vec<_>>());
            desk.press("]");
            if binding.action == Action::ShowView(2) {
                desk.press("1");
            }
            if let Action::Table(Right | Left) = binding.action {
                desk.press("z");
            }
            if binding.action == Action::Table(Left) {
                desk.key(Key::Right);
            }
            let before = desk.view();
            let effects = desk.key(key);
            assert!(
                !effects.is_empty() || desk.view() != before,
                "{key} ({:?})",
                binding.action
            );
        }
    }
}

#[test]
fn k_never_ends_a_process_whatever_is_open() {
    for open in ["", "e", "b", "C", "c", "?", "B", "/"] {
        let mut desk = Desk::with_ports(&[80, 81, 82]);
        desk.press(open);
        for _ in 0..20 {
            let effects = desk.key(Key::Char('k'));
            let ends = |effect: &Effect| matches!(effect, Effect::EndProcess(_));
            assert!(!effects.iter().any(ends), "after {open:?}");
            assert_ne!(desk.mode(), Mode::Question);
        }
    }
}

#[test]
fn ctrl_c_quits_from_every_mode() {
    for (open, mode) in [
        ("", Mode::Table),
        ("/", Mode::Prompt),
        ("B", Mode::Prompt),
        ("C", Mode::Menu),
        ("K", Mode::Question),
        ("?", Mode::Help),
    ] {
        let mut desk = Desk::with_ports(&[80]);
        desk.press(open);
        assert_eq!(desk.mode(), mode, "{open}");
        assert_eq!(desk.key(Key::Ctrl('c')), [Effect::End(Exit::Quit)]);
    }
}

#[test]
fn every_mode_is_left_with_esc_and_nothing_is_lost() {
    for open in ["B", "C", "c", "K", "?"] {
        let mut desk = Desk::with_ports(&[80, 81]);
        desk.press("j");
        let before = desk.view();
        desk.press(open);
        assert_ne!(desk.mode(), Mode::Table, "{open}");
        assert_eq!(desk.key(Key::Esc), []);
        assert_eq!(desk.mode(), Mode::Table);
        assert_eq!(desk.view(), before, "{open}");
    }
}

#[test]
fn esc_closes_the_pane_first_and_clears_the_filter_then() {
    let mut desk = Desk::with_ports(&[80, 81]);
    desk.press("/:81");
    desk.key(Key::Enter);
    desk.press("e");
    desk.key(Key::Esc);
    assert!(desk.app.dock.pane.is_none());
    assert_eq!(desk.ports(), [81], "the filter is still there");
    desk.key(Key::Esc);
    assert_eq!(desk.ports(), [80, 81]);
}

#[test]
fn what_a_recording_shows_is_left_alone() {
    let mut desk = Desk::with_ports(&[80]);
    desk.app.environment.origin = crate::model::Origin::Recording;
    for key in ["b", "B", "f", "K", "x"] {
        assert_eq!(desk.press(key), [], "{key}");
        assert_eq!(desk.mode(), Mode::Table, "{key}");
        assert!(
            desk.app.notices.current.is_some() && desk.app.dock.pane.is_none(),
            "{key}"
        );
    }
}

#[test]
fn a_small_terminal_names_the_key_of_the_help_and_loses_no_row_for_it() {
    let header = |desk: &Desk| -> String {
        let view = desk.view();
        view.header_right
            .iter()
            .map(|span| span.text.as_str())
            .collect()
    };
    let mut desk = Desk::with_ports(&(10..40).collect::<Vec<_>>());
    assert!(!header(&desk).contains('?'), "the last line has it");
    for (width, height) in [(40, 10), (20, 10), (59, 11)] {
        desk.send(Msg::Input(Input::Resized { width, height }));
        assert!(
            header(&desk).ends_with("s ? "),
            "{width}: {}",
            header(&desk)
        );
        assert_eq!(desk.ports().len(), usize::from(height) - 2);
    }
    let area = desk.view().layout.header;
    desk.send(Msg::Input(Input::Mouse(Mouse::Click {
        column: area.width - 2,
        row: 0,
    })));
    assert_eq!(desk.mode(), Mode::Help);
}
