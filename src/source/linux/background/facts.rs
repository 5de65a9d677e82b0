//! What `/proc` says of a process and its ancestors, as far as it decides about ending it.
//!
//! `stat`, `status`, `cmdline` and `cgroup` may be read by everyone (unless `/proc` is mounted with
//! `hidepid`); `environ`, `cwd` and `exe` take the right to trace the process (`proc(5)`).

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::super::scan;
use crate::model::{Pid, Run, Text};
use crate::source::proc_stat::proc_stat;

/// How far up ancestors are read.
const MAX_DEPTH: usize = 32;

/// Fields of `proc_pid_stat(5)`, `proc_pid_status(5)`, `proc_pid_cmdline(5)` and `proc_pid_cgroup(5)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) comm: String,
    pub(super) state: char,
    pub(super) session: Pid,
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

impl Facts {
    /// Reads them; `None` if the process is gone or a zombie, or can't be seen.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).ok();
        let mut facts = Self {
            pid,
            ..Self::default()
        };
        facts.parse_stat(&read("stat")?)?;
        facts.argv = arguments(&read("cmdline").unwrap_or_default());
        facts.parse_status(&String::from_utf8_lossy(
            &read("status").unwrap_or_default(),
        ));
        facts.cgroup = cgroup(&String::from_utf8_lossy(
            &read("cgroup").unwrap_or_default(),
        ));
        Some(facts)
    }

    /// `PID (NAME) STATE PARENT GROUP SESSION TERMINAL … START`: the name may hold anything.
    fn parse_stat(&mut self, line: &[u8]) -> Option<()> {
        let line = String::from_utf8_lossy(line);
        let (head, rest) = line.rsplit_once(')')?;
        head.split_once('(')?.1.clone_into(&mut self.comm);
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
        self.state = fields.first()?.chars().next()?;
        self.parent = number(1)?.try_into().ok()?;
        self.session = number(3)?.try_into().unwrap_or(0);
        self.terminal = number(4)?.try_into().unwrap_or(0);
        self.started_at_tick = number(19)?.try_into().ok()?;
        Some(())
    }

    fn parse_status(&mut self, status: &str) {
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().split_ascii_whitespace()
        };
        let set = |name: &str| {
            let first = line(name).next().unwrap_or_default();
            u64::from_str_radix(first, 16).unwrap_or(0)
        };
        let numbers = |name: &str| line(name).filter_map(|word| word.parse().ok()).collect();
        (self.ignored, self.caught) = (set("SigIgn:"), set("SigCgt:"));
        self.blocked = set("SigBlk:");
        self.uids = numbers("Uid:");
        self.namespace_pids = numbers("NSpid:");
    }

    /// Base name of the program: of its first argument, as its owner started it.
    pub(super) fn program(&self) -> &str {
        let first = self.argv.first().map_or(self.comm.as_str(), String::as_str);
        let name = first.rsplit('/').next().unwrap_or(first);
        // A login shell's begins with a hyphen.
        let name = name.strip_prefix('-').unwrap_or(name);
        if name.is_empty() { &self.comm } else { name }
    }

    /// Base name of a script that the program interprets: its first argument that is no option.
    pub(super) fn script(&self) -> Option<&str> {
        let script = self.argv.iter().skip(1).find(|one| !one.starts_with('-'))?;
        script.rsplit('/').next()
    }

    /// The whole first argument, which some daemons write a title to.
    pub(super) fn title(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    pub(super) fn uid(&self) -> Option<u32> {
        self.uids.get(1).or(self.uids.first()).copied()
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
        let runs_text = self
            .argv
            .iter()
            .any(|one| matches!(one.as_str(), "-c" | "-e" | "--eval"));
        match self.script() {
            // Its first argument is a whole program.
            Some(_) if runs_text => Text::new(self.program()),
            Some(script) if is_interpreter(self.program()) => {
                Text::new(&format!("{} {script}", self.program()))
            }
            _ if self.title().contains(": ") => Text::new(&self.comm),
            _ => Text::new(self.program()),
        }
    }
}

/// Whether a program is known for running scripts.
pub(super) fn is_interpreter(program: &str) -> bool {
    const NAMES: [&str; 9] = [
        "python", "node", "nodejs", "ruby", "perl", "php", "bash", "sh", "dash",
    ];
    let stem = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    NAMES.contains(&stem)
}

