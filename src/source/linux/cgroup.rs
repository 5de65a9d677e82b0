//! The unit or container of a cgroup id.
//!
//! The id that the kernel gives for a socket is the inode number of a directory below the cgroup2 mount, so no
//! privilege is needed to resolve it: the tree is walked once, and again for an id that is not in it. In a large tree
//! the walk is spread over several snapshots. `placement` interprets the paths.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mounts::mounts;
use super::placement::Placement;
use crate::model::{Moment, Pid};

/// When to look again for an id that is not in the tree (its group was removed, or is outside this cgroup namespace).
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// The most directories to visit for one snapshot, about 50 ms. In the live table, the next snapshot continues the
/// walk.
const BUDGET: usize = 4_000;

/// The most directories to visit in one walk.
const MAX_GROUPS: usize = 100_000;

/// The known cgroup ids.
#[derive(Default)]
pub(crate) struct Cgroups {
    placements: HashMap<u64, Placement>,
    paths: HashMap<u64, PathBuf>,
    unknown: HashMap<u64, Moment>,
    /// The walk that exceeded its budget.
    walk: Option<Walk>,
}

impl Cgroups {
    /// Resolves the ids of a snapshot, as far as the budget allows.
    pub(crate) fn resolve(&mut self, ids: impl Iterator<Item = u64>, at: Moment) {
        self.resolve_below(root, BUDGET, &ids.collect(), at);
    }

    fn resolve_below(
        &mut self,
        root: impl FnOnce() -> Option<PathBuf>,
        budget: usize,
        ids: &HashSet<u64>,
        at: Moment,
    ) {
        let mut walk = match self.walk.take() {
            Some(walk) => walk,
            None if !ids.iter().any(|id| self.is_new(*id, at)) => return,
            None => {
                // A removed group is kept as long as a socket refers to it.
                self.placements.retain(|id, _| ids.contains(id));
                self.paths.retain(|id, _| ids.contains(id));
                // Without a root it is already finished.
                let root = root().unwrap_or_default();
                let top = root.metadata().map(|top| (top.ino(), root.clone()));
                Walk {
                    ahead: top.into_iter().collect(),
                    root,
                    count: 1,
                    wanted: ids.clone(),
                }
            }
        };
        walk.step(budget, |id, path, placement| {
            // Paths are kept for these ids only.
            if ids.contains(&id) {
                self.paths.insert(id, path.to_owned());
            }
            self.placements.insert(id, placement);
        });
        if !walk.ahead.is_empty() {
            self.walk = Some(walk);
            return;
        }
        // An id added meanwhile may be in a part already visited; the next walk finds it.
        let wanted = walk.wanted.into_iter().filter(|id| ids.contains(id));
        let missing = wanted.filter(|id| !self.placements.contains_key(id));
        self.unknown = missing.map(|id| (id, at)).collect();
    }

    fn is_new(&self, id: u64, at: Moment) -> bool {
        match self.unknown.get(&id) {
            Some(missed) => missed.age(at) >= RETRY_AFTER,
            None => !self.placements.contains_key(&id),
        }
    }

    /// Whether this id may be in a part of the tree not visited yet.
    pub(crate) fn is_pending(&self, id: u64) -> bool {
        self.walk.is_some() && !self.placements.contains_key(&id)
    }

    /// The unit or container of an id, if it is known.
    pub(crate) fn placement(&self, id: u64) -> Option<&Placement> {
        self.placements.get(&id)
    }

    /// Whether the group with this id belongs to a user manager (`user@1000.service`).
    pub(crate) fn is_of_user_manager(&self, id: u64) -> bool {
        let components = self.paths.get(&id).into_iter().flat_map(|path| path.iter());
        let mut names = components.filter_map(|name| name.to_str());
        names.any(|name| name.starts_with("user@"))
    }

    /// The processes in the group of that id now; empty if that can't be read.
    pub(crate) fn members(&self, id: u64) -> Vec<Pid> {
        let file = self.paths.get(&id).map(|path| path.join("cgroup.procs"));
        let text = file.and_then(|file| std::fs::read_to_string(file).ok());
        let pids = text.iter().flat_map(|text| text.lines());
        pids.filter_map(|pid| pid.parse().ok()).collect()
    }
}

/// The path of the cgroup2 tree; `None` if there is none.
fn root() -> Option<PathBuf> {
    let mountinfo = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    // A mount that is covered by another is still listed.
    let is_seen = |root: &PathBuf| root.join("cgroup.procs").exists();
    cgroup_roots(&mountinfo).find(is_seen)
}

/// A walk over every directory of the cgroup2 tree.
struct Walk {
    root: PathBuf,
    /// Directories found but not visited yet, with their ids.
    ahead: Vec<(u64, PathBuf)>,
    /// How many directories were found.
    count: usize,
    /// The ids that were wanted at the start of the walk.
    wanted: HashSet<u64>,
}

impl Walk {
    /// Visits up to `budget` more directories and passes each to `found`: its id, path and placement.
    fn step(&mut self, budget: usize, mut found: impl FnMut(u64, &Path, Placement)) {
        for _ in 0..budget {
            let Some((id, directory)) = self.ahead.pop() else {
                return;
            };
            let below = directory.strip_prefix(&self.root).unwrap_or(&directory);
            found(id, &directory, Placement::of(&below.to_string_lossy()));
            let entries = std::fs::read_dir(&directory).into_iter().flatten();
            for entry in entries.flatten() {
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_directory && self.count < MAX_GROUPS {
                    self.count += 1;
                    self.ahead.push((entry.ino(), entry.path()));
                }
            }
        }
    }
}

