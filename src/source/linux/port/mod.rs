//! Everything that Linux tells about one port.
//!
//! The rows come from `sock_diag`, filtered by the kernel itself; their owners are looked for one port
//! at a time (`seek`, then `unusual`), their options are asked of the sockets themselves
//! (`options`). Beside that, on threads of their own, other network namespaces and the packet filter.

mod activation;
mod limits;
mod namespaces;
mod options;
mod redirects;
mod seek;
mod unusual;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;

use rustix::io::Errno;

use self::seek::{Descriptor, Hints};
use super::cgroup::Cgroups;
use super::detail::Detail;
use super::sock_diag::{Asked, DumpError, SockDiag};
use super::{Interfaces, accept};
use crate::model::{Evidence, Gap, GapCode, Holder, Moment, Pid, Place, Protocol, Socket, State};
use crate::source::netstat::PARTS;
use crate::source::process::Processes;
use crate::source::system::owners;
use crate::source::{Blind, Holding};

/// The options of no more sockets than this are asked for; what listens or is bound comes first.
const MAX_ASKED: usize = 64;

/// Linux before this version does not list sockets that are only bound (commit 91051f003948).
const LISTS_BOUND_SOCKETS: (u32, u32) = (6, 8);

/// Looks at ports, one at a time.
#[derive(Default)]
pub(in crate::source) struct PortPlatform {
    diag: SockDiag,
    cgroups: Cgroups,
}

impl PortPlatform {
    /// Finds out what there is to know about a port.
    pub(in crate::source) fn evidence(
        &mut self,
        processes: &mut Processes,
        protocol: Protocol,
        port: u16,
        at: Moment,
    ) -> Evidence {
        thread::scope(|scope| {
            let filter = scope.spawn(|| redirects::look(protocol, port));
            let elsewhere = scope.spawn(|| {
                let mut gaps = Vec::new();
                let found = namespaces::look(protocol, port, &mut gaps);
                (found, gaps)
            });
            let mut gaps = Vec::new();
            let holders = self.holders(processes, protocol, port, at, &mut gaps);
            let limits = limits::read(&mut gaps);
            let (elsewhere, more_gaps) = joined(elsewhere);
            gaps.extend(more_gaps);
            let (redirects, gap) = joined(filter);
            gaps.extend(gap);
            Evidence {
                taken_at: at,
                holders,
                limits,
                elsewhere,
                redirects,
                gaps,
            }
        })
    }

    fn holders(
        &mut self,
        processes: &mut Processes,
        protocol: Protocol,
        port: u16,
        at: Moment,
        gaps: &mut Vec<Gap>,
    ) -> Vec<Holder> {
        let details = self.rows(protocol, port, gaps);
        self.cgroups
            .learn(details.iter().filter_map(|detail| detail.cgroup), at);
        let mut sockets = self.sockets(&details);
        let owners_found = self.find_owners(&sockets, &details, protocol, port, gaps);
        let mut holdings = owners_found.holdings;
        accept::assign(&sockets, &mut holdings);
        for (socket, owner) in sockets.iter_mut().zip(owners(&holdings, processes, at)) {
            socket.owner = owner;
            socket.user = socket.uid.and_then(|uid| processes.users.name(uid));
        }
        let is_gone = |socket: &Socket| {
            let inode = socket.inode;
            inode.is_some_and(|inode| owners_found.gone.contains(&inode))
        };
        let mut holders: Vec<Holder> = sockets
            .into_iter()
            .zip(&details)
            .filter(|(socket, _)| !is_gone(socket))
            .map(|(socket, detail)| {
                let place = socket
                    .inode
                    .and_then(|inode| owners_found.places.get(&inode));
                Holder {
                    v6only: detail.v6only,
                    expires_in: detail.expires_in,
                    opening: detail.opening,
                    place: place.copied().unwrap_or(Place::Descriptors),
                    activation: activation::of(&socket),
                    is_user_unit: detail
                        .cgroup
                        .is_some_and(|id| self.cgroups.is_of_user_manager(id)),
                    ..Holder::new(socket)
                }
            })
            .collect();
        holders.sort_by_key(|holder| {
            let socket = &holder.socket;
            (socket.state, socket.local, socket.remote, socket.inode)
        });
        ask_options(&mut holders, &owners_found.descriptors, gaps);
        holders
    }

