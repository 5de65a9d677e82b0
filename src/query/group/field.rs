//! The fields to group by, and the key of a row in each.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use strum::VariantArray;

use crate::columns::{ColumnId, namespace_name};
use crate::model::{Owner, OwnerKind, Pid, Process, State, Text};
use crate::query::texts::Texts;
use crate::track::Row;

/// A field to group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum GroupBy {
    /// The owner, by its pid: of several the first, as the process column shows it.
    Process,
    /// The own port, of every protocol.
    Port,
    /// The address of the peer.
    Peer,
    /// The network of that address: /24 of IPv4, /64 of IPv6.
    Network,
    /// The state.
    State,
    /// The user that the socket belongs to.
    User,
    /// The systemd unit.
    Unit,
    /// The container, with the ports that it publishes.
    Container,
    /// The network namespace.
    Namespace,
    /// The project of the process.
    Project,
    /// The git branch of that.
    Branch,
    /// What started the process.
    Started,
}

impl GroupBy {
    /// Every field, in the order in which help lists them.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Port => "port",
            Self::Peer => "peer",
            Self::Network => "network",
            Self::State => "state",
            Self::User => "user",
            Self::Unit => "unit",
            Self::Container => "container",
            Self::Namespace => "namespace",
            Self::Project => "project",
            Self::Branch => "branch",
            Self::Started => "started",
        }
    }

    /// The field with that name.
    pub fn by_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// What its groups are, for help.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Process => "the process, by pid; if several share a socket, the first",
            Self::Port => "the local port",
            Self::Peer => "the peer's address",
            Self::Network => "the peer's network: /24 of IPv4, /64 of IPv6",
            Self::State => "the state",
            Self::User => "the user that the socket belongs to",
            Self::Unit => "the systemd unit",
            Self::Container => "the container, with the ports that it publishes",
            Self::Namespace => "the network namespace",
            Self::Project => "the folder of the process's project",
            Self::Branch => "the git branch of that project",
            Self::Started => "what started the process: tmux, ssh, an agent, a service",
        }
    }

    /// The column that orders the groups by their keys.
    pub const fn column(self) -> ColumnId {
        match self {
            Self::Process => ColumnId::Process,
            Self::Port => ColumnId::Port,
            Self::Peer | Self::Network => ColumnId::Remote,
            Self::State => ColumnId::State,
            Self::User => ColumnId::User,
            Self::Unit => ColumnId::Unit,
            Self::Container => ColumnId::Container,
            Self::Namespace => ColumnId::Namespace,
            Self::Project => ColumnId::Project,
            Self::Branch => ColumnId::Branch,
            Self::Started => ColumnId::Started,
        }
    }

    /// The key of a row.
    pub fn key(self, row: &Row) -> GroupKey {
        let socket = &row.socket;
        let key = match self {
            Self::Process => Some(process_key(&socket.owner)),
            Self::Port => socket.port().map(GroupKey::Port),
            Self::Peer => peer(row).map(GroupKey::Address),
            Self::Network => peer(row).map(|peer| GroupKey::Network(network(peer))),
            Self::State => Some(GroupKey::State(present_state(row))),
            Self::User => match &socket.user {
                Some(user) => Some(GroupKey::Text(user.clone())),
                None => socket.uid.map(GroupKey::Uid),
            },
            Self::Unit => socket.unit.clone().map(GroupKey::Text),
            Self::Container => socket.container_name().cloned().map(GroupKey::Text),
            Self::Namespace => Some(GroupKey::Text(match &socket.namespace {
                Some(other) => other.name.clone(),
                None => namespace_name(socket).into(),
            })),
            Self::Project => project(row).cloned().map(GroupKey::Text),
            Self::Branch => branch(row).cloned().map(GroupKey::Text),
            Self::Started => started(row).cloned().map(GroupKey::Text),
        };
        key.unwrap_or(GroupKey::None)
    }

    /// The key of a row in numbers: the same for rows of the same key.
    pub(super) fn number<'a>(self, row: &'a Row, texts: &mut Texts<'a>) -> KeyNumber {
        let socket = &row.socket;
        let mut text = |text: &'a Text| Some((0, texts.number((**text).into()) as u128));
        match self {
            Self::Process => match socket.owner.processes().first() {
                Some(process) => Some((process.pid.into(), start(process).into())),
                None => Some((1 << 32 | socket.owner.kind() as u64, 0)),
            },
            Self::Port => socket.port().map(|port| (port.into(), 0)),
            Self::Peer => peer(row).map(bits),
            Self::Network => peer(row).map(|peer| bits(network(peer))),
            Self::State => Some((present_state(row) as u64, 0)),
            Self::User => match &socket.user {
                Some(user) => text(user),
                None => socket.uid.map(|uid| (1, uid.into())),
            },
            Self::Unit => socket.unit.as_ref().and_then(text),
            Self::Container => socket.container_name().and_then(text),
            Self::Namespace => Some((0, texts.number(namespace_name(socket).into()) as u128)),
            Self::Project => project(row).and_then(text),
            Self::Branch => branch(row).and_then(text),
            Self::Started => started(row).and_then(text),
        }
    }
}

/// A key in numbers; `None` if the row has no value there.
pub(super) type KeyNumber = Option<(u64, u128)>;

