//! The command palette: what it lists, how it is narrowed, what its choices do.

use crate::app::dialogs::palette::{Command, Palette, synonyms::SYNONYMS};
use crate::app::tests::*;
use crate::columns::ColumnId;
use crate::filter::Filter;
use crate::keymap::{PaneAction, PortAction, ProgramAction, TableAction};

/// What each line of the palette says, keys and text.
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
    let (width, height) = (160, 160);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk
}

fn palette(desk: &Desk) -> &Palette {
    let Dialog::Palette(palette) = &desk.app.dialog else {
        panic!("it is not open")
    };
    palette
}

/// The texts of the entries that are found, best first.
fn found(desk: &mut Desk, typed: &str) -> Vec<String> {
    desk.press(":");
    desk.send(Msg::Input(Input::Paste(typed.into())));
    let found = palette(desk).found();
    let texts = found.map(|entry| entry.text.to_string()).collect();
    desk.key(Key::Esc);
    texts
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
            let keymap = Keymap::default();
            // What a bind test has taken the keys from can still be chosen, and what has no key.
            let works = |key: &&Key| keymap.lookup(mode, **key) == Some(binding.action);
            let keys: Vec<Key> = binding.keys.iter().filter(works).copied().collect();
            let shown: Vec<_> = keys.iter().map(ToString::to_string).collect();
            let is_it = |line: &String| {
                line.strip_suffix(binding.help)
                    .is_some_and(|rest| rest.trim() == shown.join(" "))
            };
            let line = lines(&chosen).iter().position(is_it);
            let line = line.unwrap_or_else(|| panic!("{:?} is not listed", binding.action));
            assert_eq!(line, seen.len(), "in the order of the keymap");
            seen.push(binding.action);
            for _ in 0..line {
                chosen.key(Key::Down);
            }
            let effects = chosen.key(Key::Enter);
            let expected = if let Some(&key) = keys.first() {
                pressed.key(key)
            } else {
                let now = pressed.now();
                pressed.app.perform(binding.action, now);
                pressed.app.refresh_counters();
                let effects = std::mem::take(&mut pressed.app.effects);
                pressed.inspect(effects)
            };
            assert_eq!(effects, expected, "{:?}", binding.action);
            assert!(chosen.view() == pressed.view(), "{:?}", binding.action);
        }
        let mut desk = tall();
        desk.press(open);
        desk.press(":");
        let is_action = |one: &&_| matches!(one, Command::Act(_));
        let entries = palette(&desk).entries.iter().map(|entry| entry.command);
        let actions: Vec<_> = entries.collect();
        let actions = actions.iter().filter(is_action);
        assert_eq!(actions.count(), seen.len(), "and no other");
    }
}

#[test]
fn every_entry_is_found_first_by_its_own_text_and_no_other_has_it() {
    for open in ["", "e", "b"] {
        let mut desk = tall();
        desk.press(open);
        desk.press(":");
        let entries = palette(&desk).entries.clone();
        desk.key(Key::Esc);
        for entry in entries {
            let typed = entry.text.to_lowercase();
            assert_eq!(found(&mut desk, &typed)[0], entry.text, "{typed}");
        }
    }
}

#[test]
fn every_synonym_finds_its_action_first_or_second() {
    let mut desk = tall();
    let mut in_bind_test = tall();
    in_bind_test.press("b");
    for (action, synonyms) in SYNONYMS {
        for synonym in *synonyms {
            let is_found = [&mut desk, &mut in_bind_test].into_iter().any(|desk| {
                desk.press(":");
                desk.send(Msg::Input(Input::Paste((*synonym).into())));
                let found = palette(desk).found();
                let best: Vec<_> = found.take(2).map(|entry| entry.command).collect();
                let is_found = best.contains(&Command::Act(*action));
                desk.key(Key::Esc);
                is_found
            });
            assert!(is_found, "{synonym} does not find {action:?}");
        }
    }
}

