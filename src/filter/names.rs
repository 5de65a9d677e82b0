//! The names in a table, which completion offers.

use std::collections::BTreeSet;

use crate::model::{Services, Socket};
use crate::track::Row;

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ports: BTreeSet<u16>,
    /// Services of these ports.
    port_services: BTreeSet<String>,
    /// Also services of peers' ports.
    pub services: BTreeSet<String>,
    pub users: BTreeSet<String>,
    pub processes: BTreeSet<String>,
    pub units: BTreeSet<String>,
    /// The user's names for ports.
    pub own_services: Services,
}

impl Names {
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut names = Self::default();
        for socket in rows.into_iter().map(|row| &row.socket) {
            if let Some(port) = socket.port().filter(|_| !socket.is_connection()) {
                names.ports.insert(port);
                add(&mut names.port_services, socket.service());
            }
            add(&mut names.services, socket.service());
            if let Some(own) = &socket.own_service {
                let Socket {
                    protocol, local, ..
                } = socket;
                names.own_services.add(*protocol, local.port, own);
            }
            add(&mut names.users, socket.user.as_deref());
            add(&mut names.units, socket.unit.as_deref());
            for process in socket.owner.processes() {
                add(&mut names.processes, Some(&process.name));
            }
        }
        names
    }

    /// Services first, as a name says more than a number. A connection's service may be that of its peer's port, so
    /// connections don't count.
    pub fn ports(&self) -> Vec<String> {
        let numbers = self.ports.iter().map(ToString::to_string);
        self.port_services.iter().cloned().chain(numbers).collect()
    }
}

/// Most names are known already.
fn add(names: &mut BTreeSet<String>, name: Option<&str>) {
    if let Some(name) = name.filter(|name| !names.contains(*name)) {
        names.insert(name.to_owned());
    }
}
