//! Reads from `/proc` what matters for ending a process: about itself and its ancestors.
//!
//! Everyone can read `stat`, `status`, `cmdline` and `cgroup` (unless `/proc` is mounted with `hidepid`); `environ`,
//! `cwd` and `exe` require the right to trace the process (`proc(5)`).

use std::fmt::Display;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::model::{Pid, Run, Serving, Text};
use crate::source::linux::scan;
use crate::source::proc_stat::proc_stat;
use crate::source::regular_file::read_regular;

/// The most ancestors to read.
const MAX_DEPTH: usize = 32;

/// Fields of `proc_pid_stat(5)`, `proc_pid_status(5)`, `proc_pid_cmdline(5)` and `proc_pid_cgroup(5)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) comm: String,
    pub(super) state: char,
    /// The controlling terminal's device number; 0 without one.
    pub(super) terminal: u32,
    /// Clock ticks since boot.
    pub(super) started_at_tick: u64,
    /// Its arguments; empty for a kernel thread and a zombie.
    pub(super) argv: Vec<String>,
    /// Real, effective, saved and file-system user.
    pub(super) uids: Vec<u32>,
    pub(super) ignored: u64,
    pub(super) caught: u64,
    pub(super) blocked: u64,
    /// Its pid in each pid namespace from ours inward.
    pub(super) namespace_pids: Vec<u32>,
    /// Path of its control group.
    pub(super) cgroup: String,
}

/// The path of the control group that a process, or `self`, is in; `None` if that can't be read.
pub(crate) fn cgroup_of(process: impl Display) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    Some(cgroup(&text))
}

/// The name of the file that a process runs; `None` if this user may not read it.
pub(super) fn executable_name(pid: Pid) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = path.file_name()?.to_string_lossy();
    Some(name.trim_end_matches(" (deleted)").to_owned())
}

impl Facts {
    /// Reads them; `None` if the process is gone or can't be seen.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let text = |file: &str| {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let stat = proc_stat(pid)?;
        let cmdline = text("cmdline");
        let arguments = cmdline.strip_suffix('\0').unwrap_or(&cmdline);
        let arguments = arguments.split('\0').filter(|_| !arguments.is_empty());
        let mut facts = Self {
            pid,
            parent: stat.parent,
            comm: String::from_utf8_lossy(&stat.name).into_owned(),
            state: stat.state.into(),
            terminal: stat.terminal,
            started_at_tick: stat.started_at_tick,
            argv: arguments.map(str::to_owned).collect(),
            cgroup: cgroup(&text("cgroup")),
            ..Self::default()
        };
        facts.parse_status(&text("status"));
        Some(facts)
    }

    fn parse_status(&mut self, status: &str) {
        let numbers = |name: &str| {
            let words = status_line(status, name).into_iter();
            let words = words.flat_map(str::split_ascii_whitespace);
            words.filter_map(|word| word.parse().ok()).collect()
        };
        let set = |name: &str| status_mask(status, name).unwrap_or(0);
        (self.ignored, self.caught) = (set("SigIgn:"), set("SigCgt:"));
        self.blocked = set("SigBlk:");
        self.uids = numbers("Uid:");
        self.namespace_pids = numbers("NSpid:");
    }

    /// Base name of the program, from its first argument.
    pub(super) fn program(&self) -> &str {
        // A login shell's begins with a hyphen.
        let name = base_name(self.title());
        let name = name.strip_prefix('-').unwrap_or(name);
        if name.is_empty() { &self.comm } else { name }
    }

    /// Base name of a script that the program interprets: its first argument that is not an option.
    pub(super) fn script(&self) -> Option<&str> {
        let script = self.argv.iter().skip(1).find(|one| !one.starts_with('-'))?;
        Some(base_name(script))
    }

    /// The whole first argument; some daemons write a title there.
    pub(super) fn title(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    pub(super) fn has_argument(&self, word: &str) -> bool {
        self.any_argument(|argument| argument == word)
    }

    pub(super) fn any_argument(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.argv.iter().any(|argument| is_meant(argument))
    }

    /// The value of the first of these options: the next argument, or what follows `=` or a single letter.
    pub(super) fn option(&self, names: &[&str]) -> Option<&str> {
        let mut arguments = self.argv.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            for name in names {
                let Some(rest) = argument.strip_prefix(name) else {
                    continue;
                };
                if rest.is_empty() {
                    return arguments.next();
                }
                let value = rest.strip_prefix('=').or((name.len() == 2).then_some(rest));
                if value.is_some() {
                    return value;
                }
            }
        }
        None
    }

    pub(super) fn uid(&self) -> Option<u32> {
        self.uids.get(1).or(self.uids.first()).copied()
    }

    /// The user that it runs as; `None` if its user ids differ (set-user-ID).
    pub(super) fn only_uid(&self) -> Option<u32> {
        let (&first, others) = self.uids.split_first()?;
        others.iter().all(|&uid| uid == first).then_some(first)
    }

    /// The real user: a set-user-ID root program still acts for the user who started it. `None` if `status` can't be
    /// read.
    pub(super) fn acts_for(&self) -> Option<u32> {
        let other = self.uids.iter().find(|&&uid| uid != 0);
        other.or(self.uids.first()).copied()
    }

    /// Whether it is the first process of a pid namespace other than ours.
    pub(super) fn is_init(&self) -> bool {
        self.namespace_pids.len() > 1 && self.namespace_pids.last() == Some(&1)
    }

    pub(super) fn run(&self) -> Run {
        match self.state {
            'T' => Run::Stopped,
            't' => Run::Traced,
            'D' => Run::Uninterruptible,
            _ => Run::Running,
        }
    }

    /// The process as one short text: `node server.js`.
    pub(super) fn name(&self) -> Text {
        match self.script() {
            Some(script) if self.is_interpreter() && !self.runs_text() => {
                Text::new(&format!("{} {script}", self.program()))
            }
            _ if self.title().contains(": ") && !self.runs_text() => Text::new(&self.comm),
            _ => Text::new(self.program()),
        }
    }
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A process with its name, if it exists.
pub(crate) fn serving(pid: Pid) -> Option<Serving> {
    let name = Facts::of(pid)?.name();
    Some(Serving { pid, name })
}

