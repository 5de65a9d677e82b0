//! Network namespaces with sockets, and what is in them according to the program that opened them and to
//! `ss`: what `sockeye list -N all` is compared with. Not part of `support`, for the same reason as `program.rs`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use regex::Regex;
use serde_json::{Value, json};

/// One end: the address, IPv4 also where IPv6 has it mapped, and the port.
pub type End = (IpAddr, u16);

/// A socket that is there. It has inode 0 where no process can have it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub protocol: String,
    /// As the program spells it.
    pub state: String,
    pub local: End,
    pub remote: Option<End>,
    pub inode: u64,
    pub pids: BTreeSet<u32>,
}

/// By what two sockets differ: the inode, which is unique on the whole machine, or namespace and ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Inode(u64),
    Ends(Option<u64>, String, End, Option<End>),
}

/// A container as `namespace.container` has it.
#[derive(Clone, Debug)]
pub struct Container {
    pub engine: &'static str,
    /// Whole or its first twelve digits.
    pub id: String,
    /// Several where containers share a namespace.
    pub names: Vec<String>,
}

/// A namespace and its sockets at some moment.
#[derive(Clone, Debug)]
pub struct Apart {
    /// `None`: the one that the program runs in.
    pub inode: Option<u64>,
    /// A regular expression for its name.
    pub name: String,
    pub container: Option<Container>,
    /// Whether a process is in it that every user sees.
    pub is_visible: bool,
    pub sockets: Vec<Expected>,
}

/// Whose listing is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Sees all: each socket once with its namespace's name and its owners.
    Root,
    /// Sees what `/proc/PID/net` has of visible processes: inodes and ends.
    Ordinary,
}

/// The helper `sockets_apart`: sockets in a namespace, until its drop.
pub struct Kept {
    child: Child,
    stdin: Option<ChildStdin>,
    pub namespace: u64,
    pub pid: u32,
    /// A path by which the namespace can be entered; only its sockets know it otherwise.
    pub handle: Option<String>,
    pub sockets: Vec<Expected>,
}

impl Kept {
    /// Opens these sockets in a namespace that is kept in this way, see the helper.
    pub fn start(program: &Path, kind: &str, sockets: &[&str]) -> Self {
        Self::start_by(Command::new(program), kind, sockets)
    }

    /// The same by a command that the helper's words are added to.
    pub fn start_by(mut command: Command, kind: &str, sockets: &[&str]) -> Self {
        command.arg(kind).args(sockets);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let first = lines.next().expect("it prints its namespace");
        let words: Vec<_> = first.split(' ').collect();
        assert_eq!(words.len(), 5, "{first}");
        let (namespace, pid) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        let handle = match kind.split(':').next().unwrap() {
            "thread" => Some(format!("/proc/{pid}/task/{}/ns/net", words[3])),
            "descriptor" => Some(format!("/proc/{pid}/fd/{}", words[4])),
            "socket" => None,
            "at" => Some(kind["at:".len()..].to_owned()),
            _ => Some(format!("/proc/{pid}/ns/net")),
        };
        let mut kept = Self {
            stdin: child.stdin.take(),
            child,
            namespace,
            pid,
            handle,
            sockets: Vec::new(),
        };
        for line in lines {
            if line == "ready" {
                kept.wait_until_it_is_back(kind);
                return kept;
            }
            kept.sockets.push(printed_by_helper(&line, pid));
        }
        panic!("it did not open {sockets:?}");
    }

    /// After `ready` there is one more call to the kernel until it has left the namespace.
    fn wait_until_it_is_back(&self, kind: &str) {
        if matches!(kind, "process" | "here") {
            return;
        }
        crate::support::wait_until("its way back", || {
            inode_of(&format!("/proc/{}/ns/net", self.pid)) != self.namespace
        });
    }

