//! `record --redact`: nothing that names a person, a machine or a network is in any byte of the files.

use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::Command;

use jiff::Timestamp;
use rustix::process::Signal;

use super::{RECORD, Store, end};
use crate::apart::Kept;
use crate::cli::background::Running;
use crate::cli::scene::{self, TempFile, stage};
use crate::program::built;
use crate::support::wait_until;

/// A part of every name in the scene. No pseudonym has it.
const SECRET: &str = "geheim";

/// The addresses of the scene. No pseudonym is one of them.
const ADDRESSES: [&str; 3] = ["10.77.66.55", "10.77.66.56", "fd77:6655::4711"];

/// A container's id, as far as it is shown.
const CONTAINER: &str = "9e8d7c6b5a49";

/// Sockets whose every property is a secret.
struct Scene {
    servers: [Running; 2],
    _apart: [Kept; 2],
    _open: (TcpStream, UdpSocket, UnixListener),
    _files: Vec<TempFile>,
}

fn sh(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
}

impl Scene {
    fn new() -> Self {
        let [first, second, third] = ADDRESSES;
        let users = TempFile::containing("passwd", &format!("{SECRET}user:x:0:0::/:/bin/sh\n"));
        sh(&format!(
            "ip address add {first}/32 dev lo; ip address add {second}/32 dev lo
            ip address add {third}/128 dev lo nodad
            ip link add {SECRET}0 type veth peer name {SECRET}1
            mount -t tmpfs -o mode=755 tmpfs /run; ip netns add {SECRET}net
            mount --bind {} /etc/passwd",
            users.path()
        ));
        let server = TcpListener::bind((first, 8080)).unwrap();
        let other = TcpListener::bind((third, 8081)).unwrap();
        let client = TcpStream::connect((first, 8080)).unwrap();
        let bound = UdpSocket::bind((second, 5353)).unwrap();
        let device = format!("{SECRET}0");
        socket2::SockRef::from(&bound)
            .bind_device(Some(device.as_bytes()))
            .unwrap();
        let name = SocketAddr::from_abstract_name(format!("{SECRET}name")).unwrap();
        let unix = UnixListener::bind_addr(&name).unwrap();
        let program = built("support/helpers/sockets_apart.c");
        let mut apart = Command::new("ip");
        apart.args(["netns", "exec", &format!("{SECRET}net")]);
        apart.arg(&program);
        let boxed = Kept::start(&program, "process", &["listen:81"]);
        let servers = [server, other].map(|socket| {
            let socket = socket2::Socket::from(socket);
            socket.set_cloexec(false).unwrap();
            let argument = format!("--password={SECRET}");
            let mut server = Command::new("sh");
            Running::start(server.args(["-c", "read -r _; exit", &argument]))
        });
        // Without a service manager and an engine their groups are files over those of the kernel.
        let group = |pid: u32, path: &str| {
            let file = TempFile::containing(&format!("group-{pid}"), &format!("0::{path}\n"));
            sh(&format!("mount --bind {} /proc/{pid}/cgroup", file.path()));
            file
        };
        let files = vec![
            users,
            group(
                servers[0].pid(),
                &format!("/system.slice/{SECRET}unit.service"),
            ),
            group(
                boxed.pid,
                &format!("/system.slice/docker-{CONTAINER}{:052}.scope", 0),
            ),
        ];
        Self {
            servers,
            _apart: [Kept::start_by(apart, "here", &["listen:80"]), boxed],
            _open: (client, bound, unix),
            _files: files,
        }
    }
}

/// What a recorder with these options stores of the scene: every byte, and each frame decompressed.
fn stored(store: &Store, options: &[&str]) -> Vec<u8> {
    // A machine with a name of its own.
    let named = format!("hostname {SECRET}host; exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--uts", "sh", "-ec", &named, scene::BINARY]);
    command.args(RECORD).args(options);
    command.args(["-N", "all", "--kind", "tcp,udp,unix", "--dir", store.path()]);
    let recorder = Running::start(&mut command);
    assert!(recorder.line().starts_with("recording to "));
    store.wait_for(8080, 1, "open");
    // Changes are in frames of their own.
    let later = TcpListener::bind((ADDRESSES[0], 8082)).unwrap();
    let client = TcpStream::connect((ADDRESSES[0], 8082)).unwrap();
    store.wait_for(8082, 1, "open");
    drop((later, client));
    store.wait_for(8082, 1, "closed");
    end(recorder, Signal::TERM, 143);
    let mut all = Vec::new();
    let mut frames = 0;
    for file in fs::read_dir(&store.0).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let magic = 0xfd2f_b528_u32.to_le_bytes();
        for at in 0..bytes.len() {
            if bytes[at..].starts_with(&magic) {
                let decoder = zstd::stream::read::Decoder::with_buffer(&bytes[at..]).unwrap();
                decoder.single_frame().read_to_end(&mut all).unwrap();
                frames += 1;
            }
        }
        all.extend(bytes);
    }
    assert!(frames > 4, "{frames}");
    all
}

