//! What starts a process again when it ends, read from its ancestors, environment and folders. Pure: what
//! it needs of the system comes through [`Look`].
//!
//! The nearest ancestor that is known decides. Environment variables are inherited, so one counts only
//! where the supervisor that sets it is an ancestor.

pub(super) mod look;
mod loops;
mod pm2;

use std::path::Path;

use super::facts::{Facts, is_interpreter};
use super::standing;
use crate::model::{KeeperKind, KeptBy, Pid, Restarts, Standing, Text};

/// What is looked up while the ancestors are gone through.
pub(super) trait Look {
    /// A variable of the environment that the first process of the line was started with.
    fn variable(&self, name: &str) -> Option<String>;
    /// The folder that a process runs in, if it can be spelled in a command.
    fn folder(&self, pid: Pid) -> Option<Text>;
    /// Whether the script that a shell runs has a loop ([`loops::has_loop`]); `None` too if it can't be read.
    fn has_loop(&self, shell: &Facts) -> Option<bool>;
    /// The app that this daemon of pm2 listens for itself.
    fn clustered(&self, daemon: Pid) -> Option<String>;
    /// The children of a process.
    fn children(&self, pid: Pid) -> Vec<Pid>;
    /// Whether a process waits for a child to end.
    fn waits(&self, pid: Pid) -> bool;
}

/// Programs that start things and never start them again: what they once started is on its own.
const LAUNCHERS: [&str; 17] = [
    "systemd",
    "init",
    "cron",
    "crond",
    "anacron",
    "atd",
    "sshd",
    "sshd-session",
    "login",
    "su",
    "gdm-session-worker",
    "lightdm",
    "dockerd",
    "containerd",
    "gnome-shell",
    "plasmashell",
    "mosh-server",
];

/// Programs that people work in. What they start is on its own, and their end would cost unsaved work.
const INTERACTIVE: [&str; 47] = [
    // Terminals and what multiplexes them.
    "tmux",
    "tmux: server",
    "screen",
    "SCREEN",
    "dtach",
    "zellij",
    "gnome-terminal-server",
    "konsole",
    "xterm",
    "urxvt",
    "st",
    "foot",
    "alacritty",
    "kitty",
    "ghostty",
    "wezterm-gui",
    "terminator",
    "tilix",
    "xfce4-terminal",
    "lxterminal",
    // Editors, file managers, debuggers.
    "vi",
    "vim",
    "vim.tiny",
    "vim.basic",
    "vim.gtk3",
    "nvim",
    "emacs",
    "nano",
    "hx",
    "kak",
    "code",
    "codium",
    "cursor",
    "windsurf",
    "idea",
    "pycharm",
    "mc",
    "ranger",
    "lf",
    "nnn",
    "gdb",
    "lldb",
    "ipython",
    "ipython3",
    "jupyter-lab",
    "jupyter-notebook",
    "ipykernel_launcher",
];

/// Programs that end with the one that they started: it is their work.
const WRAPPERS: [&str; 31] = [
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "sudo",
    "doas",
    "runuser",
    "env",
    "timeout",
    "nice",
    "ionice",
    "strace",
    "time",
    "dumb-init",
    "tini",
    "catatonit",
    "docker-init",
    "script",
    "xargs",
    "make",
    "go",
    "cargo",
    "poetry",
    "pipenv",
    "uv",
    "bundle",
    "flock",
    "setsid",
    "chronic",
    "setpriv",
    "unshare",
];

/// Programs that start their command again when a file changes.
const WATCHERS: [&str; 8] = [
    "cargo-watch",
    "watchexec",
    "entr",
    "reflex",
    "air",
    "ts-node-dev",
    "bacon",
    "chokidar",
];

/// What starts the first process of the line again. `owners` are all that have the port.
pub(super) fn keeper(line: &[Facts], owners: &[Pid], look: &dyn Look) -> Option<KeptBy> {
    let (own, ancestors) = line.split_first()?;
    if let Some(home) = pm2_home(own) {
        return Some(pm2(own, home, look.clustered(own.pid), look));
    }
    let mut child = own;
    for ancestor in ancestors {
        match step(child, ancestor, owners, look) {
            Step::Found(kept_by) => return Some(*kept_by),
            Step::Nothing => return None,
            Step::Up => child = ancestor,
        }
    }
    None
}

/// What an ancestor means.
enum Step {
    /// It starts the process again.
    Found(Box<KeptBy>),
    /// It does not, and neither does anything above it.
    Nothing,
    /// It says nothing: the next one decides.
    Up,
}