    pub fn as_apart(&self, name: &str, is_visible: bool) -> Apart {
        Apart {
            inode: Some(self.namespace),
            name: name.to_owned(),
            container: None,
            is_visible,
            sockets: self.sockets.clone(),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `PROTOCOL STATE LOCAL PORT REMOTE PORT INODE`.
fn printed_by_helper(line: &str, pid: u32) -> Expected {
    let words: Vec<_> = line.split(' ').collect();
    let end = |at: usize| Some((words[at].parse().ok()?, words[at + 1].parse().ok()?));
    let inode = words[6].parse().unwrap();
    Expected {
        protocol: words[0].to_owned(),
        state: words[1].to_owned(),
        local: end(2).unwrap(),
        remote: end(4),
        inode,
        pids: (inode != 0).then_some(pid).into_iter().collect(),
    }
}

/// The inode of the file at a path, such as a namespace's.
pub fn inode_of(path: &str) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.ino())
}

/// What `ss` says of the namespace at a path, or of this one. It has no line for what is only bound.
pub fn ss(handle: Option<&str>) -> Vec<Expected> {
    let mut command = match handle {
        None => Command::new("ss"),
        Some(handle) => {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net={handle}")).arg("ss");
            command
        }
    };
    let output = command.arg("-Htunape").output().expect("iproute2");
    assert!(output.status.success(), "{handle:?}: {output:?}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(printed_by_ss).collect()
}

/// `tcp ESTAB 0 0 127.0.0.1:80 127.0.0.1:4242 users:(("nc",pid=7,fd=3)) ino:42 …`.
fn printed_by_ss(line: &str) -> Expected {
    let words: Vec<_> = line.split_whitespace().collect();
    let inode = words.iter().find_map(|word| word.strip_prefix("ino:"));
    let pid = Regex::new(r"pid=(\d+)").unwrap();
    let pids = pid.captures_iter(line).map(|found| found[1].parse());
    Expected {
        protocol: words[0].to_owned(),
        state: match words[1] {
            "ESTAB" => "ESTABLISHED".to_owned(),
            other => other.replace('-', "_"),
        },
        local: end(words[4]).unwrap_or_else(|| panic!("no local end: {line}")),
        remote: end(words[5]),
        inode: inode.map_or(0, |inode| inode.parse().unwrap()),
        pids: pids.collect::<Result<_, _>>().unwrap(),
    }
}

/// `*:80`, `[::1]:80`, `[fe80::1]%eth0:546`, `127.0.0.53%lo:53`; `None` for `0.0.0.0:*`.
fn end(text: &str) -> Option<End> {
    let (address, port) = text.rsplit_once(':')?;
    let address = address.split('%').next()?;
    let address = address.trim_matches(|c| c == '[' || c == ']');
    let address = match address {
        "*" => Ipv6Addr::UNSPECIFIED.into(),
        address => address.parse::<IpAddr>().ok()?.to_canonical(),
    };
    Some((address, port.parse().ok()?))
}

impl Expected {
    fn key(&self, namespace: Option<u64>) -> Key {
        if self.inode != 0 {
            return Key::Inode(self.inode);
        }
        Key::Ends(namespace, self.protocol.clone(), self.local, self.remote)
    }
}

/// The sockets of a listing that have a port and are sockets, not rules.
pub fn with_ports(listing: &Value) -> impl Iterator<Item = &Value> {
    let sockets = listing["sockets"].as_array().expect("a listing");
    sockets
        .iter()
        .filter(|one| one["protocol"] == "tcp" || one["protocol"] == "udp")
        .filter(|one| one["state"] != "DNAT")
}

fn listed_end(end: &Value) -> Option<End> {
    let address = end["address"]
        .as_str()?
        .split('%')
        .next()?
        .parse::<IpAddr>();
    let port = end["port"].as_u64()?.try_into().ok()?;
    Some((address.ok()?.to_canonical(), port))
}

/// The key of a socket that is listed.
pub fn listed_key(socket: &Value) -> Key {
    match socket["inode"].as_u64() {
        Some(inode) if inode != 0 => Key::Inode(inode),
        _ => Key::Ends(
            socket["namespace"]["inode"].as_u64(),
            socket["protocol"].as_str().unwrap_or_default().to_owned(),
            listed_end(&socket["local"]).expect("it has a port"),
            listed_end(&socket["remote"]),
        ),
    }
}

/// Compares a listing with what was there before it and after it: what was there both times is in it
/// once, what was there neither time is not in it, nothing is in it twice.
pub fn differences(
    listing: &Value,
    before: &[Apart],
    after: &[Apart],
    viewer: Viewer,
) -> Vec<String> {
    let (first, last) = (by_key(before), by_key(after));
    let mut found: BTreeMap<Key, Vec<&Value>> = BTreeMap::new();
    for socket in with_ports(listing) {
        found.entry(listed_key(socket)).or_default().push(socket);
    }
    let mut wrong = Vec::new();
    for (key, (apart, expected)) in &last {
        let is_required = first.contains_key(key) && is_required(viewer, apart, expected);
        if is_required && !found.contains_key(key) {
            wrong.push(format!("missing: {expected:?} of {}", apart.name));
        }
    }
    for (key, sockets) in &found {
        if sockets.len() > 1 {
            wrong.push(format!("{} times: {}", sockets.len(), sockets[0]));
        }
        let known = last.get(key).or_else(|| first.get(key));
        match known {
            // A socket without an inode has no place that an ordinary user knows.
            None if viewer == Viewer::Ordinary && matches!(key, Key::Ends(..)) => {}
            None => wrong.push(format!("invented: {}", sockets[0])),
            Some((apart, expected)) => {
                let is_steady = first.get(key).is_some_and(|(_, before)| before == expected);
                wrong.extend(faults(sockets[0], apart, expected, viewer, is_steady));
            }
        }
    }
    wrong
}

fn by_key(all: &[Apart]) -> BTreeMap<Key, (&Apart, &Expected)> {
    let each = all
        .iter()
        .flat_map(|apart| apart.sockets.iter().map(move |socket| (apart, socket)));
    each.map(|(apart, socket)| (socket.key(apart.inode), (apart, socket)))
        .collect()
}

/// Whether this viewer has to see the socket.
fn is_required(viewer: Viewer, apart: &Apart, socket: &Expected) -> bool {
    // Of other namespaces `/proc/PID/net` has nothing that is only bound.
    viewer == Viewer::Root
        || (apart.is_visible || apart.inode.is_none())
            && socket.state != "BOUND"
            && socket.inode != 0
}

/// What is wrong with the row of a socket.
fn faults(
    row: &Value,
    apart: &Apart,
    socket: &Expected,
    viewer: Viewer,
    is_steady: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |is_right: bool, what: &str| {
        if !is_right {
            wrong.push(format!("{what} of {socket:?} in {}: {row}", apart.name));
        }
    };
    expect(row["protocol"] == *socket.protocol, "protocol");
    expect(listed_end(&row["local"]) == Some(socket.local), "local end");
    if is_steady {
        expect(listed_end(&row["remote"]) == socket.remote, "remote end");
        expect(row["state"] == *socket.state, "state");
    }
    if viewer == Viewer::Ordinary {
        return wrong;
    }
    if is_steady {
        let pids = row["pids"].as_array().into_iter().flatten();
        let pids: BTreeSet<_> = pids.filter_map(Value::as_u64).collect();
        let expected = socket.pids.iter().map(|&pid| u64::from(pid)).collect();
        expect(pids == expected, "owners");
    }
    let namespace = &row["namespace"];
    match apart.inode {
        None => expect(namespace.is_null(), "namespace"),
        Some(inode) => {
            expect(namespace["inode"] == inode, "namespace's inode");
            let name = namespace["name"].as_str().unwrap_or_default();
            let is_right = Regex::new(&apart.name).unwrap().is_match(name);
            expect(is_right, "namespace's name");
            expect(
                is_container(&namespace["container"], apart.container.as_ref()),
                "namespace's container",
            );
        }
    }
    wrong
}

/// Whether `{engine, id, name, image}`, or null, is this one.
pub fn is_container(value: &Value, expected: Option<&Container>) -> bool {
    let Some(expected) = expected else {
        return value.is_null();
    };
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    text("engine") == expected.engine
        && !text("id").is_empty()
        && (expected.names.len() > 1 || expected.id.starts_with(text("id")))
        && expected.names.iter().any(|name| name == text("name"))
        && text("image").contains("site")
}

/// A listing without a fault, as far as it is compared.
pub fn listing_of(all: &[Apart]) -> Value {
    let rows = all.iter().flat_map(|apart| {
        apart
            .sockets
            .iter()
            .map(move |socket| row_of(apart, socket))
    });
    json!({"sockets": rows.collect::<Vec<_>>()})
}

fn row_of(apart: &Apart, socket: &Expected) -> Value {
    let end = |(address, port): End| json!({"address": address, "port": port});
    let container = apart.container.as_ref().map(
        |one| json!({"engine": one.engine, "id": one.id, "name": one.names[0], "image": "site"}),
    );
    let name = match &apart.container {
        Some(container) => container.names[0].clone(),
        // Of a name that may begin with a process: the inode alone.
        None => match (apart.inode, apart.name.contains('?')) {
            (Some(inode), true) => inode.to_string(),
            _ => apart.name.trim_matches(['^', '$']).to_owned(),
        },
    };
    let namespace = apart
        .inode
        .map(|inode| json!({"inode": inode, "name": name, "container": container}));
    json!({
        "protocol": socket.protocol, "state": socket.state, "local": end(socket.local),
        "remote": socket.remote.map(end), "namespace": namespace, "pids": socket.pids,
        "inode": (socket.inode != 0).then_some(socket.inode),
    })
}
