//! Which process had which port, of one segment: of sockets without a peer from when to when, of clients' ports in which
//! frames. Accepted connections are left out: their port is their listener's.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Cursor, Readable, Segment};
use crate::history::StoreError;
use crate::history::codec::{Decoder, Identity};
use crate::history::format::Kind;
use crate::model::{
    ClosedSocket, Endpoint, Namespace, NamespaceId, Owner, OwnerKind, Process, Protocol, Socket,
    State, Text,
};

/// Who had a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub protocol: Protocol,
    pub kind: OwnerKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Arc<Process>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Arc<Namespace>>,
}

/// The most processes of one owner that are stored: many inherit a listener.
const MAX_PROCESSES: usize = 16;

impl Holder {
    fn of(socket: &Socket) -> Self {
        let processes = socket.owner.processes().iter().take(MAX_PROCESSES);
        Self {
            protocol: socket.protocol,
            kind: socket.owner.kind(),
            processes: processes.cloned().collect(),
            uid: socket.uid,
            user: socket.user.clone(),
            unit: socket.unit.clone(),
            container: socket.container.clone(),
            namespace: socket.namespace.clone(),
        }
    }

    /// Its processes that are among these.
    pub fn common(&self, others: &[Arc<Process>]) -> Vec<Arc<Process>> {
        let is_there = |one: &&Arc<Process>| others.iter().any(|other| other.is_same(one));
        self.processes.iter().filter(is_there).cloned().collect()
    }

    pub fn owner(&self) -> Owner {
        let all: Arc<[_]> = self.processes.clone().into();
        match self.kind {
            OwnerKind::Hidden => Owner::Hidden,
            OwnerKind::Kernel => Owner::Kernel,
            OwnerKind::Unknown => Owner::Unknown,
            _ if all.is_empty() => Owner::None,
            OwnerKind::Former => Owner::Former(all),
            OwnerKind::Inferred => Owner::Inferred(all),
            OwnerKind::Known | OwnerKind::None => Owner::Known(all),
        }
    }
}

/// How a span ended, within its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SpanState {
    /// It was there in the last snapshot.
    Open,
    Closed,
    ProcessEnded,
    HandedOver,
    RecorderStopped,
    Gap,
}

/// A socket without a peer, as long as it had the same owner. Times are in ms since the segment's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub local: Endpoint,
    pub state: State,
    /// The number of its holder.
    pub holder: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<u64>,
    pub from: i64,
    /// Whether it opened then; else it was there when the section began.
    pub is_from_exact: bool,
    pub to: i64,
    pub end: SpanState,
}

/// A connection from a port of this machine, by the frames with moments in which it opened and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub holder: u32,
    pub from: u32,
    /// `None`: it was there at the end.
    pub to: Option<u32>,
}

/// Who had which port, in one segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub holders: Vec<Holder>,
    pub spans: Vec<Span>,
    pub clients: BTreeMap<u16, Vec<Client>>,
}

/// Makes a summary, and goes on with it while the segment grows.
#[derive(Default)]
pub(crate) struct Summarizer {
    pub summary: Summary,
    numbers: HashMap<Box<[u8]>, u32>,
    spans: HashMap<Identity, usize>,
    clients: HashMap<Identity, (u16, usize)>,
    /// How many sockets without a peer each port has: those with one were accepted there.
    listening: HashMap<(NamespaceId, Protocol, u16), u32>,
    cursor: Option<Cursor>,
    /// When the sockets of which the current snapshot has reports closed, as the times of spans.
    reported: HashMap<Identity, i64>,
    /// The next frame to be read, and its number among those with moments.
    next: usize,
    moment: u32,
    /// The time of the first frame, and of the last snapshot since then; in ms.
    first: i64,
    now: i64,
    is_stopped: bool,
}

impl Summarizer {
    /// Reads on from where it was.
    pub fn extend(&mut self, segment: &Segment) -> Result<(), StoreError> {
        let entries = &segment.frames.entries;
        if let Some(entry) = entries.first() {
            self.first = entry.head.wall;
        }
        while self.next < entries.len() {
            let at = self.next;
            let is_linked = at > 0 && segment.is_linked(at - 1, at);
            self.next += 1;
            match entries[at].head.kind {
                Kind::Start => self.cursor = None,
                Kind::Stop => self.is_stopped = true,
                Kind::Keyframe | Kind::Changes => {
                    let read = self.read(segment, at, is_linked)?;
                    if read.is_err() {
                        self.cursor = None;
                    }
                    self.moment += 1;
                }
                _ => {}
            }
        }
        self.extend_spans();
        Ok(())
    }