fn step(child: &Facts, ancestor: &Facts, owners: &[Pid], look: &dyn Look) -> Step {
    let program = ancestor.program();
    let found = |kept_by: KeptBy| Step::Found(Box::new(kept_by));
    if let Some(kept_by) = supervisor(ancestor, look) {
        return found(kept_by);
    }
    if is_shell(program) {
        return shell(ancestor, look);
    }
    if ancestor.pid == 1 || is_launcher(ancestor) {
        return Step::Nothing;
    }
    // A parent that has the port too is the server's own master.
    if is_program_wrapper(ancestor) || owners.contains(&ancestor.pid) {
        return Step::Up;
    }
    unknown(child, ancestor, look).map_or(Step::Nothing, found)
}

/// Whether a process ends with what it started, and is there for nothing else.
pub(super) fn is_wrapper(facts: &Facts) -> bool {
    is_shell(facts.program()) || is_program_wrapper(facts)
}

fn is_program_wrapper(facts: &Facts) -> bool {
    let names = [
        facts.program(),
        facts.script().unwrap_or_default(),
        &facts.comm,
    ];
    WRAPPERS.iter().any(|wrapper| names.contains(wrapper))
}

/// A supervisor that is known by its name.
fn supervisor(ancestor: &Facts, look: &dyn Look) -> Option<KeptBy> {
    let (program, script) = (ancestor.program(), ancestor.script().unwrap_or_default());
    let arguments = &ancestor.argv;
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if let Some(home) = pm2_home(ancestor) {
        // What pm2 starts has its own name in the environment.
        let is_app = look.variable("pm_exec_path").is_some();
        let name = look.variable("name").filter(|_| is_app);
        return Some(pm2(ancestor, home, name, look));
    }
    match (program, script) {
        ("supervisord", _) | (_, "supervisord") => return Some(supervisord(ancestor, look)),
        ("runsv", _) => return Some(by_folder(KeeperKind::Runit, ancestor, look)),
        ("supervise", _) => return Some(by_folder(KeeperKind::Daemontools, ancestor, look)),
        ("s6-supervise", _) => return Some(by_folder(KeeperKind::S6, ancestor, look)),
        (_, "nodemon" | "nodemon.js") => return Some(on_change(KeeperKind::Nodemon, ancestor)),
        (_, "foreman" | "honcho") | ("hivemind", _) => {
            return Some(process(KeeperKind::Foreman, ancestor));
        }
        _ => {}
    }
    if program.starts_with("foreman: ") || ancestor.title().starts_with("foreman: ") {
        return Some(process(KeeperKind::Foreman, ancestor));
    }
    if program == "autossh" {
        return Some(process(KeeperKind::UnknownParent, ancestor));
    }
    let is_forever = |argument: &String| argument.ends_with("forever/bin/monitor");
    if arguments.iter().any(is_forever) {
        return Some(process(KeeperKind::Forever, ancestor));
    }
    let is_overmind = |argument: &String| argument.starts_with("overmind-");
    if ancestor.comm.starts_with("tmux") && arguments.iter().any(is_overmind) {
        return Some(process(KeeperKind::Overmind, ancestor));
    }
    let watches = has("--watch") || arguments.iter().any(|one| one.starts_with("--watch-path"));
    let is_runtime = matches!(program, "node" | "bun" | "deno" | "tsx");
    if is_runtime && watches || WATCHERS.contains(&program) || WATCHERS.contains(&script) {
        return Some(on_change(KeeperKind::Watch, ancestor));
    }
    if program == "dotnet" && has("watch") || script == "tsx" && has("watch") {
        return Some(on_change(KeeperKind::Watch, ancestor));
    }
    None
}

fn process(kind: KeeperKind, facts: &Facts) -> KeptBy {
    KeptBy {
        pid: Some(facts.pid),
        process: Some(facts.name()),
        ..KeptBy::new(kind)
    }
}

fn on_change(kind: KeeperKind, facts: &Facts) -> KeptBy {
    KeptBy {
        restarts: Restarts::OnChange,
        ..process(kind, facts)
    }
}

/// runit's, daemontools' and s6's run in the service's folder, which their commands take.
fn by_folder(kind: KeeperKind, facts: &Facts, look: &dyn Look) -> KeptBy {
    let folder = look.folder(facts.pid);
    let name = || facts.argv.get(1).map(|name| Text::new(name));
    KeptBy {
        name: folder.clone().or_else(name),
        place: folder,
        ..process(kind, facts)
    }
}

/// `PM2 v5.3.0: God Daemon (/home/ann/.pm2)`
fn pm2_home(facts: &Facts) -> Option<&str> {
    let title = facts.title().strip_prefix("PM2 v")?;
    let (_, home) = title.split_once("God Daemon (")?;
    home.split_once(')').map(|(home, _)| home)
}

fn pm2(daemon: &Facts, home: &str, name: Option<String>, look: &dyn Look) -> KeptBy {
    // Its own default needs no word.
    let user_home = look.variable("HOME");
    let is_default = user_home.is_some_and(|user_home| home == format!("{user_home}/.pm2"));
    KeptBy {
        name: name.map(|name| Text::new(&name)),
        place: (!is_default).then(|| Text::new(home)),
        ..process(KeeperKind::Pm2, daemon)
    }
}

