//! A call of a program below the filter, read and carried out for it: on a duplicate of its socket, so that the answer is
//! the kernel's own.
//!
//! What can't be read, or is not sure to have the same answer here, is left to the kernel, which then carries the call
//! out as it would without us.

mod arguments;
mod filter;
mod listener;
mod raw;

use std::collections::HashSet;
use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::BindToDevice;
use rustix::fs::fstat;
use rustix::io::Errno;
use rustix::net::sockopt::{ipv6_v6only, socket_reuseaddr, socket_reuseport};
use rustix::net::{AddressFamily, SocketType};
use rustix::process::{Pid as RawPid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

pub(super) use self::arguments::Local;
use self::arguments::{Argument, argument_of, local_of, path_of, protocol_of, unix_name, zone_of};
pub(super) use self::listener::{
    Answer, Listener, Notification, SignalState, check_support, spawn, spawn_plain,
    wait_for_children,
};
use crate::bind::{BindAttempt, BindCall, SocketTraits, result_of};
use crate::model::{Pid, Protocol, Text};
use crate::source::linux::ephemeral::sysctl;
use crate::source::linux::namespaces::cookie_of;
use crate::source::proc_stat::proc_stat;

/// `PIDFD_THREAD` of `linux/pidfd.h`, since 6.9: the descriptor is of a thread.
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);

/// The first port that takes no privilege, unless the system says otherwise.
const UNPRIVILEGED: u16 = 1024;

/// The greatest depth of an ancestry.
const MAX_DEPTH: usize = 256;

/// A call that can be carried out here.
pub(super) struct InetCall {
    /// The thread that makes it.
    pub(super) thread: Pid,
    pub(super) call: BindCall,
    pub(super) protocol: Protocol,
    /// A duplicate of its socket. It keeps the socket open, so it must be closed before the call is answered.
    pub(super) socket: OwnedFd,
    /// The address of bind(2), as the caller wrote it; for listen(2) the length of the queue.
    argument: Argument,
    /// The address, or that of the socket for listen(2); the port may be 0.
    pub(super) local: Local,
}

/// What is known of a call.
pub(super) enum Seen {
    /// It can be carried out here.
    Inet(InetCall),
    /// It binds a unix socket to this path, which the kernel resolves for its thread.
    UnixPath(PathBuf),
    /// It is not about a port: nothing to say.
    Other,
    /// It is about a port, or may be, and can't be judged.
    Unjudged(Unjudged),
}

/// Why a call is left to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unjudged {
    /// Its socket can't be duplicated.
    NotPermitted,
    /// The caller has other rights than we have, and they may decide.
    OtherRights,
    /// The caller, or what started it, restricted itself with Landlock.
    Landlock,
}

/// Reads calls.
pub(super) struct CallReader {
    /// Our own rights, as [`rights_of`] has them.
    own: Option<String>,
    /// The network namespace that we are in.
    network: Option<u64>,
    /// The first port of our network namespace that takes no privilege.
    unprivileged_from: u16,
    /// Our own label; `None` where no security module gives any.
    label: Option<String>,
    /// Processes that restricted themselves with Landlock, with their start: one may bind less than we may, and nothing
    /// shows it.
    restricted: HashSet<(Pid, u64)>,
    /// The program that was started.
    program: Option<Pid>,
    /// The file of this program.
    own_file: Option<FileId>,
}

/// A file: the number of its device, and its inode.
pub(super) type FileId = (u64, u64);

impl Unjudged {
    /// What it means, after the name of the program.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NotPermitted => {
                "its binds are not explained, as its sockets can't be duplicated: it runs as another user, or is not dumpable"
            }
            Self::OtherRights => {
                "binds of privileged ports are not explained, as it has other rights than sockeye"
            }
            Self::Landlock => "its binds are not explained, as it is in a Landlock sandbox",
        }
    }
}

