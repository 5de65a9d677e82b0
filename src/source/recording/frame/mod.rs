//! One line of a recording: a snapshot as JSON.
//!
//! Pure. Each process is in a line once, and sockets refer to it by pid. The first line is whole, the others have
//! changes since the previous line (`changes`). A file may come from anyone: its text is cleaned before it enters the
//! model, and references are checked.

mod changes;
#[cfg(test)]
mod written;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use self::changes::Since;
use crate::model::{
    Age, ClosedSocket, Endpoint, EphemeralPorts, Kinds, LostCloses, Moment, Namespace, NamespaceId,
    Owner, OwnerKind, Pid, Portless, Problem, Process, Protocol, Published, Queue, Snapshot,
    Socket, State, TcpInfo, Text,
};

/// Version of a whole line; readers reject others.
const SCHEMA: u32 = 1;

/// The longest line that is read, in bytes: about half a million sockets.
pub(super) const MAX_LINE: usize = 256 * 1024 * 1024;

/// The most sockets, or processes, in a snapshot that is read, so that a small file can't fill the memory.
pub(super) const MAX_LENGTH: usize = 1 << 19;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Frame {
    schema: u32,
    /// The parts unchanged since the previous line; `sockets` and `processes` then have only new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Since>,
    /// Whether names and addresses are pseudonyms.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) redacted: bool,
    taken_at: Moment,
    /// The kinds of sockets beside TCP and UDP that were read.
    #[serde(
        default,
        deserialize_with = "bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    kinds: Vec<Protocol>,
    #[serde(deserialize_with = "bounded_list")]
    sockets: Vec<SocketFrame>,
    #[serde(deserialize_with = "bounded_list")]
    pub(super) processes: Vec<Arc<Process>>,
    #[serde(deserialize_with = "bounded_list")]
    pub(super) problems: Vec<Problem>,
    /// The other network namespaces of these sockets.
    #[serde(
        default,
        deserialize_with = "bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) namespaces: Vec<Arc<Namespace>>,
    /// Those that existed before this snapshot, though it is the first to have their sockets.
    #[serde(
        default,
        deserialize_with = "bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    late_namespaces: Vec<NamespaceId>,
    /// Recordings of the first versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ephemeral: Option<EphemeralPorts>,
    /// The sockets that were closed since the previous snapshot.
    #[serde(
        default,
        deserialize_with = "bounded_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    closed: Vec<ClosedFrame>,
    #[serde(default, skip_serializing_if = "LostCloses::are_none")]
    lost_closes: LostCloses,
}

/// A socket that was closed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ClosedFrame {
    socket: SocketFrame,
    at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tcp: Option<TcpInfo>,
}

/// A socket, with its owners by pid.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SocketFrame {
    protocol: Protocol,
    local: Endpoint,
    remote: Option<Endpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    portless: Option<Arc<Portless>>,
    state: State,
    inode: Option<u32>,
    /// Recordings of the first versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cookie: Option<u64>,
    uid: Option<u32>,
    user: Option<Text>,
    owner: OwnerKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pids: Vec<Pid>,
    dual_stack: Option<bool>,
    interface: Option<Text>,
    queue: Option<Queue>,
    unit: Option<Text>,
    container: Option<Text>,
    /// Of our own namespace there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<NamespaceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<Arc<Published>>,
    /// Recordings of the first versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_in: Option<Duration>,
    /// Of connections in the first snapshot of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    age: Option<Age>,
}

impl Frame {
    /// The snapshot of a whole frame, or the error.
    pub(super) fn snapshot(&self) -> Result<Snapshot, String> {
        let mut processes = HashMap::with_capacity(self.processes.len());
        for process in &self.processes {
            let (pid, mut process) = (process.pid, Arc::clone(process));
            if process.comm.is_empty() {
                // Older recordings have the kernel's name as `name`.
                let name = process.name.clone();
                Arc::make_mut(&mut process).comm = name;
            }
            if processes.insert(pid, process).is_some() {
                return Err(format!("process {pid} is there twice"));
            }
        }
        let mut owners = HashMap::new();
        let known = Known {
            processes: &processes,
            namespaces: self.namespaces()?,
        };
        let sockets = self.sockets.iter();
        let sockets = sockets.map(|socket| socket.socket(&known, &mut owners));
        let sockets = sockets.collect::<Result<_, _>>()?;
        let closed = self.closed.iter();
        let closed = closed.map(|closed| closed.closed(&known, &mut owners));
        let closed = closed.collect::<Result<_, _>>()?;
        Ok(Snapshot {
            taken_at: self.taken_at,
            kinds: Kinds::DEFAULT.and(self.kinds.iter().copied().collect()),
            sockets,
            processes,
            problems: self.problems.clone(),
            late_namespaces: self.late_namespaces.clone(),
            counters: None,
            ephemeral: self.ephemeral.clone(),
            closed,
            lost_closes: self.lost_closes,
        })
    }

