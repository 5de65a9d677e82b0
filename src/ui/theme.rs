//! What each meaning looks like. Colours are the terminal's own sixteen, so that its palette rules.

use ratatui::style::{Color, Modifier, Style};

use crate::app::view::Role;

/// Colours and emphasis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    has_colour: bool,
}

impl Theme {
    /// The terminal's sixteen colours.
    pub const COLOUR: Self = Self { has_colour: true };
    /// No colours (`--no-color`, `NO_COLOR`): emphasis only.
    pub const PLAIN: Self = Self { has_colour: false };

    /// How text of this meaning looks.
    pub fn of(self, role: Role) -> Style {
        let (colour, modifier) = match role {
            Role::Plain => (None, Modifier::empty()),
            Role::Dim => (None, Modifier::DIM),
            Role::Strong => (None, Modifier::BOLD),
            Role::Accent => (Some(Color::Cyan), Modifier::empty()),
            Role::Good => (Some(Color::Green), Modifier::empty()),
            Role::Busy => (Some(Color::Blue), Modifier::empty()),
            Role::Warning => (Some(Color::Yellow), Modifier::empty()),
            Role::Bad => (Some(Color::Red), Modifier::empty()),
            Role::Wrong => (Some(Color::Red), Modifier::UNDERLINED),
        };
        let style = Style::new().add_modifier(modifier);
        match colour {
            Some(colour) if self.has_colour => style.fg(colour),
            _ => style,
        }
    }

    /// The row or choice under the cursor.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Lines around panes.
    pub fn border(self) -> Style {
        self.of(Role::Dim)
    }
}
