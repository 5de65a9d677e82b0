//! The records of a perf event's ring as bytes, parsed: samples of the two tracepoints, new names, new processes, losses.
//!
//! The layouts are those of `perf_event_open(2)`, with the sample type `TID | TIME | RAW` and `sample_id_all`. Inside a
//! sample the tracepoint's own fields are where its [`Format`] says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;
use std::time::Duration;

use super::format::Format;
use super::{TraceError, TraceKind};
use crate::model::{Endpoint, Pid, Text};
use crate::source::linux::netlink::{array_at, u16_at, u32_at, u64_at};

/// Types of records, `perf_event_type` of `linux/perf_event.h`.
const LOST: u32 = 2;
const COMM: u32 = 3;
const FORK: u32 = 7;
const SAMPLE: u32 = 9;
const LOST_SAMPLES: u32 = 13;

/// What ends every record but a sample: pid, tid and time.
const SAMPLE_ID: usize = 16;

/// `AF_INET` and `AF_INET6` of Linux.
const INET: u16 = 2;
const INET6: u16 = 10;

/// The states of `net/tcp_states.h` that count.
const ESTABLISHED: u32 = 1;
const SYN_SENT: u32 = 2;
const FIN_WAIT1: u32 = 4;
const CLOSE: u32 = 7;
const CLOSE_WAIT: u32 = 8;
const LAST_ACK: u32 = 9;
const LISTEN: u32 = 10;

/// Each change of a state that the process itself makes, in a system call: the task of the record is the right one.
pub(super) const CHANGES: [(u32, u32, TraceKind); 5] = [
    (CLOSE, SYN_SENT, TraceKind::Connect),
    (CLOSE, LISTEN, TraceKind::Listen),
    (ESTABLISHED, FIN_WAIT1, TraceKind::Close),
    (CLOSE_WAIT, LAST_ACK, TraceKind::Close),
    (LISTEN, CLOSE, TraceKind::StopListening),
];

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Socket(SocketRecord),
    /// A process has another name: a new program, or `PR_SET_NAME` of its first thread.
    Comm {
        at: Duration,
        pid: Pid,
        comm: Text,
    },
    /// A new process.
    Fork {
        at: Duration,
        pid: Pid,
        /// The process whose name it has; `None` if it has that of a further thread.
        parent: Option<Pid>,
    },
    /// The ring was full.
    Lost {
        /// How many records were dropped, 0 if that is not known yet.
        count: u64,
        /// The last record before, and a time after the loss; any time where the ring has not set them.
        from: Duration,
        until: Duration,
    },
}

impl Record {
    /// A loss at any time.
    pub(super) const fn lost(count: u64) -> Self {
        Self::Lost {
            count,
            from: Duration::ZERO,
            until: Duration::MAX,
        }
    }

    /// Its time, `CLOCK_MONOTONIC`; of a loss when that began.
    pub(super) const fn at(&self) -> Duration {
        match self {
            Self::Socket(record) => record.at,
            Self::Comm { at, .. } | Self::Fork { at, .. } | Self::Lost { from: at, .. } => *at,
        }
    }
}

/// A sample of one of the two tracepoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SocketRecord {
    pub(super) at: Duration,
    pub(super) pid: Pid,
    pub(super) tid: Pid,
    pub(super) kind: TraceKind,
    pub(super) socket: u64,
    pub(super) local: Endpoint,
    pub(super) remote: Option<Endpoint>,
    pub(super) cookie: Option<NonZeroU64>,
}

/// The tracepoints.
const STATE: &str = "sock/inet_sock_set_state";
const DESTROY: &str = "tcp/tcp_destroy_sock";

/// Where the fields of both tracepoints are.
pub(super) struct Layouts {
    pub(super) state: StateLayout,
    pub(super) destroy: DestroyLayout,
}

/// The number of `inet_sock_set_state`, and where its fields are.
pub(super) struct StateLayout {
    pub(super) id: u64,
    old_state: usize,
    new_state: usize,
    addresses: Addresses,
}

