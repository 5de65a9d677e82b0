//! One question for several processes. Each has its own question inside, with everything that is known about its end.
//!
//! A process that is better stopped otherwise (a container, a unit) gets no signal unless the user includes it. Nothing
//! is sent before the background of all is known.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use super::sheet::{row_of_choices, scrolled, signals, wrapped};
use super::skipped::Skipped;
use super::{Answer, Question, targets};
use crate::app::PortToFree;
use crate::app::dialogs::Sheet;
use crate::app::layout::Size;
use crate::app::view::{Line, Role, cut_line, span};
use crate::app::{Confirmed, Ending, Inspected, Signal};
use crate::model::{Holder, Lineage, Pid, Process, Socket, counted};
use crate::track::{Row, Table};

/// More processes than these can't be read before a yes.
const MAX_PROCESSES: usize = 100;

/// The most ancestors to follow: a pid that is used again may seem to be its own.
const MAX_ANCESTORS: usize = 64;

/// How many backgrounds are read at a time.
const AT_A_TIME: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Several {
    /// One for each process, those that started others first.
    questions: Vec<Question>,
    skipped: Skipped,
    pub(super) signal: Signal,
    pub(super) answer: Answer,
    /// Whether those with a better fix get the signal too.
    pub(super) includes_all: bool,
    pub(super) scroll: usize,
    /// How many backgrounds were requested.
    requested: usize,
}

impl Several {
    /// The question about the owners of these rows, each once. Closed rows are left out. The requests for backgrounds
    /// are numbered from `first_job` on.
    ///
    /// # Errors
    /// One line that says why there is nothing to end.
    pub fn of(
        rows: &[&Row],
        (table, lineage): (&Table, &Lineage),
        first_job: u64,
    ) -> Result<Self, String> {
        let mut several = Self {
            questions: Vec::new(),
            skipped: Skipped::default(),
            signal: Signal::Term,
            answer: Answer::None,
            includes_all: false,
            scroll: 0,
            requested: 0,
        };
        let mut known: HashMap<(Pid, Option<u64>), usize> = HashMap::new();
        for row in rows.iter().filter(|row| !row.is_closed()) {
            let holder = Holder::new(row.socket.clone());
            let key = |process: &Arc<Process>| (process.pid, process.started_at_tick);
            let owner = targets::main_owner(&holder, lineage).map(key);
            if let Some(&at) = owner.and_then(|owner| known.get(&owner)) {
                several.questions[at].add_socket(&row.socket, table);
                continue;
            }
            let at = several.questions.len();
            match Question::end_owner(&holder, false, (table, lineage), first_job + at as u64) {
                Ok(_) if at == MAX_PROCESSES => {
                    return Err(format!(
                        "more than {MAX_PROCESSES} processes: mark fewer to end them"
                    ));
                }
                Ok(question) => {
                    known.insert(key(&question.process), at);
                    several.questions.push(question);
                }
                Err(why) => several.skipped.add(why, &row.socket),
            }
        }
        if several.questions.is_empty() {
            let why = several.skipped.into_reason();
            return Err(why.unwrap_or_else(|| "these sockets are closed already".into()));
        }
        several.sort(&table.processes);
        Ok(several)
    }

    /// A process that started others gets the signal before them, also through processes that are not to end: it may
    /// end them itself, or else start them again.
    fn sort(&mut self, processes: &HashMap<Pid, Arc<Process>>) {
        let questions = self.questions.iter();
        let parents: HashMap<Pid, Option<Pid>> = questions
            .map(|one| (one.process.pid, one.process.parent))
            .collect();
        let parent = |pid: &Pid| match parents.get(pid) {
            Some(&parent) => parent,
            None => processes.get(pid)?.parent,
        };
        self.questions.sort_by_cached_key(|one| {
            let ancestors = iter::successors(one.process.parent, parent).take(MAX_ANCESTORS);
            ancestors.filter(|pid| parents.contains_key(pid)).count()
        });
    }

    /// The question about the only process, if everything is about that.
    pub fn only(&mut self) -> Option<Question> {
        let is_one = self.questions.len() == 1 && self.skipped.is_empty();
        is_one.then(|| self.questions.remove(0))
    }

    /// The next requests for backgrounds: few at a time, as each takes a thread.
    pub fn requests(&mut self) -> Vec<(u64, Box<Socket>)> {
        let answered = self.questions.iter().filter(|one| one.is_inspected).count();
        let until = (answered + AT_A_TIME).min(self.questions.len());
        let next = &self.questions[self.requested.min(until)..until];
        let request = |one: &Question| (one.job, Box::new((*one.holder.socket).clone()));
        let requests = next.iter().map(request).collect();
        self.requested = self.requested.max(until);
        requests
    }

    /// The highest number of a request.
    pub fn last_job(&self) -> u64 {
        let jobs = self.questions.iter().map(|one| one.job);
        jobs.max().unwrap_or_default()
    }

    /// Adds the answer to one of its requests; returns whether it was one.
    pub fn set_background(&mut self, found: Inspected) -> bool {
        let mut questions = self.questions.iter_mut();
        let question = questions.find(|one| one.job == found.job);
        question.map(|one| one.set_background(found)).is_some()
    }

