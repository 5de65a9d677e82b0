//! Valid configurations, and the errors of invalid ones.

use std::time::Duration;

use super::*;
use crate::columns::ColumnId;
use crate::config::{MAX_BYTES, default_file, keys, to_toml};
use crate::filter::Filter;
use crate::keymap::{Action, Key as Pressed};
use crate::keymap::{Keymap, Mode};
use crate::model::{Family, Kinds, Protocol};
use crate::query::{Sort, Tab};
use crate::settings::{Notify, Settings};
use crate::theme::Role;

/// The errors of a text, as a user reads them.
fn errors(text: &str) -> Vec<String> {
    let faults = parse(text.as_bytes()).expect_err(text).into_iter();
    faults
        .map(|fault| format!("{}: {}", fault.line, fault.message))
        .collect()
}

/// The default file with every key set.
fn uncommented() -> String {
    let file = default_file();
    let set = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            // A comment follows each binding.
            let (key, _) = key.split_once(" # ").unwrap_or((key, ""));
            key.trim_end().to_owned()
        }
        _ => line.to_owned(),
    };
    file.lines().map(|line| set(line) + "\n").collect()
}

/// A single error that starts like this.
fn assert_single_error(text: &str, expected: &str) {
    let errors = errors(text);
    assert!(
        errors[0].starts_with(expected),
        "{errors:?}\nfor {text}, not\n{expected}"
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn the_default_file_sets_nothing() {
    assert_eq!(parse(default_file().as_bytes()), Ok(Settings::default()));
}

#[test]
fn the_default_file_sets_every_key_to_its_default() {
    let text = uncommented();
    assert_eq!(parse(text.as_bytes()), Ok(Settings::default()));
    let is_set = |line: &&str| !line.starts_with('#') && !line.is_empty();
    let set: Vec<_> = text.lines().filter(is_set).collect();
    let printed = to_toml(&Settings::default());
    let printed: Vec<_> = printed.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(set, printed, "all, and in order");
}

#[test]
fn every_key_of_the_default_file_is_read() {
    let text = uncommented();
    let plain = text.lines().take_while(|line| !line.starts_with('['));
    let plain = plain.filter_map(|line| line.split_once(" = "));
    for (key, _) in plain.filter(|(key, _)| !key.contains('#')) {
        let errors = errors(&format!("{key} = [1.5]"));
        assert!(
            errors[0].starts_with(&format!("1: {key}: ")) && errors[0].contains(", expected "),
            "{errors:?}"
        );
    }
}

#[test]
fn every_setting_is_read() {
    let text = r#"
        interval = "250ms"
        linger = "1m"
        highlight = "0s"
        view = "Changes"
        protocols = ["udp"]
        families = ["ipv6"]
        filter = "user:ann !:53"
        columns = ["state", "process", "port", "local"]
        sort = "recv-q"
        reverse = true
        stats = true
        notify = "Both"
        color = false
    "#;
    let config = Settings {
        interval: Duration::from_millis(250),
        linger: Duration::from_mins(1),
        highlight: Duration::ZERO,
        view: Tab::Changes,
        kinds: Kinds::of(Protocol::Udp),
        family: Some(Family::Ipv6),
        filter: Filter::parse("user:ann !:53").unwrap(),
        columns: vec![
            ColumnId::State,
            ColumnId::Process,
            ColumnId::Port,
            ColumnId::Local,
        ],
        sort: Sort {
            by: ColumnId::RecvQ,
            descending: true,
        },
        stats: true,
        notify: Notify::Both,
        color: false,
        ..Settings::default()
    };
    assert_eq!(parse(text.as_bytes()), Ok(config));
}

#[test]
fn a_family_narrows_the_filter() {
    let narrowed = |text: &str| {
        parse(text.as_bytes())
            .unwrap()
            .narrowed_filter()
            .unwrap()
            .to_string()
    };
    assert_eq!(narrowed("families = ['ipv6', 'ipv4']\nfilter = 'x'"), "x");
    assert_eq!(narrowed("families = ['ipv4']"), "tcp4 | udp4");
    assert_eq!(
        narrowed("families = ['ipv6']\nfilter = 'a | b'"),
        "(tcp6 | udp6) (a | b)"
    );
}

#[test]
fn a_filter_without_room_for_the_family_is_refused() {
    let long = "x".repeat(Filter::MAX_BYTES - 10);
    let text = format!("families = ['ipv4']\n\nfilter = '{long}'");
    let found = errors(&text);
    assert!(
        found[0].starts_with("3: filter: with these families the filter is too long"),
        "{found:?}"
    );
    assert!(parse(format!("filter = '{long}'").as_bytes()).is_ok());
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_accepted() {
    let text = "\u{feff}# x\r\ninterval = \"2s\"\r\n\r\nstats = true\r\n";
    let config = parse(text.as_bytes()).unwrap();
    assert_eq!(
        (config.interval, config.stats),
        (Duration::from_secs(2), true)
    );
    assert_eq!(
        errors("\u{feff}view = 1\r\n")[0].split(": ").nth(1),
        Some("view")
    );
}

#[test]
fn a_duration_is_text_or_a_bare_number_of_seconds() {
    for written in ["\"1500ms\"", "\"1.5s\"", "\"1.5\"", "1.5", "1.50"] {
        let settings = parse(format!("interval = {written}\nlinger = 5").as_bytes()).unwrap();
        let times = (settings.interval, settings.linger);
        let expected = (Duration::from_millis(1500), Duration::from_secs(5));
        assert_eq!(times, expected, "{written}");
        let printed = to_toml(&settings);
        assert!(printed.contains("interval = \"1500ms\""), "{printed}");
    }
}

#[test]
fn errors_have_line_and_key() {
    for (text, expected) in [
        (
            "interval = \"soon\"",
            "1: interval: `soon` isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
        ),
        (
            "interval = 0x5",
            "1: interval: found a number, expected a duration, such as \"500ms\", \"2s\", 0.5",
        ),
        (
            "linger = -5",
            "1: linger: `-5` isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
        ),
        (
            "linger = inf",
            "1: linger: `inf` isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
        ),
        (
            "\n\ninterval = '1ms'\n",
            "3: interval: `1ms` isn't an interval (use 50ms to 24h)",
        ),
        (
            "linger = true",
            "1: linger: found a boolean, expected a duration, such as \"500ms\", \"2s\", 0.5",
        ),
        (
            "[highlight]\n",
            "1: highlight: found a table, expected a duration, such as \"500ms\", \"2s\", 0.5",
        ),
        (
            "view = \"lisening\"",
            "1: view: unknown view `lisening`; did you mean `listening`?",
        ),
        (
            "view = \"\"",
            "1: view: unknown view ``; use one of listening, connections, all, changes",
        ),
        (
            "protocols = []",
            "1: protocols: an empty list would show nothing",
        ),
        (
            "protocols = [\"tcp\",\n \"tpc\"]",
            "2: protocols: unknown protocol `tpc`; did you mean `tcp`?",
        ),
        (
            "protocols = \"tcp\"",
            "1: protocols: found text, expected a list of tcp, udp, udplite, sctp, raw, packet, unix in quotes, such as [\"tcp\", \"udp\"]",
        ),
        (
            "families = [\"ipv4\", \"IPv4\"]",
            "1: families: `IPv4` is listed twice",
        ),
        (
            "filter = \"state:lisn\"",
            "1: filter: unknown state `lisn`; did you mean `listen`?",
        ),
        (
            "columns = [\"port\", \"prot\"]",
            "1: columns: unknown column `prot`; did you mean `proto`?",
        ),
        (
            "columns = [\"port\", 2]",
            "1: columns: found a number, expected a list of columns in quotes, such as [\"port\", \"state\", \"process\"]",
        ),
        (
            "columns = [\"port\", \"process\"]",
            "1: columns: `state` is missing; it can't be hidden",
        ),
        (
            "sort = [\"port\"]",
            "1: sort: found a list, expected the name of a column in quotes, such as \"port\"",
        ),
        (
            "stats = 2026-01-02",
            "1: stats: found a date or time, expected true or false",
        ),
        (
            "color = \"no\"",
            "1: color: found text, expected true or false",
        ),
    ] {
        assert_single_error(text, expected);
    }
}

#[test]
fn an_unknown_key_gets_a_suggestion() {
    for (key, meant) in [
        ("intervall", "interval"),
        ("Interval", "interval"),
        ("colour", "color"),
        ("column", "columns"),
        ("family", "families"),
        ("no-color", "color"),
        ("no_color", "color"),
        ("tcp", "protocols"),
        ("ipv6", "families"),
        ("all", "view"),
    ] {
        let expected = format!("2: unknown key `{key}`; did you mean `{meant}`?");
        assert_eq!(errors(&format!("\n{key} = true")), [expected]);
    }
    let all = keys().collect::<Vec<_>>().join(", ");
    let expected = format!("1: unknown key `zebra`; use one of {all}");
    for text in ["zebra = 1", "[zebra]\nx = 1", "zebra.x.y = 1", "[[zebra]]"] {
        assert_eq!(errors(text), [&*expected]);
    }
}

#[test]
fn errors_of_the_grammar_have_line_and_key_too() {
    for (text, expected) in [
        (
            "\ninterval = 1s\n",
            "2: interval: string values must be quoted",
        ),
        (
            "view = \"all\nstats = true\n",
            "1: view: invalid basic string, expected `\"`",
        ),
        ("stats = True", "1: stats: invalid boolean, expected `true`"),
        ("interval: 1s\n", "1: "),
        (
            "stats = true\nview = 'all'\nstats = false\n",
            "3: stats: duplicate key",
        ),
        ("stats =\n", "1: stats: the value is missing"),
        ("interval = # 1s\n", "1: interval: the value is missing"),
        ("stats\n", "1: stats: key with no value, expected `=`"),
        (
            "columns = [\n\"port\",\n",
            "2: unclosed array, expected `]`",
        ),
        (
            "columns = [port]\n",
            "1: columns: string values must be quoted",
        ),
        ("filter = \"\\q\"", "1: filter: missing escaped value"),
        (
            "a = 1\rb = 2\n",
            "1: carriage return must be followed by newline",
        ),
    ] {
        assert_single_error(text, expected);
    }
}

#[test]
fn all_errors_are_reported_in_the_order_of_their_lines() {
    let lines: Vec<_> = errors("view = 1\nstats = 2\n\nzebra = 3\nsort = 'x'\ncolor = 4\n");
    let numbers: Vec<_> = lines.iter().map(|line| &line[..1]).collect();
    assert_eq!(numbers, ["1", "2", "4", "5", "6"]);
}

#[test]
fn of_a_thousand_errors_a_screenful_is_reported() {
    let text = "no toml\n".repeat(1000);
    let lines = errors(&text);
    assert_eq!(lines.len(), MAX_FAULTS + 1);
    assert_eq!(lines[MAX_FAULTS], "21: and 980 more lines from here on");
}

/// Counting the lines from the start for each error took five minutes for these.
#[test]
fn the_lines_of_many_errors_are_counted_once() {
    let most = usize::try_from(MAX_BYTES).unwrap();
    for piece in ["a=1\n", "[a]\n", "x\n", "x", "x=[x,", "'\n"] {
        let text = piece.repeat(most / piece.len());
        assert!(!errors(&text).is_empty());
    }
    let list = format!("columns = [{}]", "x,".repeat(most / 2 - 10));
    assert_eq!(errors(&list).len(), 1);
}

#[test]
fn bytes_that_are_not_text_are_reported_with_their_line() {
    let faults = parse(b"# x\nview = \"\xff\"\n").unwrap_err();
    assert_eq!(faults[0].line, 2);
    assert_eq!(faults[0].message, "not UTF-8: the byte 0xff");
}

#[test]
fn hostile_text_is_harmless_and_short_in_errors() {
    let escape = r"\u001b[2J";
    let long = "x".repeat(100_000);
    for text in [
        format!("\"{escape}\" = 1"),
        format!("view = \"{escape}\""),
        format!("interval = \"{escape}\""),
        format!("filter = \"state:{escape}\""),
        format!("columns = [\"{escape}\"]"),
        r#"columns = ["\u202e", "\u202e"]"#.to_owned(),
        "view = \"\x1b[2J\"".to_owned(),
        "\x1b[2J".to_owned(),
        format!("{long} = 1"),
        format!("view = \"{long}\""),
        format!("interval = \"{long}\""),
        format!("filter = \"state:{long}\""),
    ] {
        for line in errors(&text) {
            assert!(!line.contains(['\x1b', '\u{202e}']), "{line:?}");
            assert!(line.chars().count() < 250, "{line}");
        }
    }
}

#[test]
fn deep_nesting_is_no_crash() {
    let deep = "[".repeat(100_000);
    assert!(!errors(&format!("columns = {deep}")).is_empty());
    assert!(!errors(&format!("{}x = 1", "x.".repeat(100_000))).is_empty());
    assert!(!errors(&format!("{deep}x")).is_empty());
}

/// The action of a key with this file.
fn action_of(text: &str, mode: Mode, key: Pressed) -> Option<Action> {
    let settings = parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?} in {text}"));
    settings.keymap.lookup(mode, key)
}

/// Files, and the action of a key in a mode with them.
const REBOUND: &[(&str, Mode, Pressed, Option<Action>)] = &[
    (
        "[keys]\nquit = ['Q', 'ctrl-c']",
        Mode::Table,
        Pressed::Char('Q'),
        Some(Action::Session(crate::keymap::SessionAction::Quit)),
    ),
    (
        "[keys]\nquit = 'Q'",
        Mode::Table,
        Pressed::Char('Q'),
        Some(Action::Session(crate::keymap::SessionAction::Quit)),
    ),
    (
        "[keys]\nquit = ['Q']",
        Mode::Table,
        Pressed::Char('q'),
        None,
    ),
    ("[keys]\nwrite = []", Mode::Table, Pressed::Char('w'), None),
    (
        "keys.quit = ['ctrl-q']",
        Mode::Table,
        Pressed::Ctrl('q'),
        Some(Action::Session(crate::keymap::SessionAction::Quit)),
    ),
    (
        "keys = { quit = ['Ctrl-Q'] }",
        Mode::Table,
        Pressed::Ctrl('q'),
        Some(Action::Session(crate::keymap::SessionAction::Quit)),
    ),
    (
        "[keys]\nrefresh = ['F2', 'f12']",
        Mode::Table,
        Pressed::F(12),
        Some(Action::Program(crate::keymap::ProgramAction::Refresh)),
    ),
    (
        "[keys]\ntoggle-pause = ['SPACE']\nmark-row = []",
        Mode::Table,
        Pressed::Char('p'),
        None,
    ),
    (
        "[keys]\nnext-view = ['f12']\nprevious-view = ['tab']",
        Mode::Table,
        Pressed::Tab,
        Some(Action::Table(crate::keymap::TableAction::PreviousView)),
    ),
    (
        "[keys]\nnext-view = ['f12', 'shift-tab']\nprevious-view = []",
        Mode::Table,
        Pressed::BackTab,
        Some(Action::Table(crate::keymap::TableAction::NextView)),
    ),
    // Two that are swapped.
    (
        "[keys]\nbind-test = ['e']\ntoggle-events = ['b']",
        Mode::Table,
        Pressed::Char('b'),
        Some(Action::Pane(crate::keymap::PaneAction::ToggleEvents)),
    ),
    (
        "[keys]\nup = ['i', '\u{2191}']",
        Mode::Table,
        Pressed::Char('i'),
        Some(Action::Move(crate::keymap::MoveAction::Up)),
    ),
    (
        "[keys]\ntoggle-stats = ['é']",
        Mode::Table,
        Pressed::Char('é'),
        Some(Action::Pane(crate::keymap::PaneAction::ToggleStats)),
    ),
    (
        "[keys]\ntoggle-stats = ['\"']",
        Mode::Table,
        Pressed::Char('"'),
        Some(Action::Pane(crate::keymap::PaneAction::ToggleStats)),
    ),
    // One key in two modes.
    (
        "[keys.bind]\nwatch = ['b']",
        Mode::Bind,
        Pressed::Char('b'),
        Some(Action::BindTest(crate::keymap::BindTestAction::Watch)),
    ),
    (
        "[keys.bind]\nwatch = ['b']",
        Mode::Table,
        Pressed::Char('b'),
        Some(Action::Port(crate::keymap::PortAction::BindTest)),
    ),
    (
        "[keys.bind]\nback = []",
        Mode::Bind,
        Pressed::Esc,
        Some(Action::Back),
    ),
    (
        "[keys]\nwrite = 'Q'\n[keys.bind]\nwatch = []",
        Mode::Bind,
        Pressed::Char('Q'),
        Some(Action::Table(crate::keymap::TableAction::Write)),
    ),
    (
        "[keys.prompt]\naccept = ['enter', 'ctrl-y']",
        Mode::Prompt,
        Pressed::Ctrl('y'),
        Some(Action::Dialog(crate::keymap::DialogAction::Accept)),
    ),
    (
        "[keys.menu]\ndown = ['ctrl-n']",
        Mode::Menu,
        Pressed::Ctrl('n'),
        Some(Action::Move(crate::keymap::MoveAction::Down)),
    ),
    (
        "[keys]\nopen-palette = ['ctrl-p']",
        Mode::Table,
        Pressed::Ctrl('p'),
        Some(Action::Program(crate::keymap::ProgramAction::OpenPalette)),
    ),
    (
        "[keys]\nsort-by-next = ['s']\nchoose-sort = []",
        Mode::Table,
        Pressed::Char('s'),
        Some(Action::Table(crate::keymap::TableAction::SortByNext)),
    ),
    (
        "[keys.help-search]\nup = ['ctrl-p']",
        Mode::HelpSearch,
        Pressed::Ctrl('p'),
        Some(Action::Move(crate::keymap::MoveAction::Up)),
    ),
    (
        "[keys.palette]\ndown = ['ctrl-j']",
        Mode::Palette,
        Pressed::Ctrl('j'),
        Some(Action::Move(crate::keymap::MoveAction::Down)),
    ),
    (
        "[keys.question]\nconfirm = ['o']",
        Mode::Question,
        Pressed::Char('o'),
        Some(Action::Dialog(crate::keymap::DialogAction::Confirm)),
    ),
    (
        "[keys.insist]\nconfirm = ['O']",
        Mode::ConfirmAgain,
        Pressed::Char('O'),
        Some(Action::Dialog(crate::keymap::DialogAction::Confirm)),
    ),
    (
        "[keys.help]\npage-down = ['pgdn']",
        Mode::Help,
        Pressed::PageDown,
        Some(Action::Move(crate::keymap::MoveAction::PageDown)),
    ),
];

#[test]
fn any_action_can_have_other_keys() {
    for &(text, mode, key, action) in REBOUND {
        assert_eq!(action_of(text, mode, key), action, "{text}");
    }
}

#[test]
fn a_file_changes_only_the_keys_that_it_names() {
    let settings = parse(b"[keys]\nquit = ['Q']\n").unwrap();
    let mut expected = Keymap::default();
    expected.bind(
        Mode::Table,
        Action::Session(crate::keymap::SessionAction::Quit),
        vec![Pressed::Char('Q')],
    );
    assert_eq!(settings.keymap, expected);
}

#[test]
fn a_key_of_two_actions_is_refused_with_both_names() {
    for (text, expected) in [
        (
            "[keys]\nbind-test = ['b', 'v']\nquit = ['q', 'b']",
            "3: keys.quit: `b` is already used by keys.bind-test; give one of them another key, or none ([])",
        ),
        (
            "[keys]\nmark-row = 'space'\ntoggle-pause = ['space']",
            "3: keys.toggle-pause: `space` is already used by keys.mark-row; give one of them another key, or none ([])",
        ),
        // Both are in the file: the later one is reported.
        (
            "[keys]\nwrite = ['X']\n\nrefresh = ['r', 'X']",
            "4: keys.refresh: `X` is already used by keys.write; ",
        ),
        (
            "[keys]\nrefresh = ['X']\nwrite = ['X']",
            "3: keys.write: `X` is already used by keys.refresh; ",
        ),
        (
            "stats = true\n[keys.menu]\ndown = ['j']\nback = ['esc', 'j']",
            "4: keys.menu.back: `j` is already used by keys.menu.down; ",
        ),
    ] {
        assert_single_error(text, expected);
    }
}

/// Configs of 0.1, which had none of these keys by default, and others that use a default key.
#[test]
fn a_default_action_loses_a_key_that_the_file_gives_to_another_one() {
    use crate::keymap::{PaneAction, ProgramAction, SessionAction, TableAction};
    let pause = Action::Program(ProgramAction::TogglePause);
    let write = Action::Table(TableAction::Write);
    let follow = Action::Table(TableAction::ToggleFollow);
    let stats = Action::Pane(PaneAction::ToggleStats);
    let quit = Action::Session(SessionAction::Quit);
    for (text, key, action) in [
        ("toggle-pause = ['p', 'space']", Pressed::Char(' '), pause),
        ("write = 'W'", Pressed::Char('W'), write),
        ("write = 'V'", Pressed::Char('V'), write),
        ("write = 'O'", Pressed::Char('O'), write),
        ("write = 'o'", Pressed::Char('o'), write),
        ("write = 'z'", Pressed::Char('z'), write),
        ("write = 'Z'", Pressed::Char('Z'), write),
        ("write = 'M'", Pressed::Char('M'), write),
        ("toggle-follow = '→'", Pressed::Right, follow),
        ("toggle-follow = '←'", Pressed::Left, follow),
        ("toggle-stats = 'f1'", Pressed::F(1), stats),
        ("toggle-stats = 'f3'", Pressed::F(3), stats),
        ("toggle-stats = 'f5'", Pressed::F(5), stats),
        ("toggle-stats = 'f6'", Pressed::F(6), stats),
        ("toggle-stats = 'f9'", Pressed::F(9), stats),
        ("toggle-stats = 'f10'", Pressed::F(10), stats),
        ("quit = 'b'", Pressed::Char('b'), quit),
        ("quit = 'PgDn'", Pressed::PageDown, quit),
        ("toggle-stats = ['q', '?']", Pressed::Char('q'), stats),
    ] {
        let text = format!("[keys]\n{text}");
        assert_eq!(action_of(&text, Mode::Table, key), Some(action), "{text}");
        let settings = parse(text.as_bytes()).unwrap();
        let has_key = |one: &&crate::keymap::Binding| one.keys.contains(&key);
        let bound = settings.keymap.bindings(Mode::Table).filter(has_key);
        assert_eq!(bound.count(), 1, "{text}");
        // What is printed says so too.
        let printed = crate::config::to_toml(&settings);
        assert_eq!(parse(printed.as_bytes()).unwrap(), settings, "{text}");
    }
}

#[test]
fn the_keys_of_the_file_count_more_only_in_their_mode() {
    use crate::keymap::{DialogAction, MoveAction, SessionAction, TableAction};
    let back = "[keys.menu]\nback = ['esc', 'j']";
    assert_eq!(
        action_of(back, Mode::Menu, Pressed::Char('j')),
        Some(Action::Back)
    );
    let down = Some(Action::Move(MoveAction::Down));
    assert_eq!(action_of(back, Mode::Menu, Pressed::Down), down);
    assert_eq!(action_of(back, Mode::Question, Pressed::Char('j')), down);
    let up = "[keys.help]\nup = ['space']";
    let moved = Some(Action::Move(MoveAction::Up));
    assert_eq!(action_of(up, Mode::Help, Pressed::Char(' ')), moved);
    let toggle = Some(Action::Dialog(DialogAction::Toggle));
    assert_eq!(action_of(up, Mode::Menu, Pressed::Char(' ')), toggle);
    // What a bind test or matches do with a key comes before the table, but for the ways out.
    let next = Some(Action::Table(TableAction::FindNext));
    let other = "[keys]\nwrite = 'n'";
    assert_eq!(action_of(other, Mode::Matches, Pressed::Char('n')), next);
    let quit = Some(Action::Session(SessionAction::Quit));
    for mode in [Mode::Matches, Mode::Pane, Mode::Table] {
        assert_eq!(
            action_of("[keys]\nquit = 'n'", mode, Pressed::Char('n')),
            quit
        );
    }
}

#[test]
fn a_mode_that_could_not_be_left_is_refused() {
    for (text, expected) in [
        (
            "[keys]\ntoggle-pause = ['q', 'f10', 'ctrl-c']",
            "2: keys.toggle-pause: no key is left for quit",
        ),
        (
            "[keys]\nwrite = 'q'\nrefresh = ['f10', 'ctrl-c', 'r']",
            "3: keys.refresh: no key is left for quit",
        ),
        (
            "[keys]\nwrite = 'esc'",
            "2: keys.write: no key is left for back",
        ),
        (
            "[keys.menu]\ntoggle = ['enter']",
            "2: keys.menu.toggle: no key is left for accept",
        ),
        (
            "[keys]\nquit = []",
            "2: keys.quit: needs a key, as nothing else does the same",
        ),
        (
            "[keys.menu]\naccept = []",
            "2: keys.menu.accept: needs a key",
        ),
        ("[keys.help]\nback = []", "2: keys.help.back: needs a key"),
        (
            "[keys.question]\nconfirm = []",
            "2: keys.question.confirm: needs a key",
        ),
        (
            "[keys.insist]\nquit = []",
            "2: keys.insist.quit: needs a key",
        ),
        (
            "[keys.prompt]\nback = []",
            "2: keys.prompt.back: needs a key",
        ),
        (
            "[keys.prompt]\nback = ['q']",
            "2: keys.prompt.back: `q` types a character there; use a key that types none",
        ),
        (
            "[keys.palette]\nup = ['k']",
            "2: keys.palette.up: `k` types a character there; use a key that types none",
        ),
        (
            "[keys.bind]\nwatch = ['q', 'ctrl-c', 'f10']",
            "2: keys.bind.watch: no key is left for quit",
        ),
        (
            "[keys.insist]\nconfirm = ['y']",
            "2: keys.insist.confirm: `y` is also used by keys.question.confirm; holding it down would confirm its own question",
        ),
        (
            "[keys]\ncopy = 'c'\nend-process = ['y']",
            "3: keys.end-process: `y` is also used by keys.question.confirm; holding it down",
        ),
        (
            "[keys.question]\nconfirm = ['K']",
            "2: keys.question.confirm: `K` is also used by keys.end-process; holding it down",
        ),
    ] {
        let errors = errors(text);
        assert!(errors[0].starts_with(expected), "{errors:?}\nfor {text}");
    }
}

#[test]
fn unknown_actions_and_keys_are_refused() {
    let takes = "keys in quotes, such as [\"b\", \"ctrl-b\"], or [] for none";
    for (text, expected) in [
        ("[keys]\nquitt = ['Q']", "2: keys: unknown action `quitt`; did you mean `quit`?".to_owned()),
        ("[keys]\nbind_test = ['Q']", "2: keys: unknown action `bind_test`; did you mean `bind-test`?".to_owned()),
        ("[keys.table]\nquit = ['Q']", "1: keys: unknown action `table`; `sockeye config` lists all actions".to_owned()),
        ("[keys]\nzzz = ['Q']", "2: keys: unknown action `zzz`; `sockeye config` lists all actions".to_owned()),
        ("[keys.menus]\ndown = ['x']", "1: keys: unknown action `menus`; did you mean `menu`?".to_owned()),
        ("[keys.menu]\nquitt = ['x']", "2: keys.menu: unknown action `quitt`; did you mean `quit`?".to_owned()),
        ("[keys]\naccept = ['x']", "2: keys: unknown action `accept`; use keys.prompt.accept or keys.finding.accept or keys.digits.accept or keys.menu.accept".to_owned()),
        ("[keys]\nquit = ['']", "2: keys.quit: unknown key ``; use a character".to_owned()),
        ("[keys]\nquit = ['pagedwn']", "2: keys.quit: unknown key `pagedwn`; did you mean `pagedown`?".to_owned()),
        ("[keys]\nquit = ['shift-q']", "2: keys.quit: unknown key `shift-q`; write \"Q\"".to_owned()),
        ("[keys]\nquit = ['ctrl-i']", "2: keys.quit: terminals send tab for `ctrl-i`; write \"tab\"".to_owned()),
        ("[keys]\nquit = ['ctrl-1']", "2: keys.quit: unknown key `ctrl-1`; ".to_owned()),
        ("[keys]\nquit = ['f13']", "2: keys.quit: unknown key `f13`; ".to_owned()),
        ("[keys]\nquit = ['f05']", "2: keys.quit: unknown key `f05`; ".to_owned()),
        ("[keys]\nquit = ['alt-q']", "2: keys.quit: unknown key `alt-q`; ".to_owned()),
        ("[keys]\nquit = [\"\\u0007\"]", "2: keys.quit: ".to_owned()),
        ("[keys]\nquit = ['Q',\n'Q']", "3: keys.quit: `Q` is listed twice".to_owned()),
        ("[keys]\nquit = true", format!("2: keys.quit: found a boolean, expected {takes}")),
        ("[keys]\nquit = ['Q', 3]", format!("2: keys.quit: found a number, expected {takes}")),
        ("[keys.quit]\nx = 1", format!("1: keys.quit: found a table, expected {takes}")),
        ("keys = 'vim'", "1: keys: found text, expected actions with their keys".to_owned()),
        ("keys.menu = []", "1: keys.menu: found a list, expected actions with their keys".to_owned()),
        ("[[keys]]\nquit = 'Q'", "1: keys: found a list, expected actions with their keys".to_owned()),
    ] {
        assert_single_error(text, &expected);
    }
}

#[test]
fn all_errors_of_the_keys_are_reported_at_once() {
    let text = "[keys]\nquitt = 'Q'\nbind-test = ['nokey']\n[keys.menu]\nup = 5\n";
    let lines = errors(text);
    let numbers: Vec<_> = lines.iter().map(|line| &line[..1]).collect();
    assert_eq!(numbers, ["2", "3", "5"], "{lines:?}");
}

#[test]
fn ports_can_have_own_names() {
    let text = "
        filter = ':my-api | :discovery'
        [services]
        8080 = 'my-api'
        '5353/udp' = 'discovery'
        '443/tcp' = 'shop'
        443 = 'web_2'
    ";
    let settings = parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let name = |protocol, port| settings.services.name(protocol, port);
    assert_eq!(name(Protocol::Tcp, 8080), Some("my-api"));
    assert_eq!(name(Protocol::Udp, 8080), Some("my-api"));
    assert_eq!(name(Protocol::Tcp, 5353), None);
    assert_eq!(name(Protocol::Udp, 5353), Some("discovery"));
    assert_eq!(
        name(Protocol::Tcp, 443),
        Some("shop"),
        "one protocol takes precedence"
    );
    assert_eq!(name(Protocol::Udp, 443), Some("web_2"));
    assert_eq!(settings.filter.to_string(), ":my-api | :discovery");
    let printed = to_toml(&settings);
    assert_eq!(parse(printed.as_bytes()), Ok(settings), "{printed}");
    assert!(Filter::parse(":my-api").is_err(), "nowhere else");
}

#[test]
fn a_family_narrows_a_filter_by_an_own_name() {
    let text = b"families = ['ipv4']\nfilter = ':my-api'\n[services]\n8080 = 'my-api'\n";
    let filter = parse(text).unwrap().narrowed_filter().unwrap();
    assert_eq!(filter.to_string(), "(tcp4 | udp4) :my-api");
}

#[test]
fn invalid_names_of_ports_are_refused() {
    let takes = "a name in quotes, such as \"my-api\"";
    for (text, expected) in [
        ("[services]\n8080 = ''", "2: services.8080: invalid name ``; use a letter, then letters, digits, - and _, at most 40 characters".to_owned()),
        ("[services]\n8080 = '80'", "2: services.8080: invalid name `80`; ".to_owned()),
        ("[services]\n8080 = 'my api'", "2: services.8080: invalid name `my api`; ".to_owned()),
        ("[services]\n8080 = 'a|b'", "2: services.8080: invalid name `a|b`; ".to_owned()),
        ("[services]\n8080 = 8", format!("2: services.8080: found a number, expected {takes}")),
        ("[services]\n0 = 'x'", "2: services: `0` is not a port, such as 8080 or \"5353/udp\"".to_owned()),
        ("[services]\n65536 = 'x'", "2: services: `65536` is not a port".to_owned()),
        ("[services]\n080 = 'x'", "2: services: `080` is not a port".to_owned()),
        ("[services]\n'80/sctp' = 'x'", "2: services: `80/sctp` is not a port".to_owned()),
        ("[services]\nmy-api = 8080", "2: services: `my-api` is not a port".to_owned()),
        ("services = ['x']", "1: services: found a list, expected ports with their names".to_owned()),
    ] {
        assert_single_error(text, &expected);
    }
}

#[test]
fn reading_only_the_names_ignores_other_errors() {
    let names = parse_services(b"view = 3\nzebra = 1\n[services]\n8080 = 'my-api'\n").unwrap();
    assert_eq!(names.name(Protocol::Tcp, 8080), Some("my-api"));
    let faults = parse_services(b"view = 3\n[services]\n8080 = 1\n").unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].line, 3);
    assert!(parse_services(b"view = ").is_err(), "no TOML at all");
}

