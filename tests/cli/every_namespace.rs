//! `-N all`: the sockets of every network namespace, wherever a namespace hides, compared with the program that
//! opened them and with `ss` inside each.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use serde_json::{Value, json};
use sockeye::inspect::NamespaceAccess;
use sockeye::model::{Namespace, NamespaceFile, NamespaceId};

use crate::apart::{
    Apart, Expected, Kept, Viewer, differences, inode_of, listing_of, ss, with_ports,
};
use crate::cli::background::Running;
use crate::cli::scene::{BINARY, Said, sockeye, stage};
use crate::program::built;
use crate::support::netns::{has_users, in_netns_with_users};
use crate::support::wait_until;

/// What each namespace has; the same ports in all of them.
const SOCKETS: [&str; 8] = [
    "listen:80",
    "listen6:81",
    "udp:53",
    "udp6:54",
    "bound:82",
    "pair:80",
    "pair:80",
    "waiting:80",
];

/// The ways a namespace is kept that have no name, and whether a visible process is in it.
const NAMELESS: [(&str, bool); 4] = [
    ("process", true),
    ("thread", false),
    ("descriptor", false),
    ("socket", false),
];

fn helper() -> PathBuf {
    built("support/helpers/sockets_apart.c")
}

fn run(line: &str) {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
}

/// Namespaces of every kind, and a socket here.
struct Scene {
    kept: Vec<(String, bool, Kept)>,
    _here: Kept,
}

impl Scene {
    /// `/run` is empty, so that `ip netns` has names of the test's own.
    fn new(program: &Path) -> Self {
        run(
            "mount -t tmpfs -o mode=755 tmpfs /run; ip netns add web; ip netns add empty; ip netns add left",
        );
        let mut kept = Vec::new();
        for (kind, is_visible) in NAMELESS {
            let one = Kept::start(program, kind, &SOCKETS);
            let name = match kind {
                // A thread's namespace is named by the process of the thread.
                "process" | "thread" => format!("^sockets_apart {}$", one.namespace),
                _ => format!(r"^(\S+ )?{}$", one.namespace),
            };
            kept.push((name, is_visible, one));
        }
        let mut served = Command::new("ip");
        served.args(["netns", "exec", "web"]).arg(program);
        let served = Kept::start_by(served, "here", &SOCKETS);
        kept.push(("^web$".into(), true, served));
        let left = Kept::start(program, "at:/run/netns/left", &SOCKETS);
        kept.push(("^left$".into(), false, left));
        Self {
            kept,
            _here: Kept::start(program, "here", &["listen:80", "udp:53", "pair:80"]),
        }
    }

    /// What is there now: by `ss` where the namespace can be entered, and by the helper what `ss` does not list.
    fn now(&self) -> Vec<Apart> {
        let mut all: Vec<_> = self
            .kept
            .iter()
            .map(|(name, is_visible, kept)| {
                let mut apart = kept.as_apart(name, *is_visible);
                if let Some(handle) = &kept.handle {
                    apart.sockets = merged(&kept.sockets, ss(Some(handle)));
                }
                apart
            })
            .collect();
        all.push(Apart {
            inode: None,
            name: String::new(),
            container: None,
            is_visible: true,
            sockets: ss(None),
        });
        all
    }
}

/// The lines of `ss`, and what is only bound by the helper.
fn merged(by_helper: &[Expected], mut by_ss: Vec<Expected>) -> Vec<Expected> {
    let bound = by_helper.iter().filter(|one| one.state == "BOUND");
    by_ss.extend(bound.cloned());
    by_ss
}

