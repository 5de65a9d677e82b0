//! Who has the port, in one line below the summary: command line, folder, and what started it.
//!
//! Pure. Only facts from the records: an ended parent leaves no trace, and a unit's name shows where a process runs,
//! not that the unit started it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::bind::text::after;
use crate::model::{Holder, Limits, Pid, Process, duration};

/// More characters of a command line than this don't help to recognize it.
const MAX_COMMAND: usize = 200;

/// Longer lines of ancestors are cut; records that were not read atomically could form a cycle.
const MAX_DEPTH: usize = 64;

/// Shells: with `-c` their code counts, not the shell.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "ash"];

/// Ancestors that show where a command was typed, or what started it, with the words for that.
const CONTEXTS: &[(&str, &str)] = &[
    ("tmux", " in tmux"),
    ("screen", " in screen"),
    ("zellij", " in zellij"),
    ("sshd-session", " over ssh"),
    ("sshd", " over ssh"),
    ("cron", " by cron"),
    ("crond", " by cron"),
    ("atd", " by at"),
    ("code", " in VS Code"),
    ("gnome-terminal-server", " in gnome-terminal"),
    ("konsole", " in konsole"),
    ("alacritty", " in alacritty"),
    ("kitty", " in kitty"),
    ("xterm", " in xterm"),
    ("supervisord", " by supervisord"),
    ("PM2", " by PM2"),
];

/// `` `python3 pg.py` in `~/shop`, started 12 min ago from bash in tmux by ann. `` `None` if neither command nor folder
/// is known.
pub(super) fn sentence(
    processes: &HashMap<Pid, Arc<Process>>,
    limits: &Limits,
    holder: &Holder,
    now: Timestamp,
) -> Option<String> {
    let process = main_process(holder).filter(|_| holder.activation.is_none())?;
    if process.command.is_none() && process.cwd.is_none() {
        return None;
    }
    let mut command = process
        .command
        .as_ref()
        .unwrap_or(&process.name)
        .to_string();
    if let Some((end, _)) = command.char_indices().nth(MAX_COMMAND) {
        command.truncate(end);
        command.push('…');
    }
    let home = limits.home.as_deref();
    let folder = process
        .cwd
        .as_ref()
        .map(|cwd| format!("`{}`", shortened(cwd, home)));
    let folder = after(" in ", folder);
    let age = process.started_at.map(|started| {
        let age = now.duration_since(started).try_into();
        format!(
            " {} ago",
            duration::format_age_in_words(age.unwrap_or_default())
        )
    });
    let socket = &holder.socket;
    let origin = match &socket.container {
        Some(container) => Some(format!(" in container {container}")),
        None => started_from(&ancestors(processes, process))
            .or_else(|| socket.unit.as_ref().map(|unit| format!(" in {unit}"))),
    };
    // Two "by" in a row would make the supervisor ann's.
    let is_by = origin
        .as_ref()
        .is_some_and(|origin| origin.starts_with(" by "));
    let user = after(if is_by { ", as " } else { " by " }, process.user.as_ref());
    let started = match (age, origin) {
        (None, None) if user.is_empty() => String::new(),
        (None, None) => ", run".to_owned(),
        (age, origin) => format!(", started{}{}", after("", age), after("", origin)),
    };
    Some(format!("`{command}`{folder}{started}{user}."))
}

/// Of several owners the one that started the others; not the first process, which has sockets for its services.
fn main_process(holder: &Holder) -> Option<&Arc<Process>> {
    let owners = holder.socket.owner.present();
    let has = |pid: Pid| owners.iter().any(|owner| owner.pid == pid);
    let is_child = |parent: Pid| parent != 1 && has(parent);
    let is_first = |owner: &&Arc<Process>| owner.pid != 1 && !owner.parent.is_some_and(is_child);
    owners.iter().find(is_first).or(owners.first())
}

/// `~/shop` for a folder in the user's home.
fn shortened(folder: &str, home: Option<&str>) -> String {
    let home = home.filter(|home| home.len() > 1 && home.starts_with('/'));
    match home.and_then(|home| folder.strip_prefix(home.trim_end_matches('/'))) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => folder.to_owned(),
    }
}

/// ` from bash in tmux`, ` by cron`: the nearest meaningful ancestor, and where it runs.
fn started_from(ancestors: &[&Process]) -> Option<String> {
    let at = ancestors.iter().position(|one| !runs_code(one))?;
    let (parent, beyond) = (ancestors[at], &ancestors[at + 1..]);
    if let Some(context) = context(parent) {
        return Some(context.to_owned());
    }
    let context = beyond.iter().find_map(|one| context(one));
    Some(format!(
        " from {}{}",
        parent.name,
        context.unwrap_or_default()
    ))
}

/// Parent first, without the processes that adopt those whose parent has ended: the first one and `systemd --user`.
fn ancestors<'a>(processes: &'a HashMap<Pid, Arc<Process>>, process: &Process) -> Vec<&'a Process> {
    let parent = |of: &Process| {
        of.parent
            .filter(|&pid| pid != 1)
            .and_then(|pid| processes.get(&pid))
    };
    let line = std::iter::successors(parent(process), |one| parent(one)).take(MAX_DEPTH);
    line.map(Arc::as_ref)
        .filter(|one| &*one.comm != "systemd")
        .collect()
}

/// Whether it is a shell that runs code for something else: `sh -c …`.
fn runs_code(process: &Process) -> bool {
    let argv = process.argv.as_deref().unwrap_or_default();
    let is_code =
        |word: &str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    SHELLS.contains(&&*process.name) && argv.iter().skip(1).any(|word| is_code(word))
}

fn context(process: &Process) -> Option<&'static str> {
    let known = CONTEXTS.iter().find(|(name, _)| *name == &*process.name);
    known.map(|&(_, words)| words)
}
