//! Namespaces that the search for owners comes across: kept by a descriptor of a process, or by a socket that no table has.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use rustix::fs::{fstat, getxattr};
use rustix::thread::{CapabilitySet, capabilities};

use super::find::{Found, Number, Reference};
use super::socket_network::network_of_socket;
use crate::model::{BuildSpread, Moment, Pid, Socket};
use crate::source::linux::owners::index::ByProducts;
use crate::source::linux::owners::{Descriptor, options};
use crate::source::linux::scan;

/// How often sockets that no table has are looked at in the live table.
const EVERY: Duration = Duration::from_secs(2);

/// The most of them to look at for one snapshot: 4 µs each, and 40 if it is of TCP or UDP.
const MOST: usize = 1000;

#[derive(Default)]
pub(super) struct ByOwners {
    by_descriptor: Found,
    /// By the inode of the socket: the number of its namespace, and a process that has it.
    by_socket: BTreeMap<u32, (u64, Descriptor)>,
    /// Sockets that keep no other namespace, as they were looked at.
    checked: HashSet<u32, BuildSpread>,
    left: Vec<(u32, Descriptor)>,
    checked_at: Option<Moment>,
    /// Whether everything that the first search came across was checked.
    is_over_once: bool,
    /// The namespaces that it found.
    found_first: HashSet<u64>,
}

impl ByOwners {
    /// Looks at what the last search came across besides the owners of these sockets. Whether another namespace was found.
    pub(super) fn learn(
        &mut self,
        found: &mut ByProducts,
        sockets: &[Socket],
        at: Moment,
        is_complete: bool,
    ) -> bool {
        let mut is_new = false;
        if std::mem::take(&mut found.have_networks_changed) {
            let mut by_descriptor = Found::new();
            for (&pid, networks) in &found.networks {
                for &(inode, number) in networks {
                    let references = by_descriptor.entry(Number::Inode(inode)).or_default();
                    references.insert(Reference::Descriptor(Descriptor { pid, number }));
                }
            }
            is_new = by_descriptor != self.by_descriptor;
            self.by_descriptor = by_descriptor;
        }
        let is_due = self.checked_at.is_none_or(|then| then.age(at) >= EVERY);
        if !is_complete && !is_due {
            return is_new;
        }
        self.checked_at = Some(at);
        let scanned = std::mem::take(&mut found.sockets);
        if may_open_networks() {
            self.add_unlisted(scanned, sockets);
            is_new |= self.check(if is_complete { usize::MAX } else { MOST });
        }
        if !self.is_over_once {
            let networks = self.by_socket.values().map(|(network, _)| *network);
            let by_descriptor = self
                .by_descriptor
                .keys()
                .filter_map(|number| number.inode());
            self.found_first = networks.chain(by_descriptor).collect();
            self.is_over_once = found.is_first_scan_over && self.left.is_empty();
        }
        is_new
    }

    /// Whether a namespace with this number that is found now was not there when the first search ended.
    pub(super) fn is_new(&self, number: Number) -> bool {
        let is_first = number
            .inode()
            .is_some_and(|inode| self.found_first.contains(&inode));
        self.is_over_once && !is_first
    }

    fn add_unlisted(&mut self, scanned: Vec<(u32, Descriptor)>, sockets: &[Socket]) {
        let is_checked = |inode: &u32| self.checked.contains(inode);
        if scanned.iter().all(|(inode, _)| is_checked(inode)) {
            return;
        }
        let listed = sockets.iter().filter_map(|socket| socket.inode);
        let listed: HashSet<u32, BuildSpread> = listed.collect();
        // The kernel gives inodes of sockets that were closed again, after 2³² others.
        if self.checked.len() > 1 << 20 {
            self.checked.clear();
        }
        for (inode, descriptor) in scanned {
            if !listed.contains(&inode) && self.checked.insert(inode) {
                self.left.push((inode, descriptor));
            }
        }
    }

    /// Looks at the sockets that are left, as many as this.
    fn check(&mut self, most: usize) -> bool {
        let mut is_new = false;
        let count = self.left.len().min(most);
        for (inode, descriptor) in self.left.drain(..count) {
            if is_inet(descriptor)
                && let Some(network) = network_of(descriptor)
            {
                let known = self.by_socket.insert(inode, (network, descriptor));
                is_new |= known.is_none();
            }
        }
        is_new
    }

