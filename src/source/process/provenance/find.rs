//! The project of a folder: the nearest folder, from it up, that has a manifest or a repository in it, and the branch of
//! that repository.

use std::path::{Path, PathBuf};

use super::ownership::Ownership;
use super::projects::Place;
use super::repository::{Head, Repository};
use crate::model::{Pid, Text};

/// Each makes its folder a project.
const MARKERS: [&str; 17] = [
    ".git",
    ".hg",
    ".jj",
    "Cargo.toml",
    "package.json",
    "deno.json",
    "go.mod",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Gemfile",
    "composer.json",
    "mix.exs",
    "build.sbt",
];

/// Scripts in or below these folders belong to a package, not to a project.
const OF_PACKAGES: [&str; 5] = [
    "node_modules",
    "site-packages",
    "dist-packages",
    "usr",
    "opt",
];

/// The most folders above one another.
const MAX_DEPTH: usize = 64;

/// A folder that people work in as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its folder, as [`Process::project`](crate::model::Process::project) has it.
    pub path: Text,
    /// The last part of that.
    pub name: Text,
    /// The branch of its git repository, or the first digits of its commit.
    pub branch: Option<Text>,
    /// The name of the linked worktree that it is in.
    pub worktree: Option<Text>,
}

/// The project that a folder is in: the nearest folder, from it up, that has a manifest or a repository in it.
pub fn project_of(folder: &Path) -> Option<Project> {
    let folder = std::fs::canonicalize(folder).ok()?;
    let ownership = Ownership::own();
    let found = nearest(&folder, &folder, ownership)?;
    let (repository, _) = found
        .repository(Path::new("/"), ownership)
        .unwrap_or_default();
    let name = found.path.file_name()?.to_string_lossy();
    Some(Project {
        path: text(&found.path),
        name: Text::new(&name),
        branch: repository.branch,
        worktree: repository.worktree,
    })
}

/// The folder of the project of a folder, as its real path without symbolic links. `None` if there is none, or the folder
/// can't be read.
pub fn project_folder_of(folder: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(folder).ok()?;
    Some(nearest(&real, &real, Ownership::own())?.path)
}

/// The folder of the project of a process of this user, through its working directory, whose path is known.
#[cfg(target_os = "linux")]
pub(crate) fn project_through(uid: Option<u32>, folder: &Path, path: &Path) -> Option<PathBuf> {
    Some(nearest(folder, path, Ownership::of(uid))?.here)
}

/// What is known of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlaceFacts {
    pub(crate) project: Option<Text>,
    pub(crate) branch: Option<Text>,
    pub(crate) worktree: Option<Text>,
}

/// The facts of a place, and the file on which the branch depends.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) facts: PlaceFacts,
    pub(super) head: Option<Head>,
}

impl Found {
    /// Reads them for a process that is there.
    pub(super) fn read(pid: Pid, place: &Place) -> Self {
        let Some(project) = find(pid, place) else {
            return Self::default();
        };
        let repository = project.repository(&root(pid), place.ownership);
        let (repository, head) = repository.unwrap_or_default();
        let facts = PlaceFacts {
            project: Some(text(&project.path)),
            branch: repository.branch,
            worktree: repository.worktree,
        };
        Self { facts, head }
    }

    /// Whether the branch is the same as when it was read. Without a repository it is not known.
    pub(super) fn is_unchanged(&self) -> bool {
        self.head.as_ref().is_some_and(Head::is_unchanged)
    }
}

fn find(pid: Pid, place: &Place) -> Option<Nearest> {
    let folder = Path::new(&place.folder);
    let script = place.script.as_deref().filter(|script| is_own(script));
    let above_script = || {
        let parent = Path::new(script?).parent()?;
        let (start, within) = match parent.strip_prefix("/") {
            Ok(within) => (root(pid), within),
            Err(_) => (working_directory(pid, folder), parent),
        };
        let mut path = folder.join(parent);
        if place.is_in_own_namespace() {
            path = std::fs::canonicalize(&path).unwrap_or(path);
        }
        nearest(&start.join(within), &path, place.ownership)
    };
    let here = working_directory(pid, folder);
    nearest(&here, folder, place.ownership).or_else(above_script)
}

/// A project.
struct Nearest {
    /// A path to its folder for this program.
    here: PathBuf,
    /// Its path as its process sees it.
    path: PathBuf,
}

impl Nearest {
    /// The repository that the project is in, which may begin in a folder above it. As git does, it is looked for on the
    /// same file system only.
    fn repository(&self, root: &Path, ownership: Ownership) -> Option<(Repository, Option<Head>)> {
        let device = device(&self.here);
        let mut here = self.here.clone();
        for _ in self.path.ancestors().take(MAX_DEPTH) {
            if let Some((found, head)) = Repository::of(&here, root, ownership) {
                return Some((found, Some(head)));
            }
            here.push("..");
            if device.is_none() || self::device(&here) != device {
                return None;
            }
        }
        None
    }
}

/// The nearest project from a folder up: `folder` is a path to it for this program, `path` for its process. What another
/// user put into a shared folder such as `/tmp` makes no project of it.
fn nearest(folder: &Path, path: &Path, ownership: Ownership) -> Option<Nearest> {
    let mut here = folder.to_owned();
    for above in path.ancestors().take(MAX_DEPTH) {
        if above.parent().is_none_or(|parent| parent == Path::new("")) {
            return None;
        }
        let is_there = |marker| ownership.admits(&here, &here.join(marker));
        if MARKERS.iter().any(is_there) {
            let path = above.to_owned();
            return Some(Nearest { here, path });
        }
        here.push("..");
    }
    None
}

/// Whether a script belongs to a project, not to an installed package.
pub(super) fn is_own(script: &str) -> bool {
    let mut parts = script.split('/');
    !parts.any(|part| OF_PACKAGES.contains(&part))
}

fn text(path: &Path) -> Text {
    Text::new(&path.to_string_lossy())
}

#[cfg(unix)]
fn device(folder: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(folder).ok()?;
    Some(std::os::unix::fs::MetadataExt::dev(&metadata))
}

#[cfg(not(unix))]
fn device(folder: &Path) -> Option<u64> {
    std::fs::metadata(folder).ok().map(|_| 0)
}

/// A process may be in another mount namespace, where its path is another folder.
#[cfg(target_os = "linux")]
fn working_directory(pid: Pid, _: &Path) -> PathBuf {
    format!("/proc/{pid}/cwd").into()
}

#[cfg(not(target_os = "linux"))]
fn working_directory(_: Pid, folder: &Path) -> PathBuf {
    folder.to_owned()
}

#[cfg(target_os = "linux")]
pub(crate) fn root(pid: Pid) -> PathBuf {
    format!("/proc/{pid}/root").into()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn root(_: Pid) -> PathBuf {
    "/".into()
}
