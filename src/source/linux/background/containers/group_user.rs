//! The user whose groups a container's group is among. Root's containers are in groups that only root can make; a user who has a
//! group of their own, from a user manager or by `Delegate=` of systemd, can call one below it like that of any container.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::source::linux::placement;

const ROOT: &str = "/sys/fs/cgroup";

/// The user of a container's group; `None`: root.
pub(super) fn group_user(path: &str) -> Option<u32> {
    placement::container_user(path).or_else(|| delegated_to(Path::new(ROOT), path))
}

/// The user that owns the group above a container's. Not where the owners of files are those of another user namespace, or
/// the tree begins elsewhere.
fn delegated_to(root: &Path, path: &str) -> Option<u32> {
    let owner = |path: &Path| Some(fs::metadata(path).ok()?.uid());
    let parent = placement::container_parent(path).filter(|parent| !parent.contains(".."))?;
    let owner_above = owner(&root.join(parent.trim_start_matches('/')));
    owner_above.filter(|&uid| uid != 0 && owner(root) == Some(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    /// A service that runs as a user with `Delegate=yes` made a group with the id of root's container.
    #[test]
    fn a_group_below_one_that_was_delegated_to_a_user_is_that_user_s() {
        let root = std::env::temp_dir().join(format!("sockeye-groups-{}", std::process::id()));
        for folder in ["system.slice", "job.service"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let id = "0123456789abcdef".repeat(4);
        let user_of = |below: &str| delegated_to(&root, &format!("/{below}/docker-{id}.scope/x"));
        let has_changed = chown(root.join("job.service"), Some(1000), None).is_ok();
        let found = (
            user_of("system.slice"),
            user_of("job.service"),
            user_of(".."),
        );
        let is_root_s = fs::metadata(&root).unwrap().uid() == 0;
        fs::remove_dir_all(&root).unwrap();
        if !(has_changed && is_root_s) {
            eprintln!("only root can give a folder to a user");
            return;
        }
        assert_eq!(found, (None, Some(1000), None));
    }

    #[test]
    fn a_user_manager_s_group_is_that_user_s() {
        let id = "0123456789abcdef".repeat(4);
        let below = "/user.slice/user-1000.slice/user@1000.service";
        assert_eq!(
            group_user(&format!("{below}/docker-{id}.scope")),
            Some(1000)
        );
    }
}
