//! The keys of rows, and what groups amount to.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::{
    Endpoint, Kinds, Moment, Owner, Process, Protocol, Queue, Snapshot, Socket, Text,
};
use crate::track::{Table, Tracker};

fn process(pid: u32, name: &str, tick: u64) -> Arc<Process> {
    Arc::new(Process {
        started_at_tick: Some(tick),
        ..Process::new(pid, name)
    })
}

fn owned(processes: &[Arc<Process>]) -> Owner {
    Owner::Known(processes.into())
}

/// A connection from this port to this peer.
fn connection(port: u16, peer: &str, state: State, owner: Owner) -> Socket {
    let local = Endpoint::new([10, 0, 0, 1].into(), port);
    let peer = Endpoint::new(peer.parse().unwrap(), 443);
    Socket {
        inode: Some(port.into()),
        owner,
        queue: Some(Queue {
            receive: 10,
            send: 1,
        }),
        ..Socket::new(Protocol::Tcp, local, Some(peer), state)
    }
}

fn listener(port: u16, owner: Owner) -> Socket {
    let local = Endpoint::new([0, 0, 0, 0].into(), port);
    Socket {
        owner,
        queue: Some(Queue {
            receive: 3,
            send: 128,
        }),
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    }
}

fn table(sockets: Vec<Socket>) -> Arc<Table> {
    let taken_at = Moment {
        steady: Duration::from_secs(1),
        wall: jiff::Timestamp::UNIX_EPOCH,
    };
    let snapshot = Snapshot {
        taken_at,
        kinds: Kinds::DEFAULT,
        sockets,
        processes: HashMap::new(),
        problems: Vec::new(),
        late_namespaces: Vec::new(),
        counters: None,
        ephemeral: None,
    };
    Tracker::new(Duration::ZERO).apply(snapshot).table
}

fn by(by: GroupBy, then: Option<GroupBy>) -> Grouping {
    Grouping {
        by,
        then,
        sort: None,
        reverse: false,
    }
}

/// Each group as `key sockets`, indented by its depth.
fn lines(sockets: Vec<Socket>, grouping: Grouping) -> Vec<String> {
    let table = table(sockets);
    let rows: Vec<_> = table.rows.iter().map(|row| &**row).collect();
    let groups = Groups::of(&rows, grouping);
    let line = |group: &Group| {
        let indent = "  ".repeat(group.depth);
        format!("{indent}{} {}", group.key, group.sum.sockets)
    };
    groups.all.iter().map(line).collect()
}

fn of_several() -> Vec<Socket> {
    let (nginx, worker) = (process(20, "nginx", 5), process(21, "nginx", 6));
    let shared = owned(&[nginx.clone(), worker.clone()]);
    vec![
        listener(80, shared),
        connection(1, "10.0.0.7", State::Established, owned(&[worker])),
        connection(
            2,
            "10.0.0.7",
            State::TimeWait,
            Owner::Former([nginx].into()),
        ),
        connection(3, "10.0.0.200", State::Established, Owner::Hidden),
        connection(4, "::ffff:10.0.1.7", State::Established, Owner::Hidden),
        connection(5, "fd00::1:0:0:7", State::TimeWait, Owner::None),
        connection(6, "fd00::2:0:0:7", State::Established, Owner::Kernel),
    ]
}

#[test]
fn a_process_is_its_pid_and_a_shared_socket_counts_for_the_first_owner() {
    assert_eq!(
        lines(of_several(), by(GroupBy::Process, None)),
        ["nginx(20) 2", "hidden 2", "nginx(21) 1", "kernel 1", "– 1",]
    );
}

#[test]
fn a_pid_that_was_used_again_is_another_process() {
    let of = |tick| owned(&[process(7, "node", tick)]);
    let sockets = vec![
        connection(1, "10.0.0.7", State::Established, of(1)),
        connection(2, "10.0.0.7", State::Established, of(2)),
    ];
    let expected = ["node(7) 1", "node(7) 1"];
    assert_eq!(lines(sockets, by(GroupBy::Process, None)), expected);
}

