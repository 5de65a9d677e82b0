//! What `sockeye check` says of each row of the decision table: real holders, the real program, its
//! text in a snapshot. What differs from run to run (pids, times, ports of clients) and from machine
//! to machine (units, what can't be read there) is taken out.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use socket2::{Domain, Protocol, Socket, Type};

use crate::bind::helpers::{Cage, helper};
use crate::schema::valid;
use crate::support::netns::{stage, stage_in_first_pidns};
use crate::support::wait_until;

const BINARY: &str = env!("CARGO_BIN_EXE_sockeye");

/// Below the ephemeral range, so that no client of a test gets it by chance.
const PORT: u16 = 20_000;

/// Each pattern with its replacement.
const REDACTED: &[(&str, &str)] = &[
    (r"pid \d+", "pid PID"),
    (r"kill( -[A-Z]+)?( \d+)+", "kill$1 PID"),
    (r"\(\d+\)", "(PID)"),
    // Who runs what, and since when: `tests/cli/who.rs` compares that with what was started.
    (r"(?m)^  `[^\n]*`( \([^\n]*\))?, (started|run) [^\n]*\n", ""),
    (r"system-[0-9a-f]+", "server"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d|\d\d:\d\d:\d\d", "TIME"),
    (r"about \d+ s", "about N s"),
    (r"\d+ bytes", "N bytes"),
    (r":[3-6]\d{4}\b", ":CLIENT"),
    (
        r"\(pid PID, root(?:, [^),]+)??(, running since TIME)?\)",
        "(pid PID, root$1)",
    ),
    (r" \(active: [^)]+\)", ""),
    (r"(?m)^ +Stop its (unit|container): .*\n", ""),
    (
        r"(?m)^ +Look for SocketBindDeny= .*\n +Or run the",
        "    Run the",
    ),
    (
        r"(?m)^  not known: (packet redirects|the active security|sockets of|network namespaces|\d+ other network) .*\n",
        "",
    ),
];

/// What the program says of a target, in the words of its snapshot.
fn says(name: &str, target: &str) {
    says_by(name, Command::new(BINARY), target);
}

fn says_by(name: &str, command: Command, target: &str) {
    snapshot(name, &check(command, target));
}

fn check(mut command: Command, target: &str) -> String {
    command.args(["check", target]);
    let output = apart(&command).output().unwrap();
    assert_eq!(output.stderr, b"");
    String::from_utf8(output.stdout).unwrap()
}

/// The command as no descendant of the test's: what has the port would be an ancestor of the program, and such
/// a process is not ended like any other. It waits until it has another parent.
fn apart(command: &Command) -> Command {
    // `$0` is the pid of the shell that started this one and is about to end.
    const WAIT: &str = r#"while [ "$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$$/status)" = "$0" ]; do :; done; exec "$@""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"sh -c "$0" $$ "$@" &"#, WAIT]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // It sees the namespaces of the machine and of other tests.
    if name == "kernel_socket" {
        settings.add_filter(r"(?m)^  note: The port is also in use in another .*\n", "");
    }
    for (pattern, replacement) in REDACTED {
        settings.add_filter(pattern, *replacement);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn socket(kind: Type, address: &str, prepare: impl FnOnce(&Socket)) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), kind, None).unwrap();
    prepare(&socket);
    socket.bind(&address.into()).unwrap();
    socket
}

fn plain(_: &Socket) {}

fn reusing(socket: &Socket) {
    socket.set_reuse_address(true).unwrap();
}

fn listening(address: &str, prepare: impl FnOnce(&Socket)) -> Socket {
    let socket = socket(Type::STREAM, address, prepare);
    socket.listen(8).unwrap();
    socket
}

fn at(address: &str) -> String {
    format!("{address}:{PORT}")
}

/// A connection to a listener on the port: the listener, the client's end and the server's.
fn served(prepare: impl FnOnce(&Socket)) -> (Socket, TcpStream, TcpStream) {
    let listener = listening(&at("127.0.0.1"), prepare);
    let client = TcpStream::connect(at("127.0.0.1")).unwrap();
    let (server, _) = listener.accept().unwrap();
    (listener, client, server.into())
}

