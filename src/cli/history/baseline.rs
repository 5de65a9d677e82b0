//! What `list --json` printed, as far as `diff` compares it.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use sockeye::model::{Pid, Protocol, State, Text};
use sockeye::query::{NamespaceTarget, PortKey, PortOwner, Ports, is_port};

/// The output of `list --json`.
#[derive(Deserialize)]
pub(super) struct Listing {
    pub taken_at: Timestamp,
    #[serde(default)]
    pub redacted: bool,
    processes: HashMap<String, Process>,
    sockets: Vec<Socket>,
}

#[derive(Deserialize)]
struct Process {
    name: String,
    user: Option<String>,
}

#[derive(Deserialize)]
struct Socket {
    protocol: Protocol,
    local: Option<End>,
    remote: Option<End>,
    state: State,
    pids: Vec<Pid>,
    namespace: Option<Namespace>,
}

#[derive(Deserialize)]
struct End {
    address: IpAddr,
    port: Option<u16>,
}

#[derive(Deserialize)]
struct Namespace {
    inode: Option<u64>,
    name: String,
}

/// Whether a file that begins so is the output of `list --json`. A recording has no processes by pid.
pub(super) fn is_listing(begin: &[u8]) -> bool {
    let begin = String::from_utf8_lossy(begin);
    let compact: String = begin.chars().filter(|c| !c.is_whitespace()).collect();
    compact.starts_with("{\"schema\":2,\"taken_at\":\"")
}

impl Listing {
    /// Its ports in these namespaces. A name is that of the namespace.
    pub fn ports(&self, target: &NamespaceTarget) -> Ports {
        let mut ports = Ports::new();
        for socket in &self.sockets {
            let is_one = is_port(socket.protocol, socket.state, socket.remote.is_some());
            let is_meant = match (target, &socket.namespace) {
                (NamespaceTarget::Own, namespace) => namespace.is_none(),
                (NamespaceTarget::All, _) => true,
                (_, None) => false,
                (NamespaceTarget::Named(name), Some(one)) => **name == *one.name,
                (NamespaceTarget::Process { inode, .. }, Some(one)) => one.inode == Some(*inode),
            };
            let Some(local) = socket.local.as_ref().filter(|_| is_one && is_meant) else {
                continue;
            };
            let Some(port) = local.port else { continue };
            let key = PortKey {
                namespace: socket.namespace.as_ref().map(|one| Text::new(&one.name)),
                protocol: socket.protocol,
                port,
                address: local.address,
            };
            let owners = ports.entry(key).or_default();
            owners.extend(socket.pids.iter().filter_map(|&pid| self.owner(pid)));
            owners.sort();
            owners.dedup();
        }
        ports
    }

    fn owner(&self, pid: Pid) -> Option<PortOwner> {
        let process = self.processes.get(&pid.to_string())?;
        Some(PortOwner {
            name: Text::new(&process.name),
            user: process.user.as_deref().map(Text::new),
            pid,
        })
    }
}
