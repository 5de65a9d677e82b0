//! What the container engines keep on disk of a container, and what Docker's own socket answers.
//!
//! Files first: they are there whether the engine answers or not. Docker's API is asked by `GET` alone,
//! and only where the reader may use its socket.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::model::{Protocol, Text};

/// Length of a container's id, and of its short form.
const ID: usize = 64;
pub(super) const SHORT_ID: usize = 12;

/// How long the engine may take to answer; it takes 2 ms.
const PATIENCE: Duration = Duration::from_millis(500);

/// No more than this is read of an answer or a file.
const MOST_BYTES: u64 = 16 << 20;

/// Where Docker keeps its containers if it is told nothing else.
const DOCKER_ROOT: &str = "/var/lib/docker";

/// Where Docker's socket is.
const DOCKER_SOCKETS: [&str; 2] = ["/run/docker.sock", "/var/run/docker.sock"];

/// What is known of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: Option<Text>,
    pub(super) image: Option<Text>,
    pub(super) project: Option<Text>,
    pub(super) service: Option<Text>,
    /// The ports that it publishes on this host.
    pub(super) ports: Vec<(Protocol, u16)>,
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    pub(super) restart: Option<Text>,
}

impl Container {
    pub(super) fn publishes(&self, protocol: Protocol, port: u16) -> bool {
        self.ports.contains(&(protocol, port))
    }
}

/// Docker's containers that run, as far as they may be seen.
#[derive(Default)]
pub(super) struct Docker {
    pub(super) containers: Vec<Container>,
    /// Whether the reader may use the engine.
    pub(super) is_reachable: bool,
}

impl Docker {
    /// Reads them from the engine's files (as root), or asks the engine. `roots` are other places for its
    /// files.
    pub(super) fn read(roots: &[PathBuf]) -> Self {
        let default = PathBuf::from(DOCKER_ROOT);
        let is_reachable = socket().is_some();
        for root in roots.iter().chain([&default]) {
            if let Some(containers) = on_disk(root) {
                return Self {
                    containers,
                    is_reachable,
                };
            }
        }
        let answer = socket().and_then(|socket| ask(&socket));
        let containers = answer.as_deref().and_then(listed);
        Self {
            containers: containers.unwrap_or_default(),
            is_reachable,
        }
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Container> {
        self.containers.iter().find(|one| one.id == id)
    }

    pub(super) fn by_port(&self, protocol: Protocol, port: u16) -> Option<&Container> {
        self.containers
            .iter()
            .find(|one| one.publishes(protocol, port))
    }
}

/// A socket of Docker's that the reader may connect to.
fn socket() -> Option<PathBuf> {
    let from_environment = std::env::var("DOCKER_HOST").ok();
    let named = from_environment
        .as_deref()
        .and_then(|host| host.strip_prefix("unix://"));
    let mut paths = named.into_iter().chain(DOCKER_SOCKETS);
    let may_use = |path: &&str| {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::READ_OK;
        rustix::fs::access(*path, access).is_ok()
    };
    paths.find(may_use).map(PathBuf::from)
}

/// Asks the engine which containers run. HTTP/1.0, so that the answer ends with the connection.
fn ask(socket: &Path) -> Option<Vec<u8>> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream
        .write_all(b"GET /containers/json HTTP/1.0\r\nHost: docker\r\n\r\n")
        .ok()?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n")?;
    let is_ok = answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200");
    is_ok.then(|| answer.split_off(end + 4))
}

/// The answer to `GET /containers/json`.
fn listed(json: &[u8]) -> Option<Vec<Container>> {
    let answer: Value = serde_json::from_slice(json).ok()?;
    let container = |one: &Value| {
        let label = |name: &str| text(one.get("Labels")?.get(name)?);
        let port = |port: &Value| {
            let number = port.get("PublicPort")?.as_u64()?.try_into().ok()?;
            Some((protocol(port.get("Type")?.as_str()?)?, number))
        };
        let ports = one
            .get("Ports")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        Some(Container {
            id: one.get("Id")?.as_str()?.to_owned(),
            name: one
                .get("Names")?
                .get(0)?
                .as_str()
                .map(|name| Text::new(name.trim_start_matches('/'))),
            image: text(one.get("Image")?),
            project: label("com.docker.compose.project"),
            service: label("com.docker.compose.service"),
            ports: deduplicated(ports.filter_map(port).collect()),
            restart: None,
        })
    };
    Some(answer.as_array()?.iter().filter_map(container).collect())
}

/// The containers that run, from `containers/ID/config.v2.json` and `hostconfig.json`; `None` if the
/// folder can't be read.
fn on_disk(root: &Path) -> Option<Vec<Container>> {
    let folders = fs::read_dir(root.join("containers")).ok()?;
    let container = |folder: PathBuf| {
        let config: Value = json(&folder.join("config.v2.json"))?;
        let is_running = config.get("State")?.get("Running")?.as_bool()?;
        let host: Option<Value> = json(&folder.join("hostconfig.json"));
        is_running
            .then(|| described(&config, host.as_ref()))
            .flatten()
    };
    let folders = folders.flatten().map(|entry| entry.path());
    Some(folders.filter_map(container).collect())
}