    /// The rows of the port, in both families.
    fn rows(&mut self, protocol: Protocol, port: u16, gaps: &mut Vec<Gap>) -> Vec<Detail> {
        let mut details = Vec::new();
        for part in PARTS.into_iter().filter(|part| part.protocol == protocol) {
            let message = match self.diag.dump(Asked::OnPort(part, port), &mut details) {
                Ok(()) => continue,
                Err(DumpError::Interrupted) => format!(
                    "the table of {} changed while it was read: rows may be missing",
                    part.name()
                ),
                // A kernel without IPv6 has no such table.
                Err(DumpError::System(error))
                    if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) =>
                {
                    continue;
                }
                Err(error) => format!("sockets of {} can't be read ({error})", part.name()),
            };
            gaps.push(Gap::new(GapCode::Table, &message));
        }
        // The kernel (6.18) does not compare the port for sockets that are only bound.
        details.retain(|detail| detail.local.port == port);
        if protocol == Protocol::Tcp && kernel_version().is_some_and(|it| it < LISTS_BOUND_SOCKETS)
        {
            let message = "sockets that are only bound can't be seen: that takes Linux 6.8";
            gaps.push(Gap::new(GapCode::BoundSockets, message));
        }
        details
    }

    fn sockets(&self, details: &[Detail]) -> Vec<Socket> {
        let mut interfaces = Interfaces::default();
        let socket = |detail: &Detail| {
            let mut socket = detail.socket();
            socket.interface = detail.interface.and_then(|index| interfaces.name(index));
            if let Some(place) = detail.cgroup.and_then(|id| self.cgroups.placement(id)) {
                socket.unit.clone_from(&place.unit);
                socket.container.clone_from(&place.container);
            }
            socket
        };
        details.iter().map(socket).collect()
    }

    fn find_owners(
        &mut self,
        sockets: &[Socket],
        details: &[Detail],
        protocol: Protocol,
        port: u16,
        gaps: &mut Vec<Gap>,
    ) -> Found {
        let mut found = Found::default();
        let wanted: HashSet<u32> = sockets.iter().filter_map(|socket| socket.inode).collect();
        if !wanted.is_empty() {
            match seek::seek(&wanted, &self.hints(details)) {
                Ok(sought) => {
                    found.descriptors = sought.found;
                    found.blind = sought.blind;
                }
                Err(error) => {
                    let message = format!("/proc can't be read ({error}): owners are unknown");
                    gaps.push(Gap::new(GapCode::Owners, &message));
                    found.blind = Some(Blind::NotPermitted);
                }
            }
            self.look_further(&wanted, protocol, port, &mut found);
        }
        found.holdings = sockets.iter().map(|socket| found.holding(socket)).collect();
        if found.holdings.contains(&Holding::Hidden) {
            let message = match found.blind {
                Some(Blind::OtherNamespace) => "an owner is outside this pid namespace",
                Some(Blind::Forbidden) => {
                    "an owner is hidden even from root: it takes CAP_SYS_PTRACE"
                }
                Some(Blind::NotPermitted) | None => "an owner can only be seen by root",
            };
            gaps.push(Gap::new(GapCode::Owners, message));
        }
        found
    }

    /// For what no process seems to have: the unusual places, and whether it is still there at all.
    fn look_further(
        &mut self,
        wanted: &HashSet<u32>,
        protocol: Protocol,
        port: u16,
        found: &mut Found,
    ) {
        let is_missing = |inode: &u32| !found.descriptors.contains_key(inode);
        let missing: HashSet<u32> = wanted.iter().copied().filter(is_missing).collect();
        if missing.is_empty() {
            return;
        }
        let unusual = unusual::seek(&missing).unwrap_or_default();
        let is_known = |inode: &u32| unusual.contains_key(inode);
        if !missing.iter().all(is_known) {
            let again: HashSet<u32> = self
                .rows(protocol, port, &mut Vec::new())
                .iter()
                .filter_map(|detail| detail.inode)
                .collect();
            found.gone = missing.difference(&again).copied().collect();
        }
        for (inode, one) in unusual {
            found.places.insert(inode, one.place);
            found.unusual.insert(inode, one.pids.into());
        }
    }

    fn hints(&self, details: &[Detail]) -> Hints {
        let groups: HashSet<u64> = details.iter().filter_map(|detail| detail.cgroup).collect();
        Hints {
            pids: groups
                .into_iter()
                .flat_map(|id| self.cgroups.members(id))
                .collect(),
            uids: details.iter().filter_map(|detail| detail.uid).collect(),
        }
    }
}

/// What was found out about owners.
#[derive(Default)]
struct Found {
    descriptors: HashMap<u32, Vec<Descriptor>>,
    unusual: HashMap<u32, Arc<[Pid]>>,
    places: HashMap<u32, Place>,
    /// Sockets that were closed meanwhile.
    gone: HashSet<u32>,
    blind: Option<Blind>,
    holdings: Vec<Holding>,
}

impl Found {
    fn holding(&self, socket: &Socket) -> Holding {
        let Some(inode) = socket.inode else {
            return Holding::None;
        };
        if let Some(descriptors) = self.descriptors.get(&inode) {
            return Holding::By(descriptors.iter().map(|one| one.pid).collect());
        }
        match (self.unusual.get(&inode), self.blind) {
            (Some(pids), _) => Holding::By(Arc::clone(pids)),
            (None, Some(_)) => Holding::Hidden,
            (None, None) => Holding::Kernel,
        }
    }
}

/// Asks the sockets for their options, those that listen or are bound first.
fn ask_options(
    holders: &mut [Holder],
    descriptors: &HashMap<u32, Vec<Descriptor>>,
    gaps: &mut Vec<Gap>,
) {
    let mut refused = 0;
    for holder in holders.iter_mut().take(MAX_ASKED) {
        let Some(inode) = holder.socket.inode else {
            continue;
        };
        let Some(&[descriptor, ..]) = descriptors.get(&inode).map(Vec::as_slice) else {
            continue;
        };
        match options::ask(inode, descriptor) {
            Ok(told) => {
                holder.options = Some(told.options);
                holder.v6only = holder.v6only.or(told.v6only);
            }
            // It was closed meanwhile.
            Err(Errno::NOENT | Errno::SRCH | Errno::BADF) => {}
            Err(_) => refused += usize::from(holder.socket.state != State::TimeWait),
        }
    }
    if refused > 0 {
        let message =
            "options of sockets of other processes can't be read: it takes CAP_SYS_PTRACE";
        gaps.push(Gap::new(GapCode::Options, message));
    }
}

/// What a thread found; a panic in it goes on here.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Major and minor number of the kernel's version.
fn kernel_version() -> Option<(u32, u32)> {
    let uname = rustix::system::uname();
    let mut numbers = uname.release().to_str().ok()?.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}
