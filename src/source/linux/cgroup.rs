//! Which unit or container a cgroup id stands for.
//!
//! The id that the kernel gives for a socket is the inode number of a directory below the cgroup2
//! mount, so no privilege is needed to resolve it: the tree is walked once, and again when an id
//! turns up that is not in it. What a directory's path means is said in `placement`.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::placement::Placement;
use crate::model::{Moment, Pid};

/// How long an id that is not in the tree (of a group that was removed, or outside this cgroup
/// namespace) is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// How many directories are visited at most in one walk.
const MAX_GROUPS: usize = 100_000;

/// What is known of cgroup ids.
#[derive(Default)]
pub(super) struct Cgroups {
    placements: HashMap<u64, Placement>,
    paths: HashMap<u64, PathBuf>,
    unknown: HashMap<u64, Moment>,
}

impl Cgroups {
    /// Makes sure that the ids of a reading are known, as far as they can be.
    pub(super) fn learn(&mut self, ids: impl Iterator<Item = u64>, at: Moment) {
        let ids: HashSet<u64> = ids.collect();
        let is_new = |id: &u64| match self.unknown.get(id) {
            Some(asked) => asked.age(at) >= RETRY_AFTER,
            None => !self.placements.contains_key(id),
        };
        if !ids.iter().any(is_new) {
            return;
        }
        // A group that was removed keeps its meaning for as long as a socket refers to it.
        self.placements.retain(|id, _| ids.contains(id));
        self.paths.retain(|id, _| ids.contains(id));
        for (id, path, placement) in walk() {
            // Of the others nobody asks where they are.
            if ids.contains(&id) {
                self.paths.insert(id, path);
            }
            self.placements.insert(id, placement);
        }
        let missing = ids
            .into_iter()
            .filter(|id| !self.placements.contains_key(id));
        self.unknown = missing.map(|id| (id, at)).collect();
    }

    /// What a cgroup id stands for, if it is known.
    pub(super) fn placement(&self, id: u64) -> Option<&Placement> {
        self.placements.get(&id)
    }

    /// Whether the group of that id belongs to a user's own manager (`user@1000.service`).
    pub(super) fn is_of_user_manager(&self, id: u64) -> bool {
        let components = self.paths.get(&id).into_iter().flat_map(|path| path.iter());
        let mut names = components.filter_map(|name| name.to_str());
        names.any(|name| name.starts_with("user@"))
    }

    /// The processes in the group of that id now; empty if that can't be read.
    pub(super) fn members(&self, id: u64) -> Vec<Pid> {
        let file = self.paths.get(&id).map(|path| path.join("cgroup.procs"));
        let text = file.and_then(|file| std::fs::read_to_string(file).ok());
        let pids = text.iter().flat_map(|text| text.lines());
        pids.filter_map(|pid| pid.parse().ok()).collect()
    }
}

/// A directory of the cgroup2 tree: its id, where it is and what that means.
type Group = (u64, PathBuf, Placement);

/// Every directory of the cgroup2 tree; empty where there is none.
fn walk() -> Vec<Group> {
    let mountinfo = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    // One that another mount covers is still listed.
    let is_seen = |root: &PathBuf| root.join("cgroup.procs").exists();
    let root = mount_points(&mountinfo).find(is_seen);
    root.map_or_else(Vec::new, |root| walk_from(&root))
}

fn walk_from(root: &Path) -> Vec<Group> {
    let Ok(metadata) = root.metadata() else {
        return Vec::new();
    };
    let mut groups = vec![(metadata.ino(), root.to_owned(), Placement::default())];
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            if groups.len() < MAX_GROUPS && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let path = entry.path();
                let below = path.strip_prefix(root).unwrap_or(&path);
                let placement = Placement::of(&below.to_string_lossy());
                groups.push((entry.ino(), path.clone(), placement));
                directories.push(path);
            }
        }
    }
    groups
}

