//! What a configuration may say, and what is said to one that is wrong.

use std::time::Duration;

use super::*;
use crate::app::{Notify, Settings, Sort, Tab};
use crate::columns::ColumnId;
use crate::config::{DEFAULT_FILE, MAX_BYTES, keys, to_toml};
use crate::filter::Filter;
use crate::model::Family;
use crate::theme::Role;

/// What is wrong with a text, as a user reads it.
fn complaints(text: &str) -> Vec<String> {
    let faults = parse(text.as_bytes()).expect_err(text);
    let told = |fault: Fault| format!("{}: {}", fault.line, fault.message);
    faults.into_iter().map(told).collect()
}

/// The default file with every key set.
fn uncommented() -> String {
    let lines = DEFAULT_FILE.lines();
    let set = |line: &str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => key.to_owned(),
        _ => line.to_owned(),
    };
    lines.map(|line| set(line) + "\n").collect()
}

/// One complaint, which begins like this.
fn assert_told_once(text: &str, told: &str) {
    let complaints = complaints(text);
    assert!(
        complaints[0].starts_with(told),
        "{complaints:?}\nfor {text}, not\n{told}"
    );
    assert_eq!(complaints.len(), 1, "{complaints:?}");
}

#[test]
fn the_default_file_says_nothing_as_it_is() {
    assert_eq!(parse(DEFAULT_FILE.as_bytes()), Ok(Settings::default()));
}

#[test]
fn the_default_file_sets_every_key_to_its_default() {
    let text = uncommented();
    assert_eq!(parse(text.as_bytes()), Ok(Settings::default()));
    let is_set = |line: &&str| !line.starts_with('#') && !line.is_empty();
    let set: Vec<_> = text.lines().filter(is_set).collect();
    let printed = to_toml(&Settings::default());
    assert_eq!(
        set,
        printed.lines().collect::<Vec<_>>(),
        "all, and in order"
    );
    assert_eq!(set.len(), keys().count());
}

#[test]
fn every_key_of_the_default_file_is_read() {
    for line in uncommented().lines().filter(|line| line.contains(" = ")) {
        let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.contains('#')) else {
            continue;
        };
        let complaint = complaints(&format!("{key} = 1.5"));
        assert!(
            complaint[0].starts_with(&format!("1: {key}: a number, where it takes ")),
            "{complaint:?}"
        );
    }
}

#[test]
fn every_setting_is_taken() {
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
        tcp: false,
        udp: true,
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
fn a_filter_that_leaves_no_room_for_the_family_is_told_of_as_one() {
    let long = "x".repeat(Filter::MAX_BYTES - 10);
    let text = format!("families = ['ipv4']\n\nfilter = '{long}'");
    let told = complaints(&text);
    assert!(
        told[0].starts_with("3: filter: with these families the filter is too long"),
        "{told:?}"
    );
    assert!(parse(format!("filter = '{long}'").as_bytes()).is_ok());
}

#[test]
fn a_mark_at_the_beginning_and_windows_line_ends_are_no_fault() {
    let text = "\u{feff}# x\r\ninterval = \"2s\"\r\n\r\nstats = true\r\n";
    let config = parse(text.as_bytes()).unwrap();
    assert_eq!(
        (config.interval, config.stats),
        (Duration::from_secs(2), true)
    );
    assert_eq!(
        complaints("\u{feff}view = 1\r\n")[0].split(": ").nth(1),
        Some("view")
    );
}

#[test]
fn what_is_wrong_is_told_with_line_and_key() {
    for (text, told) in [
        (
            "interval = \"5\"",
            "1: interval: 5: not a duration (500ms, 2s, 1m)",
        ),
        (
            "\n\ninterval = '1ms'\n",
            "3: interval: 1ms: not an interval (50ms to 24h)",
        ),
        (
            "linger = 5",
            "1: linger: a number, where it takes a duration in quotes, such as \"500ms\", \"2s\", \"1m\"",
        ),
        (
            "[highlight]\n",
            "1: highlight: a table, where it takes a duration in quotes, such as \"500ms\", \"2s\", \"1m\"",
        ),
        (
            "view = \"lisening\"",
            "1: view: `lisening` is no view; did you mean `listening`?",
        ),
        (
            "view = \"\"",
            "1: view: `` is no view; there are listening, connections, all, changes",
        ),
        (
            "protocols = []",
            "1: protocols: an empty list would show nothing",
        ),
        (
            "protocols = [\"tcp\",\n \"tpc\"]",
            "2: protocols: `tpc` is no protocol; did you mean `tcp`?",
        ),
        (
            "protocols = \"tcp\"",
            "1: protocols: text, where it takes [\"tcp\"], [\"udp\"] or [\"tcp\", \"udp\"]",
        ),
        (
            "families = [\"ipv4\", \"IPv4\"]",
            "1: families: `IPv4` stands there twice",
        ),
        (
            "filter = \"state:lisn\"",
            "1: filter: `lisn` is no state; did you mean `listen`?",
        ),
        (
            "columns = [\"port\", \"prot\"]",
            "1: columns: `prot` is no column; did you mean `proto`?",
        ),
        (
            "columns = [\"port\", 2]",
            "1: columns: a number, where it takes a list of columns in quotes, such as [\"port\", \"state\", \"process\"]",
        ),
        (
            "columns = [\"port\", \"process\"]",
            "1: columns: `state` is missing, which is always shown",
        ),
        (
            "sort = [\"port\"]",
            "1: sort: a list, where it takes the name of a column in quotes, such as \"port\"",
        ),
        (
            "stats = 2026-01-02",
            "1: stats: a date or time, where it takes true or false",
        ),
        (
            "color = \"no\"",
            "1: color: text, where it takes true or false",
        ),
    ] {
        assert_told_once(text, told);
    }
}

#[test]
fn a_key_that_there_is_not_comes_with_the_one_that_was_meant() {
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
        let told = format!("2: `{key}` is no key; did you mean `{meant}`?");
        assert_eq!(complaints(&format!("\n{key} = true")), [told]);
    }
    let all = keys().collect::<Vec<_>>().join(", ");
    let told = format!("1: `zebra` is no key; there are {all}");
    for text in ["zebra = 1", "[zebra]\nx = 1", "zebra.x.y = 1", "[[zebra]]"] {
        assert_eq!(complaints(text), [&*told]);
    }
}

