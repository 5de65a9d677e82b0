//! Waiting for ports of other network namespaces: by the table alone, read again each time. Nothing is bound there, and no
//! namespace is kept open, so that waiting for a container does not keep what it is made of.

use std::net::IpAddr;
use std::time::Duration;

use super::expected::Processes;
use super::{ExpectedServer, Goal, MAX_UNREAD, Port, PortWaiter};
use crate::bind::{self, Target};
use crate::model::{Family, Holder, Kinds, Moment, NamespaceId, NamespaceScope, Socket};
use crate::query::{NamespaceError, NamespaceTarget, resolve};
use crate::source::System;

/// The namespaces to look for ports in.
pub(super) struct Inside {
    target: NamespaceTarget,
    system: System,
    /// Whether the name meant a namespace once.
    was_found: bool,
}

/// The sockets of the namespaces at a moment, or why there are none.
struct Table {
    taken_at: Moment,
    /// The owners and their ancestors.
    processes: Processes,
    sockets: Result<Vec<Socket>, NamespaceError>,
}

impl Inside {
    pub(super) fn new(target: NamespaceTarget) -> Self {
        Self {
            target,
            system: System::new()
                .with_kinds(Kinds::DEFAULT)
                .with_all_namespaces(),
            was_found: false,
        }
    }

    /// Reads the sockets on these ports, with their owners.
    fn read(&mut self, ports: &[Port], now: Moment) -> Result<Table, String> {
        let target = &self.target;
        let is_meant = |scope: NamespaceScope, socket: &Socket| {
            let is_on = |port: &Port| is_on_port(socket, &port.target);
            scope.has(socket.namespace_id()) && ports.iter().any(is_on)
        };
        let requested = |sockets: &[Socket]| {
            let nowhere = NamespaceScope::One(NamespaceId::NONE);
            let scope = resolve(target, sockets).unwrap_or(nowhere);
            sockets.iter().map(|one| is_meant(scope, one)).collect()
        };
        let taken = self.system.take_with_owners_of(now, requested);
        let snapshot = taken.map_err(|error| error.to_string())?;
        let unread = snapshot.problems.iter().find(|one| one.code.is_unread());
        if let Some(problem) = unread {
            return Err(problem.message.to_string());
        }
        let sockets = resolve(target, &snapshot.sockets).map(|scope| {
            let sockets = snapshot.sockets.into_iter();
            sockets.filter(|one| is_meant(scope, one)).collect()
        });
        self.was_found |= sockets.is_ok();
        Ok(Table {
            taken_at: snapshot.taken_at,
            processes: snapshot.processes,
            sockets,
        })
    }
}

impl PortWaiter {
    /// Waits for ports of these namespaces instead of our own.
    #[must_use]
    pub fn in_namespaces(mut self, target: NamespaceTarget) -> Self {
        self.inside = Some(Inside::new(target));
        self
    }

    /// [`PortWaiter::wait`] for other namespaces. One table has all ports, so those that have reached the goal have
    /// reached it at the same time.
    pub(super) fn wait_inside(
        &mut self,
        mut inside: Inside,
        interval: Duration,
        timeout: Option<Duration>,
        mut show: impl FnMut(&[Port]),
    ) -> Result<bool, (Target, String)> {
        let end = timeout.map(|timeout| self.clock.now().steady + timeout);
        let (mut is_first, mut unread) = (true, 0);
        loop {
            let read = inside.read(&self.ports, self.clock.now());
            match &read {
                Ok(table) => {
                    self.check_inside(table, inside.was_found, is_first)?;
                    unread = 0;
                }
                Err(_) => unread += 1,
            }
            if self.ports.iter().all(|port| port.is_reached) {
                return Ok(true);
            }
            is_first = false;
            if self.has_server_ended() {
                return Ok(false);
            }
            let left = self.left(end);
            if let Err(why) = read
                && (unread >= MAX_UNREAD || left.is_zero())
            {
                return Err((self.ports[0].target.clone(), why));
            }
            if left.is_zero() {
                return Ok(false);
            }
            show(&self.ports);
            std::thread::sleep(interval.min(left));
        }
    }

    /// Checks every port by a table. A name that means nothing yet may be that of a container that is about to start; but
    /// no port of it is in use, so waiting for a free one is an error, unless it was there before.
    fn check_inside(
        &mut self,
        table: &Table,
        was_found: bool,
        is_first: bool,
    ) -> Result<(), (Target, String)> {
        let (goal, clock, expected) = (self.goal, self.clock, &self.expected);
        for port in &mut self.ports {
            port.summary = None;
            let none = Vec::new();
            let sockets = match &table.sockets {
                Ok(sockets) => sockets,
                Err(NamespaceError::Unknown { .. }) if was_found => &none,
                Err(error @ NamespaceError::Unknown { .. }) if goal != Goal::Free => {
                    port.summary = Some(error.to_string());
                    &none
                }
                Err(error) => return Err((port.target.clone(), error.to_string())),
            };
            let server = expected.as_ref().map(|server| (server, &table.processes));
            let changed = Some(clock.now()).filter(|_| !is_first);
            port.check_by_table(sockets, (goal, server), (table.taken_at, changed));
        }
        Ok(())
    }
}

