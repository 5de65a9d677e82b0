//! Reads the TCP and UDP sockets of one other namespace: from a thread inside, or from outside.
//!
//! A walk of the kernel's table of connections costs the same in every namespace (0.25 ms, 2 ms beside 10,000 sockets), as
//! one table has all of them. `/proc/net/sockstat` counts the sockets of the namespace, so that the walk is left out where
//! it would find nothing but the listeners, which have a table of their own. What it does not count, handshakes
//! (`SYN_RECV`) and sockets that are only bound, are missing from such a namespace; the latter are read now and then. The walk
//! is also left out if the counters of TCP (`/proc/net/snmp`) say that no segment was sent or received since the last one.

use std::collections::HashMap;
use std::fs;
use std::io::Result;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use super::helper::Opened;
use crate::model::{Counters, Moment, Pid, Protocol, Socket, State};
use crate::source::linux::destroyed::Everywhere;
use crate::source::linux::netlink::{DumpRequest, Extras, InetRow, Rows as _, SockDiag};
use crate::source::linux::proc::net;
use crate::source::linux::reading::Reading;
use crate::source::netstat::Part;

/// From outside, sockets whose numbers have not changed are read again after this time.
const REREAD_AFTER: Duration = Duration::from_secs(4);

/// Connections are walked again after this time, even if nothing seems to have changed.
const WALK_AFTER: Duration = Duration::from_mins(1);

/// The sockets of one namespace.
#[derive(Default)]
pub(super) struct Sockets {
    /// As they were last read, those that are only bound included.
    pub(super) all: Vec<Socket>,
    /// The control group that each was made in; 0 for none.
    pub(super) groups: Vec<u64>,
    /// The counters of the last snapshot by the cookies of the sockets, if they were requested.
    pub(super) counters: Vec<(NonZeroU64, Counters)>,
    bound: Vec<(Socket, u64)>,
    /// The numbers of sockets, and when those were read, if they were read from outside.
    outside: Option<(SocketCounts, Moment)>,
    /// The last walk from inside.
    walked: Option<Walked>,
    /// When those that are only bound were last read.
    pub(super) bound_at: Option<Moment>,
    /// The cookie of the namespace that they were last read in.
    pub(super) cookie: Option<u64>,
    /// The number of the namespace in reports of closed sockets.
    pub(super) report_number: Option<u32>,
}

/// What there was when the kernel walked its table of connections.
struct Walked {
    counts: SocketCounts,
    segments: String,
    at: Moment,
}

impl Sockets {
    /// Registers the namespace that this thread is in for reports of closed sockets.
    fn register(&mut self, everywhere: &Everywhere) {
        if self.report_number.is_none()
            && let Ok(file) = fs::File::open("/proc/thread-self/ns/net")
        {
            self.report_number = everywhere.register(file, self.cookie).ok();
        }
    }

    /// Reads them on a thread that is in the namespace. Returns whether that worked; else they stay as they were.
    pub(super) fn read_inside(
        &mut self,
        wanted: Extras,
        at: Moment,
        everywhere: Option<&Everywhere>,
    ) -> bool {
        self.begin_in(super::enter::own_cookie());
        if let Some(everywhere) = everywhere {
            self.register(everywhere);
        }
        let folder = Path::new("/proc/thread-self/net");
        let counts = SocketCounts::read(folder);
        let mut reading = Reading::with_capacity(self.all.len());
        let mut diag = SockDiag::default();
        let has_walked = self.read_tcp(&mut reading, &mut diag, wanted, counts, at);
        self.dump_others(&mut reading, &mut diag, counts, (wanted, at), has_walked);
        if reading.troubles.lack_rows() {
            self.walked = None;
            return false;
        }
        self.counters = counters(&mut reading, wanted);
        (self.all, self.groups) = (reading.sockets, reading.groups);
        self.outside = None;
        true
    }

