//! Which network namespaces the user named, and which of those in a table that means.
//!
//! Names are those of the table: a namespace without a socket that can be seen is not in it.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use crate::filter::nearest;
use crate::model::{Namespace, NamespaceId, NamespaceScope, Pid, Socket, Text, excerpt, listed};
use crate::track::Table;

/// The fewest digits that count as the start of a container's id.
const MIN_ID_DIGITS: usize = 4;

/// The network namespaces that the user named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NamespaceTarget {
    /// The one that this program runs in.
    #[default]
    Own,
    /// Every one.
    All,
    /// That of a running process: the number in `/proc/PID/ns/net`.
    Process {
        /// The process.
        pid: Pid,
        /// The number of its namespace.
        inode: u64,
    },
    /// The one with this name: its own or that of its container or pod; or with this number, or with a container whose
    /// id starts like this; of a recording also the one with a socket of this process.
    Named(Text),
}

/// Why a name means no namespace of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceError {
    /// No namespace has the name.
    Unknown {
        /// The name.
        name: Text,
        /// The names of those that there are.
        known: Vec<Text>,
    },
    /// Several namespaces have it.
    Ambiguous {
        /// The name.
        name: Text,
        /// Each of them, with what sets it apart from the others.
        candidates: Vec<String>,
    },
}

impl NamespaceTarget {
    /// Reads `own`, `all` or a name.
    pub fn parse(text: &str) -> Self {
        match text {
            "own" => Self::Own,
            "all" => Self::All,
            name => Self::Named(Text::new(name)),
        }
    }

    /// The scope, if it is the same in every table.
    pub const fn fixed(&self) -> Option<NamespaceScope> {
        match self {
            Self::Own => Some(NamespaceScope::Own),
            Self::All => Some(NamespaceScope::All),
            Self::Process { .. } | Self::Named(_) => None,
        }
    }

    /// The namespaces in a table.
    ///
    /// # Errors
    /// Those of [`resolve`].
    pub fn in_table(&self, table: &Table) -> Result<NamespaceScope, NamespaceError> {
        let of_process = |name: &str| {
            let pid = name.parse().ok().filter(|_| !name.starts_with('0'));
            let namespace = socket_of(pid?, table)?.namespace.as_ref();
            Some(namespace.map_or(NamespaceScope::Own, |one| NamespaceScope::One(one.id)))
        };
        let namespaces = table.namespaces.iter().map(|(one, _)| one);
        resolve_with(self, namespaces, of_process)
    }
}

/// Finds the named namespace among those of these sockets. The namespace of a running process exists, so if it is not among
/// them, it has no socket: the scope has no rows then.
///
/// # Errors
/// If no namespace has the name, or if several have it.
pub fn resolve(
    target: &NamespaceTarget,
    sockets: &[Socket],
) -> Result<NamespaceScope, NamespaceError> {
    let others = sockets.iter().filter_map(|one| one.namespace.as_ref());
    resolve_with(target, others, |_| None)
}

/// The same among these namespaces, each of which may be there several times, with what the name means as a pid.
fn resolve_with<'a>(
    target: &NamespaceTarget,
    namespaces: impl Iterator<Item = &'a Arc<Namespace>>,
    of_process: impl FnOnce(&str) -> Option<NamespaceScope>,
) -> Result<NamespaceScope, NamespaceError> {
    let mut seen = HashSet::new();
    let namespaces: Vec<_> = namespaces.filter(|one| seen.insert(one.id)).collect();
    let name = match target {
        NamespaceTarget::Own => return Ok(NamespaceScope::Own),
        NamespaceTarget::All => return Ok(NamespaceScope::All),
        NamespaceTarget::Process { inode, .. } => {
            let mut all = namespaces.into_iter();
            let found = all.find(|one| one.inode == Some(*inode));
            let id = found.map_or(NamespaceId::NONE, |one| one.id);
            return Ok(NamespaceScope::One(id));
        }
        NamespaceTarget::Named(name) => name,
    };
    // A name counts more than a number, that more than a pid, and that more than the start of an id.
    let mut exact = [has_name, has_inode].into_iter();
    let found = exact.find_map(|is_meant| only(&namespaces, name, is_meant));
    let found = found.or_else(|| of_process(name).map(Ok));
    let found = found.or_else(|| only(&namespaces, name, has_id));
    found.unwrap_or_else(|| {
        Err(NamespaceError::Unknown {
            name: name.clone(),
            known: namespaces.iter().map(|one| one.name.clone()).collect(),
        })
    })
}

/// The only namespace that a name means in this way; `None` if there is none.
fn only(
    namespaces: &[&Arc<Namespace>],
    name: &Text,
    is_meant: fn(&Namespace, &str) -> bool,
) -> Option<Result<NamespaceScope, NamespaceError>> {
    let mut found = namespaces.iter().filter(|one| is_meant(one, name));
    let first = found.next()?;
    let others: Vec<_> = found.collect();
    if others.is_empty() {
        return Some(Ok(NamespaceScope::One(first.id)));
    }
    let candidates = [first].into_iter().chain(others);
    Some(Err(NamespaceError::Ambiguous {
        name: name.clone(),
        candidates: candidates.map(|one| described(one)).collect(),
    }))
}

