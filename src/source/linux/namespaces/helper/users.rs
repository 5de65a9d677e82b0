//! User ids in a user namespace of this user.
//!
//! A dump has the ids that apply where its socket was opened: root of a rootless container is 0 there, and this user here.

use std::sync::Arc;

/// The ids of a user namespace, and which ones they are here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserMap(Arc<[Extent]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    inside: u32,
    outside: u32,
    count: u32,
}

impl UserMap {
    /// The id that every user has who is not in the namespace (`/proc/sys/kernel/overflowuid`); one in it may have it, too.
    pub(crate) const OUTSIDERS: u32 = 65_534;

    /// Parses lines of `INSIDE OUTSIDE COUNT`. The kernel writes the ids that apply to the reader of the file, so a process
    /// in the namespace could not read its own.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let extent = |line: &str| {
            let mut numbers = line.split_ascii_whitespace();
            let mut number = || numbers.next()?.parse().ok();
            Some(Extent {
                inside: number()?,
                outside: number()?,
                count: number()?,
            })
        };
        let extents = text.lines().map(extent).collect::<Option<Vec<_>>>()?;
        Some(Self(extents.into()))
    }

    /// The id here; `None` for the one that all users have who are not in the namespace.
    pub(crate) fn outside(&self, uid: u32) -> Option<u32> {
        self.0.iter().find_map(|extent| {
            let offset = uid.checked_sub(extent.inside)?;
            let is_in = offset < extent.count;
            is_in.then(|| extent.outside.wrapping_add(offset))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_its_extent() {
        let podman = UserMap::parse("         0       1000          1\n 1 100000 65536\n").unwrap();
        assert_eq!(podman.outside(0), Some(1000));
        assert_eq!(podman.outside(1), Some(100_000));
        assert_eq!(podman.outside(65_536), Some(165_535));
        assert_eq!(podman.outside(65_537), None);
        let all = UserMap::parse("0 0 4294967295").unwrap();
        assert_eq!(all.outside(65_534), Some(65_534));
    }

    #[test]
    fn a_namespace_may_have_no_users_yet() {
        assert_eq!(UserMap::parse("").unwrap().outside(65_534), None);
        assert_eq!(UserMap::parse("0 1000"), None);
    }
}