#[test]
fn what_is_no_toml_is_told_with_line_and_key_too() {
    for (text, told) in [
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
        ("stats =\n", "1: stats: string values must be quoted"),
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
        assert_told_once(text, told);
    }
}

#[test]
fn everything_that_is_wrong_is_told_in_the_order_of_the_lines() {
    let lines: Vec<_> = complaints("view = 1\nstats = 2\n\nzebra = 3\nsort = 'x'\ncolor = 4\n");
    let numbers: Vec<_> = lines.iter().map(|line| &line[..1]).collect();
    assert_eq!(numbers, ["1", "2", "4", "5", "6"]);
}

#[test]
fn of_a_thousand_faults_a_screenful_is_told() {
    let text = "no toml\n".repeat(1000);
    let lines = complaints(&text);
    assert_eq!(lines.len(), MAX_FAULTS + 1);
    assert_eq!(lines[MAX_FAULTS], "21: and 980 more lines from here on");
}

/// Telling the line of each fault from the beginning took five minutes for these.
#[test]
fn as_many_faults_as_there_is_room_for_are_counted_in_one_go() {
    let most = usize::try_from(MAX_BYTES).unwrap();
    for piece in ["a=1\n", "[a]\n", "x\n", "x", "x=[x,", "'\n"] {
        let text = piece.repeat(most / piece.len());
        assert!(!complaints(&text).is_empty());
    }
    let list = format!("columns = [{}]", "x,".repeat(most / 2 - 10));
    assert_eq!(complaints(&list).len(), 1);
}

#[test]
fn bytes_that_are_no_text_are_told_with_their_line() {
    let faults = parse(b"# x\nview = \"\xff\"\n").unwrap_err();
    assert_eq!(faults[0].line, 2);
    assert_eq!(faults[0].message, "not UTF-8: the byte 0xff");
}

#[test]
fn hostile_text_is_harmless_and_short_in_what_is_said() {
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
        for line in complaints(&text) {
            assert!(!line.contains(['\x1b', '\u{202e}']), "{line:?}");
            assert!(line.chars().count() < 250, "{line}");
        }
    }
}

#[test]
fn nothing_nests_too_deeply() {
    let deep = "[".repeat(100_000);
    assert!(!complaints(&format!("columns = {deep}")).is_empty());
    assert!(!complaints(&format!("{}x = 1", "x.".repeat(100_000))).is_empty());
    assert!(!complaints(&format!("{deep}x")).is_empty());
}

#[test]
fn a_theme_is_one_that_there_is_or_one_of_ones_own() {
    let chosen = |text: &str| {
        let settings = parse(text.as_bytes()).unwrap();
        let looks = settings.themes.chosen().looks;
        let look = |role| looks.of(role).to_string();
        let name = settings.themes.chosen().name.clone();
        (name, look(Role::Good), look(Role::Bad))
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
fn a_theme_that_is_wrong_is_told_with_its_line() {
    for (text, told) in [
        (
            "\ntheme = 'gruvbx'",
            "2: theme: `gruvbx` is no theme; did you mean `gruvbox`? there are terminal, dark,",
        ),
        (
            "theme = 3",
            "1: theme: a number, where it takes the name of a theme in quotes, such as \"dark\"",
        ),
        (
            "theme = 'dark'\n[themes.mine]\ngood = 'blue'\nbda = 'red'\n",
            "4: themes: `bda` is no role; did you mean `bad`?",
        ),
        (
            "[themes.mine]\ngood = 'gren'\n",
            "2: themes: good: `gren` is no colour; did you mean `green`?",
        ),
        (
            "[themes.mine]\ngood = ['red']\n",
            "2: themes: good: a look is text in quotes, such as \"red bold\"",
        ),
        (
            "\n[themes.dark]\ngood = 'red'\n",
            "2: themes: `dark` is a theme that there is: take another name",
        ),
        (
            "themes = 'dark'",
            "1: themes: text, where it takes themes of one's own, such as [themes.mine]",
        ),
        (
            "themes.mine = 'dark'",
            "1: themes: text, where it takes themes of one's own",
        ),
        (
            "[themes.\"a b\"]\n",
            "1: themes: `a b` is no name: up to 40 letters, digits, - and _",
        ),
    ] {
        assert_told_once(text, told);
    }
}

#[test]
fn hostile_text_in_a_theme_is_harmless_and_short_in_what_is_said() {
    let long = "x".repeat(100_000);
    for word in ["\\u001b[2J", &long] {
        for text in [
            format!("theme = \"{word}\""),
            format!("[themes.\"{word}\"]"),
            format!("[themes.mine]\n\"{word}\" = 'red'"),
            format!("[themes.mine]\ngood = \"{word}\""),
            format!("[themes.mine]\ngood = \"#{word}\""),
        ] {
            for line in complaints(&text) {
                assert!(!line.contains('\x1b'), "{line:?}");
                assert!(line.chars().count() < 250, "{line}");
            }
        }
    }
}
