//! Ports: their services, redirects, and the ports left for outgoing connections.

mod ephemeral;
mod redirect;
mod service;

pub use ephemeral::{Destination, EphemeralPorts, EphemeralUse, PortUsage, TimeWaitReuse};
pub use redirect::{Redirect, RedirectTarget, RedirectedPackets};
pub use service::{Services, service_name};
