//! The settings of the live table, and the file that a user writes them into: TOML, one key for each.
//!
//! What counts is the command line, then the environment, then the file, then the default; the command
//! line puts itself over the [`Settings`]. A file is taken whole or not at all: what is wrong with it is told
//! line by line, each with its key. Pure, but for [`read`] and what finds the file. The file decides what
//! is shown and nothing else: no key starts a program, names a file or touches a process.

pub mod duration;
mod fault;
mod file;
mod key;
mod keyboard;
mod parse;
mod services;
mod value;
mod views;

pub use fault::Fault;
pub use file::{ConfigError, MAX_BYTES, default_path, read, read_default, read_services};
pub use key::keys;
pub use parse::{parse, parse_services};

use crate::settings::Settings;

/// What a file begins with: every key but those of the keyboard.
const FIRST_KEYS: &str = include_str!("../../assets/config.toml");

/// Where something is wrong, in bytes from the beginning, and what.
type Place = (usize, String);

/// Every key with its default and what it means, to begin a file with. All of it is comment.
pub fn default_file() -> String {
    format!("{FIRST_KEYS}\n{}", keyboard::commented())
}

/// Settings as a file that says all of them.
pub fn to_toml(settings: &Settings) -> String {
    key::print(settings)
}