#[test]
fn custom_views_accept_what_the_file_accepts() {
    let text = "
        view = 'Web'
        [[views]]
        name = 'web'
        shows = 'listening'
        filter = ':443 | :shop'
        columns = ['port', 'process', 'state']
        sort = 'process'
        [[views]]
        name = 'all of ann'
        filter = 'user:ann'
        reverse = true
        [services]
        9001 = 'shop'
    ";
    let settings = parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let [web, ann] = &settings.views[..] else {
        panic!("{:?}", settings.views);
    };
    assert_eq!((&*web.name, web.shows), ("web", Tab::Listening));
    assert_eq!(web.filter.to_string(), ":443 | :shop");
    let columns = [ColumnId::Port, ColumnId::Process, ColumnId::State];
    assert_eq!(web.columns.as_deref(), Some(&columns[..]));
    let (by, descending) = (ColumnId::Process, false);
    assert_eq!(web.sort, Some(Sort { by, descending }));
    assert_eq!(
        (&*ann.name, ann.shows, &ann.columns),
        ("all of ann", Tab::All, &None)
    );
    let (by, descending) = (ColumnId::Port, true);
    assert_eq!(ann.sort, Some(Sort { by, descending }));
    assert_eq!(
        (settings.view, settings.custom_view),
        (Tab::Listening, Some(0))
    );
    let printed = to_toml(&settings);
    assert_eq!(parse(printed.as_bytes()), Ok(settings), "{printed}");
}

