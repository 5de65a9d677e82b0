//! Whose manifests and repositories count.
//!
//! In a shared folder such as `/tmp` every user can put a `.git`, which would make one project of all that others run below it,
//! with a branch of that user's choice. git has `safe.directory` for it, and refuses every repository of another user. That
//! would be too much here: servers run as `www-data`, or as root of a container, in a folder of the user who develops them.

use std::fs::{Metadata, symlink_metadata};
use std::path::Path;

/// The user whose process is in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ownership {
    /// `None` if unknown.
    uid: Option<u32>,
}

impl Ownership {
    /// For the folder of this program.
    pub(super) fn own() -> Self {
        Self {
            uid: crate::source::invoking_uid(),
        }
    }

    /// For the folder of a process of this user.
    pub(super) const fn of(uid: Option<u32>) -> Self {
        Self { uid }
    }

    /// Whether a file is there, and belongs to the user of the process, to root, or to the owner of the folder that it is in,
    /// who may change it all anyway.
    pub(super) fn admits(self, folder: &Path, file: &Path) -> bool {
        let Ok(file) = symlink_metadata(file) else {
            return false;
        };
        let Some(one) = owner(&file) else {
            return true;
        };
        let is_of_folder = || {
            let folder = std::fs::metadata(folder).ok();
            folder.as_ref().and_then(owner) == Some(one)
        };
        one == 0 || self.uid == Some(one) || is_of_folder()
    }
}

/// Windows has no uids.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "Windows has none")]
fn owner(file: &Metadata) -> Option<u32> {
    Some(std::os::unix::fs::MetadataExt::uid(file))
}

#[cfg(not(unix))]
const fn owner(_: &Metadata) -> Option<u32> {
    None
}