/// Where cgroup2 trees are mounted: `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` beside the old
/// kind. See `proc_pid_mountinfo(5)`.
fn mount_points(mountinfo: &[u8]) -> impl Iterator<Item = PathBuf> {
    mountinfo.split(|&byte| byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b' ');
        let point = fields.nth(4)?;
        let kind = fields.skip_while(|&field| field != b"-").nth(1)?;
        (kind == b"cgroup2").then(|| unescape(point))
    })
}

/// Undoes the kernel's `\040` for a blank and the like.
fn unescape(point: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(point.len());
    let mut rest = point;
    while let [first, tail @ ..] = rest {
        let escape = tail.get(..3).filter(|_| *first == b'\\');
        if let Some(byte) = escape.and_then(octal) {
            out.push(byte);
            rest = &tail[3..];
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    PathBuf::from(std::ffi::OsStr::from_bytes(&out))
}

/// Digits alone: Rust's own reading takes a sign too.
fn octal(digits: &[u8]) -> Option<u8> {
    let is_number = digits.iter().all(|byte| matches!(byte, b'0'..=b'7'));
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    u8::from_str_radix(digits, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `mangle` of the kernel does it (`fs/seq_file.c`).
    fn escape(point: &[u8]) -> Vec<u8> {
        let escaped = |&byte: &u8| match byte {
            b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
            _ => vec![byte],
        };
        point.iter().flat_map(escaped).collect()
    }

    proptest::proptest! {
        #[test]
        fn a_mount_point_that_the_kernel_escapes_reads_back(
            point in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..12),
        ) {
            let read = unescape(&escape(&point));
            proptest::prop_assert_eq!(read.as_os_str().as_bytes(), &point);
        }
    }

    #[test]
    fn what_is_no_escape_stays_as_it_is() {
        for point in [&b"/a\\+12"[..], b"/a\\777", b"/a\\04", b"/a\\", b"/a\\8"] {
            assert_eq!(unescape(point).as_os_str().as_bytes(), point);
        }
    }

    #[test]
    fn the_mount_point_is_found_among_others() {
        let mountinfo = b"31 23 0:28 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw\n\
            32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
            41 31 0:38 / /odd\\040place rw,relatime shared:5 master:1 - cgroup2 cgroup2 rw\n";
        let found: Vec<PathBuf> = mount_points(mountinfo).collect();
        assert_eq!(found, [PathBuf::from("/odd place")]);
        let mountinfo = b"31 23 0:28 / /sys rw - sysfs sysfs rw\n\nx y\n";
        assert_eq!(mount_points(mountinfo).count(), 0);
    }

    #[test]
    fn ids_are_the_inodes_of_directories() {
        let root = std::env::temp_dir().join(format!("sockeye-cgroup-{}", std::process::id()));
        let group = root.join("system.slice/nginx.service");
        std::fs::create_dir_all(&group).unwrap();
        let groups = walk_from(&root);
        let id = group.metadata().unwrap().ino();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(groups.len(), 3);
        let found = groups.into_iter().find(|(one, ..)| *one == id);
        let (_, path, Placement { unit, .. }) = found.unwrap();
        assert_eq!(path, group);
        assert_eq!(unit.as_deref(), Some("nginx.service"));
    }

    #[test]
    fn an_id_that_stays_unknown_is_not_walked_for_each_time() {
        let at = |seconds| Moment {
            steady: Duration::from_secs(seconds),
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut cgroups = Cgroups::default();
        cgroups.learn([u64::MAX].into_iter(), at(0));
        assert_eq!(cgroups.unknown[&u64::MAX], at(0));
        cgroups.learn([u64::MAX].into_iter(), at(29));
        assert_eq!(cgroups.unknown[&u64::MAX], at(0));
        cgroups.learn([u64::MAX].into_iter(), at(30));
        assert_eq!(cgroups.unknown[&u64::MAX], at(30));
    }
}
