//! Names that a user gives to ports, beside the registered ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{registered_names, registered_ports, service_name};
use crate::model::Protocol;

/// The names that a user gives to ports. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(Arc<BTreeMap<(u16, Protocol), Arc<str>>>);

impl Services {
    /// Gives a port this name, instead of the one that it had.
    pub fn add(&mut self, protocol: Protocol, port: u16, name: &str) {
        Arc::make_mut(&mut self.0).insert((port, protocol), name.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every port named by the user, with its name, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Protocol, u16, &str)> {
        let all = self.0.iter();
        all.map(|(&(port, protocol), name)| (protocol, port, &**name))
    }

    /// The name of a port: the user's, or the registered one.
    pub fn name(&self, protocol: Protocol, port: u16) -> Option<&str> {
        let own = self.0.get(&(port, protocol)).map(|name| &**name);
        own.or_else(|| service_name(protocol, port))
    }

    /// The user's name for a port, or for the peer's port if the port has no name at all.
    pub(crate) fn own_name(
        &self,
        protocol: Protocol,
        port: u16,
        peer: Option<u16>,
    ) -> Option<Arc<str>> {
        let own = |port| self.0.get(&(port, protocol)).cloned();
        let is_registered = || service_name(protocol, port).is_some();
        own(port).or_else(|| own(peer.filter(|_| !is_registered())?))
    }

    /// Every name, the user's first, by port ascending; a name that has several ports comes several times.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.iter().map(|(_, _, name)| name);
        own.chain(registered_names().map(|name| -> &str { name }))
    }

    /// The ports of this name, the user's first, then the registered ones; empty if it is unknown. Case does
    /// not matter.
    pub fn ports(&self, name: &str) -> Vec<(Protocol, u16)> {
        self.own_ports(name).chain(registered_ports(name)).collect()
    }

    /// The port of a service: 443 for TCP `https`. Of several ports, the highest: `http-alt` means 8080, as in
    /// `/etc/services`, not 8008. The user's names come before the registered ones.
    pub fn port(&self, protocol: Protocol, name: &str) -> Option<u16> {
        let of_it = |(of, port): (Protocol, u16)| (of == protocol).then_some(port);
        let own = self.own_ports(name).filter_map(of_it).max();
        own.or_else(|| registered_ports(name).filter_map(of_it).max())
    }

    fn own_ports(&self, name: &str) -> impl Iterator<Item = (Protocol, u16)> {
        self.iter()
            .filter(move |(_, _, one)| one.eq_ignore_ascii_case(name))
            .map(|(protocol, port, _)| (protocol, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_names_come_before_the_registered_ones() {
        let mut own = Services::default();
        own.add(Protocol::Tcp, 64_001, "api");
        own.add(Protocol::Udp, 64_002, "https");
        assert_eq!(own.port(Protocol::Tcp, "API"), Some(64_001));
        assert_eq!(own.port(Protocol::Udp, "api"), None);
        assert_eq!(own.port(Protocol::Udp, "https"), Some(64_002));
        assert_eq!(own.ports("https")[0], (Protocol::Udp, 64_002));
        assert!(own.ports("https").contains(&(Protocol::Tcp, 443)));
        assert_eq!(own.name(Protocol::Tcp, 64_001), Some("api"));
        assert_eq!(own.name(Protocol::Tcp, 443), Some("https"));
        assert_eq!(own.names().next(), Some("api"));
        let name = |port, peer| own.own_name(Protocol::Tcp, port, peer);
        assert_eq!(name(64_001, None).as_deref(), Some("api"));
        assert_eq!(name(50_001, Some(64_001)).as_deref(), Some("api"));
        assert_eq!(name(443, Some(64_001)), None, "its own port has a name");
    }
}
