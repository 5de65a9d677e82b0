//! The question whether to end processes: which ones, with which signal, what is lost, and whether one yes is enough.
//!
//! It opens at once with data from the table, while the background of the owners is read (`Inspected`). An early yes
//! is carried out once it is known that one yes is enough. A guarded process requires a second yes with another key, so
//! that a repeated key answers only the first question. Several processes have one question, made of theirs.

mod loss;
mod open;
mod several;
mod sheet;
mod skipped;
mod targets;
mod text;
mod update;

use std::sync::Arc;

use crate::app::{Confirmed, Ending, Inspected, PortToFree, Signal};
use crate::bind::{Fix, FixCode, fixes_for, process_line};
use crate::model::{
    Background, Guard, Holder, Limits, Lineage, Owner, Pid, ProblemCode, Process, Socket, State,
};
use crate::track::Table;
pub(crate) use several::Several;
pub(crate) use sheet::{scrolled, sheet, wrapped};
use targets::Choice;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The request that a yes confirms.
    pub ending: Ending,
    answer: Answer,
    /// Whether it is about the port of the open bind test.
    pub frees_tested_port: bool,
    /// The request for the background of the owners.
    pub job: u64,
    process: Arc<Process>,
    /// Its command line, folder, user, and what started it.
    who: String,
    /// The ports to be freed: that of the request, and those of its other marked sockets.
    ports: Vec<PortToFree>,
    /// All owners that can be ended.
    owners: Vec<Arc<Process>>,
    choice: Choice,
    /// What the process has open and what will be lost, as a predicate.
    loss: String,
    lineage: Lineage,
    /// The socket, with the background of its owners.
    holder: Holder,
    /// The supervisor of the process, if it is not an owner and can also be ended.
    supervisor: Option<(Arc<Process>, Background)>,
    /// Whether the inspection of the owners is finished.
    is_inspected: bool,
    /// A better fix than ending the process.
    fix: Option<Fix>,
    /// The first visible line.
    scroll: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    None,
    /// Yes, before the inspection of the owners was finished.
    EarlyYes,
    FirstYes,
}

impl Question {
    /// The question whether to end the owner of a socket. `job` is the request for the background of its owners; if the
    /// holder has that already, it is used at once.
    ///
    /// # Errors
    /// One line that says why there is nothing to end.
    pub fn end_owner(
        holder: &Holder,
        is_closed: bool,
        (table, lineage): (&Table, &Lineage),
        job: u64,
    ) -> Result<Self, String> {
        let socket = &holder.socket;
        let process = match &socket.owner {
            _ if is_closed => return Err("this socket is closed already".into()),
            _ if socket.state == State::Dnat => return Err(why_no_socket(socket)),
            Owner::Known(_) => targets::main_owner(holder, lineage).ok_or(
                "pid 1 has this socket for its service: stop the unit instead of ending it",
            )?,
            Owner::Hidden => return Err(why_hidden(table)),
            Owner::Kernel => return Err("the kernel has this socket: no process to end".into()),
            Owner::Unknown => return Err("the owner is still being looked for".into()),
            Owner::Former(_) | Owner::Inferred(_) | Owner::None => {
                return Err("no process has this socket any more; it closes by itself".into());
            }
        };
        let port = targets::port_to_free(socket, process, table);
        let who = process_line(
            &table.processes,
            None,
            (socket, process),
            table.taken_at.wall,
        );
        let mut question = Self {
            ports: port.iter().cloned().collect(),
            who,
            ending: Ending {
                targets: Vec::new(),
                sockets: targets::inodes(socket, process, table),
                signal: Signal::Term,
                confirmed: Confirmed::Once,
                port,
                owners: socket.owner.present().iter().map(|one| one.pid).collect(),
            },
            answer: Answer::None,
            frees_tested_port: false,
            job,
            process: Arc::clone(process),
            owners: targets::owners(socket),
            choice: Choice::This,
            loss: loss::loss(socket, process, table),
            lineage: lineage.clone(),
            holder: holder.clone(),
            supervisor: None,
            is_inspected: !holder.backgrounds.is_empty(),
            fix: None,
            scroll: 0,
        };
        question.set_targets();
        Ok(question)
    }