/// Waits until the port has a row of this state, as the kernel numbers them, in this file.
fn wait_for_state(file: &str, number: &str) {
    let end_of_local = format!(":{PORT:04X} ");
    wait_until("the state", || {
        let table = std::fs::read_to_string(format!("/proc/net/{file}")).unwrap();
        let mut rows = table
            .lines()
            .filter_map(|line| line.split_once(&end_of_local));
        rows.any(|(_, rest)| rest.split_whitespace().nth(1) == Some(number))
    });
}

fn leave_time_wait(prepare: impl FnOnce(&Socket)) {
    let (listener, mut client, server) = served(prepare);
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    drop((client, listener));
    wait_for_state("tcp", "06");
}

#[test]
fn free() {
    stage(|| says("free", "20000"));
}

#[test]
fn ipv6_off() {
    stage(|| {
        std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
        says("ipv6_off", "[::1]:20000");
        // If IPv4 was requested as well, that is enough.
        says("ipv6_off_localhost", "localhost:20000");
    });
}

#[test]
fn address_not_local() {
    stage(|| says("address_not_local", "192.0.2.1:20000"));
}

#[test]
fn scope_needed() {
    stage(|| says("scope_needed", "[fe80::1]:20000"));
}

#[test]
fn privileged_port() {
    stage(|| {
        let _taken = listening("0.0.0.0:80", plain);
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        says_by("privileged_port", command, "80");
    });
}

#[test]
fn policy() {
    stage(|| says_by("policy", Cage::Landlock.command(BINARY), "20000"));
}

#[test]
fn cgroup_policy() {
    stage(|| says_by("cgroup_policy", Cage::NoBind.command(BINARY), "20000"));
}

#[test]
fn listener() {
    stage(|| {
        let _taken = listening(&at("127.0.0.1"), plain);
        says("listener", "20000");
    });
}

#[test]
fn listener_that_shares() {
    stage(|| {
        let share = |socket: &Socket| socket.set_reuse_port(true).unwrap();
        let _shared = [share, share].map(|share| listening(&at("0.0.0.0"), share));
        says("listener_that_shares", "20000");
    });
}

#[test]
fn dual_stack_listener() {
    stage(|| {
        let _taken = listening(&at("[::]"), |socket| socket.set_only_v6(false).unwrap());
        says("dual_stack_listener", "0.0.0.0:20000");
        says("dual_stack_listener_every", "20000");
    });
}

#[test]
fn listener_of_a_hung_server() {
    stage(|| {
        let listener = socket(Type::STREAM, &at("127.0.0.1"), plain);
        listener.listen(0).unwrap();
        let client = TcpStream::connect(at("127.0.0.1")).unwrap();
        says("listener_of_a_hung_server", "20000");
        drop(client);
    });
}

#[test]
fn listener_on_a_device() {
    stage(|| {
        let _taken = listening(&at("0.0.0.0"), |socket| {
            socket.bind_device(Some(b"lo")).unwrap();
        });
        says("listener_on_a_device", "20000");
    });
}

#[test]
fn listener_of_multipath_tcp() {
    stage(|| {
        let address: SocketAddr = at("127.0.0.1").parse().unwrap();
        let mptcp = Some(Protocol::from(262));
        let Ok(taken) = Socket::new(Domain::IPV4, Type::STREAM, mptcp) else {
            eprintln!("NOT RUN: this kernel has no MPTCP");
            return;
        };
        taken.bind(&address.into()).unwrap();
        says("bound_multipath_tcp", "20000");
        taken.listen(8).unwrap();
        says("listener_of_multipath_tcp", "20000");
    });
}

/// A process 1 that calls itself systemd, and a unit file that says what it listens for.
#[test]
fn socket_activation() {
    stage(|| {
        let words = "mount -t tmpfs none /run && mkdir -p /run/systemd/system && \
                     printf '[Socket]\\nListenStream=20000\\nService=site.service\\n' \
                     > /run/systemd/system/web.socket && exec \"$0\" \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["-mpf", "--mount-proc", "sh", "-c", words]);
        command.arg(helper("activating")).args(["20000", BINARY]);
        says_by("socket_activation", command, "20000");
    });
}

#[test]
fn bound_not_listening() {
    stage(|| {
        let bound = socket(Type::STREAM, &at("127.0.0.1"), plain);
        says("bound_not_listening", "20000");
        bound.set_reuse_address(true).unwrap();
        says("bound_not_listening_reusing", "20000");
    });
}

