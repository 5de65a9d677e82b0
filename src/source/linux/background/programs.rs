//! Programs that are known by name. To add a program, add a word to a list.
//!
//! A name is that of the program, from its first argument or the kernel; for most lists also of a script that the
//! program runs. See [`Facts::is_one_of`] and [`Facts::runs_one_of`].

use super::facts::{Facts, base_name};

pub(super) const SHELLS: &str = "sh bash dash zsh ksh mksh fish ash busybox";

/// Interpreters of scripts, without a version.
pub(super) const INTERPRETERS: &str = "python node nodejs ruby perl php bash sh dash";

/// Programs that start others and never restart them; their children are independent.
pub(super) const LAUNCHERS: &str = "systemd init cron crond anacron atd sshd sshd-session login su \
    gdm-session-worker lightdm dockerd containerd gnome-shell plasmashell mosh-server";

/// Interactive programs: terminals, editors, file managers, debuggers. Their children are independent, and ending them
/// could lose work.
pub(super) const INTERACTIVE: &str = "tmux screen SCREEN dtach zellij gnome-terminal-server konsole xterm \
    urxvt st foot alacritty kitty ghostty wezterm-gui terminator tilix xfce4-terminal lxterminal \
    vi vim vim.tiny vim.basic vim.gtk3 nvim emacs nano hx kak code codium cursor windsurf idea pycharm \
    mc ranger lf nnn gdb lldb ipython ipython3 jupyter-lab jupyter-notebook ipykernel_launcher";

/// Programs that only run another program and end with it.
pub(super) const WRAPPERS: &str = "npm npx yarn pnpm sudo doas runuser env timeout nice ionice strace time \
    dumb-init tini catatonit docker-init script xargs make go cargo poetry pipenv uv bundle flock setsid \
    chronic setpriv unshare";

/// Programs that start their command again when a file changes.
pub(super) const WATCHERS: &str =
    "cargo-watch watchexec entr reflex air ts-node-dev bacon chokidar";

/// Runners of jobs, which run another job next.
pub(super) const JOB_RUNNERS: &str = "Runner.Worker Runner.Listener gitlab-runner buildkite-agent jenkins \
    jenkins.war agent.jar slave.jar remoting.jar woodpecker-agent drone-runner act_runner code-tunnel \
    code-server rserver";

/// Programs that listen for the services that they start.
pub(super) const MANAGERS: &str = "systemd inetd xinetd launchd";

/// Supervisors that run other programs as well.
pub(super) const SUPERVISORS: &str = "supervisord runsvdir s6-svscan svscan monit circusd";

pub(super) const ENGINES: &str = "dockerd containerd podman crio kubelet k3s lxd incusd";

/// Name resolvers of a whole machine.
pub(super) const RESOLVERS: &str = "systemd-resolved systemd-resolve";

/// Programs that a machine's network depends on.
pub(super) const NETWORK: &str = "NetworkManager systemd-networkd systemd-network dhclient dhcpcd connmand iwd \
    wpa_supplicant tailscaled";

/// Programs that a system depends on.
pub(super) const SYSTEM: &str = "dbus-daemon dbus-broker systemd-logind systemd-journald systemd-journal \
    polkitd rpcbind";

/// Programs that only pass a port on to another place.
pub(super) const FORWARDERS: &str =
    "rinetd redir simpleproxy gost chisel cloudflared ngrok tailscale";

/// Editors that forward ports of a remote machine.
pub(super) const EDITORS: &str = "code cursor windsurf codium";

pub(super) fn has(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|one| one == name)
}

impl Facts {
    /// Whether it is a program of a list. The kernel's name of a tmux server is `tmux: server`.
    pub(super) fn is_one_of(&self, list: &str) -> bool {
        let comm = self.comm.split(':').next().unwrap_or_default();
        has(list, self.program()) || has(list, comm)
    }

    /// Whether it is a program of a list, or interprets one.
    pub(super) fn runs_one_of(&self, list: &str) -> bool {
        self.is_one_of(list) || self.script().is_some_and(|script| has(list, script))
    }

    pub(super) fn is_shell(&self) -> bool {
        has(SHELLS, self.program())
    }

    pub(super) fn is_interpreter(&self) -> bool {
        let is_version = |c: char| c.is_ascii_digit() || c == '.';
        has(INTERPRETERS, self.program().trim_end_matches(is_version))
    }

    /// Whether it only runs another program and ends with it.
    pub(super) fn is_wrapper(&self) -> bool {
        self.is_shell() || self.runs_one_of(WRAPPERS)
    }

    /// Whether its children are independent of it.
    pub(super) fn is_launcher(&self) -> bool {
        // An interpreter that reads what a user types.
        let has_script = self.script().is_some() || self.runs_text();
        let is_prompt = self.is_interpreter() && !has_script && !self.argv.is_empty();
        self.is_one_of(LAUNCHERS)
            || self.runs_one_of(INTERACTIVE)
            || is_prompt
            || self.any_argument(|word| has(JOB_RUNNERS, base_name(word)))
    }

    /// Whether it has a whole program among its arguments.
    pub(super) fn runs_text(&self) -> bool {
        self.any_argument(|word| matches!(word, "-c" | "-e" | "--eval"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_work_in_starts_nothing_again() {
        for command in [
            "vim -c !serve",
            "python3",
            "node --inspect",
            "python3 -m ipykernel_launcher -f x",
            "/opt/runner/bin/Runner.Worker spawnclient",
        ] {
            assert!(Facts::of_command(command).is_launcher(), "{command}");
        }
        for command in ["python3 serve.py", "python3 -c loop()", "./daemon"] {
            assert!(!Facts::of_command(command).is_launcher(), "{command}");
        }
    }
}
