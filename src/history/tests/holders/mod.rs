//! Who had a port.

mod handover;

use std::time::Duration;

use super::machine::Machine;
use super::{Folder, options};
use crate::history::holders::archive::{archive, fitted, read};
use crate::history::*;
use crate::model::{ClosedSocket, Moment, Socket, State};

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

/// The next snapshot is up to a second later, and `watch` had the time of the report.
#[test]
fn a_port_ended_when_the_kernel_reported_its_close() {
    let folder = Folder::new();
    let mut ends = Vec::new();
    store(&folder, |machine, writer| {
        machine.listen_by(8080, 10);
        let first = machine.snapshots(30, 1000).pop().unwrap();
        let is_8080 = |socket: &&Socket| socket.local.port == 8080;
        let listener = first.sockets.iter().find(is_8080).unwrap();
        let client = first.sockets.iter().find(|socket| {
            let remote = socket.remote.map(|remote| remote.port);
            remote == Some(5432) && socket.state != State::TimeWait
        });
        let closed = [Some(listener), client].map(|socket| socket.unwrap().clone());
        writer.add(&first).unwrap();
        writer.sync().unwrap();
        let mut next = machine.quiet(1000);
        for (socket, before) in closed.into_iter().zip([700, 400]) {
            let before = Duration::from_millis(before);
            let at = Moment {
                steady: next.taken_at.steady.checked_sub(before).unwrap(),
                wall: next.taken_at.wall.checked_sub(before).unwrap(),
            };
            next.sockets.retain(|one| one.cookie != socket.cookie);
            ends.push((socket.local.port, at.wall));
            next.closed.push(ClosedSocket {
                socket: Socket {
                    state: State::Closed,
                    ..socket
                },
                at,
                tcp: None,
            });
        }
        writer.add(&next).unwrap();
    });
    let mut history = History::open(&folder.0).unwrap();
    for (port, end) in ends {
        let mut spans = history.holders(&HolderQuery::new(port)).unwrap();
        let [span] = &mut spans[..] else {
            panic!("{spans:#?}")
        };
        if span.is_connection {
            history.narrow_connection(span).unwrap();
        }
        assert_eq!((span.to, span.is_to_exact), (Some(end), true), "{span:#?}");
    }
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
        let is_client = |socket: &&Socket| {
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

/// A store of one segment, which is archived but not removed.
fn archived(folder: &Folder) -> std::path::PathBuf {
    store(folder, |machine, writer| {
        for snapshot in machine.snapshots(30, 1000) {
            writer.add(&snapshot).unwrap();
        }
        machine.close(8080);
        writer.add(&machine.snapshot(1000)).unwrap();
    });
    archive_all(folder);
    let mut history = History::open(&folder.0).unwrap();
    history
        .segments
        .remove(0)
        .source
        .path()
        .unwrap()
        .to_path_buf()
}

fn archive_all(folder: &Folder) {
    let mut history = History::open(&folder.0).unwrap();
    for segment in &mut history.segments {
        archive(&folder.0, segment, i64::MAX, Duration::MAX).unwrap();
    }
}

#[test]
fn a_segment_that_is_archived_and_not_yet_removed_counts_once() {
    let folder = Folder::new();
    let path = archived(&folder);
    let known = read(&folder.0).unwrap().len();
    assert!(known > 2, "{known}");
    archive_all(&folder);
    assert_eq!(read(&folder.0).unwrap().len(), known);
    // The recorder was killed before it removed it.
    let leaving = path.with_extension("gone");
    std::fs::rename(&path, &leaving).unwrap();
    assert_eq!(who(&folder, 22).len(), 1);
    store(&folder, |machine, writer| {
        machine.pass(Duration::from_hours(1));
        writer.add(&machine.quiet(1000)).unwrap();
    });
    assert!(!leaving.exists());
    assert_eq!(read(&folder.0).unwrap().len(), known);
    let history = History::open(&folder.0).unwrap();
    assert_eq!(history.segments[0].number, 2);
}

#[test]
fn an_archive_that_would_be_too_long_has_the_latest_spans() {
    let folder = Folder::new();
    archived(&folder);
    let all = read(&folder.0).unwrap();
    let whole = fitted(all.clone(), usize::MAX).unwrap();
    let less = fitted(all.clone(), whole.len() - 1).unwrap();
    assert!(less.len() < whole.len() && less.len() > whole.len() / 2);
    let kept: Vec<serde_json::Value> = serde_json::from_slice(&less).unwrap();
    let first = all.iter().map(|one| one.to).min().unwrap();
    let ended = all.iter().filter(|one| one.to == first).count();
    let is_first = |one: &&serde_json::Value| one["to"] == first;
    assert!(kept.iter().filter(is_first).count() < ended);
    assert_eq!(fitted(all, 2).unwrap(), b"[]");
}

#[test]
fn an_archive_that_can_not_be_read_is_kept_aside() {
    let folder = Folder::new();
    archived(&folder);
    let known = read(&folder.0).unwrap().len();
    std::fs::write(folder.0.join("holders.seg"), "damaged").unwrap();
    assert!(read(&folder.0).unwrap().is_empty());
    archive_all(&folder);
    assert_eq!(read(&folder.0).unwrap().len(), known);
    let aside = std::fs::read(folder.0.join("holders.unreadable")).unwrap();
    assert_eq!(aside, b"damaged");
}

#[test]
fn a_segment_that_is_removed_while_it_is_read_had_nothing() {
    for is_complete in [true, false] {
        let folder = Folder::new();
        let mut machine = Machine::new(2);
        let mut writer = Writer::open(&folder.0, &options()).unwrap();
        writer.add(&machine.quiet(1000)).unwrap();
        writer.sync().unwrap();
        let writer = if is_complete {
            writer.close().unwrap();
            None
        } else {
            Some(writer)
        };
        let mut history = History::open(&folder.0).unwrap();
        let path = history.segments[0].source.path().unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(history.holders(&HolderQuery::new(22)).unwrap(), []);
        assert!(history.segments[0].spans().unwrap().spans.is_empty());
        drop(writer);
    }
}
