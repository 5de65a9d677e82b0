//! The network namespace that a name, a container or a pid means, and the files that refer to it.

use std::cell::LazyCell;
use std::ffi::OsStr;
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

/// The folders of `ip netns`, whose names people chose.
const NAMED: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// That of Docker, which has ids as names.
const DOCKER: &str = "/run/docker/netns";

/// The most names in an error.
const MAX_NAMES: usize = 8;

/// The fewest digits that count as the start of a container's id.
const MIN_ID_DIGITS: usize = 4;

/// The highest pid that Linux gives (`PID_MAX_LIMIT`). The numbers of namespaces are higher.
const MAX_PID: u64 = 1 << 22;

/// A namespace, and a way into it.
type Target = (Arc<Namespace>, Entry);

/// The namespace that a name means: of a container, of `ip netns`, of a unit or as the table shows it; or else its number,
/// the pid of a process in it, or the start of a container's id.
///
/// # Errors
/// One line: what is wrong, and what is accepted. If the name means several namespaces, none is chosen: users name
/// containers as they like, also like a pid.
pub(crate) fn find_target(name: &str) -> Result<Target, String> {
    let all = containers::running();
    let named = all.iter().filter(|(one, _)| &*one.name == name);
    let mut meant: Vec<Target> = named.map(|(one, pid)| of_container(one, *pid)).collect();
    meant.extend(of_netns(name));
    meant.extend(pid(name).and_then(of_pid));
    // No pid is so high: a search through everything is only needed for others.
    let is_number = name.parse().is_ok_and(|number: u64| number > MAX_PID);
    let shown = LazyCell::new(Namespaces::discover);
    if meant.is_empty() || is_number {
        meant.extend(shown.iter().filter(|one| is_shown_as(one, name)).cloned());
    }
    if meant.is_empty() {
        let of_others = all.iter().filter(|(one, _)| is_called(&one.name, name));
        meant.extend(of_others.map(|(one, pid)| of_container(one, *pid)));
    }
    if meant.is_empty() {
        let fitting = all.iter().filter(|(one, _)| has_id(one, name));
        meant.extend(fitting.map(|(one, pid)| of_container(one, *pid)));
    }
    let Some(first) = meant.first() else {
        return Err(unknown(name, &all));
    };
    if meant.iter().any(|(one, _)| one.inode != first.0.inode) {
        return Err(ambiguous(&meant));
    }
    // It has the name that the live table has for it: a container may have joined the namespace of another one.
    let (namespace, entry) = meant.swap_remove(0);
    let is_it = |(one, _): &&Target| one.inode.is_some() && one.inode == namespace.inode;
    let shown = shown.iter().find(is_it).map(|(one, _)| Arc::clone(one));
    Ok((shown.unwrap_or(namespace), entry))
}

/// Whether the live table and `list` call a namespace so, or it has this number.
fn is_shown_as((namespace, _): &Target, name: &str) -> bool {
    let inode = namespace.inode.map(|inode| inode.to_string());
    &*namespace.name == name || inode.as_deref() == Some(name)
}

/// `this means 2 network namespaces: container web (4026532254) and …`
fn ambiguous(meant: &[Target]) -> String {
    let number = |namespace: &Namespace| {
        let inode = namespace.inode;
        inode.map_or_else(|| "?".to_owned(), |inode| inode.to_string())
    };
    let mut all: Vec<_> = meant
        .iter()
        .map(|(one, _)| format!("{} ({})", one.describe(), number(one)))
        .collect();
    all.dedup();
    format!(
        "this means several network namespaces: {}; use the number of one",
        listed(all)
    )
}

/// The name that `ip netns` has for the namespace that is mounted on this file, if it has one.
pub(super) fn netns_name(file: &Path) -> Option<&OsStr> {
    let parent = file.parent()?;
    let is_named = NAMED.iter().any(|folder| parent == Path::new(folder));
    file.file_name().filter(|_| is_named)
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
    let of_processes = of_processes.map(|pid| Entry::process(pid, None));
    let folders = NAMED.iter().chain([&DOCKER]);
    let mounts = folders.flat_map(fs::read_dir).flatten().flatten();
    let mounts = mounts.map(|file| Entry::file(file.path(), None));
    let mut entries = of_processes.chain(mounts);
    let found = entries.find(|entry| entry.inode_now() == Some(wanted));
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

/// The text as a pid; with a zero in front it is none, but may be the start of an id.
fn pid(name: &str) -> Option<Pid> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && !name.starts_with('0');
    name.parse().ok().filter(|_| is_number)
}

fn of_pid(pid: Pid) -> Option<Target> {
    let container = containers::of_pid(pid).map(|(container, _)| Arc::new(container));
    let process = serving(pid)?;
    let entry = Entry::process(pid, None);
    let inode = entry.inode_now();
    let name = match (&container, inode) {
        (Some(container), _) => container.name.clone(),
        (None, Some(inode)) => Text::new(&format!("{} {inode}", process.name)),
        (None, None) => Text::new(&format!("{} (pid {pid})", process.name)),
    };
    Some(made(inode, name, container, entry))
}

fn of_container(container: &Container, pid: Pid) -> Target {
    let (name, entry) = (container.name.clone(), Entry::process(pid, None));
    let container = Some(Arc::new(container.clone()));
    made(entry.inode_now(), name, container, entry)
}

/// The namespace that `ip netns` has by this name.
fn of_netns(name: &str) -> Option<Target> {
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return None;
    }
    let paths = NAMED.iter().map(|folder| Path::new(folder).join(name));
    let path = paths
        .into_iter()
        .find(|path| fs::symlink_metadata(path).is_ok())?;
    let entry = Entry::file(path, None);
    Some(made(entry.inode_now(), Text::new(name), None, entry))
}

fn made(inode: Option<u64>, name: Text, container: Option<Arc<Container>>, entry: Entry) -> Target {
    let namespace = Namespace {
        id: NamespaceId::default(),
        inode,
        cookie: None,
        name,
        container,
    };
    (Arc::new(namespace), entry)
}

/// Whether this is what the user of a container calls it. Those of other users are shown as `shop (ann)`.
fn is_called(shown: &Text, name: &str) -> bool {
    let user = shown.strip_prefix(name);
    user.is_some_and(|user| user.starts_with(" (") && user.ends_with(')'))
}

/// Whether the id of a container starts like this. Ids are known with 12 digits; people paste the whole one.
fn has_id(container: &Container, name: &str) -> bool {
    let is_hex = name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = name.to_ascii_lowercase();
    let short = name.get(..containers::SHORT_ID).unwrap_or(&name);
    let is_start = |id: &Text| id.starts_with(short);
    is_hex && name.len() >= MIN_ID_DIGITS && container.id.as_ref().is_some_and(is_start)
}

fn unknown(name: &str, containers: &[(Container, Pid)]) -> String {
    let mounted = NAMED.iter().flat_map(fs::read_dir).flatten().flatten();
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

#[cfg(test)]
#[path = "tests/target.rs"]
mod tests;
