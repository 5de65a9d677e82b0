//! What a process executes: its arguments, its executable and its folder.
//!
//! On Linux from `/proc` itself: sysinfo leaves empty arguments out. None of it is cut; the kernel has
//! no limit of its own since 4.2, and takes no more than 6 MiB from `execve(2)`. Executable and folder
//! are links that only the process's own user and root may read.

use crate::model::{Pid, Process, ProgramFacts, Text};

/// The arguments of a process, as bytes.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Arguments {
    words: Vec<Vec<u8>>,
    /// Whether more was there.
    is_truncated: bool,
}

/// The links of a process.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Links {
    executable: Option<Vec<u8>>,
    folder: Option<Vec<u8>>,
}

/// How many files are read for the links.
pub(super) const LINKS: u64 = 2;

/// More arguments than the kernel takes are only those of a process that points it elsewhere
/// (`PR_SET_MM_ARG_END` of `prctl(2)`).
#[cfg(target_os = "linux")]
const MAX_BYTES: u64 = 8 << 20;

/// So many empty arguments at the end are what a title left of the others.
#[cfg(target_os = "linux")]
const REMAINS: usize = 3;

impl Arguments {
    /// Reads them; none if the process has ended, is a thread of the kernel or can't be read.
    #[cfg(target_os = "linux")]
    pub(super) fn read(pid: Pid, _: &sysinfo::Process) -> Self {
        let file = std::fs::File::open(format!("/proc/{pid}/cmdline"));
        file.and_then(Self::read_from).unwrap_or_default()
    }

    #[cfg(target_os = "linux")]
    fn read_from(file: impl std::io::Read) -> std::io::Result<Self> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        // One more tells whether there is more.
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        let max = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
        let is_truncated = bytes.len() > max;
        bytes.truncate(max);
        let words = Self::parse(&bytes);
        Ok(Self {
            words,
            is_truncated,
        })
    }

    /// Those that sysinfo read.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn read(_: Pid, found: &sysinfo::Process) -> Self {
        let arguments = found.cmd().iter();
        let words = arguments.map(|one| one.as_encoded_bytes().to_vec());
        Self {
            words: words.collect(),
            is_truncated: false,
        }
    }

    /// Each ends in a NUL. A title over them (`setproctitle(3)`) is one argument, and the rest is empty.
    #[cfg(target_os = "linux")]
    fn parse(bytes: &[u8]) -> Vec<Vec<u8>> {
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        if bytes.is_empty() {
            return Vec::new();
        }
        let mut arguments: Vec<_> = bytes.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
        let used = arguments.iter().rposition(|one| !one.is_empty());
        let used = used.map_or(0, |last| last + 1);
        let is_title = arguments[0].contains(&b' ');
        if is_title || arguments.len() - used >= REMAINS {
            arguments.truncate(used.max(1));
        }
        arguments
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

impl Links {
    /// Reads them, each if that is allowed.
    #[cfg(target_os = "linux")]
    pub(super) fn read(pid: Pid, _: &sysinfo::Process) -> Self {
        use std::os::unix::ffi::OsStringExt as _;
        let read = |name| {
            let path = std::fs::read_link(format!("/proc/{pid}/{name}")).ok()?;
            Some(path.into_os_string().into_vec())
        };
        Self {
            executable: read("exe"),
            folder: read("cwd"),
        }
    }

    /// Those that sysinfo read.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn read(_: Pid, found: &sysinfo::Process) -> Self {
        let bytes = |path: &std::path::Path| path.as_os_str().as_encoded_bytes().to_vec();
        Self {
            executable: found.exe().map(bytes),
            folder: found.cwd().map(bytes),
        }
    }
}

/// The record of a process by that name of the kernel that executes this.
pub(super) fn process(pid: Pid, comm: &[u8], arguments: &Arguments, links: &Links) -> Process {
    let comm = String::from_utf8_lossy(comm);
    let argv = arguments
        .words
        .iter()
        .map(|one| String::from_utf8_lossy(one));
    let argv: Vec<_> = argv.collect();
    let words: Vec<&str> = argv.iter().map(|one| &**one).collect();
    let executable = links.executable.as_deref().map(String::from_utf8_lossy);
    let facts = ProgramFacts {
        comm: &comm,
        executable: executable.as_deref(),
        argv: &words,
    };
    let joined = words.join(" ");
    Process {
        comm: Text::new(&comm),
        executable: executable
            .as_deref()
            .map(|path| Text::new(without_note(path))),
        command: (!joined.is_empty()).then(|| Text::new(&joined)),
        argv: (!words.is_empty()).then(|| words.iter().map(|one| Text::whole(one)).collect()),
        is_argv_truncated: arguments.is_truncated,
        cwd: links.folder.as_deref().map(Text::from_bytes),
        ..Process::new(pid, facts.name().as_str())
    }
}

/// The path without the kernel's note that no file is there any more.
fn without_note(path: &str) -> &str {
    path.strip_suffix(" (deleted)").unwrap_or(path)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Vec<String> {
        let arguments = Arguments::parse(bytes);
        let text = |one: &Vec<u8>| String::from_utf8_lossy(one).into_owned();
        arguments.iter().map(text).collect()
    }

    #[test]
    fn arguments_that_lack_their_end_say_so() {
        use std::io::Read as _;
        let of_length = |length| {
            let file = std::io::repeat(b'x').take(length);
            let read = Arguments::read_from(file).unwrap();
            let words: u64 = read.words.iter().map(|word| word.len() as u64).sum();
            (words, read.is_truncated)
        };
        assert_eq!(of_length(MAX_BYTES), (MAX_BYTES, false));
        assert_eq!(of_length(MAX_BYTES + 1), (MAX_BYTES, true));
    }

    #[test]
    fn every_argument_counts_and_what_a_title_left_does_not() {
        assert_eq!(parsed(b"a\0\0b c\0\0"), ["a", "", "b c", ""]);
        assert_eq!(
            parsed(b"nginx: worker process\0\0\0\0\0"),
            ["nginx: worker process"]
        );
        assert_eq!(parsed(b"postgres: a b \0\0"), ["postgres: a b "]);
        assert_eq!(parsed(b"web\0\0\0\0\0\0"), ["web"]);
        assert_eq!(parsed(b"no end"), ["no end"]);
        assert_eq!(parsed(b"\0"), [] as [&str; 0]);
        assert_eq!(parsed(b""), [] as [&str; 0]);
    }
}
