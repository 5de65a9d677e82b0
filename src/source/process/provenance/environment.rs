//! What the names of environment variables say about what started a process.
//!
//! Only names are compared. Values are skipped as they are read: they hold passwords and keys, and none is kept. What a
//! process has in `/proc/PID/environ` is what it got from its parent when it was executed, so a name says that some
//! ancestor set it, not which one.

use crate::model::{StartedBy, StarterKind, Text};

/// A variable and what sets it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marker {
    variable: &'static str,
    pub(super) kind: StarterKind,
    name: &'static str,
}

/// A name that any editor of a family has.
const VS_CODE: &str = "VS Code or a fork";
const JETBRAINS: &str = "a JetBrains IDE";

/// The variables. Those that people set for other ends, such as `CI` or `AIDER_MODEL`, prove nothing and are not here.
/// `TERM_PROGRAM` without its value doesn't say which terminal it is, but that there was one.
#[rustfmt::skip]
const MARKERS: &[Marker] = &[
    // code.claude.com/docs/en/env-vars
    Marker { variable: "CLAUDECODE", kind: StarterKind::Agent, name: "Claude Code" },
    // openai/codex, codex-rs/core/src/spawn.rs; vercel/detect-agent, agents.json
    Marker { variable: "CODEX_SANDBOX", kind: StarterKind::Agent, name: "Codex" },
    Marker { variable: "CODEX_SANDBOX_NETWORK_DISABLED", kind: StarterKind::Agent, name: "Codex" },
    Marker { variable: "CODEX_THREAD_ID", kind: StarterKind::Agent, name: "Codex" },
    Marker { variable: "CODEX_CI", kind: StarterKind::Agent, name: "Codex" },
    // google-gemini.github.io/gemini-cli/docs/tools/shell.html
    Marker { variable: "GEMINI_CLI", kind: StarterKind::Agent, name: "Gemini CLI" },
    // block/goose, crates/goose-mcp/src/developer
    Marker { variable: "GOOSE_TERMINAL", kind: StarterKind::Agent, name: "Goose" },
    // vercel/detect-agent, agents.json
    Marker { variable: "CURSOR_AGENT", kind: StarterKind::Agent, name: "Cursor Agent" },
    Marker { variable: "OPENCODE", kind: StarterKind::Agent, name: "OpenCode" },
    Marker { variable: "AUGMENT_AGENT", kind: StarterKind::Agent, name: "Augment" },
    Marker { variable: "CLINE_ACTIVE", kind: StarterKind::Agent, name: "Cline" },
    // docs.github.com/actions/reference/variables-reference
    Marker { variable: "GITHUB_ACTIONS", kind: StarterKind::Ci, name: "GitHub Actions" },
    // docs.gitlab.com/ci/variables/predefined_variables
    Marker { variable: "GITLAB_CI", kind: StarterKind::Ci, name: "GitLab CI" },
    // jenkins.io/doc/book/pipeline/jenkinsfile: the pair that it sets for each build
    Marker { variable: "JENKINS_URL", kind: StarterKind::Ci, name: "Jenkins" },
    // buildkite.com/docs/pipelines/configure/environment-variables
    Marker { variable: "BUILDKITE", kind: StarterKind::Ci, name: "Buildkite" },
    // circleci.com/docs/reference/variables
    Marker { variable: "CIRCLECI", kind: StarterKind::Ci, name: "CircleCI" },
    // learn.microsoft.com/azure/devops/pipelines/build/variables
    Marker { variable: "TF_BUILD", kind: StarterKind::Ci, name: "Azure Pipelines" },
    // vercel/detect-agent and others: every terminal of Cursor has it, an agent's or not
    Marker { variable: "CURSOR_TRACE_ID", kind: StarterKind::Ide, name: "Cursor" },
    // microsoft/vscode: terminals and the extension host
    Marker { variable: "VSCODE_PID", kind: StarterKind::Ide, name: VS_CODE },
    Marker { variable: "VSCODE_IPC_HOOK_CLI", kind: StarterKind::Ide, name: VS_CODE },
    Marker { variable: "VSCODE_GIT_IPC_HANDLE", kind: StarterKind::Ide, name: VS_CODE },
    // JetBrains/intellij-community, platform/bootstrap
    Marker { variable: "IDEA_INITIAL_DIRECTORY", kind: StarterKind::Ide, name: JETBRAINS },
    // zed.dev/docs/terminal
    Marker { variable: "ZED_TERM", kind: StarterKind::Ide, name: "Zed" },
    // gnu.org/software/emacs, "Interactive Shell"
    Marker { variable: "INSIDE_EMACS", kind: StarterKind::Ide, name: "Emacs" },
    // neovim.io/doc/user/vvars.html: terminals and jobs
    Marker { variable: "NVIM", kind: StarterKind::Ide, name: "Neovim" },
    // tmux(1), screen(1), zellij.dev/documentation/integration
    Marker { variable: "TMUX", kind: StarterKind::Multiplexer, name: "tmux" },
    Marker { variable: "STY", kind: StarterKind::Multiplexer, name: "screen" },
    Marker { variable: "ZELLIJ", kind: StarterKind::Multiplexer, name: "zellij" },
    // ssh(1)
    Marker { variable: "SSH_CONNECTION", kind: StarterKind::Ssh, name: "ssh" },
    Marker { variable: "SSH_TTY", kind: StarterKind::Ssh, name: "ssh" },
    // sw.kovidgoyal.net/kitty/glossary, alacritty(1), wezterm.org, docs.kde.org/konsole, ghostty.org, gnome-terminal
    Marker { variable: "KITTY_WINDOW_ID", kind: StarterKind::Terminal, name: "kitty" },
    Marker { variable: "ALACRITTY_WINDOW_ID", kind: StarterKind::Terminal, name: "alacritty" },
    Marker { variable: "WEZTERM_PANE", kind: StarterKind::Terminal, name: "WezTerm" },
    Marker { variable: "KONSOLE_VERSION", kind: StarterKind::Terminal, name: "konsole" },
    Marker { variable: "GHOSTTY_RESOURCES_DIR", kind: StarterKind::Terminal, name: "ghostty" },
    Marker { variable: "GNOME_TERMINAL_SCREEN", kind: StarterKind::Terminal, name: "gnome-terminal" },
    Marker { variable: "XTERM_VERSION", kind: StarterKind::Terminal, name: "xterm" },
    Marker { variable: "TERM_PROGRAM", kind: StarterKind::Terminal, name: TERMINAL },
];

