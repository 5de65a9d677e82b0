//! Another theme by a key, as far as there are colours.

use crate::app::tests::*;
use crate::app::view::Role;
use crate::theme::{BUILT_IN, Style, Themes};

fn footer(desk: &Desk) -> String {
    let view = desk.view();
    let spans = view.footer.iter().flatten();
    spans.map(|span| span.text.as_str()).collect()
}

#[test]
fn t_shows_the_next_theme_at_once_and_says_which() {
    let mut desk = Desk::with_ports(&[80]);
    let first = desk.view().styles;
    assert_eq!(first, Themes::terminal());
    let mut seen = vec![first];
    for (at, (name, _)) in BUILT_IN.iter().enumerate().skip(1) {
        assert_eq!(desk.press("T"), [], "{name}");
        let notice = format!(" theme: {name} ({} of {})", at + 1, BUILT_IN.len());
        assert_eq!(footer(&desk), notice);
        let looks = desk.view().styles;
        assert!(!seen.contains(&looks), "{name} looks like none before");
        seen.push(looks);
    }
    desk.press("T");
    assert_eq!(desk.view().styles, first);
    assert!(footer(&desk).contains("theme: terminal (1 of "));
}

/// What is on the screen is drawn again only if the views differ.
#[test]
fn views_in_different_themes_differ() {
    let mut desk = Desk::with_ports(&[80]);
    let before = desk.view();
    desk.press("T");
    let mut after = desk.view();
    after.footer.clone_from(&before.footer);
    assert_ne!(after, before);
}

#[test]
fn without_colours_there_is_no_other_theme_and_the_key_says_why() {
    let no_colours = "no colors here: --no-color, NO_COLOR, color = false or TERM=dumb";
    let mut desk = Desk::with_ports(&[80]);
    desk.app.settings.color = false;
    let before = desk.view().styles;
    desk.press("T");
    assert_eq!(footer(&desk), format!(" {no_colours}"));
    assert_eq!(desk.view().styles, before);
    let plain = Style::default();
    for role in [Role::Good, Role::Busy, Role::Warning, Role::Bad] {
        assert_eq!(before.of(role), plain);
    }
}

#[test]
fn with_sixteen_colours_the_default_is_used_and_a_notice_is_shown() {
    let mut desk = Desk::with_ports(&[80]);
    desk.app.environment.depth = Depth::Sixteen;
    desk.press("T");
    let notice = " theme: dark (2 of 7), shown as terminal: 16 colors here";
    assert_eq!(footer(&desk), notice);
    assert_eq!(desk.view().styles, Themes::terminal());
}
