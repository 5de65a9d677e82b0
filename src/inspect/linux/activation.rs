//! The socket unit whose socket systemd listens on, and the service that a first connection starts.
//!
//! The control group of such a socket is that of its unit (`nginx.socket`), because systemd creates it there. If the group is
//! unknown, the unit files are searched for one that listens on the port.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::model::{Activation, Protocol, Socket, Text};

/// The folders of unit files; the first that has a file wins (`systemd.unit(5)`, "Unit File Load Path").
const FOLDERS: [&str; 6] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The unit of a socket that systemd has.
pub(super) fn of(socket: &Socket) -> Option<Activation> {
    let has_unit = |unit: &&Text| Path::new(unit.as_str()).extension() == Some("socket".as_ref());
    let unit = socket.unit.as_ref().filter(has_unit);
    // Any process can have that name, but only the first has pid 1.
    let mut owners = socket.owner.present().iter();
    let is_of_systemd = owners.any(|owner| owner.pid == 1 && &*owner.comm == "systemd");
    let folders = FOLDERS.map(Path::new);
    match unit {
        Some(unit) => Some(described(&folders, unit)),
        None if is_of_systemd => Some(described(&folders, &listening(&folders, socket)?)),
        None => None,
    }
}

/// The service of a socket unit: from `Service=`, one per connection with `Accept=yes`, or else the service with the
/// same name (`systemd.socket(5)`).
fn described(folders: &[&Path], unit: &str) -> Activation {
    let stem = unit.strip_suffix(".socket").unwrap_or(unit);
    let text = text_of(folders, unit);
    let last = |key: &str| values(&text, key).last().filter(|value| !value.is_empty());
    let is_yes = |value: &str| matches!(value, "yes" | "true" | "on" | "1");
    let service = match (last("Service"), last("Accept")) {
        (Some(service), _) => service.to_owned(),
        (None, Some(accept)) if is_yes(accept) => format!("{stem}@.service"),
        (None, _) => format!("{stem}.service"),
    };
    Activation {
        socket_unit: Text::new(unit),
        service: Text::new(&service),
    }
}

/// The socket unit that is configured for this address or port.
fn listening(folders: &[&Path], socket: &Socket) -> Option<String> {
    let key = match socket.protocol {
        Protocol::Tcp => "ListenStream",
        _ => "ListenDatagram",
    };
    let (local, port) = (socket.local.to_string(), socket.local.port.to_string());
    let files = folders.iter().flat_map(fs::read_dir).flatten().flatten();
    let names = files.filter_map(|entry| entry.file_name().into_string().ok());
    let units: BTreeSet<_> = names.filter(|name| name.ends_with(".socket")).collect();
    units.into_iter().find(|unit| {
        let text = text_of(folders, unit);
        // An empty value resets those before it.
        let last_first = values(&text, key).rev();
        let mut addresses = last_first.take_while(|value| !value.is_empty());
        addresses.any(|value| value == port || value == local)
    })
}

/// A unit file and its drop-ins, in the order in which they apply.
fn text_of(folders: &[&Path], unit: &str) -> String {
    let main = folders
        .iter()
        .map(|folder| fs::read_to_string(folder.join(unit)));
    let folders = folders
        .iter()
        .map(|folder| folder.join(format!("{unit}.d")));
    let files = folders.flat_map(fs::read_dir).flatten().flatten();
    let named = files.map(|entry| (entry.file_name(), entry.path()));
    let drop_ins = named.filter(|(name, _)| Path::new(name).extension() == Some("conf".as_ref()));
    let drop_ins: BTreeSet<_> = drop_ins.collect();
    let drop_ins = drop_ins
        .iter()
        .flat_map(|(_, path)| fs::read_to_string(path));
    main.flatten()
        .take(1)
        .chain(drop_ins)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The values of a key, in order.
fn values<'a>(text: &'a str, key: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .filter(move |(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, State};

    /// Unit files in a folder of the test's own.
    fn folder(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
        let name = format!("sockeye-units-{name}-{}", std::process::id());
        let root = std::env::temp_dir().join(name);
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_service_is_the_one_that_the_unit_names_or_that_has_its_name() {
        let root = folder(
            "service",
            &[
                ("web.socket", "[Socket]\nListenStream=80\n"),
                ("web.socket.d/10.conf", "[Socket]\nService = site.service\n"),
                ("ssh.socket", "[Socket]\nListenStream=22\nAccept=yes\n"),
            ],
        );
        let service = |unit| described(&[&root], unit).service.to_string();
        let services = ["web.socket", "ssh.socket", "none.socket"].map(service);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(services, ["site.service", "ssh@.service", "none.service"]);
    }

    #[test]
    fn a_unit_is_found_by_its_port() {
        let root = folder(
            "port",
            &[
                (
                    "a.socket",
                    "[Socket]\nListenStream=80\nListenStream=\nListenStream=81\n",
                ),
                (
                    "b.socket",
                    "[Socket]\nListenStream=127.0.0.1:8080\nListenDatagram=80\n",
                ),
            ],
        );
        let unit = |protocol, port| {
            let local = Endpoint::new([127, 0, 0, 1].into(), port);
            let socket = Socket::new(protocol, local, None, State::Listen);
            listening(&[&root], &socket)
        };
        let found = [
            unit(Protocol::Tcp, 80),
            unit(Protocol::Tcp, 81),
            unit(Protocol::Tcp, 8080),
            unit(Protocol::Udp, 80),
        ];
        fs::remove_dir_all(&root).unwrap();
        let expected = [None, Some("a.socket"), Some("b.socket"), Some("b.socket")];
        assert_eq!(found, expected.map(|unit| unit.map(str::to_owned)));
    }
}
