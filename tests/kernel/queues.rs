//! Accept queues: what the kernel counts, and what it does with clients once a queue is full.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use sockeye::model::{AcceptQueue, Fill, Snapshot, State};

use crate::kernel::scene::{listener, wait_for};
use crate::support::netns::in_netns;

/// That of the only listener.
fn queue(snapshot: &Snapshot) -> AcceptQueue {
    let mut queues = snapshot.sockets.iter().filter_map(AcceptQueue::of);
    queues.next().unwrap()
}

#[test]
fn a_listener_that_never_accepts_is_full_with_one_more_than_its_backlog() {
    in_netns(
        "queues::a_listener_that_never_accepts_is_full_with_one_more_than_its_backlog",
        || {
            let backlog = 8;
            let _never_accepts = listener("127.0.0.1:8080");
            let server: SocketAddr = "127.0.0.1:8080".parse().unwrap();
            let mut clients = Vec::new();
            for waiting in 1..=backlog + 1 {
                clients.push(TcpStream::connect(server).unwrap());
                let seen = queue(&wait_for(|seen| queue(seen).waiting == waiting));
                let expected = match waiting {
                    1..4 => Fill::Roomy,
                    4..9 => Fill::Filling,
                    _ => Fill::Full,
                };
                assert_eq!(
                    (seen.backlog, seen.fill()),
                    (backlog, expected),
                    "{waiting}"
                );
            }
            // The next one's SYN is dropped: no answer, and no refusal.
            let late = TcpStream::connect_timeout(&server, Duration::from_millis(300));
            assert_eq!(late.unwrap_err().kind(), std::io::ErrorKind::TimedOut);
            let full = wait_for(|seen| {
                let mut sockets = seen.sockets.iter();
                !sockets.any(|socket| socket.state == State::SynSent)
            });
            assert_eq!(queue(&full).fill(), Fill::Full);
        },
    );
}
