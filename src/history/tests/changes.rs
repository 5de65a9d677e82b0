//! The changes of one port or one socket, compared with what a look at each snapshot finds.

use super::machine::Machine;
use super::{Folder, forward, written};
use crate::history::*;
use crate::model::{Protocol, Snapshot, Socket};

/// What counts of the sockets of a key.
fn matching(snapshot: &Snapshot, key: &ChangeKey) -> Vec<Socket> {
    let sockets = snapshot.sockets.iter().filter(|one| key.has(one)).cloned();
    let mut all: Vec<_> = sockets
        .map(|one| Socket {
            age: None,
            expires_in: None,
            queue: None,
            ..one
        })
        .collect();
    all.sort_by_key(|one| (one.remote, one.cookie, one.inode));
    all
}

fn assert_found(history: &mut History, all: &[Recorded], key: &ChangeKey) -> usize {
    let is_change = |at: usize| {
        let (now, before) = (&all[at], &all[at - 1]);
        let is_reported = now.snapshot.closed.iter().any(|one| key.has(&one.socket));
        is_reported || matching(&now.snapshot, key) != matching(&before.snapshot, key)
    };
    let changes: Vec<_> = (1..all.len()).filter(|at| is_change(*at)).collect();
    let mut position = all[0].position;
    for at in &changes {
        let found = history.change_after(position, key).unwrap();
        let found = found.unwrap_or_else(|| panic!("{key:?}: nothing after {position:?}"));
        assert_eq!(
            found.snapshot.taken_at, all[*at].snapshot.taken_at,
            "{key:?}"
        );
        position = found.position;
    }
    assert!(
        history.change_after(position, key).unwrap().is_none(),
        "{key:?}"
    );
    let mut position = all.last().unwrap().position;
    let last = all.len() - 1;
    for at in changes.iter().rev().filter(|at| **at < last) {
        let found = history.change_before(position, key).unwrap();
        let found = found.unwrap_or_else(|| panic!("{key:?}: nothing before {position:?}"));
        assert_eq!(
            found.snapshot.taken_at, all[*at].snapshot.taken_at,
            "{key:?}"
        );
        position = found.position;
    }
    let first = history.change_before(position, key).unwrap();
    let is_there = !matching(&all[0].snapshot, key).is_empty();
    assert_eq!(first.is_some(), is_there, "{key:?}");
    changes.len()
}

#[test]
fn the_changes_of_a_port_are_found_in_both_directions_and_over_gaps() {
    let folder = Folder::new();
    let mut machine = Machine::new(14);
    written(&folder, &machine.snapshots(200, 25_000));
    machine.pass(std::time::Duration::from_hours(3));
    machine.close(22);
    written(&folder, &machine.snapshots(60, 25_000));
    let mut history = History::open(&folder.0).unwrap();
    let all = forward(&mut history);
    let mut found = 0;
    let tcp = |port| ChangeKey::Port {
        protocol: Protocol::Tcp,
        port,
    };
    for port in [22, 443, 5432, 9] {
        found += assert_found(&mut history, &all, &tcp(port));
    }
    for port in 6000..6009 {
        let key = ChangeKey::Port {
            protocol: Protocol::Udp,
            port,
        };
        found += assert_found(&mut history, &all, &key);
    }
    let sockets = all[100]
        .snapshot
        .sockets
        .iter()
        .filter(|one| one.is_connection());
    let keys: Vec<_> = sockets.take(5).map(ChangeKey::of).collect();
    for key in keys {
        found += assert_found(&mut history, &all, &key);
    }
    assert!(found > 250, "{found}");
}
