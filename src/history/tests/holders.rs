//! Who had a port.

use std::sync::Arc;
use std::time::Duration;

use super::machine::Machine;
use super::{Folder, options};
use crate::history::*;
use crate::model::{Endpoint, Moment, Owner, Process, Protocol, Snapshot, Socket, State};

/// Writes these steps, an hour apart at most, and returns the store.
fn store(folder: &Folder, steps: impl FnOnce(&mut Machine, &mut Writer)) {
    let mut machine = Machine::new(2);
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    steps(&mut machine, &mut writer);
    writer.close().unwrap();
}

fn who(folder: &Folder, port: u16) -> Vec<HolderSpan> {
    let mut history = History::open(&folder.0).unwrap();
    history.holders(&HolderQuery::new(port)).unwrap()
}

fn pid(span: &HolderSpan) -> u32 {
    span.process().unwrap().pid
}

#[test]
fn a_port_that_changed_hands_has_a_span_for_each_process() {
    let folder = Folder::new();
    let mut times = Vec::new();
    store(&folder, |machine, writer| {
        let mut add = |machine: &mut Machine, times: &mut Vec<_>| {
            let snapshot = machine.quiet(1000);
            times.push(snapshot.taken_at.wall);
            writer.add(&snapshot).unwrap();
            writer.sync().unwrap();
        };
        add(machine, &mut times);
        machine.start_process(70);
        machine.listen_by(8080, 70);
        add(machine, &mut times);
        // Three segments later.
        for _ in 0..150 {
            machine.pass(Duration::from_secs(59));
            add(machine, &mut times);
        }
        machine.end_process(70);
        machine.start_process(71);
        add(machine, &mut times);
        machine.listen_by(8080, 71);
        add(machine, &mut times);
        machine.close(8080);
        add(machine, &mut times);
        machine.listen_by(8080, 10);
        add(machine, &mut times);
    });
    let spans = who(&folder, 8080);
    assert_eq!(spans.iter().map(pid).collect::<Vec<_>>(), [70, 71, 10]);
    let last = times.len() - 1;
    let expected = [
        (times[1], times[last - 3], SpanEnd::ProcessEnded, true),
        (times[last - 2], times[last - 1], SpanEnd::Closed, true),
        (times[last], times[last], SpanEnd::RecorderStopped, false),
    ];
    for (span, (from, to, end, is_exact)) in spans.iter().zip(expected) {
        assert_eq!((span.from, span.to, span.end), (from, Some(to), end));
        assert_eq!((span.is_from_exact, span.is_to_exact), (true, is_exact));
        assert_eq!(span.unit.as_deref(), Some("web.service"));
    }
    let spans = who(&folder, 22);
    assert_eq!(spans.len(), 1);
    assert_eq!((spans[0].from, spans[0].is_from_exact), (times[0], false));
    assert!(who(&folder, 23).is_empty());
}

#[test]
fn a_store_that_is_being_written_has_spans_without_an_end_and_a_crash_changes_nothing() {
    let folder = Folder::new();
    let mut machine = Machine::new(2);
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    for snapshot in machine.snapshots(30, 1000) {
        writer.add(&snapshot).unwrap();
    }
    writer.sync().unwrap();
    let now = who(&folder, 80);
    assert_eq!(
        (now.len(), now[0].to, now[0].end),
        (1, None, SpanEnd::StillThere)
    );
    drop(writer);
    machine.pass(Duration::from_mins(10));
    let mut writer = Writer::open(&folder.0, &options()).unwrap();
    writer.add(&machine.quiet(1000)).unwrap();
    writer.sync().unwrap();
    let mut history = History::open(&folder.0).unwrap();
    assert_eq!(history.gaps(TimeRange::ALL)[0].reason, GapReason::Crashed);
    // It is the same socket: its cookie says so.
    let later = history.holders(&HolderQuery::new(80)).unwrap();
    assert_eq!(
        (later.len(), later[0].from, later[0].to),
        (1, now[0].from, None)
    );
}

#[test]
fn the_process_of_a_clients_port_is_found_and_its_peer_on_request() {
    let folder = Folder::new();
    let mut snapshots = Vec::new();
    store(&folder, |machine, writer| {
        snapshots = machine.snapshots(400, 20_000);
        for snapshot in &snapshots {
            writer.add(snapshot).unwrap();
            writer.sync().unwrap();
        }
    });
    let mut history = History::open(&folder.0).unwrap();
    let mut checked = 0;
    for snapshot in snapshots.iter().skip(1).step_by(20) {
        let is_client = |socket: &&crate::model::Socket| {
            let remote = socket.remote.map(|remote| remote.port);
            remote == Some(5432) && !socket.owner.present().is_empty()
        };
        for socket in snapshot.sockets.iter().filter(is_client) {
            let query = HolderQuery::new(socket.local.port);
            let spans = history.holders(&query).unwrap();
            let time = snapshot.taken_at.wall;
            let is_then =
                |span: &&HolderSpan| span.from <= time && span.to.is_none_or(|to| time <= to);
            let pids: Vec<_> = spans.iter().filter(is_then).map(pid).collect();
            let expected = socket.owner.present()[0].pid;
            // Its owner may have changed since it opened.
            assert!(!pids.is_empty(), "{socket:?}: {spans:?}");
            checked += usize::from(pids.contains(&expected));
            let connection = history.connection(&spans[0], &[]).unwrap().unwrap();
            assert_eq!(connection.local.port, socket.local.port);
        }
    }
    assert!(checked > 50, "{checked}");
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
    let spans = who(&folder, 8080);
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
    let spans = who(&folder, 8080);
    assert_eq!(spans.iter().map(pid).collect::<Vec<_>>(), [70]);
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
    let connections = who(&folder, 8080);
    assert!(
        !connections.iter().any(|span| span.is_connection),
        "{connections:?}"
    );
}