    /// Reads the TCP sockets. Whether the kernel walked its table of connections for that.
    fn read_tcp(
        &mut self,
        reading: &mut Reading,
        diag: &mut SockDiag,
        wanted: Extras,
        counts: Option<SocketCounts>,
        at: Moment,
    ) -> bool {
        let folder = Path::new("/proc/thread-self/net");
        let Some(counts) = counts else {
            return walk(reading, diag, wanted);
        };
        if !add_listeners(reading, diag, (wanted, counts)) {
            return walk(reading, diag, wanted);
        }
        if counts.time_wait == 0 && reading.len() == counts.tcp() {
            // A listener may have come, and a connection been there, between the counts and the list.
            let is_certain =
                self.has_listeners(reading) || SocketCounts::read(folder) == Some(counts);
            return !is_certain && walk(reading, diag, wanted);
        }
        let now = segments(folder).map(|segments| Walked {
            counts,
            segments,
            at,
        });
        if !wanted.ages && !wanted.counters && self.is_quiet(now.as_ref()) {
            self.add_connections(reading);
            return false;
        }
        self.walked = now;
        walk(reading, diag, wanted)
    }

    /// Whether these are the listeners of the last snapshot.
    fn has_listeners(&self, reading: &Reading) -> bool {
        let listeners = |all: &[Socket]| -> Vec<Option<u32>> {
            let listeners = all.iter().filter(|one| one.state == State::Listen);
            listeners.map(|one| one.inode).collect()
        };
        listeners(&self.all) == listeners(&reading.sockets)
    }

    /// Whether the connections are those of the last walk: only segments and their own programs change them. What a program
    /// has still to read or to accept may change without a segment, and what ends by itself has a time.
    fn is_quiet(&self, now: Option<&Walked>) -> bool {
        let (Some(walked), Some(now)) = (&self.walked, now) else {
            return false;
        };
        let cannot_change = |socket: &Socket| {
            let queue = socket
                .queue
                .is_none_or(|queue| (queue.receive, queue.send) == (0, 0));
            queue && socket.inode.is_some() && socket.expires_in.is_none()
        };
        let is_same = walked.counts == now.counts && walked.segments == now.segments;
        let is_recent = walked.at.age(now.at) < WALK_AFTER;
        let mut connections = self.all.iter().filter(|socket| is_walked(socket));
        is_same && is_recent && connections.all(cannot_change)
    }

    fn add_connections(&self, reading: &mut Reading) {
        let all = self.all.iter().zip(&self.groups);
        for (socket, &group) in all.filter(|(socket, _)| is_walked(socket)) {
            reading.sockets.push(socket.clone());
            reading.groups.push(group);
        }
    }

    /// Reads them over a socket that was opened in the namespace, which a process is in. Without an answer they stay as they
    /// were.
    pub(super) fn read_over(
        &mut self,
        opened: Opened,
        pid: Option<Pid>,
        wanted: Extras,
        at: Moment,
    ) -> Result<()> {
        self.begin_in(super::socket_network::cookie_of(&opened.diag));
        let second = opened.diag.try_clone()?;
        let mut reading = Reading::over(second, opened.users, self.all.len());
        let counts = SocketCounts::parse(&opened.sockstat, &opened.sockstat6);
        let diag = SockDiag::over(opened.diag);
        self.dump(&mut reading, diag, counts, (wanted, at));
        if reading.has_failed() {
            return Err(Errno::IO.into());
        }
        self.counters = counters(&mut reading, wanted);
        let before = std::mem::replace(&mut self.all, reading.sockets);
        self.groups = reading.groups;
        (self.outside, self.walked) = (None, None);
        self.add_users(&before, pid);
        Ok(())
    }

    /// Forgets the sockets of another namespace, whose number this one got.
    fn begin_in(&mut self, cookie: Option<u64>) {
        if self.cookie.is_some() && cookie.is_some() && self.cookie != cookie {
            *self = Self::default();
        }
        self.cookie = cookie;
    }

