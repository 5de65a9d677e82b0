//! Built-in themes, and reading themes.

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
fn every_built_in_theme_has_a_style_for_each_role() {
    let themes = Themes::default();
    assert_eq!(
        themes.names().collect::<Vec<_>>(),
        BUILT_IN.map(|(name, _)| name)
    );
    for (name, text) in BUILT_IN {
        let keys = text.lines().filter(|line| !line.starts_with('#'));
        let keys: Vec<_> = keys.filter_map(|line| line.split(' ').next()).collect();
        let roles: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        assert_eq!(keys, roles, "{name}");
    }
}

#[test]
fn the_default_has_the_sixteen_colours_of_the_terminal_and_its_background() {
    let styles = Themes::default().chosen().styles;
    assert_eq!(styles, Themes::terminal());
    assert_eq!(styles.on(Depth::Sixteen), styles);
    assert_eq!(styles.on(Depth::Full), styles);
    assert_eq!(styles.of(Role::Plain), Style::default());
}

#[test]
fn the_key_cycles_through_all_themes() {
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
fn a_theme_that_needs_more_than_sixteen_colours_is_replaced_by_the_default() {
    let gruvbox = theme("gruvbox").styles;
    assert_eq!(gruvbox.on(Depth::Sixteen), Themes::terminal());
    assert_eq!(gruvbox.on(Depth::Full), gruvbox);
    assert_ne!(gruvbox.on(Depth::Indexed), gruvbox);
}

#[test]
fn without_colours_every_theme_keeps_the_emphasis_of_the_default() {
    for (name, _) in BUILT_IN {
        let styles = theme(name).styles.on(Depth::None);
        for (role, emphasis) in [
            (Role::Plain, Emphasis::default()),
            (Role::Dim, Emphasis::DIM),
            (Role::Strong, Emphasis::BOLD),
            (Role::Wrong, Emphasis::UNDERLINE),
            (Role::Selected, Emphasis::REVERSE),
            (Role::Bar, Emphasis::UNDERLINE),
        ] {
            let expected = Style {
                emphasis,
                ..Style::default()
            };
            assert_eq!(styles.of(role), expected, "{name}: {role:?}");
        }
    }
}

#[test]
fn the_nearest_of_256_colours_is_exact_where_there_is_one() {
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