/// The number of `tcp_destroy_sock`, and where its fields are.
pub(super) struct DestroyLayout {
    pub(super) id: u64,
    cookie: usize,
    addresses: Addresses,
}

impl StateLayout {
    fn of(format: &Format) -> Option<Self> {
        Some(Self {
            id: format.id,
            old_state: format.offset("oldstate", 4)?,
            new_state: format.offset("newstate", 4)?,
            addresses: Addresses::of(format)?,
        })
    }

    fn kind(&self, raw: &[u8]) -> Option<TraceKind> {
        let [old, new] = [self.old_state, self.new_state].map(|at| u32_at(raw, at));
        let mut changes = CHANGES.iter();
        let change = changes.find(|change| (Some(change.0), Some(change.1)) == (old, new));
        change.map(|change| change.2)
    }
}

impl DestroyLayout {
    fn of(format: &Format) -> Option<Self> {
        Some(Self {
            id: format.id,
            cookie: format.offset("sock_cookie", 8)?,
            addresses: Addresses::of(format)?,
        })
    }

    fn cookie(&self, raw: &[u8]) -> Option<NonZeroU64> {
        NonZeroU64::new(u64_at(raw, self.cookie)?)
    }
}

/// Where a tracepoint has its socket and the two endpoints.
struct Addresses {
    socket: usize,
    family: usize,
    ports: [usize; 2],
    v4: [usize; 2],
    v6: [usize; 2],
}

impl Layouts {
    /// Those of this kernel.
    pub(super) fn read() -> Result<Self, TraceError> {
        let [state, destroy] = [Format::read(STATE)?, Format::read(DESTROY)?];
        let unknown = |name| move || TraceError::UnknownFormat(name);
        Ok(Self {
            state: StateLayout::of(&state).ok_or_else(unknown(STATE))?,
            destroy: DestroyLayout::of(&destroy).ok_or_else(unknown(DESTROY))?,
        })
    }

    /// Parses a record of this type; `None` if it is of another type, incomplete, or of no use.
    pub(super) fn parse(&self, record_type: u32, bytes: &[u8]) -> Option<Record> {
        match record_type {
            SAMPLE => self.sample(bytes).map(Record::Socket),
            COMM => comm(bytes),
            FORK => fork(bytes),
            LOST => Some(Record::lost(u64_at(bytes, 8)?)),
            LOST_SAMPLES => Some(Record::lost(u64_at(bytes, 0)?)),
            _ => None,
        }
    }

    /// Pid, tid, time, the length of the rest, and the tracepoint's own record, whose first field is its number. The
    /// pid is 0 for the idle task and for a process outside this pid namespace, and -1 for one that has ended.
    fn sample(&self, bytes: &[u8]) -> Option<SocketRecord> {
        let raw = bytes.get(20..)?;
        let raw = raw.get(..u32_at(bytes, 16)? as usize)?;
        let id = u64::from(u16_at(raw, 0)?);
        let (kind, addresses, cookie) = if id == self.destroy.id {
            let cookie = self.destroy.cookie(raw)?;
            (TraceKind::Destroy, &self.destroy.addresses, Some(cookie))
        } else if id == self.state.id {
            (self.state.kind(raw)?, &self.state.addresses, None)
        } else {
            return None;
        };
        Some(SocketRecord {
            at: Duration::from_nanos(u64_at(bytes, 8)?),
            pid: u32_at(bytes, 0)?,
            tid: u32_at(bytes, 4)?,
            kind,
            socket: u64_at(raw, addresses.socket)?,
            local: addresses.endpoint(raw, 0)?,
            remote: addresses
                .endpoint(raw, 1)
                .filter(|remote| !remote.is_unspecified()),
            cookie,
        })
    }
}

