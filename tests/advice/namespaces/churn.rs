//! Containers that start and end for two minutes, three at a time, beside namespaces that do not change: of each
//! listener `sockeye watch -N all` says once that it opened and once that it closed, and nothing else.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::forty::wait_for_listener;
use super::{assert_none, helper, is_own};
use crate::apart::{Kept, ss};
use crate::docker;
use crate::podman;
use crate::schema::valid;
use crate::stage::{SOCKEYE, on_stage};
use crate::started::{User, sh, signal};
use crate::support::{MAX_WAIT, wait_until};

/// For how long containers come and go.
const LENGTH: Duration = Duration::from_mins(2);

/// How long each one serves: longer than two intervals of the stream.
const LIFE: Duration = Duration::from_millis(600);

const INTERVAL: &str = "200ms";

/// The engines of those that come and go side by side, and their images.
const ENGINES: [(&str, &str); 3] = [
    ("docker", "site"),
    ("docker", "site"),
    ("podman", "localhost/site"),
];

/// A listener that was there: the container's name and the socket's inode.
#[derive(Clone, Debug)]
struct Listener {
    name: String,
    inode: u64,
}

/// Lines of the stream, as they come.
type Lines = Arc<Mutex<Vec<Value>>>;

/// The stream, read on a thread of its own so that it never waits.
struct Stream {
    child: Child,
    lines: Lines,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn start() -> Self {
        let mut command = Command::new(SOCKEYE);
        command.args(["watch", "-N", "all", "--json", "-a", "--interval", INTERVAL]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = Lines::default();
        let into = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in printed.map_while(Result::ok) {
                into.lock().unwrap().push(valid(&line));
            }
        });
        Self {
            child,
            lines,
            reader: Some(reader),
        }
    }

    /// How many lines of this kind there are of a socket.
    fn count(&self, kind: &str, inode: u64) -> usize {
        let lines = self.lines.lock().unwrap();
        let is_one =
            |line: &&Value| line["kind"] == kind && line["socket"]["inode"].as_u64() == Some(inode);
        lines.iter().filter(is_one).count()
    }

    fn end(mut self) -> Vec<Value> {
        signal("TERM", self.child.id()).unwrap();
        self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        self.lines.lock().unwrap().clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one listener of a container, by `ss` in its namespace.
fn listener_of(engine: &str, name: &str) -> Listener {
    let pid = sh(&format!("{engine} inspect -f '{{{{.State.Pid}}}}' {name}"));
    let handle = format!("/proc/{pid}/ns/net");
    wait_for_listener(Some(&handle), 80);
    let sockets = ss(Some(&handle));
    assert_eq!(sockets.len(), 1, "{name}: {sockets:?}");
    let inode = sockets[0].inode;
    Listener {
        name: name.to_owned(),
        inode,
    }
}

/// Starts and removes one container after the other; each fourth one is restarted.
fn come_and_go(worker: usize, engine: &str, image: &str, deadline: Instant) -> Vec<Listener> {
    let mut seen = Vec::new();
    for number in 0.. {
        if Instant::now() > deadline {
            break;
        }
        let name = format!("churn-{worker}-{number}");
        sh(&format!("{engine} run -d --name {name} {image}"));
        seen.push(listener_of(engine, &name));
        thread::sleep(LIFE);
        if number % 4 == 3 {
            sh(&format!("{engine} restart {name}"));
            seen.push(listener_of(engine, &name));
            thread::sleep(LIFE);
        }
        sh(&format!("{engine} rm -f {name}"));
    }
    seen
}

#[test]
fn each_listener_opens_once_and_closes_once() {
    let name = "namespaces::churn::each_listener_opens_once_and_closes_once";
    on_stage(name, "docker", || {
        let _engine = docker::engine("");
        podman::engine(&[User::Root]);
        let steady = [
            Kept::start(helper(), "process", &["listen:80", "udp:53", "pair:80"]),
            Kept::start(helper(), "socket", &["listen:80", "bound:81"]),
        ];
        let _still = docker::container("still", "", "");
        let still = listener_of("docker", "still");
        let stream = (!is_own()).then(Stream::start);
        if let Some(stream) = &stream {
            wait_until("the first reading", || {
                stream.count("present", still.inode) == 1
                    && stream.count("present", steady[1].sockets[0].inode) == 1
            });
        }
        let seen = churn();
        eprintln!("{} listeners came and went", seen.len());
        assert!(seen.len() > 30, "{seen:?}");
        let inodes: BTreeMap<_, _> = seen.iter().map(|one| (one.inode, &one.name)).collect();
        assert_eq!(inodes.len(), seen.len(), "an inode came twice: {seen:?}");
        let Some(stream) = stream else { return };
        // What never comes is a fault of its own, see below.
        let (deadline, is_closed) = (Instant::now() + MAX_WAIT, |one: &Listener| {
            stream.count("closed", one.inode) > 0
        });
        while !seen.iter().all(is_closed) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        assert_none(&faults(&stream.end(), &seen));
    });
}

/// All that came and went while three workers were at it.
fn churn() -> Vec<Listener> {
    let deadline = Instant::now() + LENGTH;
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for (worker, (engine, image)) in ENGINES.into_iter().enumerate() {
            workers.push(scope.spawn(move || come_and_go(worker, engine, image, deadline)));
        }
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    })
}

