//! Names that a user gives to ports, beside the registered ones.
//!
//! They are a value, [`Services`]. The statics below serve callers that do not pass it yet.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::{registered_name, registered_names, registered_ports};
use crate::model::Protocol;

/// The names that a user gives to ports. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(Arc<BTreeMap<(u16, Protocol), Arc<str>>>);

/// Those in use, until every caller passes [`Services`].
static IN_USE: RwLock<BTreeMap<(u16, Protocol), &'static str>> = RwLock::new(BTreeMap::new());

/// Every name that there ever was. One that is gone may still be in a filter.
static EVER: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

type Names = BTreeMap<(u16, Protocol), &'static str>;

thread_local! {
    static TRIED: RefCell<Option<Names>> = const { RefCell::new(None) };
}

impl Services {
    /// Gives a port this name, instead of the one that it had.
    pub fn add(&mut self, protocol: Protocol, port: u16, name: &str) {
        Arc::make_mut(&mut self.0).insert((port, protocol), name.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every port that the user gave a name, with that, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Protocol, u16, &str)> {
        let all = self.0.iter();
        all.map(|(&(port, protocol), name)| (protocol, port, &**name))
    }

    /// The name of a port: the user's, or the registered one.
    pub fn name(&self, protocol: Protocol, port: u16) -> Option<&str> {
        let own = self.0.get(&(port, protocol)).map(|name| &**name);
        own.or_else(|| registered_name(protocol, port))
    }

    /// The user's name for a port, or for the peer's where the port has no name at all.
    pub(crate) fn own_name(
        &self,
        protocol: Protocol,
        port: u16,
        peer: Option<u16>,
    ) -> Option<Arc<str>> {
        let own = |port| self.0.get(&(port, protocol)).cloned();
        let is_registered = || registered_name(protocol, port).is_some();
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

    /// The port that a service is on: 443 for TCP `https`. Of several ports the highest: `http-alt` then means
    /// 8080, as it does in `/etc/services`, and not 8008. The user's come before the registered ones.
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

    fn leaked(&self) -> Names {
        let mut ever = EVER.lock().unwrap_or_else(PoisonError::into_inner);
        let mut leaked = |name: &str| {
            ever.get(name).copied().unwrap_or_else(|| {
                let name: &'static str = Box::leak(name.into());
                ever.insert(name);
                name
            })
        };
        let all = self.0.iter();
        all.map(|(&place, name)| (place, leaked(name))).collect()
    }

    /// From now on the whole program calls ports by these names, and by no other of a user's.
    pub fn use_everywhere(&self) {
        let mut in_use = IN_USE.write().unwrap_or_else(PoisonError::into_inner);
        *in_use = self.leaked();
    }

    /// Does something on this thread as if these were in use.
    pub fn while_tried<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = TRIED.replace(Some(self.leaked()));
        let done = work();
        TRIED.set(before);
        done
    }
}

/// The name that the user gives to a port.
pub(super) fn name(protocol: Protocol, port: u16) -> Option<&'static str> {
    let in_use = IN_USE.read().unwrap_or_else(PoisonError::into_inner);
    in_use.get(&(port, protocol)).copied()
}

/// Every port that has a name of the user's, with that.
pub(super) fn all() -> Vec<(Protocol, u16, &'static str)> {
    let list = |all: &Names| {
        let all = all.iter();
        all.map(|(&(port, protocol), &name)| (protocol, port, name))
            .collect()
    };
    let tried = TRIED.with_borrow(|tried| tried.as_ref().map(list));
    tried.unwrap_or_else(|| list(&IN_USE.read().unwrap_or_else(PoisonError::into_inner)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{service_name, service_names, service_port, service_ports};

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

    #[test]
    fn names_that_are_tried_are_known_on_this_thread_alone() {
        let mut own = Services::default();
        own.add(Protocol::Tcp, 64_001, "tried-api");
        own.add(Protocol::Udp, 64_002, "https");
        own.while_tried(|| {
            assert_eq!(service_port(Protocol::Tcp, "TRIED-api"), Some(64_001));
            assert_eq!(service_port(Protocol::Udp, "tried-api"), None);
            assert_eq!(service_port(Protocol::Udp, "https"), Some(64_002));
            let places = service_ports("https");
            assert!(places.contains(&(Protocol::Udp, 64_002)), "one's own");
            let registered = (Protocol::Tcp, 443);
            assert!(places.contains(&registered), "and what is registered");
        });
        assert_eq!(service_port(Protocol::Tcp, "tried-api"), None);
        assert_eq!(service_name(Protocol::Tcp, 64_001), None);
    }

    /// What is in use is the other tests' too: no port and no name that one of them asks about.
    #[test]
    fn names_in_use_count_everywhere_until_others_are() {
        let mut own = Services::default();
        own.add(Protocol::Tcp, 64_003, "used-api");
        own.use_everywhere();
        assert_eq!(service_name(Protocol::Tcp, 64_003), Some("used-api"));
        assert_eq!(service_name(Protocol::Udp, 64_003), None);
        assert!(service_names().any(|name| name == "used-api"));
        Services::default().use_everywhere();
        assert_eq!(service_name(Protocol::Tcp, 64_003), None);
    }
}