fn described(config: &Value, host: Option<&Value>) -> Option<Container> {
    let of_image = config.get("Config")?;
    let label = |name: &str| text(of_image.get("Labels")?.get(name)?);
    let ports = config
        .get("NetworkSettings")
        .and_then(|network| network.get("Ports")?.as_object());
    let published = ports.into_iter().flatten().flat_map(|(inside, bindings)| {
        let protocol = inside.split_once('/').and_then(|(_, name)| protocol(name));
        let bindings = bindings.as_array().into_iter().flatten();
        bindings.filter_map(move |binding| {
            Some((protocol?, binding.get("HostPort")?.as_str()?.parse().ok()?))
        })
    });
    Some(Container {
        id: config.get("ID")?.as_str()?.to_owned(),
        name: config
            .get("Name")
            .and_then(Value::as_str)
            .map(|name| Text::new(name.trim_start_matches('/'))),
        image: of_image.get("Image").and_then(text),
        project: label("com.docker.compose.project"),
        service: label("com.docker.compose.service"),
        ports: deduplicated(published.collect()),
        restart: host.and_then(|host| text(host.get("RestartPolicy")?.get("Name")?)),
    })
}

/// A container of podman's, from the storage's list: root's, or that of the user with this home.
pub(super) fn of_podman(id: &str, home: Option<&Path>) -> Option<Container> {
    let store = match home {
        Some(home) => home.join(".local/share/containers/storage"),
        None => PathBuf::from("/var/lib/containers/storage"),
    };
    let drivers = ["overlay", "vfs", "btrfs", "zfs"];
    drivers.iter().find_map(|driver| {
        let list: Value = json(&store.join(format!("{driver}-containers/containers.json")))?;
        let mut containers = list.as_array()?.iter();
        let found = containers.find(|one| one.get("id").and_then(Value::as_str) == Some(id))?;
        let metadata: Option<Value> = found
            .get("metadata")
            .and_then(Value::as_str)
            .and_then(|text| serde_json::from_str(text).ok());
        let said = |name: &str| text(metadata.as_ref()?.get(name)?);
        Some(Container {
            id: id.to_owned(),
            name: said("name").or_else(|| text(found.get("names")?.get(0)?)),
            image: said("image-name"),
            ..Container::default()
        })
    })
}

/// A file of JSON that is no larger than it may be.
fn json(path: &Path) -> Option<Value> {
    let metadata = fs::metadata(path).ok()?;
    let is_small = metadata.is_file() && metadata.size() <= MOST_BYTES;
    let bytes = is_small.then(|| fs::read(path).ok()).flatten()?;
    serde_json::from_slice(&bytes).ok()
}

fn text(value: &Value) -> Option<Text> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(Text::new)
}

fn protocol(name: &str) -> Option<Protocol> {
    match name {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        _ => None,
    }
}

fn deduplicated(mut ports: Vec<(Protocol, u16)>) -> Vec<(Protocol, u16)> {
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The first digits of an id, as the engines' tools print it.
pub(super) fn short(id: &str) -> &str {
    if id.len() == ID { &id[..SHORT_ID] } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_read_from_its_file() {
        let config: Value = serde_json::from_str(
            r#"{"ID": "0123", "Name": "/web", "State": {"Running": true},
            "Config": {"Image": "nginx:1", "Labels": {"com.docker.compose.project": "shop",
            "com.docker.compose.service": "front"}},
            "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"},
            {"HostIp": "::", "HostPort": "8080"}], "53/udp": [{"HostIp": "", "HostPort": "53"}], "81/tcp": null}}}"#,
        )
        .unwrap();
        let host = serde_json::from_str(r#"{"RestartPolicy": {"Name": "always"}}"#).unwrap();
        let found = described(&config, Some(&host)).unwrap();
        assert_eq!(found.name.as_deref(), Some("web"));
        assert_eq!(
            (found.project.as_deref(), found.service.as_deref()),
            (Some("shop"), Some("front"))
        );
        assert_eq!(found.ports, [(Protocol::Tcp, 8080), (Protocol::Udp, 53)]);
        assert_eq!(found.restart.as_deref(), Some("always"));
    }

    #[test]
    fn an_answer_of_the_engine_is_read() {
        let json = br#"[{"Id": "0123", "Names": ["/web"], "Image": "nginx", "Labels": {},
            "Ports": [{"PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 81, "Type": "tcp"}]}]"#;
        let found = listed(json).unwrap();
        assert_eq!(
            (found[0].name.as_deref(), found[0].ports.as_slice()),
            (Some("web"), &[(Protocol::Tcp, 8080)][..])
        );
        assert_eq!(listed(b"{}"), None);
    }
}
