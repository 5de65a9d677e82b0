//! The data model: sockets, the processes that own them, snapshots of both, and evidence about one port.
//!
//! Pure values without a clock, an operating system or a terminal. All displayed text from outside the program is a
//! [`Text`], which can't contain control characters.

mod background;
mod closed;
mod evidence;
mod moment;
mod namespace;
mod origin;
mod port;
mod problem;
mod process;
mod recent;
mod snapshot;
mod socket;
mod text;
mod unix_evidence;

pub use background::{
    AlsoEnds, AlsoEndsKind, Background, Behind, BehindKind, EndRisk, Engine, KeptFor, Manager,
    Quick, Reaction, Restarts, Run, Serving, Supervisor, SupervisorKind, Term, Unit,
};
pub use closed::{ClosedSocket, LostCloses};
pub use evidence::{
    Activation, Answered, Elsewhere, Evidence, FoundIn, Gap, GapCode, Holder, Limits, Opening,
    Readiness, SocketOptions,
};
pub use moment::{Age, Moment};
pub use namespace::{
    Container, Inside, Namespace, NamespaceFile, NamespaceId, NamespaceScope, Published,
    PublishedBy,
};
pub use origin::{Capabilities, Origin};
pub(crate) use port::BuildSpread;
pub use port::{
    Destination, EphemeralPorts, EphemeralUse, PortUsage, Redirect, RedirectTarget,
    RedirectedPackets, Services, TimeWaitReuse, service_name,
};
pub use problem::{Problem, ProblemCode};
pub use process::{
    Guard, LeftOver, Lineage, Member, Pid, Process, ProcessRule, ProgramFacts, Signal, StartedBy,
    StarterKind,
};
pub(crate) use recent::Recent;
pub use snapshot::{Playback, Refresh, RefreshTimings, Snapshot};
pub use socket::{
    AcceptQueue, Counted, Counters, EarlierCounters, Endpoint, Family, Fill, Kinds, Owner,
    OwnerKind, PacketSocket, PacketType, Portless, Protocol, Queue, RawSocket, Scope, Socket,
    State, TcpInfo, UnixKind, UnixName, UnixPeer, UnixSocket, Zone,
};
pub use text::{Text, clean, counted, duration, excerpt, size, time};
pub(crate) use text::{all_listed, listed};
pub use unix_evidence::{
    AtPath, Connected, Folder, SocketFile, UnixAddress, UnixEvidence, UnixHolder,
};
