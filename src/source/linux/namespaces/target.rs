//! The network namespace that a name, a container or a pid means, and the files that refer to it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::Namespaces;
use super::by_owners;
use super::enter::Entry;
use super::find::{Finder, Number};
use crate::model::{Container, Moment, Namespace, NamespaceId, Pid, Text, listed};
use crate::source::linux::background::containers;
use crate::source::linux::background::facts::serving;
use crate::source::linux::scan;

/// Where `ip netns` and Docker mount the namespaces that they name.
const FOLDERS: [&str; 3] = ["/run/netns", "/var/run/netns", "/run/docker/netns"];

/// The most names in an error.
const MAX_NAMES: usize = 8;

/// The namespace that a pid, a name of `ip netns`, or a container's name or id means.
///
/// # Errors
/// One line: what is wrong, and what is accepted.
pub(crate) fn find_target(name: &str) -> Result<(Arc<Namespace>, Entry), String> {
    if let Some(found) = pid(name).and_then(of_pid) {
        return Ok(found);
    }
    let named = of_netns(name);
    let all = containers::running();
    let matching = matching(&all, name);
    match (named, matching.as_slice()) {
        (Some(found), []) => Ok(found),
        (None, [(container, pid)]) => Ok(of_container(container, *pid)),
        (Some(found), _) => {
            let inodes = matching.iter().map(|(_, pid)| inode_of(*pid));
            if inodes.into_iter().all(|inode| inode == found.0.inode) {
                return Ok(found);
            }
            Err(
                "both a container and a namespace of `ip netns` have this name: use a PID"
                    .to_owned(),
            )
        }
        (None, []) => otherwise(name, &all),
        (None, several) => {
            let fitting = several.iter().map(|(one, pid)| match &one.id {
                Some(id) => format!("{} ({id})", one.name),
                None => format!("{} (pid {pid})", one.name),
            });
            let fitting = listed(fitting);
            Err(format!("{fitting} fit: use a longer id or a PID"))
        }
    }
}

/// The namespace that the live table and `list` call so, or that has this number.
fn otherwise(
    name: &str,
    containers: &[(Container, Pid)],
) -> Result<(Arc<Namespace>, Entry), String> {
    let mut found = Namespaces::discover();
    let is_meant = |namespace: &Namespace| {
        let inode = namespace.inode.map(|inode| inode.to_string());
        &*namespace.name == name || inode.as_deref() == Some(name)
    };
    let mut meant: Vec<usize> = Vec::new();
    meant.extend((0..found.len()).filter(|&at| is_meant(&found[at].0)));
    match *meant {
        [only] => Ok(found.swap_remove(only)),
        [] => Err(unknown(name, containers)),
        [..] => Err(format!(
            "{} namespaces have this name: use a PID",
            meant.len()
        )),
    }
}

/// The inode of the network namespace of a process; `None` if it is gone or this user may not read that.
pub(super) fn inode_of(pid: Pid) -> Option<u64> {
    inode(&entry_of(pid))
}

pub(super) fn entry_of(pid: Pid) -> Entry {
    Entry::process(pid, None)
}

/// The inode of the namespace that a file refers to.
pub(super) fn inode(entry: &Entry) -> Option<u64> {
    entry.inode_now()
}

/// A file that refers to the namespace with this inode: of one of these processes, of another one, or a mount.
pub(super) fn entry_with(wanted: u64, pids: &[Pid]) -> Option<Entry> {
    let all = || {
        let pids = scan::open_proc().and_then(|proc| scan::pids(&proc));
        pids.unwrap_or_default().into_iter()
    };
    let of_processes = pids
        .iter()
        .copied()
        .chain(std::iter::once_with(all).flatten());
    let of_processes = of_processes.map(entry_of);
    let mounts = FOLDERS.iter().flat_map(fs::read_dir).flatten().flatten();
    let mounts = mounts.map(|file| Entry::file(file.path(), None));
    let mut entries = of_processes.chain(mounts);
    let found = entries.find(|entry| inode(entry) == Some(wanted));
    let found = found.map(|entry| entry.expecting(wanted));
    // A thread, a mount in another mount namespace, or only a socket keeps it.
    found.or_else(|| other_reference(wanted, pids))
}

