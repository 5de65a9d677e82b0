//! Finds the supervisor that restarts a process, by its ancestors, environment and folders. System data comes
//! through [`Lookup`]. The nearest known ancestor counts. Environment variables are inherited, so one counts only if the
//! supervisor that sets it is an ancestor.

mod loops;
mod services;

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::end_risk;
use super::facts::{self, Facts, read_file};
use super::programs::WATCHERS;
use crate::model::{EndRisk, Pid, Restarts, Supervisor, SupervisorKind, Text};

/// The most to read of a script.
const MOST_BYTES: u64 = 64 * 1024;

/// Lookups needed while walking the ancestors.
pub(super) trait Lookup {
    /// A variable of the environment that the first process of the line was started with.
    fn variable(&self, name: &str) -> Option<String>;
    /// The working directory of a process, if a command can contain it.
    fn folder(&self, pid: Pid) -> Option<Text>;
    /// Whether the script that a shell runs starts a command again ([`loops::has_loop`]); `None` too if it can't be read.
    fn has_loop(&self, shell: &Facts, command: &[String]) -> Option<bool>;
    /// The app for which this daemon of pm2 listens.
    fn clustered(&self, daemon: Pid) -> Option<String>;
    fn children(&self, pid: Pid) -> Vec<Pid>;
    /// Whether the current user's commands use this home of pm2, of a daemon that runs as this user.
    fn uses_pm2_home(&self, home: &str, uid: Option<u32>) -> bool;
    /// The user that a file, folder or socket belongs to.
    fn owner(&self, path: &str) -> Option<u32>;
    /// Whether a process waits for a child to end.
    fn waits(&self, pid: Pid) -> bool;
}

/// This system, for the owner of a port.
pub(super) struct System {
    pub(super) pid: Pid,
    pub(super) port: u16,
}

impl Lookup for System {
    fn variable(&self, name: &str) -> Option<String> {
        facts::variable_of(self.pid, name)
    }

    fn folder(&self, pid: Pid) -> Option<Text> {
        let path = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
        // A text that was cleaned of control characters is another path.
        let text = Text::new(path.to_str()?);
        (path.to_str() == Some(&*text)).then_some(text)
    }

    fn has_loop(&self, shell: &Facts, command: &[String]) -> Option<bool> {
        let mut arguments = shell.argv.iter().skip(1);
        let script = arguments.find(|one| !one.starts_with('-'))?;
        // The file, in the mount namespace of its process.
        let is_absolute = script.starts_with('/');
        let root = if is_absolute { "root" } else { "cwd" };
        let file = format!("/proc/{}/{root}/{script}", shell.pid);
        let (text, _) = read_file(Path::new(&file), MOST_BYTES)?;
        loops::has_loop(&String::from_utf8_lossy(&text), command)
    }

    fn children(&self, pid: Pid) -> Vec<Pid> {
        facts::children_of(pid)
    }

    fn clustered(&self, daemon: Pid) -> Option<String> {
        services::clustered(daemon, self.port)
    }

    fn uses_pm2_home(&self, home: &str, uid: Option<u32>) -> bool {
        let in_home = || Some(Path::new(&env::var_os("HOME")?).join(".pm2"));
        let own = env::var_os("PM2_HOME").map(PathBuf::from).or_else(in_home);
        own.as_deref() == Some(Path::new(home)) && uid == Some(geteuid().as_raw())
    }

    fn owner(&self, path: &str) -> Option<u32> {
        fs::metadata(path).ok().map(|file| file.uid())
    }

    fn waits(&self, pid: Pid) -> bool {
        let waits_in = fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
        waits_in.contains("do_wait")
    }
}

type Test = fn(&Facts) -> bool;

/// How supervisors are recognised, the first match first.
const KNOWN: [(SupervisorKind, Test); 11] = {
    use SupervisorKind as K;
    [
        (K::Pm2, |one| services::pm2_home(one).is_some()),
        (K::Supervisord, |one| one.runs_one_of("supervisord")),
        (K::Runit, |one| one.program() == "runsv"),
        (K::Daemontools, |one| one.program() == "supervise"),
        (K::S6, |one| one.program() == "s6-supervise"),
        (K::Nodemon, |one| one.runs_one_of("nodemon nodemon.js")),
        (K::Foreman, |one| {
            one.runs_one_of("hivemind foreman honcho") || one.title().starts_with("foreman: ")
        }),
        (K::UnknownParent, |one| one.program() == "autossh"),
        (K::Forever, |one| {
            one.any_argument(|word| word.ends_with("forever/bin/monitor"))
        }),
        (K::Overmind, |one| {
            one.comm.starts_with("tmux") && one.any_argument(|word| word.starts_with("overmind-"))
        }),
        (K::Watch, is_watcher),
    ]
};