impl Addresses {
    fn of(format: &Format) -> Option<Self> {
        let both = |names: [&str; 2], size| {
            Some([
                format.offset(names[0], size)?,
                format.offset(names[1], size)?,
            ])
        };
        Some(Self {
            socket: format.offset("skaddr", 8)?,
            family: format.offset("family", 2)?,
            ports: both(["sport", "dport"], 2)?,
            v4: both(["saddr", "daddr"], 4)?,
            v6: both(["saddr_v6", "daddr_v6"], 16)?,
        })
    }

    /// The local (0) or the remote (1) endpoint. Ports are in native byte order, addresses in that of the network.
    fn endpoint(&self, raw: &[u8], side: usize) -> Option<Endpoint> {
        let address = match u16_at(raw, self.family)? {
            INET => IpAddr::from(Ipv4Addr::from(array_at::<4>(raw, self.v4[side])?)),
            INET6 => IpAddr::from(Ipv6Addr::from(array_at::<16>(raw, self.v6[side])?)),
            _ => return None,
        };
        Some(Endpoint::new(address, u16_at(raw, self.ports[side])?))
    }
}

/// Pid, tid and the name, padded with NULs. Names of further threads are not those of the process.
fn comm(bytes: &[u8]) -> Option<Record> {
    let (pid, tid) = (u32_at(bytes, 0)?, u32_at(bytes, 4)?);
    let end = bytes.len().checked_sub(SAMPLE_ID)?;
    let name = bytes.get(8..end)?.split(|&byte| byte == 0).next()?;
    (pid == tid).then(|| {
        Some(Record::Comm {
            at: Duration::from_nanos(u64_at(bytes, end + 8)?),
            pid,
            comm: Text::from_bytes(name),
        })
    })?
}

