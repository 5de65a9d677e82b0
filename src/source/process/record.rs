//! The record of a process, and the sources that it is made of.
//!
//! What it executes comes from `/proc` itself on Linux: sysinfo leaves empty arguments out. Arguments are not truncated;
//! since 4.2 the kernel doesn't truncate them either, and `execve(2)` accepts 6 MiB at most.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::provenance::{Place, Provenance};
use crate::model::{Pid, Process, ProgramFacts, Text};
use crate::source::users::Users;

/// How many files are read for the links, that of the mount namespace included.
pub(super) const LINKS: u64 = 3;

/// More than `execve(2)` accepts: only a process that moved its arguments (`PR_SET_MM_ARG_END` of `prctl(2)`) has more.
#[cfg(target_os = "linux")]
const MAX_BYTES: u64 = 8 << 20;

/// With this many empty arguments at the end, a title has overwritten the others.
#[cfg(target_os = "linux")]
const REMAINS: usize = 3;

/// The sources of a record besides links.
pub(super) struct RecordSources<'a> {
    pub(super) pid: Pid,
    pub(super) comm: &'a [u8],
    pub(super) started_at_tick: Option<u64>,
    pub(super) session: Option<u32>,
    pub(super) found: &'a sysinfo::Process,
    pub(super) arguments: Arguments,
}

impl RecordSources<'_> {
    /// The record, in place of the former one of the pid.
    pub(super) fn record(
        &self,
        former: Option<&Process>,
        users: &mut Users,
        provenance: &mut Provenance,
    ) -> Process {
        let (found, comm) = (self.found, lossy(self.comm));
        let [executable, folder] = links(self.pid, found);
        let executable = executable.as_deref();
        let words: Vec<&str> = self.arguments.words.iter().map(String::as_str).collect();
        let joined = words.join(" ");
        let facts = ProgramFacts {
            comm: &comm,
            executable,
            argv: &words,
        };
        #[cfg(unix)]
        let uid = found
            .effective_user_id()
            .or(found.user_id())
            .map(|uid| **uid);
        #[cfg(not(unix))]
        let uid = None;
        let place = folder.as_deref();
        let place = place.map(|folder| Place::of(self.pid, uid, folder, facts.script()));
        let started_at = i64::try_from(found.start_time()).ok();
        let place = place.map(|place| provenance.place(self.pid, place));
        let place = place.unwrap_or_default();
        let record = Process {
            comm: Text::new(&comm),
            // The kernel marks a deleted file.
            executable: executable
                .map(|path| Text::new(path.strip_suffix(" (deleted)").unwrap_or(path))),
            command: (!joined.is_empty()).then(|| Text::new(&joined)),
            argv: (!words.is_empty()).then(|| words.iter().map(|one| Text::whole(one)).collect()),
            is_argv_truncated: self.arguments.is_truncated,
            cwd: folder.as_deref().map(Text::new),
            project: place.project,
            branch: place.branch,
            worktree: place.worktree,
            session: self.session,
            parent: found.parent().map(sysinfo::Pid::as_u32),
            started_at: started_at.and_then(|second| Timestamp::from_second(second).ok()),
            started_at_tick: self.started_at_tick,
            user: users.of_process(found),
            uid,
            ..Process::new(self.pid, facts.name().as_str())
        };
        continued(former, record)
    }

    pub(super) fn fingerprint(&self) -> u64 {
        let (found, mut hasher) = (self.found, DefaultHasher::new());
        (
            self.comm,
            self.started_at_tick,
            self.session,
            &self.arguments,
        )
            .hash(&mut hasher);
        (found.parent(), found.start_time()).hash(&mut hasher);
        (found.user_id(), found.effective_user_id()).hash(&mut hasher);
        hasher.finish()
    }
}

/// The record with what stays as it was: what started the process, which is decided later from such records, and the
/// arguments of one that has ended.
fn continued(former: Option<&Process>, record: Process) -> Process {
    let Some(former) = former.filter(|former| former.is_same(&record)) else {
        return record;
    };
    let has_lost_arguments =
        record.argv.is_none() && former.argv.is_some() && former.comm == record.comm;
    if has_lost_arguments {
        return Process {
            parent: record.parent,
            user: record.user,
            uid: record.uid,
            ..former.clone()
        };
    }
    Process {
        started_by: former.started_by.clone(),
        left_over: former.left_over,
        ..record
    }
}

/// The arguments of a process.
#[derive(Default, Hash)]
pub(super) struct Arguments {
    pub(super) words: Vec<String>,
    /// Whether there were more.
    pub(super) is_truncated: bool,
}

impl Arguments {
    /// Reads them; none if the process has ended, is a kernel thread or can't be read.
    #[cfg(target_os = "linux")]
    pub(super) fn read(pid: Pid, _: &sysinfo::Process) -> Self {
        let file = std::fs::File::open(format!("/proc/{pid}/cmdline"));
        file.and_then(Self::read_from).unwrap_or_default()
    }

    /// Removes the last arguments until no more than this many bytes are left; the first one always stays.
    #[cfg(target_os = "linux")]
    pub(super) fn shorten(&mut self, max_bytes: usize) {
        let mut bytes: usize = self.words.iter().map(String::len).sum();
        while bytes > max_bytes
            && self.words.len() > 1
            && let Some(last) = self.words.pop()
        {
            bytes -= last.len();
            self.is_truncated = true;
        }
        if let [only] = &mut self.words[..]
            && only.len() > max_bytes
        {
            only.truncate(only.floor_char_boundary(max_bytes));
            self.is_truncated = true;
        }
    }

    #[cfg(target_os = "linux")]
    pub(super) fn read_from(file: impl std::io::Read) -> std::io::Result<Self> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        // One extra byte shows whether there are more.
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        let max = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
        let is_truncated = bytes.len() > max;
        bytes.truncate(max);
        Ok(Self {
            words: Self::parse(&bytes),
            is_truncated,
        })
    }

    /// Those that sysinfo read.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn read(_: Pid, found: &sysinfo::Process) -> Self {
        let arguments = found.cmd().iter();
        Self {
            words: arguments.map(|one| lossy(one.as_encoded_bytes())).collect(),
            is_truncated: false,
        }
    }

    /// Each ends in a NUL. A title written over them (`setproctitle(3)`) is one argument, followed by empty ones.
    #[cfg(target_os = "linux")]
    fn parse(bytes: &[u8]) -> Vec<String> {
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        if bytes.is_empty() {
            return Vec::new();
        }
        let mut arguments: Vec<_> = bytes.split(|&byte| byte == 0).map(lossy).collect();
        let used = arguments.iter().rposition(|one| !one.is_empty());
        let used = used.map_or(0, |last| last + 1);
        let is_title = arguments[0].contains(' ');
        if is_title || arguments.len() - used >= REMAINS {
            arguments.truncate(used.max(1));
        }
        arguments
    }
}

/// The executable and the folder: links that only the process's user and root can read.
#[cfg(target_os = "linux")]
fn links(pid: Pid, _: &sysinfo::Process) -> [Option<String>; 2] {
    ["exe", "cwd"].map(|name| {
        let path = std::fs::read_link(format!("/proc/{pid}/{name}")).ok()?;
        Some(lossy(path.as_os_str().as_encoded_bytes()))
    })
}

/// Those that sysinfo read.
#[cfg(not(target_os = "linux"))]
fn links(_: Pid, found: &sysinfo::Process) -> [Option<String>; 2] {
    [found.exe(), found.cwd()].map(|path| Some(lossy(path?.as_os_str().as_encoded_bytes())))
}

pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Vec<String> {
        Arguments::parse(bytes)
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
