//! Network namespaces of user namespaces that an ordinary user has made, as `unshare --user --net` and rootless
//! containers do. The reader of each test has no capability, but is the user who made the namespace.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use socket2::Type;
use sockeye::model::{Snapshot, Socket, State};
use sockeye::source::{Source as _, System, set_namespace_helper};

use crate::kernel::scene::{INNER, at, bound, is_inner, listener, listener_with, run_under};
use crate::program::built;
use crate::support::netns::{has_users, in_netns, in_netns_with_users};
use crate::support::wait_until;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sockeye");

/// The pid of the server, for the reader.
const SERVER: &str = "SOCKEYE_TEST_ROOTLESS_SERVER";

/// What takes every capability from root of a user namespace, who stays its owner.
const WITHOUT_RIGHTS: [&str; 3] = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];

/// What makes root of the machine an ordinary user.
const NOBODY: [&str; 4] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

/// The user of the server in its user namespace.
const INSIDE: &str = "33";

/// A process with one socket of each sort, in a user and a network namespace of its own.
struct Server(Child);

impl Server {
    /// Starts it as the user that this command runs it as.
    fn start(before: &[&str]) -> Self {
        let users = [
            format!("--map-user={INSIDE}"),
            format!("--map-group={INSIDE}"),
        ];
        Self::start_with(before, &users)
    }

    /// The same with other options for the users of its user namespace.
    fn start_with(before: &[&str], users: &[String]) -> Self {
        let script = r#"ip link set lo up; exec "$@""#;
        let words = before
            .iter()
            .copied()
            .chain(["unshare", "--user", "--net", "--keep-caps"]);
        let words = words
            .chain(users.iter().map(String::as_str))
            .chain(["sh", "-ec", script, "sh"]);
        let words: Vec<&str> = words.collect();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "kernel::rootless::server", "--nocapture"])
            .env(INNER, "rootless::server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "ready"), "it serves");
        Self(child)
    }

    /// Runs a reader under a command, which gets the pid of this server.
    fn read_by(&self, command: &[&str], reader: &str) {
        let server = format!("{SERVER}={}", self.0.id());
        let words: Vec<&str> = command.iter().copied().chain(["env", &server]).collect();
        run_under(&words, reader);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn server() {
    if !is_inner("rootless::server") {
        return;
    }
    let listening = listener("127.0.0.1:8080");
    let _waiting = TcpStream::connect("127.0.0.1:8080").unwrap();
    let _dual = listener_with("[::]:8081", |socket| socket.set_only_v6(false));
    let _on_lo = listener_with("0.0.0.0:8083", |socket| socket.bind_device(Some(b"lo")));
    let _bound = bound(Type::STREAM, "127.0.0.1:8084", |_| Ok(()));
    let _udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 5353)).unwrap();
    println!("\nready");
    let _ = std::io::stdin().read_line(&mut String::new());
    drop(listening);
}

fn server_pid() -> u32 {
    std::env::var(SERVER).unwrap().parse().unwrap()
}

fn with_helper() -> System {
    set_namespace_helper(PROGRAM);
    System::new().with_all_namespaces()
}

/// The sockets of the server: those of the network namespace with the number of its own.
fn in_there(seen: &Snapshot) -> Vec<&Socket> {
    use std::os::unix::fs::MetadataExt as _;
    let number = std::fs::metadata(format!("/proc/{}/ns/net", server_pid()));
    let number = number.unwrap().ino();
    let is_in = |socket: &&Socket| {
        let namespace = socket.namespace.as_ref();
        namespace.is_some_and(|one| one.inode == Some(number))
    };
    seen.sockets.iter().filter(is_in).collect()
}

fn on_port<'a>(sockets: &[&'a Socket], port: u16, state: State) -> &'a Socket {
    let mut fitting = sockets.iter().copied();
    let found = fitting.find(|one| one.local.port == port && one.state == state);
    found.unwrap_or_else(|| panic!("no {state:?} on {port}: {sockets:#?}"))
}

/// The user ids by inode that `/proc/PID/net` has, as they are here.
fn uids_of_files() -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    for file in ["tcp", "tcp6", "udp", "udp6"] {
        let path = format!("/proc/{}/net/{file}", server_pid());
        let text = std::fs::read_to_string(path).unwrap();
        all.extend(text.lines().skip(1).map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[9].parse().unwrap(), words[7].parse().unwrap())
        }));
    }
    all.retain(|(inode, _)| *inode != 0);
    all
}

