//! What a filter lets through, with tables whose history is known.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::columns::ColumnId;
use crate::filter::Filter;
use crate::model::{Endpoint, Kinds, Owner, Process, Protocol, Snapshot, Socket, State};
use crate::query::{Sort, Tab};
use crate::track::Tracker;

struct Watch {
    tracker: Tracker,
    watching: ChangeFeed,
    seconds: u64,
}

impl Watch {
    fn of(filter: &str) -> Self {
        let sort = Sort {
            by: ColumnId::Port,
            descending: false,
        };
        let asked = Query {
            namespaces: crate::model::NamespaceScope::Own,
            tab: Tab::All,
            kinds: Kinds::DEFAULT,
            filter: Filter::parse(filter).unwrap(),
            uid: None,
            mine: None,
            sort,
            highlight: Duration::from_secs(5),
            linger: Duration::ZERO,
        };
        Self {
            tracker: Tracker::new(Duration::ZERO),
            watching: ChangeFeed::new(asked),
            seconds: 0,
        }
    }

    /// One more snapshot with these sockets; returns its records, one line each.
    fn see(&mut self, sockets: &[Socket]) -> Vec<String> {
        self.seconds += 1;
        let seconds = i64::try_from(self.seconds).unwrap();
        let observation = self.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: Moment {
                steady: Duration::from_secs(self.seconds),
                wall: jiff::Timestamp::from_second(1_700_000_000 + seconds).unwrap(),
            },
            sockets: sockets.to_vec(),
            processes: HashMap::default(),
            problems: Vec::new(),
            ..Snapshot::default()
        });
        self.watching
            .observe(&observation)
            .iter()
            .map(line)
            .collect()
    }
}

fn line(told: &ChangeRecord) -> String {
    let what = match &told.change {
        None => "present".to_owned(),
        Some(ChangeKind::Opened) => "opened".to_owned(),
        Some(ChangeKind::Closed) => "closed".to_owned(),
        Some(ChangeKind::GoneBetween) => "gone between".to_owned(),
        Some(ChangeKind::State { from }) => format!("{from} -> {}", told.row.socket.state),
        Some(ChangeKind::Owner { .. }) => "owner".to_owned(),
    };
    format!("{} {what}", told.row.socket.local.port)
}

fn listener(port: u16, inode: u32, names: &[&str]) -> Socket {
    let local = Endpoint::new([127, 0, 0, 1].into(), port);
    let processes: Arc<[_]> = names
        .iter()
        .zip(1..)
        .map(|(name, pid)| process(pid, name))
        .collect();
    let owner = if names.is_empty() {
        Owner::None
    } else {
        Owner::Known(processes)
    };
    Socket {
        inode: Some(inode),
        owner,
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    }
}

fn connection(port: u16, state: State) -> Socket {
    let near = Endpoint::new([127, 0, 0, 1].into(), port);
    let far = Endpoint::new([127, 0, 0, 1].into(), 9);
    Socket {
        inode: Some(u32::from(port)),
        ..Socket::new(Protocol::Tcp, near, Some(far), state)
    }
}

fn process(pid: u32, name: &str) -> Arc<Process> {
    Arc::new(Process::new(pid, name))
}

#[test]
fn present_sockets_are_reported_once_and_first() {
    let mut watch = Watch::of("");
    let (a, b) = (listener(80, 1, &[]), listener(81, 2, &[]));
    assert_eq!(
        watch.see(&[b.clone(), a.clone()]),
        ["80 present", "81 present"]
    );
    assert_eq!(watch.see(&[a, b]), [] as [&str; 0]);
}

