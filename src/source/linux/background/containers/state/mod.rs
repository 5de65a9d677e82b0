//! The state of the container engines: which containers run, their names, images and ports, from the engines' files
//! or from Docker's API.
//!
//! The files exist even if the engine does not respond. Some are in folders of users, who may replace them: only
//! regular files of that user are read. The API gets only `GET` requests, and only if the current user may use its
//! socket and the engine runs: otherwise a request could start it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};

use super::ports::{Fit, Published, SocketAt};
use crate::model::{Protocol, Text};
use crate::source::linux::background::facts::read_file;

/// The most to read from a response or a file, and the most containers to read files of.
const MOST_BYTES: u64 = 16 << 20;
const MOST_CONTAINERS: usize = 4096;

/// Timeout for connecting to Docker, and for each part of its response; in total it takes 2 ms.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Docker's default folder, and its sockets.
pub(super) const DOCKER_ROOT: &str = "/var/lib/docker";
const DOCKER_SOCKETS: [&str; 2] = ["/run/docker.sock", "/var/run/docker.sock"];

/// The facts about a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: Option<Text>,
    pub(super) image: Option<Text>,
    pub(super) project: Option<Text>,
    pub(super) service: Option<Text>,
    /// The ports that it publishes on this host.
    pub(super) ports: Vec<Published>,
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    pub(super) restart: Option<Text>,
    /// Whether it has its network namespace from another container, which publishes ports for both.
    pub(super) joins_another: bool,
}

impl Container {
    /// Reads one from JSON, by pointers to its id, name, image and labels.
    fn of(
        json: &Value,
        [id, name, image, labels]: [&str; 4],
        ports: impl Iterator<Item = Published>,
    ) -> Option<Self> {
        let label = |name: &str| text(json, &format!("{labels}/com.docker.compose.{name}"));
        let name = json.pointer(name).and_then(Value::as_str);
        Some(Self {
            id: json.pointer(id)?.as_str()?.to_owned(),
            name: name.map(|name| Text::new(name.trim_start_matches('/'))),
            image: text(json, image),
            project: label("project"),
            service: label("service"),
            ports: ports.collect(),
            restart: None,
            joins_another: false,
        })
    }

    fn of_network(self, mode: Option<Text>) -> Self {
        Self {
            joins_another: mode.is_some_and(|mode| mode.starts_with("container:")),
            ..self
        }
    }

    /// The ports of the host that it publishes one of its own on; `None` if another container does that for it.
    pub(super) fn published_on(&self, port: (Protocol, u16)) -> Option<Vec<u16>> {
        let is_it = |one: &&Published| (one.port.0, one.inside) == (port.0, Some(port.1));
        let ports = self.ports.iter().filter(is_it);
        let mut ports: Vec<_> = ports.map(|one| one.port.1).collect();
        ports.sort_unstable();
        ports.dedup();
        (!self.joins_another).then_some(ports)
    }

    /// How well a port that it publishes fits a socket.
    fn fit(&self, at: &SocketAt) -> Option<Fit> {
        self.ports.iter().filter_map(|port| port.fit(at)).max()
    }

