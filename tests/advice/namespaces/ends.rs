//! Reading a namespace keeps nothing of it: while `sockeye` runs, a namespace is gone soon after what kept it.
//!
//! Each namespace is linked to the stage's by a veth, so its end is seen from here: the veth and the number that
//! the kernel gave the namespace (`ip netns list-id`) are gone.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::forty::wait_for_listener;
use super::{helper, is_own, listed};
use crate::apart::Kept;
use crate::docker;
use crate::podman;
use crate::stage::{SOCKEYE, on_stage};
use crate::started::{Started, User, sh};
use crate::support::pty::Pty;
use crate::support::wait_until;

/// How soon after the end of what kept it a namespace is gone.
const SOON: Duration = Duration::from_secs(2);

/// How often each kind is made and ended.
const ROUNDS: u16 = 4;

/// What is linked to this namespace: interfaces, and numbers of namespaces.
fn links() -> BTreeSet<String> {
    // Listing an interface gives the namespace of its other end a number, if it has none yet.
    let interfaces = sh("ip -o link");
    let names = interfaces
        .lines()
        .map(|line| line.split(' ').nth(1).unwrap());
    let mut links: BTreeSet<_> = names.map(str::to_owned).collect();
    let numbers = sh("ip netns list-id");
    // The name of a namespace follows its number.
    let numbers = numbers.lines().map(|line| line.split(" (").next().unwrap());
    links.extend(numbers.map(|number| number.trim().to_owned()));
    links
}

/// A namespace with a listener on this port, and how it ends.
struct Made(Box<dyn FnOnce()>);

/// A kind by name, and how one with this port is made.
type Kind = (&'static str, fn(u16) -> Made);

/// Each is linked to this namespace.
const KINDS: [Kind; 8] = [
    ("process", |port| by_helper("process", port)),
    ("thread", |port| by_helper("thread", port)),
    ("descriptor", |port| by_helper("descriptor", port)),
    ("socket", |port| by_helper("socket", port)),
    ("a name of ip netns", served),
    ("a bind mount", left),
    ("docker", |port| container("docker", "site", port)),
    ("podman", |port| container("podman", "localhost/site", port)),
];

fn sockets(port: u16) -> [String; 2] {
    [format!("listen:{port}"), format!("cable:c{port}")]
}

fn by_helper(kind: &str, port: u16) -> Made {
    let [listener, cable] = sockets(port);
    let kept = Kept::start(helper(), kind, &[&listener, &cable]);
    Made(Box::new(move || drop(kept)))
}

fn served(port: u16) -> Made {
    let name = format!("n{port}");
    sh(&format!("ip netns add {name}"));
    let [listener, cable] = sockets(port);
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &name]).arg(helper());
    let kept = Kept::start_by(command, "here", &[&listener, &cable]);
    Made(Box::new(move || {
        drop(kept);
        sh(&format!("ip netns del {name}"));
    }))
}

fn left(port: u16) -> Made {
    let name = format!("n{port}");
    sh(&format!("ip netns add {name}"));
    let [listener, cable] = sockets(port);
    let kind = format!("at:/run/netns/{name}");
    let kept = Kept::start(helper(), &kind, &[&listener, &cable]);
    Made(Box::new(move || {
        drop(kept);
        sh(&format!("ip netns del {name}"));
    }))
}

fn container(engine: &'static str, image: &str, port: u16) -> Made {
    let name = format!("e{port}");
    sh(&format!(
        "{engine} run -d --name {name} -e PORT={port} {image}"
    ));
    let pid = sh(&format!("{engine} inspect -f '{{{{.State.Pid}}}}' {name}"));
    wait_for_listener(Some(&format!("/proc/{pid}/ns/net")), port);
    Made(Box::new(move || {
        sh(&format!("{engine} rm -f {name}"));
    }))
}

