//! Each trouble and its threshold, by a clock that the test drives.

use std::sync::Arc;

use super::*;
use crate::model::{Age, Endpoint, Owner, Process, Queue};
use crate::track::{Change, ChangeKind, RowId};

const MILLI: Duration = Duration::from_millis(1);

fn moment(since_start: Duration) -> Moment {
    Moment {
        steady: since_start,
        wall: jiff::Timestamp::UNIX_EPOCH + since_start,
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn socket(state: State) -> Socket {
    let end = |port| Endpoint::new([127, 0, 0, 1].into(), port);
    let has_peer = !matches!(state, State::Listen | State::Bound);
    Socket {
        inode: Some(7),
        owner: Owner::Known([Arc::new(Process::new(7, "app"))].into()),
        ..Socket::new(Protocol::Tcp, end(80), has_peer.then(|| end(443)), state)
    }
}

fn orphan(state: State) -> Socket {
    Socket {
        inode: None,
        owner: Owner::None,
        ..socket(state)
    }
}

fn queue(waiting: u32) -> Socket {
    Socket {
        queue: Some(Queue {
            receive: waiting,
            send: 128,
        }),
        ..socket(State::Listen)
    }
}

/// A row that was first seen 100 s after the start.
fn row(socket: Socket) -> Row {
    Row {
        id: RowId(1),
        socket,
        first_seen: moment(seconds(100)),
        state_since: moment(seconds(100)),
        was_open_at_start: false,
        change: None,
        is_in_conflict: false,
        sign: None,
        ends_at: None,
        end: None,
    }
}

fn just_before(time: Duration) -> Duration {
    time.saturating_sub(MILLI)
}

/// What is wrong with the row so long after its state began to be watched.
fn after(row: &Row, time: Duration) -> Option<TroubleKind> {
    row.trouble(moment(row.state_since.steady + time))
}

#[test]
fn a_state_is_trouble_once_it_has_lasted_too_long() {
    use TroubleKind::{CloseWait, Orphan, SynSent};
    for (socket, kind, time) in [
        (socket(State::CloseWait), CloseWait, seconds(30)),
        (socket(State::SynSent), SynSent, seconds(3)),
        (orphan(State::FinWait1), Orphan, seconds(10)),
        (orphan(State::FinWait2), Orphan, seconds(10)),
        (orphan(State::Closing), Orphan, seconds(10)),
        (orphan(State::LastAck), Orphan, seconds(10)),
    ] {
        let row = row(socket);
        assert_eq!(after(&row, just_before(time)), None, "{}", row.socket.state);
        assert_eq!(after(&row, time), Some(kind), "{}", row.socket.state);
        let begins_at = row.troubles().next().unwrap().begins_at;
        assert_eq!(begins_at, seconds(100) + time, "known beforehand");
    }
}

#[test]
fn a_queue_is_trouble_at_once_and_by_how_full_it_is() {
    for (waiting, expected) in [
        (63, None),
        (64, Some(TroubleKind::QueueFilling)),
        (128, Some(TroubleKind::QueueFilling)),
        (129, Some(TroubleKind::QueueFull)),
    ] {
        assert_eq!(after(&row(queue(waiting)), Duration::ZERO), expected);
    }
}

#[test]
fn a_state_from_before_the_start_is_as_old_as_the_kernel_says() {
    let at_start = |age| Row {
        was_open_at_start: true,
        ..row(Socket {
            age,
            ..socket(State::CloseWait)
        })
    };
    let kind = Some(TroubleKind::CloseWait);
    for (age, left) in [(29_000, 1000), (30_000, 0), (3_000_000, 0)] {
        let row = at_start(Some(Age::AtLeast(MILLI * age)));
        assert_eq!(after(&row, MILLI * left), kind, "{age} ms");
        if left > 0 {
            assert_eq!(after(&row, MILLI * (left - 1)), None, "{age} ms");
        }
    }
    // The kernel says nothing: it counts from the first snapshot.
    let row = at_start(None);
    assert_eq!(after(&row, just_before(seconds(30))), None);
    assert_eq!(after(&row, seconds(30)), kind);
    // The age was that of the state before.
    let changed = Row {
        state_since: moment(seconds(200)),
        ..at_start(Some(Age::AtLeast(seconds(90))))
    };
    assert_eq!(after(&changed, just_before(seconds(30))), None);
    assert_eq!(after(&changed, seconds(30)), kind);
}

#[test]
fn only_a_connection_without_a_process_is_an_orphan() {
    let process = Owner::Known([Arc::new(Process::new(7, "app"))].into());
    let former = Owner::Former([Arc::new(Process::new(7, "app"))].into());
    let hour = seconds(3600);
    for (owner, expected) in [
        (process, None),
        (Owner::Hidden, None),
        (Owner::Unknown, None),
        (former, Some(TroubleKind::Orphan)),
    ] {
        let socket = Socket {
            owner,
            ..orphan(State::LastAck)
        };
        assert_eq!(after(&row(socket.clone()), hour), expected, "{socket:?}");
    }
    let with_inode = row(Socket {
        inode: Some(7),
        ..orphan(State::LastAck)
    });
    assert_eq!(after(&with_inode, hour), None);
}

#[test]
fn every_other_state_may_last_and_what_closed_has_no_trouble() {
    for state in State::ALL {
        if !matches!(state, State::CloseWait | State::SynSent) {
            assert_eq!(after(&row(socket(state)), seconds(3600)), None, "{state}");
        }
        let other = Socket {
            protocol: Protocol::Sctp,
            ..orphan(state)
        };
        assert_eq!(after(&row(other), seconds(3600)), None, "{state}");
    }
    let at = moment(seconds(100));
    let closed = Row {
        change: Some(Change {
            at,
            kind: ChangeKind::Closed,
        }),
        ..row(socket(State::CloseWait))
    };
    assert_eq!(after(&closed, seconds(3600)), None);
}

#[test]
fn a_sign_hides_no_state_that_is_more_urgent_and_has_lasted() {
    use TroubleKind::{CloseWait, Lossy, QueueDropping, QueueFilling};
    let signed = |socket, sign| Row {
        sign: Some(sign),
        ..row(socket)
    };
    let leak = signed(socket(State::CloseWait), Lossy);
    assert_eq!(after(&leak, seconds(29)), Some(Lossy));
    assert_eq!(after(&leak, seconds(600)), Some(CloseWait));
    let orphan = signed(orphan(State::LastAck), Lossy);
    assert_eq!(after(&orphan, seconds(600)), Some(Lossy));
    let full = after(&signed(queue(129), QueueDropping), Duration::ZERO);
    assert_eq!(full, Some(TroubleKind::QueueFull));
    let filling = signed(queue(64), QueueDropping);
    assert_ne!(after(&filling, Duration::ZERO), Some(QueueFilling));
}
