//! How one meaning looks, and how that is written: `red bold`, `#d8dee9 on #2e3440`, `reverse`.

use std::fmt;

use super::colour::{Colour, NAMES};
use super::shown;
use crate::filter::nearest;

/// Colours and emphasis of a text; what is not said stays as it is around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Of the text.
    pub text: Option<Colour>,
    /// Of what is behind it.
    pub behind: Option<Colour>,
    /// How it stands out.
    pub emphasis: Emphasis,
}

/// How a text stands out without a colour: any of these together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emphasis(u8);

impl Emphasis {
    /// Heavier.
    pub const BOLD: Self = Self(1);
    /// Fainter.
    pub const DIM: Self = Self(2);
    /// A line under it.
    pub const UNDERLINE: Self = Self(4);
    /// Its two colours the other way round.
    pub const REVERSE: Self = Self(8);

    /// Each with its name.
    const ALL: [(&'static str, Self); 4] = [
        ("bold", Self::BOLD),
        ("dim", Self::DIM),
        ("underline", Self::UNDERLINE),
        ("reverse", Self::REVERSE),
    ];

    /// Whether all of the other are among these.
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The word between the colour of the text and the one behind it.
const ON: &str = "on";

impl Style {
    /// Reads a style: words with spaces between them.
    ///
    /// # Errors
    /// One line that says what is wrong and what is accepted.
    pub fn parse(written: &str) -> Result<Self, String> {
        let mut style = Self::default();
        let mut words = written.split_whitespace();
        while let Some(word) = words.next() {
            if word == ON {
                let word = words.next().ok_or("after `on` there is no colour")?;
                let colour = Colour::parse(word).ok_or_else(|| unknown(word))?;
                put(&mut style.behind, colour, "behind the text")?;
            } else if let Some((_, one)) = Emphasis::ALL.iter().find(|(name, _)| *name == word) {
                style.emphasis.0 |= one.0;
            } else {
                let colour = Colour::parse(word).ok_or_else(|| unknown(word))?;
                put(
                    &mut style.text,
                    colour,
                    "of the text; what is behind it follows `on`",
                )?;
            }
        }
        Ok(style)
    }

    /// Each colour the nearest of 256.
    pub(super) fn indexed(self) -> Self {
        Self {
            text: self.text.map(Colour::indexed),
            behind: self.behind.map(Colour::indexed),
            ..self
        }
    }

    /// Its emphasis alone.
    pub(super) fn without_colours(self) -> Self {
        Self {
            text: None,
            behind: None,
            ..self
        }
    }

    /// Whether a terminal of sixteen colours shows it as it is.
    pub(super) fn is_of_sixteen(self) -> bool {
        let is_one = |colour: Colour| matches!(colour, Colour::Indexed(0..16));
        self.text.is_none_or(is_one) && self.behind.is_none_or(is_one)
    }
}

fn put(place: &mut Option<Colour>, colour: Colour, what: &str) -> Result<(), String> {
    match place.replace(colour) {
        None => Ok(()),
        Some(_) => Err(format!("`{colour}` is a second colour {what}")),
    }
}

/// What to say of a word that is none of a style's.
fn unknown(word: &str) -> String {
    let shown = shown(word);
    if word.starts_with('#') {
        return format!("`{shown}` is no colour: # takes six hex digits, as in #d8dee9");
    }
    let emphases = Emphasis::ALL.iter().map(|(name, _)| *name);
    match nearest(word, NAMES.into_iter().chain(emphases)) {
        Some(near) => format!("`{shown}` is no colour; did you mean `{near}`?"),
        None => format!(
            "`{shown}` is no colour; there are {}, the same with bright-, 0 to 255, #d8dee9, and {}",
            NAMES[..8].join(", "),
            Emphasis::ALL.map(|(name, _)| name).join(", ")
        ),
    }
}

/// As it is read.
impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.map(|colour| colour.to_string());
        let behind = self.behind.map(|colour| format!("{ON} {colour}"));
        let emphases = Emphasis::ALL
            .iter()
            .filter(|(_, one)| self.emphasis.holds(*one));
        let emphases = emphases.map(|(name, _)| (*name).to_owned());
        let words: Vec<_> = text.into_iter().chain(behind).chain(emphases).collect();
        f.write_str(&words.join(" "))
    }
}
