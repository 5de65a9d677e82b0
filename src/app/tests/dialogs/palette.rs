//! The command palette: what it lists, how it is narrowed, what its choices do.

use crate::app::tests::*;
use crate::filter::Filter;
use crate::keymap::ProgramAction;

/// What each line of the palette says, keys and help.
pub fn lines(desk: &Desk) -> Vec<String> {
    let overlay = desk.view().overlay.expect("the palette is open");
    let text = |line: &view::Line| line.iter().map(|span| span.text.as_str()).collect();
    let lines: Vec<String> = overlay.lines.iter().map(text).collect();
    lines
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .collect()
}

fn tall() -> Desk {
    let mut desk = Desk::with_ports(&(1000..1020).collect::<Vec<_>>());
    let (width, height) = (160, 70);
    desk.tell(Msg::Input(Input::Resized { width, height }));
    desk
}

/// With a bind test open, all that a key of the table or of the bind test does is possible.
#[test]
fn it_lists_every_action_with_its_keys_and_runs_each() {
    for (open, modes) in [("e", &[Mode::Table][..]), ("b", &[Mode::Bind, Mode::Table])] {
        let mut seen = Vec::new();
        for binding in modes
            .iter()
            .flat_map(|&mode| KEYMAP.iter().filter(move |one| one.mode == mode))
        {
            let is_of_itself = binding.action == Action::Program(ProgramAction::OpenPalette);
            // There are no views of one's own here.
            let is_empty = binding.help.contains("th view");
            if is_of_itself || is_empty || seen.contains(&binding.action) {
                continue;
            }
            let scene = || {
                let mut desk = tall();
                desk.press("jj");
                desk.press(open);
                desk
            };
            let (mut chosen, mut pressed) = (scene(), scene());
            chosen.press(":");
            let mode = modes[0];
            let has_key = Keymap::default().lookup(mode, binding.keys[0]) == Some(binding.action);
            // What a bind test has taken the keys from can still be chosen.
            let keys = if has_key {
                binding.keys_text()
            } else {
                String::new()
            };
            let is_it = |line: &String| {
                line.strip_suffix(binding.help)
                    .is_some_and(|rest| rest.trim() == keys)
            };
            let line = lines(&chosen).iter().position(is_it);
            let line = line.unwrap_or_else(|| panic!("{:?} is not listed", binding.action));
            assert_eq!(line, seen.len(), "in the order of the keymap");
            seen.push(binding.action);
            for _ in 0..line {
                chosen.key(Key::Down);
            }
            let effects = chosen.key(Key::Enter);
            let expected = if has_key {
                pressed.key(binding.keys[0])
            } else {
                let now = pressed.now();
                let effects = pressed.app.perform(binding.action, now);
                pressed.inspect(effects)
            };
            assert_eq!(effects, expected, "{:?}", binding.action);
            assert!(chosen.view() == pressed.view(), "{:?}", binding.action);
        }
        let mut desk = tall();
        desk.press(open);
        desk.press(":");
        assert_eq!(lines(&desk).len(), seen.len(), "and no other");
    }
}

#[test]
fn what_is_typed_narrows_it_and_the_best_comes_first() {
    let first = |typed: &str| {
        let mut desk = tall();
        desk.press(":");
        desk.press(typed);
        lines(&desk).first().cloned().unwrap_or_default()
    };
    for (typed, found) in [
        ("bind", "bind test of the selected port"),
        ("free port", "find a free port"),
        ("PORT FREE", "find a free port"),
        // A key finds what it does.
        ("G", "last row"),
        ("Shift-Tab", "previous view"),
        // Not only at the beginning of a word.
        ("lumns", "choose columns"),
    ] {
        assert!(first(typed).contains(found), "{typed}: {}", first(typed));
    }
}

#[test]
fn what_no_action_is_called_is_said_and_does_nothing() {
    let mut desk = tall();
    desk.press(":no such action");
    assert_eq!(lines(&desk), ["no matching action"]);
    assert_eq!(desk.key(Key::Enter), []);
    assert_eq!(desk.mode(), Mode::Palette);
}

#[test]
fn what_is_not_possible_is_not_listed() {
    let listed = |desk: &mut Desk, what: &str| {
        desk.press(":");
        let is_listed = lines(desk).iter().any(|line| line.contains(what));
        desk.key(Key::Esc);
        is_listed
    };
    let mut desk = tall();
    assert!(!listed(&mut desk, "scroll the open pane"));
    assert!(listed(&mut desk, "end the process"));
    desk.press("/nothing at all");
    desk.key(Key::Enter);
    assert!(!listed(&mut desk, "end the process"));
}

#[test]
fn views_of_ones_own_are_listed_by_name_with_the_keys_in_force() {
    let view = |name: &str, filter: &str| CustomView {
        name: name.into(),
        shows: Tab::Listening,
        filter: Filter::parse(filter).unwrap(),
        columns: None,
        sort: None,
    };
    let mut keymap = Keymap::default();
    keymap.bind(Mode::Table, Action::ShowView(5), vec![Key::F(6)]);
    let mut desk = Desk::with(Settings {
        views: vec![view("web", ":80 | :443"), view("mail", ":25")],
        keymap,
        ..Desk::new().app.config
    });
    desk.read_ports(&[25, 80, 443]);
    desk.press(":show view");
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed: Vec<_> = lines(&desk).iter().map(words).collect();
    assert_eq!(listed, ["5 show the view web", "F6 show the view mail"]);
    desk.key(Key::Down);
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [25]);
    desk.press(":web");
    desk.key(Key::Enter);
    assert_eq!(desk.ports(), [80, 443]);
}

#[test]
fn letters_are_typed_and_arrows_move() {
    let mut desk = tall();
    desk.press(":qjk");
    assert_eq!(desk.mode(), Mode::Palette);
    assert!(footer(&desk).starts_with(" : qjk"), "{}", footer(&desk));
    desk.key(Key::Ctrl('u'));
    desk.key(Key::Down);
    desk.key(Key::Down);
    desk.key(Key::Up);
    assert_eq!(desk.view().overlay.and_then(|menu| menu.selected), Some(1));
    desk.press("p");
    assert_eq!(desk.view().overlay.and_then(|menu| menu.selected), Some(0));
}
