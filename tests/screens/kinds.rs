//! The scene with sockets other than TCP and UDP, some with hostile names.

use std::time::Duration;

use sockeye::model::{
    Endpoint, Kinds, PacketSocket, PacketType, Portless, Protocol, Queue, RawSocket, Socket, State,
    UnixKind, UnixName, UnixPeer, UnixSocket,
};
use sockeye::settings::Settings;

use super::stage::{Stage, known, listener, process, settings, surroundings};

const HOUR: Duration = Duration::from_hours(1);

/// A path, `@` and an abstract name, or nothing.
fn name(name: &str) -> Option<UnixName> {
    let bytes = match name.strip_prefix('@') {
        Some(name) => [b"\0", name.as_bytes()].concat(),
        None => name.as_bytes().to_vec(),
    };
    UnixName::from_bytes(&bytes)
}

fn unix(kind: UnixKind, bound_to: &str, inode: u32, peer: Option<(u32, &str, &str)>) -> Socket {
    let peer = peer.map(|(inode, bound_to, process)| UnixPeer {
        inode,
        name: name(bound_to),
        process: Some(process.into()),
    });
    let state = match (kind, &peer) {
        (_, Some(_)) => State::Established,
        (UnixKind::Datagram, None) => State::Unconn,
        _ => State::Listen,
    };
    let name = name(bound_to);
    let queue = Queue {
        receive: 0,
        send: if state == State::Listen { 4096 } else { 0 },
    };
    Socket {
        inode: Some(inode),
        uid: Some(0),
        user: Some("root".into()),
        queue: Some(queue),
        ..Socket::without_port(Portless::Unix(UnixSocket { kind, name, peer }), None, state)
    }
}

fn of(socket: Socket, pid: u32, name: &'static str) -> Socket {
    Socket {
        owner: known(&[&process(pid, name, "root", HOUR)]),
        ..socket
    }
}

fn sockets() -> Vec<Socket> {
    let raw = Portless::Raw(RawSocket {
        number: 1,
        identifier: None,
    });
    let arp = Portless::Packet(PacketSocket {
        kind: PacketType::Raw,
        ethertype: 0x0806,
    });
    let lite = Endpoint::new([0, 0, 0, 0].into(), 7000);
    let docker = "/run/docker.sock";
    vec![
        listener(
            "0.0.0.0:22",
            3,
            known(&[&process(700, "sshd", "root", HOUR)]),
        ),
        of(
            Socket::new(Protocol::UdpLite, lite, None, State::Unconn),
            70,
            "video",
        ),
        of(
            Socket::without_port(raw, Some([0; 4].into()), State::Unconn),
            71,
            "ping",
        ),
        Socket {
            interface: Some("eth0".into()),
            ..of(
                Socket::without_port(arp, None, State::Unconn),
                72,
                "dhclient",
            )
        },
        of(unix(UnixKind::Stream, docker, 10, None), 812, "dockerd"),
        of(
            unix(UnixKind::Stream, docker, 11, Some((12, "", "docker(900)"))),
            812,
            "dockerd",
        ),
        of(
            unix(UnixKind::Stream, "", 12, Some((11, docker, "dockerd(812)"))),
            900,
            "docker",
        ),
        of(unix(UnixKind::Datagram, "/dev/log", 13, None), 1, "systemd"),
        of(
            unix(UnixKind::SeqPacket, "@\u{1b}[31m\0x", 14, None),
            66,
            "odd",
        ),
    ]
}

/// Every kind is shown.
pub fn kinds_stage(width: u16, height: u16) -> Stage {
    let settings = Settings {
        kinds: Kinds::ALL,
        ..settings()
    };
    let mut stage = Stage::with(settings, surroundings(width, height));
    stage.read(&sockets());
    stage
}
