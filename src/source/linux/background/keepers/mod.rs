//! What starts a process again when it ends, read from its ancestors, environment and folders. Pure: what
//! it needs of the system comes through [`Look`].
//!
//! The nearest ancestor that is known decides. Environment variables are inherited, so one counts only
//! where the supervisor that sets it is an ancestor.

pub(super) mod look;
mod loops;
mod pm2;
mod services;

use super::facts::{Facts, is_interpreter};
use super::end_risk;
use crate::model::{SupervisorKind, Supervisor, Pid, Restarts, EndRisk, Text};

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
    /// Whether the reader's own commands use this home of pm2, of a daemon that runs as this user.
    fn uses_pm2_home(&self, home: &str, uid: Option<u32>) -> bool;
    /// The user that a file, folder or socket belongs to.
    fn owner(&self, path: &str) -> Option<u32>;
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
pub(super) fn supervisor(line: &[Facts], owners: &[Pid], look: &dyn Look) -> Option<Supervisor> {
    let (own, ancestors) = line.split_first()?;
    if let Some(home) = pm2::home(own) {
        return Some(pm2::listening(own, home, look));
    }
    let mut child = own;
    for (at, ancestor) in ancestors.iter().enumerate() {
        let supervisor = supervisor(own, &ancestors[at..], look);
        let step = match supervisor {
            Some(kept_by) => Step::Found(Box::new(kept_by)),
            None => step(child, ancestor, owners, look),
        };
        match step {
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
    Found(Box<Supervisor>),
    /// It does not, and neither does anything above it.
    Nothing,
    /// It says nothing: the next one decides.
    Up,
}

fn step(child: &Facts, ancestor: &Facts, owners: &[Pid], look: &dyn Look) -> Step {
    let program = ancestor.program();
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
    unknown(child, ancestor, look).map_or(Step::Nothing, |kept_by| Step::Found(Box::new(kept_by)))
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

/// A supervisor that is known by its name: the first of the ancestors.
fn supervisor(own: &Facts, ancestors: &[Facts], look: &dyn Look) -> Option<Supervisor> {
    let (ancestor, above) = ancestors.split_first()?;
    let (program, script) = (ancestor.program(), ancestor.script().unwrap_or_default());
    let arguments = &ancestor.argv;
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if let Some(home) = pm2::home(ancestor) {
        return Some(pm2::starting(ancestor, home, look));
    }
    let by_folder = |kind| Some(services::by_folder(kind, ancestor, above.first(), look));
    match (program, script) {
        ("supervisord", _) | (_, "supervisord") => {
            return Some(services::supervisord(own, ancestor, look));
        }
        ("runsv", _) => return by_folder(SupervisorKind::Runit),
        ("supervise", _) => return by_folder(SupervisorKind::Daemontools),
        ("s6-supervise", _) => return by_folder(SupervisorKind::S6),
        (_, "nodemon" | "nodemon.js") => return Some(on_change(SupervisorKind::Nodemon, ancestor)),
        (_, "foreman" | "honcho") | ("hivemind", _) => {
            return Some(process(SupervisorKind::Foreman, ancestor));
        }
        _ => {}
    }
    if program.starts_with("foreman: ") || ancestor.title().starts_with("foreman: ") {
        return Some(process(SupervisorKind::Foreman, ancestor));
    }
    if program == "autossh" {
        return Some(process(SupervisorKind::UnknownParent, ancestor));
    }
    let is_forever = |argument: &String| argument.ends_with("forever/bin/monitor");
    if arguments.iter().any(is_forever) {
        return Some(process(SupervisorKind::Forever, ancestor));
    }
    let is_overmind = |argument: &String| argument.starts_with("overmind-");
    if ancestor.comm.starts_with("tmux") && arguments.iter().any(is_overmind) {
        return Some(process(SupervisorKind::Overmind, ancestor));
    }
    let watches = has("--watch") || arguments.iter().any(|one| one.starts_with("--watch-path"));
    let is_runtime = matches!(program, "node" | "bun" | "deno" | "tsx");
    if is_runtime && watches || WATCHERS.contains(&program) || WATCHERS.contains(&script) {
        return Some(on_change(SupervisorKind::Watch, ancestor));
    }
    if program == "dotnet" && has("watch") || script == "tsx" && has("watch") {
        return Some(on_change(SupervisorKind::Watch, ancestor));
    }
    None
}

fn process(kind: SupervisorKind, facts: &Facts) -> Supervisor {
    Supervisor {
        pid: Some(facts.pid),
        process: Some(facts.name()),
        uid: user(facts),
        ..Supervisor::new(kind)
    }
}

/// Whether a supervisor's command may be given a place. A process may call itself what it likes: what root
/// is to use has to be root's.
fn is_safe(place: &str, uid: Option<u32>, look: &dyn Look) -> bool {
    match uid {
        Some(0) => look.owner(place) == Some(0),
        uid => uid.is_some(),
    }
}

/// The user that a process runs as. One that has been started with the rights of another has several, and is
/// no supervisor of either.
fn user(facts: &Facts) -> Option<u32> {
    let (&first, others) = facts.uids.split_first()?;
    others.iter().all(|&uid| uid == first).then_some(first)
}

fn on_change(kind: SupervisorKind, facts: &Facts) -> Supervisor {
    Supervisor {
        restarts: Restarts::OnChange,
        ..process(kind, facts)
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
        Some(true) => Step::Found(Box::new(process(SupervisorKind::ShellLoop, facts))),
        // A script that runs its commands once is the work of what started it.
        Some(false) => Step::Up,
        None => Step::Found(Box::new(Supervisor {
            restarts: Restarts::Unknown,
            ..process(SupervisorKind::ShellLoop, facts)
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
fn unknown(child: &Facts, parent: &Facts, look: &dyn Look) -> Option<Supervisor> {
    if parent.terminal != 0 || end_risk::by_name(parent) != EndRisk::Ordinary {
        return None;
    }
    let is_only = look
        .children(parent.pid)
        .iter()
        .all(|&pid| pid == child.pid);
    (is_only && look.waits(parent.pid)).then(|| Supervisor {
        restarts: Restarts::Unknown,
        ..process(SupervisorKind::UnknownParent, parent)
    })
}

#[cfg(test)]
mod tests;
