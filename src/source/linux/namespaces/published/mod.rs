//! Which ports of ours lead into other namespaces: those of the engines' publishers, and those that only a rule of the packet
//! filter publishes, which get a row of their own.
//!
//! A publisher leads to a namespace by its arguments, its children or its own namespace; the socket inside is a listener on
//! the port there. What is ambiguous stays unknown.

mod addresses;
mod publishers;
mod rules;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use self::addresses::Addresses;
use self::publishers::Publishers;
use self::rules::{Rule, Rules};
use crate::model::{
    Container, Endpoint, Moment, Namespace, NamespaceId, Pid, Protocol, Published, PublishedBy,
    Socket, State,
};
use crate::source::linux::background::Destination;

/// What is kept from one snapshot to the next.
#[derive(Default)]
pub(super) struct Publishing {
    addresses: Addresses,
    rules: Rules,
    publishers: Publishers,
    /// When each port was last seen to have a publisher.
    published_at: HashMap<(Protocol, u16), Moment>,
    /// Whether rules are known that may be gone with a publisher.
    has_doubtful_rules: bool,
}

/// The other namespaces with their processes.
pub(super) struct Members {
    namespaces: HashMap<NamespaceId, Arc<Namespace>>,
    of_process: HashMap<Pid, NamespaceId>,
    pids: HashMap<NamespaceId, Vec<Pid>>,
}

impl Members {
    pub(super) fn of(namespaces: impl Iterator<Item = (Arc<Namespace>, Vec<Pid>)>) -> Self {
        let mut members = Self {
            namespaces: HashMap::new(),
            of_process: HashMap::new(),
            pids: HashMap::new(),
        };
        for (namespace, pids) in namespaces {
            let id = namespace.id;
            members.of_process.extend(pids.iter().map(|&pid| (pid, id)));
            members.pids.insert(id, pids);
            members.namespaces.insert(id, namespace);
        }
        members
    }

    fn container(&self, id: NamespaceId) -> Option<Arc<Container>> {
        self.namespaces.get(&id)?.container.clone()
    }
}

/// Where the traffic for a port of ours goes.
struct Route {
    namespace: Option<NamespaceId>,
    container: Option<Arc<Container>>,
    address: Option<IpAddr>,
    port: Option<u16>,
}

/// The listeners in other namespaces, by namespace, protocol and port: their places among the sockets.
type Listeners = HashMap<(NamespaceId, Protocol, u16), Vec<usize>>;

impl Publishing {
    /// Sets what the sockets of ours publish, and adds rows for what only rules publish. Whether these are there for the first
    /// time. `is_single`: there is no later snapshot.
    pub(super) fn add_to(
        &mut self,
        sockets: &mut Vec<Socket>,
        members: &Members,
        at: Moment,
        is_single: bool,
    ) -> bool {
        let mut listeners = Listeners::new();
        for (place, socket) in sockets.iter().enumerate() {
            if !socket.is_own() && socket.is_listening() {
                let key = (socket.namespace_id(), socket.protocol, socket.local.port);
                listeners.entry(key).or_default().push(place);
            }
        }
        let is_urgent = std::mem::take(&mut self.has_doubtful_rules);
        let has_first_rules = self
            .rules
            .update(&members.namespaces, at, is_single, is_urgent);
        let mut published = Vec::new();
        self.publishers.update(sockets, at);
        for (place, socket) in sockets.iter().enumerate() {
            if socket.is_own()
                && socket.is_listening()
                && let Some(destination) = self.publishers.destination(socket, at)
                && let Some(route) = self.route(socket, destination, members, at)
            {
                let one = describe(PublishedBy::Proxy, route, on(socket), &listeners, sockets);
                published.push((place, one));
            }
        }
        let on = published.iter().map(|(place, _)| on(&sockets[*place]));
        let have_publisher: HashSet<(Protocol, u16)> = on.collect();
        let seen = have_publisher.iter().map(|&on| (on, at));
        self.published_at.extend(seen);
        let rows = self.rows_of_rules(sockets, &have_publisher, members, &listeners, at);
        for (place, one) in published {
            sockets[place].published = Some(Arc::new(one));
        }
        sockets.extend(rows);
        has_first_rules
    }

