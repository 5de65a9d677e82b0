//! Contrast as WCAG 2 measures it, and the distance of colours, including red- or green-blind vision.
//!
//! What such eyes see is simulated by the matrices of Machado, Oliveira and Fernandes, "A Physiologically-based
//! Model for Simulation of Color Vision Deficiency" (2009), at their full severity, on linear light.

use super::super::colour::{self, Matrix, XYZ, lab, times};
use super::super::*;
use super::theme;

const PROTANOPIA: Matrix = [
    [0.152_286, 1.052_583, -0.204_868],
    [0.114_503, 0.786_281, 0.099_216],
    [-0.003_882, -0.048_116, 1.051_998],
];

const DEUTERANOPIA: Matrix = [
    [0.367_322, 0.860_646, -0.227_968],
    [0.280_085, 0.672_501, 0.047_413],
    [-0.011_820, 0.042_940, 0.968_881],
];

/// The light of a colour.
fn light(colour: Colour) -> [f64; 3] {
    colour::light(colour.rgb().expect("no colour of the palette"))
}

/// From 1 to 21.
fn contrast(one: Colour, other: Colour) -> f64 {
    let luminance = |colour| times(&XYZ, light(colour))[1];
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// How far apart two colours look to these eyes.
fn distance(one: Colour, other: Colour, eyes: &Matrix) -> f64 {
    let seen = |colour| times(eyes, light(colour)).map(|part| part.clamp(0.0, 1.0));
    colour::distance(lab(seen(one)), lab(seen(other)))
}

/// The themes that set a background.
fn themes_of_own_colours() -> impl Iterator<Item = (&'static str, Styles)> {
    let names = BUILT_IN.into_iter().map(|(name, _)| name);
    names.skip(1).map(|name| (name, theme(name).styles))
}

/// Every text with its background, and the least contrast it needs: dim text and borders
/// carry no information of their own. The row under the cursor has texts of four roles, the first line of eight; red is
/// there for a failed read only, and the one for colour-blind eyes has no brighter shade.
fn texts(styles: Styles, usual: f64) -> Vec<(Role, Colour, Colour, f64)> {
    let background = styles.of(Role::Plain).background.expect("a background");
    let selected = styles.of(Role::Selected);
    let here = selected.background.expect("a background");
    let texts = Role::ALL.iter().filter_map(|&role| {
        let least = match role {
            Role::Border | Role::Dim if usual < 7.0 => 3.0,
            _ => usual,
        };
        let text = styles
            .of(role)
            .foreground
            .filter(|_| role != Role::Selected)?;
        Some((role, text, background, least))
    });
    let under_cursor = [Role::Plain, Role::Strong, Role::Warning, Role::Bad].map(|role| {
        let text = selected
            .foreground
            .or(styles.of(role).foreground)
            .expect("a colour");
        (role, text, here, usual)
    });
    let bar = styles.of(Role::Bar).background.expect("a bar");
    let on_bar = [
        Role::Plain,
        Role::Dim,
        Role::Strong,
        Role::Accent,
        Role::Good,
        Role::Busy,
        Role::Warning,
        Role::Bad,
    ];
    let on_bar = on_bar.map(|role| {
        let least = match role {
            Role::Dim if usual < 7.0 => 3.0,
            Role::Bad if usual < 7.0 => 3.8,
            _ => usual,
        };
        let text = styles.of(role).foreground.expect("a colour");
        (role, text, bar, least)
    });
    texts.chain(under_cursor).chain(on_bar).collect()
}

#[test]
fn the_default_theme_has_enough_contrast_on_a_light_background_that_the_terminal_reports() {
    for background in [0xff, 0xf5, 0xee].map(|part| Colour::Rgb(part, part, part)) {
        let styles = Themes::terminal().above(background);
        let bar = styles.of(Role::Selected).background.expect("a bar");
        let first_line = styles.of(Role::Bar).background.expect("a bar");
        for role in [
            Role::Accent,
            Role::Good,
            Role::Busy,
            Role::Warning,
            Role::Bad,
        ] {
            let text = styles.of(role).foreground.expect("a colour");
            assert!(contrast(text, background) >= 4.5, "{role:?}");
            assert!(contrast(text, bar) >= 3.0, "{role:?} under the cursor");
            assert!(
                contrast(text, first_line) >= 4.0,
                "{role:?} on the first line"
            );
        }
        assert!(contrast(first_line, background) >= 1.1);
        assert!(contrast(bar, background) >= 1.2);
    }
}

#[test]
fn on_a_dark_background_the_palette_stays_and_the_cursor_is_a_bar() {
    let dark = Colour::Rgb(0x1e, 0x1e, 0x2e);
    let styles = Themes::terminal().above(dark);
    assert_eq!(
        styles.of(Role::Warning),
        Themes::terminal().of(Role::Warning)
    );
    let bar = styles.of(Role::Selected).background.expect("a bar");
    assert!(contrast(bar, dark) >= 1.2);
    let other = theme("gruvbox").styles;
    assert_eq!(other.above(dark), other, "a theme of its own colours");
}

#[test]
fn every_text_has_enough_contrast() {
    for (name, styles) in themes_of_own_colours() {
        let usual = if name == "high-contrast" { 7.0 } else { 4.5 };
        let texts = texts(styles, usual);
        assert_eq!(
            texts.len(),
            22,
            "{name}: ten roles, four of them under the cursor, and eight on the first line too"
        );
        for (role, text, background, least) in texts {
            let contrast = contrast(text, background);
            let what = format!("{name}: {role:?} {text} on {background}: {contrast:.2}");
            assert!(contrast >= least, "{what}, not {least}");
        }
    }
}

#[test]
fn the_first_line_the_headings_and_the_cursor_differ_from_the_screen_and_each_other() {
    for (name, styles) in themes_of_own_colours() {
        for styles in [styles, styles.on(Depth::Indexed)] {
            let background = |role| styles.of(role).background.expect("a background");
            let [screen, bar, cursor] = [Role::Plain, Role::Bar, Role::Selected].map(background);
            assert!(contrast(bar, screen) >= 1.08, "{name}: {bar} on {screen}");
            assert!(contrast(cursor, bar) >= 1.08, "{name}: {cursor} and {bar}");
        }
    }
}

#[test]
fn with_256_colours_every_text_has_enough_contrast() {
    for (name, styles) in themes_of_own_colours() {
        let usual = if name == "high-contrast" { 7.0 } else { 4.5 };
        for (role, text, background, least) in texts(styles.on(Depth::Indexed), usual) {
            let contrast = contrast(text, background);
            let what = format!("{name}: {role:?} {text} on {background}: {contrast:.2}");
            assert!(contrast >= least, "{what}, not {least}");
        }
    }
}

#[test]
fn the_nearest_of_256_colours_is_similar() {
    const USUAL_EYES: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for (name, styles) in themes_of_own_colours() {
        for &role in Role::ALL {
            let (full, near) = (styles.of(role), styles.on(Depth::Indexed).of(role));
            let pairs = [
                (full.foreground, near.foreground),
                (full.background, near.background),
            ];
            for (is, became) in pairs.into_iter().filter_map(|(a, b)| a.zip(b)) {
                let off = distance(is, became, &USUAL_EYES);
                assert!(
                    off < 20.0,
                    "{name}: {role:?} {is} became {became}: {off:.1}"
                );
            }
        }
    }
}

#[test]
fn states_stay_apart_for_eyes_without_red_or_green() {
    let styles = theme("color-blind").styles;
    for (styles, least) in [(styles, 30.0), (styles.on(Depth::Indexed), 25.0)] {
        let states = [Role::Good, Role::Busy, Role::Warning, Role::Bad];
        let states = states.map(|role| styles.of(role).foreground.unwrap());
        for (eyes, matrix) in [("protanopia", &PROTANOPIA), ("deuteranopia", &DEUTERANOPIA)] {
            for (at, &one) in states.iter().enumerate() {
                for &other in &states[..at] {
                    let apart = distance(one, other, matrix);
                    assert!(
                        apart >= least,
                        "{eyes}: {one} and {other} are {apart:.1} apart"
                    );
                }
            }
        }
    }
}

/// The check finds confusable pairs in a theme that was made for other eyes.
#[test]
fn not_every_theme_keeps_states_apart_for_such_eyes() {
    let styles = theme("gruvbox").styles;
    let [good, warning] =
        [Role::Good, Role::Warning].map(|role| styles.of(role).foreground.unwrap());
    assert!(distance(good, warning, &PROTANOPIA) < 10.0);
}