/// What the rows of a group have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupKey {
    /// A process.
    Process {
        /// What a person calls it.
        name: Text,
        /// Its pid.
        pid: Pid,
        /// When it started, in ticks or seconds: pids are reused.
        started: u64,
    },
    /// Owners that can't be named: hidden ones, the kernel, or those that were not searched for yet.
    Owner(OwnerKind),
    /// A port.
    Port(u16),
    /// The address of a peer; a v4-mapped one as the IPv4 address in it.
    Address(IpAddr),
    /// The first address of a network.
    Network(IpAddr),
    /// A state; `CLOSED` of a row that only lingers.
    State(State),
    /// A name.
    Text(Text),
    /// A user without a name.
    Uid(u32),
    /// The rows have no value in this field.
    None,
}

impl GroupKey {
    /// Names in the order of their letters, numbers and addresses by value; what has no name after them, nothing last.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let by_name = |one: &str, other: &str| {
            let lower = |byte: u8| byte.to_ascii_lowercase();
            let ignoring_case = one.bytes().map(lower).cmp(other.bytes().map(lower));
            ignoring_case.then_with(|| one.cmp(other))
        };
        match (self, other) {
            (
                Self::Process { name, pid, started },
                Self::Process {
                    name: other_name,
                    pid: other_pid,
                    started: other_started,
                },
            ) => by_name(name, other_name).then((pid, started).cmp(&(other_pid, other_started))),
            (Self::Owner(one), Self::Owner(other)) => (*one as u8).cmp(&(*other as u8)),
            (Self::Port(one), Self::Port(other)) => one.cmp(other),
            (Self::Address(one), Self::Address(other))
            | (Self::Network(one), Self::Network(other)) => one.cmp(other),
            (Self::State(one), Self::State(other)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => by_name(one, other),
            (Self::Uid(one), Self::Uid(other)) => one.cmp(other),
            (one, other) => one.rank().cmp(&other.rank()),
        }
    }

    /// The place of its kind among those of one field.
    const fn rank(&self) -> u8 {
        match self {
            Self::Process { .. }
            | Self::Port(_)
            | Self::Address(_)
            | Self::Network(_)
            | Self::State(_)
            | Self::Text(_) => 0,
            Self::Owner(_) | Self::Uid(_) => 1,
            Self::None => 2,
        }
    }
}

impl fmt::Display for GroupKey {
    /// `python3 pg.py(813)`, `hidden`, `5432`, `10.0.0.7`, `10.0.0.0/24`, `ESTABLISHED`, `–`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { name, pid, .. } => write!(f, "{name}({pid})"),
            Self::Owner(OwnerKind::Unknown) => f.write_str("…"),
            Self::Owner(kind) => f.write_str(kind.as_str()),
            Self::Port(port) => port.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Network(first) => write!(f, "{first}/{}", prefix_length(*first)),
            Self::State(state) => state.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Uid(uid) => uid.fmt(f),
            Self::None => f.write_str("–"),
        }
    }
}

/// The state now; a row that only lingers is `CLOSED`.
pub(super) fn present_state(row: &Row) -> State {
    if row.is_closed() {
        State::Closed
    } else {
        row.socket.state
    }
}

fn process_key(owner: &Owner) -> GroupKey {
    match (owner.processes().first(), owner.kind()) {
        (Some(process), _) => GroupKey::Process {
            name: process.name.clone(),
            pid: process.pid,
            started: start(process),
        },
        (None, OwnerKind::Known | OwnerKind::Former | OwnerKind::Inferred | OwnerKind::None) => {
            GroupKey::None
        }
        (None, kind) => GroupKey::Owner(kind),
    }
}

/// What distinguishes a process from others with its pid.
fn start(process: &Process) -> u64 {
    let seconds = || process.started_at.map(jiff::Timestamp::as_second);
    let seconds = || seconds().and_then(|seconds| seconds.try_into().ok());
    process.started_at_tick.or_else(seconds).unwrap_or(0)
}

/// Of several owners the first one's, as the process column shows that one.
fn project(row: &Row) -> Option<&Text> {
    row.socket.owner.processes().first()?.project.as_ref()
}

fn branch(row: &Row) -> Option<&Text> {
    row.socket.owner.processes().first()?.branch.as_ref()
}

fn started(row: &Row) -> Option<&Text> {
    let by = row.socket.owner.processes().first()?.started_by.as_ref()?;
    Some(&by.name)
}

fn peer(row: &Row) -> Option<IpAddr> {
    Some(row.socket.remote?.to_canonical().address)
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let host_bits = 32 - prefix_length(address);
            Ipv4Addr::from_bits(v4.to_bits() >> host_bits << host_bits).into()
        }
        IpAddr::V6(v6) => {
            let host_bits = 128 - prefix_length(address);
            Ipv6Addr::from_bits(v6.to_bits() >> host_bits << host_bits).into()
        }
    }
}

const fn prefix_length(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 24,
        IpAddr::V6(_) => 64,
    }
}

fn bits(address: IpAddr) -> (u64, u128) {
    match address {
        IpAddr::V4(v4) => (4, v4.to_bits().into()),
        IpAddr::V6(v6) => (6, v6.to_bits()),
    }
}