    /// A time as spans have it. Those of a damaged file may be any.
    const fn time(&self, wall: i64) -> i64 {
        wall.saturating_sub(self.first)
    }

    /// What is open was there until now.
    fn extend_spans(&mut self) {
        for at in self.spans.values() {
            self.summary.spans[*at].to = self.now;
        }
    }

    fn read(
        &mut self,
        segment: &Segment,
        at: usize,
        is_linked: bool,
    ) -> Result<Readable<()>, StoreError> {
        let is_keyframe = segment.frames.entries[at].head.kind == Kind::Keyframe;
        let Some(mut cursor) = self.cursor.take().filter(|_| is_linked) else {
            if is_keyframe {
                return self.begin(segment, at);
            }
            return Ok(Ok(()));
        };
        let entered = if is_keyframe {
            cursor.pass_keyframe(segment, at)?
        } else {
            cursor.enter(segment, at)?
        };
        if let Err(fault) = entered {
            return Ok(Err(fault));
        }
        loop {
            match cursor.step(segment, true) {
                Ok(true) => self.step(&cursor),
                Ok(false) => break,
                Err(fault) => return Ok(Err(fault)),
            }
        }
        self.now = self
            .now
            .max(self.time(segment.frames.entries[at].head.end()));
        self.cursor = Some(cursor);
        Ok(Ok(()))
    }

    /// Begins a section.
    fn begin(&mut self, segment: &Segment, at: usize) -> Result<Readable<()>, StoreError> {
        self.end_all();
        let cursor = match Cursor::of_keyframe(segment, at)? {
            Ok(cursor) => cursor,
            Err(fault) => return Ok(Err(fault)),
        };
        self.now = self.time(segment.frames.entries[at].head.wall);
        let mut sockets = cursor.decoder().sockets();
        // Those that accepted the others.
        sockets.sort_by_key(|socket| !is_listener(socket));
        for socket in &sockets {
            self.open(socket, false);
        }
        self.cursor = Some(cursor);
        Ok(Ok(()))
    }

    /// What was open when a section ended has no known end.
    fn end_all(&mut self) {
        let end = if std::mem::take(&mut self.is_stopped) {
            SpanState::RecorderStopped
        } else {
            SpanState::Gap
        };
        self.extend_spans();
        for (_, at) in self.spans.drain() {
            self.summary.spans[at].end = end;
        }
        for (_, (port, at)) in self.clients.drain() {
            if let Some(client) = self.summary.clients.get_mut(&port) {
                client[at].to = Some(self.moment);
            }
        }
        self.listening.clear();
    }

    fn step(&mut self, cursor: &Cursor) {
        let decoder = cursor.decoder();
        self.now = self.time(decoder.taken_at().wall.as_millisecond());
        let Some(difference) = decoder.difference() else {
            return;
        };
        // The kernel's times; a snapshot is later.
        self.reported = {
            let reports = difference.closed.iter();
            let time = |report: &ClosedSocket| self.time(report.at.wall.as_millisecond());
            reports
                .map(|report| (Identity::of(&report.socket), time(report)))
                .collect()
        };
        // Those that no snapshot had: the others are no longer known once they are removed.
        let is_short = |report: &&ClosedSocket| {
            let identity = Identity::of(&report.socket);
            !self.clients.contains_key(&identity)
        };
        let short: Vec<_> = difference.closed.iter().filter(is_short).collect();
        for socket in &difference.removed {
            self.close(socket, SpanState::Closed, decoder);
        }
        // First those that accepted the others.
        for are_listeners in [true, false] {
            let is_next = |socket: &Socket| is_listener(socket) == are_listeners;
            for (before, after) in &difference.changed {
                if is_next(after) {
                    self.change(before, after, decoder);
                }
            }
            for socket in difference.opened.iter().filter(|socket| is_next(socket)) {
                self.open(socket, true);
            }
        }
        for report in short {
            self.add_short(&report.socket);
        }
    }

    fn change(&mut self, before: &Socket, after: &Socket, decoder: &Decoder) {
        if is_listener(before) && is_listener(after) && before.local == after.local {
            if !self.keeps_its_owner(after) {
                self.close(before, SpanState::HandedOver, decoder);
                self.open(after, true);
            }
            return;
        }
        let is_still_client =
            !is_listener(before) && !is_listener(after) && after.state != State::TimeWait;
        if is_still_client && before.local == after.local {
            return;
        }
        self.close(before, SpanState::Closed, decoder);
        self.open(after, true);
    }

