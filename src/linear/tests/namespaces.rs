//! Sockets of other network namespaces, read out.

use super::*;
use crate::model::{Namespace, NamespaceId, Problem, Published, PublishedBy};

fn inside(port: u16) -> Socket {
    Socket {
        namespace: Some(Arc::new(Namespace {
            id: NamespaceId(1),
            inode: None,
            cookie: None,
            name: "web".into(),
            container: None,
        })),
        ..listener(port)
    }
}

fn published() -> Socket {
    Socket {
        published: Some(Arc::new(Published {
            relay: None,
            by: PublishedBy::Rule,
            container: None,
            address: Some([172, 17, 0, 2].into()),
            port: Some(80),
            process: None,
            target: None,
        })),
        state: State::Dnat,
        owner: Owner::None,
        user: None,
        uid: None,
        ..listener(8080)
    }
}

#[test]
fn namespaces_are_listed_and_chosen_by_name() {
    let mut desk = Desk::new(&[listener(22), inside(80), inside(81)]);
    assert_eq!(
        desk.types("status")[0],
        "1 listening, 2 sockets in 1 other namespace"
    );
    assert_eq!(
        desk.types("namespaces"),
        [
            "only the own namespace is shown",
            "own: 1 socket",
            "web: 2 sockets"
        ]
    );
    let shown = "no filter: 2 of 2 rows in view All, sorted by port";
    assert_eq!(
        desk.types("namespace WEB"),
        ["only the namespace web is shown", shown]
    );
    let row =
        "1. tcp port 80 (http), listening on 127.0.0.1, in namespace web, app, pid 80, user ann";
    assert_eq!(desk.types("list 1")[0], row);
    assert_eq!(desk.types("namespaces all")[0], "all namespaces are shown");
    assert_eq!(desk.types("list").len(), 3);
    assert_eq!(
        desk.types("namespaces db"),
        ["unknown namespace `db`; namespaces: own, all, web"]
    );
    assert_eq!(desk.types("group namespace")[0], "2 groups of 3 rows");
}

#[test]
fn changes_of_other_namespaces_are_printed_only_while_they_are_shown() {
    let mut desk = Desk::new(&[listener(22), inside(80)]);
    let more = [listener(22), inside(80), inside(81)];
    assert_eq!(desk.read(&more), [""; 0]);
    assert_eq!(
        desk.types("events"),
        ["nothing has opened, changed or closed yet, or the filter hides it"]
    );
    desk.types("namespaces all");
    let lines = desk.read(&more[..2]);
    let lines = [lines, desk.read(&more[..2])].concat();
    assert!(lines[0].starts_with("closed: tcp port 81,"), "{lines:?}");
    assert!(lines[0].contains("in namespace web"), "{lines:?}");
}

#[test]
fn a_port_is_that_of_the_namespaces_shown_before_others() {
    let mut desk = Desk::new(&[listener(80), inside(80), inside(81)]);
    let row = desk.types("80");
    assert!(row[0].starts_with("row 1 of 1: tcp port 80"), "{row:?}");
    assert!(!row.concat().contains("rows have that port"), "{row:?}");
    let row = desk.types("81");
    assert!(row.concat().contains("in namespace web"), "{row:?}");
    assert_eq!(
        desk.types("pin"),
        ["only ports of the own namespace are pinned; this one is in web"]
    );
}

#[test]
fn a_port_without_a_socket_is_read_with_what_it_leads_to() {
    let mut desk = Desk::new(&[published()]);
    let row = "published by a rule on 127.0.0.1, no process, leads to 172.17.0.2:80";
    let read = desk.types("here");
    assert!(read[0].ends_with(row), "{read:?}");
    assert_eq!(
        desk.types("end"),
        [
            "no socket has this port: a rule of the packet filter sends it to 172.17.0.2:80; a bind test says which"
        ]
    );
}

#[test]
fn problems_of_other_namespaces_are_printed_with_them() {
    let mut desk = Desk::new(&[listener(22), inside(80)]);
    desk.time += SECOND;
    let update = desk.tracker.apply(Snapshot {
        kinds: Kinds::DEFAULT,
        late_namespaces: Vec::new(),
        counters: None,
        ephemeral: None,
        taken_at: moment(desk.time),
        sockets: vec![listener(22), inside(80)],
        processes: HashMap::new(),
        problems: vec![Problem::new(ProblemCode::Namespaces, "2 unread")],
    });
    assert_eq!(desk.send(Msg::SnapshotTaken(update)), [""; 0]);
    assert!(!desk.types("status").concat().contains("2 unread"));
    desk.types("namespaces all");
    assert!(desk.types("status").concat().contains("problem: 2 unread"));
}
