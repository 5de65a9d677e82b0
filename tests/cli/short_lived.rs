//! Sockets that open and close between two snapshots, in `watch` and its options.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::cli::background::Running;
use crate::cli::scene::{BINARY, stage};
use crate::support::wait_until;

/// A program without any capability, as that of an ordinary user.
fn unprivileged(args: &[&str]) -> Running {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
    Running::start(command.args(args))
}

/// The most that fit are 8 MiB of 1,283 bytes each, with the `net.core.rmem_max` of Linux 6.18.
const MORE_THAN_FIT: usize = 20_000;

/// Opens and closes a connection; returns the client's port.
fn touch(listener: &TcpListener) -> u16 {
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let port = client.local_addr().unwrap().port();
    drop(client);
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    port
}

/// The lines until one is as wanted.
fn until(watch: &Running, is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(20);
    let mut lines = Vec::new();
    while Instant::now() < end {
        lines.push(watch.json());
        if is_wanted(&lines[lines.len() - 1]) {
            return lines;
        }
    }
    panic!("it never came, of {} lines", lines.len());
}

fn is_end_of(port: u16) -> impl Fn(&Value) -> bool {
    move |line| {
        let ports = [
            &line["socket"]["local"]["port"],
            &line["socket"]["remote"]["port"],
        ];
        line["kind"] == "gone_between" && ports.contains(&&port.into())
    }
}

#[test]
fn reports_that_were_lost_are_a_gap_and_the_next_ones_are_read_again() {
    stage(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let watch = unprivileged(&["watch", "--json", "--interval=100ms", ":8080"]);
        until(&watch, |line| line["kind"] == "present");
        until_read(&watch, &listener);
        watch.stop();
        for _ in 0..MORE_THAN_FIT {
            drop(UdpSocket::bind("127.0.0.1:0").unwrap());
        }
        wait_until("the kernel drops reports", || drops_of(watch.pid()) > 0);
        watch.signal(Signal::CONT);
        let lines = until(&watch, |line| line["code"] == "lost");
        let gap = lines.last().unwrap();
        assert_eq!((&gap["kind"], &gap["lost"]), (&"gap".into(), &Value::Null));
        let problem = until(&watch, |line| line["kind"] == "problem");
        assert_eq!(problem.last().unwrap()["code"], "short_lived");
        until_read(&watch, &listener);
    });
}

/// How many messages of the netlink socket of this process were dropped, by the kernel's own count.
fn drops_of(pid: u32) -> u64 {
    let table = std::fs::read_to_string("/proc/net/netlink").unwrap();
    let rows = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let own = rows.filter(|row| row.get(2) == Some(&&*pid.to_string()));
    own.filter_map(|row| row.get(8)?.parse::<u64>().ok()).sum()
}

/// Opens and closes a connection until one of them is reported: the first may be in a snapshot.
fn until_read(watch: &Running, listener: &TcpListener) {
    let port = touch(listener);
    until(watch, is_end_of(port));
}

#[test]
fn an_accepted_connection_names_the_process_of_its_listener() {
    stage(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let watch = Running::sockeye(&["watch", "--json", "--interval=200ms", "is:short"]);
        std::thread::sleep(Duration::from_secs(1));
        let port = touch(&listener);
        let lines = until(&watch, |line| line["socket"]["local"]["port"] == 8080);
        let socket = &lines.last().unwrap()["socket"];
        assert_eq!(socket["remote"]["port"], port);
        assert_eq!(socket["owner"], "inferred");
        assert_eq!(socket["pids"][0], std::process::id());
    });
}
