//! What is claimed of the themes, measured; and how they are read.

mod measured;
mod reading;

use super::*;

/// A built-in theme by its name.
fn theme(name: &str) -> Theme {
    let mut themes = Themes::default();
    themes.choose(name).unwrap();
    themes.chosen().clone()
}

#[test]
fn the_roles_are_listed_as_they_are_declared() {
    for (at, (name, role)) in Role::ALL.into_iter().enumerate() {
        assert_eq!(role as usize, at, "{name}");
    }
}

#[test]
fn every_built_in_theme_reads_and_says_how_each_role_looks() {
    let themes = Themes::default();
    assert_eq!(
        themes.names().collect::<Vec<_>>(),
        BUILT_IN.map(|(name, _)| name)
    );
    for (name, text) in BUILT_IN {
        let keys = text.lines().filter(|line| !line.starts_with('#'));
        let keys: Vec<_> = keys.filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(keys, Role::ALL.map(|(role, _)| role), "{name}");
    }
}

#[test]
fn the_default_has_the_sixteen_colours_of_the_terminal_and_its_background() {
    let looks = Themes::default().chosen().styles;
    assert_eq!(looks, Themes::terminal());
    assert_eq!(looks.on(Depth::Sixteen), looks);
    assert_eq!(looks.on(Depth::Full), looks);
    assert_eq!(looks.of(Role::Plain), Style::default());
}

#[test]
fn the_key_goes_through_all_themes_and_begins_anew() {
    let mut themes = Themes::default();
    let first = themes.clone();
    for place in 2..=BUILT_IN.len() {
        themes.choose_next();
        assert_eq!(themes.position(), (place, BUILT_IN.len()));
    }
    themes.choose_next();
    assert_eq!(themes, first);
}

/// Half of it in its own colours and half in the palette's would be neither.
#[test]
fn a_theme_that_sixteen_colours_cannot_show_gives_way_to_the_default() {
    let gruvbox = theme("gruvbox").looks;
    assert_eq!(gruvbox.on(Depth::Sixteen), Themes::terminal());
    assert_eq!(gruvbox.on(Depth::Full), gruvbox);
    assert_ne!(gruvbox.on(Depth::Indexed), gruvbox);
}

#[test]
fn without_colours_every_theme_keeps_the_emphasis_of_the_default() {
    for (name, _) in BUILT_IN {
        let looks = theme(name).looks.on(Depth::None);
        for (role, emphasis) in [
            (Role::Plain, Emphasis::default()),
            (Role::Dim, Emphasis::DIM),
            (Role::Strong, Emphasis::BOLD),
            (Role::Wrong, Emphasis::UNDERLINE),
            (Role::Selected, Emphasis::REVERSE),
        ] {
            let (text, behind) = (None, None);
            let expected = Look {
                text,
                behind,
                emphasis,
            };
            assert_eq!(looks.of(role), expected, "{name}: {role:?}");
        }
    }
}

#[test]
fn what_256_colours_have_exactly_is_kept_and_the_rest_comes_near() {
    let rgb = |colour: Colour| colour.rgb().unwrap();
    for at in 16..=255 {
        let [red, green, blue] = rgb(Colour::Indexed(at));
        let found = Colour::Rgb(red, green, blue).indexed();
        assert_eq!(rgb(found), [red, green, blue], "{at}");
    }
    for at in 0..16 {
        let own = Colour::Indexed(at);
        assert_eq!((own.indexed(), own.rgb()), (own, None), "the palette's own");
    }
    assert_eq!(
        Colour::Rgb(0x16, 0x18, 0x1d).indexed(),
        Colour::Indexed(234)
    );
    assert_eq!(
        Colour::Rgb(0xff, 0xff, 0x10).indexed(),
        Colour::Indexed(226)
    );
}
