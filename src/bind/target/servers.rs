//! Whether a client that connects to a target gets the server that is expected. Pure.

use serde::Serialize;

use crate::model::{Holder, Owner, Process};

/// Whose listeners a client gets a connection to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerMatch {
    /// Only those of the expected server.
    Expected,
    /// Only those of others.
    Another,
    /// Those of the expected server or of others, depending on the address, or on chance.
    Several,
    /// Some may be of others, as an owner is unknown.
    Unknown,
}

impl ServerMatch {
    /// Of the listeners that a client may get a connection to, for each of which is known whether it is the expected
    /// server's; `None` without any.
    pub fn of(listeners: &[Option<bool>]) -> Option<Self> {
        let has = |answer: Option<bool>| listeners.contains(&answer);
        let found = match (has(Some(true)), has(Some(false)), has(None)) {
            (false, false, false) => return None,
            (true, false, false) => Self::Expected,
            (true, true, _) => Self::Several,
            (false, true, _) => Self::Another,
            (_, false, true) => Self::Unknown,
        };
        Some(found)
    }
}

/// Whether a listener is the expected server's: if one of its owners is. `None` if that is unknown. `is_expected` is the
/// answer for an owner.
pub fn is_of_server(
    holder: &Holder,
    is_expected: impl Fn(&Process) -> Option<bool>,
) -> Option<bool> {
    match &holder.socket.owner {
        Owner::Known(owners) => {
            let answers: Vec<_> = owners.iter().map(|owner| is_expected(owner)).collect();
            let is_unknown = answers.contains(&None) && !answers.contains(&Some(true));
            (!is_unknown).then(|| answers.contains(&Some(true)))
        }
        Owner::Kernel => Some(false),
        Owner::Hidden | Owner::Former(_) | Owner::Inferred(_) | Owner::None | Owner::Unknown => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Endpoint, Protocol, Socket, State};

    #[test]
    fn only_the_expected_server_alone_is_expected() {
        let (yes, no, unknown) = (Some(true), Some(false), None);
        for (listeners, expected) in [
            (&[][..], None),
            (&[yes], Some(ServerMatch::Expected)),
            (&[yes, yes], Some(ServerMatch::Expected)),
            (&[yes, no], Some(ServerMatch::Several)),
            (&[no, yes, unknown], Some(ServerMatch::Several)),
            (&[no], Some(ServerMatch::Another)),
            (&[no, unknown], Some(ServerMatch::Another)),
            (&[unknown], Some(ServerMatch::Unknown)),
            (&[yes, unknown], Some(ServerMatch::Unknown)),
        ] {
            assert_eq!(ServerMatch::of(listeners), expected, "{listeners:?}");
        }
    }

    #[test]
    fn one_of_several_owners_is_enough() {
        let local = Endpoint::new([0, 0, 0, 0].into(), 80);
        let socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        let owned = |owner| {
            let owner = Holder::new(Socket {
                owner,
                ..socket.clone()
            });
            // The first is expected, of the third it is unknown.
            is_of_server(&owner, |one| match one.pid {
                1 => Some(true),
                2 => Some(false),
                _ => None,
            })
        };
        let known = |pids: &[u32]| {
            let all = pids.iter().map(|&pid| Arc::new(Process::new(pid, "node")));
            owned(Owner::Known(all.collect()))
        };
        assert_eq!(known(&[1, 2, 3]), Some(true));
        assert_eq!(known(&[2]), Some(false));
        assert_eq!(known(&[2, 3]), None);
        assert_eq!(owned(Owner::Kernel), Some(false));
        assert_eq!((owned(Owner::Hidden), owned(Owner::None)), (None, None));
    }
}
