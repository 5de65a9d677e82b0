//! Looks and themes as they are written.

use toml::de::DeTable;

use super::super::*;
use super::theme;

#[test]
fn a_look_is_colours_and_emphasis_in_any_order() {
    let rgb = |red, green, blue| Some(Colour::Rgb(red, green, blue));
    for (written, text, behind, emphasis) in [
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
        let look = Look::parse(written).unwrap();
        let told = Look {
            text,
            behind,
            ..look
        };
        assert_eq!(look, told, "{written:?}");
        let emphases: Vec<_> = ["bold", "dim", "underline", "reverse"]
            .into_iter()
            .filter(|word| look.emphasis.holds(Look::parse(word).unwrap().emphasis))
            .collect();
        assert_eq!(emphases.join(" "), emphasis, "{written:?}");
        assert_eq!(Look::parse(&look.to_string()), Ok(look), "it prints back");
    }
}

#[test]
fn what_is_no_look_is_told_with_what_was_meant() {
    for (written, told) in [
        ("gren", "`gren` is no colour; did you mean `green`?"),
        ("on", "after `on` there is no colour"),
        ("blue on bold", "`bold` is no colour; did you mean `bold`?"),
        (
            "red green",
            "`green` is a second colour of the text; what is behind it follows `on`",
        ),
        ("on red on red", "`red` is a second colour behind the text"),
        (
            "#12",
            "`#12` is no colour: # takes six hex digits, as in #d8dee9",
        ),
        (
            "#12345é",
            "`#12345é` is no colour: # takes six hex digits, as in #d8dee9",
        ),
        (
            "#+12345",
            "`#+12345` is no colour: # takes six hex digits, as in #d8dee9",
        ),
        (
            "256",
            "`256` is no colour; there are black, red, green, yellow, blue, magenta, cyan, white, the \
             same with bright-, 0 to 255, #d8dee9, and bold, dim, underline, reverse",
        ),
    ] {
        assert_eq!(Look::parse(written), Err(told.into()), "{written:?}");
    }
    let long = Look::parse(&"\x1b".repeat(10_000)).unwrap_err();
    assert!(long.len() < 400 && !long.contains('\x1b'), "{long:?}");
}

#[test]
fn a_theme_says_what_differs_from_the_one_below() {
    let read = |text| {
        let table = DeTable::parse(text).unwrap();
        super::super::read("mine", table.get_ref(), Themes::terminal())
    };
    let mine = read("good = 'blue bold'").unwrap();
    let changed = Look::parse("blue bold").unwrap();
    assert_eq!(mine.looks.of(Role::Good), changed);
    assert_eq!(mine.looks.of(Role::Bad), Themes::terminal().of(Role::Bad));
    let faults = read("good = 1\nbda = 'red'\nbad = 'rde'\n").unwrap_err();
    let mut told: Vec<_> = faults.iter().map(|(at, why)| (*at, why.as_str())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            (7, "good: a look is text in quotes, such as \"red bold\""),
            (9, "`bda` is no role; did you mean `bad`?"),
            (27, "bad: `rde` is no colour; did you mean `red`?"),
        ]
    );
}

#[test]
fn a_theme_of_the_users_own_stands_behind_the_built_in_ones() {
    let mut themes = Themes::default();
    let named = |name: &str| Theme {
        name: name.into(),
        ..theme("dark")
    };
    assert_eq!(themes.add(named("mine")), Ok(()));
    themes.choose("mine").unwrap();
    assert_eq!(themes.position(), (8, 8));
    assert_eq!(themes.own(), [named("mine")]);
    for (name, told) in [
        ("mine", "`mine` is a theme that there is: take another name"),
        ("dark", "`dark` is a theme that there is: take another name"),
        ("", "`` is no name: up to 40 letters, digits, - and _"),
        ("a b", "`a b` is no name: up to 40 letters, digits, - and _"),
    ] {
        assert_eq!(themes.add(named(name)), Err(told.into()));
    }
    assert_eq!(
        themes.choose("drak"),
        Err("`drak` is no theme; did you mean `dark`? there are terminal, dark, light, color-blind, \
             high-contrast, gruvbox, catppuccin, mine"
            .into())
    );
    assert_eq!(themes.chosen().name, "mine", "it stays");
}