/// A socket of this process.
fn socket_of(pid: Pid, table: &Table) -> Option<&Socket> {
    let mut sockets = table.rows.iter().map(|row| &row.socket);
    sockets.find(|socket| {
        let mut processes = socket.owner.processes().iter();
        processes.any(|process| process.pid == pid)
    })
}

fn has_name(namespace: &Namespace, name: &str) -> bool {
    let container = namespace.container.as_deref();
    let names = container.map(|one| [Some(&one.name), one.pod.as_ref()]);
    let mut names = names.into_iter().flatten().flatten();
    *namespace.name == *name || names.any(|one| **one == *name)
}

fn has_inode(namespace: &Namespace, name: &str) -> bool {
    name.parse()
        .is_ok_and(|inode| namespace.inode == Some(inode))
}

fn has_id(namespace: &Namespace, name: &str) -> bool {
    let container = namespace.container.as_deref();
    let id = container.and_then(|container| container.id.as_ref());
    let is_hex = name.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Ids are shown with 12 digits; people paste the whole one.
    let is_start = |id: &Text| {
        let name = name.to_ascii_lowercase();
        id.starts_with(&name) || name.starts_with(&**id) && !id.is_empty()
    };
    is_hex && name.len() >= MIN_ID_DIGITS && id.is_some_and(is_start)
}

/// `web (container 0123456789ab, 4026532254)`.
fn described(namespace: &Namespace) -> String {
    let container = namespace.container.as_deref();
    let id = container.and_then(|container| container.id.as_ref());
    let id = id.map(|id| format!("container {id}"));
    let inode = namespace.inode.map(|inode| inode.to_string());
    let details: Vec<_> = id.into_iter().chain(inode).collect();
    let name = excerpt(&namespace.name);
    if details.is_empty() {
        return name;
    }
    format!("{name} ({})", details.join(", "))
}

impl Display for NamespaceError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, known } => {
                write!(f, "unknown network namespace `{}`", excerpt(name))?;
                if known.is_empty() {
                    return f.write_str(": no other namespace with a socket can be seen");
                }
                let near = nearest(name, known.iter().map(|one| &**one));
                match near {
                    Some(near) => write!(f, "; did you mean `{}`? Those", excerpt(near))?,
                    None => f.write_str("; those")?,
                }
                let known = known.iter().map(|one| excerpt(one));
                write!(f, " with sockets: {}", listed(known))
            }
            Self::Ambiguous { name, candidates } => {
                let candidates = listed(candidates.iter().cloned());
                write!(
                    f,
                    "several network namespaces are named `{}`: {candidates}",
                    excerpt(name)
                )
            }
        }
    }
}

impl std::error::Error for NamespaceError {}

/// Finds the named namespaces in one table after another: a container that was started again has another namespace.
#[derive(Clone, Debug, Default)]
pub struct NamespaceFinder {
    target: NamespaceTarget,
    scope: NamespaceScope,
    /// Whether the scope was found in a table.
    is_found: bool,
    /// Whether the last table no longer has it.
    is_gone: bool,
    /// Whether the last table had no namespace of that name, or several.
    is_missing: bool,
}

impl NamespaceFinder {
    /// Before the first table.
    pub fn new(target: NamespaceTarget) -> Self {
        Self {
            scope: target
                .fixed()
                .unwrap_or(NamespaceScope::One(NamespaceId::NONE)),
            target,
            is_found: false,
            is_gone: false,
            is_missing: false,
        }
    }

    /// Whether the last update was an error.
    pub const fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// The namespaces in the last table; before the namespace was found, none.
    pub const fn scope(&self) -> NamespaceScope {
        self.scope
    }

    /// Finds it in the next table. A namespace that ends stays the scope for the table that lacks it, so that its rows are
    /// seen to close.
    ///
    /// # Errors
    /// Those of [`resolve`], as long as it was never found.
    pub fn update(&mut self, table: &Table) -> Result<(), NamespaceError> {
        if self.target.fixed().is_some() {
            return Ok(());
        }
        let is_there = table
            .namespaces
            .iter()
            .any(|(one, _)| self.scope == NamespaceScope::One(one.id));
        if self.is_found && (is_there || !self.is_gone) {
            self.is_gone = !is_there && self.scope != NamespaceScope::Own;
            return Ok(());
        }
        let found = self.target.in_table(table);
        self.is_missing = found.is_err() && !self.is_found;
        match found {
            Ok(scope) => {
                self.is_found = scope != NamespaceScope::One(NamespaceId::NONE);
                if self.is_found {
                    (self.scope, self.is_gone) = (scope, false);
                }
                Ok(())
            }
            Err(_) if self.is_found => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
#[path = "tests/namespaces.rs"]
mod tests;
