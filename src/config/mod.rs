//! The config file: TOML, one key for each setting.
//!
//! The command line takes precedence over the environment, the environment over the file, the file over the defaults.
//! An invalid file is rejected as a whole, with every error and its line. Pure, but for `file`. The file only affects
//! the display: no key starts a program, names a file or touches a process.

mod edit;
mod file;
mod key;
mod keyboard;
mod parse;
mod save;
mod services;
mod value;
mod views;

use std::fmt::Write as _;

pub use edit::{Edited, edit};
pub use file::{ConfigError, MAX_BYTES, default_path, prepare, read, read_default, read_services};
pub use parse::{Fault, parse, parse_services};
pub use save::save;

use crate::settings::Settings;
use crate::theme::ErrorAt;
use key::KEYS;
use value::Value;

/// The beginning of a default file: every key but those of the keyboard.
const FIRST_KEYS: &str = include_str!("../../assets/config.toml");

/// A file with every key, its default and its meaning, all as comments.
pub fn default_file() -> String {
    format!("{FIRST_KEYS}\n{}", keyboard::commented())
}

/// Settings as a file with every key.
pub fn to_toml(settings: &Settings) -> String {
    let mut text = String::new();
    for key in &KEYS {
        let value = (key.print)(settings);
        writeln!(text, "{} = {value}", key.name).expect("a String takes everything");
    }
    for section in &SECTIONS {
        let table = (section.print)(settings);
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table);
        }
    }
    text
}

/// The name of every key and table.
pub fn keys() -> impl Iterator<Item = &'static str> {
    let tables = SECTIONS.iter().map(|section| section.name);
    KEYS.iter().map(|key| key.name).chain(tables)
}

/// A table of the file: it follows the keys, and can have several errors.
struct Section {
    name: &'static str,
    /// Reads it into the settings; returns its errors.
    read: fn(&mut Settings, &Value<'_>) -> Vec<ErrorAt>,
    /// The whole table, as TOML.
    print: fn(&Settings) -> String,
}

/// Every table, in the order of the file.
#[rustfmt::skip]
static SECTIONS: [Section; 3] = [
    // First, as filters may use the names.
    Section { name: "services", read: services::read, print: services::print },
    Section { name: "views", read: views::read, print: views::print },
    Section { name: "keys", read: keyboard::read, print: keyboard::print },
];