fn supervisord(daemon: &Facts, look: &dyn Look) -> KeptBy {
    let group = look.variable("SUPERVISOR_GROUP_NAME");
    let program = look.variable("SUPERVISOR_PROCESS_NAME");
    let name = match (group, program) {
        (Some(group), Some(program)) if group != program => Some(format!("{group}:{program}")),
        (_, program) => program,
    };
    let after = |option: &str| {
        let at = daemon.argv.iter().position(|one| one == option)?;
        daemon.argv.get(at + 1).cloned()
    };
    // supervisorctl reads these by itself.
    let is_default = |file: &String| {
        matches!(
            file.as_str(),
            "/etc/supervisor/supervisord.conf" | "/etc/supervisord.conf"
        )
    };
    let file = after("-c")
        .or_else(|| after("--configuration"))
        .filter(|file| !is_default(file));
    let file = file.and_then(|file| {
        if Path::new(&file).is_absolute() {
            return Some(Text::new(&file));
        }
        let folder = look.folder(daemon.pid)?;
        Some(Text::new(&format!("{folder}/{file}")))
    });
    KeptBy {
        name: name.map(|name| Text::new(&name)),
        place: file,
        ..process(KeeperKind::Supervisord, daemon)
    }
}

pub(super) fn is_shell(program: &str) -> bool {
    const SHELLS: [&str; 9] = [
        "sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "ash", "busybox",
    ];
    SHELLS.contains(&program)
}

/// An interactive shell starts nothing again, a script may.
fn shell(facts: &Facts, look: &dyn Look) -> Step {
    let Some(first) = facts.argv.get(1) else {
        return Step::Nothing;
    };
    let command = facts.argv.iter().position(|one| one == "-c");
    let text = command.and_then(|at| facts.argv.get(at + 1));
    let has_loop = match text {
        Some(text) => loops::has_loop(text),
        None if first.starts_with('-') && facts.script().is_none() => return Step::Nothing,
        None => look.has_loop(facts),
    };
    match has_loop {
        Some(true) => Step::Found(Box::new(process(KeeperKind::ShellLoop, facts))),
        // A script that runs its commands once is the work of what started it.
        Some(false) => Step::Up,
        None => Step::Found(Box::new(KeptBy {
            restarts: Restarts::Unknown,
            ..process(KeeperKind::ShellLoop, facts)
        })),
    }
}

/// Whether what a process starts is on its own.
pub(super) fn is_launcher(facts: &Facts) -> bool {
    let (program, comm) = (facts.program(), facts.comm.as_str());
    let script = facts.script().unwrap_or_default();
    let starts = |name: &&str| [program, comm].contains(name);
    LAUNCHERS.iter().any(starts)
        || INTERACTIVE
            .iter()
            .any(|name| starts(name) || *name == script)
        || is_prompt(facts)
        || is_agent(facts)
}

/// An interpreter that reads what somebody types.
fn is_prompt(facts: &Facts) -> bool {
    let runs_text = facts
        .argv
        .iter()
        .any(|one| matches!(one.as_str(), "-c" | "-e" | "--eval"));
    is_interpreter(facts.program())
        && facts.script().is_none()
        && !runs_text
        && !facts.argv.is_empty()
}

/// Runners of jobs, which run something else next.
fn is_agent(facts: &Facts) -> bool {
    const AGENTS: [&str; 15] = [
        "Runner.Worker",
        "Runner.Listener",
        "gitlab-runner",
        "buildkite-agent",
        "jenkins",
        "jenkins.war",
        "agent.jar",
        "slave.jar",
        "remoting.jar",
        "woodpecker-agent",
        "drone-runner",
        "act_runner",
        "code-tunnel",
        "code-server",
        "rserver",
    ];
    let mut words = facts.argv.iter().filter_map(|word| word.rsplit('/').next());
    words.any(|word| AGENTS.contains(&word))
}

/// A parent of no known kind: it counts if the process is all that it runs and it does nothing but wait for
/// it. One that is needed for more, or that somebody runs in a terminal, is no reason to end it.
fn unknown(child: &Facts, parent: &Facts, look: &dyn Look) -> Option<KeptBy> {
    if parent.terminal != 0 || standing::by_name(parent) != Standing::Ordinary {
        return None;
    }
    let is_only = look
        .children(parent.pid)
        .iter()
        .all(|&pid| pid == child.pid);
    (is_only && look.waits(parent.pid)).then(|| KeptBy {
        restarts: Restarts::Unknown,
        ..process(KeeperKind::UnknownParent, parent)
    })
}

#[cfg(test)]
mod tests;
