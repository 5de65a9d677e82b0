//! Runs system tools and returns their output, within a time limit.
//!
//! A tool is taken from the folders where distributions install it, including NixOS and Guix, or else from `PATH`,
//! where another user may have put a program of that name. A tool from `PATH` is used only if no one but root and the
//! user of this process can have put it there or can replace it: the path is absolute and has no `..`; each folder and
//! link on the path belongs to root or to this user; no group or other user may write to them, unless the folder is
//! sticky (like the stores of Nix and Guix); the same applies to the file, which must be executable. If root runs this,
//! only root counts. In a setuid or setgid program `PATH` is not used.

use std::ffi::{OsStr, OsString};
use std::fs::{Metadata, read_link, symlink_metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::panic::resume_unwind;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, getegid, geteuid, getgid, getuid, waitid};

/// Where the tools are installed.
const FOLDERS: [&str; 8] = [
    "/usr/sbin",
    "/sbin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/run/current-system/sw/bin",
    "/run/current-system/profile/sbin",
    "/run/current-system/profile/bin",
];

/// The kernel's limit of links in a path.
const MOST_LINKS: usize = 40;

/// The most output to read from a tool.
const MOST_BYTES: u64 = 16 << 20;

/// Time limit for the packet filter tools.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A tool and its arguments.
pub(crate) type ToolCommand = (&'static str, Vec<String>);

/// Runs a tool and returns its output; `None` if it is not installed.
pub(crate) type Printed = Result<Option<Vec<u8>>, String>;

fn run((tool, arguments): &ToolCommand) -> Printed {
    let Some(path) = find(tool) else {
        return Ok(None);
    };
    let mut command = Command::new(path);
    output(tool, command.args(arguments).env_clear(), TIMEOUT).map(Some)
}

/// Runs tools in parallel; returns their outputs in order.
pub(crate) fn run_all(commands: &[ToolCommand]) -> Vec<Printed> {
    std::thread::scope(|scope| {
        let start = |command| Builder::new().spawn_scoped(scope, move || run(command));
        let running: Vec<_> = commands.iter().map(start).collect();
        let running = running.into_iter().zip(commands);
        let printed = running.map(|(thread, command)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // Where no thread can be started, it runs here.
            Err(_) => run(command),
        });
        printed.collect()
    })
}

/// The path of a tool.
pub(crate) fn find(tool: &str) -> Option<PathBuf> {
    let mut fixed = FOLDERS.iter().map(|folder| Path::new(folder).join(tool));
    let on_path = || find_on_path(tool, &std::env::var_os("PATH")?);
    fixed.find(|path| path.exists()).or_else(on_path)
}

/// The first tool with this name in `PATH` that only root and this user can have put there.
fn find_on_path(tool: &str, path: &OsStr) -> Option<PathBuf> {
    if getuid() != geteuid() || getgid() != getegid() {
        return None;
    }
    let mut files = std::env::split_paths(path).map(|folder| folder.join(tool));
    files.find(|file| is_safe(file, geteuid().as_raw()))
}

/// Whether only root and this user can replace the program at a path.
fn is_safe(file: &Path, user: u32) -> bool {
    find_safe(file, user).is_some_and(|found| {
        let mode = found.mode();
        found.is_file() && is_of(&found, user) && mode & 0o022 == 0 && mode & 0o111 != 0
    })
}

/// The file that a path resolves to, if only root and this user can replace every folder and link on it.
fn find_safe(file: &Path, user: u32) -> Option<Metadata> {
    let mut at = PathBuf::from("/");
    let mut found = symlink_metadata(&at).ok()?;
    let mut ahead = names(file)?;
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        // In a sticky folder others can't replace files of root or this user.
        let is_sticky = found.mode() & 0o1000 != 0;
        if !found.is_dir() || !is_of(&found, user) || found.mode() & 0o022 != 0 && !is_sticky {
            return None;
        }
        at.push(name);
        found = symlink_metadata(&at).ok()?;
        if found.is_symlink() {
            links += 1;
            if links > MOST_LINKS || !is_of(&found, user) {
                return None;
            }
            let target = read_link(&at).ok()?;
            at.pop();
            ahead.extend(names(&resolve(at, &target))?);
            at = PathBuf::from("/");
            found = symlink_metadata(&at).ok()?;
        }
    }
    Some(found)
}

/// The target of a link, whose folder has no links in its path.
fn resolve(mut folder: PathBuf, mut target: &Path) -> PathBuf {
    while let Ok(rest) = target.strip_prefix("..") {
        folder.pop();
        target = rest;
    }
    folder.join(target)
}

/// The components of an absolute path, last first; `None` if it is relative or has a `..`.
fn names(file: &Path) -> Option<Vec<OsString>> {
    let name = |part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        _ => None,
    };
    let mut parts = file.components();
    let is_whole = parts.next() == Some(Component::RootDir);
    is_whole.then(|| parts.rev().map(name).collect())?
}

