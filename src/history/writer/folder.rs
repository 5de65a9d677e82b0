//! The folder of a store: its lock, its segments and their names.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::system::{check_folder, create_file, create_folder, open_lock};
use crate::history::StoreError;

/// A segment in a folder: `<start, in s since 1970>-<number>.seg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentName {
    /// Its first second.
    pub start: i64,
    /// Later ones have higher numbers.
    pub number: u64,
    pub path: PathBuf,
}

impl SegmentName {
    pub fn new(folder: &Path, start: i64, number: u64) -> Self {
        let path = folder.join(format!("{start}-{number}.seg"));
        Self {
            start,
            number,
            path,
        }
    }

    fn parse(path: PathBuf, suffix: &str) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(suffix)?;
        let (start, number) = name.rsplit_once('-')?;
        let (start, number) = (start.parse().ok()?, number.parse().ok()?);
        Some(Self {
            start,
            number,
            path,
        })
    }
}

/// The segments of a folder, in the order in which they were written. Only files count: a pipe would be waited for.
pub(crate) fn segments(folder: &Path) -> io::Result<Vec<SegmentName>> {
    named(folder, ".seg")
}

/// The segments that are being removed: no reader finds them, so that what is archived of them is not read twice.
pub(super) fn leaving(folder: &Path) -> io::Result<Vec<SegmentName>> {
    named(folder, ".gone")
}

/// Marks a segment as one that is being removed.
pub(super) fn leave(name: &SegmentName) -> io::Result<SegmentName> {
    let path = name.path.with_extension("gone");
    fs::rename(&name.path, &path)?;
    Ok(SegmentName {
        path,
        ..name.clone()
    })
}

fn named(folder: &Path, suffix: &str) -> io::Result<Vec<SegmentName>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = SegmentName::parse(entry?.path(), suffix);
        found.extend(name.filter(|name| name.path.is_file()));
    }
    found.sort_by_key(|one| (one.number, one.start));
    Ok(found)
}

/// The file by which a reader requests that the recorder writes now.
const FLUSH: &str = "flush";

/// Requests that the recorder of a folder, if one runs, takes a snapshot and writes everything up to it. The file is never
/// opened if something is there already, so no link leads elsewhere.
pub(crate) fn request_flush(folder: &Path) -> io::Result<()> {
    match create_file(&folder.join(FLUSH)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Whether a reader has requested it. The request ends with this call.
pub(super) fn take_flush_request(folder: &Path) -> bool {
    fs::remove_file(folder.join(FLUSH)).is_ok()
}

/// The lock of a folder: one recorder writes to it. It ends with the process.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Creates the folder if needed, and locks it.
    pub fn take(folder: &Path) -> Result<Self, StoreError> {
        let ready = create_folder(folder).and_then(|()| check_folder(folder));
        ready.map_err(|reason| StoreError::file(folder, reason))?;
        let path = folder.join("lock");
        let failed = |reason| StoreError::file(&path, reason);
        let mut file = open_lock(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // On Windows the file can't be read while it is locked.
                let _ = file.read_to_string(&mut pid);
                let path = folder.to_path_buf();
                return Err(StoreError::Busy {
                    path,
                    pid: pid.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(reason)) => return Err(failed(reason)),
        }
        let written = file.set_len(0).and_then(|()| {
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        });
        // On a full disk it is locked without a pid.
        let _ = written;
        Ok(Self { _file: file })
    }
}

/// Whether a recorder writes to a folder; `None` if that can't be found out.
pub(crate) fn is_locked(folder: &Path) -> Option<bool> {
    let path = folder.join("lock");
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return None,
        Err(error) => return (error.kind() == io::ErrorKind::NotFound).then_some(false),
    }
    match File::open(path).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}