/// A terminal whose name is not known.
pub(super) const TERMINAL: &str = "a terminal";

/// The markers of a process's environment, in the order of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Markers(Vec<&'static Marker>);

impl Markers {
    /// Finds the markers in `NAME=VALUE` entries, each of which ends in a NUL (`proc_pid_environ(5)`).
    pub(super) fn parse(environment: &[u8]) -> Self {
        let entries = environment.split(|&byte| byte == 0);
        let names = entries.filter_map(|entry| entry.split(|&byte| byte == b'=').next());
        let marker = |name: &[u8]| {
            MARKERS
                .iter()
                .position(|one| one.variable.as_bytes() == name)
        };
        let mut found: Vec<usize> = names.filter_map(marker).collect();
        found.sort_unstable();
        found.dedup();
        Self(found.into_iter().map(|at| &MARKERS[at]).collect())
    }

    /// What the names say, innermost first: an agent or a CI job starts shells, an editor and a multiplexer pass on what
    /// they got from a login or a terminal. `None` if two names say different things.
    ///
    /// `code .` in tmux makes an editor with `TMUX`, and tmux in the terminal of an editor has the editor's names: which of
    /// the two is inside can't be known.
    pub(super) fn started_by(&self) -> Option<StartedBy> {
        let has = |kind| self.0.iter().any(|one| one.kind == kind);
        let kind = ORDER.into_iter().find(|&kind| has(kind))?;
        let is_ambiguous = kind == StarterKind::Ide && has(StarterKind::Multiplexer);
        let mut names: Vec<_> = self
            .0
            .iter()
            .filter(|one| one.kind == kind)
            .map(|one| one.name)
            .collect();
        names.dedup();
        if names.len() > 1 {
            names.retain(|name| ![VS_CODE, TERMINAL].contains(name));
        }
        match names[..] {
            [name] if !is_ambiguous => Some(StartedBy {
                kind,
                name: Text::new(name),
                pid: None,
            }),
            _ => None,
        }
    }