/// Pid, parent's pid, tid, parent's tid and time. A new thread has the pid of its process.
fn fork(bytes: &[u8]) -> Option<Record> {
    let (pid, parent) = (u32_at(bytes, 0)?, u32_at(bytes, 4)?);
    let thread = u32_at(bytes, 12)?;
    (pid != parent).then(|| {
        Some(Record::Fork {
            at: Duration::from_nanos(u64_at(bytes, 16)?),
            pid,
            parent: (parent == thread).then_some(parent),
        })
    })?
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    /// As `format` files have them; the offsets are those of the fields of [`raw`].
    fn layouts() -> Layouts {
        let format = |id, fields: &[(&str, usize, usize)]| {
            let line = |&(name, offset, size): &(&str, usize, usize)| {
                format!("\tfield:int {name};\toffset:{offset};\tsize:{size};\tsigned:0;\n")
            };
            let fields: String = fields.iter().map(line).collect();
            Format::parse(&format!("ID: {id}\n{fields}")).unwrap()
        };
        let ends = [
            ("skaddr", 8, 8),
            ("sport", 24, 2),
            ("dport", 26, 2),
            ("family", 28, 2),
            ("saddr", 32, 4),
            ("daddr", 36, 4),
            ("saddr_v6", 40, 16),
            ("daddr_v6", 56, 16),
        ];
        let states = [("oldstate", 16, 4), ("newstate", 20, 4)];
        Layouts {
            state: StateLayout::of(&format(300, &[&ends[..], &states].concat())).unwrap(),
            destroy: DestroyLayout::of(&format(
                301,
                &[&ends[..], &[("sock_cookie", 16, 8)]].concat(),
            ))
            .unwrap(),
        }
    }

    /// A sample of the task 7 (thread 8) at 5 ns, of the socket 99.
    fn sample(id: u16, states: [u32; 2], family: u16, end: &str) -> Vec<u8> {
        let mut raw = vec![0; 72];
        let mut put = |at: usize, bytes: &[u8]| raw[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &id.to_ne_bytes());
        put(8, &99_u64.to_ne_bytes());
        put(16, &states[0].to_ne_bytes());
        put(20, &states[1].to_ne_bytes());
        let end: SocketAddr = end.parse().unwrap();
        put(24, &end.port().to_ne_bytes());
        put(28, &family.to_ne_bytes());
        match end.ip() {
            IpAddr::V4(address) => put(32, &address.octets()),
            IpAddr::V6(address) => put(40, &address.octets()),
        }
        let mut bytes = Vec::new();
        bytes.extend([7_u32, 8].iter().flat_map(|word| word.to_ne_bytes()));
        bytes.extend(5_u64.to_ne_bytes());
        bytes.extend(72_u32.to_ne_bytes());
        bytes.extend(raw);
        bytes
    }

    fn socket(bytes: &[u8]) -> Option<SocketRecord> {
        match layouts().parse(SAMPLE, bytes)? {
            Record::Socket(record) => Some(record),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_change_of_a_state_is_parsed_in_both_families() {
        for (family, end) in [(INET, "10.0.0.1:80"), (INET6, "[::1]:80")] {
            let expected = SocketRecord {
                at: Duration::from_nanos(5),
                pid: 7,
                tid: 8,
                kind: TraceKind::Listen,
                socket: 99,
                local: end.parse::<SocketAddr>().unwrap().into(),
                remote: None,
                cookie: None,
            };
            assert_eq!(socket(&sample(300, [7, 10], family, end)), Some(expected));
        }
    }

    #[test]
    fn a_freed_socket_has_its_cookie() {
        let words = if cfg!(target_endian = "little") {
            [12, 0]
        } else {
            [0, 12]
        };
        let record = socket(&sample(301, words, INET, "10.0.0.1:80")).unwrap();
        assert_eq!(record.kind, TraceKind::Destroy);
        assert_eq!(record.cookie, NonZeroU64::new(12));
        assert_eq!(socket(&sample(301, [0, 0], INET, "10.0.0.1:80")), None);
    }

    #[test]
    fn other_changes_tracepoints_and_families_are_none() {
        for (id, states, family) in [(300, [2, 1], INET), (302, [7, 10], INET), (300, [7, 10], 1)] {
            assert_eq!(socket(&sample(id, states, family, "10.0.0.1:80")), None);
        }
        let whole = sample(300, [7, 10], INET, "10.0.0.1:80");
        for length in 0..whole.len() {
            assert_eq!(socket(&whole[..length]), None, "{length}");
        }
    }

    /// Words of 32 bits, a name, and what ends the record: pid, tid and 5 ns.
    fn record(record_type: u32, words: &[u32], name: &[u8]) -> Option<Record> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.extend(name);
        bytes.extend([7_u32, 7].iter().flat_map(|word| word.to_ne_bytes()));
        bytes.extend(5_u64.to_ne_bytes());
        layouts().parse(record_type, &bytes)
    }

    #[test]
    fn names_and_new_processes_are_those_of_processes() {
        let at = Duration::from_nanos(5);
        let comm = Text::new("web");
        let expected = Record::Comm { at, pid: 7, comm };
        assert_eq!(record(COMM, &[7, 7], b"web\0\0\0\0\0"), Some(expected));
        assert_eq!(record(COMM, &[7, 8], b"web\0\0\0\0\0"), None);
        let words = if cfg!(target_endian = "little") {
            [5, 0]
        } else {
            [0, 5]
        };
        let of =
            |pid: u32, thread| record(FORK, &[&[pid, 6, pid, thread][..], &words].concat(), b"");
        for (thread, parent) in [(6, Some(6)), (7, None)] {
            let expected = Record::Fork { at, pid: 9, parent };
            assert_eq!(of(9, thread), Some(expected));
        }
        assert_eq!(of(6, 6), None);
    }

    #[test]
    fn losses_are_counted() {
        let words = if cfg!(target_endian = "little") {
            [3, 0]
        } else {
            [0, 3]
        };
        let with_id = [&[1, 0][..], &words].concat();
        assert_eq!(record(LOST, &with_id, b""), Some(Record::lost(3)));
        assert_eq!(record(LOST_SAMPLES, &words, b""), Some(Record::lost(3)));
        assert_eq!(record(1, &words, b""), None);
        assert_eq!(layouts().parse(LOST, &[]), None);
        assert_eq!(layouts().parse(COMM, &[0; 12]), None);
    }
}
