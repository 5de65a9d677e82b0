//! The question whether to end a process: which ones, by which signal, what is lost with them, and whether
//! one answer is enough.
//!
//! It opens at once with what the table shows. What is behind the owners is read meanwhile
//! ([`Inspected`]): a yes that comes before that is carried out when it is known that one yes is enough. A
//! guarded process is asked about twice, and the second answer takes another key: one that is held down, or
//! typed twice, answers the first question only.

mod choice;
mod loss;
mod text;
mod update;
pub(crate) mod view;

use std::sync::Arc;

use crate::app::{Confirmed, Ending, Inspected, Signal};
use crate::bind::{Address, Fix, FixCode, Target, fixes_for};
use crate::model::{
    Background, Guard, Holder, Limits, Lineage, Owner, Pid, Problem, ProblemCode, Process,
    Protocol, Socket, State,
};
use crate::track::Table;
pub use choice::Choice;

/// Names under which the first process keeps sockets for the services that it starts.
const SUPERVISORS: [&str; 2] = ["systemd", "launchd"];

/// Whether to end a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is done if the answer is yes.
    pub ending: Ending,
    /// Whether it was answered with yes.
    answered: Answered,
    /// Whether it was asked for the sake of the port under test.
    pub frees_tested_port: bool,
    /// Which request for what is behind the owners belongs to it.
    pub job: u64,
    /// The process that it is about.
    process: Arc<Process>,
    /// All that have the socket and can be ended for it.
    owners: Vec<Arc<Process>>,
    choice: Choice,
    /// What the process has and what will be lost, to be said after its name.
    loss: String,
    lineage: Lineage,
    /// The socket, with what is known to be behind its owners.
    holder: Holder,
    /// What starts the process again and is no owner, where it may be ended as well.
    supervisor: Option<(Arc<Process>, Background)>,
    /// Whether what is behind the owners is known, or can't be.
    is_inspected: bool,
    /// What to do instead.
    fix: Option<Fix>,
}

/// Whether a question was answered with yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Not,
    /// Before it was known what is behind the owners.
    Early,
    /// Of two times.
    Once,
}

/// The reading knows what would show the owner, and so let it be ended: root is not always it.
fn why_hidden(table: &Table) -> String {
    let is_about_owners = |problem: &&Problem| problem.code == ProblemCode::HiddenOwners;
    let told = table.problems.iter().find(is_about_owners);
    let told = told.map(|problem| problem.message.to_string());
    told.unwrap_or_else(|| "the owner is hidden: no process to end".into())
}

impl Question {
    /// Asks whether to end the process that has a socket. `job` is that of the request for what is behind its
    /// owners; where the holder has that already, it is used at once.
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
            Owner::Known(_) => chosen(holder, lineage).ok_or(
                "pid 1 holds this socket for its service: stop the unit instead of ending it",
            )?,
            Owner::Hidden => return Err(why_hidden(table)),
            Owner::Kernel => return Err("the kernel has this socket: no process to end".into()),
            Owner::Unknown => return Err("the owner is still being looked for".into()),
            Owner::Past(_) | Owner::None => {
                return Err("no process has this socket any more: it goes by itself".into());
            }
        };
        let mut question = Self {
            ending: Ending {
                targets: Vec::new(),
                sockets: inodes(socket, process, table),
                signal: Signal::Term,
                confirmed: Confirmed::Once,
                port: port_to_free(socket, process, table),
                owners: socket.owner.present().iter().map(|one| one.pid).collect(),
            },
            answered: Answered::Not,
            frees_tested_port: false,
            job,
            process: Arc::clone(process),
            owners: owners(socket),
            choice: Choice::This,
            loss: loss::of(socket, process, table),
            lineage: lineage.clone(),
            holder: holder.clone(),
            supervisor: None,
            is_inspected: !holder.backgrounds.is_empty(),
            fix: None,
        };
        question.aim();
        Ok(question)
    }

    /// The same for the sake of the port under test, where what is behind the owners is known already.
    #[must_use]
    pub fn of_bind_test(mut self, limits: &Limits) -> Self {
        self.frees_tested_port = true;
        self.fix = self.better(limits);
        self
    }

    /// Takes in what is behind the owners. Whether the yes that was given before is enough.
    pub fn inspected(&mut self, found: Inspected) -> bool {
        if !found.backgrounds.is_empty() {
            self.holder.backgrounds = found.backgrounds;
        }
        self.supervisor = found.supervisor;
        self.is_inspected = true;
        self.fix = self.better(&found.limits);
        self.aim();
        if self.answered != Answered::Early {
            return false;
        }
        self.answered = Answered::Not;
        self.guard().is_none()
    }

    /// The first fix, where it is something else than to end the owners.
    fn better(&self, limits: &Limits) -> Option<Fix> {
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

    /// Whether it was answered with yes and is asked again.
    pub fn is_second(&self) -> bool {
        self.answered == Answered::Once
    }

    /// Whether it was answered with yes before it was known what is behind the owners.
    pub fn is_answered(&self) -> bool {
        self.answered == Answered::Early
    }

    /// The socket that it is about.
    pub fn socket(&self) -> &Socket {
        &self.holder.socket
    }

    /// The command of what to do instead.
    pub fn command(&self) -> Option<&str> {
        self.fix.as_ref()?.command.as_deref()
    }

    /// Why one yes is not enough: the first of those that are to end which is guarded.
    pub fn guard(&self) -> Option<Guard> {
        self.guarded().map(|(_, guard)| guard)
    }

    fn guarded(&self) -> Option<(&Arc<Process>, Guard)> {
        let mut targets = self.ending.targets.iter();
        targets.find_map(|target| {
            let process = &target.process;
            Some((process, self.guard_of(process)?))
        })
    }

    fn guard_of(&self, process: &Process) -> Option<Guard> {
        let supervisor = self.supervisor.iter().map(|(_, background)| background);
        let mut known = self.holder.backgrounds.iter().chain(supervisor);
        let background = known.find(|background| background.pid == process.pid);
        let by_risk = background.and_then(|background| Guard::of(background.end_risk));
        self.lineage.guard(process).or(by_risk)
    }

    /// What is known of the process that it is about.
    fn background(&self) -> Option<&Background> {
        background_of(&self.holder, self.process.pid)
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
        match (self.guard(), self.is_second()) {
            (None, _) if !self.is_inspected => {
                self.answered = Answered::Early;
                Confirmation::Remember(self)
            }
            (None, _) => Confirmation::Given(self.ending),
            (Some(_), false) => {
                self.answered = Answered::Once;
                Confirmation::AskAgain(self)
            }
            (Some(_), true) => {
                self.ending.confirmed = Confirmed::Twice;
                Confirmation::Given(self.ending)
            }
        }
    }
}

