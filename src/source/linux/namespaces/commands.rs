//! What leads other programs into a namespace: the words of `nsenter`, and those of `-N`.
//!
//! Each leads to the same namespace as long as that exists, or there is none: root types it.

use std::ffi::OsStr;

use super::enter::Entry;
use super::target::netns_name;
use crate::model::{Namespace, NamespaceFile, Text};

/// What `nsenter` enters the namespace by; `None` if another user could exchange it.
pub(super) fn nsenter_file(entry: &Entry) -> Option<NamespaceFile> {
    if let Some(pid) = entry.pid() {
        return Some(NamespaceFile::Process(pid));
    }
    exact(entry.stable_path()?.to_str()?).map(NamespaceFile::Path)
}

/// What `-N` accepts for a namespace; `None` if it finds the namespace by nothing.
pub(super) fn option_for(namespace: &Namespace, entry: &Entry) -> Option<Text> {
    let path = entry.path();
    let name = netns_name(&path).and_then(OsStr::to_str).and_then(option);
    let pid = || Some(Text::new(&entry.pid()?.to_string()));
    // A search by the number finds threads and mounts, but looks at no descriptor.
    let number = || {
        let is_found = entry.is_found_by_number();
        let inode = namespace.inode.filter(|_| is_found)?;
        Some(Text::new(&inode.to_string()))
    };
    name.or_else(pid).or_else(number)
}

/// The text as the value of `-N`, if it means a name there.
pub(super) fn option(text: &str) -> Option<Text> {
    let has_other_meaning = matches!(text, "" | "own" | "all") || text.starts_with('-');
    exact(text).filter(|_| !has_other_meaning)
}

/// The text, if it can be typed as it is shown.
fn exact(text: &str) -> Option<Text> {
    let shown = Text::new(text);
    (*shown == *text && !text.contains(char::is_control)).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NamespaceId;
    use crate::source::linux::owners::Descriptor;

    fn file(path: &str) -> Option<NamespaceFile> {
        nsenter_file(&Entry::file(path, None))
    }

    #[test]
    fn a_process_is_the_shortest_way_in() {
        assert_eq!(file("/proc/812/ns/net"), Some(NamespaceFile::Process(812)));
        for path in [
            "/run/netns/blue",
            "/proc/812/task/813/ns/net",
            "/run/netns/a;touch pwn",
        ] {
            let expected = NamespaceFile::Path(path.into());
            assert_eq!(file(path), Some(expected));
        }
    }

    /// Root was given the path of a mount of some user, who could mount something else there.
    #[test]
    fn no_command_has_a_path_that_another_user_can_exchange() {
        for path in [
            "/proc/812/root/run/netns/blue",
            "/proc/812/root/run/ns/net",
            "/proc/812/fd/3",
            "/run/netns/a\nb",
            "/run/netns/a\u{1b}[2J",
        ] {
            assert_eq!(file(path), None, "{path}");
        }
        let number = 3;
        let socket = Entry::socket(Descriptor { pid: 812, number }, Some(1));
        assert_eq!(nsenter_file(&socket), None);
    }

    #[test]
    fn what_no_name_or_pid_leads_to_is_named_by_its_number() {
        let namespace = Namespace {
            id: NamespaceId(1),
            inode: Some(4_026_532_254),
            cookie: None,
            name: "python3 4026532254".into(),
            container: None,
        };
        let option = |path: &str| option_for(&namespace, &Entry::file(path, None));
        for (path, expected) in [
            ("/proc/812/ns/net", "812"),
            ("/run/netns/blue", "blue"),
            ("/proc/812/task/813/ns/net", "4026532254"),
            ("/proc/812/root/run/other", "4026532254"),
            // Another meaning for `-N`.
            ("/run/netns/all", "4026532254"),
            ("/run/netns/own", "4026532254"),
            ("/run/netns/-q", "4026532254"),
        ] {
            assert_eq!(option(path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(option("/proc/812/fd/3"), None);
        let number = 3;
        let socket = Entry::socket(Descriptor { pid: 812, number }, Some(1));
        assert_eq!(option_for(&namespace, &socket), None);
    }
}