#[test]
fn each_action_has_one_row_of_synonyms_in_lower_case() {
    for (at, (action, synonyms)) in SYNONYMS.iter().enumerate() {
        let mut earlier = SYNONYMS[..at].iter();
        assert!(earlier.all(|(one, _)| one != action), "{action:?}");
        assert!(KEYMAP.iter().any(|binding| binding.action == *action));
        for synonym in *synonyms {
            assert_eq!(*synonym, synonym.trim().to_lowercase());
        }
    }
}

/// What people type who know other programs, and what they mean.
const TYPED: &[(&str, &str)] = &[
    ("bind", "bind test of the selected port"),
    ("free port", "find a free port"),
    ("PORT FREE", "find a free port"),
    // A key finds what it does.
    ("G", "last row"),
    ("Shift-Tab", "previous view"),
    ("F9", "end the process"),
    // Not only at the beginning of a word, and with letters left out or mistyped.
    ("lumns", "choose columns"),
    ("clmns", "choose columns"),
    ("filtr", "filter the rows"),
    ("!kill", "end the process"),
    ("endproc", "end the process"),
    ("sortage", "sort by AGE, oldest first"),
    ("reverce", "reverse the order"),
    ("kill", "end the process"),
    ("kill process", "end the process"),
    ("signal", "end the process"),
    ("stop", "end the process"),
    ("color", "next theme"),
    ("export", "write the marked rows"),
    ("export csv", "write the marked rows"),
    ("save", "write the marked rows"),
    ("search", "filter the rows"),
    ("dns", "show services and users as names"),
    ("freeze", "pause"),
    ("sort by age", "sort by AGE, oldest first"),
    ("sort age", "sort by AGE, oldest first"),
    ("sort by port", "sort by PORT, smallest first"),
    ("order by recv-q", "sort by RECV-Q, largest first"),
    ("theme dark", "theme dark"),
    ("dark theme", "theme dark"),
    ("color gruvbox", "theme gruvbox"),
    ("show unit", "hide column UNIT"),
    ("hide command", "hide column COMMAND"),
    ("recv-q column", "hide column RECV-Q"),
    ("show connections", "show connections"),
    ("show unix", "show unix sockets"),
    ("show sctp", "show SCTP"),
];

#[test]
fn what_is_typed_narrows_it_and_the_best_comes_first() {
    let mut desk = tall();
    for (typed, best) in TYPED {
        let found = found(&mut desk, typed);
        let first = found.first().cloned().unwrap_or_default();
        assert!(first.starts_with(best), "{typed}: {found:#?}");
    }
}

#[test]
fn what_no_action_is_called_is_said_and_does_nothing() {
    let long = "x".repeat(5000);
    let words = "nothing ".repeat(500);
    for typed in [
        "no such action",
        "zzz",
        "journal nothing",
        "xyzzy",
        "ジャーナル",
        "quantum flux",
        &long,
        &words,
    ] {
        let mut desk = tall();
        desk.press(":");
        desk.send(Msg::Input(Input::Paste(typed.into())));
        assert_eq!(lines(&desk), ["no matching action"], "{typed:.20}");
        assert_eq!(desk.key(Key::Enter), []);
        assert_eq!(desk.mode(), Mode::Palette);
    }
}

#[test]
fn each_column_order_theme_and_protocol_can_be_chosen() {
    let mut desk = tall();
    let mut choose = |typed: &str| {
        desk.press(":");
        desk.press(typed);
        let effects = desk.key(Key::Enter);
        assert_eq!(desk.mode(), Mode::Table, "{typed}");
        (effects, desk.app.clone())
    };
    let (_, app) = choose("hide column user");
    assert!(app.rows.columns.is_hidden(ColumnId::User));
    let (_, app) = choose("show column user");
    assert!(!app.rows.columns.is_hidden(ColumnId::User));
    let (_, app) = choose("sort by pid, largest first");
    let sort = Sort {
        by: ColumnId::Pid,
        descending: true,
    };
    assert_eq!(app.rows.criteria.sort, sort);
    let (_, app) = choose("theme gruvbox");
    assert_eq!(app.settings.themes.chosen().name, "gruvbox");
    let (effects, app) = choose("show unix sockets");
    assert!(app.rows.criteria.kinds.has(Protocol::Unix));
    assert_eq!(effects, [Effect::SetKinds(app.rows.criteria.kinds)]);
    let (_, app) = choose("hide unix sockets");
    assert!(!app.rows.criteria.kinds.has(Protocol::Unix));
}