#[test]
fn errors_of_views_have_their_line() {
    let view = |at: u8| format!("[[views]]\nname = 'v{at}'\n");
    let six = [1, 2, 3, 4, 5, 6].map(view).concat();
    let long = "x".repeat(Filter::MAX_BYTES - 10);
    for (text, expected) in [
        (
            "[[views]]\nfilter = 'x'",
            "1: views: a view needs a name (name = \"web\")",
        ),
        (
            "[[views]]\nname = ''",
            "2: views.name: invalid name ``; use 1 to 16 visible characters",
        ),
        (
            "[[views]]\nname = 'a\u{202e}b'",
            "2: views.name: invalid name `a\\u{202e}b`",
        ),
        (
            "[[views]]\nname = '\u{200b}'",
            "2: views.name: invalid name `\\u{200b}`",
        ),
        (
            "[[views]]\nname = 'much too long a name'",
            "2: views.name: invalid name `much too long a name`",
        ),
        (
            "[[views]]\nname = 5",
            "2: views.name: found a number, expected a name in quotes",
        ),
        (
            "[[views]]\nname = 'All'",
            "2: views.name: view `All` already exists",
        ),
        (
            "[[views]]\nname = 'a'\n[[views]]\nname = 'A'",
            "4: views.name: view `A` already exists",
        ),
        (
            "[[views]]\nname = 'a'\nfiltr = 'x'",
            "3: views: unknown key `filtr`; did you mean `filter`?",
        ),
        (
            "[[views]]\nname = 'a'\nfilter = 'state:lisn'",
            "3: views.filter: unknown state `lisn`; did you mean `listen`?",
        ),
        (
            "[[views]]\nname = 'a'\nshows = 'al'",
            "3: views.shows: unknown view `al`; did you mean `all`?",
        ),
        (
            "[[views]]\nname = 'a'\ncolumns = ['port']",
            "3: views.columns: `",
        ),
        (
            "[[views]]\nname = 'a'\nsort = 'x'",
            "3: views.sort: unknown column `x`",
        ),
        (
            "[[views]]\nname = 'a'\nreverse = 1",
            "3: views.reverse: found a number, expected true or false",
        ),
        (
            "[views]\nname = 'a'",
            "1: views: found a table, expected tables, each headed [[views]]",
        ),
        ("views = [1]", "1: views: found a number, expected tables"),
        (
            "view = 'web'\n[[views]]\nname = 'wob'",
            "1: view: unknown view `web`; did you mean `wob`?",
        ),
        (&six, "11: views: at most 5 views"),
        (
            &format!("families = ['ipv4']\n[[views]]\nname = 'a'\nfilter = '{long}'"),
            "2: views: with these families the filter is too long",
        ),
    ] {
        assert_single_error(text, expected);
    }
}

