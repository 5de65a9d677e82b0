//! What takes system calls that no safe crate has: small programs in C, built when they are asked
//! for. Rust links by the same compiler, so it is there.

use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Builds `NAME.c` of this folder, under a name of this process's own until it is whole.
pub fn helper(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/bind/helpers/{name}.c"));
    let (built, building) = (
        folder.join(name),
        folder.join(format!("{name}-{}", std::process::id())),
    );
    let output = Command::new("cc")
        .args(["-O1", "-o"])
        .arg(&building)
        .arg(&source)
        .arg("-lpthread")
        .output()
        .expect("cc starts");
    assert!(output.status.success(), "{output:?}");
    std::fs::rename(building, &built).expect("both are in one folder");
    built
}
