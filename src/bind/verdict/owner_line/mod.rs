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
use crate::model::{Holder, Limits, Pid, Process, Socket, Text, duration};

/// More characters of a command line than this don't help to recognize it.
const MAX_COMMAND: usize = 200;

/// Longer lines of ancestors are cut; records that were not read atomically could form a cycle.
const MAX_DEPTH: usize = 64;

/// The sentence on the owner of a socket that started its other owners; `None` if neither its command nor its folder is
/// known. Without `now` it does not say how long ago that was.
pub(in crate::bind) fn sentence(
    processes: &HashMap<Pid, Arc<Process>>,
    limits: &Limits,
    holder: &Holder,
    now: impl Into<Option<Timestamp>>,
) -> Option<String> {
    // Of several owners the one that started the others; not the first process, which has sockets for its services.
    let owners = holder.socket.owner.present();
    let has = |pid: Pid| pid != 1 && owners.iter().any(|owner| owner.pid == pid);
    let is_first = |owner: &&Arc<Process>| owner.pid != 1 && !owner.parent.is_some_and(has);
    let process = owners.iter().find(is_first).or(owners.first())?;
    let is_known = process.command.is_some() || process.cwd.is_some();
    if !is_known || holder.activation.is_some() {
        return None;
    }
    let home = limits.home.as_deref();
    Some(process_line(
        processes,
        home,
        (&holder.socket, process),
        now,
    ))
}

/// `` `python3 pg.py` in `~/shop`, started 12 min ago from bash in tmux by ann. `` on an owner of a socket. Folders in
/// `home` are shortened, if it is given.
pub(crate) fn process_line(
    processes: &HashMap<Pid, Arc<Process>>,
    home: Option<&str>,
    (socket, process): (&Socket, &Process),
    now: impl Into<Option<Timestamp>>,
) -> String {
    let command = process.command.as_ref();
    let mut command = command.unwrap_or(&process.name).to_string();
    if let Some((end, _)) = command.char_indices().nth(MAX_COMMAND) {
        command.truncate(end);
        command.push('…');
    }
    let folder = process.cwd.as_ref();
    let folder = after(
        " in ",
        folder.map(|cwd| format!("`{}`{}", shortened(cwd, home), branch(process))),
    );
    let age = process.started_at.zip(now.into()).map(|(started, now)| {
        let age = now.duration_since(started).try_into().unwrap_or_default();
        format!(" {} ago", duration::format_age_in_words(age))
    });
    let origin = match &socket.container {
        Some(container) => Some(format!(" in container {container}")),
        None => started_from(processes, process)
            .or_else(|| socket.unit.as_ref().map(|unit| format!(" in {unit}"))),
    };
    // Two "by" in a row would make the supervisor ann's.
    let is_by = origin
        .as_deref()
        .is_some_and(|origin| origin.starts_with(" by "));
    let user = after(if is_by { ", as " } else { " by " }, process.user.as_ref());
    let started = match (age, origin) {
        (None, None) if user.is_empty() => String::new(),
        (None, None) => ", run".to_owned(),
        (age, origin) => format!(", started{}{}", after("", age), after("", origin)),
    };
    let by = process.started_by.as_ref();
    let left_over = process.left_over.map(|left_over| left_over.clause(by));
    let left_over = after("; ", left_over);
    format!("`{command}`{folder}{started}{user}{left_over}.")
}

/// ` (branch main)`, ` (branch fix, worktree shop-fix)`, if the working directory is in the project.
fn branch(process: &Process) -> String {
    let is_inside = process.cwd.as_deref().zip(process.project.as_deref());
    let is_inside = is_inside.is_some_and(|(cwd, project)| {
        let rest = cwd.strip_prefix(project);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
    });
    let branch = process
        .branch
        .as_ref()
        .map(|branch| format!("branch {branch}"));
    let worktree = process
        .worktree
        .as_ref()
        .map(|name| format!("worktree {name}"));
    let facts: Vec<_> = [branch, worktree].into_iter().flatten().collect();
    if facts.is_empty() || !is_inside {
        return String::new();
    }
    format!(" ({})", facts.join(", "))
}

/// `~/shop` for a folder in the user's home.
fn shortened(folder: &str, home: Option<&str>) -> String {
    let home = home.filter(|home| home.len() > 1 && home.starts_with('/'));
    match home.and_then(|home| folder.strip_prefix(home.trim_end_matches('/'))) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("~{rest}"),
        _ => folder.to_owned(),
    }
}

/// ` from bash in tmux`, ` by cron`: the nearest meaningful ancestor, and what started it.
fn started_from(processes: &HashMap<Pid, Arc<Process>>, process: &Process) -> Option<String> {
    let parent = |of: &Process| processes.get(&of.parent.filter(|&pid| pid != 1)?);
    let line = std::iter::successors(parent(process), |one| parent(one));
    // Without those that adopt processes whose parent has ended: the first one and `systemd --user`.
    let line = line.take(MAX_DEPTH).filter(|one| &*one.comm != "systemd");
    // A shell that runs code for something else: `sh -c …`.
    let is_code =
        |word: &Text| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    let mut line = line.skip_while(|one| {
        let argv = one.argv.as_deref().unwrap_or_default();
        one.is_shell() && argv.iter().skip(1).any(is_code)
    });
    let nearest = line.next();
    let is_starter = nearest.is_some_and(|nearest| nearest.as_starter().is_some());
    let from = nearest.filter(|_| !is_starter);
    let from = after(" from ", from.map(|nearest| &nearest.name));
    // A record that was not completed has ancestors only.
    let of_line = || {
        nearest
            .into_iter()
            .chain(line)
            .find_map(|one| one.as_starter())
    };
    let by = process.started_by.clone().or_else(of_line);
    let by = by.map(|by| by.phrase()).unwrap_or_default();
    let text = from + &by;
    (!text.is_empty()).then_some(text)
}
