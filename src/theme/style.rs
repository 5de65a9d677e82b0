//! The style of one role, and how it is written: `red bold`, `#d8dee9 on #2e3440`, `reverse`.

use std::fmt;

use super::colour::Colour;
use super::unknown;
use crate::filter::nearest;
use crate::model::excerpt;

/// Colours and emphasis of a text; unset parts are inherited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Of the text.
    pub foreground: Option<Colour>,
    /// Behind the text.
    pub background: Option<Colour>,
    /// Bold and the like.
    pub emphasis: Emphasis,
}

/// Emphasis without colour: a set of the constants below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emphasis(u8);

impl Emphasis {
    /// Heavier.
    pub const BOLD: Self = Self(1);
    /// Fainter.
    pub const DIM: Self = Self(2);
    /// A line under it.
    pub const UNDERLINE: Self = Self(4);
    /// Text and background colour swapped.
    pub const REVERSE: Self = Self(8);

    /// Each with its name.
    const ALL: [(&'static str, Self); 4] = [
        ("bold", Self::BOLD),
        ("dim", Self::DIM),
        ("underline", Self::UNDERLINE),
        ("reverse", Self::REVERSE),
    ];

    /// Whether it includes all of the other.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Style {
    /// Reads a style: words separated by spaces.
    ///
    /// # Errors
    /// One line with the error and the accepted values.
    pub fn parse(written: &str) -> Result<Self, String> {
        let mut style = Self::default();
        let emphasis = |word: &str| Emphasis::ALL.iter().find(|(name, _)| *name == word);
        let mut words = written.split_whitespace();
        while let Some(word) = words.next() {
            if word == "on" {
                let colour = words.next().filter(|word| emphasis(word).is_none());
                let word = colour.ok_or("missing color after `on`")?;
                set(&mut style.background, word, "second background color", "")?;
            } else if let Some((_, one)) = emphasis(word) {
                style.emphasis.0 |= one.0;
            } else {
                let hint = "; write `on` before a background color";
                set(&mut style.foreground, word, "second text color", hint)?;
            }
        }
        Ok(style)
    }
}

fn set(colour: &mut Option<Colour>, word: &str, second: &str, hint: &str) -> Result<(), String> {
    match colour.replace(Colour::parse(word).ok_or_else(|| unknown_colour(word))?) {
        None => Ok(()),
        Some(_) => Err(format!("{second} `{word}`{hint}")),
    }
}

fn unknown_colour(word: &str) -> String {
    if word.starts_with('#') {
        let word = excerpt(word);
        return format!("unknown color `{word}`; # needs six hex digits, as in #d8dee9");
    }
    let words = Emphasis::ALL.map(|(name, _)| name);
    let names: Vec<_> = (0..16).map(|at| Colour::Indexed(at).to_string()).collect();
    let every: Vec<_> = names.iter().map(String::as_str).chain(words).collect();
    if nearest(word, every.iter().copied()).is_some() {
        return unknown(word, "color", &every);
    }
    let others = ["the same with bright-", "0 to 255", "#d8dee9"];
    unknown(word, "color", &[&every[..8], &others, &words].concat())
}

/// As it is read.
impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let foreground = self.foreground.map(|colour| colour.to_string());
        let background = self.background.map(|colour| format!("on {colour}"));
        let mut words: Vec<_> = foreground.into_iter().chain(background).collect();
        let emphases = Emphasis::ALL.iter();
        let emphases = emphases.filter(|(_, one)| self.emphasis.contains(*one));
        words.extend(emphases.map(|(name, _)| (*name).to_owned()));
        f.write_str(&words.join(" "))
    }
}
