//! A small machine that opens and closes sockets, with a seed: the same each time.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
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
}

pub(crate) struct Machine {
    random: Random,
    now: Moment,
    sockets: Vec<Socket>,
    processes: Vec<Arc<Process>>,
    next: u64,
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
            next: 1000,
        };
        for pid in 1..=5 {
            machine.processes.push(Arc::new(Process {
                started_at: Timestamp::from_second(1_799_990_000 + i64::from(pid)).ok(),
                command: Some(Text::new("server --port 80")),
                ..Process::new(pid * 10, "server")
            }));
        }
        for port in [22, 80, 443, 5432] {
            machine.listen(port);
        }
        machine
    }

    fn endpoint(last: u8, port: u16) -> Endpoint {
        Endpoint::new([10, 0, 0, last].into(), port)
    }

    pub fn listen(&mut self, port: u16) {
        let mut socket = self.socket(
            Endpoint::new([0, 0, 0, 0].into(), port),
            None,
            State::Listen,
        );
        socket.queue = Some(Queue {
            receive: 0,
            send: 128,
        });
        self.sockets.push(socket);
    }

    fn socket(&mut self, local: Endpoint, remote: Option<Endpoint>, state: State) -> Socket {
        self.next += 1;
        let process = self.random.below(self.processes.len() as u64) as usize;
        let process = Arc::clone(&self.processes[process]);
        Socket {
            inode: Some(self.next as u32),
            cookie: NonZeroU64::new(self.next),
            uid: Some(1000),
            user: Some(Text::new("ann")),
            owner: Owner::Known(Arc::from([process])),
            unit: Some(Text::new("web.service")),
            ..Socket::new(Protocol::Tcp, local, remote, state)
        }
    }

    /// So many snapshots, one a second, over a time in seconds. Something changes in each.
    pub fn snapshots(&mut self, seconds: u64, every: u64) -> Vec<Snapshot> {
        (0..seconds / every).map(|_| self.snapshot(every)).collect()
    }

    pub fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.wall = self.now.wall.checked_add(time).unwrap();
    }

    pub fn set_clock(&mut self, seconds: i64) {
        let by = jiff::SignedDuration::from_secs(seconds);
        self.now.wall = self.now.wall.checked_add(by).unwrap();
    }

    pub fn snapshot(&mut self, seconds: u64) -> Snapshot {
        let last = self.now;
        self.pass(Duration::from_secs(seconds));
        let mut closed = Vec::new();
        let (client, port) = (self.random.below(200) as u8, self.random.below(28_000));
        let remote = Self::endpoint(client, 32_768 + port as u16);
        let socket = self.socket(Self::endpoint(1, 443), Some(remote), State::Established);
        self.sockets.push(socket);
        while self.sockets.len() > 30 {
            let at = 4 + self.random.below(self.sockets.len() as u64 - 4) as usize;
            let socket = self.sockets.remove(at);
            let socket = Socket {
                inode: None,
                uid: None,
                user: None,
                owner: Owner::None,
                unit: None,
                state: State::Closed,
                ..socket
            };
            let mut at = last;
            at.steady += Duration::from_millis(7);
            at.wall = at.wall.checked_add(Duration::from_millis(7)).unwrap();
            let sent = self.random.below(1 << 30);
            let tcp = TcpInfo {
                bytes_sent: sent,
                bytes_received: 100,
                rtt: Duration::from_micros(1 + self.random.below(100_000)),
                min_rtt: Some(Duration::from_micros(1)),
                ..TcpInfo::default()
            };
            closed.push(ClosedSocket {
                socket,
                at,
                tcp: Some(tcp),
            });
        }
        let processes = self.processes.iter();
        Snapshot {
            taken_at: self.now,
            sockets: self.sockets.clone(),
            processes: processes.map(|one| (one.pid, Arc::clone(one))).collect(),
            closed,
            ..Snapshot::default()
        }
    }
}

/// Compares what was read with what was written, except for what the store reduces.
pub(crate) fn equal(read: &Snapshot, written: &Snapshot) {
    assert_eq!(read.taken_at.wall, written.taken_at.wall);
    let by_cookie = |snapshot: &Snapshot| -> HashMap<_, _> {
        let sockets = snapshot.sockets.iter().cloned();
        sockets
            .map(|one| (one.cookie, Socket { age: None, ..one }))
            .collect()
    };
    assert_eq!(by_cookie(read), by_cookie(written));
    assert_eq!(read.processes, written.processes);
    assert_eq!(read.problems, written.problems);
    assert_eq!(read.kinds, written.kinds);
}
