//! The evidence about one port, for the verdict of a bind test.
//!
//! Values only: `bind` explains them. A failed read is a [`Gap`], never a guess.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{
    Background, Behind, Endpoint, Inside, Manager, Moment, Namespace, Pid, Process, Redirect,
    Serving, Socket, State, Text, Unit,
};

/// The evidence about one port of one protocol, in this network namespace unless stated otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When the table was read.
    pub taken_at: Moment,
    /// Every socket with this local port, of both families and in all states.
    pub holders: Vec<Holder>,
    /// The visible owners of the holders, and their ancestors.
    pub processes: HashMap<Pid, Arc<Process>>,
    /// Other limits on a bind.
    pub limits: Limits,
    /// Sockets on the port in other network namespaces.
    pub elsewhere: Vec<Elsewhere>,
    /// Rules of the packet filter that redirect the port.
    pub redirects: Vec<Redirect>,
    /// The containers that these redirect to.
    pub redirect_targets: Vec<Behind>,
    /// The gaps: what could not be read.
    pub gaps: Vec<Gap>,
}

impl Evidence {
    /// Evidence with only these sockets.
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

    /// Whether the port may have sockets without a row.
    pub fn may_lack_rows(&self) -> bool {
        let is_about_rows = |gap: &Gap| matches!(gap.code, GapCode::Table | GapCode::BoundSockets);
        self.gaps.iter().any(is_about_rows)
    }

    /// The inodes of the sockets that wait for peers.
    pub fn waiting_inodes(&self) -> impl Iterator<Item = u32> + '_ {
        let sockets = self.holders.iter().map(|holder| &holder.socket);
        let waiting = sockets
            .filter(|socket| matches!(socket.state, State::Listen | State::Unconn | State::Bound));
        waiting.filter_map(|socket| socket.inode)
    }
}

/// The results of the binds to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// None was refused because of another socket: only redirects matter.
    Open,
    /// Some were refused, and rows of the table explain that.
    Refused,
    /// Some were refused, and no row of the table explains that.
    Unexplained,
}

/// A socket with this local port, and what determines whether another can share the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The socket as the table shows it, with its owner.
    pub socket: Arc<Socket>,
    /// The kernel's flag for IPv6 only. A bind to one IPv6 address sets it too (`__inet6_bind`), so for such an address
    /// `Some(false)` means that it was never bound to it.
    pub v6only: Option<bool>,
    /// Its options, if they could be read.
    pub options: Option<SocketOptions>,
    /// How long the kernel keeps it at least, if it ends by itself (`TIME_WAIT`, or an orphan in `FIN_WAIT2`).
    pub expires_in: Option<Duration>,
    /// Which side opened the connection.
    pub opening: Option<Opening>,
    /// Whether it was still open when its owner was searched, after the binds.
    pub is_still_open: bool,
    /// Where the owner's descriptor is.
    pub found_in: FoundIn,
    /// The units that systemd opened it for.
    pub activation: Option<Activation>,
    /// Whether its unit belongs to a user manager (`systemctl --user`).
    pub is_user_unit: bool,
    /// For a listener whose accept queue is full: whether it accepted nothing within a tenth of a second.
    pub has_stalled: Option<bool>,
    /// The background of its owners, by pid.
    pub backgrounds: Vec<Background>,
    /// The background of its port, if its owner is unknown.
    pub behind: Option<Behind>,
    /// Its service, if its owner is unknown: all processes of that unit descend from its main process.
    pub hidden_unit: Option<Unit>,
    /// The manager of its socket unit.
    pub manager: Option<Manager>,
}

impl Holder {
    /// A socket with only its row.
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

/// Options of a socket that matter for sharing its port, as `getsockopt` returns them.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundIn {
    /// In the descriptor table of its processes.
    Descriptors,
    /// In the table of a single thread (`unshare(CLONE_FILES)`), or of a process whose first
    /// thread has ended.
    Thread,
    /// Registered with an `io_uring` of the process, with no descriptor.
    #[serde(rename = "io_uring")]
    Ring,
    /// In a message on a unix socket of the process (`SCM_RIGHTS`).
    InFlight,
}

