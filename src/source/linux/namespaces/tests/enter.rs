//! What paths that other users choose lead to.

use std::os::unix::fs::symlink;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{FileType, mknodat};

use super::*;

/// A folder with a FIFO, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sockeye-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mode = Mode::from_raw_mode(0o600);
        mknodat(CWD, folder.join("fifo"), FileType::Fifo, mode, 0).unwrap();
        Self(folder)
    }

    /// The path below `/proc/PID/root`.
    fn below_root(&self, name: &str) -> PathBuf {
        let rest = self.0.strip_prefix("/").unwrap().join(name);
        Path::new(&format!("/proc/{}/root", std::process::id())).join(rest)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens it on a thread that may hang.
fn opened(path: impl Into<PathBuf>, inode: Option<u64>) -> Result<u64, Option<Errno>> {
    let (entry, (sender, receiver)) = (Entry::file(path, inode), mpsc::channel());
    std::thread::spawn(move || {
        assert_eq!(entry.inode_now().is_some(), entry.open().is_ok());
        let opened = entry.open().map(|file| fstat(&file).unwrap().st_ino);
        let _ = sender.send(opened.map_err(|error| Errno::from_io_error(&error)));
    });
    let opened = receiver.recv_timeout(Duration::from_secs(5));
    opened.expect("it is opened, or refused, at once")
}

fn own() -> u64 {
    rustix::fs::stat("/proc/self/ns/net").unwrap().st_ino
}

/// A user bound a FIFO over the mount of a namespace, and root's sockeye hung for ever.
#[test]
fn a_fifo_where_a_namespace_was_is_not_opened() {
    let folder = Folder::new("fifo");
    let fifo = folder.0.join("fifo");
    let descriptor = open(&fifo, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let inode = fstat(&descriptor).unwrap().st_ino;
    let by_descriptor = format!("/proc/{}/fd/{}", std::process::id(), descriptor.as_raw_fd());
    symlink(&fifo, folder.0.join("link")).unwrap();
    for path in [
        fifo.clone(),
        folder.below_root("fifo"),
        folder.below_root("link"),
        by_descriptor.into(),
    ] {
        for inode in [None, Some(inode), Some(own())] {
            assert_eq!(opened(&path, inode), Err(Some(Errno::STALE)), "{path:?}");
        }
    }
}

/// Opening a terminal or a device may have effects.
#[test]
fn only_a_namespace_is_opened() {
    for path in ["/dev/null", "/dev/ptmx", "/proc/self/status", "/"] {
        assert_eq!(opened(path, None), Err(Some(Errno::STALE)), "{path}");
    }
    assert_eq!(opened("/proc/self/ns/net", None), Ok(own()));
    assert_eq!(opened("/proc/self/ns/net", Some(own())), Ok(own()));
    assert_eq!(
        opened("/proc/self/ns/net", Some(1)),
        Err(Some(Errno::STALE))
    );
}

#[test]
fn a_link_below_the_root_of_a_process_leads_to_no_file_of_ours() {
    let folder = Folder::new("links");
    symlink("/proc/self/ns/net", folder.0.join("link")).unwrap();
    assert_eq!(opened(folder.0.join("link"), None), Ok(own()));
    let refused = opened(folder.below_root("link"), None).unwrap_err();
    assert!(
        matches!(refused, Some(Errno::LOOP | Errno::XDEV)),
        "{refused:?}"
    );
}

#[test]
fn a_namespace_with_another_cookie_is_not_the_one_that_was_meant() {
    let file = || std::fs::File::open("/proc/self/ns/net").unwrap().into();
    let Some(cookie) = own_cookie() else {
        return;
    };
    let other = within(file(), Some(cookie + 1), || panic!("nothing is run"));
    match other.unwrap_err() {
        error if error.kind() == io::ErrorKind::PermissionDenied => return,
        error => assert_eq!(Errno::from_io_error(&error), Some(Errno::STALE)),
    }
    assert_eq!(within(file(), Some(cookie), || 7).unwrap(), 7);
    assert_eq!(within(file(), None, || 7).unwrap(), 7);
}
