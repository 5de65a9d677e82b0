//! UDP: state and peer, which netstat2 does not have.

use socket2::Type;
use sockeye::model::Socket;

use crate::kernel::scene::{Row, assert_rows, bound, snapshot};
use crate::support::netns::{in_netns, stage};

#[test]
fn udp_is_unconnected_or_has_a_peer() {
    in_netns("udp::udp_is_unconnected_or_has_a_peer", || {
        let plain = bound(Type::DGRAM, "127.0.0.1:5353", |_| Ok(()));
        let dual = bound(Type::DGRAM, "[::]:53", |socket| socket.set_only_v6(false));
        let connected = std::net::UdpSocket::bind("[::1]:6000").unwrap();
        connected.connect("[::1]:7000").unwrap();
        let expected = [
            Row::new("udp", "UNCONN", "127.0.0.1:5353", &plain),
            Row::new("udp6", "UNCONN", "[::]:53", &dual).dual_stack(true),
            Row::new("udp6", "ESTABLISHED", "[::1]:6000", &connected).to("[::1]:7000"),
        ];
        assert_rows(&snapshot(), expected);
    });
}

#[test]
fn a_connected_udp_socket_is_a_connection_and_not_a_listener() {
    stage(|| {
        let _server = std::net::UdpSocket::bind("127.0.0.1:7000").unwrap();
        let client = std::net::UdpSocket::bind("127.0.0.1:6000").unwrap();
        client.connect("127.0.0.1:7000").unwrap();
        let snapshot = snapshot();
        let ports = |is_meant: fn(&Socket) -> bool| -> Vec<u16> {
            let meant = snapshot.sockets.iter().filter(|socket| is_meant(socket));
            meant.map(|socket| socket.local.port).collect()
        };
        assert_eq!(ports(Socket::is_listening), [7000]);
        assert_eq!(ports(Socket::is_connection), [6000]);
    });
}

#[test]
fn two_udp_sockets_may_share_everything_but_the_inode() {
    in_netns(
        "udp::two_udp_sockets_may_share_everything_but_the_inode",
        || {
            let share = || {
                bound(Type::DGRAM, "0.0.0.0:5353", |socket| {
                    socket.set_reuse_address(true)
                })
            };
            let (one, two) = (share(), share());
            let expected =
                [&one, &two].map(|socket| Row::new("udp", "UNCONN", "0.0.0.0:5353", socket));
            assert_rows(&snapshot(), expected);
        },
    );
}
