//! The evidence about the name of one unix socket: a file, or an abstract name.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Gap, GapCode, Holder, Limits, Moment, Pid, Process, Text, UnixKind};

/// What a unix socket is bound to (`unix(7)`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UnixAddress {
    /// A file, which exists until it is removed.
    Path(String),
    /// A name of the network namespace, which ends with the socket; without its leading NUL.
    Abstract(String),
}

impl fmt::Display for UnixAddress {
    /// As in `ss`: an abstract name begins with `@`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => Text::new(path).fmt(f),
            Self::Abstract(name) => write!(f, "@{}", Text::new(name)),
        }
    }
}

/// A unix socket that was bound to the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixHolder {
    /// Which kind of socket it is.
    pub kind: UnixKind,
    /// Whether it listens; of a datagram socket never.
    pub is_listening: bool,
    /// Whether the file that it was bound to is not the one at the path now.
    pub is_cut_off: bool,
    /// Inode, uid, owner, unit, queue and background of the owner. Its address is meaningless.
    pub holder: Holder,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtPath {
    /// Nothing, and whether a file can be created there.
    Nothing(Folder),
    /// The file of a socket.
    Socket(SocketFile),
    /// Something else: `a regular file`.
    Other(&'static str),
    /// A symbolic link to nothing.
    DanglingLink,
    /// It can't be seen, with this error.
    Unseen(String),
}

/// Whether a file can be created in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folder {
    /// Yes.
    Writable,
    /// There is no such folder.
    Missing,
    /// A part of its path is not a folder.
    NotAFolder,
    /// This user may not write or enter there.
    Denied,
    /// Its file system is read-only.
    ReadOnly,
    /// It fails with this error.
    Failed(String),
}

/// The file of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFile {
    /// Its user: mostly the one who bound it.
    pub user: Option<Text>,
    /// When it was bound.
    pub made_at: Option<Timestamp>,
    /// Whether this user may remove it.
    pub is_removable: bool,
}

/// The result of a connect by a datagram socket. No server notices it: servers of another type are not even reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connected {
    /// Some socket is bound to it.
    Bound,
    /// No socket is bound to it.
    Refused,
    /// It can't be determined, with this error.
    Unknown(String),
}

/// All evidence about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixEvidence {
    /// When the table was read.
    pub taken_at: Moment,
    /// What is at the path; `None` for an abstract name.
    pub at_path: Option<AtPath>,
    /// The result of a connect to the file, where there is one.
    pub connected: Option<Connected>,
    /// The result of a bind of the abstract name: `ok` or the error.
    pub bound: Option<String>,
    /// The sockets of this network namespace that were bound to the name, those that listen first.
    pub holders: Vec<UnixHolder>,
    /// Their owners and the ancestors of those.
    pub processes: HashMap<Pid, Arc<Process>>,
    /// Relevant rights and folders.
    pub limits: Limits,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

impl UnixEvidence {
    /// Whether the table and the kernel's answer agree. They don't where the name was taken or released between
    /// the two.
    pub fn is_consistent(&self) -> bool {
        if self.gaps.iter().any(|gap| gap.code == GapCode::Table) {
            return true;
        }
        let mut reached = self.holders.iter().filter(|one| !one.is_cut_off);
        match (&self.connected, self.bound.as_deref()) {
            (Some(Connected::Refused), _) => reached.next().is_none(),
            // A name for streams alone, as the bind was of one.
            (_, Some("ok")) => !reached.any(|one| one.kind == UnixKind::Stream),
            (_, Some("EADDRINUSE")) => reached.any(|one| one.kind == UnixKind::Stream),
            _ => true,
        }
    }
}