#[track_caller]
fn assert_none(differences: &[String]) {
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn listed(args: &[&str]) -> Value {
    sockeye(&[&["list", "--json", "-a"], args].concat()).json()
}

/// The scene by itself: the helper and `ss` agree.
#[test]
fn the_scene_has_the_sockets_that_it_says() {
    stage(|| {
        let scene = Scene::new(&helper());
        let namespaces: BTreeSet<_> = scene.kept.iter().map(|one| one.2.namespace).collect();
        assert_eq!(namespaces.len(), 6);
        assert!(!namespaces.contains(&inode_of("/proc/self/ns/net")));
        for (name, _, kept) in &scene.kept {
            assert_eq!(kept.sockets.len(), 10, "{name}");
            let Some(handle) = &kept.handle else { continue };
            assert_eq!(inode_of(handle), kept.namespace, "{name}");
            let by_ss = ss(Some(handle));
            for socket in kept.sockets.iter().filter(|one| one.state != "BOUND") {
                assert!(by_ss.contains(socket), "{name}: {socket:?} in {by_ss:#?}");
            }
            assert_eq!(by_ss.len(), 9, "{name}: {by_ss:#?}");
        }
    });
}

/// The comparison by itself: a listing that has what is there passes, and each single fault is found.
#[test]
fn each_fault_of_a_listing_is_a_difference() {
    stage(|| {
        let scene = Scene::new(&helper());
        let now = scene.now();
        let right = listing_of(&now);
        assert_none(&differences(&right, &now, &now, Viewer::Root));
        assert_none(&differences(&right, &now, &now, Viewer::Ordinary));
        let fault = |change: &dyn Fn(&mut Vec<Value>)| {
            let mut wrong = right.clone();
            change(wrong["sockets"].as_array_mut().unwrap());
            differences(&wrong, &now, &now, Viewer::Root).len()
        };
        assert_eq!(fault(&|all| drop(all.remove(0))), 1);
        assert_eq!(fault(&|all| all.push(all[0].clone())), 1);
        assert_eq!(fault(&|all| all[0]["inode"] = 1.into()), 2);
        assert_eq!(fault(&|all| all[0]["namespace"] = Value::Null), 2);
        assert_eq!(fault(&|all| all[0]["pids"] = json!([1])), 1);
        assert_eq!(fault(&|all| all[0]["local"]["port"] = 1.into()), 1);
        let name = |all: &mut Vec<Value>| all[0]["namespace"]["name"] = "other".into();
        assert_eq!(fault(&name), 1);
    });
}

#[test]
fn every_socket_of_every_namespace_is_listed_once() {
    stage(|| {
        let scene = Scene::new(&helper());
        let before = scene.now();
        let listing = listed(&["-N", "all"]);
        assert_none(&differences(&listing, &before, &scene.now(), Viewer::Root));
    });
}

#[test]
fn an_ordinary_user_sees_every_socket_of_each_namespace_that_has_a_process() {
    in_netns_with_users(
        "every_namespace::an_ordinary_user_sees_every_socket_of_each_namespace_that_has_a_process",
        || {
            let scene = Scene::new(&helper());
            let before = scene.now();
            let listing = as_another_user(&["list", "--json", "-a", "-N", "all"]).json();
            let after = scene.now();
            assert_none(&differences(&listing, &before, &after, Viewer::Ordinary));
        },
    );
}

/// What the program prints for another user, or, where there is only one, without any right.
fn as_another_user(args: &[&str]) -> Said {
    let program = Path::new("/run/sockeye");
    fs::copy(BINARY, program).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("setpriv");
    if has_users() {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    } else {
        command.args(["--inh-caps=-all", "--bounding-set=-all"]);
    }
    command.arg(program).args(args).current_dir("/");
    Said::of(command.output().unwrap())
}

/// `own` is what there was before, and the default.
#[test]
fn without_it_only_the_own_namespace_is_listed() {
    stage(|| {
        let _scene = Scene::new(&helper());
        for args in [&[][..], &["-N", "own"], &["--namespace", "own"]] {
            let listing = listed(args);
            // A listener, UDP, both ends.
            assert_eq!(with_ports(&listing).count(), 4, "{listing:#}");
            for socket in with_ports(&listing) {
                assert_eq!(socket["namespace"], Value::Null, "{socket:#}");
                assert_eq!(socket["published"], Value::Null, "{socket:#}");
            }
        }
    });
}

#[test]
fn one_namespace_is_chosen_by_name_or_by_a_pid() {
    stage(|| {
        let scene = Scene::new(&helper());
        let of = |name: &str| {
            let mut all = scene.now().into_iter();
            all.find(|one| one.name == name).unwrap()
        };
        let process = &scene.kept[0].2;
        let chosen = [
            ("web".to_owned(), of("^web$")),
            ("left".to_owned(), of("^left$")),
            (process.pid.to_string(), of(&scene.kept[0].0)),
        ];
        for (argument, apart) in chosen {
            let listing = listed(&["-N", &argument]);
            let expected = [apart];
            let wrong = differences(&listing, &expected, &expected, Viewer::Root);
            assert!(wrong.is_empty(), "-N {argument}:\n{}", wrong.join("\n"));
        }
        let said = sockeye(&["list", "-N", "nonesuch"]);
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
        assert!(said.err.contains("nonesuch"), "{said:?}");
    });
}

/// The live table refused the name of a namespace that `list` knows, as only the search for owners finds it.
#[test]
fn the_live_table_accepts_each_namespace_that_list_does() {
    stage(|| {
        let program = helper();
        for kind in ["descriptor", "socket"] {
            let kept = Kept::start(&program, kind, &["listen:80"]);
            let number = kept.namespace.to_string();
            assert_eq!(with_ports(&listed(&["-N", &number])).count(), 1, "{kind}");
            // Its standard input is at its end, so it prints the table and ends.
            let said = sockeye(&["--linear", "-N", &number]);
            assert_eq!(said.code, 0, "{kind}: {said:?}");
        }
    });
}

/// Each namespace has a cable to this one, which ends with it.
#[test]
fn a_watched_namespace_ends_when_what_keeps_it_ends() {
    stage(|| {
        run("mount -t tmpfs -o mode=755 tmpfs /run");
        let program = helper();
        let watching = Running::sockeye(&["watch", "-N", "all", "--json", "--interval=50ms"]);
        assert_eq!(watching.json()["kind"], "start");
        for (number, (kind, _)) in (0..).zip(NAMELESS.into_iter().cycle().take(12)) {
            let (port, cable) = (7000 + number, format!("cable{number}"));
            let sockets = [format!("listen:{port}"), format!("cable:{cable}")];
            let kept = Kept::start(&program, kind, &[&*sockets[0], &*sockets[1]]);
            assert!(has_interface(&cable), "{kind}");
            wait_for_line(&watching, "opened", port);
            drop(kept);
            wait_until(&format!("the end of a namespace ({kind})"), || {
                !has_interface(&cable)
            });
            wait_for_line(&watching, "closed", port);
        }
        watching.signal(Signal::TERM);
        let rest = watching.end().rest;
        assert!(rest.iter().all(|line| line.contains("\"gap\"")), "{rest:?}");
    });
}

/// The next line is this one. `gap` lines say something of this machine alone.
#[track_caller]
fn wait_for_line(watching: &Running, kind: &str, port: u16) {
    let line = watching.json();
    let (told, of) = (&line["kind"], &line["socket"]["local"]["port"]);
    assert_eq!((told, of), (&kind.into(), &port.into()), "{line:#}");
}

/// In `/sys` it would be those of the machine.
fn has_interface(name: &str) -> bool {
    let devices = fs::read_to_string("/proc/self/net/dev").unwrap();
    devices.contains(&format!("{name}:"))
}

/// With nothing that reads them, and with a process that keeps one: the way the test above finds a leak.
#[test]
fn a_cable_ends_with_its_namespace_and_not_before() {
    stage(|| {
        let program = helper();
        for (kind, _) in NAMELESS {
            let kept = Kept::start(&program, kind, &["listen:80", "cable:cable"]);
            // A second process in the namespace of the socket can't be started from outside.
            let other = kept.handle.as_ref().map(|handle| {
                let file = fs::File::open(handle).unwrap();
                assert!(has_interface("cable"), "{kind}");
                file
            });
            drop(kept);
            if let Some(file) = other {
                assert!(has_interface("cable"), "{kind}: a descriptor keeps it");
                drop(file);
            }
            wait_until(kind, || !has_interface("cable"));
        }
    });
}

/// A command that was printed for root led to another namespace, or to none.
#[test]
fn what_a_namespace_is_called_in_a_command_leads_to_it() {
    stage(|| {
        let program = helper();
        let scene = Scene::new(&program);
        let mut kept: Vec<&Kept> = scene.kept.iter().map(|(_, _, kept)| kept).collect();
        // Only a mount that a process elsewhere has keeps it.
        let script = "mount -t tmpfs tmpfs /mnt; touch /mnt/net; ip netns add far; mount --bind /run/netns/far /mnt/net; \
            ip netns delete far; exec \"$@\"";
        let mut far = Command::new("unshare");
        far.args(["--mount", "sh", "-ec", script, "sh"])
            .arg(&program);
        let far = Kept::start_by(far, "at:/mnt/net", &SOCKETS);
        kept.push(&far);
        let called = |kept: &Kept| {
            let namespace = Arc::new(Namespace {
                id: NamespaceId(1),
                inode: Some(kept.namespace),
                cookie: None,
                name: "x".into(),
                container: None,
            });
            let access = NamespaceAccess::of(&namespace, &[kept.pid]).unwrap();
            let inside = access.inside();
            if let Some(option) = &inside.option {
                let found = NamespaceAccess::find(option).unwrap().unwrap();
                let found = found.inside().namespace.inode;
                assert_eq!(found, namespace.inode, "-N {option}");
            }
            if let Some(NamespaceFile::Path(path)) = &inside.enter {
                assert_eq!(inode_of(path), kept.namespace, "{path}");
            }
            (inside.option.is_some(), inside.enter.is_some())
        };
        let called: Vec<_> = kept.into_iter().map(called).collect();
        let expected = [
            ("process", (true, true)),
            ("thread", (true, true)),
            ("descriptor", (false, false)),
            ("socket", (false, false)),
            ("ip netns with a process", (true, true)),
            ("ip netns", (true, true)),
            ("a mount elsewhere", (true, false)),
        ];
        for (called, (kind, expected)) in called.into_iter().zip(expected) {
            assert_eq!(called, expected, "{kind}");
        }
    });
}