    /// Its ports without their addresses, each once.
    pub(super) fn port_numbers(&self) -> Vec<(Protocol, u16)> {
        let mut ports: Vec<_> = self.ports.iter().map(|one| one.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

/// Root's running containers of Docker, as far as they may be seen.
#[derive(Default)]
pub(super) struct Docker {
    pub(super) containers: Vec<Container>,
    /// Whether the current user may use the engine.
    pub(super) is_reachable: bool,
    pub(super) roots: Vec<PathBuf>,
}

impl Docker {
    /// Reads them from the engine's files below one of `roots` (as root), or from its API if it runs.
    pub(super) fn read(roots: &[PathBuf], runs: bool) -> Self {
        let socket = docker_socket();
        let mut on_disk = roots.iter().filter_map(|root| docker_files(root));
        let by_api = || docker_api(socket.as_deref().filter(|_| runs)?);
        Self {
            containers: on_disk.next().or_else(by_api).unwrap_or_default(),
            is_reachable: socket.is_some(),
            roots: roots.to_vec(),
        }
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Container> {
        self.containers.iter().find(|one| one.id == id)
    }

    /// The same from the container's own file: a container that starts, or has started since, is not among those that run.
    pub(super) fn read_by_id(&self, id: &str) -> Option<Container> {
        let known = self.by_id(id).cloned();
        known.or_else(|| {
            let mut roots = self.roots.iter();
            let folder = |root: &PathBuf| root.join("containers").join(id);
            roots.find_map(|root| container_in(&folder(root), |_| true))
        })
    }

    /// The container that publishes a port: the serving container if it does, or else the best match. `None` if several
    /// fit equally well.
    pub(super) fn by_port(&self, at: &SocketAt, serving: Option<&str>) -> Option<&Container> {
        let fit = |one| Some((Container::fit(one, at)?, one));
        let mut fitting: Vec<(Fit, &Container)> = self.containers.iter().filter_map(fit).collect();
        if let Some((_, found)) = fitting.iter().find(|(_, one)| Some(&*one.id) == serving) {
            return Some(found);
        }
        let best = fitting.iter().map(|(fit, _)| *fit).max()?;
        fitting.retain(|(fit, _)| *fit == best);
        match fitting.as_slice() {
            [(_, only)] => Some(only),
            _ => None,
        }
    }
}

/// The running containers, from `containers/ID/config.v2.json` and `hostconfig.json`, if that folder can be read.
fn docker_files(root: &Path) -> Option<Vec<Container>> {
    let folders = fs::read_dir(root.join("containers")).ok()?;
    let is_running = |config: &Value| config["State"]["Running"].as_bool() == Some(true);
    let folders = folders.take(MOST_CONTAINERS).flatten();
    let containers = folders.filter_map(|entry| container_in(&entry.path(), is_running));
    Some(containers.collect())
}

/// The container whose files are in a folder, if its configuration is like this.
fn container_in(folder: &Path, is_wanted: impl FnOnce(&Value) -> bool) -> Option<Container> {
    let config = json(&folder.join("config.v2.json"), 0).filter(is_wanted)?;
    let host = json(&folder.join("hostconfig.json"), 0);
    of_files(&config, host.as_ref())
}

fn of_files(config: &Value, host: Option<&Value>) -> Option<Container> {
    let ports = config.pointer("/NetworkSettings/Ports");
    let ports = ports.and_then(Value::as_object).into_iter().flatten();
    let published = ports.flat_map(|(inside, bindings)| {
        let inside = inside.split_once('/');
        let protocol = inside.and_then(|(_, name)| protocol(name));
        let inside = inside.and_then(|(port, _)| port.parse().ok());
        let bindings = bindings.as_array().into_iter().flatten();
        bindings.filter_map(move |binding| {
            let port = binding["HostPort"].as_str()?.parse().ok()?;
            let published = Published::new((protocol?, port), binding["HostIp"].as_str())?;
            Some(published.of_port(inside))
        })
    });
    let pointers = ["/ID", "/Name", "/Config/Image", "/Config/Labels"];
    Some(Container {
        restart: host.and_then(|host| text(host, "/RestartPolicy/Name")),
        ..Container::of(config, pointers, published)?
            .of_network(host.and_then(|host| text(host, "/NetworkMode")))
    })
}

/// A socket of root's engine that the current user may connect to.
fn docker_socket() -> Option<PathBuf> {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let may_use = |path: &&str| {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::READ_OK;
        let is_root_s = fs::metadata(path).is_ok_and(|found| found.uid() == 0);
        is_root_s && rustix::fs::access(*path, access).is_ok()
    };
    let named = host.strip_prefix("unix://").into_iter();
    named.chain(DOCKER_SOCKETS).find(may_use).map(PathBuf::from)
}

/// The running containers, from the engine's API. The thread ends later if the whole answer takes longer than
/// [`TIMEOUT`], as it does if it comes in drips.
fn docker_api(socket: &Path) -> Option<Vec<Container>> {
    let (sender, answer) = channel();
    let socket = socket.to_owned();
    let request = move || drop(sender.send(request_containers(&socket)));
    thread::Builder::new().spawn(request).ok()?;
    answer.recv_timeout(TIMEOUT).ok()?
}

/// `GET /containers/json`, by HTTP/1.0, so that the answer ends with the connection.
fn request_containers(socket: &Path) -> Option<Vec<Container>> {
    let mut stream = Socket::new(Domain::UNIX, Type::STREAM, None).ok()?;
    let address = SockAddr::unix(socket).ok()?;
    stream.connect_timeout(&address, TIMEOUT).ok()?;
    stream.set_write_timeout(Some(TIMEOUT)).ok()?;
    stream.set_read_timeout(Some(TIMEOUT)).ok()?;
    let request = b"GET /containers/json HTTP/1.0\r\nHost: docker\r\n\r\n";
    stream.write_all(request).ok()?;
    let mut answer = Vec::new();
    stream.take(MOST_BYTES).read_to_end(&mut answer).ok()?;
    let is_ok = answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n")?;
    of_api(&answer[end + 4..]).filter(|_| is_ok)
}

fn of_api(answer: &[u8]) -> Option<Vec<Container>> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let container = |one: &Value| {
        let ports = one["Ports"].as_array().into_iter().flatten();
        let published = ports.filter_map(|port| {
            let protocol = protocol(port["Type"].as_str()?)?;
            let public = port["PublicPort"].as_u64()?.try_into().ok()?;
            let inside = port["PrivatePort"]
                .as_u64()
                .and_then(|port| port.try_into().ok());
            let published = Published::new((protocol, public), port["IP"].as_str())?;
            Some(published.of_port(inside))
        });
        let container = Container::of(one, ["/Id", "/Names/0", "/Image", "/Labels"], published)?;
        Some(container.of_network(text(one, "/HostConfig/NetworkMode")))
    };
    Some(answer.as_array()?.iter().filter_map(container).collect())
}

/// A container of podman, from its storage's list: root's, or that of another user below this home.
pub(super) fn podman_files(id: &str, uid: u32, home: Option<&Path>) -> Option<Container> {
    let store = match uid {
        0 => PathBuf::from("/var/lib/containers/storage"),
        _ => home?.join(".local/share/containers/storage"),
    };
    let drivers = ["overlay", "vfs", "btrfs", "zfs"];
    drivers.into_iter().find_map(|driver| {
        let list = store.join(format!("{driver}-containers/containers.json"));
        let list = json(&list, uid)?;
        let mut containers = list.as_array()?.iter();
        let found = containers.find(|one| one["id"].as_str() == Some(id))?;
        let metadata = found["metadata"].as_str().map(serde_json::from_str);
        let metadata: Value = metadata.and_then(Result::ok).unwrap_or_default();
        Some(Container {
            id: id.to_owned(),
            name: text(&metadata, "/name").or_else(|| text(found, "/names/0")),
            image: text(&metadata, "/image-name"),
            ..Container::default()
        })
    })
}

/// JSON in a file of this user that is not too large.
fn json(path: &Path, uid: u32) -> Option<Value> {
    let (bytes, owner) = read_file(path, MOST_BYTES)?;
    let is_right = owner == uid && bytes.len() as u64 <= MOST_BYTES;
    is_right.then(|| serde_json::from_slice(&bytes).ok())?
}

fn text(json: &Value, pointer: &str) -> Option<Text> {
    let text = json.pointer(pointer)?.as_str()?;
    (!text.is_empty()).then(|| Text::new(text))
}

pub(super) fn protocol(name: &str) -> Option<Protocol> {
    match name {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
