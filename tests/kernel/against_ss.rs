//! The snapshot against `ss` of iproute2, which reads the same kernel.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::process::Command;

use socket2::Type;
use sockeye::model::{Snapshot, Socket, State};

use crate::kernel::scene::{bound, connection, has, listener, listener_with, wait_for};
use crate::support::netns::in_netns;

/// A socket in the words of `ss -Htuane`.
fn in_words_of_ss(socket: &Socket) -> String {
    let state = match socket.state {
        State::Established => "ESTAB",
        State::TimeWait => "TIME-WAIT",
        State::FinWait2 => "FIN-WAIT-2",
        State::CloseWait => "CLOSE-WAIT",
        other => other.as_str(),
    };
    let queue = socket.queue.unwrap();
    let interface = socket
        .interface
        .as_ref()
        .map_or_else(String::new, |name| format!("%{name}"));
    let host = match socket.dual_stack {
        Some(true) => "*".to_owned(),
        _ if socket.local.address.is_ipv6() => format!("[{}]", socket.local.address),
        _ => socket.local.address.to_string(),
    };
    let peer = match (
        socket.remote,
        socket.dual_stack,
        socket.local.address.is_ipv6(),
    ) {
        (Some(remote), ..) => remote.to_string(),
        (None, Some(true), _) => "*:*".to_owned(),
        (None, _, true) => "[::]:*".to_owned(),
        (None, _, false) => "0.0.0.0:*".to_owned(),
    };
    format!(
        "{} {state} {} {} {host}{interface}:{} {peer} ino:{}",
        socket.protocol.as_str(),
        queue.receive,
        queue.send,
        socket.local.port,
        socket.inode.unwrap_or(0),
    )
}

/// The lines of `ss`, without what the snapshot does not have.
fn ss() -> BTreeSet<String> {
    let output = Command::new("ss")
        .arg("-Htuane")
        .output()
        .expect("iproute2 is installed");
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let inode = fields
                .iter()
                .find(|field| field.starts_with("ino:"))
                .unwrap_or(&"ino:0");
            format!("{} {inode}", fields[..6].join(" "))
        })
        .collect()
}

fn ours(snapshot: &Snapshot) -> BTreeSet<String> {
    // `ss` of iproute2 6.1 does not request sockets that are only bound.
    let shown = snapshot
        .sockets
        .iter()
        .filter(|socket| socket.state != State::Bound);
    shown.map(in_words_of_ss).collect()
}

#[test]
fn every_row_of_ss_is_ours_and_every_row_of_ours_is_in_ss() {
    in_netns(
        "against_ss::every_row_of_ss_is_ours_and_every_row_of_ours_is_in_ss",
        || {
            let v4 = listener("127.0.0.1:8080");
            let _v4_twin = listener("127.0.0.2:8080");
            let dual = listener_with("[::]:8081", |socket| socket.set_only_v6(false));
            let _v6 = listener_with("[::]:8082", |socket| socket.set_only_v6(true));
            let _on_lo = listener_with("0.0.0.0:8083", |socket| socket.bind_device(Some(b"lo")));
            let _bound = bound(Type::STREAM, "127.0.0.1:8084", |_| Ok(()));
            let _udp = bound(Type::DGRAM, "0.0.0.0:53", |_| Ok(()));
            let _udp_dual = bound(Type::DGRAM, "[::]:54", |socket| socket.set_only_v6(false));
            let connected = std::net::UdpSocket::bind("127.0.0.1:6000").unwrap();
            connected.connect("127.0.0.1:7000").unwrap();
            let _pairs: Vec<_> = (0..300)
                .map(|_| connection(&v4, "127.0.0.1:8080"))
                .collect();
            let _mapped = connection(&dual, "127.0.0.1:8081");
            let _waiting = TcpStream::connect("127.0.0.1:8080").unwrap();
            let (closed, half_open) = connection(&v4, "127.0.0.1:8080");
            drop(closed);
            let (client, server) = connection(&dual, "[::1]:8081");
            drop(client);
            drop(server);
            let settled = |snapshot: &Snapshot| {
                has(State::TimeWait)(snapshot) && has(State::FinWait2)(snapshot)
            };
            let seen = wait_for(settled);
            assert_eq!(ours(&seen), ss());
            assert!(seen.sockets.len() > 600);
            drop(half_open);
        },
    );
}
