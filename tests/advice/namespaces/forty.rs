//! The scene: containers of three engines, names of `ip netns`, and namespaces that only a bind mount, an open
//! file, a socket, a thread or a process keeps. Many have the same ports.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::helper;
use super::published::Published;
use crate::apart::{
    Apart, Container, Expected, Kept, Viewer, differences, inode_of, listing_of, ss,
};
use crate::docker;
use crate::podman;
use crate::started::{Undo, User, by, sh};
use crate::support::wait_until;
use crate::traffic::{Protocol, wait_for_answer};

/// How many there are beside the stage's own and `outside`.
pub const NAMESPACES: usize = 40;

/// Sockets of each that is made by hand, the same ports as the containers.
const SOCKETS: [&str; 6] = [
    "listen:80",
    "listen6:8080",
    "udp:53",
    "udp6:5353",
    "bound:8600",
    "pair:80",
];

/// A namespace that can be entered or is kept by a helper, and what is expected of it.
struct One {
    name: String,
    container: Option<Container>,
    handle: Option<String>,
    is_visible: bool,
    kept: Option<Kept>,
}

/// The namespaces of a stage. Their end is the drop.
pub struct Forty {
    all: Vec<One>,
    pub published: Vec<Published>,
    clients: Vec<TcpStream>,
    guards: Vec<Box<dyn Send>>,
}

impl Forty {
    pub fn new() -> Self {
        let mut scene = Self::empty();
        scene.guard(docker::engine(""));
        podman::engine(&[User::Root, User::Ann]);
        scene.other_containers();
        scene.of_docker();
        scene.shared();
        scene.of_podman();
        scene.rootless();
        scene.by_hand(5, 4);
        scene.rule();
        scene.connect();
        scene
    }

    fn empty() -> Self {
        Self {
            all: Vec::new(),
            published: Vec::new(),
            clients: Vec::new(),
            guards: Vec::new(),
        }
    }

    fn guard(&mut self, guard: impl Send + 'static) {
        // The last one first, as the engine ends after its containers.
        self.guards.insert(0, Box::new(guard));
    }

    /// Six with ports published and not, UDP among them.
    fn of_docker(&mut self) {
        let options = [
            ("-p 18000:80", Some(("tcp", 18000, 80))),
            ("-p 127.0.0.1:18001:80", Some(("tcp", 18001, 80))),
            ("-p 18002:53/udp -e UDP=53", Some(("udp", 18002, 53))),
            ("", None),
            ("", None),
            ("", None),
        ];
        for (number, (options, port)) in options.into_iter().enumerate() {
            self.container("docker", &format!("d{number}"), options, port);
        }
    }

    /// Three of two containers each: one publishes the other's port, one its own.
    fn shared(&mut self) {
        let ports = [
            ("-p 18010:81", Some(("tcp", 18010, 81))),
            ("-p 18011:80", Some(("tcp", 18011, 80))),
            ("", None),
        ];
        for (number, (options, port)) in ports.into_iter().enumerate() {
            let (first, second) = (format!("q{number}"), format!("s{number}"));
            self.container("docker", &first, options, port);
            let with = format!("--network container:{first} -e PORT=81");
            self.guard(docker::container(&second, &with, ""));
            for container in self.containers_of(&first) {
                container.names.push(second.clone());
            }
            let one = self.all.last_mut().unwrap();
            one.name = format!("^({first}|{second})$");
            let handle = one.handle.clone();
            wait_for_listener(handle.as_deref(), 81);
        }
    }

    /// Each place that names this container.
    fn containers_of(&mut self, name: &str) -> impl Iterator<Item = &mut Container> {
        let of_all = self.all.iter_mut().filter_map(|one| one.container.as_mut());
        let published = self.published.iter_mut().map(|one| &mut one.container);
        let name = name.to_owned();
        of_all
            .chain(published)
            .filter(move |one| one.names[0] == name)
    }

    /// `other`, which the set-up of podman has started for each user.
    fn other_containers(&mut self) {
        for user in [User::Root, User::Ann] {
            self.known(user, "podman", "other");
        }
    }

    fn of_podman(&mut self) {
        let options = [
            ("-p 18020:80", Some(("tcp", 18020, 80))),
            ("-p 18021:53/udp -e UDP=53", Some(("udp", 18021, 53))),
            ("", None),
            ("", None),
        ];
        for (number, (options, port)) in options.into_iter().enumerate() {
            self.container("podman", &format!("p{number}"), options, port);
        }
    }

