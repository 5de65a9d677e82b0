//! What the kernel says about one process that the records of processes don't: which names its environment has, its
//! unit, its session, and whether its folders were deleted.
//!
//! The environment, the folders and the descriptors can be read by the process's user and root only (`proc(5)`); the
//! session and the control group by everyone.

use super::environment::Markers;
use super::projects::Place;
use crate::model::{LeftOver, Pid, StartedBy, StarterKind, Text};

/// The facts of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// `None` if the environment can't be read.
    pub(super) markers: Option<Markers>,
    /// What its control group says.
    pub(super) unit: Option<StartedBy>,
    /// Whether the shell that it was started in has ended.
    pub(super) session: Session,
    /// Whether a folder of it was deleted.
    pub(super) left_over: Option<LeftOver>,
}

/// The session of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Session {
    /// Its first process is there, or it can't be known.
    #[default]
    Lasts,
    /// Its first process, the shell, has ended, and the process is a job of that shell: with job control each has a
    /// process group of its own.
    JobOfEnded,
    /// Its first process has ended. It could also be a daemon, which leaves such a session behind as it starts
    /// (`daemon(7)`), but it has an input or an output.
    Ended,
}

/// What is read for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) pid: Pid,
    pub(super) place: Option<Place>,
    /// The facts of before: the environment stays as it is until the process executes another program.
    pub(super) before: Option<Facts>,
}

impl Facts {
    /// Reads them. Without `/proc` nothing is known.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn read(_: Request) -> Self {
        Self::default()
    }

    /// Reads them.
    #[cfg(target_os = "linux")]
    pub(super) fn read(request: Request) -> Self {
        let Request { pid, place, before } = request;
        let cgroup = crate::source::linux::background::facts::cgroup_of(pid);
        Self {
            markers: match before {
                Some(before) => before.markers,
                None => linux::markers(pid),
            },
            unit: cgroup.and_then(|path| of_cgroup(&path)),
            session: linux::session(pid),
            left_over: linux::is_folder_deleted(pid, place.as_ref())
                .then_some(LeftOver::FolderDeleted),
        }
    }
}

/// Units whose processes are started by something else than the unit: logins, terminals, desktop programs.
const LOGINS: [&str; 12] = [
    "user@",
    "app-",
    "dbus",
    "getty@",
    "serial-getty@",
    "console-getty",
    "gdm",
    "sddm",
    "lightdm",
    "display-manager",
    "gnome-",
    "plasma-",
];

/// Units that start programs for others, and what these are started by.
const LAUNCHERS: [(&str, StarterKind, &str); 6] = [
    ("ssh.service", StarterKind::Ssh, "ssh"),
    ("sshd.service", StarterKind::Ssh, "ssh"),
    ("cron.service", StarterKind::Cron, "cron"),
    ("crond.service", StarterKind::Cron, "cron"),
    ("cronie.service", StarterKind::Cron, "cron"),
    ("atd.service", StarterKind::Cron, "at"),
];

/// Prefixes of scopes that a program makes for each shell that it starts: tmux (`compat/systemd.c`) and the terminals that
/// use VTE (`src/systemd.cc`).
const SCOPES: [(&str, StarterKind, &str); 2] = [
    ("tmux-spawn-", StarterKind::Multiplexer, "tmux"),
    (
        "vte-spawn-",
        StarterKind::Terminal,
        super::environment::TERMINAL,
    ),
];

/// What the path of a control group says.
#[cfg(target_os = "linux")]
fn of_cgroup(path: &str) -> Option<StartedBy> {
    of_unit(&crate::source::linux::placement::Placement::of(path).unit?)
}

