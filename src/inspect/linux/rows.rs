//! The rows of one port, as the kernel lists them: everything that needs no search in `/proc`.

use std::collections::{HashMap, HashSet};

use crate::model::{Gap, GapCode, Holder, Protocol};
use crate::source::linux::netlink::{DumpError, DumpRequest, InetRow, SockDiag};
use crate::source::linux::{Interfaces, problems, proc_net};
use crate::source::netstat::Part;

/// Older versions of Linux do not list sockets that are only bound (commit 91051f003948).
const LISTS_BOUND_SOCKETS: (u32, u32) = (6, 8);

/// The rows, and the control groups in which their sockets were created.
#[derive(Default)]
pub(super) struct Rows {
    /// Listeners first.
    pub(super) holders: Vec<Holder>,
    /// By inode.
    pub(super) groups: HashMap<u32, u64>,
    pub(super) gaps: Vec<Gap>,
}

/// Reads the rows of the port, in both families and all states.
pub(super) fn read(diag: &mut SockDiag, protocol: Protocol, port: u16) -> Rows {
    let mut gaps = Vec::new();
    let details = dump(diag, protocol, port, &mut gaps);
    if protocol == Protocol::Tcp && kernel_version().is_some_and(|it| it < LISTS_BOUND_SOCKETS) {
        let message = "sockets that are only bound can't be seen: that takes Linux 6.8";
        gaps.push(Gap::new(GapCode::BoundSockets, message));
    }
    let mut interfaces = Interfaces::default();
    let holder = |detail: &InetRow| {
        let mut socket = detail.socket();
        socket.interface = detail.interface.map(|index| interfaces.name(index));
        Holder {
            v6only: detail.v6only,
            expires_in: detail.expires_in,
            opening: detail.opening,
            ..Holder::new(socket)
        }
    };
    let mut holders: Vec<_> = details.iter().map(holder).collect();
    holders.sort_by_key(|holder| {
        let socket = &holder.socket;
        (socket.state, socket.local, socket.remote, socket.inode)
    });
    let group = |detail: &InetRow| detail.inode.zip(detail.cgroup);
    Rows {
        holders,
        groups: details.iter().filter_map(group).collect(),
        gaps,
    }
}

/// Every port of the protocol that has a row; `None` where not all rows can be read.
pub(super) fn ports(diag: &mut SockDiag, protocol: Protocol) -> Option<HashSet<u16>> {
    let is_whole = kernel_version().is_some_and(|version| version >= LISTS_BOUND_SOCKETS);
    let mut details = Vec::new();
    for part in Part::of(protocol) {
        diag.dump(DumpRequest::All(part), &mut details).ok()?;
    }
    let ports = details.iter().map(|detail| detail.local.port);
    is_whole.then(|| ports.collect())
}

pub(super) fn inodes(diag: &mut SockDiag, protocol: Protocol, port: u16) -> HashSet<u32> {
    let details = dump(diag, protocol, port, &mut Vec::new());
    details.iter().filter_map(|detail| detail.inode).collect()
}

fn dump(diag: &mut SockDiag, protocol: Protocol, port: u16, gaps: &mut Vec<Gap>) -> Vec<InetRow> {
    let mut details = Vec::new();
    for part in Part::of(protocol) {
        let gap = match diag.dump(DumpRequest::OnPort(part, port), &mut details) {
            Ok(()) => continue,
            Err(DumpError::Interrupted) => {
                Gap::new(GapCode::Table, &problems::changed(part.name()))
            }
            Err(error) => match proc_net::read(part, &mut details) {
                Ok(_) => {
                    let why = problems::why(&error);
                    let message = format!("{why}: sockets that are only bound can't be seen");
                    Gap::new(GapCode::BoundSockets, &message)
                }
                Err(too) => {
                    let what = format!("sockets of {}", part.name());
                    Gap::new(GapCode::Table, &problems::unread(&what, &error, &too))
                }
            },
        };
        // Both families mostly have the same problem.
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
    }
    // The kernel (6.18) does not compare the port for sockets that are only bound, `/proc/net` has all.
    details.retain(|detail| detail.local.port == port);
    details
}

fn kernel_version() -> Option<(u32, u32)> {
    version(rustix::system::uname().release().to_str().ok()?)
}

/// The first two numbers of a release, whatever a distribution or a builder added to them: `6.12+`,
/// `6.18-rc3`, `5.15.0-91-generic`.
fn version(release: &str) -> Option<(u32, u32)> {
    let (major, rest) = release.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let is_number = major.bytes().all(|digit| digit.is_ascii_digit());
    Some((
        major.parse().ok().filter(|_| is_number)?,
        minor.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_release_of_any_kernel_has_two_numbers() {
        for (release, expected) in [
            ("6.12+", (6, 12)),
            ("6.1", (6, 1)),
            ("6.18-rc3", (6, 18)),
            ("6.18.0-rc3+", (6, 18)),
            ("5.15.0-91-generic", (5, 15)),
            ("6.12.41+deb13-amd64", (6, 12)),
            ("6.1_custom", (6, 1)),
            ("6.6.87.2-microsoft-standard-WSL2", (6, 6)),
            ("7.0~local", (7, 0)),
        ] {
            assert_eq!(version(release), Some(expected), "{release}");
        }
        for odd in ["", "6", "6.", "6.x", "v6.1", "6-1", "+6.1", "99999999999.1"] {
            assert_eq!(version(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_running_kernel_has_a_version() {
        assert!(kernel_version().is_some_and(|version| version > (2, 6)));
    }

    proptest! {
        #[test]
        fn text_after_the_second_number_is_ignored(
            major in 0..99_u32, minor in 0..99_u32, rest in "([^0-9].*)?",
        ) {
            prop_assert_eq!(version(&format!("{major}.{minor}{rest}")), Some((major, minor)));
        }
    }
}
