//! What started a process, and whether that has ended without it.
//!
//! Values and the table of programs that start others; `source` reads the facts, and decides by them.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{Pid, Process};
use crate::model::Text;

/// What started a process: an ancestor, a program that left its names in the environment, or a unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StartedBy {
    /// Of which kind it is.
    pub kind: StarterKind,
    /// What people call it: `tmux`, `VS Code`, `GitHub Actions`, `nginx.service`.
    pub name: Text,
    /// Its own process, if that is an ancestor; `None` if only the environment or a unit says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<Pid>,
}

/// A kind of program that starts others.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StarterKind {
    /// A coding agent.
    Agent,
    /// A runner of CI jobs.
    Ci,
    /// An editor with a terminal.
    Ide,
    /// A terminal multiplexer: tmux, screen, zellij.
    Multiplexer,
    /// A terminal emulator.
    Terminal,
    /// A login over ssh.
    Ssh,
    /// cron or at.
    Cron,
    /// A supervisor other than systemd.
    Supervisor,
    /// A service of systemd.
    Service,
}

/// Why a process is left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LeftOver {
    /// Its parent has ended, and so has the shell or job that started it.
    ParentGone,
    /// Its working directory was deleted, or the folder of its program or script.
    FolderDeleted,
}

impl StarterKind {
    /// Its word in JSON and filters.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What has ended when a process of this kind of starter lost its parent.
    pub const fn ended(self) -> &'static str {
        match self {
            Self::Terminal => "the terminal that started it",
            Self::Ssh => "the ssh session that started it",
            Self::Ci => "the job that started it",
            _ => "the shell that started it",
        }
    }
}

impl StartedBy {
    /// Whether it starts what people or agents work on, which ends with it: not a service.
    pub fn is_session(&self) -> bool {
        use StarterKind as K;
        !matches!(self.kind, K::Cron | K::Supervisor | K::Service)
    }

    /// How it follows `started` in a sentence: ` in tmux`, ` over ssh`, ` by Claude Code`.
    pub fn phrase(&self) -> String {
        phrase(self.kind, &self.name)
    }
}

/// ` in tmux`, ` over ssh`, ` by cron`
fn phrase(kind: StarterKind, name: &str) -> String {
    use StarterKind as K;
    match kind {
        K::Ssh => " over ssh".to_owned(),
        K::Agent | K::Cron | K::Supervisor => format!(" by {name}"),
        K::Ci | K::Ide | K::Multiplexer | K::Terminal | K::Service => format!(" in {name}"),
    }
}

impl LeftOver {
    /// Its word in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// A clause about a process: `the terminal that started it is gone`.
    pub fn clause(self, by: Option<&StartedBy>) -> String {
        match self {
            Self::ParentGone => {
                let ended = by.map_or("the shell that started it", |by| by.kind.ended());
                format!("{ended} is gone")
            }
            Self::FolderDeleted => "its folder was deleted".to_owned(),
        }
    }
}

/// The programs that show, as an ancestor, what started a process: the executable, the script of an interpreter or the
/// title, of which the kernel keeps 15 bytes; the kind; and what people call it.
#[rustfmt::skip]
const STARTERS: &[(&str, StarterKind, &str)] = &[
    ("claude", StarterKind::Agent, "Claude Code"),
    ("codex", StarterKind::Agent, "Codex"),
    ("gemini", StarterKind::Agent, "Gemini CLI"),
    ("opencode", StarterKind::Agent, "OpenCode"),
    ("aider", StarterKind::Agent, "Aider"),
    ("goose", StarterKind::Agent, "Goose"),
    ("cursor-agent", StarterKind::Agent, "Cursor Agent"),
    ("Runner.Worker", StarterKind::Ci, "GitHub Actions"),
    ("Runner.Listener", StarterKind::Ci, "GitHub Actions"),
    ("gitlab-runner", StarterKind::Ci, "GitLab CI"),
    ("buildkite-agent", StarterKind::Ci, "Buildkite"),
    ("circleci-agent", StarterKind::Ci, "CircleCI"),
    ("woodpecker-agent", StarterKind::Ci, "Woodpecker"),
    ("code", StarterKind::Ide, "VS Code"),
    ("code-insiders", StarterKind::Ide, "VS Code"),
    ("code-server", StarterKind::Ide, "code-server"),
    ("codium", StarterKind::Ide, "VSCodium"),
    ("cursor", StarterKind::Ide, "Cursor"),
    ("windsurf", StarterKind::Ide, "Windsurf"),
    ("zed-editor", StarterKind::Ide, "Zed"),
    ("idea", StarterKind::Ide, "IntelliJ IDEA"),
    ("pycharm", StarterKind::Ide, "PyCharm"),
    ("webstorm", StarterKind::Ide, "WebStorm"),
    ("goland", StarterKind::Ide, "GoLand"),
    ("clion", StarterKind::Ide, "CLion"),
    ("phpstorm", StarterKind::Ide, "PhpStorm"),
    ("rubymine", StarterKind::Ide, "RubyMine"),
    ("rustrover", StarterKind::Ide, "RustRover"),
    ("emacs", StarterKind::Ide, "Emacs"),
    ("nvim", StarterKind::Ide, "Neovim"),
    ("vim", StarterKind::Ide, "Vim"),
    ("tmux", StarterKind::Multiplexer, "tmux"),
    ("tmux: server", StarterKind::Multiplexer, "tmux"),
    ("screen", StarterKind::Multiplexer, "screen"),
    ("SCREEN", StarterKind::Multiplexer, "screen"),
    ("zellij", StarterKind::Multiplexer, "zellij"),
    ("gnome-terminal-server", StarterKind::Terminal, "gnome-terminal"),
    ("ptyxis-agent", StarterKind::Terminal, "ptyxis"),
    ("kgx", StarterKind::Terminal, "GNOME Console"),
    ("konsole", StarterKind::Terminal, "konsole"),
    ("yakuake", StarterKind::Terminal, "yakuake"),
    ("xfce4-terminal", StarterKind::Terminal, "xfce4-terminal"),
    ("mate-terminal", StarterKind::Terminal, "mate-terminal"),
    ("lxterminal", StarterKind::Terminal, "lxterminal"),
    ("qterminal", StarterKind::Terminal, "qterminal"),
    ("terminator", StarterKind::Terminal, "terminator"),
    ("tilix", StarterKind::Terminal, "tilix"),
    ("guake", StarterKind::Terminal, "guake"),
    ("alacritty", StarterKind::Terminal, "alacritty"),
    ("kitty", StarterKind::Terminal, "kitty"),
    ("foot", StarterKind::Terminal, "foot"),
    ("ghostty", StarterKind::Terminal, "ghostty"),
    ("wezterm-gui", StarterKind::Terminal, "WezTerm"),
    ("wezterm-mux-server", StarterKind::Terminal, "WezTerm"),
    ("xterm", StarterKind::Terminal, "xterm"),
    ("urxvt", StarterKind::Terminal, "urxvt"),
    ("urxvtd", StarterKind::Terminal, "urxvt"),
    ("sshd-session", StarterKind::Ssh, "ssh"),
    ("sshd", StarterKind::Ssh, "ssh"),
    ("dropbear", StarterKind::Ssh, "ssh"),
    ("mosh-server", StarterKind::Ssh, "mosh"),
    ("cron", StarterKind::Cron, "cron"),
    ("crond", StarterKind::Cron, "cron"),
    ("atd", StarterKind::Cron, "at"),
    ("supervisord", StarterKind::Supervisor, "supervisord"),
    ("PM2", StarterKind::Supervisor, "PM2"),
    ("runsv", StarterKind::Supervisor, "runit"),
    ("s6-supervise", StarterKind::Supervisor, "s6"),
];