    /// Whether a variable of this kind with this name is among them.
    pub(super) fn has(&self, by: &StartedBy) -> bool {
        let is_it = |one: &&'static Marker| one.kind == by.kind && *one.name == *by.name;
        self.0.iter().any(is_it)
    }
}

/// Which kind is inside which.
const ORDER: [StarterKind; 6] = [
    StarterKind::Agent,
    StarterKind::Ci,
    StarterKind::Ide,
    StarterKind::Multiplexer,
    StarterKind::Ssh,
    StarterKind::Terminal,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(environment: &str) -> Option<String> {
        let entries = environment.replace(' ', "\0") + "\0";
        let by = Markers::parse(entries.as_bytes()).started_by()?;
        Some(format!("{} {}", by.kind.as_str(), by.name))
    }

    #[test]
    fn a_name_says_what_set_it_whatever_its_value() {
        assert_eq!(
            said("A=1 TMUX=/tmp/x,1,0 B=2").as_deref(),
            Some("multiplexer tmux")
        );
        assert_eq!(said("CLAUDECODE=").as_deref(), Some("agent Claude Code"));
        assert_eq!(
            said("GITHUB_ACTIONS=true CI=true").as_deref(),
            Some("ci GitHub Actions")
        );
        assert_eq!(
            said("SSH_CONNECTION=a SSH_TTY=b").as_deref(),
            Some("ssh ssh")
        );
        assert_eq!(
            said("TERM_PROGRAM=x").as_deref(),
            Some("terminal a terminal")
        );
    }

    #[test]
    fn a_value_or_a_part_of_a_name_says_nothing() {
        for environment in [
            "A=TMUX=1",
            "MY_TMUX=1",
            "TMUX2=1",
            "PATH=/CLAUDECODE",
            "CI=true",
            "",
        ] {
            assert_eq!(said(environment), None, "{environment}");
        }
    }

    #[test]
    fn the_inner_one_counts() {
        assert_eq!(
            said("SSH_CONNECTION=x TMUX=y").as_deref(),
            Some("multiplexer tmux")
        );
        assert_eq!(
            said("TMUX=y CLAUDECODE=1 GITHUB_ACTIONS=1").as_deref(),
            Some("agent Claude Code")
        );
        assert_eq!(
            said("SSH_CONNECTION=x VSCODE_IPC_HOOK_CLI=y").as_deref(),
            Some("ide VS Code or a fork")
        );
        assert_eq!(
            said("TERM_PROGRAM=x KITTY_WINDOW_ID=1").as_deref(),
            Some("terminal kitty")
        );
        assert_eq!(
            said("VSCODE_PID=1 CURSOR_TRACE_ID=2").as_deref(),
            Some("ide Cursor")
        );
    }

    #[test]
    fn names_that_contradict_each_other_say_nothing() {
        assert_eq!(said("CLAUDECODE=1 CODEX_THREAD_ID=2"), None);
        assert_eq!(said("TMUX=1 VSCODE_PID=2"), None);
    }

    #[test]
    fn no_value_is_kept() {
        let markers = Markers::parse(b"TMUX=hunter2\0TOKEN=hunter2\0SSH_TTY=hunter2\0");
        assert_eq!(markers.0.len(), 2);
        assert!(!format!("{markers:?}{:?}", markers.started_by()).contains("hunter2"));
    }
}
