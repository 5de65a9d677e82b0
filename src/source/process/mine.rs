//! The rule of `--mine`, one for `list`, `watch` and `end`: a process is the current user's own, and of the same project or
//! session as this program. What is not known about a process speaks against it.
//!
//! The user is the one who ran `sudo`, if this program was run by that. The session is that of `setsid(2)`, so that of a
//! terminal, or the same server of tmux, screen or zellij. The number of a terminal says nothing more, as a terminal has one
//! session; and it is no evidence, as each container counts its terminals from 0. Numbers of sessions are those of the pid
//! namespace of `/proc`, also of processes in others, so equal ones are the same session.

use std::path::PathBuf;

use super::members::is_in_project;
use super::provenance::project_folder_of;
use crate::model::Process;
use crate::source::invoking_uid;

/// This program's user, project and sessions.
#[derive(Clone, Debug)]
pub struct Mine {
    /// `None` where there are no uids.
    uid: Option<u32>,
    /// `None` if the working directory is in no project: without a manifest or a repository, everything below it would be.
    project: Option<PathBuf>,
    session: session::Own,
}

/// Checks that a process belongs to the user of this program: the one who ran `sudo`, if it was run by that.
///
/// # Errors
/// Why it does not, as a sentence without a full stop.
pub fn is_own_users(process: &Process) -> Result<(), String> {
    is_of_user(process, invoking_uid())
}

impl Mine {
    /// Reads them.
    pub fn find() -> Self {
        let folder = std::env::current_dir().ok();
        Self {
            uid: invoking_uid(),
            project: folder.and_then(|folder| project_folder_of(&folder)),
            session: session::Own::find(),
        }
    }

    /// Checks that a process belongs to the user of this program, and either to the project of the working directory or to
    /// the same session.
    ///
    /// # Errors
    /// Why it does not, as a sentence without a full stop.
    pub fn check(&self, process: &Process) -> Result<(), String> {
        is_of_user(process, self.uid)?;
        let is_in = |folder| is_in_project(process, folder);
        if self.project.as_deref().is_some_and(is_in) || self.session.has(process) {
            return Ok(());
        }
        let who = process.name_and_pid();
        let project = process.project.as_ref();
        let project = project.map(|project| format!(" (its project is {project})"));
        let project = project.unwrap_or_default();
        Err(format!(
            "{who} is neither of this project nor of this session{project}"
        ))
    }
}

fn is_of_user(process: &Process, own: Option<u32>) -> Result<(), String> {
    let who = process.name_and_pid();
    match (process.uid, own) {
        (Some(one), Some(own)) if one == own => Ok(()),
        (Some(uid), Some(_)) => {
            let user = process.user.as_deref().map(str::to_owned);
            let user = user.unwrap_or_else(|| format!("uid {uid}"));
            Err(format!("{who} belongs to {user}"))
        }
        _ => Err(format!("whose process {who} is, is not known")),
    }
}

#[cfg(target_os = "linux")]
mod session {
    use crate::model::{Pid, Process};
    use crate::source::lineage;
    use crate::source::proc_stat::{proc_stat, with_ancestors};

    /// Programs that keep a session in which other programs run, by the start of their short name.
    const SERVERS: [&[u8]; 3] = [b"tmux: server", b"screen", b"zellij"];

    /// Programs that may have made a session for a command.
    const WRAPPERS: [&[u8]; 4] = [b"sudo", b"doas", b"su", b"runuser"];

    const MAX_DEPTH: usize = 64;

    /// The sessions and ancestors of this program.
    #[derive(Clone, Debug)]
    pub(super) struct Own {
        sessions: Vec<u32>,
        line: Vec<Pid>,
    }

    impl Own {
        pub(super) fn find() -> Self {
            let line: Vec<Pid> = lineage().0.iter().map(|member| member.pid).collect();
            Self {
                sessions: sessions(&line),
                line,
            }
        }

        /// Whether a process is in one of the sessions, or below a server that this program is below, too.
        pub(super) fn has(&self, process: &Process) -> bool {
            let Some(stat) = proc_stat(process.pid) else {
                return false;
            };
            if Some(stat.started_at_tick) != process.started_at_tick {
                return false;
            }
            let ancestors = with_ancestors(process.pid).take_while(|&pid| pid > 1);
            let server = || server_of(ancestors.take(MAX_DEPTH));
            self.sessions.contains(&stat.session)
                || server().is_some_and(|server| self.line.contains(&server))
        }
    }

    /// The session of this program, and those below the commands that changed its user.
    fn sessions(line: &[Pid]) -> Vec<u32> {
        let mut sessions = Vec::new();
        let mut is_part = true;
        for &pid in line {
            let Some(stat) = proc_stat(pid) else {
                break;
            };
            let changed_user = WRAPPERS.contains(&&*stat.name);
            // The first one is this program.
            if !is_part && !changed_user {
                break;
            }
            sessions.push(stat.session);
            is_part = changed_user;
        }
        // Session 0 is that of the kernel, and of what began outside the pid namespace.
        sessions.retain(|&session| session != 0);
        sessions
    }

    fn server_of(mut line: impl Iterator<Item = Pid>) -> Option<Pid> {
        line.find(|&pid| {
            let stat = proc_stat(pid);
            stat.is_some_and(|stat| SERVERS.iter().any(|name| stat.name.starts_with(name)))
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod session {
    use crate::model::Process;

    /// Sessions are not known here.
    #[derive(Clone, Debug)]
    pub(super) struct Own;

    impl Own {
        pub(super) const fn find() -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "as on Linux")]
        pub(super) const fn has(&self, _: &Process) -> bool {
            false
        }
    }
}
