//! `-N`: binds in another network namespace, against binds that the test makes in there itself. The same port may be
//! taken inside and free outside, and the other way round.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::schema::hold;
use crate::support::netns::{has_users, in_netns_with_users, stage};
use crate::support::wait_until;

const BINARY: &str = env!("CARGO_BIN_EXE_sockeye");

const TAKEN_INSIDE: u16 = 20_001;
const TAKEN_OUTSIDE: u16 = 20_002;

/// The ports that a run of this test binary has to listen on, or the one that it has to bind.
const SERVES: &str = "SOCKEYE_TEST_SERVES";
const BINDS: &str = "SOCKEYE_TEST_BINDS";

/// Not a test: what the others start inside.
#[test]
fn what_runs_inside() {
    let port = |text: &str| text.parse::<u16>().unwrap();
    let listen = |port: u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
    if let Ok(ports) = std::env::var(SERVES) {
        let _open: Vec<_> = ports
            .split(' ')
            .map(|text| listen(port(text)).unwrap())
            .collect();
        println!("\nready");
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    if let Ok(text) = std::env::var(BINDS) {
        let is_free = listen(port(&text)).is_ok();
        println!("\n{}", if is_free { "it is free" } else { "it is taken" });
    }
}

fn this_again(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "cli::inside::what_runs_inside", "--nocapture"]);
    command
}

/// A server in a network namespace of its own.
struct Inside(Child);

