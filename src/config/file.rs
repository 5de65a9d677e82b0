//! The config file: where it is, and reading it. Only regular files are read, up to a limit: a pipe would block, a
//! device has no end.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use super::{Edited, Fault, edit, parse, parse_services};
use crate::model::{Services, Text};
use crate::settings::Settings;

/// The largest file that is read, in bytes: larger than any that a person writes.
pub const MAX_BYTES: u64 = 64 * 1024;

/// Accepted in place of an empty file.
pub(super) const EMPTY: &str = "/dev/null";

/// A config file that can't be used. Each line of its text begins with the name of the file.
#[derive(Debug)]
pub struct ConfigError {
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
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
        match &self.cause {
            Cause::Unreadable(why) => write!(f, "{path}: {why}"),
            Cause::Faults(faults) => {
                let lines = faults.iter();
                let lines = lines.map(|one| format!("{path}:{}: {}", one.line, one.message));
                f.write_str(&lines.collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// Where the config file is looked for: below `$XDG_CONFIG_HOME` or `~/.config`, on Windows below `%APPDATA%`. `None`
/// for a user without a home.
pub fn default_path() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("sockeye").join("config.toml"))
}

/// Reads the config file at this path.
///
/// # Errors
/// It is missing, unreadable or invalid.
pub fn read(path: &Path) -> Result<Settings, ConfigError> {
    read_by(path, parse)
}

/// The config file at this path with these settings in it; an empty one if there is none.
///
/// # Errors
/// It exists, but is unreadable or invalid.
pub fn prepare(path: &Path, settings: &Settings) -> Result<Edited, ConfigError> {
    let failed = |cause| ConfigError {
        path: path.to_owned(),
        cause,
    };
    let bytes = match bytes(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        bytes => bytes.map_err(|why| failed(Cause::Unreadable(why.to_string())))?,
    };
    // An invalid file is reported with its lines.
    parse(&bytes).map_err(|faults| failed(Cause::Faults(faults)))?;
    let text = String::from_utf8_lossy(&bytes);
    edit(&text, settings).map_err(|faults| failed(Cause::Faults(faults)))
}

/// Reads the config file at the [default path](default_path); the defaults if there is none.
///
/// # Errors
/// It exists, but is unreadable or invalid.
pub fn read_default() -> Result<Settings, ConfigError> {
    existing_default().map_or_else(|| Ok(Settings::default()), |path| read(&path))
}

/// Reads only the names of ports: from this file, or from the one at the [default path](default_path) if it exists.
///
/// # Errors
/// The file is unreadable, or these names are invalid.
pub fn read_services(path: Option<&Path>) -> Result<Services, ConfigError> {
    match path.map(Path::to_owned).or_else(existing_default) {
        Some(path) => read_by(&path, parse_services),
        None => Ok(Services::default()),
    }
}

fn read_by<T>(
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<T, Vec<Fault>>,
) -> Result<T, ConfigError> {
    let failed = |cause| ConfigError {
        path: path.to_owned(),
        cause,
    };
    let bytes = bytes(path).map_err(|why| failed(Cause::Unreadable(why.to_string())))?;
    parse(&bytes).map_err(|faults| failed(Cause::Faults(faults)))
}

/// The default path if a file is there. A home that can't be entered (root's, after `setpriv` or `su -m`) counts as
/// empty; any other error is left to [`read`].
fn existing_default() -> Option<PathBuf> {
    let missing = [
        io::ErrorKind::NotFound,
        io::ErrorKind::NotADirectory,
        io::ErrorKind::PermissionDenied,
    ];
    let path = default_path()?;
    match path.metadata() {
        Err(error) if missing.contains(&error.kind()) => None,
        _ => Some(path),
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new(EMPTY) {
        return Ok(Vec::new());
    }
    // Checked before it is opened: opening a pipe waits for its other end, and a device may react.
    let file = path.metadata()?;
    if file.is_dir() {
        return Err(io::Error::other("a folder, not a file"));
    } else if !file.is_file() {
        return Err(io::Error::other("a pipe, socket or device, not a file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

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