#[test]
fn a_theme_is_built_in_or_the_users_own() {
    let chosen = |text: &str| {
        let settings = parse(text.as_bytes()).unwrap();
        let styles = settings.themes.chosen().styles;
        let style = |role| styles.of(role).to_string();
        let name = settings.themes.chosen().name.clone();
        (name, style(Role::Good), style(Role::Bad))
    };
    let expected = |name: &str, good: &str, bad: &str| (name.into(), good.into(), bad.into());
    assert_eq!(chosen(""), expected("terminal", "green", "red"));
    assert_eq!(
        chosen("theme = 'gruvbox'"),
        expected("gruvbox", "#b8bb26", "#fb4934")
    );
    let own = "theme = 'mine'\n[themes.mine]\ngood = 'blue bold'\n[themes.other]\n";
    assert_eq!(chosen(own), expected("mine", "blue bold", "red"));
    let own = "themes = { mine = { good = '33 on #101010' } }\ntheme = \"mine\"";
    assert_eq!(chosen(own), expected("mine", "33 on #101010", "red"));
}

#[test]
fn errors_of_themes_have_their_line() {
    for (text, expected) in [
        (
            "\ntheme = 'gruvbx'",
            "2: theme: unknown theme `gruvbx`; did you mean `gruvbox`?",
        ),
        (
            "theme = 3",
            "1: theme: found a number, expected the name of a theme in quotes, such as \"dark\"",
        ),
        (
            "theme = 'dark'\n[themes.mine]\ngood = 'blue'\nbda = 'red'\n",
            "4: themes: unknown role `bda`; did you mean `bad`?",
        ),
        (
            "[themes.mine]\ngood = 'gren'\n",
            "2: themes: good: unknown color `gren`; did you mean `green`?",
        ),
        (
            "[themes.mine]\ngood = ['red']\n",
            "2: themes: good: a style is text in quotes, such as \"red bold\"",
        ),
        (
            "\n[themes.dark]\ngood = 'red'\n",
            "2: themes: theme `dark` already exists; use another name",
        ),
        (
            "themes = 'dark'",
            "1: themes: found text, expected themes of your own, such as [themes.mine]",
        ),
        (
            "themes.mine = 'dark'",
            "1: themes: found text, expected themes of your own",
        ),
        (
            "[themes.\"a b\"]\n",
            "1: themes: invalid name `a b`; use up to 40 letters, digits, - and _",
        ),
    ] {
        assert_single_error(text, expected);
    }
}

