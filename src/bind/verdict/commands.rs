//! The exact commands that remedies name, made for the case at hand. Nothing here runs them.

use std::sync::Arc;

use super::phrases::beside_systemd;
use super::words::Words;
use crate::model::{Holder, Limits, Place, Process, Protocol, State};

impl Words<'_> {
    /// The processes to end: of those that share it, the ones that started the others.
    pub(super) fn kill(&self) -> Option<String> {
        let holder = self.case.principal()?;
        // What is merely likely to have it is not to be ended for it.
        if holder.activation.is_some() || holder.place == Place::InFlight {
            return None;
        }
        let processes = holder.socket.owner.present();
        let has_parent_here = |process: &&Arc<Process>| {
            let parent = process.parent;
            !processes.iter().any(|other| Some(other.pid) == parent)
        };
        let roots: Vec<_> = processes
            .iter()
            .filter(has_parent_here)
            .filter(|process| process.pid != 1)
            .map(|process| process.pid.to_string())
            .collect();
        (!roots.is_empty()).then(|| format!("kill {}", roots.join(" ")))
    }

    pub(super) fn stop_unit(&self) -> Option<String> {
        let holder = self.case.principal()?;
        if holder.activation.is_some() || holder.socket.container.is_some() {
            return None;
        }
        let unit = holder.socket.unit.as_ref()?;
        unit.ends_with(".service")
            .then(|| format!("systemctl {}stop {unit}", manager(holder)))
    }

    pub(super) fn stop_socket_unit(&self) -> Option<String> {
        let holder = self.case.principal()?;
        let Some(activation) = &holder.activation else {
            return None;
        };
        let service = if beside_systemd(holder).is_empty() {
            String::new()
        } else {
            format!(" {}", activation.service)
        };
        let (manager, unit) = (manager(holder), &activation.socket_unit);
        Some(format!("systemctl {manager}stop {unit}{service}"))
    }

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
        let port = self.case.port();
        Some(format!("ss -Kt {} 'sport = :{port}'", states.join(" ")))
    }

    pub(super) fn as_root(&self) -> Option<String> {
        let is_root = self.case.limits().uid == Some(0);
        (!is_root).then(|| format!("sudo sockeye check {}", self.case.examination.target))
    }
}

const fn manager(holder: &Holder) -> &'static str {
    if holder.is_user_unit { "--user " } else { "" }
}

pub(super) fn stop_container(holder: &Holder) -> Option<String> {
    let container = holder.socket.container.as_ref()?;
    let unit = holder.socket.unit.as_deref().unwrap_or_default();
    let engine = match unit {
        unit if unit.starts_with("docker-") => "docker stop",
        unit if unit.starts_with("libpod-") => "podman stop",
        unit if unit.starts_with("nerdctl-") => "nerdctl stop",
        unit if unit.starts_with("machine-") => "machinectl poweroff",
        _ => return None,
    };
    Some(format!("{engine} {container}"))
}

/// The command that adds the port to those that the kernel leaves out, if it is not among them.
pub(super) fn reserve(limits: &Limits, port: u16) -> Option<String> {
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