    fn rootless(&mut self) {
        for (name, options) in [("r0", "-p 18030:80"), ("r1", "")] {
            let line = format!("podman run -d --name {name} {options} localhost/site");
            by(User::Ann, &line);
            self.known(User::Ann, "podman", name);
        }
        let container = self.all[self.all.len() - 2].container.clone().unwrap();
        self.published.push(Published {
            protocol: "tcp",
            port: 18030,
            container,
            to: 80,
            address: None,
            is_rule_alone: false,
        });
    }

    /// A container of root's, and the port that it publishes.
    fn container(
        &mut self,
        engine: &'static str,
        name: &str,
        options: &str,
        port: Option<(&'static str, u16, u16)>,
    ) {
        if engine == "docker" {
            self.guard(docker::container(name, options, ""));
        } else {
            sh(&format!(
                "podman run -d --name {name} {options} localhost/site"
            ));
            self.guard(Undo(format!("podman rm -f -t 0 {name}")));
        }
        let container = self.known(User::Root, engine, name);
        if let Some((protocol, port, to)) = port {
            self.published.push(Published {
                protocol,
                port,
                container,
                to,
                address: Some(address(engine, name)),
                is_rule_alone: false,
            });
        }
    }

    /// A container that runs, once its server listens.
    fn known(&mut self, user: User, engine: &'static str, name: &str) -> Container {
        let inspect = |what: &str| {
            by(
                user,
                &format!("{engine} inspect -f '{{{{{what}}}}}' {name}"),
            )
        };
        // Another user's container is named with that user.
        let shown = match user {
            User::Ann => format!("{name} (ann)"),
            _ => name.to_owned(),
        };
        let container = Container {
            engine,
            id: inspect(".Id"),
            names: vec![shown.clone()],
        };
        let handle = format!("/proc/{}/ns/net", inspect(".State.Pid"));
        wait_for_listener(Some(&handle), 80);
        self.all.push(One {
            name: format!("^{}$", regex::escape(&shown)),
            container: Some(container.clone()),
            handle: Some(handle),
            is_visible: true,
            kept: None,
        });
        container
    }

    /// Servers in namespaces of `ip netns`, as many each that only a bind mount, an open file or a socket
    /// keeps, and three each that a thread and a process keep.
    fn by_hand(&mut self, served: usize, others: usize) {
        for number in 0..served {
            let name = format!("web{number}");
            self.guard(netns(&name));
            let mut command = Command::new("ip");
            command.args(["netns", "exec", &name]).arg(helper());
            let kept = Kept::start_by(command, "here", &SOCKETS);
            self.keep(format!("^{name}$"), kept, true);
        }
        for number in 0..others {
            let name = format!("left{number}");
            self.guard(netns(&name));
            let kept = Kept::start(helper(), &format!("at:/run/netns/{name}"), &SOCKETS);
            self.keep(format!("^{name}$"), kept, false);
        }
        for kind in ["descriptor", "socket"] {
            for _ in 0..others {
                let kept = Kept::start(helper(), kind, &SOCKETS);
                self.keep(format!(r"^(\S+ )?{}$", kept.namespace), kept, false);
            }
        }
        for (kind, is_visible) in [("thread", false), ("process", true)] {
            for _ in 0..others - 1 {
                let kept = Kept::start(helper(), kind, &SOCKETS);
                let name = format!("^sockets_apart {}$", kept.namespace);
                self.keep(name, kept, is_visible);
            }
        }
    }

    fn keep(&mut self, name: String, kept: Kept, is_visible: bool) {
        self.all.push(One {
            name,
            container: None,
            handle: kept.handle.clone(),
            is_visible,
            kept: Some(kept),
        });
    }

    /// A rule that leads to a container without a process that has the port.
    fn rule(&mut self) {
        let mut of_docker = self.all.iter().filter_map(|one| one.container.clone());
        let container = of_docker.find(|one| one.names[0] == "d3").unwrap();
        let address = address("docker", "d3");
        sh(&format!(
            "nft 'table ip t18040 {{ chain first {{ type nat hook prerouting priority dstnat; \
             tcp dport 18040 dnat to {address}:80; }}; }}'"
        ));
        self.guard(Undo("nft delete table ip t18040".into()));
        self.published.push(Published {
            protocol: "tcp",
            port: 18040,
            container,
            to: 80,
            address: Some(address),
            is_rule_alone: true,
        });
    }

    /// Connections that last: to containers, and through their proxies.
    fn connect(&mut self) {
        let direct = format!("{}:80", address("docker", "d4"));
        let ways = ["127.0.0.1:18000", "127.0.0.1:18020", "127.0.0.1:18030"];
        for to in ways.into_iter().chain([&*direct]) {
            let client = TcpStream::connect(to).unwrap_or_else(|error| panic!("{to}: {error}"));
            self.clients.push(client);
        }
    }

    /// What each namespace has now, the stage's own and the other end of its cable among them.
    pub fn now(&self) -> Vec<Apart> {
        let mut all: Vec<_> = self.all.iter().map(One::now).collect();
        let outside = "/run/netns/outside";
        for (handle, name) in [(None, ""), (Some(outside), "^outside$")] {
            all.push(Apart {
                inode: handle.map(inode_of),
                name: name.to_owned(),
                container: None,
                is_visible: false,
                sockets: ss(handle),
            });
        }
        all
    }

    /// What is not as the scene says, without `sockeye`.
    pub fn faults(&self, expected: usize) -> Vec<String> {
        let now = self.now();
        let mut wrong = Vec::new();
        let inodes: BTreeSet<_> = now.iter().filter_map(|one| one.inode).collect();
        if inodes.len() != expected + 1 || inodes.contains(&0) {
            wrong.push(format!("{} namespaces: {inodes:?}", inodes.len()));
        }
        let sockets: usize = now.iter().map(|one| one.sockets.len()).sum();
        eprintln!("{} namespaces with {sockets} sockets", inodes.len());
        for (one, apart) in self.all.iter().zip(&now) {
            wrong.extend(one.faults(apart));
        }
        // A listing without a fault passes, also while engines close what the set-up opened.
        let (listing, after) = (listing_of(&self.now()), self.now());
        for viewer in [Viewer::Root, Viewer::Ordinary] {
            wrong.extend(differences(&listing, &now, &after, viewer));
        }
        wrong
    }
}

impl One {
    fn now(&self) -> Apart {
        let by_helper = self.kept.as_ref().map(|kept| &kept.sockets);
        let inode = match (&self.kept, &self.handle) {
            (Some(kept), _) => kept.namespace,
            (None, handle) => inode_of(handle.as_deref().unwrap()),
        };
        let sockets = match (&self.handle, by_helper) {
            (None, Some(by_helper)) => by_helper.clone(),
            (handle, by_helper) => {
                let mut sockets = ss(handle.as_deref());
                // `ss` does not list what is only bound.
                let bound = by_helper.into_iter().flatten();
                sockets.extend(bound.filter(|one| one.state == "BOUND").cloned());
                sockets
            }
        };
        Apart {
            inode: Some(inode),
            name: self.name.clone(),
            container: self.container.clone(),
            is_visible: self.is_visible,
            sockets,
        }
    }