/// Folders of an editor's server on a machine that it is used from elsewhere: its programs are all called `node`.
const REMOTE_EDITORS: [(&str, &str); 2] = [
    ("/.vscode-server/", "VS Code"),
    ("/.cursor-server/", "Cursor"),
];

/// How many bytes of a name the kernel keeps.
const COMM: usize = 15;

/// Programs whose purpose is to start others.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "ash"];

impl Process {
    /// Whether it is a shell, with or without a script on its command line; not a script that is run by one.
    pub fn is_shell(&self) -> bool {
        SHELLS.contains(&&*self.name)
    }

    /// What this process is to those that it starts, if its program is known for starting others.
    pub fn as_starter(&self) -> Option<StartedBy> {
        let by = |kind, name| StartedBy {
            kind,
            name: Text::new(name),
            pid: Some(self.pid),
        };
        let path = self.executable.as_deref().unwrap_or_default();
        let mut editors = REMOTE_EDITORS.iter();
        if let Some((_, name)) = editors.find(|(folder, _)| path.contains(folder)) {
            return Some(by(StarterKind::Ide, name));
        }
        let script = self.name.rsplit([' ', '/']).next().unwrap_or_default();
        let is_cut = |program: &str| program.get(..COMM) == Some(&*self.comm);
        let is_it = |(program, _, _): &&(&str, StarterKind, &str)| {
            *self.name == **program
                || *self.comm == **program
                || script == *program
                || is_cut(program)
        };
        let found = STARTERS.iter().find(is_it);
        found.map(|&(_, kind, name)| by(kind, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starter(name: &str, comm: &str) -> Option<(StarterKind, String)> {
        let process = Process {
            comm: comm.into(),
            ..Process::new(7, name)
        };
        let by = process.as_starter()?;
        assert_eq!(by.pid, Some(7));
        Some((by.kind, by.name.to_string()))
    }

    #[test]
    fn a_program_is_known_by_its_name_its_script_or_what_the_kernel_keeps() {
        let is = |kind, name: &str| Some((kind, name.to_owned()));
        let (agent, tmux) = (StarterKind::Agent, is(StarterKind::Multiplexer, "tmux"));
        assert_eq!(starter("tmux", "tmux: server"), tmux);
        assert_eq!(starter("tmux: server", "tmux: server"), tmux);
        assert_eq!(starter("node gemini", "node"), is(agent, "Gemini CLI"));
        assert_eq!(starter("node", "claude"), is(agent, "Claude Code"));
        let terminal = is(StarterKind::Terminal, "gnome-terminal");
        assert_eq!(starter("gnome-terminal-", "gnome-terminal-"), terminal);
        assert_eq!(
            starter("sshd-session", "sshd-session"),
            is(StarterKind::Ssh, "ssh")
        );
    }

    #[test]
    fn others_are_not() {
        for name in [
            "bash",
            "node server.js",
            "codec",
            "node",
            "systemd",
            "gnome-shell",
            "",
            "go",
        ] {
            assert_eq!(starter(name, name), None, "{name}");
        }
    }

    #[test]
    fn the_server_of_an_editor_elsewhere_is_known_by_its_folder() {
        let process = Process {
            executable: Some("/home/ann/.vscode-server/bin/0123/node".into()),
            ..Process::new(7, "node server-main.js")
        };
        assert_eq!(&*process.as_starter().unwrap().name, "VS Code");
    }

    #[test]
    fn each_program_is_in_the_table_once() {
        let mut programs: Vec<_> = STARTERS.iter().map(|(program, _, _)| program).collect();
        programs.sort_unstable();
        programs.dedup();
        assert_eq!(programs.len(), STARTERS.len());
    }
}
