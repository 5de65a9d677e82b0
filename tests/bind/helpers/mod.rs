//! The programs in C of these tests, and what they put others into.

use std::path::PathBuf;
use std::process::Command;

use crate::program::built;

/// What the program may not do.
#[derive(Clone, Copy, Debug)]
pub enum Cage {
    /// Bind a TCP port (Landlock).
    Landlock,
    /// Bind at all (seccomp, as a BPF program of a control group answers).
    NoBind,
    /// Open a netlink socket (seccomp).
    NoNetlink,
}

impl Cage {
    /// The command that runs `program` in it.
    pub fn command(self, program: &str) -> Command {
        let mode = match self {
            Self::Landlock => "landlock",
            Self::NoBind => "no-bind",
            Self::NoNetlink => "no-netlink",
        };
        let mut command = Command::new(helper("cage"));
        command.args([mode, program]);
        command
    }
}

/// The program `NAME.c` of this folder.
pub fn helper(name: &str) -> PathBuf {
    built(&format!("bind/helpers/{name}.c"))
}
