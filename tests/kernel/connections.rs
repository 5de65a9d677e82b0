//! Connections, and what is left of them.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use sockeye::model::State;

use crate::kernel::scene::{
    InheritingChild, Row, assert_rows, connection, has, listener, listener_with, rows, snapshot,
    wait_for,
};
use crate::support::netns::{in_netns, stage};

#[test]
fn both_ends_of_a_connection_are_rows() {
    in_netns("connections::both_ends_of_a_connection_are_rows", || {
        let listening = listener("127.0.0.1:8080");
        let (client, server) = connection(&listening, "127.0.0.1:8080");
        let far = client.local_addr().unwrap();
        let expected = [
            Row::listen("tcp", "127.0.0.1:8080", &listening),
            Row::new("tcp", "ESTABLISHED", &far.to_string(), &client).to("127.0.0.1:8080"),
            Row::new("tcp", "ESTABLISHED", "127.0.0.1:8080", &server).to(&far.to_string()),
        ];
        assert_rows(&snapshot(), expected);
    });
}

#[test]
fn ipv4_on_a_dual_stack_listener_is_an_ipv6_row() {
    in_netns(
        "connections::ipv4_on_a_dual_stack_listener_is_an_ipv6_row",
        || {
            let listening = listener_with("[::]:8080", |socket| socket.set_only_v6(false));
            let (client, server) = connection(&listening, "127.0.0.1:8080");
            let far = client.local_addr().unwrap();
            let mapped = format!("[::ffff:127.0.0.1]:{}", far.port());
            let expected = [
                Row::listen("tcp6", "[::]:8080", &listening).dual_stack(true),
                Row::new("tcp", "ESTABLISHED", &far.to_string(), &client).to("127.0.0.1:8080"),
                Row::new("tcp6", "ESTABLISHED", "[::ffff:127.0.0.1]:8080", &server).to(&mapped),
            ];
            assert_rows(&snapshot(), expected);
        },
    );
}

#[test]
fn a_time_wait_says_when_it_ends_as_ss_does() {
    stage(|| {
        let listening = listener("127.0.0.1:8080");
        let (client, server) = connection(&listening, "127.0.0.1:8080");
        drop(client);
        drop(server);
        wait_for(has(State::TimeWait));
        // Time passes between two snapshots.
        let (before, ours, after) = (seconds_left(), snapshot(), seconds_left());
        let left: Vec<_> = ours.sockets.iter().map(|one| one.expires_in).collect();
        let waiting: Vec<_> = left.iter().flatten().map(Duration::as_secs).collect();
        assert_eq!(
            (left.len(), waiting.len()),
            (2, 1),
            "not the listener: {left:?}"
        );
        assert!(
            (after..=before + 1).contains(&waiting[0]),
            "{before} {waiting:?} {after}"
        );
    });
}

/// What `ss` says of the one `TIME_WAIT`: `timer:(timewait,59sec,0)`, or `1min`.
fn seconds_left() -> u64 {
    let output = Command::new("ss").args(["-tano"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, timer) = text.split_once("timer:(timewait,").expect("a TIME_WAIT");
    let end = timer.find(|c: char| !c.is_ascii_digit()).unwrap();
    let number: u64 = timer[..end].parse().unwrap();
    number
        * if timer[end..].starts_with("min") {
            60
        } else {
            1
        }
}

#[test]
fn a_time_wait_has_neither_inode_nor_uid_nor_owner() {
    in_netns(
        "connections::a_time_wait_has_neither_inode_nor_uid_nor_owner",
        || {
            let listening = listener("127.0.0.1:8080");
            let (client, server) = connection(&listening, "127.0.0.1:8080");
            let near = client.local_addr().unwrap().to_string();
            drop(client);
            drop(server);
            let expected = [
                Row::listen("tcp", "127.0.0.1:8080", &listening),
                Row::left_over("tcp", "TIME_WAIT", &near).to("127.0.0.1:8080"),
            ];
            assert_rows(&wait_for(has(State::TimeWait)), expected);
        },
    );
}

#[test]
fn a_connection_that_its_process_closed_first_is_an_orphan() {
    in_netns(
        "connections::a_connection_that_its_process_closed_first_is_an_orphan",
        || {
            let listening = listener("127.0.0.1:8080");
            let (client, server) = connection(&listening, "127.0.0.1:8080");
            let near = client.local_addr().unwrap().to_string();
            drop(client);
            let expected = [
                Row::listen("tcp", "127.0.0.1:8080", &listening),
                Row::left_over("tcp", "FIN_WAIT2", &near).to("127.0.0.1:8080"),
                // The end of the stream counts as one byte that was not yet read.
                Row::new("tcp", "CLOSE_WAIT", "127.0.0.1:8080", &server)
                    .to(&near)
                    .queue(1, 0),
            ];
            assert_rows(&wait_for(has(State::FinWait2)), expected);
        },
    );
}

#[test]
fn an_orphan_with_unsent_bytes_shows_them() {
    in_netns(
        "connections::an_orphan_with_unsent_bytes_shows_them",
        || {
            let listening = listener("127.0.0.1:8080");
            let (mut client, _server) = connection(&listening, "127.0.0.1:8080");
            client.set_nonblocking(true).unwrap();
            let full = loop {
                if let Err(error) = client.write_all(&[0; 8192]) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::WouldBlock);
            drop(client);
            let seen = wait_for(has(State::FinWait1));
            let orphan = seen
                .sockets
                .iter()
                .find(|socket| socket.state == State::FinWait1)
                .unwrap();
            assert_eq!(
                (orphan.inode, orphan.owner.kind()),
                (None, sockeye::model::OwnerKind::None)
            );
            assert!(orphan.queue.unwrap().send > 0);
            assert_eq!(rows(&seen).len(), 3);
        },
    );
}

#[test]
fn a_connection_that_waits_to_be_accepted_belongs_to_the_listener() {
    in_netns(
        "connections::a_connection_that_waits_to_be_accepted_belongs_to_the_listener",
        || {
            let listening = listener_with("0.0.0.0:8080", |socket| socket.set_cloexec(false));
            let inheritor = InheritingChild::start();
            let client = TcpStream::connect("127.0.0.1:8080").unwrap();
            let near = client.local_addr().unwrap().to_string();
            let both = vec![std::process::id(), inheritor.pid()];
            let expected = [
                Row::listen("tcp", "0.0.0.0:8080", &listening)
                    .queue(1, 8)
                    .owner("known", both.clone()),
                Row::new("tcp", "ESTABLISHED", &near, &client).to("127.0.0.1:8080"),
                Row::left_over("tcp", "ESTABLISHED", "127.0.0.1:8080")
                    .to(&near)
                    .owner("known", both),
            ];
            assert_rows(&snapshot(), expected);
        },
    );
}
