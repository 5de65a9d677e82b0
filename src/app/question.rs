//! The question whether to end a process: which one, what is lost with it, and whether one answer is
//! enough.
//!
//! A process that sockeye needs itself is asked about twice, and the second answer takes another key:
//! one that is held down, or typed twice, answers the first question only.

use std::sync::Arc;

use super::{Confirmed, Ending, Signal};
use crate::columns::program_text;
use crate::model::{Guard, Lineage, Owner, Problem, ProblemCode, Process, Protocol, Socket, State};
use crate::track::Table;

/// Names under which the first process keeps sockets for the services that it starts.
const SUPERVISORS: [&str; 2] = ["systemd", "launchd"];

/// Whether to end a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is done if the answer is yes.
    pub ending: Ending,
    /// Why one yes is not enough.
    pub guard: Option<Guard>,
    /// Whether it was answered with yes and is asked again.
    pub is_second: bool,
    /// What the process holds and what will be lost.
    pub loss: String,
    /// Whether it was asked for the sake of the port under test.
    pub frees_tested_port: bool,
}

/// The reading knows what would show the owner, and so let it be ended: root is not always it.
fn why_hidden(table: &Table) -> String {
    let is_about_owners = |problem: &&Problem| problem.code == ProblemCode::HiddenOwners;
    let told = table.problems.iter().find(is_about_owners);
    let told = told.map(|problem| problem.message.to_string());
    told.unwrap_or_else(|| "the owner is hidden: no process to end".into())
}

impl Question {
    /// Asks whether to end the process that has a socket.
    ///
    /// # Errors
    /// One line that says why there is nothing to end.
    pub fn end_owner(
        socket: &Socket,
        is_closed: bool,
        table: &Table,
        lineage: &Lineage,
    ) -> Result<Self, String> {
        let (process, guard) = match &socket.owner {
            _ if is_closed => return Err("this socket is closed already".into()),
            Owner::Known(_) => chosen(socket, lineage).ok_or(
                "pid 1 holds this socket for its service: stop the unit instead of ending it",
            )?,
            Owner::Hidden => return Err(why_hidden(table)),
            Owner::Kernel => return Err("the kernel has this socket: no process to end".into()),
            Owner::Unknown => return Err("the owner is still being looked for".into()),
            Owner::Past(_) | Owner::None => {
                return Err("no process has this socket any more: it goes by itself".into());
            }
        };
        Ok(Self {
            ending: Ending {
                process: Arc::clone(process),
                sockets: inodes(socket, process, table),
                signal: Signal::Term,
                confirmed: Confirmed::Once,
            },
            guard,
            is_second: false,
            loss: what_is_lost(socket, process, table) + &who_keeps_it(&socket.owner),
            frees_tested_port: false,
        })
    }

    /// The next signal to offer.
    #[must_use]
    pub fn with_next_signal(mut self) -> Self {
        let signal = &mut self.ending.signal;
        let at = Signal::ALL.iter().position(|one| one == signal);
        *signal = Signal::ALL[(at.unwrap_or(0) + 1) % Signal::ALL.len()];
        self
    }

    /// What follows from a yes.
    pub fn confirmed(mut self) -> Confirmation {
        match (self.guard, self.is_second) {
            (None, _) => Confirmation::Given(self.ending),
            (Some(_), false) => {
                self.is_second = true;
                Confirmation::AskAgain(self)
            }
            (Some(_), true) => {
                self.ending.confirmed = Confirmed::Twice;
                Confirmation::Given(self.ending)
            }
        }
    }

    /// The question, a paragraph a line.
    pub fn text(&self) -> Vec<String> {
        let Ending {
            process, signal, ..
        } = &self.ending;
        let (who, signal) = (
            format!("{} ({})", process.name, process.pid),
            signal.as_str(),
        );
        let program = program_text(process);
        let Some(guard) = self.guard.map(Guard::as_str) else {
            let question = format!("{who} {} End it with {signal}?", self.loss);
            return std::iter::once(question).chain(program).collect();
        };
        if self.is_second {
            return vec![
                format!("{who} is {guard}."),
                format!("Really end it with {signal}? Only a capital Y does."),
            ];
        }
        let question = [
            format!("{who} {} It is {guard}.", self.loss),
            format!("End it with {signal}? You are asked again."),
        ];
        question.into_iter().chain(program).collect()
    }
}

/// What follows from a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// It is to be done.
    Given(Ending),
    /// It takes a second one.
    AskAgain(Question),
}

/// The process to speak of: the first that needs no second thought; else any but the first process,
/// unless that is the only one.
fn chosen<'a>(socket: &'a Socket, lineage: &Lineage) -> Option<(&'a Arc<Process>, Option<Guard>)> {
    let processes = socket.owner.present().iter();
    processes
        .filter(|process| !holds_for_a_service(socket, process))
        .map(|process| (process, lineage.guard(process)))
        .min_by_key(|(process, guard)| (guard.is_some(), process.pid == 1))
}

/// Whether it is the first process, and keeps the socket for what it starts when somebody comes.
fn holds_for_a_service(socket: &Socket, process: &Process) -> bool {
    let is_of_socket_unit = || {
        let unit = socket.unit.as_ref();
        unit.is_some_and(|unit| {
            unit.as_str().rsplit_once('.').map(|(_, kind)| kind) == Some("socket")
        })
    };
    process.pid == 1 && (SUPERVISORS.contains(&&*process.comm) || is_of_socket_unit())
}

/// The sockets of which it must still hold one when the signal is sent. A connection that waits to be
/// accepted has no inode: its process holds the listener.
fn inodes(socket: &Socket, process: &Process, table: &Table) -> Vec<u32> {
    if socket.inode.is_some() {
        return socket.inode.into_iter().collect();
    }
    let is_listener = |other: &&Socket| {
        other.protocol == Protocol::Tcp
            && other.state == State::Listen
            && other.local.port == socket.local.port
    };
    let listeners = sockets_of(process, table).filter(is_listener);
    listeners.filter_map(|listener| listener.inode).collect()
}

fn sockets_of<'a>(process: &'a Process, table: &'a Table) -> impl Iterator<Item = &'a Socket> {
    let open = table.rows.iter().filter(|row| !row.is_closed());
    let sockets = open.map(|row| &row.socket);
    sockets.filter(|socket| socket.owner.has(process))
}

/// A shared socket outlives one of its processes.
fn who_keeps_it(owner: &Owner) -> String {
    match owner.present().len() {
        0 | 1 => String::new(),
        2 => " Another process keeps this socket.".into(),
        many => format!(" {} others keep this socket.", many - 1),
    }
}

/// `holds 80, 443 and has 12 connections.`
fn what_is_lost(socket: &Socket, process: &Process, table: &Table) -> String {
    let sockets = || sockets_of(process, table);
    let mut ports: Vec<u16> = sockets()
        .filter(|s| !s.is_connection())
        .map(|socket| socket.local.port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    let listed: Vec<_> = ports.iter().take(8).map(ToString::to_string).collect();
    let more = if ports.len() > 8 { ", …" } else { "" };
    let holds = (!ports.is_empty()).then(|| format!("holds {}{more}", listed.join(", ")));
    let serves = match sockets().filter(|socket| socket.is_connection()).count() {
        0 => None,
        1 => Some("has 1 connection".to_owned()),
        many => Some(format!("has {many} connections")),
    };
    let mut both: Vec<_> = holds.into_iter().chain(serves).collect();
    if both.is_empty() {
        // What a bind test met may be newer than the table.
        both.push(format!("has port {}", socket.local.port));
    }
    format!("{}.", both.join(" and "))
}