fn other_reference(wanted: u64, pids: &[Pid]) -> Option<Entry> {
    let mut finder = Finder::default();
    let found = finder.find(Moment::default(), true);
    let references = found.get(&Number::Inode(wanted));
    let reference = references.and_then(|references| references.first());
    let entry = reference.map(|reference| reference.entry(Number::Inode(wanted)));
    entry.or_else(|| {
        let descriptor = pids
            .iter()
            .find_map(|&pid| by_owners::referring_socket(pid, wanted))?;
        Some(Entry::socket(descriptor, Some(wanted)))
    })
}

fn pid(name: &str) -> Option<Pid> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    name.parse().ok().filter(|&pid| is_number && pid > 0)
}

fn of_pid(pid: Pid) -> Option<(Arc<Namespace>, Entry)> {
    let container = containers::of_pid(pid).map(|(container, _)| Arc::new(container));
    let process = serving(pid)?;
    let inode = inode_of(pid);
    let name = match (&container, inode) {
        (Some(container), _) => container.name.clone(),
        (None, Some(inode)) => Text::new(&format!("{} {inode}", process.name)),
        (None, None) => Text::new(&format!("{} (pid {pid})", process.name)),
    };
    Some(made(inode, name, container, entry_of(pid)))
}

fn of_container(container: &Container, pid: Pid) -> (Arc<Namespace>, Entry) {
    let (name, entry) = (container.name.clone(), entry_of(pid));
    made(
        inode_of(pid),
        name,
        Some(Arc::new(container.clone())),
        entry,
    )
}

/// The namespace that `ip netns` has by this name.
fn of_netns(name: &str) -> Option<(Arc<Namespace>, Entry)> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return None;
    }
    let paths = FOLDERS[..2]
        .iter()
        .map(|folder| Path::new(folder).join(name));
    let path = paths.into_iter().find(|path| path.exists())?;
    let entry = Entry::file(path, None);
    Some(made(inode(&entry), Text::new(name), None, entry))
}

fn made(
    inode: Option<u64>,
    name: Text,
    container: Option<Arc<Container>>,
    entry: Entry,
) -> (Arc<Namespace>, Entry) {
    let namespace = Namespace {
        id: NamespaceId::default(),
        inode,
        cookie: None,
        name,
        container,
    };
    (Arc::new(namespace), entry)
}

/// The containers of this name; without one, those whose id begins like this.
fn matching(all: &[(Container, Pid)], name: &str) -> Vec<(Container, Pid)> {
    let of = |fits: &dyn Fn(&Container) -> bool| -> Vec<_> {
        let fitting = all.iter().filter(|(one, _)| fits(one));
        fitting.cloned().collect()
    };
    let named = of(&|one| &*one.name == name);
    if !named.is_empty() || name.is_empty() {
        return named;
    }
    let short = name.get(..containers::SHORT_ID).unwrap_or(name);
    of(&|one| one.id.as_ref().is_some_and(|id| id.starts_with(short)))
}

fn unknown(name: &str, containers: &[(Container, Pid)]) -> String {
    let mounted = FOLDERS[..2]
        .iter()
        .flat_map(fs::read_dir)
        .flatten()
        .flatten();
    let mounted = mounted.map(|file| Text::from_bytes(file.file_name().as_encoded_bytes()));
    let mut names: Vec<Text> = containers.iter().map(|(one, _)| one.name.clone()).collect();
    names.extend(mounted);
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(MAX_NAMES);
    let mut shown: Vec<_> = names.iter().take(MAX_NAMES).map(Text::to_string).collect();
    shown.extend((more > 0).then(|| format!("{more} more")));
    let found = match shown.as_slice() {
        [] => "none is found here".to_owned(),
        _ => format!("found here: {}", listed(shown)),
    };
    let accepted = "a container, a name of `ip netns`, a PID or `own`";
    match pid(name) {
        Some(_) => format!("no process has this pid, and no container this id ({found})"),
        None => format!("unknown network namespace: use {accepted} ({found})"),
    }
}

