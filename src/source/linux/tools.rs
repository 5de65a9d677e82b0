//! Runs a tool of the system for what it prints, within a time limit.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Where tools are, before the folders of `PATH`.
const FOLDERS: [&str; 6] = [
    "/usr/sbin",
    "/sbin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/run/current-system/sw/bin",
];

/// No more than this is read of what a tool prints.
const MOST_BYTES: u64 = 16 << 20;

/// The path of a tool, if it is installed.
pub(super) fn find(tool: &str) -> Option<PathBuf> {
    let paths = FOLDERS.iter().map(|folder| Path::new(folder).join(tool));
    paths.into_iter().find(|path| path.exists())
}

/// What a command prints, if it succeeds in time. It has ended and is reaped when this returns.
///
/// # Errors
/// Why there is no answer, in a few words that begin with the tool's name.
pub(super) fn output(
    tool: &str,
    command: &mut Command,
    patience: Duration,
) -> Result<Vec<u8>, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{tool}: {error}"))?;
    let output = child.stdout.take();
    let pid = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let reading = std::thread::Builder::new().spawn(move || {
        let mut text = Vec::new();
        let read = output.map(|output| output.take(MOST_BYTES).read_to_end(&mut text));
        // Only the parent reaps it: until then the pid is its own.
        let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), end), Err(Errno::INTR)) {}
        let _ = sender.send(read.map(|read| read.map(|_| text)));
    });
    let answer = match reading {
        Ok(_) => receiver
            .recv_timeout(patience)
            .map_err(|_| format!("{tool} did not answer within {} s", patience.as_secs())),
        Err(error) => Err(format!("no thread can be started: {error}")),
    };
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("{tool}: {error}"))?;
    match answer? {
        Some(Ok(text)) if status.success() => Ok(text),
        _ => Err(format!("{tool} failed ({status})")),
    }
}