fn of_unit(unit: &str) -> Option<StartedBy> {
    let by = |kind, name: &str| StartedBy {
        kind,
        name: Text::new(name),
        pid: None,
    };
    let launcher = LAUNCHERS.iter().find(|(name, _, _)| *name == unit);
    let scope = || {
        let mut scopes = SCOPES.iter();
        scopes.find(|(prefix, _, _)| unit.starts_with(prefix))
    };
    if let Some(&(_, kind, name)) = launcher.or_else(scope) {
        return Some(by(kind, name));
    }
    let is_login = LOGINS.iter().any(|prefix| unit.starts_with(prefix));
    (unit.ends_with(".service") && !is_login).then(|| by(StarterKind::Service, unit))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{ErrorKind, Read as _};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    use rustix::io::Errno;
    use rustix::process::test_kill_process;

    use super::{Markers, Session};
    use crate::model::Pid;
    use crate::source::lineage::own_pid;
    use crate::source::proc_stat::proc_stat;
    use crate::source::process::provenance::find::{is_own, root};
    use crate::source::process::provenance::projects::Place;

    /// More than an environment has; one that is longer is not read as a whole.
    const MAX_ENVIRONMENT: u64 = 1 << 20;

    /// What the kernel appends to the path of a deleted file.
    const DELETED: &str = " (deleted)";

    pub(super) fn markers(pid: Pid) -> Option<Markers> {
        let file = File::open(format!("/proc/{pid}/environ")).ok()?;
        let mut bytes = Vec::new();
        file.take(MAX_ENVIRONMENT).read_to_end(&mut bytes).ok()?;
        Some(Markers::parse(&bytes))
    }

    pub(super) fn session(pid: Pid) -> Session {
        let Some(stat) = proc_stat(pid) else {
            return Session::Lasts;
        };
        // A session that was begun outside the pid namespace has no number in it.
        let is_own = stat.session == pid || stat.session == 0;
        if is_own || !has_ended(stat.session) || is_inside(pid) {
            return Session::Lasts;
        }
        if stat.process_group != stat.session {
            return Session::JobOfEnded;
        }
        match is_detached(pid) {
            Some(false) => Session::Ended,
            _ => Session::Lasts,
        }
    }

    /// Whether no process has this pid, which is that of a session: the kernel gives it to no other one meanwhile.
    fn has_ended(leader: Pid) -> bool {
        if let Some(stat) = proc_stat(leader) {
            return stat.has_ended;
        }
        // `/proc` may hide processes of others (`hidepid`).
        let leader = i32::try_from(leader)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let is_gone = |leader| test_kill_process(leader) == Err(Errno::SRCH);
        own_pid() == Some(std::process::id()) && leader.is_some_and(is_gone)
    }

    /// Whether it is in a pid namespace below ours: in a container the first process adopts others.
    fn is_inside(pid: Pid) -> bool {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        line.is_some_and(|pids| pids.split_ascii_whitespace().count() > 1)
    }

    /// Whether input and outputs are closed or `/dev/null`, as a daemon leaves them; `None` if that can't be read.
    fn is_detached(pid: Pid) -> Option<bool> {
        for descriptor in 0..3 {
            match fs::read_link(format!("/proc/{pid}/fd/{descriptor}")) {
                Ok(path) if path == Path::new("/dev/null") => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Ok(_) => return Some(false),
                Err(_) => return None,
            }
        }
        Some(true)
    }

    /// Whether the working directory was deleted, or the folder of the program or script of a project.
    pub(super) fn is_folder_deleted(pid: Pid, place: Option<&Place>) -> bool {
        let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}"));
        let is_marked = |path: &Path| path.to_string_lossy().ends_with(DELETED);
        let has_no_links = || {
            let folder = fs::metadata(format!("/proc/{pid}/cwd"));
            folder.is_ok_and(|folder| folder.nlink() == 0)
        };
        if link("cwd").is_ok_and(|path| is_marked(&path)) && has_no_links() {
            return true;
        }
        let executable = link("exe").ok().filter(|path| is_marked(path));
        let executable = executable.as_deref().and_then(Path::to_str);
        let script = place.and_then(|place| place.script.as_deref());
        let files = [executable, script].into_iter().flatten();
        files
            .filter(|path| is_of_project(path))
            .any(|path| is_parent_missing(pid, path))
    }

    /// Whether people work in the folder of a program: programs that replace themselves are in hidden folders, or
    /// installed.
    fn is_of_project(path: &str) -> bool {
        path.starts_with('/') && is_own(path) && !path.contains("/.")
    }

    fn is_parent_missing(pid: Pid, path: &str) -> bool {
        let within = Path::new(path)
            .parent()
            .and_then(|parent| parent.strip_prefix("/").ok());
        let metadata = within.map(|within| fs::metadata(root(pid).join(within)));
        matches!(metadata, Some(Err(error)) if error.kind() == ErrorKind::NotFound)
            && fs::metadata(root(pid)).is_ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn said(path: &str) -> Option<String> {
        let by = of_cgroup(path)?;
        Some(format!("{} {}", by.kind.as_str(), by.name))
    }

    #[test]
    fn a_service_is_named_and_what_logins_start_is_not_a_service() {
        assert_eq!(
            said("/system.slice/nginx.service").as_deref(),
            Some("service nginx.service")
        );
        let own = "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service";
        assert_eq!(said(own).as_deref(), Some("service web.service"));
        assert_eq!(
            said("/system.slice/cron.service").as_deref(),
            Some("cron cron")
        );
        assert_eq!(
            said("/system.slice/ssh.service").as_deref(),
            Some("ssh ssh")
        );
        for path in [
            "/",
            "/user.slice/user-1000.slice/session-3.scope",
            "/user.slice/user-1000.slice/user@1000.service/init.scope",
            "/user.slice/user-1000.slice/user@1000.service/app.slice/app-code@1.service",
            "/system.slice/docker-0123.scope",
            "/system.slice/getty@tty1.service",
        ] {
            assert_eq!(said(path), None, "{path}");
        }
    }

    #[test]
    fn the_scope_of_a_shell_says_what_made_it() {
        let path = |scope| format!("/user.slice/user-1000.slice/user@1000.service/{scope}");
        assert_eq!(
            said(&path("tmux-spawn-01.scope")).as_deref(),
            Some("multiplexer tmux")
        );
        assert_eq!(
            said(&path("app.slice/vte-spawn-01.scope")).as_deref(),
            Some("terminal a terminal")
        );
    }
}