/// Makes and ends one of each kind, some times; `wait_for` returns once the reader has the listener on a port.
fn faults(from: u16, wait_for: impl Fn(u16)) -> Vec<String> {
    let mut wrong = Vec::new();
    for round in 0..ROUNDS {
        for (number, (kind, make)) in (0..).zip(KINDS) {
            let port = from + 10 * round + number;
            let before = links();
            let made = make(port);
            // A veth and a number, which the kernel gives a moment later.
            let deadline = Instant::now() + SOON;
            let mut with_it = BTreeSet::new();
            while with_it.len() < 2 && Instant::now() < deadline {
                with_it = links().difference(&before).cloned().collect();
            }
            if with_it.len() < 2 {
                wrong.push(format!("{kind}: not linked: {with_it:?}"));
            }
            wait_for(port);
            (made.0)();
            wrong.extend(left_over(&before).map(|left| format!("{kind}: still there: {left:?}")));
        }
    }
    wrong
}

/// What is there in the end that was not before, although there was time to go.
fn left_over(before: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let deadline = Instant::now() + SOON;
    loop {
        let left: BTreeSet<_> = links().difference(before).cloned().collect();
        if left.is_empty() {
            return None;
        }
        if Instant::now() > deadline {
            return Some(left);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_kept() {
    on_stage("namespaces::ends::nothing_is_kept", "docker", || {
        let _engine = docker::engine("");
        podman::engine(&[User::Root]);
        // The first container of an engine makes what stays: a bridge.
        (container("podman", "localhost/site", 7000).0)();
        let mut wrong = faults(7100, |_| ());
        assert!(wrong.is_empty(), "without sockeye: {wrong:#?}");
        a_leak_is_noticed();
        if is_own() {
            return;
        }
        wrong.extend(by_the_live_table());
        wrong.extend(by_a_stream());
        wrong.extend(by_many_listings(User::Root));
        wrong.extend(by_many_listings(User::Bob));
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

/// What this test is for: an open file of the namespace keeps it after its end.
fn a_leak_is_noticed() {
    let before = links();
    let kept = Kept::start(helper(), "process", &["listen:7090", "cable:c7090"]);
    let line = format!("sleep 1000 </proc/{}/ns/net", kept.pid);
    let handle = kept.handle.clone().unwrap();
    let leak = Started::new(User::Root, &line);
    wait_until("the open file", || {
        let open = fs::read_link(format!("/proc/{}/fd/0", leak.pid()));
        open.is_ok_and(|open| fs::read_link(&handle).is_ok_and(|own| own == open))
    });
    drop(kept);
    assert!(left_over(&before).is_some(), "a leak is not noticed");
    drop(leak);
    assert_eq!(left_over(&before), None);
}

fn by_the_live_table() -> Vec<String> {
    let args = ["-N", "all", "--interval", "100ms"];
    let live = Pty::spawn(SOCKEYE, &args, (200, 60), &[]);
    let wrong = faults(7200, |port| {
        live.wait_for_text(&format!(" {port} "));
    });
    wrong.iter().map(|one| format!("live: {one}")).collect()
}

fn by_a_stream() -> Vec<String> {
    let line = format!("{SOCKEYE} watch -N all --json --interval 100ms");
    let path = "/run/stage/stream.log";
    let _stream = Started::logged(User::Root, "stream", &line);
    let wrong = faults(7300, |port| {
        let port = format!("\"port\":{port}");
        wait_until(&port, || {
            fs::read_to_string(path).is_ok_and(|lines| lines.contains(&port))
        });
    });
    wrong.iter().map(|one| format!("watch: {one}")).collect()
}

/// One listing after the other, from before a namespace is made until it has ended.
fn by_many_listings(user: User) -> Vec<String> {
    let (is_over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wrong = thread::scope(|scope| {
        let again = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                listed(user, "-N all");
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let wrong = faults(7400, |port| {
            let begun = count.load(Ordering::Relaxed);
            // The first one to end may have begun before.
            wait_until("two listings", || {
                count.load(Ordering::Relaxed) >= begun + 2 || again.is_finished()
            });
            if user == User::Root {
                let port = format!("\"port\":{port}");
                assert!(listed(user, "-N all").to_string().contains(&port), "{port}");
            }
        });
        is_over.store(true, Ordering::Relaxed);
        again.join().unwrap();
        wrong
    });
    let by = user.name();
    let each = wrong.iter().map(|one| format!("list by {by}: {one}"));
    each.collect()
}
