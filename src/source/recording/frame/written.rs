//! Makes lines of snapshots as version 0.1 did, to test that they can be read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::changes::{CHANGES, Run, Since};
use super::{ClosedFrame, Frame, SCHEMA, SocketFrame, with_fields_of};
use crate::model::{ClosedSocket, NamespaceId, Owner, Pid, Process, Snapshot, Socket};

impl Frame {
    /// Processes are in order of pid, so that equal snapshots make equal lines.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let closed = snapshot.closed.iter().map(|closed| &closed.socket);
        let owners = snapshot.sockets.iter().chain(closed);
        let owners = owners.map(|socket| &socket.owner);
        let owners = owners.flat_map(Owner::processes).map(|one| (one.pid, one));
        let mut processes: BTreeMap<Pid, _> = owners.collect();
        processes.extend(snapshot.processes.iter().map(|(pid, one)| (*pid, one)));
        let sockets = snapshot.sockets.iter();
        let closed = snapshot.closed.iter();
        let all = sockets.clone().chain(closed.clone().map(|one| &one.socket));
        let others = all.filter_map(|socket| socket.namespace.as_ref());
        let others: BTreeMap<NamespaceId, _> = others.map(|other| (other.id, other)).collect();
        Self {
            schema: SCHEMA,
            since: None,
            redacted: false,
            taken_at: snapshot.taken_at,
            kinds: snapshot.kinds.optional().iter().collect(),
            sockets: sockets.map(SocketFrame::of).collect(),
            processes: processes.values().copied().cloned().collect(),
            problems: snapshot.problems.clone(),
            namespaces: others.into_values().cloned().collect(),
            late_namespaces: snapshot.late_namespaces.clone(),
            ephemeral: snapshot.ephemeral.clone(),
            closed: closed.map(|one| ClosedFrame::of(one, &processes)).collect(),
            lost_closes: snapshot.lost_closes,
        }
    }

    /// This whole frame as changes since another whole one.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let (kept, sockets) = compared(&before.sockets, &self.sockets);
        let old: HashMap<Pid, _> = before.processes.iter().map(|it| (it.pid, it)).collect();
        let is_new = |process: &&Arc<Process>| old.get(&process.pid) != Some(process);
        let pids: HashSet<Pid> = self.processes.iter().map(|process| process.pid).collect();
        let ended = before.processes.iter().map(|process| process.pid);
        Self {
            schema: CHANGES,
            since: Some(Since {
                taken_at: before.taken_at,
                kept,
                ended: ended.filter(|pid| !pids.contains(pid)).collect(),
            }),
            sockets,
            processes: self.processes.iter().filter(is_new).cloned().collect(),
            kinds: self.kinds.clone(),
            problems: self.problems.clone(),
            namespaces: self.namespaces.clone(),
            late_namespaces: self.late_namespaces.clone(),
            ephemeral: self.ephemeral.clone(),
            closed: self.closed.clone(),
            ..*self
        }
    }
}

impl ClosedFrame {
    /// Without an owner whose pid another one of these processes has by now: a frame has one process of each pid.
    fn of(closed: &ClosedSocket, processes: &BTreeMap<Pid, &Arc<Process>>) -> Self {
        let mut socket = closed.socket.clone();
        let is_there = |one: &Arc<Process>| processes.get(&one.pid).is_some_and(|it| *it == one);
        if !socket.owner.processes().iter().all(is_there) {
            socket.owner = Owner::None;
        }
        Self {
            socket: SocketFrame::of(&socket),
            at: closed.at,
            tcp: closed.tcp,
        }
    }
}

impl SocketFrame {
    fn of(socket: &Socket) -> Self {
        let pids = socket.owner.processes().iter().map(|process| process.pid);
        let (owner, pids) = (socket.owner.kind(), pids.collect());
        let (socket, cookie) = (socket.clone(), socket.cookie.map(u64::from));
        let namespace = socket.namespace.as_ref().map(|one| one.id);
        with_fields_of!(
            socket,
            Self {
                namespace,
                owner,
                pids,
                cookie
            }
        )
    }
}

/// What identifies a socket while its other properties change; several may have the same.
fn key(socket: &SocketFrame) -> impl Hash + Eq + use<> {
    (
        (socket.protocol, socket.local, socket.remote),
        (socket.inode, socket.namespace),
    )
}

/// The common elements, and those only in the second. Mostly the order is the same, so the next one is compared first;
/// an index is built only after a change.
fn compared(old: &[SocketFrame], new: &[SocketFrame]) -> (Vec<Run>, Vec<SocketFrame>) {
    let mut index: Option<HashMap<_, usize>> = None;
    let (mut runs, mut others) = (Vec::new(), Vec::new());
    let mut run = Run(0, 0, 0);
    for socket in new {
        let expected = run.0 + run.1;
        let is_same = |&at: &usize| old.get(at) == Some(socket);
        let found = Some(expected).filter(is_same).or_else(|| {
            let index = index.get_or_insert_with(|| old.iter().map(key).zip(0..).collect());
            index.get(&key(socket)).copied().filter(is_same)
        });
        match found {
            Some(at) if at == expected && run.2 == 0 => run.1 += 1,
            Some(at) => {
                runs.push(run);
                run = Run(at, 1, 0);
            }
            None => {
                run.2 += 1;
                others.push(socket.clone());
            }
        }
    }
    runs.push(run);
    // So there are no more of them than sockets, and a reader takes them.
    runs.retain(|run| *run != Run(0, 0, 0));
    (runs, others)
}
