//! `record -N all`: each namespace has its own ports, also in what is read later.

use std::process::Command;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::Value;

use super::{Store, end};
use crate::apart::Kept;
use crate::cli::holder::listener;
use crate::cli::scene::{Said, TempFile, sockeye, stage};
use crate::program::built;
use crate::support::wait_until;

/// A namespace with a name, and a server in it.
fn web() -> Kept {
    let made = "mount -t tmpfs -o mode=755 tmpfs /run; ip netns add web";
    let made = Command::new("sh").args(["-ec", made]).status().unwrap();
    assert!(made.success());
    let mut served = Command::new("ip");
    served.args(["netns", "exec", "web"]);
    served.arg(built("support/helpers/sockets_apart.c"));
    Kept::start_by(served, "here", &["listen:8080", "udp:53"])
}

/// The pids and the namespaces of those that had a port.
fn holders(said: &Said) -> Vec<(Value, Value)> {
    let json = said.json();
    let all = json["holders"].as_array().unwrap().iter();
    let of = |one: &Value| (one["pids"][0].clone(), one["namespace"]["name"].clone());
    let mut all: Vec<_> = all.map(of).collect();
    all.sort_by_key(|one| one.1.is_null());
    all
}

#[test]
fn the_same_port_in_two_namespaces_is_two_ports() {
    stage(|| {
        let store = Store::new("namespaces");
        let inside = web();
        let _here = listener("127.0.0.1:8080");
        let recorder = store.recorder_with(&["-N", "all"]);
        let who = |words: &[&str]| store.asks(&[&["who", "--json"], words].concat());
        wait_until("both servers", || {
            let said = who(&["8080", "-N", "all"]);
            said.code != 2 && holders(&said).len() == 2
        });
        let during = Timestamp::now();
        let own = (Value::from(std::process::id()), Value::Null);
        let other = (Value::from(inside.pid), Value::from("web"));
        let both = who(&["8080", "-N", "all"]);
        assert_eq!(holders(&both), [other.clone(), own.clone()]);
        assert_eq!(holders(&who(&["8080"])), [own]);
        for port in ["8080", "53/udp"] {
            let found = holders(&who(&[port, "-N", "web"]));
            assert_eq!(found.as_slice(), std::slice::from_ref(&other));
        }
        assert_eq!(who(&["53/udp"]).code, 1);
        let text = store.asks(&["who", "8080", "-N", "all"]);
        assert_eq!(text.out.matches(" in web ").count(), 1, "{text:?}");
        let unknown = store.asks(&["who", "8080", "-N", "nonsense"]);
        assert_eq!((unknown.code, &*unknown.out), (2, ""), "{unknown:?}");

        let at = during.to_string();
        let listed = |namespace: &str| {
            let words = ["list", "-l", "--at", &at, "-N", namespace, ":8080"];
            store.asks(&words).ports().len()
        };
        assert_eq!([listed("all"), listed("own"), listed("web")], [2, 1, 1]);
        let pid = inside.pid.to_string();
        assert_eq!(listed(&pid), 1);
        let checked = |namespace: &str| {
            let words = ["check", "-q", "53/udp", "--at", &at, "-N", namespace];
            store.asks(&words).code
        };
        assert_eq!([checked("own"), checked("web"), checked("all")], [0, 1, 2]);

        let list = sockeye(&["list", "--json", "-N", "all"]).out;
        let baseline = TempFile::containing("namespaces.json", &list);
        drop(inside);
        wait_until("its end", || {
            let said = who(&["8080", "-N", "web"]).json();
            said["holders"][0]["ended"] == "process_ended"
        });
        for words in [
            &["--at", &at][..],
            &["--at", &at, "--at", "now"],
            &[baseline.path()],
        ] {
            let diff = |namespace: &str| {
                let words = [&["diff", "-N", namespace], words].concat();
                store.asks(&words)
            };
            let same = diff("own");
            assert_eq!((same.code, &*same.out), (0, ""), "{same:?}");
            // Nothing is in it any more: at one of the times it was there.
            for namespace in ["all", "web"] {
                let gone = diff(namespace);
                assert_eq!((gone.code, &*gone.err), (1, ""), "{gone:?}");
                let lines: Vec<_> = gone.out.lines().collect();
                assert_eq!(lines.len(), 2, "{gone:?}");
                assert!(
                    lines.iter().all(|line| line.contains(" in web ")),
                    "{gone:?}"
                );
            }
        }
        let unknown = store.asks(&["diff", "--at", &at, "-N", "nonsense"]);
        assert_eq!((unknown.code, &*unknown.out), (2, ""), "{unknown:?}");
        assert!(unknown.err.contains("nonsense"), "{unknown:?}");
        end(recorder, Signal::TERM, 143);
    });
}
