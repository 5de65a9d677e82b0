//! Reading styles and themes.

use toml::de::DeTable;

use super::super::*;
use super::theme;

#[test]
fn a_style_is_colours_and_emphasis_in_any_order() {
    let rgb = |red, green, blue| Some(Colour::Rgb(red, green, blue));
    for (written, foreground, background, emphasis) in [
        ("", None, None, ""),
        ("red", Some(Colour::Indexed(1)), None, ""),
        ("bright-white", Some(Colour::Indexed(15)), None, ""),
        ("244 bold", Some(Colour::Indexed(244)), None, "bold"),
        (
            "#d8dee9 on #2e3440",
            rgb(0xd8, 0xde, 0xe9),
            rgb(0x2e, 0x34, 0x40),
            "",
        ),
        (
            "reverse on black",
            None,
            Some(Colour::Indexed(0)),
            "reverse",
        ),
        ("dim  underline", None, None, "dim underline"),
        ("#D8DEE9", rgb(0xd8, 0xde, 0xe9), None, ""),
    ] {
        let style = Style::parse(written).unwrap();
        let expected = Style {
            foreground,
            background,
            ..style
        };
        assert_eq!(style, expected, "{written:?}");
        let emphases: Vec<_> = ["bold", "dim", "underline", "reverse"]
            .into_iter()
            .filter(|word| {
                style
                    .emphasis
                    .contains(Style::parse(word).unwrap().emphasis)
            })
            .collect();
        assert_eq!(emphases.join(" "), emphasis, "{written:?}");
        assert_eq!(
            Style::parse(&style.to_string()),
            Ok(style),
            "it prints back"
        );
    }
}

#[test]
fn an_invalid_style_is_refused_with_a_suggestion() {
    for (written, error) in [
        ("gren", "unknown color `gren`; did you mean `green`?"),
        ("on", "missing color after `on`"),
        ("blue on bold", "missing color after `on`"),
        (
            "red green",
            "second text color `green`; write `on` before a background color",
        ),
        ("on red on red", "second background color `red`"),
        (
            "#12",
            "unknown color `#12`; # needs six hex digits, as in #d8dee9",
        ),
        (
            "#12345é",
            "unknown color `#12345é`; # needs six hex digits, as in #d8dee9",
        ),
        (
            "#+12345",
            "unknown color `#+12345`; # needs six hex digits, as in #d8dee9",
        ),
        (
            "256",
            "unknown color `256`; use one of black, red, green, yellow, blue, magenta, cyan, white, \
             the same with bright-, 0 to 255, #d8dee9, bold, dim, underline, reverse",
        ),
    ] {
        assert_eq!(Style::parse(written), Err(error.into()), "{written:?}");
    }
    let long = Style::parse(&"\x1b".repeat(10_000)).unwrap_err();
    assert!(long.len() < 400 && !long.contains('\x1b'), "{long:?}");
}

#[test]
fn a_theme_contains_only_what_differs_from_its_base() {
    let read = |text| {
        let table = DeTable::parse(text).unwrap();
        super::super::read("mine", table.get_ref(), Themes::terminal())
    };
    let mine = read("good = 'blue bold'").unwrap();
    let changed = Style::parse("blue bold").unwrap();
    assert_eq!(mine.styles.of(Role::Good), changed);
    assert_eq!(mine.styles.of(Role::Bad), Themes::terminal().of(Role::Bad));
    let faults = read("good = 1\nbda = 'red'\nbad = 'rde'\n").unwrap_err();
    let mut messages: Vec<_> = faults.iter().map(|(at, why)| (*at, why.as_str())).collect();
    messages.sort_unstable();
    assert_eq!(
        messages,
        [
            (7, "good: a style is text in quotes, such as \"red bold\""),
            (9, "unknown role `bda`; did you mean `bad`?"),
            (27, "bad: unknown color `rde`; did you mean `red`?"),
        ]
    );
}

#[test]
fn own_themes_follow_the_built_in_ones() {
    let mut themes = Themes::default();
    let named = |name: &str| Theme {
        name: name.into(),
        ..theme("dark")
    };
    assert_eq!(themes.add(named("mine")), Ok(()));
    themes.choose("mine").unwrap();
    assert_eq!(themes.position(), (8, 8));
    assert_eq!(themes.own(), [named("mine")]);
    for (name, error) in [
        ("mine", "theme `mine` already exists; use another name"),
        ("dark", "theme `dark` already exists; use another name"),
        ("", "invalid name ``; use up to 40 letters, digits, - and _"),
        (
            "a b",
            "invalid name `a b`; use up to 40 letters, digits, - and _",
        ),
    ] {
        assert_eq!(themes.add(named(name)), Err(error.into()));
    }
    assert_eq!(
        themes.choose("drak"),
        Err("unknown theme `drak`; did you mean `dark`?".into())
    );
    assert_eq!(themes.chosen().name, "mine", "it stays");
}