impl Port {
    /// `changed`: the time of a change, if this is not the first check.
    fn check_by_table(
        &mut self,
        sockets: &[Socket],
        (goal, server): (Goal, Option<(&ExpectedServer, &Processes)>),
        (taken_at, changed): (Moment, Option<Moment>),
    ) {
        let target = &self.target;
        let on_port = sockets.iter().filter(|socket| is_on_port(socket, target));
        let (holders, selectable) = match goal {
            Goal::Listening(family) => {
                let all: Vec<_> = on_port.cloned().map(Holder::new).collect();
                let of = |holders: Vec<&Holder>| holders.into_iter().cloned().collect();
                let reachable: Vec<_> = of(bind::reachable_listeners(target, &all, family));
                (
                    reachable,
                    of(bind::selectable_listeners(target, &all, family)),
                )
            }
            Goal::Free => {
                let blockers = on_port.filter(|socket| blocks(socket, target));
                let blockers = blockers.cloned().map(Holder::new);
                (blockers.collect(), Vec::new())
            }
        };
        let mut is_reached = holders.is_empty() == (goal == Goal::Free);
        match server {
            Some((expected, processes)) if is_reached => {
                is_reached = self.match_server(expected, selectable, (processes, taken_at));
            }
            Some(_) => self.forget_listeners(),
            // Of a port that became free, those that had it last are shown.
            None if !holders.is_empty() || goal != Goal::Free => {
                (self.holders, self.seen_at) = (holders, taken_at);
            }
            None => {}
        }
        if is_reached != self.is_reached {
            (self.is_reached, self.changed_at) = (is_reached, changed.filter(|_| is_reached));
        }
    }
}

fn is_on_port(socket: &Socket, target: &Target) -> bool {
    socket.protocol == target.protocol && socket.port() == Some(target.first_port())
}

/// Whether it is in the way of a server that sets `SO_REUSEADDR` and binds the target.
fn blocks(socket: &Socket, target: &Target) -> bool {
    let is_in_the_way = |wanted: IpAddr| {
        let local = socket.local.address.to_canonical();
        let takes_v4 = local.is_unspecified() && socket.dual_stack != Some(false);
        let is_of_family = match (socket.family(), wanted) {
            (Family::Ipv4, IpAddr::V4(_)) | (Family::Ipv6, IpAddr::V6(_)) => true,
            (Family::Ipv6, IpAddr::V4(_)) => takes_v4 || local.is_ipv4(),
            (Family::Ipv4, IpAddr::V6(_)) => false,
        };
        let is_same = local == wanted.to_canonical();
        is_same || is_of_family && (local.is_unspecified() || wanted.is_unspecified())
    };
    let mut wanted = target.address.ips().into_iter();
    socket.blocks_other_binds() && wanted.any(is_in_the_way)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::Address;
    use crate::clock::Clock;
    use crate::model::{Endpoint, Protocol, State};

    fn socket(address: &str, state: State) -> Socket {
        let local = Endpoint::new(address.parse().unwrap(), 80);
        Socket::new(Protocol::Tcp, local, None, state)
    }

    fn port(text: &str) -> Port {
        let target = Target::parse_with(text, &crate::model::Services::default()).unwrap();
        let waiter = PortWaiter::new(vec![target], Goal::Free, Clock::start());
        waiter.ports.into_iter().next().unwrap()
    }

    #[test]
    fn a_socket_is_in_the_way_of_its_address_and_of_every_address() {
        let is_free = |text: &str, socket: &Socket| {
            let mut port = port(text);
            let clock = Clock::start();
            let sockets = std::slice::from_ref(socket);
            port.check_by_table(sockets, (Goal::Free, None), (clock.now(), None));
            port.is_reached
        };
        let v4 = socket("127.0.0.1", State::Listen);
        assert!(!is_free("80", &v4) && !is_free("127.0.0.1:80", &v4));
        assert!(is_free("127.0.0.2:80", &v4) && is_free("81", &v4));
        assert!(is_free("80/udp", &v4) && is_free("[::1]:80", &v4));
        let mut v6 = socket("::", State::Bound);
        assert!(!is_free("127.0.0.1:80", &v6) && !is_free("[::1]:80", &v6));
        v6.dual_stack = Some(false);
        assert!(is_free("127.0.0.1:80", &v6) && !is_free("80", &v6));
        // A server that sets SO_REUSEADDR can start.
        assert!(is_free("80", &socket("127.0.0.1", State::TimeWait)));
        // A rule without a socket is in the way of no bind.
        assert!(is_free("80", &socket("127.0.0.1", State::Dnat)));
    }

    #[test]
    fn a_port_is_reached_since_a_listener_came_and_no_longer_when_it_is_gone() {
        let (clock, mut port) = (Clock::start(), port("80"));
        assert_eq!(port.target.address, Address::Every);
        let goal = (Goal::Listening(None), None);
        let listener = [socket("0.0.0.0", State::Listen)];
        port.check_by_table(&[], goal, (clock.now(), None));
        assert!(!port.is_reached);
        port.check_by_table(&listener, goal, (clock.now(), Some(clock.now())));
        assert!(port.is_reached && port.changed_at.is_some() && port.holders.len() == 1);
        port.check_by_table(&[], goal, (clock.now(), Some(clock.now())));
        assert!(!port.is_reached && port.changed_at.is_none() && port.holders.is_empty());
    }
}
