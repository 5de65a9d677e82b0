//! Whether a process is the current user's own, and of the same project or session as this program. What is not known about
//! a process speaks against it.

use crate::model::Process;
use crate::source::{invoking_uid, is_of_project, project_folder_of};

/// Checks that a process belongs to the user of this program: the one who ran `sudo`, if it was run by that.
///
/// # Errors
/// Why it does not, as a sentence without a full stop.
pub fn is_own_users(process: &Process) -> Result<(), String> {
    let who = process.name_and_pid();
    match (process.uid, invoking_uid()) {
        (Some(one), Some(own)) if one == own => Ok(()),
        (Some(uid), Some(_)) => {
            let user = process.user.as_deref().map(str::to_owned);
            let user = user.unwrap_or_else(|| format!("uid {uid}"));
            Err(format!("{who} belongs to {user}"))
        }
        _ => Err(format!("whose process {who} is, is not known")),
    }
}

/// Checks that a process belongs to the user of this program, and either to the project of the working directory or to the
/// same session: the same terminal, or the same server of tmux, screen or zellij.
///
/// # Errors
/// Why it does not, as a sentence without a full stop.
pub fn is_mine(process: &Process) -> Result<(), String> {
    is_own_users(process)?;
    if is_of_own_project(process) || session::is_own(process) {
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

/// A folder without a manifest or a repository is no project: everything below the working directory would be.
fn is_of_own_project(process: &Process) -> bool {
    let folder = std::env::current_dir().ok();
    let own = folder.and_then(|folder| project_folder_of(&folder));
    own.is_some_and(|own| process.project.is_some() && is_of_project(process, &own) == Some(true))
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

    pub(super) fn is_own(process: &Process) -> bool {
        let Some(stat) = proc_stat(process.pid) else {
            return false;
        };
        if Some(stat.started_at_tick) != process.started_at_tick {
            return false;
        }
        let own: Vec<Pid> = lineage().0.iter().map(|member| member.pid).collect();
        let is_same = own_sessions(&own).iter().any(|&(session, terminal)| {
            session == stat.session || terminal != 0 && terminal == stat.terminal
        });
        let ancestors = with_ancestors(process.pid).take_while(|&pid| pid > 1);
        is_same || server_of(ancestors.take(MAX_DEPTH)).is_some_and(|server| own.contains(&server))
    }

    /// The session and the terminal of this program, and those below the commands that changed its user.
    fn own_sessions(own: &[Pid]) -> Vec<(u32, u32)> {
        let mut sessions = Vec::new();
        let mut is_part = true;
        for &pid in own {
            let Some(stat) = proc_stat(pid) else {
                break;
            };
            let changed_user = WRAPPERS.contains(&&*stat.name);
            // The first one is this program.
            if !is_part && !changed_user {
                break;
            }
            sessions.push((stat.session, stat.terminal));
            is_part = changed_user;
        }
        // Session 0 is that of the kernel.
        sessions.retain(|&(session, _)| session != 0);
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
    pub(super) const fn is_own(_process: &Process) -> bool {
        false
    }
}
