//! What each meaning looks like, as data: the themes, built in or a user's own, and what of them a terminal
//! can show.
//!
//! Pure: it knows no terminal and no drawing library; [`ui`](crate::ui) makes styles of it. A theme is read
//! from TOML, one key for each [`Role`].

mod built_in;
mod colour;
mod lab;
mod look;
mod means;
mod read;
mod role;

#[cfg(test)]
mod tests;

pub use built_in::{BUILT_IN, Themes};
pub use colour::Colour;
pub use look::{Emphasis, Look};
pub use means::{Depth, Glyphs};
pub use read::{Place, read};
pub use role::Role;

use crate::model::Text;

/// The longest word that a message repeats, and the longest name of a theme, in characters.
const MAX_SHOWN: usize = 40;

/// A look for every role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks([Look; Role::ALL.len()]);

/// Looks with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// What it is chosen by: letters, digits, `-` and `_`.
    pub name: String,
    /// How it looks where every colour can be shown.
    pub styles: Styles,
}

impl Looks {
    /// How text of this meaning looks.
    pub const fn of(&self, role: Role) -> Look {
        self.0[role as usize]
    }

    /// The look of a meaning, to be changed.
    pub(crate) const fn of_mut(&mut self, role: Role) -> &mut Look {
        &mut self.0[role as usize]
    }

    /// What is left of them on a terminal of so many colours. Where it has sixteen, looks that need more give
    /// way to those of the theme `terminal`, all of them, as half a theme is none; where it has none, what is
    /// left is the emphasis of `terminal`, as another theme may have none.
    #[must_use]
    pub fn on(self, depth: Depth) -> Self {
        let each = |looks: Self, change: fn(Look) -> Look| Self(looks.0.map(change));
        match depth {
            Depth::Full => self,
            Depth::Indexed => each(self, Look::indexed),
            Depth::Sixteen if self.0.iter().all(|look| look.is_of_sixteen()) => self,
            Depth::Sixteen => Themes::terminal(),
            Depth::None => each(Themes::terminal(), Look::without_colours),
        }
    }
}

/// A piece of a file as a message shows it: cleaned and cut.
fn shown(piece: &str) -> Text {
    let cut: String = piece.chars().take(MAX_SHOWN).collect();
    Text::new(&cut)
}
