//! Runs tools of the system for what they print, within a time limit.
//!
//! A tool is taken from the folders where distributions install it, before any other. Then the
//! folders of `PATH` are searched (NixOS has all of its tools there), but only where a program of this
//! process's user could not have put something: not in a setuid program, only in folders that are
//! named from the root, and only what belongs to root and is writable by root alone, folder and file.
//! Tools have nothing to read, and are ended when they take too long.

use std::fs::metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, geteuid, getuid, waitid};

/// Where the tools are installed.
const FOLDERS: [&str; 5] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin"];

/// No more than this is read of what a tool prints.
const MOST_BYTES: u64 = 16 << 20;

/// How long the tools of the packet filter may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A tool and its arguments.
pub(in crate::source) type ToolCommand = (&'static str, Vec<String>);

/// What a tool printed: nothing, where it is not installed.
pub(in crate::source) type Printed = Result<Option<Vec<u8>>, String>;

/// What a tool prints; `None` where there is no such tool.
fn run(tool: &str, arguments: &[String]) -> Printed {
    let Some(path) = find(tool) else {
        return Ok(None);
    };
    let mut command = Command::new(path);
    output(tool, command.args(arguments).env_clear(), PATIENCE).map(Some)
}

/// What several tools print that run at the same time, in their order.
pub(in crate::source) fn run_all(commands: &[ToolCommand]) -> Vec<Printed> {
    std::thread::scope(|scope| {
        let running: Vec<_> = commands
            .iter()
            .map(|(tool, arguments)| {
                let builder = std::thread::Builder::new();
                builder.spawn_scoped(scope, move || run(tool, arguments))
            })
            .collect();
        let outcomes = running.into_iter().zip(commands);
        let outcome = |(thread, (tool, arguments)): (std::io::Result<_>, &ToolCommand)| match thread
            .map(std::thread::ScopedJoinHandle::join)
        {
            Ok(Ok(printed)) => printed,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => run(tool, arguments),
        };
        outcomes.map(outcome).collect()
    })
}

/// Where a tool is.
pub(in crate::source) fn find(tool: &str) -> Option<PathBuf> {
    let fixed = FOLDERS.iter().map(|folder| Path::new(folder).join(tool));
    let mut fixed = fixed.filter(|path| path.exists());
    fixed
        .next()
        .or_else(|| along_path(tool, &std::env::var_os("PATH")?))
}

fn along_path(tool: &str, path: &std::ffi::OsStr) -> Option<PathBuf> {
    if getuid() != geteuid() {
        return None;
    }
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute() && belongs_to_root(folder))
        .map(|folder| folder.join(tool))
        .find(|file| belongs_to_root(file))
}

/// Whether root owns a file and no other user may write to it; links are followed.
fn belongs_to_root(path: &Path) -> bool {
    metadata(path).is_ok_and(|of| of.uid() == 0 && of.mode() & 0o022 == 0)
}

/// What a command prints, if it succeeds in time. It has ended and is reaped when this returns.
///
/// # Errors
/// Why there is no answer, in a few words that begin with the tool's name.
pub(in crate::source) fn output(
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
        // The parent reaps it: until then it has its pid.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn along_the_path_only_what_root_alone_can_write_is_found() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("sockeye-path-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let tool = folder.join("sockeye-no-such-tool");
        std::fs::write(&tool, "").unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        let path = std::env::join_paths([Path::new("."), folder.as_path()]).unwrap();
        let found = along_path("sockeye-no-such-tool", &path);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, None, "in a folder that everybody may write to");
        if belongs_to_root(Path::new("/bin/sh")) {
            let path = std::env::join_paths(["bin", "/bin"]).unwrap();
            assert_eq!(along_path("sh", &path), Some("/bin/sh".into()));
        }
    }

    fn shell(script: &str) -> Result<Vec<u8>, String> {
        output("sh", Command::new("/bin/sh").args(["-c", script]), PATIENCE)
    }

    #[test]
    fn what_a_tool_prints_counts_if_it_succeeds() {
        assert_eq!(shell("echo rules"), Ok(b"rules\n".to_vec()));
        let failed = shell("echo half; exit 3").unwrap_err();
        assert_eq!(failed, "sh failed (exit status: 3)");
    }

    #[test]
    fn a_tool_that_does_not_answer_is_ended_and_reaped() {
        let here = format!("sockeye-silent-tool-{}", std::process::id());
        let file = std::env::temp_dir().join(here);
        // One that keeps its output open, and one that closes it and stays.
        for silence in ["exec sleep 600", "exec sleep 600 >&-"] {
            let failed = shell(&format!("echo $$ >'{}'; {silence}", file.display())).unwrap_err();
            assert_eq!(failed, "sh did not answer within 2 s");
            let pid = std::fs::read_to_string(&file).unwrap();
            std::fs::remove_file(&file).unwrap();
            let process = Path::new("/proc").join(pid.trim());
            assert!(!process.exists(), "not even a zombie is left: {silence}");
        }
    }
}
