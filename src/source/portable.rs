//! The socket table on macOS and Windows, where netstat2 also returns the processes.

use super::platform::Platform;
use super::{OwnerPids, netstat, relays};
use crate::model::{Kinds, Moment, Problem, ProblemCode, Protocol, Socket, Text};

/// This machine's sockets and their owners.
#[derive(Default)]
pub(super) struct Portable {
    /// For each socket of the last table, in order.
    owner_pids: Vec<OwnerPids>,
    kinds: Kinds,
}

/// There is nothing here that only a helper process may read: never runs this process as one.
#[cfg(not(target_os = "linux"))]
pub fn run_namespace_helper() -> Option<u8> {
    None
}

/// The program of this name, as the system finds it.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
pub(crate) fn find_tool(name: &str) -> Option<std::path::PathBuf> {
    Some(name.into())
}

impl Platform for Portable {
    fn sockets(&mut self, _: Moment, _ages: bool, problems: &mut Vec<Problem>) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.owner_pids.clear();
        let unreadable = netstat::read(|socket, info| {
            sockets.push(socket);
            self.owner_pids.push(OwnerPids::of(&info.associated_pids));
        });
        problems.extend(unreadable.into_iter().map(|(part, reason)| {
            let part = part.name();
            let message =
                format!("sockets of {part} can't be read ({reason}): their rows are missing");
            Problem::new(ProblemCode::TableUnreadable, &message)
        }));
        problems.extend(self.kinds.optional().iter().map(not_listed));
        sockets
    }

    fn set_kinds(&mut self, kinds: Kinds) {
        self.kinds = kinds;
    }

    fn owner_pids(&mut self, _: &[Socket], _: Moment, _: &mut Vec<Problem>) -> Vec<OwnerPids> {
        self.owner_pids.clone()
    }

    fn describe(&mut self, sockets: &mut Vec<Socket>, _: Moment) {
        relays::set_published(sockets);
    }
}

fn not_listed(protocol: Protocol) -> Problem {
    let message = format!("{} sockets can't be listed on this system", protocol.name());
    Problem {
        brief: Text::new(&format!("{} not listed", protocol.as_str())),
        ..Problem::new(ProblemCode::NotListed, &message)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::model::Endpoint;

    #[test]
    fn netstat2_has_the_table_and_what_it_can_not_list_is_a_problem() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = Endpoint::from(server.local_addr().unwrap());
        let (mut portable, mut problems) = (Portable::default(), Vec::new());
        portable.set_kinds(Kinds::DEFAULT.with(Protocol::Unix));
        let at = Moment {
            steady: Duration::ZERO,
            wall: Timestamp::UNIX_EPOCH,
        };
        let sockets = portable.sockets(at, false, &mut problems);
        assert!(sockets.iter().any(|socket| socket.local == local));
        let owners = portable.owner_pids(&sockets, at, &mut problems);
        assert_eq!(owners.len(), sockets.len());
        assert_eq!(problems, [not_listed(Protocol::Unix)]);
    }
}