#[test]
fn listener_that_was_shut_down() {
    stage(|| {
        let listener = listening(&at("127.0.0.1"), plain);
        listener.shutdown(std::net::Shutdown::Both).unwrap();
        says("listener_that_was_shut_down", "20000");
    });
}

#[test]
fn time_wait() {
    stage(|| {
        leave_time_wait(reusing);
        says("time_wait", "20000");
    });
}

/// The one thing that such a verdict must not promise: that `SO_REUSEADDR` would help.
#[test]
fn time_wait_no_reuse() {
    stage(|| {
        leave_time_wait(plain);
        says("time_wait_no_reuse", "20000");
    });
}

#[test]
fn closing_orphan() {
    stage(|| {
        let (listener, client, server) = served(plain);
        drop((listener, server));
        wait_for_state("tcp", "05");
        says("closing_orphan", "20000");
        drop(client);
    });
}

#[test]
fn closing_orphan_with_bytes_unsent() {
    stage(|| {
        let (listener, client, mut server) = served(plain);
        server.set_nonblocking(true).unwrap();
        while server.write(&[0; 1 << 12]).is_ok() {}
        drop((listener, server));
        wait_for_state("tcp", "04");
        says("closing_orphan_with_bytes_unsent", "20000");
        drop(client);
    });
}

#[test]
fn old_connection() {
    stage(|| {
        let (listener, _client, _server) = served(plain);
        drop(listener);
        says("old_connection", "20000");
    });
}

#[test]
fn old_connection_reusing() {
    stage(|| {
        let (listener, client, _server) = served(reusing);
        drop((listener, client));
        wait_for_state("tcp", "08");
        says("old_connection_reusing", "20000");
    });
}

#[test]
fn outgoing_connection() {
    stage(|| {
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "19999 20001").unwrap();
        let server = TcpListener::bind("127.0.0.1:21000").unwrap();
        let from = socket(Type::STREAM, &at("127.0.0.1"), plain);
        from.connect(&server.local_addr().unwrap().into()).unwrap();
        says("outgoing_connection", "20000");
    });
}

