//! Who has the port, in one line below the first sentence: command line, folder, and where it came from.
//!
//! Pure. Only what the records say: a parent that has ended leaves no trace, and a unit's name says where
//! a process runs, not that the unit started it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Holder, Limits, Pid, Process};

type Processes = HashMap<Pid, Arc<Process>>;

/// More characters of a command line than this say no more of who it is.
const MAX_COMMAND: usize = 200;

/// No line of ancestors is longer; records that were not read at one instant could form a ring.
const MAX_DEPTH: usize = 64;

/// Shells: what one was given with `-c` counts, not the shell.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "ash"];

/// Ancestors that say where a command was typed, or what started it, and how that is said.
const CONTEXTS: &[(&str, &str)] = &[
    ("tmux", "in tmux"),
    ("screen", "in screen"),
    ("zellij", "in zellij"),
    ("sshd-session", "over ssh"),
    ("sshd", "over ssh"),
    ("cron", "by cron"),
    ("crond", "by cron"),
    ("atd", "by at"),
    ("code", "in VS Code"),
    ("gnome-terminal-server", "in gnome-terminal"),
    ("konsole", "in konsole"),
    ("alacritty", "in alacritty"),
    ("kitty", "in kitty"),
    ("xterm", "in xterm"),
    ("supervisord", "by supervisord"),
    ("PM2", "by PM2"),
];

/// `` `python3 pg.py` in `~/shop`, started 12 min ago from bash in tmux by ann. `` `None` where
/// neither is known.
pub(super) fn sentence(
    processes: &Processes,
    limits: &Limits,
    holder: &Holder,
    now: Timestamp,
) -> Option<String> {
    if holder.activation.is_some() {
        return None;
    }
    let process = main_process(holder)?;
    if process.command.is_none() && process.cwd.is_none() {
        return None;
    }
    let folder = process.cwd.as_ref().map(|cwd| {
        let home = limits.home.as_deref();
        format!(" in `{}`", shortened(cwd, home))
    });
    let command = command_of(process);
    Some(format!(
        "`{command}`{}{}.",
        folder.unwrap_or_default(),
        started(processes, holder, process, now)
    ))
}

/// Of several owners the one that started the others; not the first process, which holds sockets for
/// its services.
fn main_process(holder: &Holder) -> Option<&Arc<Process>> {
    let owners = holder.socket.owner.present();
    let has = |pid: Pid| owners.iter().any(|owner| owner.pid == pid);
    let is_first = |owner: &&Arc<Process>| {
        owner.pid != 1
            && owner
                .parent
                .is_none_or(|parent| parent == 1 || !has(parent))
    };
    owners.iter().find(is_first).or(owners.first())
}

fn command_of(process: &Process) -> String {
    let command = process.command.as_ref().unwrap_or(&process.name);
    let mut chars = command.chars();
    let mut shown: String = chars.by_ref().take(MAX_COMMAND).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// `~/shop` for what is in the reader's own home.
fn shortened(folder: &str, home: Option<&str>) -> String {
    let home = home.filter(|home| home.len() > 1 && home.starts_with('/'));
    match home.and_then(|home| folder.strip_prefix(home.trim_end_matches('/'))) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => folder.to_owned(),
    }
}

/// `, started 12 min ago from bash in tmux by ann`
fn started(processes: &Processes, holder: &Holder, process: &Process, now: Timestamp) -> String {
    let age = process.started_at.map(|started| {
        let age = now.duration_since(started);
        format!(" {} ago", age_text(age.try_into().unwrap_or_default()))
    });
    let origin = origin(processes, holder, process);
    // Two "by" in a row would make the supervisor ann's.
    let by = if origin.starts_with(" by ") {
        ", as"
    } else {
        " by"
    };
    let user = process.user.as_ref().map(|user| format!("{by} {user}"));
    if age.is_none() && origin.is_empty() {
        return user.map_or_else(String::new, |user| format!(", run{user}"));
    }
    let (age, user) = (age.unwrap_or_default(), user.unwrap_or_default());
    format!(", started{age}{origin}{user}")
}

/// ` from bash in tmux`, ` by cron`, ` in web.service`; empty if nothing is known.
fn origin(processes: &Processes, holder: &Holder, process: &Process) -> String {
    let socket = &holder.socket;
    if let Some(container) = &socket.container {
        return format!(" in container {container}");
    }
    let unit = socket.unit.as_ref().map(|unit| format!(" in {unit}"));
    let from = started_from(&ancestors(processes, process));
    from.or(unit).unwrap_or_default()
}

/// The nearest ancestor that means something, and the place where that one runs.
fn started_from(ancestors: &[&Process]) -> Option<String> {
    let at = ancestors.iter().position(|one| !is_in_passing(one))?;
    let (parent, beyond) = (ancestors[at], &ancestors[at + 1..]);
    if let Some(phrase) = context(parent) {
        return Some(format!(" {phrase}"));
    }
    let place = beyond.iter().find_map(|one| context(one));
    let place = place.map_or_else(String::new, |phrase| format!(" {phrase}"));
    Some(format!(" from {}{place}", parent.name))
}

/// Parent first, without the first process, which adopts those whose parent has ended.
fn ancestors<'a>(processes: &'a Processes, process: &Process) -> Vec<&'a Process> {
    let mut line: Vec<&Process> = Vec::new();
    let mut next = process.parent;
    while let Some(pid) = next.filter(|&pid| pid != 1 && line.len() < MAX_DEPTH) {
        let Some(ancestor) = processes.get(&pid) else {
            break;
        };
        if !is_user_manager(ancestor) {
            line.push(ancestor);
        }
        next = ancestor.parent;
    }
    line
}

/// `systemd --user` adopts as the first process does.
fn is_user_manager(process: &Process) -> bool {
    &*process.comm == "systemd"
}

/// A shell that runs a command line for something else: `sh -c …`.
fn is_in_passing(process: &Process) -> bool {
    let argv = process.argv.as_deref().unwrap_or_default();
    let is_code =
        |word: &str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    SHELLS.contains(&&*process.name) && argv.iter().skip(1).any(|word| is_code(word))
}

fn context(process: &Process) -> Option<&'static str> {
    let known = CONTEXTS.iter().find(|(name, _)| *name == &*process.name);
    known.map(|&(_, phrase)| phrase)
}

fn age_text(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds @ 3_600..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
