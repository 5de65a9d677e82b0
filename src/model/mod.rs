//! What the program talks about: sockets, the processes that own them, one reading of both, and
//! what can be found out about one port.
//!
//! Pure values without a clock, an operating system or a terminal. Everything that came from
//! outside the program and is shown to a person is a [`Text`], which cannot hold a control
//! character; there is no other way into the model.

mod accept_queue;
mod age;
mod background;
mod cost;
mod counted;
mod endpoint;
mod ephemeral;
mod evidence;
mod kinds;
mod lineage;
mod moment;
mod owner;
mod playback;
mod portless;
mod process;
mod redirect;
mod service;
mod snapshot;
mod socket;
mod spread;
mod text;
mod unix_socket;
mod zone;

pub use accept_queue::{AcceptQueue, Fill};
pub use age::Age;
pub use background::{
    AlsoEnds, AlsoEndsKind, Background, Behind, BehindKind, Engine, SupervisorKind, Supervisor, Manager,
    Quick, Reaction, Restarts, Run, Serving, EndRisk, Term, Unit,
};
pub use cost::{RefreshTimings, Refresh, millis_text};
pub use counted::counted;
pub use endpoint::{Endpoint, Family, Scope};
pub use ephemeral::{Destination, EphemeralPorts, EphemeralUse, Held, TimeWaitReuse};
pub use evidence::{
    Activation, Answered, Elsewhere, Evidence, FoundIn, Gap, GapCode, Holder, Limits, Opening,
    Readiness, SocketOptions,
};
pub use kinds::Kinds;
pub use lineage::{Guard, Lineage, Member};
pub use moment::Moment;
pub use owner::{Owner, OwnerKind};
pub use playback::Playback;
pub use portless::{PacketSocket, PacketType, Portless, RawSocket, UnixName, UnixPeer, UnixSocket};
pub use process::{Pid, Process, ProgramFacts};
pub use redirect::{Redirect, RedirectTarget, RedirectedPackets};
pub use service::{Services, service_name, service_names, service_port, service_ports};
pub use snapshot::{Problem, ProblemCode, Snapshot};
pub use socket::{Protocol, Queue, Socket, State};
pub(crate) use spread::BuildSpread;
pub use text::{Text, clean};
pub use unix_socket::{
    AtPath, Connected, Folder, SocketFile, UnixAddress, UnixEvidence, UnixHolder, UnixKind,
};
pub use zone::Zone;
