//! The git repository that a folder is in: its branch and its linked worktree, from the files that
//! `gitrepository-layout(5)` describes.
//!
//! git itself is not run. Only `HEAD` is read, so a repository of any size costs the same.

use std::fs::Metadata;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use super::ownership::Ownership;
use crate::model::Text;
use crate::source::regular_file::read_regular;

/// `HEAD` and a file `.git` have one short line; others are not git's.
const MAX_BYTES: u64 = 4096;

/// How many digits of a commit are shown, as git does at least.
const SHORT_COMMIT: usize = 7;

/// What is shown of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Repository {
    /// Its branch, or the first digits of its commit.
    pub(super) branch: Option<Text>,
    /// The name of the linked worktree.
    pub(super) worktree: Option<Text>,
}

/// The file that says the branch, and how it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    path: PathBuf,
    stamp: Stamp,
}

/// git replaces `HEAD` when the branch changes.
type Stamp = (Option<SystemTime>, u64, u64);

impl Head {
    /// Whether the file is the one that was read.
    pub(super) fn is_unchanged(&self) -> bool {
        let now = std::fs::symlink_metadata(&self.path);
        now.is_ok_and(|now| stamp(&now) == self.stamp)
    }
}

impl Repository {
    /// That of a folder with a `.git` in it, if that was made by someone who may. `root` is where absolute paths begin: a
    /// process may see another file system.
    pub(super) fn of(folder: &Path, root: &Path, ownership: Ownership) -> Option<(Self, Head)> {
        let git = folder.join(".git");
        if !ownership.admits(folder, &git) {
            return None;
        }
        if std::fs::metadata(&git).ok()?.is_dir() {
            return Self::in_folder(&git, None);
        }
        let line = read_line(&git)?;
        let path = Path::new(line.strip_prefix("gitdir: ")?);
        let git = below(root, folder, path);
        let worktree = worktree_name(&git, path);
        Self::in_folder(&git, worktree)
    }

    fn in_folder(git: &Path, worktree: Option<Text>) -> Option<(Self, Head)> {
        let path = git.join("HEAD");
        let metadata = std::fs::symlink_metadata(&path).ok()?;
        let head = Head {
            stamp: stamp(&metadata),
            path,
        };
        let line = if metadata.is_symlink() {
            // As git made it long ago.
            let target = std::fs::read_link(&head.path).ok()?;
            format!("ref: {}", target.to_string_lossy())
        } else {
            read_line(&head.path)?
        };
        let branch = branch(&line);
        Some((Self { branch, worktree }, head))
    }
}

/// The branch that a line of `HEAD` names, or the first digits of the commit.
fn branch(line: &str) -> Option<Text> {
    if let Some(name) = line.strip_prefix("ref: ") {
        let name = name.trim().strip_prefix("refs/heads/")?;
        // With the reftable format the branch is elsewhere, in a binary file.
        return (name != ".invalid" && !name.is_empty()).then(|| Text::new(name));
    }
    let is_commit = matches!(line.len(), 40 | 64) && line.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = line.get(..SHORT_COMMIT).filter(|_| is_commit)?;
    Some(Text::new(digits))
}

/// `…/.git/worktrees/NAME`, which says where the repository itself is. A submodule has `…/.git/modules/NAME` instead.
fn worktree_name(git: &Path, path: &Path) -> Option<Text> {
    let mut last = path.components().rev();
    let Component::Normal(name) = last.next()? else {
        return None;
    };
    let is_linked = last.next()? == Component::Normal("worktrees".as_ref());
    let is_linked = is_linked && git.join("commondir").exists();
    is_linked.then(|| Text::new(&name.to_string_lossy()))
}

/// A path that a file in `folder` names, as the process with this root sees it.
fn below(root: &Path, folder: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix("/") {
        Ok(within) => root.join(within),
        Err(_) => folder.join(path),
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    (metadata.modified().ok(), inode, metadata.len())
}

/// The first line of a small regular file.
fn read_line(path: &Path) -> Option<String> {
    let (text, _) = read_regular(path, MAX_BYTES)?;
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().next()?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn head_names_a_branch_or_a_commit_and_nothing_else_counts() {
        let read = |line: &str| branch(line).map(|name| name.to_string());
        assert_eq!(read("ref: refs/heads/main").as_deref(), Some("main"));
        assert_eq!(read("ref: refs/heads/fix/42").as_deref(), Some("fix/42"));
        assert_eq!(read(COMMIT).as_deref(), Some("0123456"));
        assert_eq!(read(&"a".repeat(64)).as_deref(), Some("aaaaaaa"));
        for line in [
            "",
            "ref: ",
            "ref: refs/heads/",
            "ref: refs/heads/.invalid",
            "root:x:0",
            &COMMIT[1..],
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_or_a_large_file_instead_of_head_is_no_branch() {
        let top = std::env::temp_dir().join(format!("sockeye-head-{}", std::process::id()));
        let git = top.join(".git");
        std::fs::create_dir_all(&git).unwrap();
        let of = || Repository::of(&top, Path::new("/"), Ownership::own());
        let branch = || of().and_then(|(found, _)| found.branch);
        std::fs::write(git.join("HEAD"), vec![b'a'; 1 << 20]).unwrap();
        assert_eq!(branch(), None);
        std::fs::remove_file(git.join("HEAD")).unwrap();
        let fifo = git.join("HEAD");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(branch(), None);
        std::fs::remove_dir_all(&top).unwrap();
    }
}