/// What the stream says and is not so, or does not say.
fn faults(lines: &[Value], seen: &[Listener]) -> Vec<String> {
    let mut wrong = Vec::new();
    let known: BTreeMap<_, _> = seen.iter().map(|one| (one.inode, &*one.name)).collect();
    let mut counts: BTreeMap<(u64, &str), usize> = BTreeMap::new();
    let mut never_named = 0;
    for line in lines {
        let kind = line["kind"].as_str().unwrap();
        // Late readings say something of this machine alone.
        if ["start", "present", "gap"].contains(&kind) {
            continue;
        }
        let inode = line["socket"]["inode"].as_u64().unwrap_or_default();
        let Some(name) = known.get(&inode) else {
            wrong.push(format!("invented: {line}"));
            continue;
        };
        if is_without_name(line, &known) {
            never_named += usize::from(kind == "closed");
        } else if !is_named(line, name) {
            wrong.push(format!("not of {name}: {line}"));
        }
        *counts.entry((inode, kind)).or_default() += 1;
    }
    for one in seen {
        for kind in ["opened", "closed"] {
            match counts.remove(&(one.inode, kind)) {
                Some(1) => {}
                count => wrong.push(format!("{kind} {} times: {one:?}", count.unwrap_or(0))),
            }
        }
    }
    // A container may end before its engine said whose namespace it is, on a machine with much else to do.
    if 10 * never_named > seen.len() {
        wrong.push(format!("{never_named} closed without a name"));
    }
    let others = counts.iter();
    wrong.extend(others.map(|((inode, kind), count)| format!("{count} × {kind} of {inode}")));
    wrong
}

/// Whether a line has the container's name.
fn is_named(line: &Value, name: &str) -> bool {
    let namespace = &line["socket"]["namespace"];
    namespace["name"] == *name && namespace["container"]["name"] == *name
}

/// Whether a line names no container yet, and its namespace not as one.
fn is_without_name(line: &Value, known: &BTreeMap<u64, &str>) -> bool {
    let namespace = &line["socket"]["namespace"];
    let is_other = |name: &str| !known.values().any(|known| *known == name);
    namespace["container"].is_null() && namespace["name"].as_str().is_some_and(is_other)
}

/// The comparison by itself.
#[test]
fn each_fault_of_a_stream_is_found() {
    let seen = [("a", 1), ("b", 2)].map(|(name, inode)| Listener {
        name: name.into(),
        inode,
    });
    let line = |kind: &str, name: &str, inode: u64| {
        let container = (!name.contains(' ')).then(|| serde_json::json!({"name": name}));
        let namespace = serde_json::json!({"inode": 77, "name": name, "container": container});
        serde_json::json!({"kind": kind, "socket": {"inode": inode, "namespace": namespace}})
    };
    let right = vec![
        line("start", "", 0),
        line("present", "", 9),
        line("opened", "a", 1),
        line("opened", "b", 2),
        line("closed", "b", 2),
        line("closed", "a", 1),
    ];
    assert_none(&faults(&right, &seen));
    let with_other = |at: usize, other: Value| {
        let mut lines = right.clone();
        lines[at] = other;
        faults(&lines, &seen).len()
    };
    assert_eq!(with_other(2, line("opened", "httpd 77", 1)), 0, "too early");
    assert_eq!(with_other(2, line("opened", "b", 1)), 1);
    assert_eq!(with_other(5, line("closed", "httpd 77", 1)), 1);
    let with = |extra: Value| faults(&[right.clone(), vec![extra]].concat(), &seen).len();
    assert_eq!(with(line("opened", "a", 1)), 1);
    assert_eq!(with(line("closed", "c", 3)), 1);
    assert_eq!(with(line("owner", "a", 1)), 1);
    assert_eq!(with(line("gone_between", "a", 1)), 1);
    assert_eq!(faults(&right[..5], &seen).len(), 1);
    let of_other = [&right[..5], &[line("closed", "b", 1)]].concat();
    assert_eq!(faults(&of_other, &seen).len(), 1);
}
