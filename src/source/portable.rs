//! The socket table where netstat2 knows the processes by itself: macOS and Windows.

use super::netstat;
use super::{Blind, Holding};
use crate::model::{Moment, Pid, Problem, ProblemCode, Socket, Text};

/// This machine's sockets and who holds them.
#[derive(Default)]
pub(super) struct Platform {
    /// Of the sockets of the last reading, in their order.
    holdings: Vec<Holding>,
}

impl Platform {
    /// Reads the table.
    pub(super) fn sockets(&mut self, _at: Moment, problems: &mut Vec<Problem>) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.holdings.clear();
        let holdings = &mut self.holdings;
        let unreadable = netstat::read(|socket, info| {
            sockets.push(socket);
            holdings.push(holding(&info.associated_pids));
        });
        problems.extend(unreadable.into_iter().map(|unreadable| {
            let (part, reason) = (unreadable.part.name(), unreadable.reason);
            let message =
                format!("sockets of {part} can't be read ({reason}): their rows are missing");
            Problem::new(ProblemCode::TableUnreadable, &message)
        }));
        sockets
    }

    /// Who holds each of the sockets of the last reading, in their order.
    pub(super) fn holdings(
        &mut self,
        _sockets: &[Socket],
        _at: Moment,
        _problems: &mut Vec<Problem>,
    ) -> Vec<Holding> {
        self.holdings.clone()
    }

    /// This is not known here.
    pub(super) const fn blind(&self) -> Option<Blind> {
        None
    }

    /// The next reading asks for the holders anew.
    pub(super) fn forget(&mut self, _gone: &[Pid]) -> bool {
        false
    }
}

/// Pid 0 stands for the system, or for nobody.
fn holding(pids: &[Pid]) -> Holding {
    let mut pids: Vec<Pid> = pids.iter().copied().filter(|&pid| pid != 0).collect();
    pids.sort_unstable();
    pids.dedup();
    if pids.is_empty() {
        Holding::None
    } else {
        Holding::By(pids.into())
    }
}