    /// Whether a process that has had the socket since its span began still has it. The span is that of the processes that
    /// had it all the time: others join and leave. The first ones may be found late.
    fn keeps_its_owner(&mut self, socket: &Socket) -> bool {
        let now = socket.owner.processes();
        let Some(&at) = self.spans.get(&Identity::of(socket)) else {
            return true;
        };
        self.summary.spans[at].state = socket.state;
        if now.is_empty() {
            return true;
        }
        let before = &self.summary.holders[self.summary.spans[at].holder as usize];
        let common = before.common(now);
        let holder = if before.processes.is_empty() {
            Holder::of(socket)
        } else if common.is_empty() {
            return false;
        } else if common.len() == before.processes.len() {
            return true;
        } else {
            Holder {
                processes: common,
                ..before.clone()
            }
        };
        self.summary.spans[at].holder = self.number(holder);
        true
    }

    fn open(&mut self, socket: &Socket, is_exact: bool) {
        if !socket.protocol.has_ports() || socket.state == State::TimeWait {
            return;
        }
        if is_listener(socket) {
            let span = Span {
                local: socket.local,
                state: socket.state,
                holder: self.holder(socket),
                inode: socket.inode,
                cookie: socket.cookie.map(u64::from),
                from: self.now,
                is_from_exact: is_exact,
                to: self.now,
                end: SpanState::Open,
            };
            self.spans
                .insert(Identity::of(socket), self.summary.spans.len());
            self.summary.spans.push(span);
            *self.listening.entry(port_of(socket)).or_default() += 1;
        } else if !self.is_accepted(socket) {
            let at = self.add_client(socket, None);
            self.clients.insert(Identity::of(socket), at);
        }
    }

    /// A connection that no snapshot had.
    fn add_short(&mut self, socket: &Socket) {
        let is_client = socket.is_connection() && socket.protocol.has_ports();
        if is_client && !socket.owner.processes().is_empty() && !self.is_accepted(socket) {
            self.add_client(socket, Some(self.moment));
        }
    }

    fn add_client(&mut self, socket: &Socket, to: Option<u32>) -> (u16, usize) {
        let client = Client {
            holder: self.holder(socket),
            from: self.moment,
            to,
        };
        let all = self.summary.clients.entry(socket.local.port).or_default();
        all.push(client);
        (socket.local.port, all.len() - 1)
    }

    fn close(&mut self, socket: &Socket, end: SpanState, decoder: &Decoder) {
        let identity = Identity::of(socket);
        if is_listener(socket) {
            self.remove_listening(socket);
        }
        if let Some(at) = self.spans.remove(&identity) {
            let processes = socket.owner.processes();
            let is_there = |process: &Arc<Process>| {
                let now = decoder.processes().get(&process.pid);
                now.is_some_and(|now| now.is_same(process))
            };
            let has_ended = !processes.is_empty() && !processes.iter().any(is_there);
            let reported = self.reported.get(&identity).copied();
            let span = &mut self.summary.spans[at];
            span.to = reported.unwrap_or(self.now).min(self.now).max(span.from);
            span.end = match end {
                SpanState::Closed if has_ended => SpanState::ProcessEnded,
                end => end,
            };
        }
        if let Some((port, at)) = self.clients.remove(&identity)
            && let Some(clients) = self.summary.clients.get_mut(&port)
        {
            clients[at].to = Some(self.moment);
        }
    }

    fn is_accepted(&self, socket: &Socket) -> bool {
        self.listening.contains_key(&port_of(socket))
    }

    fn remove_listening(&mut self, socket: &Socket) {
        if let Some(count) = self.listening.get_mut(&port_of(socket)) {
            *count -= 1;
            if *count == 0 {
                self.listening.remove(&port_of(socket));
            }
        }
    }

    fn holder(&mut self, socket: &Socket) -> u32 {
        self.number(Holder::of(socket))
    }

    fn number(&mut self, holder: Holder) -> u32 {
        let json = serde_json::to_vec(&holder).unwrap_or_default();
        let next = u32::try_from(self.summary.holders.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(json.into()).or_insert(next);
        if number == next {
            self.summary.holders.push(holder);
        }
        number
    }
}

/// Whether a socket has a port of its own and no peer.
fn is_listener(socket: &Socket) -> bool {
    socket.protocol.has_ports() && !socket.is_connection()
}

fn port_of(socket: &Socket) -> (NamespaceId, Protocol, u16) {
    (socket.namespace_id(), socket.protocol, socket.local.port)
}
