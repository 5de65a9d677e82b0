//! A namespace whose connections are not walked again as long as no segment is sent or received.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use sockeye::clock::Clock;
use sockeye::model::State::{CloseWait, Established, FinWait1, FinWait2, Listen};
use sockeye::model::{Snapshot, Socket, State};
use sockeye::source::{Source as _, System};

use crate::kernel::scene::Apart;
use crate::support::netns::stage;
use crate::support::wait_until;

fn inside(snapshot: &Snapshot) -> Vec<&Socket> {
    let sockets = snapshot.sockets.iter();
    sockets.filter(|socket| !socket.is_own()).collect()
}

fn states_of(snapshot: &Snapshot) -> Vec<State> {
    let mut states: Vec<_> = inside(snapshot).iter().map(|socket| socket.state).collect();
    states.sort();
    states
}

#[test]
fn what_changes_in_a_quiet_namespace_is_seen_at_once() {
    stage(|| {
        let apart = Apart::new();
        apart.run(|inside| {
            let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
            inside
                .streams
                .push(TcpStream::connect("127.0.0.1:8080").unwrap());
            inside.streams.push(listener.accept().unwrap().0);
            inside.listeners.push(listener);
        });
        let (clock, mut system) = (Clock::start(), System::new().with_all_namespaces());
        let mut take = || system.take(clock.now()).unwrap();
        let all = [Listen, Established, Established];
        assert_eq!(states_of(&take()), all);
        for _ in 0..3 {
            assert_eq!(states_of(&take()), all);
        }
        // Another listener takes the place of the first, without a segment.
        let before = take();
        let inode = |snapshot: &Snapshot| {
            let listener = inside(snapshot).into_iter().find(|one| one.state == Listen);
            listener.unwrap().inode
        };
        apart.run(|inside| {
            inside.listeners.clear();
            inside
                .listeners
                .push(TcpListener::bind("127.0.0.1:8081").unwrap());
        });
        let after = take();
        assert_ne!(inode(&before), inode(&after));
        assert_eq!(states_of(&after), all);
        // Bytes that wait, and one end that closes.
        apart.run(|inside| inside.streams[0].write_all(b"hello").unwrap());
        let snapshot = take();
        let waiting = inside(&snapshot).into_iter().filter_map(|one| one.queue);
        assert!(waiting.into_iter().any(|queue| queue.receive == 5));
        apart.run(|inside| drop(inside.streams.remove(0)));
        let states = states_of(&take());
        // Until the acknowledgement.
        let is_first = states == [Listen, FinWait1, CloseWait];
        assert!(
            is_first || states == [Listen, FinWait2, CloseWait],
            "{states:?}"
        );
        wait_until("the acknowledgement", || {
            states_of(&take()) == [Listen, FinWait2, CloseWait]
        });
    });
}
