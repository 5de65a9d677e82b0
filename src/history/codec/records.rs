//! What is stored as JSON: seldom, and then compressed. Fields that a later version adds are ignored by earlier ones.
//!
//! Processes, namespaces and problems are as in a recording.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    EphemeralPorts, Kinds, LostCloses, NamespaceId, Owner, OwnerKind, Portless, Problem, Protocol,
    Published, Snapshot, Socket, State, Text,
};

/// The owners of a socket: the processes by their numbers in the table of processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnersRecord {
    pub kind: OwnerKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<u32>,
}

/// What many sockets have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShapeRecord {
    pub protocol: Protocol,
    pub state: State,
    /// The number of its owners in their table.
    pub owners: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portless: Option<Arc<Portless>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dual_stack: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Text>,
    /// The number of its namespace in their table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Arc<Published>>,
    /// Which of these each of the sockets has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_inode: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_cookie: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_end: bool,
    #[serde(default, skip_serializing_if = "QueueKind::is_none")]
    pub queue: QueueKind,
}

/// What is known about the queues of sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QueueKind {
    /// Nothing.
    #[default]
    None,
    /// They are empty.
    Empty,
    /// Each has its own numbers.
    Filled,
}

impl QueueKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
    fn is_none(&self) -> bool {
        *self == Self::None
    }

    fn of(socket: &Socket) -> Self {
        match socket.queue {
            None => Self::None,
            Some(queue) if queue.receive == 0 && queue.send == 0 => Self::Empty,
            Some(_) => Self::Filled,
        }
    }
}

impl ShapeRecord {
    pub fn of(socket: &Socket, owners: u32, namespace: Option<u32>) -> Self {
        Self {
            protocol: socket.protocol,
            state: socket.state,
            owners,
            portless: socket.portless.clone(),
            uid: socket.uid,
            user: socket.user.clone(),
            dual_stack: socket.dual_stack,
            interface: socket.interface.clone(),
            unit: socket.unit.clone(),
            container: socket.container.clone(),
            namespace,
            published: socket.published.clone(),
            has_inode: socket.inode.is_some(),
            has_cookie: socket.cookie.is_some(),
            has_end: socket.expires_in.is_some(),
            queue: QueueKind::of(socket),
        }
    }
}

impl OwnersRecord {
    /// `None` if an owner should have processes and has none, or the other way round.
    pub fn owner(&self, processes: Vec<Arc<crate::model::Process>>) -> Option<Owner> {
        let all: Arc<[_]> = processes.into();
        Some(match (self.kind, all.is_empty()) {
            (OwnerKind::Known, false) => Owner::Known(all),
            (OwnerKind::Former, false) => Owner::Former(all),
            (OwnerKind::Inferred, false) => Owner::Inferred(all),
            (OwnerKind::Hidden, true) => Owner::Hidden,
            (OwnerKind::Kernel, true) => Owner::Kernel,
            (OwnerKind::None, true) => Owner::None,
            (OwnerKind::Unknown, true) => Owner::Unknown,
            _ => return None,
        })
    }
}

/// What a snapshot has besides sockets and processes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Extras {
    /// The kinds of sockets beside TCP and UDP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Protocol>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<EphemeralPorts>,
    /// Of this snapshot alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub late_namespaces: Vec<NamespaceId>,
    /// Of this snapshot alone.
    #[serde(skip_serializing_if = "LostCloses::are_none")]
    pub lost_closes: LostCloses,
}

impl Extras {
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            kinds: snapshot.kinds.optional().iter().collect(),
            problems: snapshot.problems.clone(),
            ephemeral: snapshot.ephemeral.clone(),
            late_namespaces: snapshot.late_namespaces.clone(),
            lost_closes: snapshot.lost_closes,
        }
    }

    pub fn kinds(&self) -> Kinds {
        Kinds::DEFAULT.and(self.kinds.iter().copied().collect())
    }

    /// Without what is of one snapshot alone.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self {
            late_namespaces: Vec::new(),
            lost_closes: LostCloses::default(),
            ..self
        }
    }
}
