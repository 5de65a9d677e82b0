//! A network namespace other than the one that this program runs in, the containers in it, and the ports of ours that
//! lead into it.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Engine, Pid, Text};

/// Identifies a network namespace in a series of snapshots: the number in `/proc/PID/ns/net` is given to another one as
/// soon as it is free, this one never.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct NamespaceId(pub u32);

impl NamespaceId {
    /// The namespace that this program runs in.
    pub const OWN: Self = Self(0);
    /// No namespace: nothing is in it.
    pub const NONE: Self = Self(u32::MAX);
}

/// Another network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Which one it is.
    pub id: NamespaceId,
    /// Its number in `/proc/PID/ns/net`; `None` if this user may not read that of any process in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
    /// Its cookie in the kernel (`SO_NETNS_COOKIE`), which is never given to another one; `None` if it was not read. It means
    /// nothing on another machine, nor after a restart.
    #[serde(skip)]
    pub cookie: Option<u64>,
    /// What people call it: its container, its name for `ip netns`, its unit, or else the first process in it with the
    /// inode: `nginx 4026532254`.
    pub name: Text,
    /// The container that it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Arc<Container>>,
}

impl Namespace {
    /// `container web`, `network namespace blue`: what it is, with its name.
    pub fn describe(&self) -> String {
        match &self.container {
            Some(container) => format!("container {}", container.name),
            None => format!("network namespace {}", self.name),
        }
    }
}

/// The network namespace that a bind test was made in, if that is not the one that this program runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// Which one it is.
    pub namespace: Arc<Namespace>,
    /// What the option `-N` accepts for it; `None` if it accepts nothing that leads there.
    pub option: Option<Text>,
    /// What `nsenter` enters it by; `None` if there is nothing that another user could not exchange.
    pub enter: Option<NamespaceFile>,
}

/// A file that refers to a network namespace, for commands of root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceFile {
    /// `/proc/PID/ns/net` of this process.
    Process(Pid),
    /// This one. The path may have any characters but control characters.
    Path(Text),
}

/// A container, as its engine describes it. Unknown values are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The engine that runs it.
    pub engine: Option<Engine>,
    /// Its id, 12 digits.
    pub id: Option<Text>,
    /// Its name, or else its id.
    pub name: Text,
    /// Its image.
    pub image: Option<Text>,
    /// The project of `docker compose`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Text>,
    /// The service in that project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Text>,
    /// The pod that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Text>,
}

/// What publishes a port of a container on a port of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishedBy {
    /// A process with a socket: `docker-proxy`, `conmon`, `rootlessport`, `pasta` and the like.
    Proxy,
    /// Only a rule of the packet filter (DNAT): no socket has the port, and a bind to it succeeds.
    Rule,
}

/// A published port: where the traffic for a socket, or for an address without one, goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// What publishes it.
    pub by: PublishedBy,
    /// The virtual machine that it leads into (macOS, Windows): the containers in there are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Text>,
    /// The container that publishes it.
    pub container: Option<Arc<Container>>,
    /// The address inside.
    pub address: Option<IpAddr>,
    /// The port inside.
    pub port: Option<u16>,
    /// The pid and the name of the process that listens there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<(Pid, Text)>,
    /// The socket inside that gets the traffic, by its namespace and inode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<(NamespaceId, u32)>,
}

impl PublishedBy {
    /// As JSON and CSV spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Rule => "rule",
        }
    }
}

impl Published {
    /// `web:80 nginx (172.17.0.2)`: the container or else the address, the port, the process.
    pub fn describe(&self) -> String {
        let address = self.address.map(|address| address.to_string());
        let name = self.container.as_ref().map(|one| one.name.to_string());
        let mut text = match (&name, &address) {
            (Some(name), _) => name.clone(),
            (None, Some(address)) if address.contains(':') => format!("[{address}]"),
            (None, Some(address)) => address.clone(),
            (None, None) => {
                let relay = self.relay.as_ref().map(ToString::to_string);
                relay.unwrap_or_else(|| "?".to_owned())
            }
        };
        if let Some(port) = self.port {
            let _ = write!(text, ":{port}");
        }
        if let Some((_, process)) = &self.process {
            let _ = write!(text, " {process}");
        }
        if let Some(address) = address.filter(|_| name.is_some()) {
            let _ = write!(text, " ({address})");
        }
        text
    }
}

/// Which namespaces the rows of a table are from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NamespaceScope {
    /// The one that this program runs in.
    #[default]
    Own,
    /// Every one.
    All,
    /// This one.
    One(NamespaceId),
}

impl NamespaceScope {
    /// Whether it includes this namespace.
    pub const fn has(self, namespace: NamespaceId) -> bool {
        match self {
            Self::Own => namespace.0 == NamespaceId::OWN.0,
            Self::All => true,
            Self::One(one) => one.0 == namespace.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_port_names_the_container_the_process_and_the_address() {
        let container = Container {
            engine: Some(Engine::Docker),
            id: None,
            name: "web".into(),
            image: None,
            project: None,
            service: None,
            pod: None,
        };
        let mut published = Published {
            relay: None,
            by: PublishedBy::Proxy,
            container: Some(Arc::new(container)),
            address: Some([172, 17, 0, 2].into()),
            port: Some(80),
            process: Some((1, "nginx".into())),
            target: None,
        };
        assert_eq!(published.describe(), "web:80 nginx (172.17.0.2)");
        (published.container, published.process) = (None, None);
        assert_eq!(published.describe(), "172.17.0.2:80");
        published.address = Some("fd00::2".parse().unwrap());
        assert_eq!(published.describe(), "[fd00::2]:80");
        (published.address, published.port) = (None, None);
        assert_eq!(published.describe(), "?");
    }
}