    /// How many backgrounds are unknown yet.
    pub fn pending(&self) -> usize {
        let pending = self.questions.iter().filter(|one| !one.is_inspected);
        pending.count()
    }

    pub fn is_second(&self) -> bool {
        self.answer == Answer::FirstYes
    }

    pub fn has_left_out(&self) -> bool {
        self.questions.iter().any(|one| one.fix.is_some())
    }

    /// The commands that are better than a signal, as one line for a shell.
    pub fn command(&self) -> Option<String> {
        let commands: Vec<_> = self
            .questions
            .iter()
            .filter_map(Question::command)
            .collect();
        (!commands.is_empty()).then(|| commands.join("; "))
    }

    /// Those that get the signal.
    fn included(&self) -> impl Iterator<Item = &Question> {
        let questions = self.questions.iter();
        questions.filter(|one| self.includes_all || one.fix.is_none())
    }

    /// How many get the signal.
    pub fn len(&self) -> usize {
        self.included().count()
    }

    /// Whether one yes is not enough.
    pub fn is_guarded(&self) -> bool {
        self.included().any(|one| one.guard().is_some())
    }

    /// The requests that a yes confirms: a second one for the guarded processes only.
    pub fn endings(&self) -> (Vec<Ending>, Vec<PortToFree>) {
        let ending = |one: &Question| Ending {
            signal: self.signal,
            confirmed: match one.guard() {
                Some(_) if self.is_second() => Confirmed::Twice,
                _ => Confirmed::Once,
            },
            ..one.ending.clone()
        };
        let mut ports: Vec<PortToFree> = Vec::new();
        for port in self.included().flat_map(|one| &one.ports) {
            if !ports.iter().any(|one| one.is_same(port)) {
                ports.push(port.clone());
            }
        }
        (self.included().map(ending).collect(), ports)
    }

    /// The question, the choices, and each process with what is known about its end.
    pub fn sheet(&self, size: Size, height: usize) -> Sheet {
        let columns = size.overlay_width();
        let signal = self.signal.as_str();
        let mut lines = Vec::new();
        if self.is_second() {
            let guarded = self.included().filter_map(Question::guard);
            let sentences = guarded.map(|(process, guard)| {
                format!("{} is {}.", process.name_and_pid(), guard.as_str())
            });
            let count = counted(self.len(), "process", "processes");
            let question =
                format!("Send SIG{signal} to {count} all the same? Only a capital Y does.");
            lines.extend(wrapped(sentences.chain([question]), Role::Plain, columns));
        } else {
            let question = match (self.len(), self.questions.len()) {
                (0, all) => format!("Each of these {all} has a better fix than a signal."),
                (count, _) => {
                    let count = counted(count, "process", "processes");
                    format!("Send SIG{signal} to {count}?")
                }
            };
            lines.extend(wrapped([question], Role::Strong, columns));
            lines.push(signals(self.signal, columns));
            if self.has_left_out() {
                let without = self.questions.iter().filter(|one| one.fix.is_none());
                let choices = [
                    (format!("{} without a better fix", without.count()), false),
                    (format!("all {}", self.questions.len()), true),
                ];
                let choices = choices.map(|(text, is_all)| (text, is_all == self.includes_all));
                lines.push(cut_line(
                    row_of_choices("end", choices.into_iter()),
                    columns,
                ));
            }
        }
        lines.extend(
            self.included()
                .flat_map(|one| part(one, self.signal, columns)),
        );
        if !self.includes_all && self.has_left_out() {
            lines.extend(wrapped(
                ["These get no signal:".into()],
                Role::Strong,
                columns,
            ));
            let left_out = self.questions.iter().filter(|one| one.fix.is_some());
            lines.extend(left_out.flat_map(|one| part(one, self.signal, columns)));
        }
        lines.extend(wrapped(self.skipped.sentences(), Role::Dim, columns));
        scrolled(Sheet::of("end processes", lines), self.scroll, size, height)
    }
}

/// A process: its name, pid and what is lost, then indented what is known about its end.
fn part(question: &Question, signal: Signal, columns: usize) -> Vec<Line> {
    let question = &Question {
        ending: Ending {
            signal,
            ..question.ending.clone()
        },
        ..question.clone()
    };
    let name = question.process.name_and_pid();
    let mut lines = wrapped([format!("{name} {}.", question.loss)], Role::Plain, columns);
    let guard = question.guard().map(|(_, guard)| {
        let it = guard.as_str();
        format!("It is {it}. You have to confirm twice.")
    });
    let remarks = guard.into_iter().chain(question.others());
    let remarks = remarks.chain(question.remarks());
    let room = columns.saturating_sub(INDENT.len()).max(1);
    let indented = |mut line: Line| {
        line.insert(0, span(INDENT, Role::Plain));
        cut_line(line, columns)
    };
    lines.extend(
        wrapped(remarks, Role::Plain, room)
            .into_iter()
            .map(indented),
    );
    lines.extend(
        wrapped(question.facts(), Role::Dim, room)
            .into_iter()
            .map(indented),
    );
    lines
}

const INDENT: &str = "  ";
