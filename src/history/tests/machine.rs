//! A small machine that opens, changes and closes sockets of every kind, with a seed: the same each time.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::history::codec::reduced;
use crate::model::*;

/// A generator of pseudo-random numbers (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

pub(crate) struct Machine {
    random: Random,
    pub now: Moment,
    sockets: Vec<Socket>,
    processes: Vec<Arc<Process>>,
    namespace: Arc<Namespace>,
    problems: Vec<Problem>,
    next: u64,
    is_first: bool,
}

impl Machine {
    pub fn new(seed: u64) -> Self {
        let mut machine = Self {
            random: Random::new(seed),
            now: Moment {
                steady: Duration::from_secs(100),
                wall: Timestamp::from_second(1_800_000_000).unwrap(),
            },
            sockets: Vec::new(),
            processes: Vec::new(),
            namespace: Arc::new(Namespace {
                id: NamespaceId(3),
                inode: Some(4_026_532_000),
                cookie: None,
                name: Text::new("web"),
                container: None,
            }),
            problems: Vec::new(),
            next: 1000,
            is_first: true,
        };
        for pid in 1..=5 {
            machine.start_process(pid * 10);
        }
        for port in [22, 80, 443, 5432] {
            machine.listen(port);
        }
        machine
    }

    pub fn start_process(&mut self, pid: Pid) {
        let started = self.now.wall.checked_sub(SignedDuration::from_secs(5));
        self.processes.push(Arc::new(Process {
            started_at: started.ok(),
            started_at_tick: Some(self.next),
            command: Some(Text::new(&format!("server --number {pid}"))),
            argv: Some(Arc::from([Text::new("server"), Text::new("--number")])),
            ..Process::new(pid, "server")
        }));
    }

    pub fn end_process(&mut self, pid: Pid) {
        self.processes.retain(|process| process.pid != pid);
        let has_it = |socket: &Socket| socket.owner.processes().iter().any(|one| one.pid == pid);
        self.sockets.retain(|socket| !has_it(socket));
    }

    fn any_process(&mut self) -> Owner {
        let at = self.random.below(self.processes.len() as u64) as usize;
        Owner::Known(Arc::from([Arc::clone(&self.processes[at])]))
    }

    /// Opens a listener of the process with this pid.
    pub fn listen_by(&mut self, port: u16, pid: Pid) {
        self.listen(port);
        let process = self.processes.iter().find(|process| process.pid == pid);
        let owner = Owner::Known(Arc::from([Arc::clone(process.unwrap())]));
        self.sockets.last_mut().unwrap().owner = owner;
    }

    pub fn listen(&mut self, port: u16) {
        let local = Endpoint::new([0, 0, 0, 0].into(), port);
        let mut socket = self.socket(Protocol::Tcp, local, None, State::Listen);
        socket.queue = Some(Queue {
            receive: 0,
            send: 128,
        });
        self.sockets.push(socket);
    }

    pub fn close(&mut self, port: u16) {
        self.sockets
            .retain(|socket| socket.local.port != port || socket.is_connection());
    }

    fn socket(
        &mut self,
        protocol: Protocol,
        local: Endpoint,
        remote: Option<Endpoint>,
        state: State,
    ) -> Socket {
        self.next += 1;
        Socket {
            inode: Some(self.next as u32),
            cookie: NonZeroU64::new(self.next * 3),
            uid: Some(1000),
            user: Some(Text::new("ann")),
            owner: self.any_process(),
            unit: Some(Text::new("web.service")),
            ..Socket::new(protocol, local, remote, state)
        }
    }

    /// So many snapshots with this distance in ms. Something changes in each.
    pub fn snapshots(&mut self, count: usize, every: u64) -> Vec<Snapshot> {
        (0..count).map(|_| self.snapshot(every)).collect()
    }

