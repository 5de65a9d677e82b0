//! What ports are for: their services, where their packets go instead, and which are left for connections.

mod ephemeral;
mod redirect;
mod service;

pub use ephemeral::{Destination, EphemeralPorts, EphemeralUse, PortUsage, TimeWaitReuse};
pub use redirect::{Redirect, RedirectTarget, RedirectedPackets};
pub use service::{Services, service_name};