/// Where cgroup2 trees are mounted: `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` beside the old kind.
fn cgroup_roots(mountinfo: &[u8]) -> impl Iterator<Item = PathBuf> {
    let roots = mounts(mountinfo).filter(|mount| mount.kind == b"cgroup2");
    roots.map(|mount| mount.point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_point_is_found_among_others() {
        let mountinfo = b"31 23 0:28 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw\n\
            32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
            41 31 0:38 / /odd\\040place rw,relatime shared:5 master:1 - cgroup2 cgroup2 rw\n";
        let found: Vec<PathBuf> = cgroup_roots(mountinfo).collect();
        assert_eq!(found, [PathBuf::from("/odd place")]);
        let mountinfo = b"31 23 0:28 / /sys rw - sysfs sysfs rw\n\nx y\n";
        assert_eq!(cgroup_roots(mountinfo).count(), 0);
    }

    /// A tree of 24 groups, gone at the end.
    struct Tree(PathBuf);

    impl Tree {
        fn new(name: &str) -> Self {
            let root = format!("sockeye-cgroup-{name}-{}", std::process::id());
            let tree = Self(std::env::temp_dir().join(root));
            tree.add("system.slice/nginx.service");
            for at in 0..20 {
                tree.add(&format!("user.slice/{at}"));
            }
            tree
        }

        fn add(&self, group: &str) -> u64 {
            let path = self.0.join(group);
            std::fs::create_dir_all(&path).unwrap();
            path.metadata().unwrap().ino()
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment {
            steady: Duration::from_secs(seconds),
            wall: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn ids_are_the_inodes_of_directories() {
        let tree = Tree::new("ids");
        let id = tree.add("system.slice/nginx.service");
        let mut cgroups = Cgroups::default();
        cgroups.resolve_below(|| Some(tree.0.clone()), 24, &[id].into(), at(0));
        let Placement { unit, .. } = cgroups.placement(id).unwrap();
        assert_eq!(unit.as_deref(), Some("nginx.service"));
        assert_eq!(
            cgroups.paths[&id],
            tree.0.join("system.slice/nginx.service")
        );
        assert_eq!(cgroups.placements.len(), 24);
        assert!(!cgroups.is_pending(id));
    }

    #[test]
    fn a_walk_goes_on_at_the_next_reading_where_the_budget_ended() {
        let tree = Tree::new("budget");
        let all: HashSet<u64> = (0..20)
            .map(|at| tree.add(&format!("user.slice/{at}")))
            .collect();
        let mut cgroups = Cgroups::default();
        let resolve = |cgroups: &mut Cgroups, second| {
            cgroups.resolve_below(|| Some(tree.0.clone()), 7, &all, at(second));
            let known = cgroups.placements.len();
            (known, all.iter().any(|id| cgroups.is_pending(*id)))
        };
        assert_eq!(resolve(&mut cgroups, 0), (7, true));
        assert_eq!(resolve(&mut cgroups, 1), (14, true));
        let (known, _) = resolve(&mut cgroups, 2);
        assert_eq!(known, 21);
        assert_eq!(resolve(&mut cgroups, 3), (24, false));
        assert!(cgroups.unknown.is_empty());
    }

    #[test]
    fn an_id_that_is_nowhere_is_a_gap_only_until_the_walk_is_over() {
        let tree = Tree::new("nowhere");
        let mut cgroups = Cgroups::default();
        let nowhere = u64::MAX;
        for (second, is_ahead) in [(0, true), (1, true), (2, false), (3, false)] {
            cgroups.resolve_below(|| Some(tree.0.clone()), 10, &[nowhere].into(), at(second));
            assert_eq!(cgroups.is_pending(nowhere), is_ahead, "{second}");
        }
        assert_eq!(cgroups.unknown[&nowhere], at(2));
    }

    #[test]
    fn a_group_that_is_wanted_while_a_walk_is_under_way_is_found_by_the_next_one() {
        let tree = Tree::new("late");
        let mut cgroups = Cgroups::default();
        let first = tree.add("user.slice/0");
        let root = || Some(tree.0.clone());
        cgroups.resolve_below(root, 23, &[first].into(), at(0));
        let late = tree.add("late.slice");
        cgroups.resolve_below(root, 23, &[first, late].into(), at(1));
        assert!(cgroups.placement(late).is_none());
        cgroups.resolve_below(root, 25, &[first, late].into(), at(2));
        assert!(cgroups.placement(late).is_some());
    }

    #[test]
    fn an_id_that_stays_unknown_is_not_walked_for_each_time() {
        let mut cgroups = Cgroups::default();
        cgroups.resolve([u64::MAX].into_iter(), at(0));
        assert_eq!(cgroups.unknown[&u64::MAX], at(0));
        cgroups.resolve([u64::MAX].into_iter(), at(29));
        assert_eq!(cgroups.unknown[&u64::MAX], at(0));
        cgroups.resolve([u64::MAX].into_iter(), at(30));
        assert_eq!(cgroups.unknown[&u64::MAX], at(30));
    }
}
