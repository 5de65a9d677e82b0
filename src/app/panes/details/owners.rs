//! The processes that have the socket: one line each, then what else is known of them, the same facts once.

use std::sync::Arc;
use std::time::Duration;

use super::end::no_owner_text;
use super::{DATE_TIME, LABEL, fact};
use crate::app::App;
use crate::app::view::{Line, MAX_LINES, Role, line_width, span};
use crate::columns::{cut, pad, pad_cells, pad_left, width};
use crate::model::duration::format_age;
use crate::model::{Owner, Process, Text};
use crate::track::Row;

/// The most owners to name.
const MAX_OWNERS: usize = MAX_LINES / 4;

/// The most ancestors to follow, as a recording may contain a cycle.
const MAX_ANCESTORS: usize = 32;

/// The most pids that a fact of some owners names.
const MAX_PIDS: usize = 8;

/// Cells of a process name.
const NAME: usize = 28;

/// A narrower pane has no column for the start.
const ROOM_FOR_START: usize = 110;

/// A fact about a process.
type Fact<'a> = (&'static str, &'a dyn Fn(&Process) -> Option<String>);

impl App {
    /// A table of the processes, or a line for each without columns, and their facts; or why no process is known.
    pub(super) fn owner_lines(&self, row: &Row, columns: Option<usize>) -> Vec<Line> {
        let socket = &row.socket;
        let all = socket.owner.processes();
        if all.is_empty() {
            return vec![fact("owner", no_owner_text(row))];
        }
        let processes = &all[..all.len().min(MAX_OWNERS)];
        let label = match (&socket.owner, all.len()) {
            (Owner::Former(_), 1) => "last owner",
            (Owner::Former(_), _) => "last owners",
            (Owner::Inferred(_), _) => "accepted by the listener of",
            (_, 1) => "owner",
            _ => "owners",
        };
        let has_start = columns.is_some_and(|columns| columns >= ROOM_FOR_START);
        let with_commands = self.table_of(label, processes, has_start, true);
        let is_cut = |columns| with_commands.iter().any(|line| line_width(line) > columns);
        let is_cut = columns.is_none_or(is_cut);
        let mut lines = match columns {
            None => self.sentences(label, processes),
            Some(_) if is_cut => self.table_of(label, processes, has_start, false),
            Some(_) => with_commands,
        };
        let text = |text: Option<&Text>| text.map(ToString::to_string);
        let comm = |process: &Process| {
            let is_other = process.comm != process.name && !process.comm.is_empty();
            is_other.then(|| process.comm.to_string())
        };
        let start = |process: &Process| self.start_text(process).filter(|_| !has_start);
        let command = |process: &Process| text(process.command.as_ref()).filter(|_| is_cut);
        let facts: [Fact<'_>; 10] = [
            ("command", &command),
            ("parents", &|process| self.ancestors(process)),
            ("folder", &|process| text(process.cwd.as_ref())),
            ("project", &|process| text(process.project.as_ref())),
            ("branch", &branch),
            ("started by", &started_by),
            ("left over", &left_over),
            ("executable", &|process| text(process.executable.as_ref())),
            ("comm", &comm),
            ("started", &start),
        ];
        for (label, of) in facts {
            lines.extend(fact_of_each(label, processes, of));
        }
        lines
    }