/// The secrets in these bytes, as text and as the kernel has them.
fn secrets(bytes: &[u8]) -> Vec<String> {
    let has = |piece: &[u8]| bytes.windows(piece.len()).any(|window| window == piece);
    let mut found = Vec::new();
    for name in ["user", "host", "0", "net", "name", "unit"] {
        let name = format!("{SECRET}{name}");
        found.extend(Some(name.clone()).filter(|name| has(name.as_bytes())));
    }
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    for name in [&format!("password={SECRET}"), CONTAINER, boot_id.trim()] {
        found.extend(Some(name.to_owned()).filter(|name| has(name.as_bytes())));
    }
    for text in ADDRESSES {
        let mut bytes = match text.parse().unwrap() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let is_there = has(text.as_bytes()) || has(&bytes);
        bytes.reverse();
        found.extend(Some(text.to_owned()).filter(|_| is_there || has(&bytes)));
    }
    if found.is_empty() && has(SECRET.as_bytes()) {
        found.push(SECRET.to_owned());
    }
    found
}

#[test]
fn a_redacted_history_has_no_secret_in_any_byte() {
    stage(|| {
        let scene = Scene::new();
        // The search finds all of them where they are.
        let plain = Store::new("plain");
        let found = secrets(&stored(&plain, &[]));
        assert_eq!(found.len(), 12, "{found:?}");
        let store = Store::new("redacted-bytes");
        let found = secrets(&stored(&store, &["--redact"]));
        assert_eq!(found, [] as [&str; 0]);
        // What reads it has none either, and still has the server, by its pid and its program.
        for words in [
            &[
                "list",
                "--json",
                "-a",
                "--kind=tcp,udp,unix",
                "-N",
                "all",
                "--at",
                "now",
            ][..],
            &[
                "who", "--json", "8080", "8081", "8082", "80", "5353/udp", "-N", "all",
            ],
            &[
                "watch", "--json", "--since", "1h ago", "--for", "0s", "-t", ":1",
            ],
        ] {
            let said = store.asks(words);
            assert_eq!(said.code, 0, "{said:?}");
            assert_eq!(secrets(said.out.as_bytes()), [] as [&str; 0]);
        }
        let holders = store.holders(8080);
        let [one] = holders.as_slice() else {
            panic!("{holders:#?}")
        };
        assert_eq!(one["pids"][0], scene.servers[0].pid(), "{one:#}");
        let user = one["user"].as_str().unwrap();
        assert!(user.starts_with("user"), "{user}");
    });
}

/// Pseudonyms begin anew with each run: `diff` took the address of one server for that of another.
#[test]
fn what_was_redacted_is_compared_within_one_run_of_the_recorder_only() {
    stage(|| {
        let store = Store::new("redacted-diff");
        let recorder = store.recorder_with(&["--redact"]);
        store.wait_for_first_snapshot();
        let before = Timestamp::now().to_string();
        let _server = TcpListener::bind("127.0.0.1:8080").unwrap();
        store.wait_for(8080, 1, "open");
        let after = Timestamp::now().to_string();
        let diff = |words: &[&str]| store.asks(&[&["diff"], words].concat());
        let same_run = ["--at", &before, "--at", &after];
        let said = diff(&same_run);
        assert!(
            said.code == 1 && said.out.starts_with("+  tcp  127.0.0.1:8080"),
            "{said:?}"
        );
        end(recorder, Signal::TERM, 143);
        let recorder = store.recorder_with(&["--redact"]);
        wait_until("the second run", || {
            let said = store.asks(&["who", "8080", "--json"]).json();
            said["gaps"][0]["code"] == "stopped"
        });
        let later = Timestamp::now().to_string();
        let list = store.asks(&["list", "--json", "--at", &after]).out;
        assert!(list.contains("\"redacted\":true"), "{list}");
        let listing = TempFile::containing("redacted.json", &list);
        let file = fs::read_dir(&store.0)
            .unwrap()
            .map(|file| file.unwrap().path());
        let file = file
            .filter(|path| path.extension().is_some_and(|it| it == "seg"))
            .min();
        for words in [
            &["--at", &after, "--at", &later][..],
            &["--at", &after],
            &[file.unwrap().to_str().unwrap()],
            &[listing.path()],
        ] {
            let said = diff(words);
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            assert!(
                said.err.contains("a redacted history has pseudonyms"),
                "{said:?}"
            );
        }
        assert_eq!(diff(&same_run).code, 1);
        end(recorder, Signal::TERM, 143);
    });
}
