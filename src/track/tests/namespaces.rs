//! Sockets of several network namespaces in one table.

use std::sync::Arc;

use super::*;
use crate::model::{Namespace, NamespaceId};

fn inside(id: u32, socket: Socket) -> Socket {
    let namespace = Namespace {
        id: NamespaceId(id),
        inode: Some(4_026_532_254),
        cookie: None,
        name: "web".into(),
        container: None,
    };
    Socket {
        namespace: Some(Arc::new(namespace)),
        ..socket
    }
}

fn published_by_rule(port: u16) -> Socket {
    let local = Endpoint::new("0.0.0.0".parse().unwrap(), port);
    Socket::new(Protocol::Tcp, local, None, State::Dnat)
}

fn see_late(watch: &mut Watch, sockets: &[Socket], late: &[NamespaceId]) -> Vec<String> {
    watch.seconds += 1;
    let update = watch.tracker.apply(Snapshot {
        kinds: Kinds::DEFAULT,
        late_namespaces: late.to_vec(),
        counters: None,
        ephemeral: None,
        taken_at: moment(watch.seconds),
        sockets: sockets.to_vec(),
        processes: std::collections::HashMap::default(),
        problems: Vec::new(),
    });
    update.events.iter().map(line).collect()
}

#[test]
fn the_same_address_in_two_namespaces_is_two_rows_and_no_conflict() {
    let mut watch = Watch::begin(&[]);
    let sockets = [
        listener(80, 1, &[10]),
        inside(1, listener(80, 2, &[20])),
        inside(2, listener(80, 3, &[30])),
    ];
    assert_eq!(watch.see(&sockets), ["opened 80", "opened 80", "opened 80"]);
    let table = watch.observe(&sockets).table;
    assert!(table.rows.iter().all(|row| !row.is_in_conflict));
    let others: Vec<_> = table
        .namespaces
        .iter()
        .map(|(one, count)| (one.id.0, *count))
        .collect();
    assert_eq!(others, [(1, 1), (2, 1)]);
    assert_eq!(table.counts.listening, 1, "the header counts our own");
    let contended = [&sockets[..], &[inside(2, listener(80, 4, &[40]))]].concat();
    let table = watch.observe(&contended).table;
    let marked = table.rows.iter().filter(|row| row.is_in_conflict);
    let marked: Vec<_> = marked.filter_map(|row| row.socket.inode).collect();
    assert_eq!(marked, [3, 4]);
}

#[test]
fn a_container_that_starts_again_closes_and_opens_its_sockets_once() {
    let mut watch = Watch::begin(&[inside(1, listener(80, 2, &[20]))]);
    // The kernel gives the number of the namespace again, and even the inode of the socket may be the same.
    let again = inside(2, listener(80, 2, &[21]));
    assert_eq!(watch.see(std::slice::from_ref(&again)), ["opened 80"]);
    assert_eq!(watch.see(std::slice::from_ref(&again)), ["closed 80"]);
    assert_eq!(
        watch.see(std::slice::from_ref(&again)),
        Vec::<String>::new()
    );
}

#[test]
fn sockets_of_a_namespace_that_was_only_found_late_are_not_new() {
    let mut watch = Watch::begin(&[listener(80, 1, &[10])]);
    let sockets = [
        listener(80, 1, &[10]),
        inside(1, listener(81, 2, &[20])),
        inside(2, listener(82, 3, &[30])),
    ];
    let events = see_late(&mut watch, &sockets, &[NamespaceId(1)]);
    assert_eq!(events, ["opened 82"]);
    let more = [&sockets[..], &[inside(1, listener(83, 4, &[20]))]].concat();
    assert_eq!(watch.see(&more), ["opened 83"]);
}

#[test]
fn a_port_that_only_a_rule_publishes_contends_with_no_socket() {
    let mut watch = Watch::begin(&[listener(80, 1, &[10])]);
    let sockets = [listener(80, 1, &[10]), published_by_rule(80)];
    let events = see_late(&mut watch, &sockets, &[NamespaceId::OWN]);
    assert_eq!(
        events,
        Vec::<String>::new(),
        "rules are read later than sockets"
    );
    let table = watch.observe(&sockets).table;
    assert!(table.rows.iter().all(|row| !row.is_in_conflict));
    assert_eq!((table.counts.listening, table.counts.bound), (1, 0));
    let another = [&sockets[..], &[published_by_rule(81)]].concat();
    assert_eq!(watch.see(&another), ["opened 81"]);
    assert_eq!(watch.see(&sockets), Vec::<String>::new());
    assert_eq!(watch.see(&sockets), ["closed 81"]);
}
