//! The themes, built in or the user's own, and the chosen one; reads one from a TOML table: a key for each role, its
//! value a style in quotes.

use std::sync::LazyLock;

use toml::de::DeTable;

use super::{Role, Style, Styles, Theme, unknown};
use crate::model::excerpt;

macro_rules! files {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../assets/themes/", $name, ".toml")))),*]
    };
}

/// The built-in themes with their files, in the order in which a key cycles through them. The first is the default.
#[rustfmt::skip]
pub const BUILT_IN: [(&str, &str); 7] =
    files!["terminal", "dark", "light", "color-blind", "high-contrast", "gruvbox", "catppuccin"];

/// The longest name of a theme.
const MAX_NAME: usize = 40;

static LOADED: LazyLock<Vec<Theme>> = LazyLock::new(|| {
    let load = |(name, text)| {
        let table = DeTable::parse(text).ok()?;
        read(name, table.get_ref(), Styles::default()).ok()
    };
    BUILT_IN.into_iter().filter_map(load).collect()
});

/// Every theme, one of which is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Themes {
    all: Vec<Theme>,
    chosen: usize,
}

impl Default for Themes {
    fn default() -> Self {
        let all = LOADED.clone();
        Self { all, chosen: 0 }
    }
}

impl Themes {
    /// The styles of the default theme, which uses the terminal's own colours.
    pub fn terminal() -> Styles {
        LOADED
            .first()
            .map_or_else(Styles::default, |first| first.styles)
    }

    /// The styles of the built-in theme for light backgrounds.
    pub(super) fn light() -> Styles {
        let light = LOADED.iter().find(|theme| theme.name == "light");
        light.map_or_else(Styles::default, |light| light.styles)
    }

    /// The chosen theme.
    pub fn chosen(&self) -> &Theme {
        &self.all[self.chosen]
    }

    /// The number of the chosen theme, from 1, and how many there are.
    pub fn position(&self) -> (usize, usize) {
        (self.chosen + 1, self.all.len())
    }

    /// The user's own themes.
    pub fn own(&self) -> &[Theme] {
        &self.all[LOADED.len()..]
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|theme| theme.name.as_str())
    }

    /// Adds one of the user's own.
    ///
    /// # Errors
    /// Its name is invalid or in use.
    pub fn add(&mut self, theme: Theme) -> Result<(), String> {
        let name = excerpt(&theme.name);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !(1..=MAX_NAME).contains(&theme.name.len()) || !theme.name.chars().all(fits) {
            return Err(format!(
                "invalid name `{name}`; use up to 40 letters, digits, - and _"
            ));
        }
        if self.names().any(|one| one == theme.name) {
            return Err(format!("theme `{name}` already exists; use another name"));
        }
        self.all.push(theme);
        Ok(())
    }

    /// Chooses the theme of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn choose(&mut self, name: &str) -> Result<(), String> {
        let at = self.names().position(|one| one == name);
        let names: Vec<_> = self.names().collect();
        self.chosen = at.ok_or_else(|| unknown(name, "theme", &names))?;
        Ok(())
    }

    /// Chooses the next theme; the first after the last.
    pub fn choose_next(&mut self) {
        self.chosen = (self.chosen + 1) % self.all.len();
    }
}

/// The byte offset of an error in the file, and its message.
pub type ErrorAt = (usize, String);

/// Reads a theme of this name. Roles missing from the table are taken from `base`.
///
/// # Errors
/// Every error with its place.
pub fn read(name: &str, table: &DeTable<'_>, base: Styles) -> Result<Theme, Vec<ErrorAt>> {
    let (mut styles, mut errors) = (base, Vec::new());
    for (key, value) in table {
        let (key, at) = (key.get_ref(), key.span().start);
        let Some(role) = Role::ALL.iter().find(|role| role.name() == key) else {
            let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
            errors.push((at, unknown(key, "role", &names)));
            continue;
        };
        let text = value.get_ref().as_str();
        let text = text.ok_or_else(|| "a style is text in quotes, such as \"red bold\"".to_owned());
        match text.and_then(Style::parse) {
            Ok(style) => styles.0[*role as usize] = style,
            Err(why) => errors.push((value.span().start, format!("{key}: {why}"))),
        }
    }
    let name = name.to_owned();
    if errors.is_empty() {
        Ok(Theme { name, styles })
    } else {
        Err(errors)
    }
}
