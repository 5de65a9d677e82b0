//! What a piece of text means.

use strum::{IntoStaticStr, VariantArray};

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
    /// The one accent: the program's name, the chosen view, keys.
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
