//! Which ports differ between two tables: those that appeared, went, or have another owner. A port is a listener, or a UDP
//! socket that is bound and has no peer. Owners are compared by name and user, as pids differ after every restart.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::{NamespaceScope, Owner, Pid, Protocol, Socket, State, Text};

/// Identifies a port in every table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortKey {
    /// The name of the network namespace; `None` of our own.
    pub namespace: Option<Text>,
    /// Transport protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
    /// The address that it is bound to.
    pub address: IpAddr,
}

/// A process that has a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortOwner {
    /// Its name.
    pub name: Text,
    /// Name of its user, if known.
    pub user: Option<Text>,
    /// Its pid.
    pub pid: Pid,
}

/// The ports of a table, each with its owners; with none if they are unknown.
pub type Ports = BTreeMap<PortKey, Vec<PortOwner>>;

/// What differs between two tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortDiff {
    /// Those that only the second one has.
    pub appeared: Vec<(PortKey, Vec<PortOwner>)>,
    /// Those that only the first one has.
    pub gone: Vec<(PortKey, Vec<PortOwner>)>,
    /// Those with other owners: the first ones, the second ones.
    pub changed: Vec<(PortKey, Vec<PortOwner>, Vec<PortOwner>)>,
}

/// Whether a socket is a port.
pub fn is_port(protocol: Protocol, state: State, has_peer: bool) -> bool {
    let is_open = match protocol {
        Protocol::Tcp | Protocol::Sctp => matches!(state, State::Listen | State::Dnat),
        Protocol::Udp | Protocol::UdpLite => true,
        Protocol::Raw | Protocol::Packet | Protocol::Unix => false,
    };
    is_open && !has_peer
}

/// The ports among these sockets in these namespaces.
pub fn ports_of<'a>(sockets: impl Iterator<Item = &'a Socket>, scope: NamespaceScope) -> Ports {
    let mut ports = Ports::new();
    for socket in sockets {
        let is_one = is_port(socket.protocol, socket.state, socket.remote.is_some());
        if !is_one || !scope.has(socket.namespace_id()) {
            continue;
        }
        let key = PortKey {
            namespace: socket.namespace.as_ref().map(|one| one.name.clone()),
            protocol: socket.protocol,
            port: socket.local.port,
            address: socket.local.address,
        };
        let owners = ports.entry(key).or_default();
        owners.extend(owners_of(&socket.owner));
        owners.sort();
        owners.dedup();
    }
    ports
}

fn owners_of(owner: &Owner) -> impl Iterator<Item = PortOwner> + '_ {
    owner.present().iter().map(|process| PortOwner {
        name: process.name.clone(),
        user: process.user.clone(),
        pid: process.pid,
    })
}

impl PortDiff {
    /// Compares two tables. An owner that is unknown in one of them has not changed.
    pub fn of(before: &Ports, after: &Ports) -> Self {
        let only = |one: &Ports, other: &Ports| {
            let missing = one.iter().filter(|(key, _)| !other.contains_key(key));
            missing
                .map(|(key, owners)| (key.clone(), owners.clone()))
                .collect()
        };
        let common = before
            .iter()
            .filter_map(|(key, owners)| Some((key, owners, after.get(key)?)));
        let changed = common.filter(|(_, one, other)| {
            let are_known = !one.is_empty() && !other.is_empty();
            are_known && names(one) != names(other)
        });
        Self {
            appeared: only(after, before),
            gone: only(before, after),
            changed: changed
                .map(|(key, one, other)| (key.clone(), one.clone(), other.clone()))
                .collect(),
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.appeared.is_empty() && self.gone.is_empty() && self.changed.is_empty()
    }
}

/// What identifies owners across restarts.
fn names(owners: &[PortOwner]) -> BTreeSet<(&Text, Option<&Text>)> {
    let names = owners.iter().map(|one| (&one.name, one.user.as_ref()));
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(all: &[(u16, &str, Pid)]) -> Ports {
        let entry = |&(port, name, pid): &(u16, &str, Pid)| {
            let key = PortKey {
                namespace: None,
                protocol: Protocol::Tcp,
                port,
                address: "0.0.0.0".parse().unwrap(),
            };
            let owner = PortOwner {
                name: Text::new(name),
                user: None,
                pid,
            };
            (
                key,
                (!name.is_empty()).then_some(owner).into_iter().collect(),
            )
        };
        all.iter().map(entry).collect()
    }

    #[test]
    fn ports_appear_go_and_change_their_owner_but_not_by_a_restart() {
        let before = ports(&[(1, "a", 1), (2, "b", 2), (3, "c", 3), (4, "", 0)]);
        let after = ports(&[(2, "b", 22), (3, "d", 3), (4, "e", 4), (5, "f", 5)]);
        let diff = PortDiff::of(&before, &after);
        let of = |all: &[(PortKey, Vec<PortOwner>)]| -> Vec<u16> {
            all.iter().map(|(key, _)| key.port).collect()
        };
        assert_eq!((of(&diff.appeared), of(&diff.gone)), (vec![5], vec![1]));
        let changed: Vec<_> = diff.changed.iter().map(|(key, ..)| key.port).collect();
        assert_eq!(changed, [3]);
        assert!(PortDiff::of(&before, &before).is_empty());
    }
}
