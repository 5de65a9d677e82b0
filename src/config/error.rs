//! Errors of a config file, each with its line.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::Text;
use crate::theme::ErrorAt;

/// One error of a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// An existing line of the file, from 1.
    pub line: usize,
    /// The key, the error, and the accepted values: one line, safe to show on a terminal.
    pub message: String,
}

impl Fault {
    /// Turns offsets, in rising order, into lines. An error at the end of the text is on its last line.
    pub(super) fn numbered(text: &[u8], errors: Vec<ErrorAt>) -> Vec<Self> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let (mut line, mut counted) = (1, 0);
        let numbered = errors.into_iter().map(|(at, message)| {
            let at = at.min(text.len());
            // Each byte is counted once: there may be as many errors as bytes.
            line += memchr::memchr_iter(b'\n', &text[counted..at]).count();
            counted = at;
            let message = Text::new(&message).to_string();
            Self { line, message }
        });
        numbered.collect()
    }
}

/// A config file that can't be used. Each line of its text begins with the name of the file.
#[derive(Debug)]
pub struct ConfigError {
    pub(super) path: PathBuf,
    pub(super) cause: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    Unreadable(String),
    Faults(Vec<Fault>),
}

impl ConfigError {
    /// One line, with the first error of several.
    pub fn brief(&self) -> String {
        let clean = |name: &std::ffi::OsStr| Text::new(&name.to_string_lossy());
        let name = clean(self.path.file_name().unwrap_or(self.path.as_os_str()));
        match &self.cause {
            Cause::Unreadable(why) => {
                let folder = clean(self.path.parent().unwrap_or(Path::new("")).as_os_str());
                let in_folder = if folder.is_empty() { "" } else { ", in " };
                format!("{name}: {why}{in_folder}{folder}")
            }
            Cause::Faults(faults) => {
                let first = faults.first().map(|fault| (fault.line, &*fault.message));
                let (line, message) = first.unwrap_or((1, "invalid"));
                let count = match faults.len() {
                    0 | 1 => String::new(),
                    count => format!("{count} errors, the first: "),
                };
                format!("{count}{name}:{line}: {message}")
            }
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Text::new(&self.path.to_string_lossy());
        let faults = match &self.cause {
            Cause::Unreadable(why) => return write!(f, "{path}: {why}"),
            Cause::Faults(faults) => faults.iter(),
        };
        let lines = faults.map(|fault| format!("{path}:{}: {}", fault.line, fault.message));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_on_an_existing_line() {
        let lines = |text: &[u8]| {
            let errors = (0..=text.len()).map(|at| (at, String::new()));
            let faults = Fault::numbered(text, errors.collect());
            faults.iter().map(|fault| fault.line).collect::<Vec<_>>()
        };
        assert_eq!(lines(b""), [1]);
        assert_eq!(lines(b"\n"), [1, 1]);
        assert_eq!(lines(b"a\n\nb\n"), [1, 1, 2, 3, 3, 3]);
        assert_eq!(lines(b"a\r\nb"), [1, 1, 1, 2, 2]);
    }

    #[test]
    fn a_brief_error_names_the_folder_if_the_path_has_one() {
        let brief = |path: &str| {
            let (path, cause) = (path.into(), Cause::Unreadable("gone".into()));
            ConfigError { path, cause }.brief()
        };
        assert_eq!(brief("/etc/own.toml"), "own.toml: gone, in /etc");
        assert_eq!(brief("own.toml"), "own.toml: gone");
    }
}