/// What follows from a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// It is to be done.
    Given(Ending),
    /// It takes a second one.
    AskAgain(Question),
    /// It is to be done if what is read of the owners leaves it at that.
    Remember(Question),
}

fn background_of(holder: &Holder, pid: Pid) -> Option<&Background> {
    let mut backgrounds = holder.backgrounds.iter();
    backgrounds.find(|background| background.pid == pid)
}

/// The process to speak of: the first that needs no second thought; else any but the first process,
/// unless that is the only one.
fn chosen<'a>(holder: &'a Holder, lineage: &Lineage) -> Option<&'a Arc<Process>> {
    let is_guarded = |process: &Process| {
        let end_risk = background_of(holder, process.pid).map(|background| background.end_risk);
        lineage.guard(process).is_some() || end_risk.and_then(Guard::of).is_some()
    };
    let processes = holder.socket.owner.present().iter();
    processes
        .filter(|process| !holds_for_a_service(&holder.socket, process))
        .min_by_key(|process| (is_guarded(process), process.pid == 1))
}

/// Those that have the socket for themselves, the ones that started others first.
fn owners(socket: &Socket) -> Vec<Arc<Process>> {
    let present = socket.owner.present();
    let is_owner = |pid: Pid| present.iter().any(|one| one.pid == pid);
    let own = present
        .iter()
        .filter(|process| !holds_for_a_service(socket, process));
    let mut owners: Vec<_> = own.map(Arc::clone).collect();
    // Beyond these the order matters to nobody, and looking for each one's parent takes long.
    if owners.len() <= 256 {
        owners.sort_by_key(|process| process.parent.is_some_and(is_owner));
    }
    owners
}

/// Whether it is the first process, and keeps the socket for what it starts when a client comes.
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
    let listeners = loss::sockets_of(process, table).filter(|other| is_listener_of(socket, other));
    listeners.filter_map(|listener| listener.inode).collect()
}

fn is_listener_of(socket: &Socket, other: &Socket) -> bool {
    other.protocol == Protocol::Tcp
        && other.state == State::Listen
        && other.local.port == socket.local.port
}

/// The port that is to be free afterwards, on the address that the socket has: none for a client's
/// connection.
fn port_to_free(socket: &Socket, process: &Process, table: &Table) -> Option<Target> {
    if !socket.protocol.can_be_bind_tested() {
        return None;
    }
    let is_served = || loss::sockets_of(process, table).any(|other| is_listener_of(socket, other));
    if socket.is_connection() && !is_served() {
        return None;
    }
    let address = socket.local.address;
    let is_every = address.is_unspecified() || socket.is_connection();
    Some(Target {
        protocol: socket.protocol,
        address: if is_every {
            Address::Every
        } else {
            Address::One(address)
        },
        ports: socket.local.port..=socket.local.port,
    })
}
