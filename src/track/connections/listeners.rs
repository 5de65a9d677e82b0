//! Which listener accepted a connection.
//!
//! The kernel does not say it of a connection. It is found as the kernel finds the listener for a SYN (`inet_lookup_listener`): by
//! protocol and port; the exact address before `0.0.0.0`, and that before a dual-stack `::`; one that is bound to the
//! interface before one that is bound to none. A client that connected from the port of a listener can't be
//! distinguished.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

use super::{Clients, Listener};
use crate::model::{BuildSpread, Endpoint, NamespaceId, Pid, Protocol, Socket, State, UnixName};
use crate::track::{Row, RowId};

/// If the twins of one address have more processes together, connections are not attributed to one of them.
const MAX_PROCESSES: usize = 4096;

/// What a listener is bound to. The interface is the last to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Address<'a> {
    port: u16,
    namespace: NamespaceId,
    protocol: Protocol,
    ip: IpAddr,
    interface: Option<&'a str>,
}

/// Where a listener is bound; several for twins.
#[derive(Debug)]
struct Bound<'a> {
    address: Address<'a>,
    accepts_ipv4: bool,
}

/// The listeners of a table, by what they are bound to.
#[derive(Debug)]
pub(in crate::track) struct Listeners<'a> {
    /// In order, each once.
    bound: Vec<Bound<'a>>,
    /// Which of these are on a port. There are too few ports to choose many with one hash.
    on_port: HashMap<u16, Range<usize>, BuildSpread>,
    /// For each of the bound ones, and then for each name of a unix socket, the listeners.
    of_address: Vec<Twins>,
    unix: HashMap<(NamespaceId, &'a UnixName), usize>,
    /// In the order of the rows.
    ids: Vec<RowId>,
    counts: Vec<Clients>,
}

/// The listeners on one address.
#[derive(Debug, Default)]
struct Twins {
    listeners: Vec<usize>,
    /// Of several, which process has which; `None` for one that has more than one of them.
    by_process: HashMap<Pid, Option<usize>, BuildSpread>,
    /// Connections of which it is not known which listener accepted them.
    shared: Clients,
}

impl<'a> Listeners<'a> {
    pub fn of(rows: &'a [Arc<Row>]) -> Self {
        let is_open = |row: &&Arc<Row>| row.socket.state == State::Listen && !row.is_closed();
        let listeners: Vec<&Row> = rows.iter().filter(is_open).map(|row| &**row).collect();
        let mut all = Self {
            bound: Vec::new(),
            on_port: HashMap::default(),
            of_address: Vec::new(),
            unix: HashMap::new(),
            ids: listeners.iter().map(|row| row.id).collect(),
            counts: vec![Clients::default(); listeners.len()],
        };
        let with_port = listeners.iter().enumerate();
        let with_port = with_port.filter(|(_, row)| row.socket.protocol.has_ports());
        let mut sorted: Vec<_> = with_port
            .map(|(at, row)| (Address::of(&row.socket), at))
            .collect();
        sorted.sort_unstable();
        for twins in sorted.chunk_by(|a, b| a.0 == b.0) {
            let sockets = twins.iter().map(|&(_, at)| &listeners[at].socket);
            let port = twins[0].0.port;
            let next = all.bound.len();
            all.on_port.entry(port).or_insert(next..next).end += 1;
            all.bound.push(Bound {
                address: twins[0].0,
                accepts_ipv4: sockets.clone().any(|one| one.dual_stack != Some(false)),
            });
            let twins: Vec<_> = twins.iter().map(|&(_, at)| at).collect();
            all.of_address.push(Twins::of(twins, &listeners));
        }
        for (at, row) in listeners.iter().enumerate() {
            if let Some(name) = row.socket.unix().and_then(|unix| unix.name.as_ref()) {
                let next = all.of_address.len();
                let address = *all
                    .unix
                    .entry((row.socket.namespace_id(), name))
                    .or_insert(next);
                if address == next {
                    all.of_address.push(Twins::default());
                }
                all.of_address[address].listeners.push(at);
            }
        }
        all
    }

    /// The address that accepted this connection, and which of its listeners, if that is known.
    pub fn accepting(&self, socket: &Socket) -> Option<(usize, Option<usize>)> {
        let address = if let Some(unix) = socket.unix() {
            let is_accepted = socket.state == State::Established && unix.peer.is_some();
            let name = unix.name.as_ref().filter(|_| is_accepted)?;
            self.unix.get(&(socket.namespace_id(), name)).copied()?
        } else {
            let has_handshake = matches!(socket.protocol, Protocol::Tcp | Protocol::Sctp);
            let connected = Some(socket).filter(|one| has_handshake && one.remote.is_some());
            self.bound_for(connected?)?
        };
        Some((address, self.of_address[address].owned_by(socket)))
    }

