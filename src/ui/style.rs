//! Converts the theme's styles to the drawing library's.

use ratatui::style::{Color, Modifier, Style};

use crate::app::view::View;
use crate::theme::{Colour, Emphasis, Role, Style as ThemeStyle};

/// The style of a role. Ordinary text has no background of its own: that of the screen, or of the row under the
/// cursor, shows through.
pub(super) fn style(view: &View, role: Role) -> Style {
    let mut style = view.styles.of(role);
    if role == Role::Plain {
        style.background = None;
    }
    convert(style)
}

/// The style that fills the screen.
pub(super) fn ground(view: &View) -> Style {
    convert(view.styles.of(Role::Plain))
}

fn convert(style: ThemeStyle) -> Style {
    let modifiers = [
        (Emphasis::BOLD, Modifier::BOLD),
        (Emphasis::DIM, Modifier::DIM),
        (Emphasis::UNDERLINE, Modifier::UNDERLINED),
        (Emphasis::REVERSE, Modifier::REVERSED),
    ];
    let has = |one: Emphasis| style.emphasis.contains(one);
    let modifiers = modifiers.into_iter().filter(|(one, _)| has(*one));
    Style {
        fg: style.foreground.map(colour),
        bg: style.background.map(colour),
        add_modifier: modifiers.map(|(_, modifier)| modifier).collect(),
        ..Style::new()
    }
}

/// The drawing library has names for the first sixteen.
fn colour(colour: Colour) -> Color {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    match colour {
        Colour::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
        Colour::Indexed(at) => {
            let named = NAMED.get(usize::from(at)).copied();
            named.unwrap_or(Color::Indexed(at))
        }
    }
}
