//! The style of each text role, as data: built-in and user themes, and the styles that a terminal supports.
//!
//! Pure: independent of terminal and drawing library; [`ui`](crate::ui) converts it. A theme is read from TOML, one key
//! for each [`Role`].

mod capabilities;
mod colour;
mod style;
mod themes;

#[cfg(test)]
mod tests;

pub use capabilities::{Depth, Glyphs};
pub use colour::Colour;
pub use style::{Emphasis, Style};
pub use themes::{BUILT_IN, ErrorAt, Themes, read};

use strum::{IntoStaticStr, VariantArray};

use crate::filter::nearest;
use crate::model::excerpt;

/// The role of a piece of text; the theme sets its style. Colour never carries a meaning alone: there is always a glyph
/// or a word too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Ordinary text, and the background of the screen.
    Plain,
    /// Repeated or less important text.
    Dim,
    /// Emphasised text.
    Strong,
    /// The one accent: the chosen view, titles of what has the keys, keys.
    Accent,
    /// Listening; opened; `ok`.
    Good,
    /// A live connection.
    Busy,
    /// Changed; a problem with a remedy.
    Warning,
    /// Wrong, refused, closed.
    Bad,
    /// The wrong part of a typed text.
    Wrong,
    /// The row or choice under the cursor.
    Selected,
    /// Behind the first line, and behind the headings.
    Bar,
    /// Lines around panes.
    Border,
}

impl Role {
    /// Every role, in the order of declaration.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name in the file of a theme.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A style for every role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Styles([Style; Role::ALL.len()]);

/// Styles with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Letters, digits, `-` and `_`.
    pub name: String,
    /// How it looks with every colour.
    pub styles: Styles,
}

impl Styles {
    /// The style of a role.
    pub const fn of(&self, role: Role) -> Style {
        self.0[role as usize]
    }

    /// These styles, if they are those of the default theme, on a terminal with this background: the row under the cursor,
    /// the first line and the headings are even bars, and on a light background the colours of the palette, often too light
    /// there, are those of `light`.
    #[must_use]
    pub fn above(self, background: Colour) -> Self {
        let Some(rgb) = background.rgb().filter(|_| self == Themes::terminal()) else {
            return self;
        };
        let is_light = background.lightness() > 50.0;
        let mut styles = self;
        if is_light {
            let light = Themes::light();
            for role in Role::ALL {
                let style = &mut styles.0[*role as usize];
                if style.foreground.is_some() {
                    style.foreground = light.of(*role).foreground;
                }
            }
        }
        let other = if is_light { 0 } else { 255 };
        let filled = |parts, emphasis| {
            let [red, green, blue] = rgb.map(|part| mixed(part, other, parts));
            Style {
                background: Some(Colour::Rgb(red, green, blue)),
                emphasis,
                ..Style::default()
            }
        };
        styles.0[Role::Selected as usize] = filled(CURSOR_PARTS, Emphasis::BOLD);
        styles.0[Role::Bar as usize] = filled(BAR_PARTS, Emphasis::default());
        styles
    }

    /// These styles on a terminal of that colour depth. With sixteen colours, a theme that needs more is replaced as
    /// a whole by `terminal`; without colours only the emphasis of `terminal` is left, as other themes may have none.
    #[must_use]
    pub fn on(self, depth: Depth) -> Self {
        let is_of_sixteen = |colour: Colour| matches!(colour, Colour::Indexed(0..16));
        let styles = self.0.iter();
        let colours = styles.flat_map(|style| [style.foreground, style.background]);
        match depth {
            Depth::Full => self,
            Depth::Indexed => Self(self.0.map(|style| Style {
                foreground: style.foreground.map(Colour::indexed),
                background: style.background.map(Colour::indexed),
                ..style
            })),
            Depth::Sixteen if colours.flatten().all(is_of_sixteen) => self,
            Depth::Sixteen => Themes::terminal(),
            Depth::None => Self(Themes::terminal().0.map(|style| Style {
                emphasis: style.emphasis,
                ..Style::default()
            })),
        }
    }
}

/// The cursor's bar has one part of black or white in so many.
const CURSOR_PARTS: u16 = 7;

/// The bars of the first line and the headings are nearer to the background.
const BAR_PARTS: u16 = 13;

/// A value with one part of another one in so many.
fn mixed(value: u8, other: u8, parts: u16) -> u8 {
    let sum = u16::from(value) * (parts - 1) + u16::from(other);
    u8::try_from(sum / parts).unwrap_or(u8::MAX)
}

/// An error for a word that is none of `accepted`: suggests the nearest, or lists all.
pub(crate) fn unknown(word: &str, kind: &str, accepted: &[&str]) -> String {
    let hint = match nearest(word, accepted.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of {}", accepted.join(", ")),
    };
    format!("unknown {kind} `{}`; {hint}", excerpt(word))
}
