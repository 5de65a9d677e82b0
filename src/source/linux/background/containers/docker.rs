//! Which of Docker's containers run: by the engine's files, or by what its socket answers.
//!
//! The API is asked by `GET` alone, and only where the reader may use its socket and the engine runs: a
//! request could start it otherwise.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::engines::{Container, MOST_BYTES, on_disk, protocol, text};
use super::ports::{At, Published, host_address};
use crate::model::Text;

/// How long the engine may take to answer in all; it takes 2 ms.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where Docker keeps its containers if nothing else is set.
pub(super) const DOCKER_ROOT: &str = "/var/lib/docker";

/// Where Docker's socket is.
const DOCKER_SOCKETS: [&str; 2] = ["/run/docker.sock", "/var/run/docker.sock"];

/// Root's containers of Docker that run, as far as they may be seen.
#[derive(Default)]
pub(super) struct Docker {
    pub(super) containers: Vec<Container>,
    /// Whether the reader may use the engine.
    pub(super) is_reachable: bool,
}

impl Docker {
    /// Reads them from the engine's files (as root), or asks the engine if it runs. `roots` are other places
    /// for its files.
    pub(super) fn read(roots: &[PathBuf], runs: bool) -> Self {
        let default = PathBuf::from(DOCKER_ROOT);
        let socket = socket();
        let of_files = || {
            roots
                .iter()
                .chain([&default])
                .find_map(|root| on_disk(root))
        };
        let of_engine = || {
            let answer = socket.as_deref().filter(|_| runs).and_then(ask);
            answer.as_deref().and_then(listed)
        };
        Self {
            containers: of_files().or_else(of_engine).unwrap_or_default(),
            is_reachable: socket.is_some(),
        }
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Container> {
        self.containers.iter().find(|one| one.id == id)
    }

    /// The container that publishes the port at this address: the one that serves if it does, or else the one
    /// that fits best. `None` if several fit equally well.
    pub(super) fn by_port(&self, at: &At, serving: Option<&str>) -> Option<&Container> {
        let fits = |one: &Container| one.fit(at);
        let serves = |one: &&Container| Some(one.id.as_str()) == serving && fits(one).is_some();
        if let Some(serving) = self.containers.iter().find(serves) {
            return Some(serving);
        }
        let best = self.containers.iter().filter_map(fits).max()?;
        let mut having = self.containers.iter().filter(|one| fits(one) == Some(best));
        having.next().filter(|_| having.next().is_none())
    }
}

/// A socket of root's engine that the reader may connect to.
fn socket() -> Option<PathBuf> {
    let from_environment = std::env::var("DOCKER_HOST").ok();
    let named = from_environment
        .as_deref()
        .and_then(|host| host.strip_prefix("unix://"));
    let mut paths = named.into_iter().chain(DOCKER_SOCKETS);
    let may_use = |path: &&str| {
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::READ_OK;
        let is_root_s = std::fs::metadata(path).is_ok_and(|found| found.uid() == 0);
        is_root_s && rustix::fs::access(*path, access).is_ok()
    };
    paths.find(may_use).map(PathBuf::from)
}

/// Asks the engine which containers run, and waits no longer than [`PATIENCE`] in all: to connect may take
/// any time (`unix(7)`).
fn ask(socket: &Path) -> Option<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let socket = socket.to_owned();
    let waits = Arc::new(());
    let is_awaited = Arc::downgrade(&waits);
    let asking = move || {
        // Where it takes too long nothing receives the answer any more.
        let _ = sender.send(answer(&socket, &is_awaited));
    };
    thread::Builder::new().spawn(asking).ok()?;
    receiver.recv_timeout(PATIENCE).ok()?
}

/// HTTP/1.0, so that the answer ends with the connection. It is given up once the asker is gone.
fn answer(socket: &Path, asker: &Weak<()>) -> Option<Vec<u8>> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream
        .write_all(b"GET /containers/json HTTP/1.0\r\nHost: docker\r\n\r\n")
        .ok()?;
    let (mut answer, mut part) = (Vec::new(), [0; 16 << 10]);
    loop {
        match stream.read(&mut part).ok()? {
            0 => break,
            count => answer.extend_from_slice(&part[..count]),
        }
        if answer.len() as u64 > MOST_BYTES || asker.strong_count() == 0 {
            return None;
        }
    }
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
            let address = port.get("IP").and_then(Value::as_str);
            Some(Published {
                protocol: protocol(port.get("Type")?.as_str()?)?,
                port: port.get("PublicPort")?.as_u64()?.try_into().ok()?,
                host: host_address(address.unwrap_or_default()).ok()?,
            })
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
            ports: ports.filter_map(port).collect(),
            restart: None,
        })
    };
    Some(answer.as_array()?.iter().filter_map(container).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Protocol;

    const LISTED: &[u8] = br#"[
        {"Id": "01", "Names": ["/web"], "Image": "nginx", "Labels": {}, "Ports": [
        {"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 81, "Type": "tcp"}]},
        {"Id": "02", "Names": ["/api"], "Image": "nginx", "Labels": {}, "Ports": [
        {"IP": "127.0.0.2", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]}]"#;

    fn docker() -> Docker {
        Docker {
            containers: listed(LISTED).unwrap(),
            is_reachable: true,
        }
    }

    fn at(address: &str) -> At {
        At {
            protocol: Protocol::Tcp,
            port: 8080,
            address: address.parse().unwrap(),
        }
    }

    #[test]
    fn an_answer_of_the_engine_is_read() {
        let found = docker();
        assert_eq!(found.containers[0].name.as_deref(), Some("web"));
        let numbers = [(Protocol::Tcp, 8080)];
        assert_eq!(found.containers[0].port_numbers(), numbers);
        assert_eq!(listed(b"{}"), None);
    }

    #[test]
    fn the_container_at_the_address_of_the_socket_is_meant() {
        let mut docker = docker();
        let found = |docker: &Docker, address: &str, serving: Option<&str>| {
            let found = docker.by_port(&at(address), serving);
            found.map(|one| one.id.clone())
        };
        assert_eq!(found(&docker, "127.0.0.1", None).as_deref(), Some("01"));
        assert_eq!(found(&docker, "127.0.0.2", None).as_deref(), Some("02"));
        assert_eq!(found(&docker, "127.0.0.3", None), None);
        // The one that serves goes first only if it publishes the port there.
        assert_eq!(
            found(&docker, "127.0.0.1", Some("02")).as_deref(),
            Some("01")
        );
        for container in &mut docker.containers {
            container.ports[0].host = None;
        }
        assert_eq!(
            found(&docker, "127.0.0.1", Some("02")).as_deref(),
            Some("02")
        );
        assert_eq!(found(&docker, "127.0.0.1", None), None);
    }

    #[test]
    fn an_engine_that_does_not_answer_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("sockeye-docker-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(ask(&path), None);
        drop(listener);
        std::fs::remove_file(&path).unwrap();
    }
}
