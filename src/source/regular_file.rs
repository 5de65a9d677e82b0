//! Files that the user of some process chooses: `.git`, a script, the state of a container engine.
//!
//! This program may be root's, and that user's path may lead to anything. To open a device or a pipe already has effects: a
//! watchdog restarts the machine later, a tape rewinds, a writer of the pipe goes on. So the file is found first, and opened
//! only if it is a regular one; by then it is the same file, whatever its path leads to meanwhile. A regular file of the
//! kernel has effects when it is read (`/proc/kmsg` gives each message once), and is not read either.

use std::fs::Metadata;
use std::io::Read as _;
use std::path::Path;

/// Reads a regular file, at most one byte more than `most`. `None` if it is another kind of file, or can't be read.
pub(crate) fn read_regular(path: &Path, most: u64) -> Option<(Vec<u8>, Metadata)> {
    let (file, metadata) = platform::open(path)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).ok()?;
    Some((bytes, metadata))
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs::{File, Metadata};
    use std::os::fd::AsRawFd as _;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags, fstatfs, open as open_file};

    /// `SYSFS_MAGIC` of `statfs(2)`: some of its files read the ports of a device.
    const SYSFS: u64 = 0x6265_6572;

    pub(super) fn open(path: &Path) -> Option<(File, Metadata)> {
        let found = open_file(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let found = File::from(found.ok()?);
        let metadata = found.metadata().ok().filter(Metadata::is_file)?;
        // Those of procfs, debugfs, tracefs and cgroups have no size.
        let is_of_sysfs = u64::try_from(fstatfs(&found).ok()?.f_type) == Ok(SYSFS);
        if metadata.len() == 0 || is_of_sysfs {
            return None;
        }
        let same = format!("/proc/thread-self/fd/{}", found.as_raw_fd());
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = open_file(same, flags, Mode::empty()).ok()?;
        Some((file.into(), metadata))
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::fs::{File, Metadata};
    use std::path::Path;

    /// Without `O_PATH` another file can take the path's place between the two calls.
    pub(super) fn open(path: &Path) -> Option<(File, Metadata)> {
        let is_regular = std::fs::metadata(path).ok()?.is_file();
        let file = is_regular.then(|| File::open(path).ok())??;
        let metadata = file.metadata().ok().filter(Metadata::is_file)?;
        Some((file, metadata))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, Mode, inotify, mkfifoat};

    use super::*;

    /// Whether a file is opened meanwhile.
    fn is_opened(path: &Path, meanwhile: impl FnOnce()) -> bool {
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let events = inotify::init(flags).unwrap();
        inotify::add_watch(&events, path, inotify::WatchFlags::OPEN).unwrap();
        meanwhile();
        let mut buffer = [std::mem::MaybeUninit::uninit(); 512];
        let mut events = inotify::Reader::new(events, &mut buffer);
        events.next().is_ok()
    }

    #[test]
    fn a_pipe_behind_a_link_is_not_even_opened() {
        let top = std::env::temp_dir().join(format!("sockeye-regular-{}", std::process::id()));
        std::fs::create_dir_all(&top).unwrap();
        let [pipe, link, file] = ["pipe", "link", "file"].map(|name| top.join(name));
        mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
        symlink(&pipe, &link).unwrap();
        std::fs::write(&file, "text").unwrap();
        let read = |path: &Path| read_regular(path, 9).map(|(bytes, _)| bytes);
        assert!(!is_opened(&pipe, || assert_eq!(read(&link), None)));
        // The watch sees what opens a file.
        assert!(is_opened(&file, || assert_eq!(
            read(&file).as_deref(),
            Some(&b"text"[..])
        )));
        std::fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    fn what_the_kernel_makes_up_is_not_read() {
        for path in [
            "/proc/self/status",
            "/sys/kernel/profiling",
            "/dev/null",
            "/",
        ] {
            assert!(read_regular(Path::new(path), 9).is_none(), "{path}");
        }
    }

    #[test]
    fn one_byte_more_says_that_a_file_is_longer() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let (bytes, metadata) = read_regular(path, 9).unwrap();
        assert!(bytes.len() == 10 && metadata.len() > 10);
    }
}