    /// The other namespaces by id.
    fn namespaces(&self) -> Result<HashMap<NamespaceId, &Arc<Namespace>>, String> {
        let mut namespaces = HashMap::new();
        for namespace in &self.namespaces {
            let id = namespace.id;
            if [NamespaceId::OWN, NamespaceId::NONE].contains(&id) {
                return Err(format!("no other namespace can be {}", id.0));
            }
            if namespaces.insert(id, namespace).is_some() {
                return Err(format!("namespace {} is there twice", id.0));
            }
        }
        Ok(namespaces)
    }
}

/// What sockets refer to.
struct Known<'a> {
    processes: &'a HashMap<Pid, Arc<Process>>,
    namespaces: HashMap<NamespaceId, &'a Arc<Namespace>>,
}

impl ClosedFrame {
    fn closed<'a>(
        &'a self,
        known: &Known<'_>,
        owners: &mut HashMap<(OwnerKind, &'a [Pid]), Owner>,
    ) -> Result<ClosedSocket, String> {
        Ok(ClosedSocket {
            socket: self.socket.socket(known, owners)?,
            at: self.at,
            tcp: self.tcp,
        })
    }
}

/// Makes one type of the other: both have these fields.
macro_rules! with_fields_of {
    ($from:ident, $type:ident { $($others:tt)* }) => {
        $type {
            protocol: $from.protocol,
            local: $from.local,
            remote: $from.remote,
            portless: $from.portless,
            state: $from.state,
            inode: $from.inode,
            uid: $from.uid,
            user: $from.user,
            dual_stack: $from.dual_stack,
            interface: $from.interface,
            queue: $from.queue,
            unit: $from.unit,
            container: $from.container,
            published: $from.published,
            expires_in: $from.expires_in,
            age: $from.age,
            $($others)*
        }
    };
}
#[cfg(test)]
use with_fields_of;

impl SocketFrame {
    fn socket<'a>(
        &'a self,
        known: &Known<'_>,
        owners: &mut HashMap<(OwnerKind, &'a [Pid]), Owner>,
    ) -> Result<Socket, String> {
        let owner = match owners.entry((self.owner, &*self.pids)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(self.owner(known.processes)?).clone(),
        };
        let is_of_protocol = match &self.portless {
            None => self.protocol.has_ports(),
            Some(portless) => portless.protocol() == self.protocol,
        };
        if !is_of_protocol {
            let protocol = self.protocol.as_str();
            return Err(format!("a {protocol} socket is not described as one"));
        }
        let (frame, own_service) = (self.clone(), None);
        let cookie = frame.cookie.and_then(NonZeroU64::new);
        let namespace = |id: NamespaceId| {
            let found = known.namespaces.get(&id).map(|&found| Arc::clone(found));
            found.ok_or_else(|| format!("socket {} has unknown namespace {}", frame.local, id.0))
        };
        let namespace = frame.namespace.map(namespace).transpose()?;
        Ok(with_fields_of!(
            frame,
            Socket {
                namespace,
                owner,
                own_service,
                cookie
            }
        ))
    }

    fn owner(&self, processes: &HashMap<Pid, Arc<Process>>) -> Result<Owner, String> {
        let mut pids = self.pids.clone();
        pids.sort_unstable();
        pids.dedup();
        let local = self.local;
        let find = |pid: &Pid| {
            let found = processes.get(pid).cloned();
            found.ok_or_else(|| format!("socket {local} has unknown process {pid}"))
        };
        let found: Arc<[_]> = pids.iter().map(find).collect::<Result<_, _>>()?;
        match (self.owner, found.is_empty()) {
            (OwnerKind::Known, false) => Ok(Owner::Known(found)),
            (OwnerKind::Former, false) => Ok(Owner::Former(found)),
            (OwnerKind::Inferred, false) => Ok(Owner::Inferred(found)),
            (OwnerKind::Hidden, true) => Ok(Owner::Hidden),
            (OwnerKind::Kernel, true) => Ok(Owner::Kernel),
            (OwnerKind::None, true) => Ok(Owner::None),
            (OwnerKind::Unknown, true) => Ok(Owner::Unknown),
            (_, true) => Err(format!("socket {local} has an owner without a process")),
            (_, false) => Err(format!("socket {local} has processes but no owner")),
        }
    }
}

/// Deserializes a list that is rejected if it exceeds the length.
fn bounded_list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Bounded(PhantomData))
}

struct Bounded<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX_LENGTH}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            if all.len() == MAX_LENGTH {
                return Err(A::Error::custom(too_many()));
            }
            all.push(one);
        }
        Ok(all)
    }
}

fn too_many() -> String {
    format!("a list of more than {MAX_LENGTH}")
}
