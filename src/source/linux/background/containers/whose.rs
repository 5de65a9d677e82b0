//! Whose engine runs a container. Everybody may give a program any name and arguments and may name control
//! groups below those of their own, so neither says that root's engine is meant: users and paths do.

use rustix::process::geteuid;

use super::super::cgroups;
use super::super::facts::Facts;
use crate::model::Text;
use crate::source::users::Users;

/// The user that a process acts for: a program that is set-user-ID root still acts for the one who started
/// it. `None` where `status` could not be read.
pub(super) fn of_process(facts: &Facts) -> Option<u32> {
    let other = facts.uids.iter().find(|&&uid| uid != 0);
    other.or(facts.uids.first()).copied()
}

/// Whether root started it as root.
pub(super) fn is_root(facts: &Facts) -> bool {
    of_process(facts) == Some(0)
}

/// The user below whose groups a container's is: `user-UID.slice` or `user@UID.service`. One inside the
/// container does not count.
pub(super) fn of_group(path: &str) -> Option<u32> {
    let mut before = String::new();
    for component in path.split('/').filter(|component| !component.is_empty()) {
        before.push('/');
        before.push_str(component);
        if cgroups::container(&before).is_some() {
            return None;
        }
        let between = |prefix, suffix| component.strip_prefix(prefix)?.strip_suffix(suffix);
        let uid = between("user@", ".service").or_else(|| between("user-", ".slice"));
        if let Some(uid) = uid.and_then(|uid| uid.parse().ok()) {
            return Some(uid);
        }
    }
    None
}

/// The user as a fix names it; `None` for root and for the reader. One without a name that is known is
/// `uid 70001`, which no command can name.
pub(super) fn named(uid: u32, users: &mut Users) -> Option<Text> {
    let is_other = uid != 0 && uid != geteuid().as_raw();
    is_other.then(|| {
        let name = users.name(uid);
        name.unwrap_or_else(|| Text::new(&format!("uid {uid}")))
    })
}

/// Whether the reader may use the engine of this user as it is.
pub(super) fn is_reachable(uid: u32) -> bool {
    let own = geteuid();
    own.is_root() || own.as_raw() == uid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_gained_root_acts_for_its_user() {
        let facts = |uids: &[u32]| Facts {
            uids: uids.to_vec(),
            ..Facts::default()
        };
        assert_eq!(of_process(&facts(&[1000, 0, 0, 0])), Some(1000));
        assert_eq!(of_process(&facts(&[0, 0, 0, 0])), Some(0));
        assert_eq!(of_process(&facts(&[])), None);
        assert!(!is_root(&facts(&[])) && !is_root(&facts(&[0, 7, 7, 7])));
    }

    #[test]
    fn a_group_below_a_user_s_is_of_that_user() {
        let id = "0123456789abcdef".repeat(4);
        for (path, uid) in [
            (
                "/user.slice/user-7.slice/user@7.service/app.slice/docker-ID.scope",
                Some(7),
            ),
            (
                "/user.slice/user-7.slice/session-1.scope/docker-ID.scope",
                Some(7),
            ),
            ("/system.slice/docker-ID.scope", None),
            ("/docker/ID/user.slice/user-7.slice/x.scope", None),
        ] {
            assert_eq!(of_group(&path.replace("ID", &id)), uid, "{path}");
        }
    }

    #[test]
    fn a_user_without_a_name_is_never_taken_for_root() {
        let mut users = Users::default();
        assert_eq!(named(0, &mut users), None);
        assert_eq!(named(geteuid().as_raw(), &mut users), None);
        // `4294967293` is in nobody's range.
        let user = named(u32::MAX - 2, &mut users);
        assert_eq!(user.as_deref(), Some("uid 4294967293"));
    }
}
