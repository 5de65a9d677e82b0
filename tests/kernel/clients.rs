//! The connections of each listener, compared with `ss`, and both ends of each, compared with the pids of the clients.

use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;
use sockeye::model::State;
use sockeye::track::{Row, Table, Tracker};

use crate::kernel::scene::{INNER, is_inner, listener, listener_with, wait_for};
use crate::support::netns::stage;

/// A process with a connection to this port.
struct Client(Child);

impl Client {
    fn connect(port: u16) -> Self {
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; exec sleep 1000");
        let mut command = Command::new("bash");
        let command = command.args(["-c", &script]).stdin(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).unwrap();
    }
}

/// How many established connections `ss` lists at this local port.
fn established_of_ss(port: u16) -> usize {
    let source = format!(":{port}");
    let output = Command::new("ss")
        .args(["-Htn", "state", "established", "sport", "=", &source])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().count()
}

fn accept(listener: &Socket) -> TcpStream {
    let listener = TcpListener::from(listener.try_clone().unwrap());
    listener.accept().unwrap().0
}

fn listeners_on(table: &Table, port: u16) -> Vec<&Arc<Row>> {
    let rows = table.rows.iter();
    rows.filter(|row| row.socket.state == State::Listen && row.socket.local.port == port)
        .collect()
}

/// The established connections of the only listener on this port.
fn connections_of(table: &Table, port: u16) -> usize {
    let listeners = listeners_on(table, port);
    assert_eq!(listeners.len(), 1);
    let clients = table.connections.clients(listeners[0].id);
    clients.unwrap().established
}

#[test]
fn a_listener_has_as_many_connections_as_ss_lists_and_each_end_names_the_other_process() {
    stage(|| {
        let shared = |address| listener_with(address, |socket| socket.set_reuse_port(true));
        let loopback = shared("127.0.0.1:8080");
        let any = shared("0.0.0.0:8080");
        let dual = listener_with("[::]:8081", |socket| socket.set_only_v6(false));
        let idle = listener("127.0.0.1:8082");
        let clients: Vec<_> = (0..5).map(|_| Client::connect(8080)).collect();
        let to_dual: Vec<_> = (0..3).map(|_| Client::connect(8081)).collect();
        let servers: Vec<_> = (0..4).map(|_| accept(&loopback)).collect();
        let dual_servers: Vec<_> = (0..3).map(|_| accept(&dual)).collect();
        // The fifth waits in the accept queue, and `ss` counts it too.
        let snapshot = wait_for(|seen| {
            let open = seen.sockets.iter();
            open.filter(|one| one.state == State::Established).count() == 16
        });
        let table = Tracker::new(Duration::ZERO).apply(snapshot).table;
        let of = |address: &str| {
            let local: std::net::SocketAddr = address.parse().unwrap();
            let mut rows = table.rows.iter();
            let row =
                rows.find(|row| row.socket.local == local.into() && row.socket.remote.is_none());
            let clients = table.connections.clients(row.unwrap().id);
            clients.unwrap().established
        };
        assert_eq!(of("127.0.0.1:8080"), established_of_ss(8080));
        assert_eq!(of("127.0.0.1:8080"), 5);
        assert_eq!(of("0.0.0.0:8080"), 0);
        assert_eq!(connections_of(&table, 8081), established_of_ss(8081));
        assert_eq!(connections_of(&table, 8081), 3);
        assert_eq!(connections_of(&table, 8082), 0);

        let pids = clients.iter().chain(&to_dual).map(|client| client.0.id());
        let accepted: Vec<_> = [8080, 8081]
            .iter()
            .flat_map(|&port| listeners_on(&table, port))
            .flat_map(|row| table.connections.accepted_by(row.id))
            .collect();
        let peers = accepted.iter().map(|&id| {
            let peer = table.connections.peer(id).expect("its client is here");
            assert_eq!(table.connections.peer(peer), Some(id));
            table.row(peer).unwrap().socket.owner.present()[0].pid
        });
        assert_eq!(peers.collect::<BTreeSet<_>>(), pids.collect());
        drop((servers, dual_servers, any, idle));
    });
}

#[test]
fn twins_of_two_processes_have_the_connections_that_each_accepted() {
    stage(|| {
        let own = listener_with("127.0.0.1:8080", |socket| socket.set_reuse_port(true));
        let mut twin = Command::new(std::env::current_exe().unwrap());
        let name = "clients::a_server_that_accepts_until_it_is_ended";
        let twin = twin.args(["--exact", &format!("kernel::{name}")]);
        let twin = twin.env(INNER, name).stdout(Stdio::null());
        let twin = Client(twin.spawn().unwrap());
        let is_listening = |one: &sockeye::model::Socket| one.state == State::Listen;
        wait_for(|seen| seen.sockets.iter().filter(|one| is_listening(one)).count() == 2);
        own.set_nonblocking(true).unwrap();
        // Ours are accepted one by one, as the accept queue is short.
        let mut ours = Vec::new();
        let clients: Vec<_> = (0..32)
            .map(|_| {
                let client = TcpStream::connect("127.0.0.1:8080").unwrap();
                ours.extend(own.accept().ok());
                client
            })
            .collect();
        let accepted_there = 32 - ours.len();
        let snapshot = wait_for(|seen| {
            let pid = twin.0.id();
            let has_it = |one: &&sockeye::model::Socket| {
                let owners = one.owner.present();
                one.inode.is_some()
                    && one.is_connection()
                    && owners.iter().any(|one| one.pid == pid)
            };
            seen.sockets.iter().filter(has_it).count() == accepted_there
        });
        let table = Tracker::new(Duration::ZERO).apply(snapshot).table;
        let of = |pid: u32| {
            let rows = listeners_on(&table, 8080).into_iter();
            let mut rows = rows.filter(|row| row.socket.owner.present()[0].pid == pid);
            let clients = table.connections.clients(rows.next().unwrap().id);
            clients.unwrap().established
        };
        let counts = (of(std::process::id()), of(twin.0.id()));
        assert_eq!(counts, (ours.len(), accepted_there));
        assert_eq!(ours.len() + accepted_there, established_of_ss(8080));
        drop(clients);
    });
}

/// The twin of the other test's listener, in a process of its own.
#[test]
fn a_server_that_accepts_until_it_is_ended() {
    if !is_inner("clients::a_server_that_accepts_until_it_is_ended") {
        return;
    }
    let socket = listener_with("127.0.0.1:8080", |socket| socket.set_reuse_port(true));
    let mut accepted = Vec::new();
    loop {
        accepted.push(accept(&socket));
    }
}