    /// Where the traffic for the port of a publisher goes.
    fn route(
        &mut self,
        socket: &Socket,
        destination: Destination,
        members: &Members,
        at: Moment,
    ) -> Option<Route> {
        let protocol = socket.protocol;
        let rule = self.rules.of(on(socket));
        Some(match destination {
            Destination::Address(address, port) => {
                self.route_to(address, (protocol, port), members, at)
            }
            Destination::ByRule => {
                let Rule { address, port, .. } = rule?;
                self.route_to(address, (protocol, port), members, at)
            }
            Destination::Processes {
                pids,
                ports,
                container,
            } => {
                let mut known = pids.iter().filter_map(|pid| members.of_process.get(pid));
                let namespace = *known.next()?;
                let mapped = ports
                    .iter()
                    .find(|(outside, _)| *outside == socket.local.port);
                let by_rule = rule.map(|rule| rule.port);
                Route {
                    namespace: Some(namespace),
                    container: container
                        .map(Arc::new)
                        .or_else(|| members.container(namespace)),
                    address: rule.map(|rule| rule.address),
                    port: by_rule.or(mapped.map(|(_, inside)| *inside)),
                }
            }
            Destination::Container(container) => Route {
                namespace: None,
                container: Some(Arc::new(container)),
                address: None,
                port: None,
            },
        })
    }

    /// To an address and port. Where no namespace has that address, it is one of a virtual machine, or of a container that
    /// has ended.
    fn route_to(
        &mut self,
        address: IpAddr,
        to: (Protocol, u16),
        members: &Members,
        at: Moment,
    ) -> Route {
        let namespace = self.addresses.namespace(address, to, members, at);
        Route {
            namespace,
            container: namespace.and_then(|namespace| members.container(namespace)),
            address: Some(address),
            port: Some(to.1),
        }
    }

    /// A row for each port that a rule publishes and no publisher has.
    fn rows_of_rules(
        &mut self,
        sockets: &[Socket],
        have_publisher: &HashSet<(Protocol, u16)>,
        members: &Members,
        listeners: &Listeners,
        at: Moment,
    ) -> Vec<Socket> {
        let rules = self.rules.all();
        let others = rules.filter(|rule| !have_publisher.contains(&rule.on));
        let (rules, doubtful): (Vec<Rule>, Vec<Rule>) = others.partition(|rule| {
            // An engine removes the rule with the publisher: it counts once it was read after that.
            let published_at = self.published_at.get(&rule.on);
            published_at.is_none_or(|&then| self.rules.were_read_after(then))
        });
        self.has_doubtful_rules = !doubtful.is_empty();
        let rows = rules.into_iter().map(|rule| {
            let (protocol, port) = rule.on;
            let to = (protocol, rule.port);
            let route = self.route_to(rule.address, to, members, at);
            let one = describe(PublishedBy::Rule, route, rule.on, listeners, sockets);
            let local = Endpoint::new(rule.host, port);
            let mut row = Socket::new(protocol, local, None, State::Dnat);
            row.published = Some(Arc::new(one));
            row
        });
        rows.collect()
    }
}

/// The port of a socket.
const fn on(socket: &Socket) -> (Protocol, u16) {
    (socket.protocol, socket.local.port)
}

/// The published port, with the socket inside if there is one.
fn describe(
    by: PublishedBy,
    route: Route,
    (protocol, outside): (Protocol, u16),
    listeners: &Listeners,
    sockets: &[Socket],
) -> Published {
    let inside = |port: u16| {
        let key = (route.namespace?, protocol, port);
        let places = listeners.get(&key)?;
        let has_address = |address: IpAddr| {
            places
                .iter()
                .find(|&&place| sockets[place].local.address == address)
        };
        let exact = route.address.and_then(has_address);
        let is_wildcard = |place: &&usize| sockets[**place].local.address.is_unspecified();
        exact.or_else(|| places.iter().find(is_wildcard)).copied()
    };
    let place = match route.port {
        Some(port) => inside(port),
        None => only_listener(&route, (protocol, outside), listeners),
    };
    let inside = place.map(|place| &sockets[place]);
    let process = inside.and_then(|socket| socket.owner.present().first());
    Published {
        relay: None,
        by,
        container: route.container,
        address: route.address,
        port: route.port.or(inside.map(|socket| socket.local.port)),
        process: process.map(|process| (process.pid, process.name.clone())),
        target: inside.and_then(|socket| Some((socket.namespace_id(), socket.inode?))),
    }
}

/// The listener inside where the port there is not known: on the same port, or the only one of the protocol.
fn only_listener(
    route: &Route,
    (protocol, outside): (Protocol, u16),
    listeners: &Listeners,
) -> Option<usize> {
    let namespace = route.namespace?;
    let first = |places: &Vec<usize>| places.first().copied();
    let same = listeners
        .get(&(namespace, protocol, outside))
        .and_then(first);
    same.or_else(|| {
        let mut ports = listeners
            .iter()
            .filter(|((id, one, _), _)| (*id, *one) == (namespace, protocol));
        let (_, only) = ports.next()?;
        first(only).filter(|_| ports.next().is_none())
    })
}