    /// Each has a listener on port 80 that a process has; the helper and `ss` agree.
    fn faults(&self, now: &Apart) -> Vec<String> {
        let mut wrong = Vec::new();
        let serves = |one: &Expected| one.state == "LISTEN" && one.local.1 == 80;
        let mut listeners = now.sockets.iter().filter(|one| serves(one));
        if !listeners.any(|one| one.inode != 0 && !one.pids.is_empty()) {
            wrong.push(format!("{}: no listener: {:?}", self.name, now.sockets));
        }
        for socket in self.kept.iter().flat_map(|kept| &kept.sockets) {
            if !now.sockets.contains(socket) {
                wrong.push(format!("{}: no {socket:?}: {:?}", self.name, now.sockets));
            }
        }
        wrong
    }
}

/// The engine without proxies: what it publishes, and a rule alone.
pub fn without_proxy() -> Forty {
    let mut scene = Forty::empty();
    scene.guard(docker::engine("--userland-proxy=false"));
    let options = [
        ("-p 18100:80", Some(("tcp", 18100, 80))),
        ("-p 18101:53/udp -e UDP=53", Some(("udp", 18101, 53))),
        ("", None),
        ("", None),
    ];
    for (number, (options, port)) in options.into_iter().enumerate() {
        scene.container("docker", &format!("d{number}"), options, port);
    }
    scene.rule();
    wait_for_answer(Protocol::Tcp, "192.0.2.1", 18100);
    scene
}

/// A name of `ip netns`.
fn netns(name: &str) -> Undo {
    sh(&format!("ip netns add {name}"));
    Undo(format!("ip netns del {name}"))
}

/// The address of a container of root's.
pub fn address(engine: &str, name: &str) -> String {
    sh(&format!(
        "{engine} inspect -f '{{{{.NetworkSettings.IPAddress}}}}' {name}"
    ))
}

/// Waits until something listens on this port of the namespace.
pub fn wait_for_listener(handle: Option<&str>, port: u16) {
    wait_until(&format!("a listener on {port} in {handle:?}"), || {
        handle.is_none_or(|handle| Path::new(handle).exists())
            && ss(handle)
                .iter()
                .any(|one| one.state == "LISTEN" && one.local.1 == port)
    });
}
