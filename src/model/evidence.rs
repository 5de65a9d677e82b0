//! What a machine can tell about one port: the evidence behind the verdict of a bind test.
//!
//! Values only. `source` gathers them, `bind` judges them. Whatever could not be read is a [`Gap`],
//! never a guess.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::{
    Background, Behind, Endpoint, Manager, Moment, Pid, Process, Redirect, Serving, Socket, Text,
    Unit,
};

/// Everything that was found out about one port of one protocol, in this network namespace unless
/// said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When the table was read.
    pub taken_at: Moment,
    /// Every socket whose local port it is, of both families and in all states.
    pub holders: Vec<Holder>,
    /// The owners of the holders and their ancestors, as far as they can be seen.
    pub processes: HashMap<Pid, Arc<Process>>,
    /// What decides about a bind besides other sockets.
    pub limits: Limits,
    /// Who uses the port in other network namespaces.
    pub elsewhere: Vec<Elsewhere>,
    /// Rules that send the port's traffic somewhere else.
    pub redirects: Vec<Redirect>,
    /// The containers that those send it to.
    pub redirect_targets: Vec<Behind>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

impl Evidence {
    /// Evidence of nothing but these sockets.
    pub fn new(taken_at: Moment, holders: Vec<Holder>) -> Self {
        Self {
            taken_at,
            holders,
            processes: HashMap::new(),
            limits: Limits::default(),
            elsewhere: Vec::new(),
            redirects: Vec::new(),
            redirect_targets: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Whether there may be sockets of the port that no row shows.
    pub fn may_lack_rows(&self) -> bool {
        let is_about_rows = |gap: &Gap| matches!(gap.code, GapCode::Table | GapCode::BoundSockets);
        self.gaps.iter().any(is_about_rows)
    }
}

/// How the kernel answered the binds that evidence is to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// None was refused because of another socket: what matters besides is where traffic goes.
    Open,
    /// Some were, and rows of the table are in the way.
    Refused,
    /// Some were, and no row of the table is in the way.
    Unexplained,
}

/// A socket with this local port, and what decides whether another one may be bound beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The socket as the table shows it, with its owner.
    pub socket: Arc<Socket>,
    /// The kernel's own flag that it takes no IPv4. A bind to one IPv6 address sets it as well
    /// (`__inet6_bind`), so for such an address `Some(false)` says that it was never bound to it.
    pub v6only: Option<bool>,
    /// Its options, where they could be read.
    pub options: Option<SocketOptions>,
    /// How long the kernel will keep it at least, for what ends by itself (`TIME_WAIT`, and an
    /// orphan in `FIN_WAIT2`).
    pub expires_in: Option<Duration>,
    /// Which side opened the connection.
    pub opening: Option<Opening>,
    /// Whether it was still there when its owner was looked for, after the binds.
    pub is_still_open: bool,
    /// Where its owner has it.
    pub found_in: FoundIn,
    /// What systemd holds it for.
    pub activation: Option<Activation>,
    /// Whether its unit is one of a user's own manager (`systemctl --user`).
    pub is_user_unit: bool,
    /// Of a listener whose accept queue is full: whether it accepted nothing between two looks that were a tenth
    /// of a second apart.
    pub has_stalled: Option<bool>,
    /// What is behind each of its owners that was looked at, by pid.
    pub backgrounds: Vec<Background>,
    /// What is behind its port where its owner is not known.
    pub behind: Option<Behind>,
    /// The service that it belongs to where its owner is not known: all of that unit's processes descend from
    /// its main one.
    pub hidden_unit: Option<Unit>,
    /// The manager of its socket unit.
    pub manager: Option<Manager>,
}

impl Holder {
    /// A socket of which nothing but its row is known.
    pub fn new(socket: Socket) -> Self {
        Self {
            v6only: socket.dual_stack.map(|both| !both),
            socket: Arc::new(socket),
            options: None,
            expires_in: None,
            opening: None,
            is_still_open: true,
            found_in: FoundIn::Descriptors,
            activation: None,
            is_user_unit: false,
            has_stalled: None,
            backgrounds: Vec::new(),
            behind: None,
            hidden_unit: None,
            manager: None,
        }
    }
}

/// Options of a socket that decide about sharing its port, as `getsockopt` tells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// `SO_REUSEADDR`.
    pub reuse_address: bool,
    /// `SO_REUSEPORT`.
    pub reuse_port: bool,
}

/// Which side of a connection it is (RFC 9293, section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It called `connect`.
    Active,
    /// It was accepted from a listener.
    Passive,
}