    pub fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.wall = self.now.wall.checked_add(time).unwrap();
        for socket in &mut self.sockets {
            socket.expires_in = socket.expires_in.map(|left| left.saturating_sub(time));
        }
    }

    pub fn set_clock(&mut self, seconds: i64) {
        let by = SignedDuration::from_secs(seconds);
        self.now.wall = self.now.wall.checked_add(by).unwrap();
    }

    /// Nothing happens for this time, in ms.
    pub fn quiet(&mut self, ms: u64) -> Snapshot {
        self.pass(Duration::from_millis(ms));
        self.taken(Vec::new())
    }

    pub fn snapshot(&mut self, ms: u64) -> Snapshot {
        self.pass(Duration::from_millis(ms));
        for _ in 0..=self.random.below(3) {
            self.connect();
        }
        let mut closed = self.closes();
        if self.random.once_in(3) {
            self.connect();
            let short = self.sockets.pop().unwrap();
            closed.push(self.closed(short));
        }
        self.change_some();
        self.taken(closed)
    }

    fn connect(&mut self) {
        let (host, port) = (
            self.random.below(200) as u8,
            self.random.below(28_000) as u16,
        );
        let remote = match self.random.below(4) {
            0 => Endpoint::new(
                [0xfe80, 0, 0, 0, 0, 0, 0, host.into()].into(),
                32_768 + port,
            ),
            _ => Endpoint::new([10, 0, 0, host].into(), 32_768 + port),
        };
        let local = Endpoint::new([10, 0, 0, 1].into(), 443);
        let (local, remote) = match self.random.below(3) {
            0 => (
                Endpoint::new(local.address, remote.port),
                Endpoint::new(remote.address, 5432),
            ),
            _ => (local, remote),
        };
        let mut socket = self.socket(Protocol::Tcp, local, Some(remote), State::Established);
        socket.queue = Some(Queue {
            receive: 0,
            send: self.random.below(3) as u32,
        });
        if self.random.once_in(6) {
            socket.namespace = Some(Arc::clone(&self.namespace));
        }
        self.sockets.push(socket);
    }

    /// Ends connections so that there are about 30.
    fn closes(&mut self) -> Vec<ClosedSocket> {
        let mut closed = Vec::new();
        let count = |all: &[Socket]| all.iter().filter(|one| one.is_connection()).count();
        while count(&self.sockets) > 25 {
            let at = self.random.below(self.sockets.len() as u64) as usize;
            if !self.sockets[at].is_connection() {
                continue;
            }
            let socket = self.sockets[at].clone();
            let is_time_wait = socket.state == State::TimeWait;
            if self.random.once_in(3) && !is_time_wait {
                let left = &mut self.sockets[at];
                left.state = State::TimeWait;
                left.inode = None;
                left.uid = None;
                left.queue = None;
                left.owner = Owner::Former(left.owner.processes().into());
                left.expires_in = Some(Duration::from_mins(1));
                closed.push(self.closed(socket));
                continue;
            }
            self.sockets.remove(at);
            if !is_time_wait && !self.random.once_in(5) {
                closed.push(self.closed(socket));
            }
        }
        closed
    }

    fn closed(&mut self, socket: Socket) -> ClosedSocket {
        let before = Duration::from_millis(self.random.below(900));
        let mut at = self.now;
        at.steady -= before;
        at.wall = at.wall.checked_sub(before).unwrap();
        let mut socket = Socket {
            inode: None,
            uid: None,
            user: None,
            owner: Owner::None,
            unit: None,
            queue: None,
            state: State::Closed,
            expires_in: None,
            ..socket
        };
        if self.random.once_in(20) {
            socket.remote = None;
            socket.cookie = None;
        }
        let shift = self.random.below(40);
        let tcp = TcpInfo {
            bytes_sent: self.random.next() >> (shift + 20),
            bytes_received: self.random.below(1 << 20),
            retransmits: self.random.below(20).saturating_sub(17) as u32,
            rtt: Duration::from_micros(self.random.below(100_000)),
            min_rtt: self
                .random
                .once_in(2)
                .then(|| Duration::from_micros(self.random.below(100_000))),
            since_sent: Duration::from_millis(4),
            send_window: Some(65_535),
            ..TcpInfo::default()
        };
        let tcp = (!self.random.once_in(9)).then_some(tcp);
        ClosedSocket { socket, at, tcp }
    }

    fn change_some(&mut self) {
        let at = self.random.below(self.sockets.len() as u64) as usize;
        match self.random.below(9) {
            0 => self.sockets[at].owner = self.any_process(),
            1 if self.sockets[at].is_connection() => self.sockets[at].state = State::CloseWait,
            2 => {
                let receive = self.random.below(9) as u32;
                let is_listening =
                    |socket: &&mut Socket| socket.state == State::Listen && socket.queue.is_some();
                let mut listeners = self.sockets.iter_mut().filter(is_listening);
                let queue = listeners.next().and_then(|one| one.queue.as_mut());
                if let Some(queue) = queue {
                    queue.receive = receive;
                }
            }
            3 => {
                let count = self.random.below(3) as usize;
                let problem = Problem::new(ProblemCode::HiddenOwners, "some are hidden");
                self.problems = vec![problem; count];
            }
            4 => {
                let port = 6000 + self.random.below(9) as u16;
                let local = Endpoint::new([127, 0, 0, 1].into(), port);
                let socket = self.socket(Protocol::Udp, local, None, State::Unconn);
                self.sockets.push(socket);
            }
            5 => {
                self.sockets
                    .retain(|one| one.protocol != Protocol::Unix || one.inode > Some(1 << 29));
                let name = Some(UnixName::Path(Text::new("/run/a.sock")));
                let unix = UnixSocket {
                    kind: UnixKind::Stream,
                    name,
                    peer: None,
                };
                let mut socket = Socket::without_port(Portless::Unix(unix), None, State::Listen);
                socket.inode = Some(self.random.below(1 << 30) as u32);
                self.sockets.push(socket);
            }
            6 => {
                let port = 6000 + self.random.below(9) as u16;
                self.close(port);
            }
            7 => {
                let pid = 100 + self.random.below(10) as Pid;
                if self.processes.iter().any(|process| process.pid == pid) {
                    self.end_process(pid);
                } else {
                    self.start_process(pid);
                }
            }
            _ => {}
        }
    }

    fn taken(&mut self, mut closed: Vec<ClosedSocket>) -> Snapshot {
        closed.sort_by_key(|closed| closed.at);
        // The kernel's order is another each time.
        for at in 1..self.sockets.len() {
            let other = self.random.below(at as u64 + 1) as usize;
            self.sockets.swap(at, other);
        }
        let processes = self.processes.iter();
        let mut snapshot = Snapshot {
            taken_at: self.now,
            kinds: Kinds::DEFAULT.with(Protocol::Unix),
            sockets: self.sockets.clone(),
            processes: processes.map(|one| (one.pid, Arc::clone(one))).collect(),
            problems: self.problems.clone(),
            closed,
            ..Snapshot::default()
        };
        for socket in &mut snapshot.sockets {
            let is_connection = socket.is_connection();
            socket.age = (self.is_first && is_connection).then_some(Age::AtLeast(Duration::ZERO));
        }
        self.is_first = false;
        snapshot
    }
}