#[test]
fn a_row_that_stops_matching_is_reported_once_and_no_more() {
    let mut watch = Watch::of("state:established");
    assert_eq!(
        watch.see(&[connection(1, State::Established)]),
        ["1 present"]
    );
    let lines = watch.see(&[connection(1, State::CloseWait)]);
    assert_eq!(lines, ["1 ESTABLISHED -> CLOSE_WAIT"]);
    assert_eq!(watch.see(&[connection(1, State::LastAck)]), [] as [&str; 0]);
    assert_eq!(watch.see(&[]), [] as [&str; 0]);
    assert_eq!(watch.see(&[]), [] as [&str; 0], "closed");
}

#[test]
fn a_row_that_starts_matching_is_reported_with_the_change_that_caused_it() {
    let mut watch = Watch::of("state:close_wait");
    assert_eq!(
        watch.see(&[connection(1, State::Established)]),
        [] as [&str; 0]
    );
    let lines = watch.see(&[connection(1, State::CloseWait)]);
    assert_eq!(lines, ["1 ESTABLISHED -> CLOSE_WAIT"]);
}

#[test]
fn an_owner_that_is_found_late_is_reported_as_one_opening() {
    let mut watch = Watch::of("proc:nginx");
    assert_eq!(watch.see(&[]), [] as [&str; 0]);
    assert_eq!(watch.see(&[listener(80, 1, &[])]), [] as [&str; 0]);
    let found = [listener(80, 1, &["nginx"])];
    assert_eq!(watch.see(&found), ["80 opened"]);
    assert_eq!(watch.see(&found), [] as [&str; 0]);
    assert_eq!(
        watch.see(&[]),
        [] as [&str; 0],
        "one reading without it proves nothing"
    );
    assert_eq!(watch.see(&[]), ["80 closed"]);
}

#[test]
fn a_socket_that_matches_late_is_reported_as_present() {
    let mut watch = Watch::of("proc:worker");
    assert_eq!(watch.see(&[listener(80, 1, &["master"])]), [] as [&str; 0]);
    let shared = [listener(80, 1, &["master", "worker"])];
    assert_eq!(watch.see(&shared), ["80 present"]);
}

#[test]
fn a_conflict_is_known_of_the_whole_table_alone() {
    let mut watch = Watch::of("is:conflict");
    let first = listener(80, 1, &["a"]);
    let second = Socket {
        local: Endpoint::new([0, 0, 0, 0].into(), 80),
        owner: Owner::Known([process(7, "b")].into()),
        ..listener(80, 2, &[])
    };
    assert_eq!(watch.see(std::slice::from_ref(&first)), [] as [&str; 0]);
    let mut lines = watch.see(&[first, second]);
    lines.sort();
    assert_eq!(lines, ["80 opened", "80 present"]);
}

/// Earlier it was reported twice at the same moment: as present and as a change of owner.
#[test]
fn a_server_that_replaces_another_is_reported_once() {
    let mut watch = Watch::of("proc:b");
    assert_eq!(watch.see(&[listener(80, 1, &["a"])]), [] as [&str; 0]);
    let after = Socket {
        owner: Owner::Known([process(7, "b")].into()),
        ..listener(80, 2, &[])
    };
    let mut lines = watch.see(std::slice::from_ref(&after));
    lines.extend(watch.see(std::slice::from_ref(&after)));
    lines.extend(watch.see(&[after]));
    assert_eq!(lines, ["80 owner"]);
}

#[test]
fn a_row_that_changes_again_and_again_is_due_once_and_no_more_when_it_is_gone() {
    let mut watch = Watch::of("age:>1h");
    for _ in 0..20 {
        for state in [State::Established, State::CloseWait] {
            watch.see(&[connection(1, state), connection(2, State::Established)]);
        }
    }
    assert_eq!(watch.watching.due.len(), 2);
    for _ in 0..3 {
        watch.see(&[connection(2, State::Established)]);
    }
    assert_eq!(watch.watching.due.len(), 1);
    assert_eq!(watch.see(&[connection(2, State::Established)]), [""; 0]);
    watch.seconds += 3600;
    let lines = watch.see(&[connection(2, State::Established)]);
    assert_eq!(lines, ["2 present"]);
}
