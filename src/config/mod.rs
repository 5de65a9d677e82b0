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
mod parse;
mod value;

pub use fault::Fault;
pub use file::{ConfigError, MAX_BYTES, default_path, read, read_if_there};
pub use key::keys;
pub use parse::parse;

use crate::app::Settings;

/// Every key with its default and what it means, to begin a file with. All of it is comment.
pub const DEFAULT_FILE: &str = include_str!("../../assets/config.toml");

/// Settings as a file that says all of them.
pub fn to_toml(settings: &Settings) -> String {
    key::print(settings)
}
