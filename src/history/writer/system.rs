//! What differs between systems: who may read the files, and how much room the disk has.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates a folder that only its owner can enter, with those above it.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    if path.metadata().is_ok_and(|it| !it.is_dir()) {
        return Err(io::Error::other("it isn't a folder"));
    }
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

/// Opens a file to be locked, and creates it if needed. No link leads elsewhere.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    open_regular(path, &mut options, true)
}

/// Opens a file that is there, to be read. A pipe is refused instead of waited for.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    open_regular(path, File::options().read(true), false)
}

/// Opens a file that is there, to be written. No link leads elsewhere.
pub(crate) fn open_to_write(path: &Path) -> io::Result<File> {
    open_regular(path, File::options().write(true), true)
}

#[cfg_attr(not(unix), allow(unused_variables))]
fn open_regular(
    path: &Path,
    options: &mut fs::OpenOptions,
    refuses_links: bool,
) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let link = if refuses_links {
            OFlags::NOFOLLOW
        } else {
            OFlags::empty()
        };
        let flags = (OFlags::NONBLOCK | link).bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        let kind = io::ErrorKind::InvalidInput;
        Err(io::Error::new(kind, "it is not a regular file"))
    }
}

/// Refuses a folder in which another user could replace what is written.
#[cfg(unix)]
pub(crate) fn check_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::metadata(path)?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    if is_own && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    let kind = io::ErrorKind::PermissionDenied;
    let why = "a history is written only to a folder that you own and that only you can write to (chmod 0700)";
    Err(io::Error::new(kind, why))
}

/// The owner of a folder is not checked here.
#[cfg(not(unix))]
pub(crate) fn check_folder(_path: &Path) -> io::Result<()> {
    Ok(())
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

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::history::{History, Writer, WriterOptions};

    /// A folder that only its owner can enter, removed at the end.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("sockeye-system-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&path);
            create_folder(&path).expect("the temporary folder can be written to");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn make_pipe(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.is_ok_and(|status| status.success()));
    }

    #[test]
    fn a_link_named_lock_or_segment_leads_nowhere() {
        let folder = Folder::new("links");
        let other = folder.0.join("other");
        fs::write(&other, "kept").unwrap();
        symlink(&other, folder.0.join("1-1.seg")).unwrap();
        assert!(open_to_write(&folder.0.join("1-1.seg")).is_err());
        let writer = Writer::open(&folder.0, &WriterOptions::default()).unwrap();
        writer.close().unwrap();
        fs::remove_file(folder.0.join("lock")).unwrap();
        symlink(&other, folder.0.join("lock")).unwrap();
        assert!(Writer::open(&folder.0, &WriterOptions::default()).is_err());
        assert_eq!(fs::read_to_string(&other).unwrap(), "kept");
    }

    #[test]
    fn a_pipe_is_no_segment_and_stops_neither_reader_nor_writer() {
        let folder = Folder::new("pipes");
        let pipe = folder.0.join("1-1.seg");
        make_pipe(&pipe);
        let error = History::open(&pipe).err().unwrap().to_string();
        assert!(error.ends_with("it is not a regular file"), "{error}");
        assert!(History::open(&folder.0).unwrap().range().is_none());
        let writer = Writer::open(&folder.0, &WriterOptions::default()).unwrap();
        writer.close().unwrap();
        fs::remove_file(folder.0.join("lock")).unwrap();
        make_pipe(&folder.0.join("lock"));
        let error = Writer::open(&folder.0, &WriterOptions::default());
        let error = error.err().unwrap().to_string();
        assert!(error.ends_with("it is not a regular file"), "{error}");
    }

    #[test]
    fn a_folder_that_others_can_write_to_gets_no_history() {
        let folder = Folder::new("shared");
        for (mode, is_accepted) in [(0o700, true), (0o755, true), (0o770, false), (0o707, false)] {
            fs::set_permissions(&folder.0, fs::Permissions::from_mode(mode)).unwrap();
            let opened = Writer::open(&folder.0, &WriterOptions::default());
            assert_eq!(opened.is_ok(), is_accepted, "{mode:o}");
            if let Err(error) = opened {
                assert!(error.to_string().ends_with("(chmod 0700)"), "{error}");
            }
        }
    }
}