#[test]
fn a_network_is_24_bits_of_ipv4_and_64_of_ipv6_and_a_mapped_address_is_ipv4() {
    assert_eq!(
        lines(of_several(), by(GroupBy::Network, None)),
        ["10.0.0.0/24 3", "fd00::/64 2", "10.0.1.0/24 1", "– 1",]
    );
    assert_eq!(
        lines(of_several(), by(GroupBy::Peer, None)),
        [
            "10.0.0.7 2",
            "10.0.0.200 1",
            "10.0.1.7 1",
            "fd00::1:0:0:7 1",
            "fd00::2:0:0:7 1",
            "– 1",
        ]
    );
}

#[test]
fn a_second_field_makes_groups_within_each_of_the_first() {
    assert_eq!(
        lines(of_several(), by(GroupBy::State, Some(GroupBy::Process))),
        [
            "ESTABLISHED 4",
            "  hidden 2",
            "  nginx(21) 1",
            "  kernel 1",
            "TIME_WAIT 2",
            "  nginx(20) 1",
            "  – 1",
            "LISTEN 1",
            "  nginx(20) 1",
        ]
    );
}

#[test]
fn a_column_orders_the_groups_whose_keys_or_sums_it_has() {
    let by_port = |sort, reverse| {
        let grouping = Grouping {
            sort,
            reverse,
            ..by(GroupBy::Network, Some(GroupBy::State))
        };
        let lines = lines(of_several(), grouping).into_iter();
        lines
            .filter(|line| !line.starts_with(' '))
            .collect::<Vec<_>>()
    };
    let rising = ["10.0.0.0/24 3", "10.0.1.0/24 1", "fd00::/64 2", "– 1"];
    let falling = ["fd00::/64 2", "10.0.1.0/24 1", "10.0.0.0/24 3", "– 1"];
    let remote = Some(ColumnId::Remote);
    assert_eq!(by_port(remote, false), rising);
    assert_eq!(by_port(remote, true), falling, "no peer is last both ways");
    let largest = ["10.0.0.0/24 3", "fd00::/64 2", "10.0.1.0/24 1", "– 1"];
    assert_eq!(by_port(Some(ColumnId::RecvQ), true), largest);
    let fewest = ["10.0.1.0/24 1", "– 1", "fd00::/64 2", "10.0.0.0/24 3"];
    assert_eq!(by_port(None, true), fewest);
}

#[test]
fn users_without_a_name_follow_those_with_one() {
    let of = |port, user: Option<&str>, uid| Socket {
        user: user.map(Text::new),
        uid,
        ..listener(port, Owner::None)
    };
    let sockets = vec![
        of(1, None, Some(7)),
        of(2, Some("bob"), Some(2)),
        of(3, None, None),
        of(4, Some("Ann"), Some(1)),
        of(5, Some("bob"), Some(2)),
    ];
    let grouping = Grouping {
        sort: Some(ColumnId::User),
        ..by(GroupBy::User, None)
    };
    assert_eq!(lines(sockets, grouping), ["Ann 1", "bob 2", "7 1", "– 1"]);
}

#[test]
fn queues_are_bytes_and_those_of_listeners_do_not_count() {
    let table = table(of_several());
    let rows: Vec<_> = table.rows.iter().map(|row| &**row).collect();
    let groups = Groups::of(&rows, by(GroupBy::State, None));
    let queues = groups.all.iter().map(|group| {
        let sum = &group.sum;
        (group.key.to_string(), sum.receive_queue, sum.send_queue)
    });
    let expected = [
        ("ESTABLISHED".to_owned(), Some(40), Some(4)),
        ("TIME_WAIT".to_owned(), Some(20), Some(2)),
        ("LISTEN".to_owned(), None, None),
    ];
    assert_eq!(queues.collect::<Vec<_>>(), expected);
}

#[test]
fn no_rows_are_no_groups() {
    let groups = Groups::of(&[], by(GroupBy::Port, Some(GroupBy::User)));
    assert_eq!((groups.count(), groups), (0, Groups::default()));
}
