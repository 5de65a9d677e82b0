//! Which socket unit a manager listens for, as `systemctl list-sockets` says: that of pid 1 where neither the
//! socket's control group nor a unit file says so, and that of a user's manager, which makes its sockets in
//! its own group.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::facts::Facts;
use super::systemd::{self, Listening};
use crate::model::{Activation, Process, Socket, Text};

/// What managers answered, each asked once.
#[derive(Default)]
pub(super) struct SocketUnits(HashMap<Whose, Vec<Listening>>);

/// Whose manager a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    System,
    User(u32),
}

impl Whose {
    /// The user, if it is that of one.
    pub(super) const fn uid(self) -> Option<u32> {
        match self {
            Self::System => None,
            Self::User(uid) => Some(uid),
        }
    }
}

impl SocketUnits {
    /// The unit of a socket that a manager has.
    pub(super) fn of(&mut self, socket: &Socket) -> Option<Activation> {
        let owners = socket.owner.present();
        let whose = owners.iter().find_map(manager)?;
        let listening = self
            .0
            .entry(whose)
            .or_insert_with(|| systemd::list_sockets(whose.uid()).unwrap_or_default());
        named(listening, &socket.local.to_string())
    }
}

/// Whose manager a process is, if it is one.
pub(super) fn manager(process: &Arc<Process>) -> Option<Whose> {
    if &*process.comm != "systemd" {
        return None;
    }
    if process.pid == 1 {
        return Some(Whose::System);
    }
    let facts = Facts::of(process.pid)?;
    let is_of_user = facts.argv.iter().any(|argument| argument == "--user");
    facts.uid().filter(|_| is_of_user).map(Whose::User)
}

/// The unit that listens on an address.
fn named(listening: &[Listening], local: &str) -> Option<Activation> {
    let found = listening.iter().find(|one| one.address == local)?;
    let default = || found.socket_unit.replace(".socket", ".service");
    Some(Activation {
        socket_unit: Text::new(&found.socket_unit),
        service: Text::new(&found.service.clone().unwrap_or_else(default)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_that_of_the_address() {
        let one = |address: &str, unit: &str, service: Option<&str>| Listening {
            address: address.into(),
            socket_unit: unit.into(),
            service: service.map(str::to_owned),
        };
        let listening = [
            one("127.0.0.1:80", "a.socket", Some("web.service")),
            one("[::]:80", "b.socket", None),
        ];
        let service = |local| named(&listening, local).map(|found| found.service.to_string());
        assert_eq!(service("127.0.0.1:80").as_deref(), Some("web.service"));
        assert_eq!(service("[::]:80").as_deref(), Some("b.service"));
        assert_eq!(service("0.0.0.0:80"), None);
    }
}
