//! Sockets that listen, or are bound to a port without listening.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::Type;
use sockeye::source::{Source as _, System};

use crate::kernel::scene::{Row, assert_rows, at, bound, listener, listener_with, snapshot};
use crate::support::netns::{in_netns, stage};

#[test]
fn an_empty_namespace_has_no_rows() {
    in_netns("listeners::an_empty_namespace_has_no_rows", || {
        assert_rows(&snapshot(), []);
    });
}

/// Through a process of the machine the program would see its ports, whatever network namespace it is in.
#[test]
fn a_test_sees_only_processes_that_it_started() {
    stage(|| {
        let entries = std::fs::read_dir("/proc").unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let names = entries.map(name).filter_map(|name| name.into_string().ok());
        let mut pids: Vec<u32> = names.filter_map(|name| name.parse().ok()).collect();
        pids.sort_unstable();
        // The shell that started it, and itself.
        assert_eq!(pids, [1, std::process::id()]);
    });
}

#[test]
fn the_same_port_on_two_addresses_is_two_rows() {
    in_netns(
        "listeners::the_same_port_on_two_addresses_is_two_rows",
        || {
            let (one, two) = (listener("127.0.0.1:8080"), listener("127.0.0.2:8080"));
            let expected = [
                Row::listen("tcp", "127.0.0.1:8080", &one),
                Row::listen("tcp", "127.0.0.2:8080", &two),
            ];
            assert_rows(&snapshot(), expected);
        },
    );
}

#[test]
fn dual_stack_and_v6_only_listeners_are_distinguished() {
    in_netns(
        "listeners::dual_stack_and_v6_only_listeners_are_distinguished",
        || {
            let dual = listener_with("[::]:8080", |socket| socket.set_only_v6(false));
            let v6 = listener_with("[::]:9090", |socket| socket.set_only_v6(true));
            let v4 = listener("0.0.0.0:9090");
            let loopback = listener("[::1]:7070");
            let mapped = listener_with("[::ffff:127.0.0.1]:6060", |socket| {
                socket.set_only_v6(false)
            });
            let expected = [
                Row::listen("tcp6", "[::]:8080", &dual).dual_stack(true),
                Row::listen("tcp6", "[::]:9090", &v6).dual_stack(false),
                Row::listen("tcp", "0.0.0.0:9090", &v4),
                Row::listen("tcp6", "[::1]:7070", &loopback),
                Row::listen("tcp6", "[::ffff:127.0.0.1]:6060", &mapped),
            ];
            assert_rows(&snapshot(), expected);
        },
    );
}

#[test]
fn ports_are_never_cut() {
    in_netns("listeners::ports_are_never_cut", || {
        let sockets = [1, 80, 18080, 65535].map(|port| listener(&format!("[::1]:{port}")));
        let expected = [(0, 1), (1, 80), (2, 18080), (3, 65535)]
            .map(|(index, port)| Row::listen("tcp6", &format!("[::1]:{port}"), &sockets[index]));
        assert_rows(&snapshot(), expected);
    });
}

#[test]
fn a_pair_that_shares_its_port_is_two_rows() {
    in_netns("listeners::a_pair_that_shares_its_port_is_two_rows", || {
        let share = || listener_with("0.0.0.0:8080", |socket| socket.set_reuse_port(true));
        let (one, two) = (share(), share());
        let expected = [&one, &two].map(|socket| Row::listen("tcp", "0.0.0.0:8080", socket));
        assert_rows(&snapshot(), expected);
    });
}

#[test]
fn a_socket_that_is_only_bound_is_there() {
    in_netns("listeners::a_socket_that_is_only_bound_is_there", || {
        let v4 = bound(Type::STREAM, "127.0.0.1:8080", |_| Ok(()));
        let dual = bound(Type::STREAM, "[::]:9090", |socket| {
            socket.set_only_v6(false)
        });
        let stopped = listener("127.0.0.1:7070");
        stopped.shutdown(std::net::Shutdown::Both).unwrap();
        let expected = [
            Row::bound("tcp", "127.0.0.1:8080", &v4),
            Row::bound("tcp6", "[::]:9090", &dual).dual_stack(true),
            Row::bound("tcp", "127.0.0.1:7070", &stopped),
        ];
        assert_rows(&snapshot(), expected);
    });
}

#[test]
fn a_bound_socket_stays_from_one_dump_of_such_sockets_to_the_next_and_is_one_row_when_it_listens() {
    let name = "listeners::a_bound_socket_stays_from_one_dump_of_such_sockets_to_the_next_and_is_one_row_when_it_listens";
    in_netns(name, || {
        let socket = bound(Type::STREAM, "127.0.0.1:8080", |_| Ok(()));
        let mut system = System::new();
        let mut take = |second| system.take(at(second)).unwrap();
        // At the same moment no dump of such sockets is due after the first.
        for _ in 0..3 {
            assert_rows(&take(0), [Row::bound("tcp", "127.0.0.1:8080", &socket)]);
        }
        socket.listen(8).unwrap();
        assert_rows(&take(0), [Row::listen("tcp", "127.0.0.1:8080", &socket)]);
        drop(socket);
        assert_rows(&take(0), []);
        let later = bound(Type::STREAM, "127.0.0.1:9090", |_| Ok(()));
        // However long the one dump took, a hundred times that is over by now.
        assert_rows(&take(3600), [Row::bound("tcp", "127.0.0.1:9090", &later)]);
    });
}

#[test]
fn a_socket_of_one_interface_names_it() {
    in_netns("listeners::a_socket_of_one_interface_names_it", || {
        let on_lo = |socket: &socket2::Socket| socket.bind_device(Some(b"lo"));
        let tcp = listener_with("0.0.0.0:8080", on_lo);
        let only_bound = bound(Type::STREAM, "0.0.0.0:9090", on_lo);
        let udp = bound(Type::DGRAM, "[::]:5353", |socket| {
            socket.set_only_v6(true)?;
            on_lo(socket)
        });
        let expected = [
            Row::listen("tcp", "0.0.0.0:8080", &tcp).on("lo"),
            Row::bound("tcp", "0.0.0.0:9090", &only_bound).on("lo"),
            Row::new("udp6", "UNCONN", "[::]:5353", &udp)
                .dual_stack(false)
                .on("lo"),
        ];
        assert_rows(&snapshot(), expected);
    });
}

/// For a microsecond the kernel lists it as bound, without an inode: kept until the next dump of such
/// sockets, it was a socket that opened where one had just closed. Or as a listener without an inode.
#[test]
fn a_listener_that_is_being_closed_is_not_a_bound_socket() {
    in_netns(
        "listeners::a_listener_that_is_being_closed_is_not_a_bound_socket",
        || {
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                for port in [8080, 9090] {
                    scope.spawn({
                        let is_over = &is_over;
                        move || {
                            while !is_over.load(Ordering::Relaxed) {
                                // A dump may keep the one before for a moment longer.
                                let _ = TcpListener::bind(("127.0.0.1", port));
                            }
                        }
                    });
                }
                let mut system = System::new();
                let snapshots = (0..1000).map(|second| system.take(at(10 * second)).unwrap());
                let odd = snapshots
                    .flat_map(|seen| seen.sockets)
                    .find(|socket| socket.inode.is_none());
                is_over.store(true, Ordering::Relaxed);
                assert_eq!(odd, None);
            });
        },
    );
}