impl Inside {
    fn listening_on(ports: &str) -> Self {
        let script = r#"ip link set lo up; exec "$@""#;
        let mut command = this_again("unshare", &["-n", "sh", "-ec", script, "sh"]);
        command.env(SERVES, ports);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"), "it listens");
        Self(child)
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn inode(&self) -> u64 {
        let file = format!("/proc/{}/ns/net", self.0.id());
        std::fs::metadata(file).unwrap().ino()
    }

    /// What a bind in there says.
    fn is_free(&self, port: u16) -> bool {
        let mut command = this_again("nsenter", &["-t", &self.pid(), "-n"]);
        let output = command.env(BINDS, port.to_string()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("it is "), "{said}");
        said.contains("it is free")
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The exit code, the output and the errors.
fn sockeye(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(BINARY).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().expect("it ended by itself"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn checked(args: &[&str]) -> (i32, Value) {
    let (code, out, err) = sockeye(&[&["check", "--json"], args].concat());
    assert!(!out.is_empty(), "{err}");
    hold(&out);
    let mut json: Value = serde_json::from_str(&out).unwrap();
    (code, json["targets"][0].take())
}

#[test]
fn check_says_of_a_port_inside_what_a_bind_inside_does() {
    stage(|| {
        let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
        let _outside = TcpListener::bind((Ipv4Addr::UNSPECIFIED, TAKEN_OUTSIDE)).unwrap();
        let pid = inside.pid();
        for port in [TAKEN_INSIDE, TAKEN_OUTSIDE] {
            let text = port.to_string();
            let (code, target) = checked(&["-N", &pid, &text]);
            assert_eq!(code == 0, inside.is_free(port), "{port} inside: {target}");
            assert_eq!(target["namespace"]["inode"], inside.inode());
            let (code, target) = checked(&[&text]);
            let is_free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
            assert_eq!(code == 0, is_free, "{port} outside: {target}");
            assert_eq!(target["namespace"], Value::Null);
        }
        let (_, target) = checked(&["-N", &pid, &TAKEN_INSIDE.to_string()]);
        assert_eq!(target["blockers"][0]["pids"][0], inside.0.id());
        let fix = &target["remedies"][0];
        assert_eq!(fix["command"], format!("kill {pid}"), "{fix}");
        let (_, target) = checked(&["-N", &pid, &TAKEN_OUTSIDE.to_string()]);
        let note = target["notes"][0]["message"].as_str().unwrap();
        assert!(note.contains("outside, where sockeye runs"), "{note}");
        let (code, target) = checked(&["-N", "own", &TAKEN_OUTSIDE.to_string()]);
        assert_eq!((code, &target["namespace"]), (1, &Value::Null));
        let (_, text, _) = sockeye(&["check", "-N", &pid, "20003"]);
        let name = format!("20003 in network namespace {} ", name_of(inside.0.id()));
        assert!(text.starts_with(&name), "{text}");
    });
}

fn name_of(pid: u32) -> String {
    let executable = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    executable.file_name().unwrap().to_str().unwrap().to_owned()
}

/// The settings of the network and the abstract names are those inside.
#[test]
fn settings_and_abstract_names_are_those_inside() {
    stage(|| {
        let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
        let pid = inside.pid();
        let set = ["-t", &pid, "-n", "sysctl", "-qw"];
        let range = "net.ipv4.ip_local_port_range=20010 20100";
        let done = Command::new("nsenter").args(set).arg(range).status();
        assert!(done.unwrap().success());
        let is_ephemeral = |args: &[&str]| {
            let (_, target) = checked(args);
            let notes = target["notes"].as_array().unwrap();
            notes.iter().any(|note| note["code"] == "ephemeral_range")
        };
        assert!(is_ephemeral(&["-N", &pid, "20050"]));
        assert!(!is_ephemeral(&["20050"]));
        let name = std::os::unix::net::SocketAddr::from_abstract_name("of-the-test").unwrap();
        let _outside = std::os::unix::net::UnixListener::bind_addr(&name).unwrap();
        assert_eq!(checked(&["@of-the-test"]).0, 1);
        assert_eq!(checked(&["-N", &pid, "@of-the-test"]).0, 0);
    });
}

#[test]
fn a_free_port_is_found_inside() {
    stage(|| {
        let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
        let _outside = TcpListener::bind((Ipv4Addr::UNSPECIFIED, TAKEN_OUTSIDE)).unwrap();
        let found = |args: &[&str]| sockeye(&[&["free"], args, &["20001-20004"]].concat());
        assert_eq!(found(&["-N", &inside.pid()]).1, "20002\n");
        assert_eq!(found(&[]).1, "20001\n");
        let (_, json, _) = found(&["-N", &inside.pid(), "--json"]);
        hold(&json);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["namespace"]["inode"], inside.inode());
        // A command that gets the port runs in the namespace.
        let args = [
            "free",
            "-N",
            &inside.pid(),
            "20002",
            "--",
            "readlink",
            "/proc/self/ns/net",
        ];
        let (code, link, _) = sockeye(&args);
        assert_eq!((code, link), (0, format!("net:[{}]\n", inside.inode())));
    });
}

#[test]
fn a_namespace_of_ip_netns_is_found_by_its_name() {
    stage(|| {
        let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
        let mount = "mount -t tmpfs none /run; mkdir -p /run/netns; touch /run/netns/blue; \
                     mount --bind /proc/$0/ns/net /run/netns/blue";
        let done = Command::new("sh")
            .args(["-ec", mount, &inside.pid()])
            .status();
        assert!(done.unwrap().success());
        let (code, target) = checked(&["-N", "blue", &TAKEN_INSIDE.to_string()]);
        assert_eq!((code, &target["namespace"]["name"]), (1, &"blue".into()));
        // Without a process in it.
        drop(inside);
        let (code, _) = checked(&["-N", "blue", &TAKEN_INSIDE.to_string()]);
        assert_eq!(code, 0);
        let (code, _, err) = sockeye(&["check", "-N", "bleu", "80"]);
        assert_eq!(code, 2);
        assert!(err.contains("(found here: blue)"), "{err}");
    });
}

#[test]
fn what_names_no_namespace_is_refused_in_one_line() {
    stage(|| {
        let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
        for (args, said) in [
            (
                &["check", "-N", "all", "80"][..],
                "-N all: check binds in one network namespace",
            ),
            (
                &["free", "-N", "all"],
                "-N all: free binds in one network namespace",
            ),
            (
                &["check", "-N", "4000000", "80"],
                "-N 4000000: no process has this pid",
            ),
            (
                &["check", "-N", "a b", "80"],
                "-N a b: unknown network namespace: use a container",
            ),
            (
                &["check", "-N", &inside.pid(), "/run/x"],
                "/run/x: a path is in no network",
            ),
        ] {
            let (code, out, err) = sockeye(args);
            assert_eq!((code, &*out, err.lines().count()), (2, "", 1), "{err}");
            assert!(err.contains(said), "{err}");
        }
    });
}

#[test]
fn a_user_without_the_right_to_enter_is_told_what_would_do_it() {
    in_netns_with_users(
        "cli::inside::a_user_without_the_right_to_enter_is_told_what_would_do_it",
        || {
            if !has_users() {
                return;
            }
            let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
            let mut command = Command::new(BINARY);
            command
                .args(["check", "-N", &inside.pid(), "80"])
                .uid(65_534);
            let output = command.output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(
                said.contains("takes CAP_SYS_ADMIN and CAP_SYS_PTRACE: run with sudo"),
                "{said}"
            );
        },
    );
}

/// A namespace of `ip netns` with the name of another process than those in it.
pub struct Netns(String);

impl Netns {
    pub fn add(name: &str) -> Self {
        // Only for this test, in its own mount namespace.
        let script = "mkdir -p /run/netns; mount -t tmpfs none /run/netns";
        let mounted = Command::new("sh").args(["-ec", script]).status();
        assert!(mounted.unwrap().success());
        let added = Command::new("ip").args(["netns", "add", name]).status();
        assert!(added.unwrap().success());
        Self(name.to_owned())
    }

    fn inode(&self) -> u64 {
        let file = format!("/run/netns/{}", self.0);
        std::fs::metadata(file).unwrap().ino()
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.0])
            .status();
    }
}

/// The pid won without a word: the bind test was made in another namespace than the one that `ip netns` has by the name.
#[test]
fn a_number_that_is_a_name_and_a_pid_of_two_namespaces_means_none() {
    stage(|| {
        let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
        let pid = inside.pid();
        let named = Netns::add(&pid);
        let numbers = [named.inode(), inside.inode()].map(|number| number.to_string());
        for args in [
            &["check", "-N", &pid, "80"][..],
            &["free", "-N", &pid],
            &["list", "-N", &pid],
        ] {
            let (code, out, err) = sockeye(args);
            assert_eq!((code, &*out, err.lines().count()), (2, "", 1), "{err}");
            assert!(err.contains("means several network namespaces"), "{err}");
            assert!(numbers.iter().all(|number| err.contains(number)), "{err}");
        }
        for number in numbers {
            let (code, target) = checked(&["-N", &number, "80"]);
            assert_eq!(code, 0, "{target}");
            assert_eq!(target["namespace"]["inode"].to_string(), number);
        }
    });
}

/// The name was part of a command of root, as it is.
#[test]
fn the_name_of_a_namespace_is_one_word_of_a_command() {
    stage(|| {
        let name = "a;touch pwn";
        let named = Netns::add(name);
        let (code, target) = checked(&["-N", name, "[fe80::1]:80"]);
        assert_eq!(code, 1, "{target}");
        assert_eq!(target["namespace"]["inode"], named.inode());
        let text = target.to_string();
        assert!(
            text.contains("nsenter '--net=/run/netns/a;touch pwn' ip address"),
            "{text}"
        );
        assert!(!text.contains("=/run/netns/a;touch pwn ip"), "{text}");
    });
}

/// The peer of an interface inside is gone as soon as the namespace is.
#[test]
fn nothing_keeps_a_namespace_that_ends() {
    stage(|| {
        let inside = Inside::listening_on(&TAKEN_INSIDE.to_string());
        let pid = inside.pid();
        let add = [
            "link", "add", "outer", "type", "veth", "peer", "name", "inner", "netns", &pid,
        ];
        assert!(Command::new("ip").args(add).status().unwrap().success());
        let has_peer = || {
            let output = Command::new("ip").args(["link", "show", "outer"]).output();
            output.unwrap().status.success()
        };
        assert!(has_peer());
        let (sender, checks) = std::sync::mpsc::channel();
        let tests = std::thread::spawn({
            let pid = pid.clone();
            move || {
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(2) {
                    let said = sockeye(&["check", "-N", &pid, "20001", "20002"]);
                    let _ = sender.send((Instant::now(), said));
                }
            }
        });
        let (_, (code, out, err)) = checks.recv_timeout(Duration::from_secs(10)).unwrap();
        let is_named = |port: u16| out.contains(&format!("{port} in network namespace"));
        assert_eq!((code, &*err), (1, ""), "{out}");
        assert!(is_named(TAKEN_INSIDE) && is_named(TAKEN_OUTSIDE), "{out}");
        assert!(out.contains(&format!("({pid})")), "{out}");
        drop(inside);
        let ended = Instant::now();
        wait_until("the end of the peer", || !has_peer());
        let took = ended.elapsed();
        tests.join().unwrap();
        // The program went on, and no longer found it.
        let last = checks.iter().last().expect("a check after the end");
        let (at, (code, _, err)) = last;
        assert!(at > ended && code == 2, "{err}");
        assert!(err.contains("no process has this pid"), "{err}");
        assert!(took < Duration::from_secs(1), "{took:?}");
    });
}