/// The beginning of a command that runs another one in the namespace that a file refers to.
pub(super) fn enter_command(entry: &Entry) -> String {
    let path = entry.path();
    let path = path.to_string_lossy();
    let pid = path.strip_prefix("/proc/");
    let pid = pid.and_then(|rest| rest.strip_suffix("/ns/net"));
    match pid.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(pid) => format!("nsenter -t {pid} -n"),
        None => format!("nsenter --net={path}"),
    }
}

/// What `-N` accepts for the namespace that a file refers to.
pub(super) fn option_for(namespace: &Namespace, entry: &Entry) -> Text {
    let path = entry.path();
    let named = FOLDERS[..2]
        .iter()
        .any(|folder| path.parent() == Some(Path::new(folder)));
    match (&namespace.container, path.file_name()) {
        (Some(container), _) => container.name.clone(),
        (None, Some(name)) if named => Text::from_bytes(name.as_encoded_bytes()),
        _ => {
            let path = path.to_string_lossy();
            let pid = path.strip_prefix("/proc/");
            let pid = pid.and_then(|rest| rest.strip_suffix("/ns/net"));
            // A thread of the process may be elsewhere, as may be what is mounted for it.
            let pid = pid.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()));
            let number = namespace.inode.map(|inode| inode.to_string());
            Text::new(pid.or(number.as_deref()).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(name: &str, id: &str) -> (Container, Pid) {
        let container = Container {
            engine: None,
            id: Some(id.into()),
            name: name.into(),
            image: None,
            project: None,
            service: None,
            pod: None,
        };
        (container, 7)
    }

    #[test]
    fn a_name_goes_before_the_beginning_of_an_id() {
        let all = [
            container("web", "0123456789ab"),
            container("0123", "ffff456789ab"),
            container("web2", "01aa456789ab"),
        ];
        let names = |name| -> Vec<String> {
            let found = matching(&all, name);
            found.iter().map(|(one, _)| one.name.to_string()).collect()
        };
        assert_eq!(names("web"), ["web"]);
        assert_eq!(names("0123"), ["0123"]);
        assert_eq!(names("01"), ["web", "web2"]);
        let long = "0123456789abcdef";
        assert_eq!(names(long), ["web"]);
        assert!(names("").is_empty());
        assert!(names("eb").is_empty());
    }

    #[test]
    fn the_command_that_enters_is_the_shortest() {
        let command = |path: &str| enter_command(&Entry::file(path, None));
        assert_eq!(command("/proc/812/ns/net"), "nsenter -t 812 -n");
        assert_eq!(command("/run/netns/blue"), "nsenter --net=/run/netns/blue");
        assert_eq!(
            command("/proc/812/task/813/ns/net"),
            "nsenter --net=/proc/812/task/813/ns/net"
        );
    }

    #[test]
    fn a_thread_elsewhere_is_named_by_the_number_of_its_namespace() {
        let namespace = Namespace {
            id: NamespaceId(1),
            inode: Some(4_026_532_254),
            cookie: None,
            name: "python3 4026532254".into(),
            container: None,
        };
        let option = |path: &str| option_for(&namespace, &Entry::file(path, None)).to_string();
        assert_eq!(option("/proc/812/ns/net"), "812");
        assert_eq!(option("/proc/812/task/813/ns/net"), "4026532254");
        assert_eq!(option("/proc/812/root/run/other"), "4026532254");
        assert_eq!(option("/run/netns/blue"), "blue");
    }

    #[test]
    fn this_process_is_in_its_own_namespace() {
        let (namespace, entry) = find_target(&std::process::id().to_string()).unwrap();
        assert_eq!(
            namespace.inode,
            inode(&Entry::file("/proc/self/ns/net", None))
        );
        assert_eq!(
            &*option_for(&namespace, &entry),
            std::process::id().to_string()
        );
        let unknown = find_target("no such namespace").unwrap_err();
        assert!(
            unknown.starts_with("unknown network namespace: use a container, "),
            "{unknown}"
        );
    }
}
