//! The drawing library's styles for what each meaning looks like.

use ratatui::style::{Color, Modifier, Style};

use crate::app::view::Role;
use crate::theme::{self, Colour, Emphasis, Styles};

/// The looks of a view, to draw with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme(pub(super) Styles);

impl Theme {
    /// How text of this meaning looks. What is behind ordinary text is behind everything, and not drawn again
    /// with each piece: it may stand under the cursor.
    pub(super) fn of(self, role: Role) -> Style {
        let own = self.0.of(role);
        style(if role == Role::Plain {
            theme::Style {
                behind: None,
                ..own
            }
        } else {
            own
        })
    }

    /// What the screen is filled with.
    pub(super) fn ground(self) -> Style {
        style(self.0.of(Role::Plain))
    }

    /// The row or choice under the cursor.
    pub(super) fn selected(self) -> Style {
        self.of(Role::Selected)
    }

    /// Lines around panes.
    pub(super) fn border(self) -> Style {
        self.of(Role::Border)
    }
}

/// Each emphasis as the drawing library calls it.
const MODIFIERS: [(Emphasis, Modifier); 4] = [
    (Emphasis::BOLD, Modifier::BOLD),
    (Emphasis::DIM, Modifier::DIM),
    (Emphasis::UNDERLINE, Modifier::UNDERLINED),
    (Emphasis::REVERSE, Modifier::REVERSED),
];

fn style(own: theme::Style) -> Style {
    let emphases = MODIFIERS.iter().filter(|(one, _)| own.emphasis.holds(*one));
    Style {
        fg: own.text.map(colour),
        bg: own.behind.map(colour),
        add_modifier: emphases.map(|(_, modifier)| *modifier).collect(),
        ..Style::new()
    }
}

/// Colours of the palette by their names in the drawing library, which tells them from their numbers.
fn colour(colour: Colour) -> Color {
    const PALETTE: [Color; 16] = [
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
        Colour::Indexed(at) => PALETTE
            .get(usize::from(at))
            .copied()
            .unwrap_or(Color::Indexed(at)),
    }
}
