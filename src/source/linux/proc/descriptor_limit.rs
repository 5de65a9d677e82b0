//! Whether descriptors are left to read other processes with. Without any, every process looks as if it had ended or were
//! unreadable, so this is checked first.

use std::fmt;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{self, Errno};
use rustix::process::{Resource, getrlimit};

/// How many are open at once: `/proc`, a process's list of descriptors, a file of it, and one for other threads.
const NEEDED: usize = 4;

/// No descriptor is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// For this process, by its limit (`RLIMIT_NOFILE`).
    Here { limit: Option<u64> },
    /// For any process on this machine (`fs.file-max`).
    Everywhere,
}

impl Shortage {
    /// The shortage that an error means, if any.
    pub(crate) fn of(error: Errno) -> Option<Self> {
        match error {
            Errno::MFILE => Some(Self::Here {
                limit: getrlimit(Resource::Nofile).current,
            }),
            Errno::NFILE => Some(Self::Everywhere),
            _ => None,
        }
    }

    /// The fix.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Here { .. } => "raise it with ulimit -n",
            Self::Everywhere => "raise fs.file-max",
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here { limit: Some(limit) } => write!(f, "no descriptor is left (limit {limit})"),
            Self::Here { limit: None } => f.write_str("no descriptor is left"),
            Self::Everywhere => f.write_str("the machine has no descriptor left"),
        }
    }
}

/// Fails unless enough are left.
pub(crate) fn check() -> Result<(), Shortage> {
    let open = || openat(CWD, c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let opened: io::Result<Vec<_>> = (0..NEEDED).map(|_| open()).collect();
    opened.err().and_then(Shortage::of).map_or(Ok(()), Err)
}
