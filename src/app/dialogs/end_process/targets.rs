//! Which processes get the signal: the main one, its parent as well, or all owners of the socket.

use std::sync::Arc;

use super::{Question, guard};
use crate::app::{EndRole, EndTarget, PortToFree, RowNamespace};
use crate::bind::{Address, Target};
use crate::model::{Holder, Lineage, Pid, Process, Protocol, Socket, State};
use crate::track::Table;

/// Names of an init that keeps sockets for its services.
const SUPERVISORS: [&str; 2] = ["systemd", "launchd"];

/// The most owners to sort, as finding each one's parent is slow.
const MOST_ORDERED: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The one that the question is about.
    This,
    /// Its supervisor together with the owners; or only its master.
    Parent,
    All,
}

impl Question {
    pub fn choices(&self) -> Vec<Choice> {
        let mut choices = vec![Choice::This];
        if self.supervisor.is_some() || self.master().is_some() {
            choices.push(Choice::Parent);
        }
        if self.owners.len() > 1 {
            choices.push(Choice::All);
        }
        choices
    }

    pub fn choice_label(&self, choice: Choice) -> String {
        match (choice, &self.supervisor) {
            (Choice::This, _) => "only it".into(),
            (Choice::Parent, Some((supervisor, _))) => format!("{} too", supervisor.name_and_pid()),
            (Choice::Parent, None) => {
                let master = self.master().map(|master| master.name_and_pid());
                format!("its parent {}", master.unwrap_or_default())
            }
            (Choice::All, _) => format!("all {}", self.owners.len()),
        }
    }

    /// The owner that started the process.
    fn master(&self) -> Option<&Arc<Process>> {
        let parent = self.process.parent?;
        let mut owners = self.owners.iter();
        owners.find(|owner| owner.pid == parent && owner.pid != self.process.pid)
    }

    pub(super) fn set_targets(&mut self) {
        let target = |process: &Arc<Process>, role| EndTarget {
            process: Arc::clone(process),
            role,
        };
        let supervisor = match (self.choice, &self.supervisor) {
            (Choice::Parent, Some((process, _))) => Some(target(process, EndRole::Supervisor)),
            _ => None,
        };
        let owners = match self.choice {
            Choice::This => std::slice::from_ref(&self.process),
            Choice::Parent if supervisor.is_none() => {
                std::slice::from_ref(self.master().unwrap_or(&self.process))
            }
            Choice::Parent | Choice::All => &self.owners,
        };
        let owners = owners.iter().map(|owner| target(owner, EndRole::Owner));
        self.ending.targets = supervisor.into_iter().chain(owners).collect();
    }
}

/// The owner that the question is about: the first that is not guarded; else any but the first process, unless that
/// is the only one.
pub(super) fn main_owner<'a>(holder: &'a Holder, lineage: &Lineage) -> Option<&'a Arc<Process>> {
    let is_guarded = |one: &Process| guard(one, holder.backgrounds.iter(), lineage).is_some();
    let processes = holder.socket.owner.present().iter();
    processes
        .filter(|process| !holds_for_a_service(&holder.socket, process))
        .min_by_key(|process| (is_guarded(process), process.pid == 1))
}

/// The owners that use the socket themselves, parents first.
pub(super) fn owners(socket: &Socket) -> Vec<Arc<Process>> {
    let present = socket.owner.present();
    let is_owner = |pid: Pid| present.iter().any(|one| one.pid == pid);
    let own = present
        .iter()
        .filter(|process| !holds_for_a_service(socket, process));
    let mut owners: Vec<_> = own.map(Arc::clone).collect();
    if owners.len() <= MOST_ORDERED {
        owners.sort_by_key(|process| process.parent.is_some_and(is_owner));
    }
    owners
}

/// Whether it is an init that keeps the socket for a service that it starts on demand.
fn holds_for_a_service(socket: &Socket, process: &Process) -> bool {
    let is_of_socket_unit = || {
        let unit = socket.unit.as_ref();
        unit.is_some_and(|unit| unit.as_str().ends_with(".socket"))
    };
    process.pid == 1 && (SUPERVISORS.contains(&&*process.comm) || is_of_socket_unit())
}

pub(super) fn sockets_of<'a>(
    process: &'a Process,
    table: &'a Table,
) -> impl Iterator<Item = &'a Socket> {
    let open = table.rows.iter().filter(|row| !row.is_closed());
    let sockets = open.map(|row| &row.socket);
    sockets.filter(|socket| socket.owner.has(process))
}

/// It must still have one of these sockets when the signal is sent. A connection that waits to be accepted has no
/// inode; its process has the listener.
pub(super) fn inodes(socket: &Socket, process: &Process, table: &Table) -> Vec<u32> {
    if let Some(inode) = socket.inode {
        return vec![inode];
    }
    let listeners = sockets_of(process, table).filter(|other| is_listener_of(socket, other));
    listeners.filter_map(|listener| listener.inode).collect()
}

fn is_listener_of(socket: &Socket, other: &Socket) -> bool {
    other.protocol == Protocol::Tcp
        && other.state == State::Listen
        && other.local.port == socket.local.port
}

/// The port to free, on the socket's address; `None` for a client's connection.
pub(super) fn port_to_free(
    socket: &Socket,
    process: &Process,
    table: &Table,
) -> Option<PortToFree> {
    let is_served = || sockets_of(process, table).any(|other| is_listener_of(socket, other));
    if !socket.protocol.can_be_bind_tested() || socket.is_connection() && !is_served() {
        return None;
    }
    let address = socket.local.address;
    let is_every = address.is_unspecified() || socket.is_connection();
    let target = Target {
        protocol: socket.protocol,
        address: if is_every {
            Address::Every
        } else {
            Address::One(address)
        },
        ports: socket.local.port..=socket.local.port,
    };
    Some(PortToFree {
        target,
        namespace: RowNamespace::of(socket),
    })
}
