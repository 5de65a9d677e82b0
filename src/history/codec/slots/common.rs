//! What many sockets have in common, kept once.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::have_same_rest;
use crate::model::{Endpoint, Socket};

/// Sockets without ends, queues and numbers. One that nothing refers to any more is removed in time.
#[derive(Debug, Default)]
pub(super) struct CommonSockets {
    all: HashSet<Common>,
    /// How many there were after the last removal.
    kept: usize,
}

/// So many more than before are kept until those in use are looked for.
const FEW: usize = 64;

impl CommonSockets {
    /// What a socket has in common with others.
    pub fn of(&mut self, socket: &Socket) -> Arc<Socket> {
        let common = Common(Arc::new(Socket {
            local: Endpoint::NOTHING,
            remote: None,
            inode: None,
            cookie: None,
            queue: None,
            expires_in: None,
            age: None,
            own_service: None,
            ..socket.clone()
        }));
        // A name or an identification is of one socket.
        if socket.portless.is_some() {
            return common.0;
        }
        if let Some(known) = self.all.get(&common) {
            return Arc::clone(&known.0);
        }
        if self.all.len() > 2 * self.kept + FEW {
            self.all.retain(|one| Arc::strong_count(&one.0) > 1);
            self.kept = self.all.len();
        }
        self.all.insert(common.clone());
        common.0
    }
}

#[derive(Clone, Debug)]
struct Common(Arc<Socket>);

impl PartialEq for Common {
    fn eq(&self, other: &Self) -> bool {
        have_same_rest(&self.0, &other.0)
    }
}

impl Eq for Common {}

impl Hash for Common {
    /// Of what distinguishes nearly all.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let socket = &self.0;
        let process = socket.owner.processes().first();
        (socket.protocol, socket.state, socket.uid).hash(state);
        (socket.namespace_id(), process.map(|process| process.pid)).hash(state);
        (&socket.unit, &socket.container, &socket.interface).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Protocol, State};

    fn socket(port: u16, uid: u32) -> Socket {
        let local = Endpoint::new([127, 0, 0, 1].into(), port);
        Socket {
            uid: Some(uid),
            ..Socket::new(Protocol::Tcp, local, None, State::Listen)
        }
    }

    #[test]
    fn what_is_the_same_is_there_once() {
        let mut common = CommonSockets::default();
        let (one, other) = (common.of(&socket(80, 1)), common.of(&socket(81, 1)));
        assert!(Arc::ptr_eq(&one, &other));
        assert!(!Arc::ptr_eq(&one, &common.of(&socket(80, 2))));
    }

    #[test]
    fn what_no_socket_has_any_more_is_removed() {
        let mut common = CommonSockets::default();
        let used = common.of(&socket(80, 0));
        for uid in 0..10_000 {
            common.of(&socket(80, uid));
            assert!(common.all.len() <= 2 * FEW, "{}", common.all.len());
        }
        assert!(Arc::ptr_eq(&used, &common.of(&socket(80, 0))));
    }
}