/// The pids of all visible processes.
pub(super) fn all_pids() -> impl Iterator<Item = Pid> {
    let pids = scan::open_proc().and_then(|proc| scan::pids(&proc));
    pids.unwrap_or_default().into_iter()
}

/// A process and its ancestors, up to the first process.
pub(super) fn line_of(pid: Pid) -> Vec<Facts> {
    let mut line: Vec<Facts> = Vec::new();
    let mut next = pid;
    while next != 0 && line.len() < MAX_DEPTH {
        // Parents are not read atomically, so they could form a cycle.
        let is_new = line.iter().all(|one| one.pid != next);
        let Some(facts) = Facts::of(next).filter(|_| is_new) else {
            break;
        };
        next = facts.parent;
        line.push(facts);
    }
    line
}

/// A variable of a process's initial environment; also `None` if it can't be read.
pub(super) fn variable_of(pid: Pid, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environment.split(|&byte| byte == 0);
    let value = variables.find_map(|one| one.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

/// The children of a process (`proc_pid_task_tid_children(5)`); if the kernel has no such file, they are found by
/// parent.
pub(super) fn children_of(pid: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let texts = tasks.map(|task| fs::read_to_string(task.path().join("children")));
    if let Ok(text) = texts.collect::<Result<String, _>>() {
        let pids = text.split_ascii_whitespace();
        return pids.filter_map(|pid| pid.parse().ok()).collect();
    }
    let is_child = |one: &Pid| proc_stat(*one).is_some_and(|found| found.parent == pid);
    all_pids().filter(is_child).collect()
}

/// Reads a regular file, at most one byte more than `most`; returns its bytes and owner.
pub(super) fn read_file(path: &Path, most: u64) -> Option<(Vec<u8>, u32)> {
    let (bytes, metadata) = read_regular(path, most)?;
    Some((bytes, metadata.uid()))
}

fn status_line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

/// A hexadecimal set of signals behind a name.
pub(super) fn status_mask(text: &str, name: &str) -> Option<u64> {
    u64::from_str_radix(status_line(text, name)?.trim(), 16).ok()
}

/// A process's group in the cgroup 2 tree or systemd's tree, or else its longest path: on a system with cgroup 1 the
/// cgroup 2 tree may be unused.
pub(crate) fn cgroup(file: &str) -> String {
    let fields = file.lines().filter_map(|line| line.split_once(':'));
    let fields = fields.filter_map(|(_, fields)| fields.split_once(':'));
    let paths: Vec<(&str, &str)> = fields.filter(|(_, path)| *path != "/").collect();
    let of = |wanted: &str| paths.iter().find(|(controllers, _)| *controllers == wanted);
    let longest = || paths.iter().max_by_key(|(_, path)| path.len());
    let found = of("").or_else(|| of("name=systemd")).or_else(longest);
    found.map_or("/", |(_, path)| path).to_owned()
}

#[cfg(test)]
impl Facts {
    /// A process of root with this command.
    pub(super) fn of_command(command: &str) -> Self {
        let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
        Self {
            pid: 812,
            comm: base_name(&argv[0]).chars().take(15).collect(),
            argv,
            uids: vec![0; 4],
            namespace_pids: vec![812],
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_sets_and_users_are_read() {
        let mut facts = Facts::default();
        let status = "Name:\tx\nUid:\t1000\t1001\t0\t0\nNSpid:\t812\t1\nSigBlk:\t0000000000004000\n\
                      SigIgn:\t0000000000001000\nSigCgt:\t0000000000000002\n";
        facts.parse_status(status);
        assert_eq!(
            (facts.uid(), facts.namespace_pids.as_slice()),
            (Some(1001), &[812, 1][..])
        );
        assert_eq!(
            (facts.blocked, facts.ignored, facts.caught),
            (0x4000, 0x1000, 2)
        );
    }

    #[test]
    fn the_group_that_says_most_counts() {
        assert_eq!(
            cgroup("0::/system.slice/nginx.service\n"),
            "/system.slice/nginx.service"
        );
        let hybrid = "3:memory:/docker/ab\n1:name=systemd:/system.slice/x.service\n0::/\n";
        assert_eq!(cgroup(hybrid), "/system.slice/x.service");
        assert_eq!(
            cgroup("9:name=systemd:/\n3:memory:/docker/ab\n0::/\n"),
            "/docker/ab"
        );
        assert_eq!(cgroup("0::/\n"), "/");
        assert_eq!(cgroup(""), "/");
    }

    #[test]
    fn a_process_is_named_by_its_script() {
        let facts = |argv: &[&str]| Facts {
            comm: "MainThread".into(),
            argv: argv.iter().map(|&one| one.to_owned()).collect(),
            ..Facts::default()
        };
        let name = |argv: &[&str]| facts(argv).name().to_string();
        assert_eq!(name(&["/usr/bin/node", "/srv/server.js"]), "node server.js");
        assert_eq!(
            name(&["python3.11", "-u", "pg.py", "x"]),
            "python3.11 pg.py"
        );
        assert_eq!(name(&["-bash"]), "bash");
        assert_eq!(name(&["nginx: master process nginx"]), "MainThread");
    }
}
