//! `run`: starts a program and explains every bind(2) and listen(2) below it that fails, as it fails.
//!
//! Three processes: the one that the shell knows (`front`), below it the `supervisor`, below that the program, with a
//! seccomp filter (`calls`) that it and all that it starts inherit. The filter passes the calls on; the supervisor reads
//! them, carries them out on a duplicate of the socket, and answers. If the kernel refuses, a thread explains it
//! (`explain`) while the caller still waits.
//!
//! If the shell's process is killed, the supervisor goes on, as the kernel would refuse (`ENOSYS`) every later bind
//! below. If the supervisor is killed, the program is ended.

#[cfg(target_os = "linux")]
mod linux;

use std::ffi::OsString;
use std::fs::File;
use std::time::Duration;

#[cfg(target_os = "linux")]
pub use linux::run;

use crate::bind::Claim;

/// What to run, and how.
#[derive(Debug, Default)]
pub struct RunOptions {
    /// The program with its arguments.
    pub command: Vec<OsString>,
    /// How long a bind waits for a port that is in use, before it fails.
    pub wait: Option<Duration>,
    /// The ports to free first, when a bind of the program finds them in use: of what is of this user and project, and was
    /// not started by the program. Empty: every port that it binds. `None`: none.
    pub frees_first: Option<Vec<u16>>,
    /// Variables of the environment with the ports that they name, which are kept until the program binds them.
    pub ports: Vec<(String, Claim)>,
    /// Whether to list at the end what it listened on.
    pub lists: bool,
    /// Where to write JSON lines.
    pub report: Option<File>,
    /// Whether to write nothing to standard error.
    pub is_quiet: bool,
    /// How to write to it.
    pub style: Style,
}

/// How a program ended.
#[derive(Debug)]
pub enum Ended {
    /// With this exit code.
    Code(u8),
    /// It could not be executed (`execve(2)`).
    NotStarted(std::io::Error),
    /// It was ended, as its supervisor was killed: no process below could have bound a port any more.
    WithSupervisor,
}

/// How text for people is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Cells of the terminal; `None` for a file or a pipe, in which no line is broken.
    pub columns: Option<u16>,
    /// Whether the terminal shows colours.
    pub has_colour: bool,
    /// Whether standard error is a terminal: a program may have set it so that a line feed is only that.
    pub is_terminal: bool,
}

/// Runs the program.
///
/// # Errors
/// Always: only Linux passes calls on to another process.
#[cfg(not(target_os = "linux"))]
pub fn run(_: RunOptions) -> std::io::Result<Ended> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "only Linux lets a program's binds be watched",
    ))
}