#[test]
fn each_column_has_both_orders_and_each_optional_one_can_be_hidden() {
    let mut desk = tall();
    desk.press(":");
    let entries = &palette(&desk).entries;
    let count = |is_it: fn(&Command) -> bool| {
        let commands = entries.iter().map(|entry| entry.command);
        commands.filter(is_it).count()
    };
    let optional = columns::ALL.iter().filter(|column| column.priority > 0);
    assert_eq!(
        count(|one| matches!(one, Command::Sort(_))),
        2 * columns::ALL.len()
    );
    assert_eq!(
        count(|one| matches!(one, Command::Column(_))),
        optional.count()
    );
    assert_eq!(
        count(|one| matches!(one, Command::Theme(_))),
        crate::theme::BUILT_IN.len()
    );
    assert_eq!(
        count(|one| matches!(one, Command::Kind(_))),
        Protocol::ALL.len() - 2
    );
}

#[test]
fn themes_are_not_listed_where_there_are_no_colors() {
    let mut desk = tall();
    desk.app.environment.depth = Depth::None;
    assert!(
        found(&mut desk, "")
            .iter()
            .all(|text| !text.starts_with("theme "))
    );
}

#[test]
fn what_is_not_possible_is_not_listed() {
    let is_listed = |desk: &mut Desk, what: &str| {
        let found = found(desk, "");
        found.iter().any(|text| text.contains(what))
    };
    let mut desk = tall();
    assert!(!is_listed(&mut desk, "scroll the open pane"));
    assert!(is_listed(&mut desk, "end the process"));
    desk.press("/nothing at all");
    desk.key(Key::Enter);
    assert!(!is_listed(&mut desk, "end the process"));
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
    keymap.bind(Mode::Table, Action::ShowView(5), vec![Key::F(12)]);
    let mut desk = Desk::with(Settings {
        views: vec![view("web", ":80 | :443"), view("mail", ":25")],
        keymap,
        ..Desk::new().app.config
    });
    desk.read_ports(&[25, 80, 443]);
    desk.press(":show the view");
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed: Vec<_> = lines(&desk).iter().map(words).collect();
    assert_eq!(
        listed[..2],
        ["5 show the view web", "F12 show the view mail"]
    );
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

#[test]
fn a_small_terminal_shows_only_the_first_key_of_an_action() {
    let mut desk = tall();
    let (width, height) = (40, 10);
    desk.send(Msg::Input(Input::Resized { width, height }));
    desk.press(":kill");
    assert!(lines(&desk)[0].starts_with("K  "), "{:?}", lines(&desk));
}

#[test]
fn keys_as_in_htop_do_the_same_as_ours() {
    for (number, action) in [
        (1, Action::Program(ProgramAction::ToggleHelp)),
        (6, Action::Table(TableAction::ChooseSort)),
        (9, Action::Port(PortAction::EndProcess)),
        (10, Action::Session(crate::keymap::SessionAction::Quit)),
    ] {
        let keymap = Keymap::default();
        assert_eq!(keymap.lookup(Mode::Table, Key::F(number)), Some(action));
        assert_ne!(
            keymap.keys(Mode::Table, action)[0],
            Key::F(number),
            "hints name ours"
        );
    }
    let pane = Action::Pane(PaneAction::ToggleDetails);
    assert_eq!(Keymap::default().keys(Mode::Table, pane), [Key::Enter]);
}