/// Where the descriptor of a socket was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundIn {
    /// In the descriptor table of its processes, where every tool looks.
    Descriptors,
    /// In the table of a single thread (`unshare(CLONE_FILES)`), or of a process whose first
    /// thread has ended.
    Thread,
    /// Registered with an `io_uring` of the process, with no descriptor.
    Ring,
    /// In a message on a unix socket of the process (`SCM_RIGHTS`).
    InFlight,
}

/// What systemd listens for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The unit that asked for the socket, `nginx.socket`.
    pub socket_unit: Text,
    /// The unit that a first connection starts, `nginx.service`.
    pub service: Text,
}

/// What decides about a bind besides other sockets. What could not be read is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The first port that needs no privilege (`net.ipv4.ip_unprivileged_port_start`; it governs
    /// IPv6 and UDP too).
    pub unprivileged_from: Option<u16>,
    /// Whether this process has `CAP_NET_BIND_SERVICE` in its own user namespace.
    pub has_bind_capability: Option<bool>,
    /// Whether it runs in a user namespace other than the first one, whose capabilities may mean
    /// nothing to the network namespace.
    pub is_in_user_namespace: Option<bool>,
    /// The ports that the kernel gives to outgoing connections (`net.ipv4.ip_local_port_range`).
    pub ephemeral: Option<RangeInclusive<u16>>,
    /// Ports that it leaves out of that (`net.ipv4.ip_local_reserved_ports`).
    pub reserved: Option<Vec<RangeInclusive<u16>>>,
    /// Whether IPv6 is switched off (`net.ipv6.conf.all.disable_ipv6`), or not there at all.
    pub is_ipv6_off: Option<bool>,
    /// The active security modules, in the kernel's order.
    pub security_modules: Option<Vec<Text>>,
    /// The effective uid that binds.
    pub uid: Option<u32>,
    /// The user who became root by `sudo` to ask: what the answer advises is typed by that user.
    pub sudo_uid: Option<u32>,
    /// The home folder of the user who asks (`HOME`).
    pub home: Option<Text>,
    /// Whether nobody gains a privilege from here, by `sudo` for one (`no_new_privs`).
    pub is_confined: bool,
    /// The systemd unit that this process runs in, whose rules hold for its binds.
    pub unit: Option<Text>,
    /// IPv6 addresses of this host that can't be bound although they are there.
    pub unready: Vec<(Ipv6Addr, Readiness)>,
    /// Port ranges that Windows has set aside.
    pub excluded: Option<Vec<RangeInclusive<u16>>>,
}

/// Why an address of this host can't be bound (RFC 4862, section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The kernel still checks whether another host has it.
    Tentative,
    /// Another host has it.
    Duplicate,
}

impl Limits {
    /// Whether the kernel may give this port to an outgoing connection.
    pub fn is_ephemeral(&self, port: u16) -> bool {
        let in_range = self.ephemeral.as_ref().is_some_and(|r| r.contains(&port));
        in_range && !self.is_reserved(port)
    }

    /// Whether the port was set aside with `ip_local_reserved_ports`.
    pub fn is_reserved(&self, port: u16) -> bool {
        let reserved = self.reserved.as_ref();
        reserved.is_some_and(|ranges| ranges.iter().any(|range| range.contains(&port)))
    }

    /// Whether binding this port takes a privilege.
    pub fn is_privileged(&self, port: u16) -> bool {
        self.unprivileged_from.is_some_and(|first| port < first)
    }
}

/// A socket of another network namespace with the same port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its own address there.
    pub local: Endpoint,
    /// The process that has it; `None` where that can't be seen.
    pub owner: Option<Serving>,
    /// The first process of that namespace, which names it.
    pub member: super::Pid,
    /// The container or unit that it runs in.
    pub placed_in: Option<Text>,
}

/// What a gap in the evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCode {
    /// The table of sockets, or a part of it.
    Table,
    /// Sockets that are only bound: this kernel does not list them.
    BoundSockets,
    /// Owners of sockets.
    Owners,
    /// Options of sockets.
    Options,
    /// Limits of the system.
    Limits,
    /// The active security modules.
    SecurityModules,
    /// Other network namespaces.
    Namespaces,
    /// Rules of the packet filter.
    Redirects,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Gap {
    /// What it is about.
    pub code: GapCode,
    /// What is not known and why, in one sentence without a full stop.
    pub message: Text,
}

impl Gap {
    /// A gap, told in one sentence.
    pub fn new(code: GapCode, message: &str) -> Self {
        let message = Text::new(message);
        Self { code, message }
    }
}
