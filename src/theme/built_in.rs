//! The themes that there are, and the one that is chosen.

use std::sync::LazyLock;

use toml::de::DeTable;

use super::read::read;
use super::{MAX_SHOWN, Styles, Theme, shown};
use crate::filter::nearest;

/// Each with its file, in the order in which a key goes through them. The first is the default.
pub const BUILT_IN: [(&str, &str); 7] = [
    (
        "terminal",
        include_str!("../../assets/themes/terminal.toml"),
    ),
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    (
        "color-blind",
        include_str!("../../assets/themes/color-blind.toml"),
    ),
    (
        "high-contrast",
        include_str!("../../assets/themes/high-contrast.toml"),
    ),
    ("gruvbox", include_str!("../../assets/themes/gruvbox.toml")),
    (
        "catppuccin",
        include_str!("../../assets/themes/catppuccin.toml"),
    ),
];

static LOADED: LazyLock<Vec<Theme>> = LazyLock::new(|| {
    let load = |(name, text)| {
        let table = DeTable::parse(text).ok()?;
        read(name, table.get_ref(), Styles::default()).ok()
    };
    BUILT_IN.into_iter().filter_map(load).collect()
});

/// Every theme that can be chosen, one of which is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Themes {
    all: Vec<Theme>,
    at: usize,
}

impl Default for Themes {
    fn default() -> Self {
        let all = LOADED.clone();
        Self { all, at: 0 }
    }
}

impl Themes {
    /// The styles of the default, whose colours are the terminal's own.
    pub fn terminal() -> Styles {
        LOADED
            .first()
            .map_or_else(Styles::default, |first| first.styles)
    }

    /// The one that is chosen.
    pub fn chosen(&self) -> &Theme {
        &self.all[self.at]
    }

    /// The number of the chosen one, from 1, and how many there are.
    pub fn position(&self) -> (usize, usize) {
        (self.at + 1, self.all.len())
    }

    /// The user's own.
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
    /// Its name is no name, or that of another.
    pub fn add(&mut self, theme: Theme) -> Result<(), String> {
        let name = shown(&theme.name);
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if theme.name.is_empty()
            || theme.name.len() > MAX_SHOWN
            || !theme.name.chars().all(is_of_name)
        {
            return Err(format!(
                "`{name}` is no name: up to 40 letters, digits, - and _"
            ));
        }
        if self.names().any(|one| one == theme.name) {
            return Err(format!(
                "`{name}` is a theme that there is: take another name"
            ));
        }
        self.all.push(theme);
        Ok(())
    }

    /// Chooses the theme of this name.
    ///
    /// # Errors
    /// There is none: the nearest, or all.
    pub fn choose(&mut self, name: &str) -> Result<(), String> {
        if let Some(at) = self.all.iter().position(|theme| theme.name == name) {
            self.at = at;
            return Ok(());
        }
        let names: Vec<_> = self.names().collect();
        let hint = nearest(name, names.iter().copied())
            .map_or(String::new(), |near| format!("did you mean `{near}`? "));
        Err(format!(
            "`{}` is no theme; {hint}there are {}",
            shown(name),
            names.join(", ")
        ))
    }

    /// Chooses the next one; after the last, the first.
    pub fn choose_next(&mut self) {
        self.at = (self.at + 1) % self.all.len();
    }
}
