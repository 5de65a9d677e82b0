//! The exact commands that remedies name, made for the case at hand. Nothing here runs them; somebody will,
//! so names go through `shell`.

use super::words::Words;
use crate::bind::shell_word;
use crate::model::{Limits, Protocol, State};

/// A command with more addresses than this helps nobody.
const MAX_PLACES: usize = 4;

impl Words<'_> {
    /// Has the kernel end what no process is needed for; a listener it would only hide.
    pub(super) fn destroy(&self) -> Option<String> {
        if self.case.protocol() == Protocol::Udp {
            return None;
        }
        let mut states: Vec<&str> = Vec::new();
        for holder in self.case.alike() {
            let state = match holder.socket.state {
                State::TimeWait => "time-wait",
                State::FinWait1 => "fin-wait-1",
                State::FinWait2 => "fin-wait-2",
                State::Closing => "closing",
                State::LastAck => "last-ack",
                State::CloseWait => "close-wait",
                State::Established => "established",
                _ => return None,
            };
            if !states.contains(&state) {
                states.push(state);
            }
        }
        let states: Vec<_> = states
            .iter()
            .map(|state| format!("state {state}"))
            .collect();
        let mut places: Vec<_> = self.case.alike().map(|one| one.socket.local).collect();
        places.sort_unstable();
        places.dedup();
        // Connections of others on the port, on other addresses, are left alone.
        let places: Vec<_> = places.iter().map(|place| format!("src {place}")).collect();
        (places.len() <= MAX_PLACES)
            .then(|| format!("ss -Kt {} '{}'", states.join(" "), places.join(" or ")))
    }

    pub(super) fn as_root(&self) -> Option<String> {
        let limits = self.case.limits();
        let may_become_root = limits.uid != Some(0) && !limits.is_confined;
        let target = self.case.examination.target.to_string();
        may_become_root.then(|| format!("sudo sockeye check {}", shell_word(&target)))
    }
}

/// The command that adds the port to those that the kernel leaves out, if it is not among them.
pub(in crate::bind) fn reserve(limits: &Limits, port: u16) -> Option<String> {
    if !limits.is_ephemeral(port) {
        return None;
    }
    let reserved = limits.reserved.as_ref()?;
    let ranges = reserved
        .iter()
        .map(|range| match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        });
    let all: Vec<_> = ranges.chain(std::iter::once(port.to_string())).collect();
    Some(format!(
        "sysctl net.ipv4.ip_local_reserved_ports={}",
        all.join(",")
    ))
}