    /// The listener that accepted this connection, if it can only be one.
    pub fn listener_of(&self, socket: &Socket) -> Option<RowId> {
        let (_, listener) = self.accepting(socket)?;
        listener.map(|at| self.id(at))
    }

    /// Among the addresses with ports, the one that a connection to this local address reaches.
    fn bound_for(&self, socket: &Socket) -> Option<usize> {
        let on_port = self.on_port.get(&socket.local.port)?;
        let (any_v4, any_v6) = (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into());
        let own = socket.local.address;
        let canonical = own.to_canonical();
        // The kernel gives connections of a dual-stack listener v4-mapped addresses, other systems may not.
        let candidates = match (own, canonical) {
            (IpAddr::V4(_), _) => [own, any_v4, any_v6, any_v6],
            (IpAddr::V6(_), IpAddr::V4(_)) => [own, any_v6, canonical, any_v4],
            (IpAddr::V6(_), IpAddr::V6(_)) => [own, any_v6, any_v6, any_v6],
        };
        let mut candidates = candidates.into_iter();
        candidates.find_map(|address| self.find(socket, address, on_port))
    }

    /// The one bound to this address and to the interface of the connection, or else to no interface. One for IPv6
    /// alone is not found for an IPv4 connection.
    fn find(&self, socket: &Socket, address: IpAddr, on_port: &Range<usize>) -> Option<usize> {
        let bound = &self.bound[on_port.clone()];
        let is_ipv4 = socket.local.address.to_canonical().is_ipv4();
        let local = Address {
            ip: address,
            ..Address::of(socket)
        };
        let find = |address: Address<'_>| {
            let found = bound.binary_search_by(|one| one.address.cmp(&address));
            let found = found.ok()?;
            (!is_ipv4 || bound[found].accepts_ipv4).then_some(on_port.start + found)
        };
        let with_interface = local.interface.and_then(|_| find(local));
        with_interface.or_else(|| {
            find(Address {
                interface: None,
                ..local
            })
        })
    }

    pub fn add(&mut self, address: usize, twin: Option<usize>, clients: Clients) {
        let sum = match twin {
            Some(twin) => &mut self.counts[twin],
            None => &mut self.of_address[address].shared,
        };
        sum.established += clients.established;
        sum.opened += clients.opened;
    }

    pub fn id(&self, listener: usize) -> RowId {
        self.ids[listener]
    }

    /// Each listener with its connections, by id.
    pub(super) fn counted(self) -> Vec<Listener> {
        let mut all = Vec::with_capacity(self.ids.len());
        for (address, twins) in self.of_address.iter().enumerate() {
            all.extend(twins.listeners.iter().map(|&at| Listener {
                id: self.ids[at],
                address,
                clients: Clients {
                    established: self.counts[at].established + twins.shared.established,
                    opened: self.counts[at].opened + twins.shared.opened,
                },
            }));
        }
        all.sort_unstable_by_key(|one| one.id);
        all
    }
}

impl<'a> Address<'a> {
    fn of(socket: &'a Socket) -> Self {
        let Endpoint { address, port } = socket.local;
        Self {
            port,
            namespace: socket.namespace_id(),
            protocol: socket.protocol,
            ip: address,
            interface: socket.interface.as_deref(),
        }
    }
}

impl Twins {
    fn of(listeners: Vec<usize>, all: &[&Row]) -> Self {
        let mut by_process = HashMap::default();
        let owners = listeners.iter().map(|&at| (at, &all[at].socket.owner));
        let processes = owners.clone().map(|(_, owner)| owner.present().len());
        if listeners.len() > 1 && processes.sum::<usize>() <= MAX_PROCESSES {
            for (at, owner) in owners {
                for process in owner.present() {
                    let only = by_process.entry(process.pid).or_insert(Some(at));
                    *only = only.filter(|&before| before == at);
                }
            }
        }
        Self {
            listeners,
            by_process,
            shared: Clients::default(),
        }
    }

    /// The only listener, or the only one that every process of the connection may have accepted it from.
    fn owned_by(&self, socket: &Socket) -> Option<usize> {
        if let [only] = self.listeners[..] {
            return Some(only);
        }
        let owners = socket.owner.processes().iter().take(MAX_PROCESSES);
        let mut found = owners.map(|process| self.by_process.get(&process.pid).copied().flatten());
        let first = found.next()??;
        found.all(|other| other == Some(first)).then_some(first)
    }
}