    /// Adds the users who are not in the user namespace of the dump: those of the last snapshot, or of the files of a process,
    /// which lack sockets that are only bound.
    fn add_users(&mut self, before: &[Socket], pid: Option<Pid>) {
        let lacks_user = |socket: &&mut Socket| {
            socket.uid.is_none() && socket.inode.is_some() && socket.state != State::Bound
        };
        let mut lacking: Vec<&mut Socket> = self.all.iter_mut().filter(lacks_user).collect();
        if lacking.is_empty() {
            return;
        }
        let known = before.iter().map(|socket| (socket.inode, socket.uid));
        let mut known: HashMap<Option<u32>, Option<u32>> = known.collect();
        let is_unknown =
            |socket: &&mut Socket| known.get(&socket.inode).copied().flatten().is_none();
        if let Some(pid) = pid.filter(|_| lacking.iter().any(is_unknown)) {
            let mut rows: Vec<InetRow> = Vec::new();
            for part in Part::of(Protocol::Tcp).chain(Part::of(Protocol::Udp)) {
                // What can't be read remains unknown.
                let _ = net::read_of(&pid.to_string(), part, &mut rows);
            }
            known.extend(rows.into_iter().map(|row| (row.inode, row.uid)));
        }
        for socket in &mut lacking {
            socket.uid = known.get(&socket.inode).copied().flatten();
        }
    }

    fn dump(
        &mut self,
        reading: &mut Reading,
        mut diag: SockDiag,
        counts: Option<SocketCounts>,
        (wanted, at): (Extras, Moment),
    ) {
        let has_all = counts.is_some_and(|counts| {
            let are_listed = add_listeners(reading, &mut diag, (wanted, counts));
            are_listed && counts.time_wait == 0 && reading.len() == counts.tcp()
        });
        let has_walked = !has_all && walk(reading, &mut diag, wanted);
        self.dump_others(reading, &mut diag, counts, (wanted, at), has_walked);
    }

    /// Adds sockets that are only bound, unless a walk had them, and UDP.
    fn dump_others(
        &mut self,
        reading: &mut Reading,
        diag: &mut SockDiag,
        counts: Option<SocketCounts>,
        (wanted, at): (Extras, Moment),
        has_walked: bool,
    ) {
        if wanted.bound {
            if !has_walked {
                let start = reading.len();
                if diag.dump(DumpRequest::Bound, reading).is_err() {
                    reading.truncate(start);
                }
            }
            (self.bound, self.bound_at) = (reading.take_bound(), Some(at));
        }
        for part in Part::of(Protocol::Udp) {
            if counts.is_none_or(|counts| counts.udp(part) > 0) {
                reading.add(part, wanted, diag);
            }
        }
        reading.add_bound(&mut self.bound);
    }

    /// Reads them from the counts of a process in the namespace, if there are none but those that are only bound. Returns
    /// whether it is so.
    pub(super) fn read_empty(&mut self, pid: Pid) -> bool {
        let folder = PathBuf::from(format!("/proc/{pid}/net"));
        let is_empty = SocketCounts::read(&folder) == Some(SocketCounts::default());
        if is_empty {
            let mut reading = Reading::with_capacity(self.bound.len());
            reading.add_bound(&mut self.bound);
            (self.all, self.groups) = (reading.sockets, reading.groups);
            (self.outside, self.walked) = (None, None);
        }
        is_empty
    }

    /// Reads them from the files of a process in the namespace, which takes no right. Returns whether there are files.
    pub(super) fn read_outside(&mut self, pid: Pid, at: Moment) -> bool {
        let mut reading = Reading::with_capacity(self.all.len());
        let folder = PathBuf::from(format!("/proc/{pid}/net"));
        let Some(counts) = SocketCounts::read(&folder) else {
            return false;
        };
        let is_same = |(before, read_at): (SocketCounts, Moment)| {
            before == counts && read_at.age(at) < REREAD_AFTER
        };
        if self.outside.is_some_and(is_same) {
            return true;
        }
        let parts = Part::of(Protocol::Tcp).chain(Part::of(Protocol::Udp));
        for part in parts.filter(|&part| counts.may_have(part)) {
            if net::read_of(&pid.to_string(), part, &mut reading).is_err() {
                return false;
            }
        }
        (self.all, self.groups) = (reading.sockets, reading.groups);
        (self.outside, self.walked) = (Some((counts, at)), None);
        true
    }
}

/// The counters of a snapshot, if they were requested: `tcp_info` is also read for the ages.
fn counters(reading: &mut Reading, wanted: Extras) -> Vec<(NonZeroU64, Counters)> {
    let all = std::mem::take(&mut reading.counters);
    if wanted.counters { all } else { Vec::new() }
}