    /// Adds what keeps each namespace to what was found otherwise, our own included.
    pub(super) fn add_to(&self, found: &mut Found) {
        for (number, references) in &self.by_descriptor {
            let all = found.entry(*number).or_default();
            all.extend(references.iter().cloned());
        }
        for &(network, descriptor) in self.by_socket.values() {
            let all = found.entry(Number::Inode(network)).or_default();
            all.insert(Reference::Socket(descriptor));
        }
    }

    /// What keeps a namespace that nothing else is found to keep any more: a process that has one of its sockets.
    pub(super) fn references_by_sockets(
        &mut self,
        sockets: &[Socket],
        process_with: &dyn Fn(u32) -> Option<Pid>,
    ) -> BTreeSet<Reference> {
        let inodes = sockets.iter().filter_map(|socket| socket.inode);
        for inode in inodes.filter(|_| may_open_networks()) {
            let descriptor = process_with(inode).and_then(|pid| descriptor_of(pid, inode));
            if let Some(descriptor) = descriptor
                && let Some(network) = network_of(descriptor)
            {
                self.by_socket.insert(inode, (network, descriptor));
                return BTreeSet::from([Reference::Socket(descriptor)]);
            }
        }
        BTreeSet::new()
    }

    /// Forgets what is gone.
    pub(super) fn forget(&mut self, gone: &[Reference]) {
        if gone.is_empty() {
            return;
        }
        self.by_descriptor.retain(|_, references| {
            references.retain(|reference| !gone.contains(reference));
            !references.is_empty()
        });
        self.by_socket
            .retain(|_, (_, descriptor)| !gone.contains(&Reference::Socket(*descriptor)));
    }
}

/// Whether this user may open the namespace of a socket, and enter it.
fn may_open_networks() -> bool {
    let needed = CapabilitySet::NET_ADMIN | CapabilitySet::SYS_ADMIN | CapabilitySet::SYS_PTRACE;
    capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

/// Whether it is a socket of TCP or UDP, by the attribute that the kernel has for `lsof`.
fn is_inet(Descriptor { pid, number }: Descriptor) -> bool {
    let mut name = [0_u8; 32];
    let path = format!("/proc/{pid}/fd/{number}");
    let length = getxattr(path, "system.sockprotoname", &mut name);
    let name = length.ok().and_then(|length| name.get(..length));
    let name = name.and_then(|name| name.split(|&byte| byte == 0).next());
    matches!(
        name,
        Some(b"TCP" | b"TCPv6" | b"UDP" | b"UDPv6" | b"MPTCP" | b"MPTCPv6")
    )
}

/// The number of the network namespace of a socket.
fn network_of(descriptor: Descriptor) -> Option<u64> {
    let network = network_of_socket(options::borrow(descriptor).ok()?).ok()?;
    Some(fstat(&network).ok()?.st_ino)
}

/// A socket of a process that is in the namespace with this number.
pub(super) fn referring_socket(pid: Pid, network: u64) -> Option<Descriptor> {
    let mut descriptors = Vec::new();
    let proc = scan::open_proc().ok()?;
    let visited = scan::visit_sockets(&proc, &format!("{pid}/fd"), |number, _| {
        descriptors.push(Descriptor { pid, number });
    });
    visited.ok()?;
    let mut descriptors = descriptors.into_iter();
    descriptors.find(|&one| is_inet(one) && network_of(one) == Some(network))
}

fn descriptor_of(pid: Pid, inode: u32) -> Option<Descriptor> {
    let mut found = None;
    let proc = scan::open_proc().ok()?;
    let visited = scan::visit_sockets(&proc, &format!("{pid}/fd"), |number, one| {
        if one == inode {
            found = Some(Descriptor { pid, number });
        }
    });
    visited.ok().and(found)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn a_socket_is_known_by_its_protocol() {
        let of = |number: i32| Descriptor {
            pid: std::process::id(),
            number: number.cast_unsigned(),
        };
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (unix, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let is_inet =
            [udp.as_raw_fd(), tcp.as_raw_fd(), unix.as_raw_fd()].map(|fd| is_inet(of(fd)));
        assert_eq!(is_inet, [true, true, false]);
    }
}