fn is_watcher(facts: &Facts) -> bool {
    let program = facts.program();
    let is_option = |word: &str| word == "--watch" || word.starts_with("--watch-path");
    let is_runtime = matches!(program, "node" | "bun" | "deno" | "tsx");
    let has_command = program == "dotnet" || facts.script() == Some("tsx");
    facts.runs_one_of(WATCHERS)
        || is_runtime && facts.any_argument(is_option)
        || has_command && facts.has_argument("watch")
}

/// The supervisor of the first process of the line. `owners` are all owners of the port.
pub(super) fn supervisor(
    line: &[Facts],
    owners: &[Pid],
    lookup: &dyn Lookup,
) -> Option<Supervisor> {
    use SupervisorKind as K;
    let (own, ancestors) = line.split_first()?;
    if let Some(home) = services::pm2_home(own) {
        return Some(services::pm2(own, home, true, lookup));
    }
    for (at, ancestor) in ancestors.iter().enumerate() {
        if let Some(&(kind, _)) = KNOWN.iter().find(|(_, is_one)| is_one(ancestor)) {
            return Some(match kind {
                K::Pm2 => services::pm2(ancestor, services::pm2_home(ancestor)?, false, lookup),
                K::Supervisord => services::supervisord(own, ancestor, lookup),
                K::Runit | K::Daemontools | K::S6 => {
                    services::by_folder(kind, ancestor, ancestors.get(at + 1), lookup)
                }
                K::Nodemon | K::Watch => process(kind, ancestor, Restarts::OnChange),
                _ => process(kind, ancestor, Restarts::Yes),
            });
        }
        if ancestor.is_shell() {
            // A subshell has the command line of its shell.
            let mut started = line[..=at].iter().rev();
            let started = started.find(|one| one.argv != ancestor.argv).unwrap_or(own);
            match shell(ancestor, &started.argv, lookup)? {
                // A script that runs its commands once belongs to its parent.
                Restarts::No => continue,
                restarts => return Some(process(K::ShellLoop, ancestor, restarts)),
            }
        }
        if ancestor.pid == 1 || ancestor.is_launcher() {
            return None;
        }
        // A parent that has the port too is the server's own master.
        if !ancestor.is_wrapper() && !owners.contains(&ancestor.pid) {
            return unknown(&line[at], ancestor, lookup);
        }
    }
    None
}

fn process(kind: SupervisorKind, facts: &Facts, restarts: Restarts) -> Supervisor {
    Supervisor {
        restarts,
        pid: Some(facts.pid),
        process: Some(facts.name()),
        uid: facts.only_uid(),
        ..Supervisor::new(kind)
    }
}

/// Whether a supervisor's command may contain a path. A process can choose its name freely, so a path for root must
/// belong to root.
fn is_safe(place: &str, uid: Option<u32>, lookup: &dyn Lookup) -> bool {
    match uid {
        Some(0) => lookup.owner(place) == Some(0),
        uid => uid.is_some(),
    }
}

/// Whether a shell runs a command again; `None` for an interactive one, which restarts nothing.
fn shell(facts: &Facts, command: &[String], lookup: &dyn Lookup) -> Option<Restarts> {
    let first = facts.argv.get(1)?;
    let option = facts.argv.iter().position(|one| one == "-c");
    let has_loop = match option.and_then(|at| facts.argv.get(at + 1)) {
        Some(text) => loops::has_loop(text, command),
        None if first.starts_with('-') && facts.script().is_none() => return None,
        None => lookup.has_loop(facts, command),
    };
    Some(match has_loop {
        Some(true) => Restarts::Yes,
        Some(false) => Restarts::No,
        None => Restarts::Unknown,
    })
}

/// A parent of unknown kind counts if the process is its only child and it only waits for it: a parent with other
/// purposes, or run by a user in a terminal, must not be ended.
fn unknown(child: &Facts, parent: &Facts, lookup: &dyn Lookup) -> Option<Supervisor> {
    if parent.terminal != 0 || end_risk::by_name(parent) != EndRisk::Ordinary {
        return None;
    }
    let children = lookup.children(parent.pid);
    let is_only = children.iter().all(|&pid| pid == child.pid);
    let waits = is_only && lookup.waits(parent.pid);
    waits.then(|| process(SupervisorKind::UnknownParent, parent, Restarts::Unknown))
}

/// The program of an interpreter that started the first process of the line and still runs: it may start it again.
pub(super) fn interpreter(line: &[Facts], owners: &[Pid]) -> Option<Text> {
    let parent = line.get(1)?;
    let starts_any = parent.is_wrapper() || parent.is_launcher() || parent.pid == 1;
    let is_ordinary = !starts_any && end_risk::by_name(parent) == EndRisk::Ordinary;
    let is_other = !owners.contains(&parent.pid);
    (parent.is_interpreter() && is_ordinary && is_other)
        .then(|| Text::new(&format!("{} ({})", parent.name(), parent.pid)))
}

#[cfg(test)]
mod tests;
