//! What differs between systems: who may read the files, and how much room the disk has.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates a folder that only its owner can enter, with those above it.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Creates a file that is not there and that only its owner can read.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens a file to be locked, and creates it if needed.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes created and removed files permanent.
pub(crate) fn sync_folder(path: &Path) {
    // Windows can't open a folder; file systems that refuse it lose no more than the last minutes.
    if cfg!(unix) {
        let _ = File::open(path).and_then(|folder| folder.sync_all());
    }
}

/// The bytes that an ordinary user can still write where the path is, and all bytes there; `None` if unknown.
#[cfg(unix)]
pub(crate) fn room(path: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some((bytes(stat.f_bavail), bytes(stat.f_blocks)))
}

/// Unknown: a full disk is noticed when a write fails.
#[cfg(not(unix))]
pub(crate) fn room(_path: &Path) -> Option<(u64, u64)> {
    None
}