    /// `python3 server.py, pid 3, user ann, for 12s`, a line for each.
    fn sentences(&self, label: &str, processes: &[Arc<Process>]) -> Vec<Line> {
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        let sentence = |process: &Process| {
            let user = process.user.as_ref().map(|user| format!("user {user}"));
            let age = self
                .process_age(process)
                .map(|age| format!("for {}", format_age(age)));
            let parts = [
                Some(process.name.to_string()),
                Some(format!("pid {}", process.pid)),
                user,
                age,
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        };
        let lines = processes.iter().zip(labels);
        lines
            .map(|(process, label)| fact(label, sentence(process)))
            .collect()
    }

    /// Without the commands if they are too long for it.
    fn table_of(
        &self,
        label: &str,
        processes: &[Arc<Process>],
        has_start: bool,
        has_command: bool,
    ) -> Vec<Line> {
        let pids = processes.iter().map(|one| width(&one.pid.to_string()));
        let pid_width = pids.max().unwrap_or(0).max(3);
        let head = [
            Some(pad_left("PID", pid_width)),
            Some("PROCESS".to_owned()),
            Some("USER".to_owned()),
            Some("AGE".to_owned()),
            has_start.then(|| "STARTED".to_owned()),
        ];
        let cells = processes.iter().map(|process| {
            let user = process.user.as_ref().map(ToString::to_string);
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "–".into());
            [
                Some(pad_left(&process.pid.to_string(), pid_width)),
                Some(cut(&process.name, NAME)),
                Some(or_none(user)),
                Some(or_none(self.process_age(process).map(format_age))),
                has_start.then(|| or_none(self.start_text(process))),
            ]
        });
        let rows = std::iter::once(head).chain(cells);
        let mut rows: Vec<Vec<String>> = rows
            .map(|row| row.into_iter().flatten().collect())
            .collect();
        pad_cells(&mut rows, 2, |text| text);
        let commands = processes.iter().map(|process| {
            let command = process.command.as_ref();
            command.map_or_else(|| "–".into(), ToString::to_string)
        });
        let commands = std::iter::once("COMMAND".to_owned()).chain(commands);
        let commands = commands.map(|text| if has_command { text } else { String::new() });
        let lines = rows.into_iter().zip(commands).enumerate();
        let lines = lines.map(|(at, (cells, command))| {
            let (label, role) = if at == 0 {
                (label, Role::Dim)
            } else {
                ("", Role::Plain)
            };
            vec![
                span(pad(label, LABEL), Role::Dim),
                span((cells.concat() + &command).trim_end(), role),
            ]
        });
        lines.collect()
    }

    /// By the time of the moment that is shown, or else of the table.
    fn process_age(&self, process: &Process) -> Option<Duration> {
        let moment = self.playhead.moment.as_ref();
        let now = moment
            .map_or(self.rows.table.taken_at, |moment| moment.at)
            .wall;
        now.duration_since(process.started_at?).try_into().ok()
    }

    fn start_text(&self, process: &Process) -> Option<String> {
        process.started_at.map(|at| self.time(at, DATE_TIME))
    }

    /// The parent, its parent, and so on up to the first process.
    fn ancestors(&self, process: &Process) -> Option<String> {
        let parent = |pid: Option<u32>| pid.and_then(|pid| self.rows.table.processes.get(&pid));
        let first = parent(process.parent);
        let ancestors = std::iter::successors(first, |process| parent(process.parent));
        let names = ancestors.map(|process| process.name_and_pid());
        let names: Vec<_> = names.take(MAX_ANCESTORS).collect();
        (!names.is_empty()).then(|| names.join(" ← "))
    }
}

/// `main`, `fix in worktree shop-fix`
fn branch(process: &Process) -> Option<String> {
    let branch = process.branch.as_ref()?.to_string();
    let worktree = process.worktree.as_ref();
    let worktree = worktree.map(|name| format!(" in worktree {name}"));
    Some(branch + &worktree.unwrap_or_default())
}

/// `tmux (790)`; without the pid of what is not an ancestor.
fn started_by(process: &Process) -> Option<String> {
    let by = process.started_by.as_ref()?;
    Some(match by.pid {
        Some(pid) => format!("{} ({pid})", by.name),
        None => by.name.to_string(),
    })
}

/// `the shell that started it is gone`
fn left_over(process: &Process) -> Option<String> {
    let by = process.started_by.as_ref();
    process.left_over.map(|left_over| left_over.clause(by))
}

/// A fact: once if it is the same for all, else each with the pids that it is true of.
fn fact_of_each(
    label: &str,
    processes: &[Arc<Process>],
    of: &dyn Fn(&Process) -> Option<String>,
) -> Vec<Line> {
    let mut facts: Vec<(String, Vec<u32>)> = Vec::new();
    for process in processes {
        let Some(text) = of(process) else { continue };
        match facts.iter_mut().find(|(known, _)| *known == text) {
            Some((_, pids)) => pids.push(process.pid),
            None => facts.push((text, vec![process.pid])),
        }
    }
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    let lines = facts.into_iter().zip(labels).map(|((text, pids), label)| {
        if pids.len() == processes.len() {
            return fact(label, text);
        }
        let more = pids.len().saturating_sub(MAX_PIDS);
        let named = pids.iter().take(MAX_PIDS).map(ToString::to_string);
        let named: Vec<_> = named.collect();
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        fact(label, format!("{text} · {}{more}", named.join(", ")))
    });
    lines.collect()
}