/// Everything that files lack is there, and the users are those of the files.
fn assert_in_full(seen: &Snapshot) {
    let all = in_there(seen);
    let listening = on_port(&all, 8080, State::Listen);
    let queue = listening.queue.unwrap();
    assert_eq!((queue.receive, queue.send), (1, 8), "waiting and backlog");
    assert_eq!(on_port(&all, 8081, State::Listen).dual_stack, Some(true));
    let on_lo = on_port(&all, 8083, State::Listen);
    assert_eq!(on_lo.interface.as_deref(), Some("lo"));
    let only_bound = on_port(&all, 8084, State::Bound);
    // No file has it.
    let bound_uid = only_bound.uid.or(listening.uid);
    assert_eq!(bound_uid, listening.uid);
    assert_eq!(only_bound.owner.processes()[0].pid, server_pid());
    let connected = all.iter().filter(|one| one.state == State::Established);
    assert_eq!(connected.count(), 2);
    assert!(all.iter().any(|one| one.local.port == 5353));
    let uids = uids_of_files();
    assert!(uids.len() >= 5, "{uids:?}");
    for (inode, uid) in uids {
        let row = all.iter().find(|one| one.inode == Some(inode)).unwrap();
        assert_eq!(row.uid, Some(uid), "{row:?}");
        assert_ne!(uid.to_string(), INSIDE);
    }
    assert!(!says_in_part(seen), "{:?}", seen.problems);
}

fn says_in_part(seen: &Snapshot) -> bool {
    let mut problems = seen.problems.iter();
    problems.any(|one| one.message.contains("read without bound sockets"))
}

/// The sockets are there without what files lack, and that is said.
fn assert_in_part(seen: &Snapshot) {
    let all = in_there(seen);
    assert_eq!(on_port(&all, 8080, State::Listen).queue, None);
    assert!(all.iter().all(|one| one.state != State::Bound));
    assert!(says_in_part(seen), "{:?}", seen.problems);
}

#[test]
fn sockets_of_a_user_namespace_of_ones_own_are_read_in_full() {
    let name = "rootless::sockets_of_a_user_namespace_of_ones_own_are_read_in_full";
    in_netns(name, || {
        let server = Server::start(&[]);
        server.read_by(&WITHOUT_RIGHTS, "rootless::reader_in_full");
        wait_until("the helper ends with the program", || helpers() == 0);
    });
}

#[test]
fn reader_in_full() {
    if !is_inner("rootless::reader_in_full") {
        return;
    }
    let mut system = with_helper();
    assert_in_full(&system.take_once(at(0)).unwrap());
    // Bound sockets are kept from one snapshot to the next, and read again.
    for second in [1, 2, 6, 12] {
        assert_in_full(&system.take(at(second)).unwrap());
    }
    assert_eq!(helpers(), 1);
}

/// Then all users have one id in a dump.
#[test]
fn users_of_a_user_namespace_without_any_come_from_files() {
    let name = "rootless::users_of_a_user_namespace_without_any_come_from_files";
    in_netns(name, || {
        let server = Server::start_with(&[], &[]);
        server.read_by(&WITHOUT_RIGHTS, "rootless::reader_in_full");
    });
}

/// The processes that help this program: none but the helper, whose children end at once.
fn helpers() -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let names = processes.filter_map(|one| std::fs::read_to_string(one.path().join("comm")).ok());
    names.filter(|name| name.trim() == "sockeye-netns").count()
}

/// With the users of the machine: where root runs the tests, the reader is another user.
#[test]
fn an_ordinary_user_reads_a_namespace_of_ones_own_in_full() {
    let name = "rootless::an_ordinary_user_reads_a_namespace_of_ones_own_in_full";
    in_netns_with_users(name, || {
        let (server, reader): (&[&str], &[&str]) = if has_users() {
            (&NOBODY, &NOBODY)
        } else {
            (&[], &WITHOUT_RIGHTS)
        };
        let server = Server::start(server);
        server.read_by(reader, "rootless::reader_in_full");
    });
}

/// The control group that the sockets of the server are made in, named like a service; removed with the test.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mut mounts = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        let unified = mounts.find(|words| words[2] == "cgroup2").unwrap();
        let name = format!("sockeye-rootless-{}.service", std::process::id());
        let group = PathBuf::from(unified[1]).join(name);
        std::fs::create_dir(&group).unwrap();
        Self(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        wait_until("its processes have ended", || {
            std::fs::remove_dir(&self.0).is_ok()
        });
    }
}

#[test]
fn the_unit_of_a_socket_is_known() {
    let name = "rootless::the_unit_of_a_socket_is_known";
    in_netns_with_users(name, || {
        if !has_users() {
            eprintln!("NOT RUN: {name}: only root of the machine makes a control group");
            return;
        }
        let group = Group::new();
        let script = r#"echo $$ > "$0/cgroup.procs"; exec "$@""#;
        let join = ["sh", "-ec", script, group.0.to_str().unwrap()];
        let server = Server::start(&[&join[..], &NOBODY].concat());
        let unit = format!("UNIT={}", group.0.file_name().unwrap().to_str().unwrap());
        let reader = [&NOBODY[..], &["env", &unit]].concat();
        server.read_by(&reader, "rootless::reader_of_a_unit");
        drop(server);
    });
}

