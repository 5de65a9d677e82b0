//! Runs something in a network namespace that was found before, if it is still that one.
//!
//! Nothing is kept open between two runs: each opens a file that refers to the namespace, compares its inode, and
//! enters the namespace on a thread of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use super::commands::{nsenter_file, option, option_for};
use super::enter::{Entry, within};
use super::target::{entry_with, find_target};
use crate::model::{Inside, Namespace, Pid, Text};
use crate::source::{AccessError, process};

/// A way into a network namespace.
#[derive(Debug)]
pub struct NamespaceAccess {
    inside: Arc<Inside>,
    /// Processes that were in it.
    pids: Vec<Pid>,
    /// The file that was used last.
    entry: Mutex<Entry>,
}

impl NamespaceAccess {
    /// The namespace that the option `-N` names; `None` if it is the one that this program runs in.
    ///
    /// # Errors
    /// One line: what is wrong with the name, and what is accepted.
    pub fn find(name: &str) -> Result<Option<Self>, String> {
        if name == "own" {
            return Ok(None);
        }
        let (namespace, entry) = find_target(name)?;
        let own = Entry::file("/proc/self/ns/net", None).inode_now();
        if namespace.inode.is_some() && namespace.inode == own {
            return Ok(None);
        }
        // The name that was found leads there again, be it that of a container.
        let option = option(name);
        Ok(Some(Self::new((namespace, option), Vec::new(), entry)))
    }

    /// The namespace of a row, with the owners of its socket.
    ///
    /// # Errors
    /// It has ended, or this user may not enter it.
    pub fn of(namespace: &Arc<Namespace>, owners: &[Pid]) -> Result<Self, AccessError> {
        let Some(wanted) = namespace.inode else {
            return Err(not_permitted(namespace, None));
        };
        let entry = entry_with(wanted, owners).ok_or_else(|| gone(namespace))?;
        let option = option_for(namespace, &entry);
        Ok(Self::new(
            (Arc::clone(namespace), option),
            owners.to_vec(),
            entry,
        ))
    }

    fn new(
        (namespace, option): (Arc<Namespace>, Option<Text>),
        pids: Vec<Pid>,
        entry: Entry,
    ) -> Self {
        let inside = Inside {
            option,
            enter: nsenter_file(&entry),
            namespace,
        };
        Self {
            inside: Arc::new(inside),
            pids,
            entry: Mutex::new(entry),
        }
    }

    /// The namespace, in words.
    pub const fn inside(&self) -> &Arc<Inside> {
        &self.inside
    }

    /// Runs an action on a thread in the namespace, and waits for its end. The threads that it starts are in there, too.
    ///
    /// # Errors
    /// The namespace has ended, or can't be entered. Then nothing was run.
    pub fn run<T: Send>(&self, action: impl FnOnce() -> T + Send) -> Result<T, AccessError> {
        // A thread that stays for good must not be started in there: it would keep the namespace.
        process::start_background_thread();
        let file = self.open()?;
        let namespace = &self.inside.namespace;
        let ran = within(file, namespace.cookie, action);
        ran.map_err(|error| failed(namespace, &error, &self.entry()))
    }

    /// Opens a file that refers to the namespace: the last one, or if that is gone or refers to another one, a new one.
    fn open(&self) -> Result<OwnedFd, AccessError> {
        let (namespace, last) = (&self.inside.namespace, self.entry());
        match last.open() {
            Ok(file) => return Ok(file),
            Err(error) if namespace.inode.is_none() => {
                return Err(failed(namespace, &error, &last));
            }
            Err(_) => {}
        }
        let wanted = namespace.inode.unwrap_or_default();
        let entry = entry_with(wanted, &self.pids).ok_or_else(|| gone(namespace))?;
        let file = entry.open();
        let file = file.map_err(|error| failed(namespace, &error, &entry))?;
        *self.entry.lock().unwrap_or_else(PoisonError::into_inner) = entry;
        Ok(file)
    }

    fn entry(&self) -> Entry {
        let entry = self.entry.lock();
        entry.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn gone(namespace: &Namespace) -> AccessError {
    AccessError::Gone(format!("the {} is gone", namespace.describe()))
}

fn failed(namespace: &Namespace, error: &io::Error, entry: &Entry) -> AccessError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => not_permitted(namespace, Some(entry)),
        io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle => gone(namespace),
        _ => {
            let what = namespace.describe();
            AccessError::Failed(format!("the {what} can't be entered: {error}"))
        }
    }
}

/// What is missing, and what helps: in a user namespace of this user, entering that first.
fn not_permitted(namespace: &Namespace, entry: Option<&Entry>) -> AccessError {
    use std::os::unix::fs::MetadataExt as _;
    let what = namespace.describe();
    let pid = entry.and_then(Entry::pid).map(|pid| pid.to_string());
    let pid = pid.as_deref();
    let user_namespace = |process: &str| {
        let file = std::fs::metadata(format!("/proc/{process}/ns/user")).ok()?;
        Some(file.ino())
    };
    let is_own_user_namespace = pid.and_then(user_namespace) != user_namespace("self")
        && pid.and_then(user_namespace).is_some();
    let how = match pid.filter(|_| is_own_user_namespace) {
        Some(pid) => format!(
            "run with sudo, or enter its user namespace first (nsenter -t {pid} -U --preserve-credentials sockeye …)"
        ),
        None if rustix::process::geteuid().is_root() => "run where that capability is".to_owned(),
        None => "run with sudo".to_owned(),
    };
    AccessError::NotPermitted(format!(
        "entering the {what} takes CAP_SYS_ADMIN and CAP_SYS_PTRACE: {how}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_namespace_is_not_entered() {
        assert!(NamespaceAccess::find("own").unwrap().is_none());
        let own = std::process::id().to_string();
        assert!(NamespaceAccess::find(&own).unwrap().is_none());
    }

    #[test]
    fn a_namespace_with_an_inode_that_none_has_is_gone() {
        let (mut namespace, _) = find_target(&std::process::id().to_string()).unwrap();
        Arc::make_mut(&mut namespace).inode = Some(1);
        let gone = NamespaceAccess::of(&namespace, &[std::process::id()]);
        assert!(matches!(gone, Err(AccessError::Gone(_))));
        assert_eq!(
            Entry::process(1, None).path().to_str(),
            Some("/proc/1/ns/net")
        );
    }
}
