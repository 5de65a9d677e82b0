//! How old a connection is, by the kernel's counters, compared with the test's own clock.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use socket2::Type;
use sockeye::model::{Age, Endpoint, Snapshot, Socket};
use sockeye::source::{Source as _, System};
use sockeye::track::Tracker;

use crate::kernel::scene::{at, bound, connection, listener};
use crate::support::netns::in_netns;

/// The kernel's times come in steps, and counters are read a moment before or after our clock.
const TOLERANCE: Duration = Duration::from_millis(20);

/// The end with this address.
fn end(snapshot: &Snapshot, stream: &TcpStream) -> Socket {
    let local: Endpoint = stream.local_addr().unwrap().into();
    let remote = Some(stream.peer_addr().unwrap().into());
    let mut sockets = snapshot.sockets.iter();
    let found = sockets.find(|socket| (socket.local, socket.remote) == (local, remote));
    found.unwrap().clone()
}

/// Waits until the clock of the kernel has moved by several of its steps.
fn let_time_pass() {
    std::thread::sleep(Duration::from_millis(150));
}

/// Something that happened between these two moments.
#[derive(Clone, Copy)]
struct Span(Instant, Instant);

impl Span {
    fn of<T>(what: impl FnOnce() -> T) -> (Self, T) {
        let before = Instant::now();
        let done = what();
        (Self(before, Instant::now()), done)
    }

    /// Whether what happened in it is so old when a snapshot was taken.
    fn is_exactly(self, age: Option<Age>, taken: Self) -> bool {
        let (least, most) = (taken.0 - self.1, taken.1 - self.0);
        matches!(age, Some(Age::Exactly(age)) if least <= age + TOLERANCE && age <= most + TOLERANCE)
    }

    /// Whether what happened in it, or before it, is known to be as old as that.
    fn is_at_least(self, age: Option<Age>, taken: Self) -> bool {
        let (least, most) = (taken.0 - self.1, taken.1 - self.0);
        matches!(age, Some(Age::AtLeast(age)) if least <= age + TOLERANCE && age <= most + TOLERANCE)
    }
}

#[test]
fn a_connection_that_was_never_written_to_on_one_side_has_its_exact_age_and_others_a_lower_bound() {
    in_netns(
        "ages::a_connection_that_was_never_written_to_on_one_side_has_its_exact_age_and_others_a_lower_bound",
        || {
            let server = listener("127.0.0.1:8080");
            let server6 = listener("[::1]:8080");
            let begin = || {
                Span::of(|| {
                    let over_v4 = connection(&server, "127.0.0.1:8080");
                    (over_v4, connection(&server6, "[::1]:8080"))
                })
            };
            let (silent_since, (silent, silent6)) = begin();
            let (one_way_since, (mut one_way, _one_way6)) = begin();
            let (_, (mut both_ways, _both_ways6)) = begin();
            let_time_pass();
            let (said, ()) = Span::of(|| {
                say(&mut one_way.0, &mut one_way.1);
                say(&mut both_ways.0, &mut both_ways.1);
                say(&mut both_ways.1, &mut both_ways.0);
            });
            let_time_pass();
            let _only_bound = bound(Type::STREAM, "127.0.0.1:9090", |_| Ok(()));

            let (taken, snapshot) = Span::of(|| System::new().take(at(0)).unwrap());
            for stream in [&silent.0, &silent.1, &silent6.0, &silent6.1] {
                let age = end(&snapshot, stream).age;
                assert!(silent_since.is_exactly(age, taken), "{age:?}");
            }
            for stream in [&one_way.0, &one_way.1] {
                let age = end(&snapshot, stream).age;
                assert!(one_way_since.is_exactly(age, taken), "{age:?}");
            }
            for stream in [&both_ways.0, &both_ways.1] {
                let age = end(&snapshot, stream).age;
                assert!(said.is_at_least(age, taken), "{age:?}");
            }
            let without_peer = snapshot.sockets.iter().filter(|one| !one.is_connection());
            let ages: Vec<_> = without_peer.map(|socket| socket.age).collect();
            assert_eq!(ages, [None; 3], "listeners, and what is only bound");
        },
    );
}

fn say(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"a word").unwrap();
    to.read_exact(&mut [0; 6]).unwrap();
}

#[test]
fn ages_are_those_of_the_first_snapshot_and_grow_with_our_own_clock() {
    in_netns(
        "ages::ages_are_those_of_the_first_snapshot_and_grow_with_our_own_clock",
        || {
            let server = listener("127.0.0.1:8080");
            let mut before = connection(&server, "127.0.0.1:8080");
            let_time_pass();
            let (mut system, mut tracker) = (System::new(), Tracker::new(Duration::ZERO));
            let at_once = system.take_without_owners(at(0)).unwrap();
            let age = end(&at_once, &before.0).age;
            assert!(matches!(age, Some(Age::Exactly(_))), "{age:?}");
            tracker.apply(at_once);
            // What becomes of the connection later says nothing of how old it was.
            say(&mut before.0, &mut before.1);
            let _later = connection(&server, "127.0.0.1:8080");
            let mut rows = Vec::new();
            for second in 1..4 {
                let snapshot = system.take(at(second)).unwrap();
                rows.clone_from(&tracker.apply(snapshot).table.rows);
            }
            for row in rows.iter().filter(|row| row.socket.is_connection()) {
                let expected = if row.was_open_at_start {
                    row.socket.age.unwrap().after(Duration::from_secs(3))
                } else {
                    Age::Exactly(Duration::from_secs(2))
                };
                assert_eq!(row.age(at(3)), expected);
            }
            assert!(age.unwrap().duration() >= Duration::from_millis(100));
        },
    );
}
