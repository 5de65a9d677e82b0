//! Names that a user gives to ports, beside those that are registered.
//!
//! A name is asked for at every row, on every thread, as the registered ones are: so those in use are the whole
//! program's, and there is no way past them. Who reads a file where a filter may use the names that stand beside it
//! asks [while they are tried](Services::while_tried).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use crate::model::Protocol;

/// The names of a user, by port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(BTreeMap<(u16, Protocol), &'static str>);

/// Those in use.
static IN_USE: RwLock<Services> = Services::new_lock();

/// Whether there are any, so that nobody else pays for them.
static ARE_THERE: AtomicBool = AtomicBool::new(false);

/// Every name that there ever was. One that is gone may still stand in a filter.
static EVER: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

thread_local! {
    static TRIED: RefCell<Option<Services>> = const { RefCell::new(None) };
}

impl Services {
    const fn new_lock() -> RwLock<Self> {
        RwLock::new(Self(BTreeMap::new()))
    }

    /// Gives a port this name, instead of the one that it had.
    pub fn add(&mut self, protocol: Protocol, port: u16, name: &str) {
        let mut ever = EVER.lock().unwrap_or_else(PoisonError::into_inner);
        let name = ever.get(name).copied().unwrap_or_else(|| {
            let name: &'static str = Box::leak(name.into());
            ever.insert(name);
            name
        });
        self.0.insert((port, protocol), name);
    }

    /// The name of a port.
    pub fn name(&self, protocol: Protocol, port: u16) -> Option<&'static str> {
        self.0.get(&(port, protocol)).copied()
    }

    /// Every port with its name, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Protocol, u16, &'static str)> {
        let all = self.0.iter();
        all.map(|(&(port, protocol), &name)| (protocol, port, name))
    }

    /// From now on the whole program calls ports by these names, and by no other of a user's.
    pub fn use_everywhere(&self) {
        let mut in_use = IN_USE.write().unwrap_or_else(PoisonError::into_inner);
        in_use.clone_from(self);
        ARE_THERE.store(!self.0.is_empty(), Ordering::Relaxed);
    }

    /// Does something on this thread as if these were in use.
    pub fn while_tried<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = TRIED.replace(Some(self.clone()));
        let done = work();
        TRIED.set(before);
        done
    }
}

/// The name that the user gives to a port.
pub(super) fn name(protocol: Protocol, port: u16) -> Option<&'static str> {
    if !ARE_THERE.load(Ordering::Relaxed) {
        return None;
    }
    let in_use = IN_USE.read().unwrap_or_else(PoisonError::into_inner);
    in_use.name(protocol, port)
}

/// Every port that has a name of the user's, with that.
pub(super) fn all() -> Vec<(Protocol, u16, &'static str)> {
    let tried = TRIED.with_borrow(|tried| tried.as_ref().map(|own| own.iter().collect()));
    tried.unwrap_or_else(|| {
        let in_use = IN_USE.read().unwrap_or_else(PoisonError::into_inner);
        in_use.iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{service_name, service_names, service_port, service_ports};

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
