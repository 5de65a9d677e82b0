//! The tables of the config file, and the file as a whole: the names of all keys, and printing.

use std::fmt::Write as _;

use super::key::KEYS;
use super::value::Value;
use super::{keyboard, services, views};
use crate::model::excerpt;
use crate::settings::Settings;
use crate::theme::{ErrorAt, unknown};

/// A table of the file: it follows the keys, and can have several errors.
pub(super) struct Section {
    pub name: &'static str,
    /// Reads it into the settings; returns its errors.
    pub read: fn(&mut Settings, &Value<'_>) -> Vec<ErrorAt>,
    /// The whole table, as TOML.
    print: fn(&Settings) -> String,
}

/// Every table, in the order of the file.
#[rustfmt::skip]
pub(super) static SECTIONS: [Section; 3] = [
    // First, as filters may use the names.
    Section { name: "services", read: services::read, print: services::print },
    Section { name: "views", read: views::read, print: views::print },
    Section { name: "keys", read: keyboard::read, print: keyboard::print },
];

/// Options of the command line, for a suggestion: their names are too different to count as a typing mistake.
const OPTIONS: [(&str, &str); 8] = [
    ("tcp", "protocols"),
    ("udp", "protocols"),
    ("ipv4", "families"),
    ("ipv6", "families"),
    ("listening", "view"),
    ("all", "view"),
    ("no-color", "color"),
    ("family", "families"),
];

/// The name of every key and table.
pub fn keys() -> impl Iterator<Item = &'static str> {
    let tables = SECTIONS.iter().map(|section| section.name);
    KEYS.iter().map(|key| key.name).chain(tables)
}

/// The error for a name that no key has.
pub(super) fn unknown_key(name: &str) -> String {
    let option = name.to_lowercase().replace('_', "-");
    match OPTIONS.iter().find(|(one, _)| *one == option) {
        Some((_, key)) => format!("unknown key `{}`; did you mean `{key}`?", excerpt(name)),
        None => unknown(name, "key", &keys().collect::<Vec<_>>()),
    }
}

/// Every key with its value, as TOML.
pub(super) fn print(config: &Settings) -> String {
    let mut text = String::new();
    for key in &KEYS {
        writeln!(text, "{} = {}", key.name, (key.print)(config))
            .expect("a String takes everything");
    }
    for section in &SECTIONS {
        let table = (section.print)(config);
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table);
        }
    }
    text
}