impl CallReader {
    pub(super) fn new() -> Self {
        let any = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None);
        let unprivileged = sysctl("ipv4/ip_unprivileged_port_start", |text| text.parse().ok());
        Self {
            own: rights_of("self"),
            network: any.ok().and_then(cookie_of),
            unprivileged_from: unprivileged.unwrap_or(UNPRIVILEGED),
            label: label_of("self"),
            restricted: HashSet::new(),
            program: None,
            own_file: file_id("/proc/self/exe"),
        }
    }

    /// The cookie of our network namespace; `None` before Linux 5.14.
    pub(super) const fn own_network(&self) -> Option<u64> {
        self.network
    }

    /// Sets the program that was started: everything below the filter descends from it.
    pub(super) fn set_program(&mut self, pid: Pid) {
        self.program = Some(pid);
    }

    /// Reads a call. The caller must still be waiting for the answer afterwards ([`Listener::is_waiting`]), or it was
    /// another process that was read.
    pub(super) fn read(&mut self, listener: &Listener, notified: &Notification) -> Seen {
        let call = match notified.call {
            filter::Call::Bind => BindCall::Bind,
            filter::Call::Listen => BindCall::Listen,
            filter::Call::LandlockRestrictSelf => {
                self.restricted.extend(process_of(notified.thread));
                return Seen::Other;
            }
        };
        if self.is_own_test(notified.thread) {
            return Seen::Other;
        }
        if let Some(name) = unix_name(notified) {
            let path = path_of(&name).filter(|_| listener.is_waiting(notified.id));
            return path.map_or(Seen::Other, Seen::UnixPath);
        }
        let socket = match duplicate(notified) {
            Ok(socket) => socket,
            Err(Errno::PERM) => return Seen::Unjudged(Unjudged::NotPermitted),
            // There is no such descriptor, or no such process any more.
            Err(_) => return Seen::Other,
        };
        let Some(protocol) = protocol_of(&socket) else {
            return Seen::Other;
        };
        let Some((argument, local)) = argument_of(notified, call, &socket) else {
            return Seen::Other;
        };
        if !listener.is_waiting(notified.id) {
            return Seen::Other;
        }
        let call = InetCall {
            thread: notified.thread,
            call,
            protocol,
            socket,
            argument,
            local,
        };
        match self.doubt(&call) {
            Some(why) => Seen::Unjudged(why),
            None => Seen::Inet(call),
        }
    }

    /// Whether it is this program itself, such as `sockeye check`: its binds are tests, and an error is an answer.
    fn is_own_test(&self, thread: Pid) -> bool {
        self.own_file.is_some() && file_id(format!("/proc/{thread}/exe")) == self.own_file
    }

    /// Why the kernel might answer the caller otherwise than us.
    fn doubt(&self, call: &InetCall) -> Option<Unjudged> {
        if !self.restricted.is_empty() && self.may_be_restricted(call.thread) {
            return Some(Unjudged::Landlock);
        }
        let caller = call.thread.to_string();
        if self.label.is_some() && label_of(&caller) != self.label {
            return Some(Unjudged::OtherRights);
        }
        let is_own_network = self.network.is_some() && cookie_of(&call.socket) == self.network;
        // From which port on another network namespace takes no privilege, is not known.
        let is_free_for_all = is_own_network && call.local.port >= self.unprivileged_from;
        if is_free_for_all || call.local.port == 0 || call.call == BindCall::Listen {
            return None;
        }
        let rights = rights_of(&caller);
        (rights.is_none() || rights != self.own).then_some(Unjudged::OtherRights)
    }

    /// Whether the process, or an ancestor, restricted itself. One whose ancestors have ended may be restricted.
    fn may_be_restricted(&self, thread: Pid) -> bool {
        let mut next = Some(thread);
        for _ in 0..MAX_DEPTH {
            let Some(process @ (pid, _)) = next.and_then(process_of) else {
                break;
            };
            if self.restricted.contains(&process) {
                break;
            }
            if self.program == Some(pid) {
                return false;
            }
            next = proc_stat(pid).map(|stat| stat.parent);
        }
        true
    }
}

