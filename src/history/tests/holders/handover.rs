//! A listener that several processes have, at once or one after the other.

use std::sync::Arc;
use std::time::Duration;

use crate::history::tests::{Folder, options};
use crate::history::*;
use crate::model::{Endpoint, Moment, Owner, Process, Protocol, Snapshot, Socket, State};

fn who(folder: &Folder) -> Vec<HolderSpan> {
    let mut history = History::open(&folder.0).unwrap();
    history.holders(&HolderQuery::new(8080)).unwrap()
}

/// A listener on 8080 that these processes have at this second, and what connects to it.
fn shared(second: u64, pids: &[u32], client: Option<u16>) -> Snapshot {
    let process = |&pid: &u32| {
        Arc::new(Process {
            started_at_tick: Some(pid.into()),
            ..Process::new(pid, "server")
        })
    };
    let owners: Vec<_> = pids.iter().map(process).collect();
    let local = Endpoint::new([127, 0, 0, 1].into(), 8080);
    let listener = Socket {
        inode: Some(7),
        owner: Owner::Known(owners.clone().into()),
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    };
    let accepted = client.map(|port| Socket {
        inode: Some(port.into()),
        owner: Owner::Known(owners.clone().into()),
        ..Socket::new(
            Protocol::Tcp,
            local,
            Some(Endpoint::new([127, 0, 0, 1].into(), port)),
            State::Established,
        )
    });
    let wall = jiff::Timestamp::from_second(1_796_000_000).unwrap();
    let passed = Duration::from_secs(second);
    Snapshot {
        taken_at: Moment {
            steady: passed,
            wall: wall + passed,
        },
        sockets: std::iter::once(listener).chain(accepted).collect(),
        processes: owners.into_iter().map(|one| (one.pid, one)).collect(),
        ..Snapshot::default()
    }
}

/// The child had the port from the beginning, as one snapshot had both.
#[test]
fn a_listener_that_is_handed_over_by_fork_has_a_span_for_each() {
    let folder = Folder::new();
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    for (second, pids) in [
        (0, &[70][..]),
        (10, &[70, 71]),
        (20, &[71]),
        (30, &[71, 72]),
    ] {
        let _ = writer.add(&shared(second, pids, None)).unwrap();
    }
    writer.close().unwrap();
    let spans = who(&folder);
    let found: Vec<_> = spans
        .iter()
        .map(|span| {
            (
                span.owner.processes().iter().map(|one| one.pid).collect(),
                span.end,
            )
        })
        .collect::<Vec<(Vec<_>, _)>>();
    let expected = [
        (vec![70], SpanEnd::HandedOver),
        (vec![71], SpanEnd::RecorderStopped),
    ];
    assert_eq!(found, expected);
}

/// Workers that come and go leave the span to the process that stays, over segments, too.
#[test]
fn workers_that_come_and_go_do_not_end_the_span_of_the_first_process() {
    let folder = Folder::new();
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    for hour in 0..4 {
        for (minute, pids) in [(0, [70, 71 + hour]), (30, [70, 81 + hour])] {
            let second = u64::from(hour) * 3600 + minute * 60;
            for offset in (0..1800).step_by(60) {
                let _ = writer.add(&shared(second + offset, &pids, None)).unwrap();
                writer.sync().unwrap();
            }
        }
    }
    writer.close().unwrap();
    let spans = who(&folder);
    assert_eq!(
        spans
            .iter()
            .map(|one| one.process().unwrap().pid)
            .collect::<Vec<_>>(),
        [70]
    );
    assert_eq!(spans[0].owner.processes().len(), 1);
}

/// Connections that a listener had accepted after it was handed over were outgoing ones.
#[test]
fn what_a_listener_accepts_after_a_hand_over_is_left_out() {
    let folder = Folder::new();
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    let steps = [(0, 70, None), (10, 71, None), (20, 71, Some(40_000))];
    for (second, pid, client) in steps {
        let _ = writer.add(&shared(second, &[pid], client)).unwrap();
    }
    writer.close().unwrap();
    let connections = who(&folder);
    assert!(
        !connections.iter().any(|span| span.is_connection),
        "{connections:?}"
    );
}