#[test]
fn reader_of_a_unit() {
    if !is_inner("rootless::reader_of_a_unit") {
        return;
    }
    let seen = with_helper().take_once(at(0)).unwrap();
    assert_in_full(&seen);
    let unit = std::env::var("UNIT").unwrap();
    let all = in_there(&seen);
    assert!(
        all.iter().all(|one| one.unit.as_deref() == Some(&unit)),
        "{all:#?}"
    );
}

#[test]
fn a_namespace_of_another_user_is_read_from_outside() {
    let name = "rootless::a_namespace_of_another_user_is_read_from_outside";
    in_netns_with_users(name, || {
        if !has_users() {
            eprintln!("NOT RUN: {name}: there is one user");
            return;
        }
        let daemon = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"];
        let server = Server::start(&daemon);
        server.read_by(&NOBODY, "rootless::reader_of_anothers");
    });
}

#[test]
fn reader_of_anothers() {
    if !is_inner("rootless::reader_of_anothers") {
        return;
    }
    let seen = with_helper().take_once(at(0)).unwrap();
    assert!(says_in_part(&seen), "{:?}", seen.problems);
    let listening = seen.sockets.iter().find(|one| one.local.port == 8080);
    assert_eq!(listening.unwrap().uid, Some(1));
    assert_eq!(helpers(), 0, "it would not be let in");
}

/// One end of a veth is in the namespace, so the other one is gone when the namespace is.
#[test]
fn a_namespace_ends_although_its_sockets_were_read() {
    let name = "rootless::a_namespace_ends_although_its_sockets_were_read";
    in_netns(name, || {
        let server = Server::start(&[]);
        let words = format!(
            "link add near type veth peer name far netns {}",
            server.0.id()
        );
        let status = Command::new("ip").args(words.split(' ')).status().unwrap();
        assert!(status.success());
        server.read_by(&WITHOUT_RIGHTS, "rootless::reader_of_an_end");
    });
}

#[test]
fn reader_of_an_end() {
    if !is_inner("rootless::reader_of_an_end") {
        return;
    }
    let mut system = with_helper();
    for second in 0..10 {
        assert_in_full(&system.take(at(second)).unwrap());
    }
    let is_there = {
        let socket = TcpListener::bind("0.0.0.0:0").unwrap();
        move || rustix::net::netdevice::name_to_index(&socket, "near").is_ok()
    };
    assert!(is_there());
    let server = Pid::from_raw(server_pid().cast_signed()).unwrap();
    kill_process(server, Signal::KILL).unwrap();
    wait_until("the namespace has ended", || !is_there());
    assert_eq!(helpers(), 1, "it is still there");
    let seen = system.take(at(10)).unwrap();
    assert!(seen.sockets.iter().all(|one| one.namespace.is_none()));
}

#[test]
fn without_a_helper_the_sockets_come_from_files() {
    let name = "rootless::without_a_helper_the_sockets_come_from_files";
    in_netns(name, || {
        let server = Server::start(&[]);
        for reader in [
            "reader_without_helper",
            "reader_with_a_bad_helper",
            "reader_that_kills",
        ] {
            server.read_by(&WITHOUT_RIGHTS, &format!("rootless::{reader}"));
        }
        let cage = built("bind/helpers/cage.c");
        let caged = [&WITHOUT_RIGHTS[..], &[cage.to_str().unwrap(), "no-setns"]].concat();
        server.read_by(&caged, "rootless::reader_in_part");
    });
}

#[test]
fn reader_without_helper() {
    if is_inner("rootless::reader_without_helper") {
        let mut system = System::new().with_all_namespaces();
        assert_in_part(&system.take_once(at(0)).unwrap());
    }
}

#[test]
fn reader_with_a_bad_helper() {
    if is_inner("rootless::reader_with_a_bad_helper") {
        set_namespace_helper("/bin/true");
        let mut system = System::new().with_all_namespaces();
        for second in 0..6 {
            assert_in_part(&system.take(at(second)).unwrap());
        }
    }
}

#[test]
fn reader_in_part() {
    if is_inner("rootless::reader_in_part") {
        let mut system = with_helper();
        for second in 0..3 {
            assert_in_part(&system.take(at(second)).unwrap());
        }
    }
}

/// A helper that was killed is started again.
#[test]
fn reader_that_kills() {
    if !is_inner("rootless::reader_that_kills") {
        return;
    }
    let mut system = with_helper();
    assert_in_full(&system.take(at(0)).unwrap());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let helper = processes.filter_map(|one| {
        let name = std::fs::read_to_string(one.path().join("comm")).ok()?;
        let number = one.file_name().to_str()?.parse().ok()?;
        (name.trim() == "sockeye-netns").then_some(Pid::from_raw(number)?)
    });
    for helper in helper.collect::<Vec<_>>() {
        kill_process(helper, Signal::KILL).unwrap();
    }
    let seen = system.take(at(1)).unwrap();
    assert!(says_in_part(&seen) || in_there(&seen).len() > 5);
    assert_in_full(&system.take(at(2)).unwrap());
}