    /// Adds another marked socket of the same process.
    fn add_socket(&mut self, socket: &Socket, table: &Table) {
        let inodes = targets::inodes(socket, &self.process, table);
        self.ending.sockets.extend(inodes);
        let owners = socket.owner.present().iter().map(|one| one.pid);
        self.ending.owners.extend(owners);
        // A client's connection frees no port; the port of a server's is that of its listener.
        if !socket.is_connection() {
            let port = targets::port_to_free(socket, &self.process, table);
            let is_known = |port: &PortToFree| self.ports.iter().any(|one| one.is_same(port));
            let port = port.filter(|port| !is_known(port));
            self.ports.extend(port);
        }
        if self.ending.port.is_none() {
            self.ending.port = self.ports.first().cloned();
        }
    }

    /// Adds the background of the owners.
    fn set_background(&mut self, found: Inspected) {
        if !found.backgrounds.is_empty() {
            self.holder.backgrounds = found.backgrounds;
        }
        self.supervisor = found.supervisor;
        self.is_inspected = true;
        self.fix = self.better_fix(&found.limits);
        self.set_targets();
    }

    /// The same for the port of a bind test, which already includes the background of the owners.
    pub fn for_bind_test(mut self, limits: &Limits) -> Self {
        self.frees_tested_port = true;
        self.fix = self.better_fix(limits);
        self
    }

    /// The first fix, unless it is to end the owners.
    fn better_fix(&self, limits: &Limits) -> Option<Fix> {
        let fix = fixes_for(&self.holder, limits).into_iter().next()?;
        let is_end = matches!(
            fix.code,
            FixCode::EndProcess
                | FixCode::EndProcesses
                | FixCode::EndHard
                | FixCode::ContinueThenEnd
        );
        let is_same = fix.command.as_deref() == Some(&*format!("kill {}", self.process.pid));
        (!is_end && !is_same).then_some(fix)
    }

    pub const fn is_inspected(&self) -> bool {
        self.is_inspected
    }

    pub fn is_second(&self) -> bool {
        self.answer == Answer::FirstYes
    }

    pub fn command(&self) -> Option<&str> {
        self.fix.as_ref()?.command.as_deref()
    }

    /// The first target for which one yes is not enough, and why.
    pub fn guard(&self) -> Option<(&Process, Guard)> {
        self.ending.targets.iter().find_map(|target| {
            let guard = guard(&target.process, self.backgrounds(), &self.lineage)?;
            Some((&*target.process, guard))
        })
    }

    fn backgrounds(&self) -> impl Iterator<Item = &Background> {
        let supervisor = self.supervisor.iter().map(|(_, background)| background);
        self.holder.backgrounds.iter().chain(supervisor)
    }

    fn background(&self, pid: Pid) -> Option<&Background> {
        self.backgrounds().find(|background| background.pid == pid)
    }
}

/// A rule of the packet filter has no process.
fn why_no_socket(socket: &Socket) -> String {
    let published = socket.published.as_ref();
    let to = published.map_or_else(String::new, |one| format!(" to {}", one.describe()));
    format!(
        "no socket has this port: a rule of the packet filter sends it{to}; a bind test says which"
    )
}

/// The table's problem message on how to see hidden owners: root is not always enough.
fn why_hidden(table: &Table) -> String {
    let mut problems = table.problems.iter();
    let problem = problems.find(|problem| problem.code == ProblemCode::HiddenOwners);
    let why = problem.map(|problem| problem.message.to_string());
    why.unwrap_or_else(|| "the owner is hidden: no process to end".into())
}

/// Why one yes is not enough to end a process.
fn guard<'a>(
    process: &Process,
    mut backgrounds: impl Iterator<Item = &'a Background>,
    lineage: &Lineage,
) -> Option<Guard> {
    let background = backgrounds.find(|background| background.pid == process.pid);
    let by_risk = background.and_then(|background| Guard::of(background.end_risk));
    lineage.guard(process).or(by_risk)
}
