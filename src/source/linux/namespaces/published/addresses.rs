//! Which namespace has an address, by the files of a process in it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use super::Members;
use crate::model::{Moment, NamespaceId, Pid, Protocol};
use crate::source::linux::background::containers::netns;
use crate::source::linux::proc::addresses;

/// Addresses are read again after this time, and if one is not found after that one: they take up to a millisecond for each
/// namespace.
const REREAD_AFTER: Duration = Duration::from_secs(30);
const RETRY_AFTER: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct Addresses {
    known: HashMap<NamespaceId, (Moment, Vec<IpAddr>)>,
    /// Those that root's engines can lead into.
    of_root: HashSet<NamespaceId>,
}

impl Addresses {
    /// The namespace of root's engines that has this address; `None` if that is not one.
    pub(super) fn namespace(
        &mut self,
        address: IpAddr,
        port: (Protocol, u16),
        members: &Members,
        at: Moment,
    ) -> Option<NamespaceId> {
        let is_known = |id| {
            let known = self.known.get(id);
            known.is_some_and(|(read_at, _)| read_at.age(at) < REREAD_AFTER)
        };
        if !members.pids.keys().all(is_known) {
            // With a new namespace an older one may have lost the address: its container was started again.
            self.known.retain(|_, (read_at, _)| *read_at == at);
            self.read(members, at);
        }
        let mut found = self.with(address, members);
        if found.is_empty() {
            self.read(members, at);
            found = self.with(address, members);
        }
        netns::the_one(found, port)
    }

    fn with<'a>(&mut self, address: IpAddr, members: &'a Members) -> Vec<(NamespaceId, &'a [Pid])> {
        let known = self.known.iter();
        let having = known.filter(|(_, (_, all))| all.contains(&address));
        let having = having.filter_map(|(id, _)| Some((*id, &**members.pids.get(id)?)));
        let of_root = having.filter(|(id, pids)| {
            let is_root_s = self.of_root.contains(id) || netns::can_be_of_root(pids);
            if is_root_s {
                self.of_root.insert(*id);
            }
            is_root_s
        });
        of_root.collect()
    }

    /// Reads those of new namespaces, and of others after a time.
    fn read(&mut self, members: &Members, at: Moment) {
        self.known.retain(|id, _| members.pids.contains_key(id));
        self.of_root.retain(|id| members.pids.contains_key(id));
        for (&id, pids) in &members.pids {
            let known = self.known.get(&id);
            if known.is_some_and(|(read_at, _)| read_at.age(at) < RETRY_AFTER) {
                continue;
            }
            let mut processes = pids.iter().map(ToString::to_string);
            let addresses = processes.find_map(|process| addresses::of_interfaces(&process));
            // One without a visible process is not read again for each port.
            self.known.insert(id, (at, addresses.unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Namespace, Text};

    fn members(ids: &[u32], pid: Pid) -> Members {
        let namespaces = ids.iter().map(|&id| {
            let namespace = Namespace {
                cookie: None,
                id: NamespaceId(id),
                inode: None,
                name: Text::default(),
                container: None,
            };
            (Arc::new(namespace), vec![pid])
        });
        Members::of(namespaces)
    }

    /// While one namespace had an address, that of a new one was not read: a second one with it stayed unknown.
    #[test]
    fn the_addresses_of_a_new_namespace_are_read_while_another_has_the_address() {
        let (address, port) = ([172, 17, 0, 2].into(), (Protocol::Tcp, 9));
        let (own, at) = (std::process::id(), Moment::default());
        let mut all = Addresses::default();
        all.known.insert(NamespaceId(1), (at, vec![address]));
        let found = all.namespace(address, port, &members(&[1], own), at);
        assert_eq!(found, Some(NamespaceId(1)));
        let _ = all.namespace(address, port, &members(&[1, 2], own), at);
        assert!(all.known.contains_key(&NamespaceId(2)));
        // Of two with the address neither listens.
        all.known.insert(NamespaceId(2), (at, vec![address]));
        let found = all.namespace(address, port, &members(&[1, 2], own), at);
        assert_eq!(found, None);
    }

    #[test]
    fn a_namespace_that_is_not_root_s_answers_for_no_address() {
        let (address, port) = ([172, 17, 0, 2].into(), (Protocol::Tcp, 9));
        let mut all = Addresses::default();
        all.known
            .insert(NamespaceId(1), (Moment::default(), vec![address]));
        // No process has this pid: nothing says whose it is.
        let members = members(&[1], Pid::MAX);
        let found = all.namespace(address, port, &members, Moment::default());
        assert_eq!(found, None);
    }
}
