//! Whether there are descriptors left to look at processes with.
//!
//! Without, every process looks like one that has ended or may not be looked at. So who looks makes sure
//! first, and says what is the matter instead of guessing.

use std::fmt;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{self, Errno};
use rustix::process::{Resource, getrlimit};

/// As many as are open at once: `/proc`, a process's list of descriptors, a file of it, and one to spare
/// for whoever else opens something meanwhile.
const NEEDED: usize = 4;

/// No descriptor is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// For this process, which may have so many (`RLIMIT_NOFILE`).
    Here { limit: Option<u64> },
    /// For anybody on this machine (`fs.file-max`).
    Everywhere,
}

impl Shortage {
    /// The shortage that an error tells of, if it is one.
    pub(crate) fn of(error: Errno) -> Option<Self> {
        match error {
            Errno::MFILE => Some(Self::Here {
                limit: getrlimit(Resource::Nofile).current,
            }),
            Errno::NFILE => Some(Self::Everywhere),
            _ => None,
        }
    }

    /// What would help.
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

/// Makes sure that there is room.
///
/// # Errors
/// When there is not.
pub(crate) fn check() -> Result<(), Shortage> {
    let open = || openat(CWD, c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let opened: io::Result<Vec<_>> = (0..NEEDED).map(|_| open()).collect();
    match opened.map_err(Shortage::of) {
        Err(Some(shortage)) => Err(shortage),
        Ok(_) | Err(None) => Ok(()),
    }
}
