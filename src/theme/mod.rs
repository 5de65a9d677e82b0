//! The style of each text role, as data: built-in and user themes, and the styles that a terminal supports.
//!
//! Pure: independent of terminal and drawing library; [`ui`](crate::ui) converts it. A theme is read from TOML, one key
//! for each [`Role`].

mod capabilities;
mod colour;
mod read;
mod role;
mod style;
mod themes;

#[cfg(test)]
mod tests;

pub use capabilities::{Depth, Glyphs};
pub use colour::Colour;
pub use read::{ErrorAt, read};
pub use role::Role;
pub use style::{Emphasis, Style};
pub use themes::{BUILT_IN, Themes};

use crate::filter::nearest;
use crate::model::excerpt;

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

    /// These styles on a terminal of that colour depth. With sixteen colours, a theme that needs more is replaced as
    /// a whole by `terminal`; without colours only the emphasis of `terminal` is left, as other themes may have none.
    #[must_use]
    pub fn on(self, depth: Depth) -> Self {
        let each = |styles: Self, change: fn(Style) -> Style| Self(styles.0.map(change));
        match depth {
            Depth::Full => self,
            Depth::Indexed => each(self, Style::indexed),
            Depth::Sixteen if self.0.iter().all(Style::needs_only_sixteen) => self,
            Depth::Sixteen => Themes::terminal(),
            Depth::None => each(Themes::terminal(), Style::without_colours),
        }
    }
}

/// An error for a word that is none of `accepted`: suggests the nearest, or lists all.
pub(crate) fn unknown(word: &str, kind: &str, accepted: &[&str]) -> String {
    let hint = match nearest(word, accepted.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of {}", accepted.join(", ")),
    };
    format!("unknown {kind} `{}`; {hint}", excerpt(word))
}
