//! A theme from a table of TOML: a key for each role, its value a style in quotes.

use toml::de::{DeTable, DeValue};

use super::{Role, Style, Styles, Theme, shown};
use crate::filter::nearest;

/// Where something is wrong, in bytes from the beginning of the file, and what.
pub type Place = (usize, String);

/// Reads a theme of this name. A role that the table says nothing of looks as in `below`.
///
/// # Errors
/// What is wrong, each with its place.
pub fn read(name: &str, table: &DeTable<'_>, below: Styles) -> Result<Theme, Vec<Place>> {
    let (mut styles, mut faults) = (below, Vec::new());
    for (key, value) in table {
        let role = Role::ALL.iter().find(|(name, _)| *name == key.get_ref());
        let Some(&(_, role)) = role else {
            faults.push((key.span().start, of_no_role(key.get_ref())));
            continue;
        };
        match style(value.get_ref()) {
            Ok(style) => *styles.of_mut(role) = style,
            Err(why) => faults.push((value.span().start, format!("{}: {why}", key.get_ref()))),
        }
    }
    if faults.is_empty() {
        let name = name.to_owned();
        Ok(Theme { name, styles })
    } else {
        Err(faults)
    }
}

fn style(value: &DeValue<'_>) -> Result<Style, String> {
    let text = value
        .as_str()
        .ok_or("a style is text in quotes, such as \"red bold\"")?;
    Style::parse(text)
}

fn of_no_role(name: &str) -> String {
    let names = Role::ALL.map(|(name, _)| name);
    let hint = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    format!("`{}` is no role; {hint}", shown(name))
}
