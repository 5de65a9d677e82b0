//! Choosing a free port: by binding it and keeping it, never by reading a table.
//!
//! A table can be stale, and two programs may pick the same gap; a bound port is taken. `skip_reasons` has reasons against a
//! port, `service_ports` has the order for a project; only `claim` touches the operating system.

mod claim;
mod service_ports;
mod skip_reasons;
#[cfg(test)]
mod tests;

pub use claim::{Claim, Refusal};
pub use service_ports::{SERVICE_PORTS, service_ports};
pub use skip_reasons::{SkipReason, browsers_refuse, has_only_leftovers, skip_reason};

use super::{Address, ProbeResult};
use crate::model::Protocol;

/// The request for a free port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRequest {
    /// With TCP.
    pub tcp: bool,
    /// With UDP.
    pub udp: bool,
    /// On these addresses.
    pub address: Address,
}

impl PortRequest {
    /// The protocols, TCP first.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> + use<> {
        let tcp = self.tcp.then_some(Protocol::Tcp);
        tcp.into_iter().chain(self.udp.then_some(Protocol::Udp))
    }
}

/// The result of a search. All ports that were found are bound at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<C> {
    /// The ports that were found, at most as many as were wanted.
    pub found: Vec<C>,
    /// The ports that were tried before and not taken, in their order.
    pub passed_over: Vec<(u16, SkipReason)>,
    /// Whether the kernel, which was to choose, has none left.
    pub is_exhausted: bool,
    /// The ports among those found that were taken because no better one was free, each with its reason.
    pub second_best: Vec<(u16, SkipReason)>,
}

/// Tries `ports` in their order until `claim` has bound `count` of them.
///
/// Ports with a `reason_to_skip` come last, and are taken only if no other can be bound.
/// `claim` may be called with port 0, and then says which one it refused; `doubt` may still reject a port that was just
/// bound.
///
/// # Errors
/// A refusal that says nothing about the port: no descriptors left, no such address.
pub fn choose<C>(
    ports: impl IntoIterator<Item = u16>,
    count: usize,
    reason_to_skip: impl Fn(u16) -> Option<SkipReason>,
    mut claim: impl FnMut(u16) -> Result<C, Refusal>,
    mut doubt: impl FnMut(u16) -> Option<SkipReason>,
) -> Result<Choice<C>, Refusal> {
    let mut choice = Choice {
        found: Vec::new(),
        passed_over: Vec::new(),
        is_exhausted: false,
        second_best: Vec::new(),
    };
    // Indices of `passed_over`.
    let mut candidates = Vec::new();
    for port in ports {
        if choice.found.len() == count {
            return Ok(choice);
        }
        let claimed = match reason_to_skip(port) {
            Some(skip_reason) => Err(skip_reason),
            None => match claim(port) {
                Ok(claimed) => doubt(port).map_or(Ok(claimed), Err),
                Err(refusal) if refusal.port == 0 => {
                    reason(refusal)?;
                    choice.is_exhausted = true;
                    break;
                }
                Err(refusal) => {
                    choice.passed_over.push((refusal.port, reason(refusal)?));
                    continue;
                }
            },
        };
        match claimed {
            Ok(claimed) => choice.found.push(claimed),
            Err(skip_reason) => {
                candidates.push(choice.passed_over.len());
                choice.passed_over.push((port, skip_reason));
            }
        }
    }
    for at in candidates {
        if choice.found.len() == count {
            break;
        }
        let (port, skip_reason) = &mut choice.passed_over[at];
        match claim(*port) {
            Ok(claimed) => {
                choice.found.push(claimed);
                choice.second_best.push((*port, skip_reason.clone()));
            }
            Err(refusal) => *skip_reason = reason(refusal)?,
        }
    }
    let taken = &choice.second_best;
    let is_taken = |port| taken.iter().any(|(taken, _)| *taken == port);
    choice.passed_over.retain(|(port, _)| !is_taken(*port));
    Ok(choice)
}

/// The reason to skip a port after a refusal, or that refusal if it is about something else.
fn reason(refusal: Refusal) -> Result<SkipReason, Refusal> {
    match &refusal.result {
        result if result.is_in_use() => Ok(SkipReason::InUse),
        ProbeResult::Errno(name) if ["EACCES", "EPERM"].contains(&&**name) => {
            Ok(SkipReason::Denied(name.clone()))
        }
        _ => Err(refusal),
    }
}
