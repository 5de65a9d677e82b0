//! Replaces private data in a recording for others: addresses, users, arguments, units, containers, interfaces, names
//! of unix sockets and system messages. Each gets one pseudonym throughout the recording, so that equal values stay
//! equal.
//!
//! Pure. Ports, states, inodes, queues, times, pids and the names of processes stay: bug reports need them.

mod pseudonyms;

use std::sync::Arc;

use self::pseudonyms::{Addresses, Names};
use crate::model::{
    ClosedSocket, Container, Endpoint, Namespace, Owner, Portless, Problem, ProblemCode, Process,
    Published, Snapshot, Socket, StartedBy, StarterKind, Text, UnixPeer, UnixSocket,
};

/// The pseudonyms of one recording.
#[derive(Default)]
pub(crate) struct Redactor {
    addresses: Addresses,
    names: Names,
}

impl Redactor {
    /// The snapshot without data that identifies a person, a machine or a network.
    pub(crate) fn redact(&mut self, snapshot: &Snapshot) -> Snapshot {
        let mut processes: Vec<_> = snapshot.processes.values().collect();
        // Pseudonyms are numbered in the order of first use, so that must be the same each time.
        processes.sort_unstable_by_key(|process| process.pid);
        let processes = processes.into_iter();
        let processes = processes.map(|one| (one.pid, Arc::new(self.process(one))));
        let processes = processes.collect();
        let sockets = snapshot.sockets.iter();
        Snapshot {
            taken_at: snapshot.taken_at,
            kinds: snapshot.kinds,
            sockets: sockets.map(|socket| self.socket(socket)).collect(),
            processes,
            problems: snapshot.problems.iter().map(problem).collect(),
            late_namespaces: snapshot.late_namespaces.clone(),
            counters: snapshot.counters.clone(),
            ephemeral: snapshot.ephemeral.clone(),
            closed: snapshot.closed.iter().map(|one| self.closed(one)).collect(),
            lost_closes: snapshot.lost_closes,
        }
    }

    fn closed(&mut self, closed: &ClosedSocket) -> ClosedSocket {
        ClosedSocket {
            socket: self.socket(&closed.socket),
            ..closed.clone()
        }
    }

    fn socket(&mut self, socket: &Socket) -> Socket {
        let local = self.endpoint(socket.local);
        let remote = socket.remote.map(|remote| self.endpoint(remote));
        Socket {
            portless: socket.portless.as_ref().map(|one| self.portless(one)),
            inode: socket.inode,
            cookie: socket.cookie,
            uid: socket.uid.map(|uid| self.names.uid(uid)),
            user: self.named("user", socket.user.as_ref()),
            owner: self.owner(&socket.owner),
            dual_stack: socket.dual_stack,
            interface: self.named("if", socket.interface.as_ref()),
            queue: socket.queue,
            unit: socket.unit.as_ref().map(|unit| self.names.unit(unit)),
            container: self.named("container", socket.container.as_ref()),
            namespace: socket.namespace.as_ref().map(|one| self.namespace(one)),
            published: socket.published.as_ref().map(|one| self.published(one)),
            expires_in: socket.expires_in,
            age: socket.age,
            ..Socket::new(socket.protocol, local, remote, socket.state)
        }
    }

    /// The name may be that of a container, a unit or a process.
    fn namespace(&mut self, namespace: &Arc<Namespace>) -> Arc<Namespace> {
        let container = namespace.container.as_ref();
        let is_named_after = |container: &&Arc<Container>| container.name == namespace.name;
        let kind = match container.filter(is_named_after) {
            Some(_) => "container",
            None => "namespace",
        };
        Arc::new(Namespace {
            id: namespace.id,
            inode: namespace.inode,
            cookie: None,
            name: self.names.numbered(kind, &namespace.name),
            container: container.map(|container| self.container(container)),
        })
    }

    fn container(&mut self, container: &Container) -> Arc<Container> {
        Arc::new(Container {
            engine: container.engine,
            id: self.named("container", container.id.as_ref()),
            name: self.names.numbered("container", &container.name),
            image: self.named("image", container.image.as_ref()),
            project: self.named("project", container.project.as_ref()),
            service: self.named("service", container.service.as_ref()),
            pod: self.named("pod", container.pod.as_ref()),
        })
    }

