//! What a program listened on, and what of it is still open after its end (`--listeners`).

use super::Explainer;
use crate::model::{Answered, Moment, Process, Protocol};
use crate::report::Listened;
use crate::runtime::run::linux::caller::CallerProcess;
use crate::runtime::run::linux::calls::Local;

/// The most listeners to remember.
const MAX_LISTENERS: usize = 1000;

/// A socket that listens, or a UDP socket that is bound.
pub(crate) struct Opened {
    pub(crate) at: Moment,
    pub(crate) caller: CallerProcess,
    pub(crate) protocol: Protocol,
    pub(crate) local: Local,
    pub(crate) inode: Option<u32>,
    /// Whether it is in our network namespace.
    pub(crate) is_own_network: bool,
}

/// One of them at the end.
struct Found<'a> {
    opened: &'a Opened,
    local: String,
    left_to: Option<Vec<Process>>,
}

impl Explainer {
    pub(super) fn opened(&mut self, opened: Opened) {
        if self.opened.len() < MAX_LISTENERS {
            self.opened.push(opened);
        }
    }

    pub(super) fn list(&mut self) {
        let opened = std::mem::take(&mut self.opened);
        let mut all: Vec<Found<'_>> = Vec::new();
        for opened in &opened {
            let found = Found {
                opened,
                local: opened.local.to_string(),
                left_to: self.left_to(opened),
            };
            // A server that starts again listens again: the last time counts.
            let is_same = |other: &Found<'_>| {
                let protocols = [other.opened.protocol, opened.protocol];
                other.local == found.local && protocols[0] == protocols[1]
            };
            all.retain(|other| other.left_to.is_some() || !is_same(other));
            all.push(found);
        }
        let listened = all.iter().map(|found| Listened {
            at: found.opened.at,
            caller: found.opened.caller.report(),
            protocol: found.opened.protocol,
            local: &found.local,
            left_to: found.left_to.as_deref(),
        });
        self.output.listened(&listened.collect::<Vec<_>>());
    }

    /// The processes that have the socket now; `None` if it is closed, or that can't be known.
    fn left_to(&mut self, opened: &Opened) -> Option<Vec<Process>> {
        let inode = opened.inode.filter(|_| opened.is_own_network)?;
        let (protocol, port) = (opened.protocol, opened.local.port);
        let inspector = self.tester.inspector();
        let mut evidence = inspector.rows(protocol, port, self.clock.now());
        let is_it = |of: Option<u32>| of == Some(inode);
        evidence.holders.retain(|one| is_it(one.socket.inode));
        if evidence.holders.is_empty() {
            return None;
        }
        inspector.explain(&mut evidence, protocol, port, Answered::Refused);
        let sockets = evidence.holders.iter().map(|one| &one.socket);
        let owners = sockets.flat_map(|socket| socket.owner.present());
        Some(owners.map(|one| Process::clone(one)).collect())
    }
}