fn is_of(of: &Metadata, user: u32) -> bool {
    of.uid() == 0 || of.uid() == user
}

/// Runs a command without input and returns its output if it succeeds in time. The child is reaped on return.
///
/// # Errors
/// Why there is no output, in a few words that begin with the tool's name.
pub(crate) fn output(
    tool: &str,
    command: &mut Command,
    timeout: Duration,
) -> Result<Vec<u8>, String> {
    let failed = |error| format!("{tool}: {error}");
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
    let output = child.stdout.take();
    let pid = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let reading = Builder::new().spawn(move || {
        let mut text = Vec::new();
        let read = output.map(|output| output.take(MOST_BYTES).read_to_end(&mut text));
        // Does not reap it: the caller's thread does that.
        let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), end), Err(Errno::INTR)) {}
        let _ = sender.send(read.map(|read| read.map(|_| text)));
    });
    let answer = match reading {
        Ok(_) => receiver
            .recv_timeout(timeout)
            .map_err(|_| format!("{tool} did not answer within {} s", timeout.as_secs())),
        Err(error) => Err(format!("no thread can be started: {error}")),
    };
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    match answer? {
        Some(Ok(text)) if status.success() => Ok(text),
        _ => Err(format!("{tool} failed ({status})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders with a tool in them, gone at the end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let place = format!("sockeye-path-{name}-{}", std::process::id());
            // Resolved, as `/tmp` may be a link.
            let place = std::env::temp_dir().canonicalize().unwrap().join(place);
            std::fs::create_dir(&place).unwrap();
            Self(place)
        }

        /// A folder of this mode with a tool of that one in it.
        fn with_tool(&self, folder: &str, folder_mode: u32, tool_mode: u32) -> PathBuf {
            let folder = self.0.join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            let tool = folder.join(TOOL);
            std::fs::write(&tool, "").unwrap();
            set_mode(&tool, tool_mode);
            set_mode(&folder, folder_mode);
            folder
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    const TOOL: &str = "sockeye-no-such-tool";

    fn set_mode(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn found(folder: &Path) -> bool {
        find_on_path(TOOL, folder.as_os_str()) == Some(folder.join(TOOL))
    }

    #[test]
    fn along_the_path_a_tool_counts_that_only_root_and_this_user_can_have_put_there() {
        let place = Place::new("modes");
        let modes = [
            (0o755, 0o755, true),
            (0o555, 0o555, true),
            (0o1777, 0o755, true),
            (0o777, 0o755, false),
            (0o775, 0o755, false),
            (0o755, 0o775, false),
            (0o755, 0o777, false),
            (0o755, 0o644, false),
        ];
        for (folder, tool, expected) in modes {
            let at = place.with_tool(&format!("{folder:o}-{tool:o}"), folder, tool);
            assert_eq!(found(&at), expected, "{folder:o} {tool:o}");
        }
        let good = place.with_tool("good", 0o755, 0o755);
        // What another user put there is not this user's, and not root's but where root has it.
        let is_root = geteuid().is_root();
        assert_eq!(is_safe(&good.join(TOOL), 12_345), is_root);
        let folders = [Path::new(""), Path::new("."), &place.0, &good];
        let path = std::env::join_paths(folders).unwrap();
        assert_eq!(find_on_path(TOOL, &path), Some(good.join(TOOL)));
        let last = good.file_name().unwrap();
        assert!(
            !found(&good.join("..").join(last)),
            "by way of a folder above"
        );
        assert_eq!(find_on_path("sh", OsStr::new("bin")), None, "relative");
    }

    #[test]
    fn links_count_like_the_folders_that_they_lead_through() {
        let place = Place::new("links");
        let link = |to: &str, name: &str| {
            let at = place.0.join(name);
            std::os::unix::fs::symlink(to, &at).unwrap();
            at
        };
        place.with_tool("store/tool/bin", 0o555, 0o555);
        place.with_tool("open/tool/bin", 0o755, 0o755);
        set_mode(&place.0.join("open"), 0o777);
        assert!(!found(&place.0.join("open/tool/bin")));
        assert!(found(&link("store/tool/bin", "profile")));
        assert!(found(&link("profile", "profile-of-profile")));
        assert!(!found(&link("open/tool/bin", "astray")));
        assert!(!found(&link("store/../store/tool/bin", "winding")));
        assert!(!found(&link("circle", "circle")));
        // As a profile has its programs: each a link into the store.
        let profile = place.0.join("bin");
        std::fs::create_dir(&profile).unwrap();
        let to = format!("../store/tool/bin/{TOOL}");
        std::os::unix::fs::symlink(&to, profile.join(TOOL)).unwrap();
        assert!(found(&profile));
        set_mode(&place.0.join("store/tool/bin"), 0o755);
    }

    fn shell(script: &str) -> Result<Vec<u8>, String> {
        output("sh", Command::new("/bin/sh").args(["-c", script]), TIMEOUT)
    }

    #[test]
    fn the_output_of_a_tool_counts_if_it_succeeds() {
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