    fn published(&mut self, published: &Published) -> Arc<Published> {
        let (container, process) = (published.container.as_ref(), published.process.as_ref());
        Arc::new(Published {
            relay: self.named("machine", published.relay.as_ref()),
            by: published.by,
            container: container.map(|container| self.container(container)),
            address: published
                .address
                .map(|address| self.addresses.pseudonym(address)),
            port: published.port,
            // After a space there is a script, which names people and projects.
            process: process.map(|(pid, name)| {
                let program = name.split(' ').next().unwrap_or_default();
                (*pid, Text::new(program))
            }),
            target: published.target,
        })
    }

    fn owner(&mut self, owner: &Owner) -> Owner {
        let mut all = |processes: &[Arc<Process>]| {
            let processes = processes.iter();
            processes.map(|one| Arc::new(self.process(one))).collect()
        };
        match owner {
            Owner::Known(processes) => Owner::Known(all(processes)),
            Owner::Former(processes) => Owner::Former(all(processes)),
            Owner::Inferred(processes) => Owner::Inferred(all(processes)),
            other @ (Owner::Hidden | Owner::Kernel | Owner::None | Owner::Unknown) => other.clone(),
        }
    }

    /// In a joined command line the end of the program's path is unknown: only the name is kept.
    fn process(&mut self, process: &Process) -> Process {
        let name = Text::new(process.program_name());
        // Paths and arguments name people, machines and secrets.
        Process {
            parent: process.parent,
            command: process.command.as_ref().map(|_| name.clone()),
            started_at: process.started_at,
            started_at_tick: process.started_at_tick,
            user: self.named("user", process.user.as_ref()),
            uid: process.uid.map(|uid| self.names.uid(uid)),
            comm: process.comm.clone(),
            started_by: process.started_by.as_ref().map(|by| self.started_by(by)),
            left_over: process.left_over,
            session: process.session,
            ..Process::new(process.pid, name)
        }
    }

    /// Programs are named by a table; units are chosen by people.
    fn started_by(&mut self, by: &StartedBy) -> StartedBy {
        let name = match by.kind {
            StarterKind::Service => self.names.unit(&by.name),
            _ => by.name.clone(),
        };
        StartedBy { name, ..by.clone() }
    }

    /// The name of a unix socket identifies as much as a command line; ethertypes and numbers do not.
    fn portless(&mut self, portless: &Arc<Portless>) -> Arc<Portless> {
        let Portless::Unix(unix) = &**portless else {
            return Arc::clone(portless);
        };
        let peer = unix.peer.as_ref().map(|peer| UnixPeer {
            inode: peer.inode,
            name: peer.name.as_ref().map(|name| self.names.unix(name)),
            // Its own row has the owner.
            process: None,
        });
        Arc::new(Portless::Unix(UnixSocket {
            kind: unix.kind,
            name: unix.name.as_ref().map(|name| self.names.unix(name)),
            peer,
        }))
    }

    fn named(&mut self, kind: &'static str, name: Option<&Text>) -> Option<Text> {
        name.map(|name| self.names.numbered(kind, name))
    }

    fn endpoint(&mut self, endpoint: Endpoint) -> Endpoint {
        Endpoint::new(self.addresses.pseudonym(endpoint.address), endpoint.port)
    }
}

/// Messages contain paths and texts of the system.
fn problem(problem: &Problem) -> Problem {
    let message = match problem.code {
        ProblemCode::HiddenOwners => "the owners of some sockets are hidden",
        ProblemCode::TableUnreadable => "the socket table, or a part of it, could not be read",
        ProblemCode::NotListed => "sockets of some kinds can't be listed",
        ProblemCode::DetailsUnreadable => "details beyond the plain table could not be read",
        ProblemCode::ProcessesUnreadable => "processes could not be read",
        ProblemCode::Interrupted => "rows may be missing from this reading",
        ProblemCode::ShortLived => "sockets that were open for a moment may be missing",
        ProblemCode::Namespaces => "other network namespaces could not be read as a whole",
        ProblemCode::EphemeralPorts => "few ephemeral ports are left",
        ProblemCode::RecordingEnded => "a recording has ended",
        ProblemCode::RecordingIncomplete => "a recording lacks sockets",
    };
    Problem {
        count: problem.count,
        ..Problem::new(problem.code, message)
    }
}

#[cfg(test)]
mod tests;
