//! The exact commands that remedies name, made for the case at hand. Nothing here runs them; somebody will,
//! so names go through `shell`.

use std::sync::Arc;

use super::phrases::beside_systemd;
use super::shell::{container_operand, shell_word, unit_operands};
use super::words::Words;
use crate::model::{Holder, Limits, Process, Protocol, State};

/// A command with more addresses than this helps nobody.
const MAX_PLACES: usize = 4;

impl Words<'_> {
    /// The processes to end so that the port is free: of those that share a socket, the ones that
    /// started the others.
    pub(super) fn kill(&self) -> Option<String> {
        let held = self
            .case
            .alike()
            .filter(|holder| holder.activation.is_none());
        let processes: Vec<&Arc<Process>> = held
            .flat_map(|holder| holder.socket.owner.present())
            .collect();
        let has_parent_here = |process: &&&Arc<Process>| {
            let parent = process.parent;
            processes.iter().any(|other| Some(other.pid) == parent)
        };
        let roots = processes.iter().filter(|one| !has_parent_here(one));
        let mut pids: Vec<_> = roots
            .map(|process| process.pid)
            .filter(|&pid| pid != 1)
            .collect();
        pids.sort_unstable();
        pids.dedup();
        let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
        (!pids.is_empty()).then(|| format!("kill {}", pids.join(" ")))
    }

    /// Only if systemd itself started the process: what merely runs in a unit (a shell of sshd's, a
    /// job of cron's) is not what the unit is for.
    pub(super) fn stop_unit(&self) -> Option<String> {
        let holder = self.case.principal()?;
        if holder.activation.is_some() || holder.socket.container.is_some() {
            return None;
        }
        let unit = holder.socket.unit.as_ref()?;
        let mut processes = holder.socket.owner.present().iter();
        let is_main = processes.any(|process| process.parent == Some(1));
        let operand = unit_operands(&[unit]).filter(|_| is_main && unit.ends_with(".service"))?;
        Some(format!("systemctl {}stop {operand}", manager(holder)))
    }

    pub(super) fn stop_socket_unit(&self) -> Option<String> {
        let holder = self.case.principal()?;
        let Some(activation) = &holder.activation else {
            return None;
        };
        let mut units = vec![&*activation.socket_unit];
        if !beside_systemd(holder).is_empty() {
            units.push(&activation.service);
        }
        let (manager, units) = (manager(holder), unit_operands(&units)?);
        Some(format!("systemctl {manager}stop {units}"))
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

const fn manager(holder: &Holder) -> &'static str {
    if holder.is_user_unit { "--user " } else { "" }
}

pub(super) fn stop_container(holder: &Holder) -> Option<String> {
    let container = container_operand(holder.socket.container.as_ref()?)?;
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