/// `frees` was `yes`, and for a minute after the command no server could start.
#[test]
fn ending_a_client_leaves_its_connection_in_time_wait() {
    stage(|| {
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "20000 20000").unwrap();
        let server = TcpListener::bind("127.0.0.1:21000").unwrap();
        let client = "exec 3<>/dev/tcp/127.0.0.1/21000; exec sleep 600";
        let mut client = Command::new("bash").args(["-c", client]).spawn().unwrap();
        let (connection, _) = server.accept().unwrap();
        let output = Command::new(BINARY)
            .args(["check", "--json", "20000"])
            .output()
            .unwrap();
        let checked = valid(&String::from_utf8(output.stdout).unwrap());
        let fix = &checked["targets"][0]["remedies"][0];
        assert_eq!(fix["command"], format!("kill {}", client.id()));
        assert_eq!(fix["frees"], "no");
        let warning =
            "Its connection may then stay in TIME_WAIT for a minute, in which no server can start.";
        assert_eq!(fix["warning"], warning);
        client.kill().unwrap();
        client.wait().unwrap();
        drop(connection);
        wait_for_state("tcp", "06");
        let local: SocketAddr = at("0.0.0.0").parse().unwrap();
        let late = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        late.set_reuse_address(true).unwrap();
        let refused = late.bind(&local.into()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn outgoing_connection_that_gets_no_answer() {
    stage(|| {
        // A listener that no longer accepts drops what knocks once its queue is full.
        let silent: SocketAddr = "127.0.0.1:21000".parse().unwrap();
        let hung = socket(Type::STREAM, "127.0.0.1:21000", plain);
        hung.listen(0).unwrap();
        let _waiting = TcpStream::connect(silent).unwrap();
        let from = socket(Type::STREAM, &at("127.0.0.1"), plain);
        from.set_nonblocking(true).unwrap();
        let error = from.connect(&silent.into()).unwrap_err();
        assert_eq!(
            error.raw_os_error(),
            Some(rustix::io::Errno::INPROGRESS.raw_os_error())
        );
        wait_for_state("tcp", "02");
        says("outgoing_connection_that_gets_no_answer", "20000");
    });
}

#[test]
fn ipv6_shadow() {
    stage(|| {
        let server = TcpListener::bind("[::1]:21000").unwrap();
        // Bound to the wildcard, it gets its address from the connection alone.
        let from = socket(Type::STREAM, &at("[::]"), |socket| {
            socket.set_only_v6(false).unwrap();
        });
        from.connect(&server.local_addr().unwrap().into()).unwrap();
        says("ipv6_shadow", "0.0.0.0:20000");
    });
}

#[test]
fn self_connect() {
    stage(|| {
        let from = socket(Type::STREAM, &at("127.0.0.1"), plain);
        let itself: SocketAddr = at("127.0.0.1").parse().unwrap();
        from.connect(&itself.into()).unwrap();
        says("self_connect", "20000");
    });
}

/// No server could start on it, it said below "free".
#[test]
fn self_connect_that_can_be_shared() {
    stage(|| {
        let from = socket(Type::STREAM, &at("127.0.0.1"), reusing);
        let itself: SocketAddr = at("127.0.0.1").parse().unwrap();
        from.connect(&itself.into()).unwrap();
        says("self_connect_that_can_be_shared", "20000");
    });
}

#[test]
fn hidden_owner() {
    stage(|| {
        let _taken = listening(&at("127.0.0.1"), plain);
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        says_by("hidden_owner", command, "20000");
    });
}

/// Which side opened a connection takes no right to know.
#[test]
fn hidden_owner_of_a_connection() {
    stage(|| {
        let server = TcpListener::bind("127.0.0.1:21000").unwrap();
        let from = socket(Type::STREAM, &at("127.0.0.1"), plain);
        from.connect(&server.local_addr().unwrap().into()).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        says_by("hidden_owner_of_a_connection", command, "20000");
    });
}

#[test]
fn kernel_socket() {
    stage_in_first_pidns(|| {
        let ip =
            format!("ip link add vx0 type vxlan id 7 dstport {PORT} dev lo && ip link set vx0 up");
        let status = Command::new("sh").args(["-c", &ip]).status().unwrap();
        if !status.success() {
            eprintln!("NOT RUN: this kernel has no VXLAN");
            return;
        }
        says("kernel_socket", "20000/udp");
    });
}

/// A table that can't be read is the one way to be invisible on a kernel that lists every socket, and
/// `/proc/net` lacks only what is merely bound; the right to ask the sockets themselves must be missing too.
#[test]
fn invisible_holder() {
    stage(|| {
        let _taken = socket(Type::STREAM, &at("127.0.0.1"), plain);
        let mut command = Cage::NoNetlink.command("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        says_by("invisible_holder", command, "20000");
    });
}

/// As on kernels before 6.8, which list no socket that is only bound.
#[test]
fn bound_not_listening_in_no_table() {
    stage(|| {
        let _bound = socket(Type::STREAM, &at("127.0.0.1"), plain);
        let command = Cage::NoNetlink.command(BINARY);
        says_by("bound_not_listening_in_no_table", command, "20000");
    });
}

#[test]
fn udp_socket() {
    stage(|| {
        let _taken = socket(Type::DGRAM, &at("0.0.0.0"), plain);
        says("udp_socket", "20000/udp");
    });
}

#[test]
fn udp_socket_that_shares() {
    stage(|| {
        let taken = socket(Type::DGRAM, &at("127.0.0.1"), reusing);
        let peer: SocketAddr = "127.0.0.1:21000".parse().unwrap();
        taken.connect(&peer.into()).unwrap();
        says("udp_socket_that_shares", "20000/udp");
    });
}

#[test]
fn other_address_in_use() {
    stage(|| {
        let _taken = listening(&at("[::1]"), plain);
        says("other_address_in_use", "127.0.0.1:20000");
    });
}

/// A process in a namespace of its own; it ends when its input does.
struct Elsewhere(Child);

impl Elsewhere {
    /// Runs a shell's words there, and waits until they are done.
    fn run(words: &str) -> Self {
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-c", &format!("{words}; echo ready; read end")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut ready)
            .unwrap();
        Self(child)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn other_namespace() {
    stage(|| {
        // VXLAN's socket needs no program of ours to be opened there.
        let words = "ip link set lo up; ip link add vx0 type vxlan id 7 dstport 20321 dev lo; \
                     ip link set vx0 up";
        let _elsewhere = Elsewhere::run(words);
        says("other_namespace", "20321/udp");
    });
}

#[test]
fn redirected() {
    stage(|| {
        let rules = "add table ip nat; add chain ip nat pre { type nat hook prerouting priority -100; }; \
                     add rule ip nat pre tcp dport 20000 redirect to :21000";
        let nft = format!("PATH=$PATH:/usr/sbin:/sbin nft '{rules}'");
        let made = Command::new("sh").args(["-c", &nft]).status().unwrap();
        if !made.success() {
            assert!(!crate::support::is_required("netns"), "nft is required");
            eprintln!("NOT RUN: nft can't make a redirect here");
            return;
        }
        says("redirected", "20000");
    });
}

#[test]
fn ephemeral_and_reserved_ports() {
    stage(|| {
        let sysctl = |name: &str, value: &str| {
            std::fs::write(format!("/proc/sys/net/ipv4/{name}"), value).unwrap();
        };
        sysctl("ip_local_port_range", "19999 20001");
        says("ephemeral_range", "20000");
        sysctl("ip_local_reserved_ports", "20000");
        says("reserved_port", "20000");
    });
}

#[test]
fn a_port_that_browsers_refuse() {
    stage(|| says("browsers_refuse", "6000"));
}

/// The examples of the docs are what the program says, up to pids, names, times and clients' ports.
#[test]
fn the_docs_print_what_the_program_prints() {
    stage(|| {
        let page = include_str!("../../docs/taken.md");
        let shown = |name: &str| {
            let (_, rest) = page
                .split_once(&format!("<!-- check {name} -->\n```\n"))
                .unwrap();
            let (example, _) = rest.split_once("```").unwrap();
            let (_, said) = example.split_once('\n').unwrap();
            redacted(said)
        };
        let says = |port: &str| redacted(&check(Command::new(BINARY), port));
        let on = |port: u16| format!("127.0.0.1:{port}");
        let listener = listening(&on(8080), plain);
        let mut client = TcpStream::connect(on(8080)).unwrap();
        drop(listener.accept().unwrap());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        drop((client, listener));
        wait_until("the TIME_WAIT", || says("8080").contains("TIME_WAIT"));
        assert_eq!(says("8080"), shown("time_wait"));
        let _bound = socket(Type::STREAM, &on(5432), plain);
        assert_eq!(says("5432"), shown("bound"));
        let server = listening(&on(5433), plain);
        let from = socket(Type::STREAM, &on(35000), plain);
        from.connect(&server.local_addr().unwrap()).unwrap();
        assert_eq!(says("35000"), shown("outgoing"));
    });
}

/// A text with everything taken out that differs from run to run and from owner to owner.
fn redacted(text: &str) -> String {
    let owners = [
        (r"(python3 )?\S+ \(pid \d+, \w+[^)]*\)", "WHO"),
        (r"(python3 )?\S+\(\d+\)", "WHO"),
        (r"End (python3 )?\S+ \(\d+\)", "End WHO"),
        // The page is an ordinary user's, the test is root.
        (r"sudo ", ""),
        (r"127\.0\.0\.1:[3-6]\d{4}  TIME_WAIT", "CLIENT  TIME_WAIT"),
    ];
    let all = owners.iter().chain(REDACTED);
    all.fold(
        text.trim_end().to_owned(),
        |text, (pattern, replacement)| {
            let pattern = regex::Regex::new(pattern).unwrap();
            pattern.replace_all(&text, *replacement).into_owned()
        },
    )
}

/// A server that starts and stops as fast as it can: sooner or later a test falls between.
#[test]
fn raced() {
    stage(|| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    match TcpListener::bind(at("127.0.0.1")) {
                        Ok(listener) => drop(listener),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse),
                    }
                }
            });
            let mut text = String::new();
            for _ in 0..500 {
                text = check(Command::new(BINARY), "20000");
                if text.starts_with("20000: raced") {
                    break;
                }
            }
            done.store(true, Ordering::Relaxed);
            // A third line names the server if it is there again.
            let sentences: Vec<_> = text.lines().take(2).collect();
            snapshot("raced", &sentences.join("\n"));
        });
    });
}
