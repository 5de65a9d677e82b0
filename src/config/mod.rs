//! The config file: TOML, one key for each setting.
//!
//! The command line takes precedence over the environment, the environment over the file, the file over the defaults.
//! An invalid file is rejected as a whole, with every error and its line. Pure, but for `file`. The file only affects
//! the display: no key starts a program, names a file or touches a process.

mod error;
mod file;
mod key;
mod keyboard;
mod parse;
mod section;
mod services;
mod value;
mod views;

pub use error::{ConfigError, Fault};
pub use file::{MAX_BYTES, default_path, read, read_default, read_services};
pub use parse::{parse, parse_services};
pub use section::keys;

use crate::settings::Settings;

/// The beginning of a default file: every key but those of the keyboard.
const FIRST_KEYS: &str = include_str!("../../assets/config.toml");

/// A file with every key, its default and its meaning, all as comments.
pub fn default_file() -> String {
    format!("{FIRST_KEYS}\n{}", keyboard::commented())
}

/// Settings as a file with every key.
pub fn to_toml(settings: &Settings) -> String {
    section::print(settings)
}