#[test]
fn hostile_text_in_a_theme_is_harmless_and_short_in_errors() {
    let long = "x".repeat(100_000);
    for word in ["\\u001b[2J", &long] {
        for text in [
            format!("theme = \"{word}\""),
            format!("[themes.\"{word}\"]"),
            format!("[themes.mine]\n\"{word}\" = 'red'"),
            format!("[themes.mine]\ngood = \"{word}\""),
            format!("[themes.mine]\ngood = \"#{word}\""),
        ] {
            for line in errors(&text) {
                assert!(!line.contains('\x1b'), "{line:?}");
                assert!(line.chars().count() < 250, "{line}");
            }
        }
    }
}

#[test]
fn every_byte_is_on_an_existing_line() {
    let lines = |text: &[u8]| {
        let errors = (0..=text.len()).map(|at| (at, String::new()));
        let faults = Fault::numbered(text, errors.collect());
        faults.iter().map(|fault| fault.line).collect::<Vec<_>>()
    };
    assert_eq!(lines(b""), [1]);
    assert_eq!(lines(b"\n"), [1, 1]);
    assert_eq!(lines(b"a\n\nb\n"), [1, 1, 2, 3, 3, 3]);
    assert_eq!(lines(b"a\r\nb"), [1, 1, 1, 2, 2]);
}
