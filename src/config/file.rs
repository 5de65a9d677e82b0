//! Where the file is, and its bytes. Nothing but a regular file is read, and not much of it: a pipe would
//! be waited for, a device has no end.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use thiserror::Error;

use super::{Fault, parse, parse_services};
use crate::settings::Settings;
use crate::model::{Services, Text};

/// The largest file that is read, in bytes: no person writes such a one, and a list of so many keys or themes is not
/// waited for.
pub const MAX_BYTES: u64 = 64 * 1024;

/// What stands for a file that says nothing.
const NOTHING: &str = "/dev/null";

/// A file that can't be taken. Displayed, each line begins with the file's name.
#[derive(Debug, Error)]
#[error("{}", Lines { path, faults })]
pub struct ConfigError {
    path: PathBuf,
    faults: Faults,
}

impl ConfigError {
    /// The first fault, and how many there are: one line, for where there is room for no more.
    pub fn brief(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        let name = Text::new(&name.to_string_lossy()).to_string();
        match &self.faults {
            Faults::File(why) => {
                let folder = self.path.parent().unwrap_or(Path::new(""));
                let folder = Text::new(&folder.to_string_lossy()).to_string();
                let place = if folder.is_empty() { "" } else { ", in " };
                format!("{name}: {why}{place}{folder}")
            }
            Faults::Lines(faults) => {
                let first = faults
                    .iter()
                    .map(|fault| (fault.line, &*fault.message))
                    .next();
                let (line, message) = first.unwrap_or((1, "wrong"));
                match faults.len() {
                    0 | 1 => format!("{name}:{line}: {message}"),
                    count => format!("{count} faults, the first: {name}:{line}: {message}"),
                }
            }
        }
    }
}

#[derive(Debug)]
enum Faults {
    /// The file as a whole.
    File(String),
    /// What stands in it.
    Lines(Vec<Fault>),
}

struct Lines<'a> {
    path: &'a Path,
    faults: &'a Faults,
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Text::new(&self.path.to_string_lossy());
        let lines = match self.faults {
            Faults::File(why) => vec![format!("{path}: {why}")],
            Faults::Lines(faults) => {
                let told = |fault: &Fault| format!("{path}:{}: {}", fault.line, fault.message);
                faults.iter().map(told).collect()
            }
        };
        f.write_str(&lines.join("\n"))
    }
}

/// Where the file is looked for that nobody named: below `$XDG_CONFIG_HOME` or `~/.config`, on Windows
/// below `%APPDATA%`. `None` for a user without a home.
pub fn default_path() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("sockeye").join("config.toml"))
}

/// Reads the file that a user named.
///
/// # Errors
/// It is not there, can't be read, or is wrong.
pub fn read(path: &Path) -> Result<Settings, ConfigError> {
    read_by(path, parse)
}

fn read_by<T>(
    path: &Path,
    parse: impl Fn(&[u8]) -> Result<T, Vec<Fault>>,
) -> Result<T, ConfigError> {
    let failed = |faults| ConfigError {
        path: path.to_owned(),
        faults,
    };
    let bytes = bytes(path).map_err(|why| failed(Faults::File(why.to_string())))?;
    parse(&bytes).map_err(|faults| failed(Faults::Lines(faults)))
}

/// Reads what ports are called: in the file that a user named, or in the one at the [default path](default_path),
/// if there is one.
///
/// # Errors
/// The file can't be read, or what it says of them is wrong.
pub fn read_services(named: Option<&Path>) -> Result<Services, ConfigError> {
    let default = || default_path().filter(|path| is_there(path));
    match named.map(Path::to_owned).or_else(default) {
        Some(path) => read_by(&path, parse_services),
        None => Ok(Services::default()),
    }
}

/// Reads the file at the [default path](default_path); the defaults if there is none.
///
/// # Errors
/// It is there, but can't be read or is wrong.
pub fn read_default() -> Result<Settings, ConfigError> {
    match default_path() {
        Some(path) if is_there(&path) => read(&path),
        _ => Ok(Settings::default()),
    }
}

/// Whether there is such a file. In a home that can't be entered (root's, after `setpriv` or `su -m`) this
/// user has none. What else can't be found out is for [`read`] to tell.
fn is_there(path: &Path) -> bool {
    let missing = [
        io::ErrorKind::NotFound,
        io::ErrorKind::NotADirectory,
        io::ErrorKind::PermissionDenied,
    ];
    match path.metadata() {
        Ok(_) => true,
        Err(error) => !missing.contains(&error.kind()),
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new(NOTHING) {
        return Ok(Vec::new());
    }
    let wrong = |why: &str| Err(io::Error::other(why));
    // Before it is opened: to open a pipe would wait for its other end, and a device may act on it.
    if let Some(what) = what_else(&path.metadata()?) {
        return wrong(&format!("{what}, not a file"));
    }
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return wrong(&format!("larger than {MAX_BYTES} bytes"));
    }
    Ok(bytes)
}

/// What it is, if no regular file.
fn what_else(file: &Metadata) -> Option<&'static str> {
    if file.is_file() {
        None
    } else if file.is_dir() {
        Some("a folder")
    } else {
        Some("a pipe, socket or device")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_with_its_folder_if_it_was_named_with_one() {
        let brief = |path: &str| {
            let (path, faults) = (path.into(), Faults::File("gone".into()));
            ConfigError { path, faults }.brief()
        };
        assert_eq!(brief("/etc/own.toml"), "own.toml: gone, in /etc");
        assert_eq!(brief("own.toml"), "own.toml: gone");
    }
}
