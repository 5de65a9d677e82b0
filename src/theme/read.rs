//! Reads a theme from a TOML table: a key for each role, its value a style in quotes.

use toml::de::{DeTable, DeValue};

use super::{Role, Style, Styles, Theme, unknown};

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
        match style(value.get_ref()) {
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

fn style(value: &DeValue<'_>) -> Result<Style, String> {
    let text = value.as_str();
    Style::parse(text.ok_or("a style is text in quotes, such as \"red bold\"")?)
}