/// Compares what was read with what was written, except for what the store reduces.
pub(crate) fn assert_same(read: &Snapshot, written: &Snapshot) {
    assert_eq!(read.taken_at.wall, written.taken_at.wall);
    let (one, mut other) = (sockets(read), sockets(written));
    for (name, mut read) in one {
        let mut written = other
            .remove(&name)
            .unwrap_or_else(|| panic!("{name:?} was not written"));
        let (ends, exact) = (read.expires_in.take(), written.expires_in.take());
        assert_eq!(ends.is_some(), exact.is_some());
        let error = ends.unwrap_or_default().abs_diff(exact.unwrap_or_default());
        assert!(error < Duration::from_millis(1300), "{name:?}: {error:?}");
        assert_eq!(read, written);
    }
    assert!(other.is_empty(), "{:?} were not read", other.keys());
    assert_eq!(read.processes, written.processes);
    assert_eq!(read.problems, written.problems);
    assert_eq!(read.kinds, written.kinds);
    assert_eq!(read.lost_closes, written.lost_closes);
}

/// The same, with the reports of closed sockets.
pub(crate) fn assert_same_with_closes(read: &Snapshot, written: &Snapshot) {
    assert_same(read, written);
    assert_eq!(read.closed.len(), written.closed.len());
    for (read, written) in read.closed.iter().zip(&written.closed) {
        assert_eq!(read.socket, written.socket);
        assert_eq!(read.at.wall, written.at.wall);
        assert_eq!(read.tcp, written.tcp.as_ref().map(reduced));
    }
}

type Name = (Option<NonZeroU64>, Option<u32>, Endpoint);

/// In any order, and without what is only approximately the same.
fn sockets(snapshot: &Snapshot) -> HashMap<Name, Socket> {
    let sockets = snapshot.sockets.iter().cloned().map(|one| {
        let name = (one.cookie, one.inode, one.local);
        // The queues of a connection are as old as its last change.
        let queue = one.queue.filter(|_| !one.is_connection());
        let one = Socket { queue, ..one };
        (name, Socket { age: None, ..one })
    });
    let all: HashMap<_, _> = sockets.collect();
    assert_eq!(all.len(), snapshot.sockets.len());
    all
}