impl InetCall {
    /// Carries the call out.
    pub(super) fn perform(&self) -> Result<(), Errno> {
        match &self.argument {
            Argument::Address(address) => raw::bind(self.socket.as_fd(), address),
            Argument::Backlog(backlog) => rustix::net::listen(&self.socket, *backlog),
        }
    }

    /// The call with its answer, for its explanation.
    pub(super) fn attempt(&self, result: Result<(), Errno>) -> BindAttempt {
        let socket = self.socket.as_fd();
        let v6only = self.local.address.is_ipv6();
        let device = getsockopt(&socket, BindToDevice).ok();
        let device = device.filter(|name| !name.is_empty());
        BindAttempt {
            call: self.call,
            protocol: self.protocol,
            address: self.local.address,
            zone: zone_of(socket, self.local.scope),
            port: self.local.port,
            v6only: v6only.then(|| ipv6_v6only(socket).unwrap_or_default()),
            reuse_address: socket_reuseaddr(socket).unwrap_or_default(),
            traits: SocketTraits {
                reuse_port: socket_reuseport(socket).unwrap_or_default(),
                uid: fstat(socket).ok().map(|stat| stat.st_uid),
                device: device.map(|name| Text::new(&name.to_string_lossy())),
            },
            result: result_of(result.map_err(Into::into)),
        }
    }

    /// The inode of the socket.
    pub(super) fn inode(&self) -> Option<u32> {
        fstat(&self.socket).ok()?.st_ino.try_into().ok()
    }

    /// The cookie of its network namespace.
    pub(super) fn network(&self) -> Option<u64> {
        cookie_of(&self.socket)
    }

    /// Its address now: the port that the kernel chose.
    pub(super) fn bound_to(&self) -> Option<Local> {
        local_of(&self.socket)
    }
}

/// The process of a thread, with its start.
pub(super) fn process_of(thread: Pid) -> Option<(Pid, u64)> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let mut lines = status.lines();
    let pid: Pid = lines
        .find_map(|line| line.strip_prefix("Tgid:"))?
        .trim()
        .parse()
        .ok()?;
    Some((pid, proc_stat(pid)?.started_at_tick))
}

/// What a privileged port takes: the capabilities of a process, and the user namespace that they count in; with its
/// user, who has all of them in the namespaces that it makes.
fn rights_of(process: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let relevant = status.lines().filter(|line| {
        ["Uid:", "CapEff:"]
            .iter()
            .any(|name| line.starts_with(name))
    });
    let mut rights: String = relevant.collect();
    rights += fs::read_link(format!("/proc/{process}/ns/user"))
        .ok()?
        .to_str()?;
    Some(rights)
}

/// The file at a path; `None` if there is none, or this user may not know.
pub(super) fn file_id(path: impl AsRef<Path>) -> Option<FileId> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// The label by which a security module (`SELinux`, `AppArmor`, Smack) judges a process.
fn label_of(process: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/attr/current")).ok()
}

/// A duplicate of the caller's socket.
fn duplicate(notified: &Notification) -> Result<OwnedFd, Errno> {
    let descriptor = i32::try_from(notified.arguments[0]).map_err(|_| Errno::BADF)?;
    let raw = |pid: Pid| {
        i32::try_from(pid)
            .ok()
            .and_then(RawPid::from_raw)
            .ok_or(Errno::SRCH)
    };
    let process = match pidfd_open(raw(notified.thread)?, THREAD) {
        // An older kernel: its process has the same descriptors, unless it was made otherwise on purpose.
        Err(Errno::INVAL) => {
            let (pid, _) = process_of(notified.thread).ok_or(Errno::SRCH)?;
            pidfd_open(raw(pid)?, PidfdFlags::empty())?
        }
        opened => opened?,
    };
    pidfd_getfd(process, descriptor, PidfdGetfdFlags::empty())
}