/// Adds the TCP listeners, if there can be any. Whether that worked.
fn add_listeners(
    reading: &mut Reading,
    diag: &mut SockDiag,
    (wanted, counts): (Extras, SocketCounts),
) -> bool {
    counts.tcp() == 0 || diag.dump(DumpRequest::Listeners(wanted), reading).is_ok()
}

/// Lets the kernel walk its table of connections, for all TCP sockets instead of those that were added. Returns true.
fn walk(reading: &mut Reading, diag: &mut SockDiag, wanted: Extras) -> bool {
    reading.truncate(0);
    reading.add_tcp(wanted, diag);
    true
}

/// Whether only a walk has this socket.
fn is_walked(socket: &Socket) -> bool {
    socket.protocol == Protocol::Tcp && !matches!(socket.state, State::Listen | State::Bound)
}

/// The counters of TCP in a namespace, among them the segments that were sent and received (`snmp` below `/proc/PID/net`); `None`
/// where there is no such file.
fn segments(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("snmp")).ok()?;
    // The first such line has their names.
    let mut lines = text.lines().rev();
    lines
        .find(|line| line.starts_with("Tcp:"))
        .map(str::to_owned)
}

/// The numbers of sockets in a namespace (`sockstat` and `sockstat6` below `/proc/PID/net`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SocketCounts {
    tcp4: usize,
    tcp6: usize,
    /// `TIME_WAIT`, of both families.
    time_wait: usize,
    udp4: usize,
    udp6: usize,
}

impl SocketCounts {
    /// `None` where there are no such files.
    fn read(folder: &Path) -> Option<Self> {
        let ipv4 = fs::read_to_string(folder.join("sockstat")).ok()?;
        // A kernel without IPv6 has only the first.
        let ipv6 = fs::read_to_string(folder.join("sockstat6")).unwrap_or_default();
        Self::parse(&ipv4, &ipv6)
    }

    fn parse(ipv4: &str, ipv6: &str) -> Option<Self> {
        let value = |text: &str, line: &str, name: &str| -> Option<usize> {
            let mut lines = text.lines();
            let line = lines.find_map(|one| one.strip_prefix(line)?.strip_prefix(':'))?;
            let mut words = line.split_ascii_whitespace();
            words.find(|word| *word == name)?;
            words.next()?.parse().ok()
        };
        Some(Self {
            tcp4: value(ipv4, "TCP", "inuse")?,
            time_wait: value(ipv4, "TCP", "tw")?,
            udp4: value(ipv4, "UDP", "inuse")?,
            tcp6: value(ipv6, "TCP6", "inuse").unwrap_or(0),
            udp6: value(ipv6, "UDP6", "inuse").unwrap_or(0),
        })
    }

    const fn tcp(self) -> usize {
        self.tcp4 + self.tcp6
    }

    fn udp(self, part: Part) -> usize {
        match part.family {
            crate::model::Family::Ipv4 => self.udp4,
            crate::model::Family::Ipv6 => self.udp6,
        }
    }

    fn may_have(self, part: Part) -> bool {
        match (part.protocol, part.family) {
            (Protocol::Udp, _) => self.udp(part) > 0,
            (_, crate::model::Family::Ipv4) => self.tcp4 + self.time_wait > 0,
            (_, crate::model::Family::Ipv6) => self.tcp6 + self.time_wait > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_counted_by_family() {
        let ipv4 = "sockets: used 12\nTCP: inuse 3 orphan 0 tw 2 alloc 9 mem 1\nUDP: inuse 4 mem 1\n\
            UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n";
        let ipv6 = "TCP6: inuse 5\nUDP6: inuse 6\nUDPLITE6: inuse 0\n";
        let expected = SocketCounts {
            tcp4: 3,
            tcp6: 5,
            time_wait: 2,
            udp4: 4,
            udp6: 6,
        };
        assert_eq!(SocketCounts::parse(ipv4, ipv6), Some(expected));
        assert_eq!(SocketCounts::parse(ipv4, "").unwrap().tcp(), 3);
        assert_eq!(SocketCounts::parse("", ipv6), None);
    }
}
