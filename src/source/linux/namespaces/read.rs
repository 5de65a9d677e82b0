//! Reads the TCP and UDP sockets of one other namespace: from a thread inside, or from outside.
//!
//! A walk of the kernel's table of connections costs the same in every namespace (0.25 ms, 2 ms beside 10,000 sockets), as
//! one table has all of them. `/proc/net/sockstat` counts the sockets of the namespace, so that the walk is left out where
//! it would find nothing but the listeners, which have a table of their own. What it does not count, handshakes
//! (`SYN_RECV`) and sockets that are only bound, are missing from such a namespace; the latter are read now and then.

use std::collections::HashMap;
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use super::helper::Opened;
use crate::model::{Moment, Pid, Protocol, Socket, State};
use crate::source::linux::netlink::{DumpRequest, Extras, InetRow, Rows as _, SockDiag};
use crate::source::linux::problems::Troubles;
use crate::source::linux::proc::net;
use crate::source::linux::reading::Reading;
use crate::source::netstat::Part;

/// From outside, sockets whose numbers have not changed are read again after this time.
const REREAD_AFTER: Duration = Duration::from_secs(4);

/// The sockets of one namespace.
#[derive(Default)]
pub(super) struct Sockets {
    /// As they were last read, those that are only bound included.
    pub(super) all: Vec<Socket>,
    /// The control group that each was made in; 0 for none.
    pub(super) groups: Vec<u64>,
    bound: Vec<(Socket, u64)>,
    /// The numbers of sockets, and when those were read, if they were read from outside.
    outside: Option<(SocketCounts, Moment)>,
    /// When those that are only bound were last read.
    pub(super) bound_at: Option<Moment>,
    /// The cookie of the namespace that they were last read in.
    pub(super) cookie: Option<u64>,
}

/// What to read besides the listeners, the connections and UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Sockets that are only bound.
    pub(super) bound: bool,
    /// How old connections are.
    pub(super) ages: bool,
}

impl Sockets {
    /// Reads them on a thread that is in the namespace.
    pub(super) fn read_inside(&mut self, wanted: Wanted, at: Moment) -> Troubles {
        self.begin_in(super::enter::own_cookie());
        let mut reading = Reading::with_capacity(self.all.len());
        let counts = SocketCounts::read(Path::new("/proc/thread-self/net"));
        self.dump(&mut reading, SockDiag::default(), counts, (wanted, at));
        (self.all, self.groups) = (reading.sockets, reading.groups);
        reading.troubles
    }

    /// Reads them over a socket that was opened in the namespace, which a process is in. Without an answer they stay as they
    /// were.
    pub(super) fn read_over(
        &mut self,
        opened: Opened,
        pid: Option<Pid>,
        wanted: Wanted,
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
        let before = std::mem::replace(&mut self.all, reading.sockets);
        self.groups = reading.groups;
        self.outside = None;
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
        (wanted, at): (Wanted, Moment),
    ) {
        let has_walked = read_tcp(reading, &mut diag, wanted, counts);
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
                reading.add(part, Extras::default(), &mut diag);
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
            self.outside = None;
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
        self.outside = Some((counts, at));
        let parts = Part::of(Protocol::Tcp).chain(Part::of(Protocol::Udp));
        for part in parts.filter(|&part| counts.may_have(part)) {
            if net::read_of(&pid.to_string(), part, &mut reading).is_err() {
                return false;
            }
        }
        (self.all, self.groups) = (reading.sockets, reading.groups);
        true
    }
}

/// Reads the TCP sockets. Whether the kernel walked its table of connections for that.
fn read_tcp(
    reading: &mut Reading,
    diag: &mut SockDiag,
    wanted: Wanted,
    counts: Option<SocketCounts>,
) -> bool {
    if let Some(counts) = counts.filter(|counts| counts.time_wait == 0) {
        let is_empty = counts.tcp() == 0;
        let listed = if is_empty {
            Ok(())
        } else {
            diag.dump(DumpRequest::Listeners, reading)
        };
        if listed.is_ok() && reading.len() == counts.tcp() {
            return false;
        }
        reading.truncate(0);
    }
    let extras = Extras {
        bound: wanted.bound,
        ages: wanted.ages,
    };
    reading.add_tcp(extras, diag);
    true
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
