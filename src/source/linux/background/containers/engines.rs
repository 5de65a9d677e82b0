//! What the container engines keep on disk of a container.
//!
//! They are there whether the engine answers or not. Some are in folders of users, who may put anything in
//! their place: what is no file of theirs is not read, and not waited for.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use serde_json::Value;

use super::ports::{At, Fit, Published, host_address};
use crate::model::{Protocol, Text};

/// Length of a container's id, and of its short form.
const ID: usize = 64;
pub(super) const SHORT_ID: usize = 12;

/// No more than this is read of an answer or a file.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// Of no more containers than this the files are read.
const MOST_CONTAINERS: usize = 4096;

/// What is known of a container.
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
}

impl Container {
    /// How well a port that it publishes fits a socket.
    pub(super) fn fit(&self, at: &At) -> Option<Fit> {
        self.ports.iter().filter_map(|port| port.fit(at)).max()
    }

    /// Its ports without their addresses, each once.
    pub(super) fn port_numbers(&self) -> Vec<(Protocol, u16)> {
        let ports = self.ports.iter().map(|one| (one.protocol, one.port));
        let mut ports: Vec<_> = ports.collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

/// The containers that run, from `containers/ID/config.v2.json` and `hostconfig.json`; `None` if the
/// folder can't be read.
pub(super) fn on_disk(root: &Path) -> Option<Vec<Container>> {
    let folders = fs::read_dir(root.join("containers")).ok()?;
    let container = |folder: PathBuf| {
        let config: Value = json(&folder.join("config.v2.json"), 0)?;
        let is_running = config.get("State")?.get("Running")?.as_bool()?;
        let host: Option<Value> = json(&folder.join("hostconfig.json"), 0);
        is_running
            .then(|| described(&config, host.as_ref()))
            .flatten()
    };
    let folders = folders.take(MOST_CONTAINERS).flatten();
    let folders = folders.map(|entry| entry.path());
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
            let text = |name: &str| binding.get(name).and_then(Value::as_str);
            Some(Published {
                protocol: protocol?,
                port: text("HostPort")?.parse().ok()?,
                host: host_address(text("HostIp").unwrap_or_default()).ok()?,
            })
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
        ports: published.collect(),
        restart: host.and_then(|host| text(host.get("RestartPolicy")?.get("Name")?)),
    })
}

/// A container of podman's, from the storage's list: root's, or that of another user below this home.
pub(super) fn of_podman(id: &str, uid: u32, home: Option<&Path>) -> Option<Container> {
    let store = match (uid, home) {
        (0, _) => PathBuf::from("/var/lib/containers/storage"),
        (_, home) => home?.join(".local/share/containers/storage"),
    };
    let drivers = ["overlay", "vfs", "btrfs", "zfs"];
    drivers.iter().find_map(|driver| {
        let file = store.join(format!("{driver}-containers/containers.json"));
        let list: Value = json(&file, uid)?;
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

/// JSON in a regular file of this user that is no larger than it may be. A pipe in its place is not waited
/// for.
fn json(path: &Path, uid: u32) -> Option<Value> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.uid() != uid {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).ok()?;
    let is_small = bytes.len() as u64 <= MOST_BYTES;
    is_small.then(|| serde_json::from_slice(&bytes).ok())?
}

pub(super) fn text(value: &Value) -> Option<Text> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(Text::new)
}

pub(super) fn protocol(name: &str) -> Option<Protocol> {
    match name {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        _ => None,
    }
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
            "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.2", "HostPort": "8080"},
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
        let numbers = [(Protocol::Tcp, 8080), (Protocol::Udp, 53)];
        assert_eq!(found.port_numbers(), numbers);
        let at = |address: &str| At {
            protocol: Protocol::Tcp,
            port: 8080,
            address: address.parse().unwrap(),
        };
        assert_eq!(found.fit(&at("127.0.0.2")), Some(Fit::Exact));
        assert_eq!(found.fit(&at("127.0.0.1")), None);
        assert_eq!(found.restart.as_deref(), Some("always"));
    }

    #[test]
    fn what_is_no_file_of_the_user_is_neither_read_nor_waited_for() {
        let own = rustix::process::geteuid().as_raw();
        let folder = std::env::temp_dir().join(format!("sockeye-engines-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("file");
        fs::write(&file, "[7]").unwrap();
        assert_eq!(json(&file, own), Some(serde_json::json!([7])));
        assert_eq!(json(&file, own + 1), None);
        let pipe = folder.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(json(&pipe, own), None);
        let link = folder.join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        assert_eq!(json(&link, own), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