/// The units of a socket opened by systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The socket unit, `nginx.socket`.
    pub socket_unit: Text,
    /// The unit that a first connection starts, `nginx.service`.
    pub service: Text,
}

/// Limits on a bind besides other sockets; `None` if unreadable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The first port that needs no privilege (`net.ipv4.ip_unprivileged_port_start`, also for IPv6 and UDP).
    pub unprivileged_from: Option<u16>,
    /// Whether this process has `CAP_NET_BIND_SERVICE` in its own user namespace.
    pub has_bind_capability: Option<bool>,
    /// Whether it runs in another user namespace than the initial one; the network namespace may ignore its
    /// capabilities.
    pub is_in_user_namespace: Option<bool>,
    /// The port range for outgoing connections (`net.ipv4.ip_local_port_range`).
    pub ephemeral: Option<RangeInclusive<u16>>,
    /// Ports excluded from that range (`net.ipv4.ip_local_reserved_ports`).
    pub reserved: Option<Vec<RangeInclusive<u16>>>,
    /// Whether IPv6 is off (`net.ipv6.conf.all.disable_ipv6`) or missing.
    pub is_ipv6_off: Option<bool>,
    /// The active security modules, in the kernel's order.
    pub security_modules: Option<Vec<Text>>,
    /// The effective uid that binds.
    pub uid: Option<u32>,
    /// The user who ran `sudo`, and will type the commands of the fixes.
    pub sudo_uid: Option<u32>,
    /// The user's home folder (`HOME`).
    pub home: Option<Text>,
    /// Whether no program can gain a privilege, so that `sudo` fails (`no_new_privs`).
    pub is_confined: bool,
    /// The systemd unit of this process, whose rules apply to its binds.
    pub unit: Option<Text>,
    /// IPv6 addresses that this host has but can't bind.
    pub unready: Vec<(Ipv6Addr, Readiness)>,
    /// The network namespace that the binds were made in; `None` for that of this program.
    pub inside: Option<Arc<Inside>>,
    /// Port ranges that Windows excludes.
    pub excluded: Option<Vec<RangeInclusive<u16>>>,
}

impl Limits {
    /// The network namespace that the binds were made in; `None` for that of this program.
    pub fn namespace(&self) -> Option<&Arc<Namespace>> {
        self.inside.as_ref().map(|inside| &inside.namespace)
    }
}

/// Why an address of this host can't be bound (RFC 4862, section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The kernel is still checking whether another host has it.
    Tentative,
    /// Another host has it.
    Duplicate,
}

impl Limits {
    /// Whether an outgoing connection may get this port.
    pub fn is_ephemeral(&self, port: u16) -> bool {
        let in_range = self.ephemeral.as_ref().is_some_and(|r| r.contains(&port));
        in_range && !self.is_reserved(port)
    }

    /// Whether the port is reserved with `ip_local_reserved_ports`.
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
    /// Its owner, if that can be seen.
    pub owner: Option<Serving>,
    /// The first process of that namespace, used as its name.
    pub member: Pid,
    /// The container that it runs in: its name, or else its id.
    pub container: Option<Text>,
    /// The unit that it runs in, if it is in no container.
    pub unit: Option<Text>,
    /// Whether its namespace is the one that this program runs in, as the binds were made in another one.
    pub is_outside: bool,
    /// The ports of the host that its container publishes this port on; `None` if that is unknown or it has none.
    pub published_on: Option<Vec<u16>>,
}

/// The subject of a gap in the evidence.
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
    /// What is unknown and why, in one sentence without a full stop.
    pub message: Text,
}

impl Gap {
    /// A gap with its sentence.
    pub fn new(code: GapCode, message: &str) -> Self {
        let message = Text::new(message);
        Self { code, message }
    }
}