/// A process and its ancestors, up to the first process.
pub(super) fn line_of(pid: Pid) -> Vec<Facts> {
    let mut line: Vec<Facts> = Vec::new();
    let mut next = pid;
    while next != 0 && line.len() < MAX_DEPTH {
        let Some(facts) = Facts::of(next) else { break };
        // Parents are not read at one instant: they could form a ring.
        if line.iter().any(|one| one.pid == next) {
            break;
        }
        next = facts.parent;
        line.push(facts);
    }
    line
}

/// The environment that a process was started with; `None` where it may not be read.
pub(super) struct Environment(Vec<u8>);

impl Environment {
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
        Some(Self(bytes))
    }

    /// The value of a variable.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let mut variables = self.0.split(|&byte| byte == 0);
        let value = variables.find_map(|variable| {
            let rest = variable.strip_prefix(name.as_bytes())?;
            rest.strip_prefix(b"=")
        })?;
        String::from_utf8(value.to_vec()).ok()
    }
}

/// The folder that a process runs in.
pub(super) fn folder_of(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Base name of the file that a process executes.
pub(super) fn executable_of(pid: Pid) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    Some(name.trim_end_matches(" (deleted)").to_owned())
}

/// The children of a process (`proc_pid_task_tid_children(5)`). Where the kernel has no such file they
/// are found by their parent.
pub(super) fn children_of(pid: Pid) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut children = Vec::new();
    for task in tasks.flatten() {
        let Ok(text) = fs::read_to_string(task.path().join("children")) else {
            return children_by_parent(pid);
        };
        children.extend(
            text.split_ascii_whitespace()
                .filter_map(|pid| pid.parse::<Pid>().ok()),
        );
    }
    children
}

fn children_by_parent(parent: Pid) -> Vec<Pid> {
    let proc = scan::open_proc();
    let pids = proc.and_then(|proc| scan::pids(&proc)).unwrap_or_default();
    let is_child = |pid: &Pid| proc_stat(*pid).is_some_and(|proc_stat| proc_stat.parent == parent);
    pids.into_iter().filter(is_child).collect()
}

/// A path as text, if it reads as it is: what can't be spelled makes no command.
pub(super) fn spelled(path: PathBuf) -> Option<Text> {
    let raw = path.into_os_string().into_string().ok()?;
    let text = Text::new(&raw);
    (*text == *raw).then_some(text)
}

fn arguments(cmdline: &[u8]) -> Vec<String> {
    let whole = cmdline.strip_suffix(&[0]).unwrap_or(cmdline);
    if whole.is_empty() {
        return Vec::new();
    }
    let parts = whole.split(|&byte| byte == 0);
    let text = |part: &[u8]| {
        OsString::from_vec(part.to_vec())
            .to_string_lossy()
            .into_owned()
    };
    parts.map(text).collect()
}

/// The group of the second version's tree, of systemd's own tree, or else the deepest there is: beside
/// the old kind the second version's tree may be unused.
pub(in super::super) fn cgroup(file: &str) -> String {
    let fields = file.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let paths: Vec<(&str, &str)> = fields.filter(|(_, path)| *path != "/").collect();
    let of = |wanted: &str| {
        let found = paths.iter().find(|(controllers, _)| *controllers == wanted);
        found.map(|(_, path)| *path)
    };
    let deepest = || {
        paths
            .iter()
            .map(|(_, path)| *path)
            .max_by_key(|path| path.len())
    };
    let path = of("").or_else(|| of("name=systemd")).or_else(deepest);
    path.unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_whatever_the_name() {
        let mut facts = Facts::default();
        let line =
            b"12 (a) b (c) T 7 12 11 34816 12 4194304 1 0 0 0 1 2 0 0 20 0 1 0 98765 1 2 3\n";
        facts.parse_stat(line).unwrap();
        assert_eq!(facts.comm, "a) b (c");
        let numbers = (facts.parent, facts.session, facts.terminal);
        assert_eq!(numbers, (7, 11, 34816));
        assert_eq!((facts.started_at_tick, facts.run()), (98765, Run::Stopped));
    }

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
