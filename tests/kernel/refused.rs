//! What is left where the kernel does not answer through `sock_diag`: the same sockets from `/proc/net`.

use std::path::PathBuf;

use rustix::process::{Pid, getpid, getppid};
use socket2::Type;
use sockeye::model::{Owner, ProblemCode, State};
use sockeye::source::{Source as _, System};

use crate::kernel::scene::{
    at, bound, connection, has, is_inner, lines, listener, listener_with, rows, run_under, wait_for,
};
use crate::program::built;
use crate::support::netns::in_netns;

/// Where a test leaves what it expects the one to see that it runs under another command.
fn expected_by(test: Pid) -> PathBuf {
    let name = format!("sockeye-kernel-{}", test.as_raw_nonzero());
    std::env::temp_dir().join(name)
}

#[test]
fn refused_by_sock_diag_every_row_comes_from_proc_net() {
    in_netns(
        "refused::refused_by_sock_diag_every_row_comes_from_proc_net",
        || {
            let v4 = listener("127.0.0.1:8080");
            let dual = listener_with("[::]:8081", |socket| socket.set_only_v6(false));
            let _on_lo = listener_with("0.0.0.0:8083", |socket| socket.bind_device(Some(b"lo")));
            let _bound = bound(Type::STREAM, "127.0.0.1:8084", |_| Ok(()));
            let _udp = bound(Type::DGRAM, "0.0.0.0:53", |_| Ok(()));
            let connected = std::net::UdpSocket::bind("[::1]:6000").unwrap();
            connected.connect("[::1]:7000").unwrap();
            let _pairs: Vec<_> = (0..300)
                .map(|_| connection(&v4, "127.0.0.1:8080"))
                .collect();
            let _v6 = connection(&dual, "[::1]:8081");
            let _mapped = connection(&dual, "127.0.0.1:8081");
            let (client, server) = connection(&v4, "127.0.0.1:8080");
            drop(client);
            drop(server);
            let seen = wait_for(has(State::TimeWait));
            let expected: Vec<_> = rows(&seen)
                .into_iter()
                .filter_map(crate::kernel::scene::Row::in_proc_net)
                .collect();
            assert!(expected.len() > 600);
            let path = expected_by(getpid());
            std::fs::write(&path, lines(&expected)).unwrap();
            let cage = built("bind/helpers/cage.c");
            for mode in ["no-netlink", "no-diag", "no-memory"] {
                run_under(
                    &[cage.to_str().unwrap(), mode],
                    "refused::reader_of_proc_net",
                );
            }
            std::fs::remove_file(path).unwrap();
        },
    );
}

#[test]
fn reader_of_proc_net() {
    if !is_inner("refused::reader_of_proc_net") {
        return;
    }
    let seen = System::new().take_once(at(0)).unwrap();
    let expected = std::fs::read_to_string(expected_by(getppid().unwrap())).unwrap();
    assert_eq!(lines(&rows(&seen)), expected);
    let [problem] = &seen.problems[..] else {
        panic!("one problem for all parts: {:?}", seen.problems)
    };
    assert_eq!(problem.code, ProblemCode::DetailsUnreadable);
    let (message, number) = (&*problem.message, problem.message.split(['(', ')']).nth(1));
    assert!(message.starts_with("sock_diag "), "{message}");
    assert!(
        ["EPERM", "EPROTONOSUPPORT", "ENOBUFS"].contains(&number.unwrap()),
        "{message}"
    );
    assert!(
        message.contains("the table is read from /proc/net, without"),
        "{message}"
    );
}

#[test]
fn refused_one_walk_of_both_families_every_row_comes_from_a_dump_of_each() {
    in_netns(
        "refused::refused_one_walk_of_both_families_every_row_comes_from_a_dump_of_each",
        || {
            let v4 = listener("127.0.0.1:8080");
            let dual = listener_with("[::]:8081", |socket| socket.set_only_v6(false));
            let _on_lo = listener_with("0.0.0.0:8083", |socket| socket.bind_device(Some(b"lo")));
            let _bound = bound(Type::STREAM, "127.0.0.1:8084", |_| Ok(()));
            let _bound6 = bound(Type::STREAM, "[::1]:8084", |_| Ok(()));
            let _udp = bound(Type::DGRAM, "0.0.0.0:53", |_| Ok(()));
            let _pairs: Vec<_> = (0..300)
                .map(|_| connection(&v4, "127.0.0.1:8080"))
                .collect();
            let _v6 = connection(&dual, "[::1]:8081");
            let seen = System::new().take_once(at(0)).unwrap();
            let path = expected_by(getpid());
            std::fs::write(&path, lines(&rows(&seen))).unwrap();
            let cage = built("bind/helpers/cage.c");
            let command = [cage.to_str().unwrap(), "no-walk"];
            run_under(&command, "refused::reader_of_a_dump_of_each_family");
            std::fs::remove_file(path).unwrap();
        },
    );
}

#[test]
fn reader_of_a_dump_of_each_family() {
    if !is_inner("refused::reader_of_a_dump_of_each_family") {
        return;
    }
    let seen = System::new().take_once(at(0)).unwrap();
    let expected = std::fs::read_to_string(expected_by(getppid().unwrap())).unwrap();
    assert_eq!(lines(&rows(&seen)), expected);
    assert_eq!(seen.problems, [], "nothing is missing");
    let with_age = seen.sockets.iter().filter(|socket| socket.age.is_some());
    assert_eq!(with_age.count(), 602);
}

#[test]
fn an_owner_outside_the_pid_namespace_is_hidden() {
    in_netns(
        "refused::an_owner_outside_the_pid_namespace_is_hidden",
        || {
            let _listening = listener("127.0.0.1:8080");
            run_under(
                &["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
                "refused::reader_in_a_pid_namespace",
            );
        },
    );
}

#[test]
fn reader_in_a_pid_namespace() {
    if !is_inner("refused::reader_in_a_pid_namespace") {
        return;
    }
    let one_of_many = System::new().take(at(0)).unwrap();
    let alone = System::new().take_once(at(0)).unwrap();
    for seen in [one_of_many, alone] {
        assert_eq!(seen.sockets[0].owner, Owner::Hidden);
        assert_eq!(
            &*seen.problems[0].message,
            "the owner of 1 socket is outside this pid namespace: run on the host to see it"
        );
    }
}
