//! What the tracker says about small tables whose history is known.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::model::{
    Age, Endpoint, Kinds, Moment, Owner, Portless, Process, Protocol, RawSocket, Snapshot, Socket,
    State, UnixKind, UnixName, UnixPeer, UnixSocket,
};

const LINGER: Duration = Duration::from_secs(5);

/// Takes one snapshot a second.
struct Watch {
    tracker: Tracker,
    seconds: u64,
}

impl Watch {
    /// Begins with these sockets in the table.
    fn begin(sockets: &[Socket]) -> Self {
        let mut watch = Self {
            tracker: Tracker::new(LINGER),
            seconds: 0,
        };
        assert_eq!(
            watch.see(sockets),
            Vec::<String>::new(),
            "nothing is new at start-up"
        );
        watch
    }

    /// One more snapshot; returns the tracker's events, one per line.
    fn see(&mut self, sockets: &[Socket]) -> Vec<String> {
        self.observe(sockets).events.iter().map(line).collect()
    }

    fn observe(&mut self, sockets: &[Socket]) -> TableUpdate {
        self.observe_kinds(Kinds::DEFAULT, sockets)
    }

    fn observe_kinds(&mut self, kinds: Kinds, sockets: &[Socket]) -> TableUpdate {
        self.seconds += 1;
        self.tracker.apply(Snapshot {
            kinds,
            taken_at: moment(self.seconds),
            sockets: sockets.to_vec(),
            ..Snapshot::default()
        })
    }
}

fn line(event: &Event) -> String {
    let port = event.row.socket.local.port;
    match &event.change.kind {
        ChangeKind::Opened => format!("opened {port}"),
        ChangeKind::Closed => format!("closed {port}"),
        ChangeKind::GoneBetween => format!("gone between {port}"),
        ChangeKind::State { from } => format!("{port} {from} -> {}", event.row.socket.state),
        ChangeKind::Owner { from } => {
            format!("{port} {} -> {}", pids(from), pids(&event.row.socket.owner))
        }
    }
}

fn pids(owner: &Owner) -> String {
    let pids: Vec<_> = owner
        .processes()
        .iter()
        .map(|one| one.pid.to_string())
        .collect();
    pids.join("+")
}

fn moment(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        wall: jiff::Timestamp::from_second(1_700_000_000 + i64::try_from(seconds).unwrap())
            .unwrap(),
    }
}

fn known(pids: &[u32]) -> Owner {
    Owner::Known(
        pids.iter()
            .map(|&pid| Arc::new(Process::new(pid, format!("p{pid}").as_str())))
            .collect(),
    )
}

fn listener(port: u16, inode: u32, owners: &[u32]) -> Socket {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), port);
    let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
    socket.inode = Some(inode);
    socket.owner = known(owners);
    socket
}

fn connection(port: u16, inode: Option<u32>, state: State, owner: Owner) -> Socket {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), port);
    let remote = Endpoint::new("127.0.0.1".parse().unwrap(), 443);
    let mut socket = Socket::new(Protocol::Tcp, local, Some(remote), state);
    socket.inode = inode;
    socket.owner = owner;
    socket
}

#[test]
fn a_new_listener_is_opened_once() {
    let mut watch = Watch::begin(&[]);
    assert_eq!(watch.see(&[listener(80, 1, &[7])]), ["opened 80"]);
    assert!(watch.see(&[listener(80, 1, &[7])]).is_empty());
}

#[test]
fn a_row_missing_from_one_reading_is_not_an_event() {
    let all = [listener(80, 1, &[7]), listener(81, 2, &[7])];
    let mut watch = Watch::begin(&all);
    let observation = watch.observe(&all[..1]);
    assert!(observation.events.is_empty());
    assert!(observation.table.has_unconfirmed_closes);
    assert_eq!(observation.table.rows.len(), 2, "it is shown as it was");
    let observation = watch.observe(&all);
    assert!(observation.events.is_empty());
    assert!(!observation.table.has_unconfirmed_closes);
}

#[test]
fn a_row_missing_twice_is_closed_lingers_and_goes() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    assert!(watch.see(&[]).is_empty());
    let observation = watch.observe(&[]);
    assert_eq!(
        observation.events.iter().map(line).collect::<Vec<_>>(),
        ["closed 80"]
    );
    assert_eq!(
        observation.events[0].change.at,
        moment(2),
        "it closed when it was first missing"
    );
    assert!(observation.table.rows[0].is_closed());
    assert_eq!(observation.table.counts.listening, 0);
    while watch.seconds < 6 {
        assert_eq!(watch.observe(&[]).table.rows.len(), 1);
    }
    assert!(watch.observe(&[]).table.rows.is_empty());
}

#[test]
fn a_port_that_closes_and_opens_again_is_marked_again_in_the_same_row() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    watch.see(&[]);
    let closed = watch.observe(&[]).table.rows[0].id;
    let observation = watch.observe(&[listener(80, 2, &[8])]);
    assert_eq!(
        observation.events.iter().map(line).collect::<Vec<_>>(),
        ["opened 80"]
    );
    let [row] = &observation.table.rows[..] else {
        panic!("one row")
    };
    assert_eq!(row.id, closed);
    assert_eq!(row.mark(moment(watch.seconds), LINGER), Some(Mark::Opened));
}

#[test]
fn where_no_snapshot_follows_a_missing_row_is_closed_at_once() {
    let all = [
        connection(5000, Some(1), State::Established, known(&[7])),
        listener(80, 2, &[7]),
        listener(90, 3, &[7]),
    ];
    let mut watch = Watch::begin(&all);
    watch.tracker.closes_unconfirmed = true;
    watch.tracker.linger = Duration::ZERO;
    let table = watch.observe(&all[2..]).table;
    let ports = table.rows.iter().map(|row| row.socket.local.port);
    assert_eq!(ports.collect::<Vec<_>>(), [90]);
    assert_eq!((table.counts.listening, table.counts.connected), (1, 0));
    assert!(!table.has_unconfirmed_closes);
}

#[test]
fn a_state_change_is_one_row_with_the_old_state() {
    let mut watch = Watch::begin(&[connection(5000, Some(1), State::Established, known(&[7]))]);
    let observation = watch.observe(&[connection(5000, Some(1), State::CloseWait, known(&[7]))]);
    assert_eq!(
        observation.events.iter().map(line).collect::<Vec<_>>(),
        ["5000 ESTABLISHED -> CLOSE_WAIT"]
    );
    let [row] = &observation.table.rows[..] else {
        panic!("one row")
    };
    assert_eq!(
        row.change.as_ref().unwrap().kind,
        ChangeKind::State {
            from: State::Established
        }
    );
    assert_eq!(row.mark(moment(2), LINGER), Some(Mark::Changed));
    assert_eq!(row.mark(moment(7), LINGER), None);
}

#[test]
fn time_wait_keeps_who_had_the_connection() {
    let mut watch = Watch::begin(&[connection(5000, Some(1), State::Established, known(&[7]))]);
    let gone = connection(5000, None, State::TimeWait, Owner::None);
    let observation = watch.observe(std::slice::from_ref(&gone));
    assert_eq!(observation.table.rows.len(), 1);
    assert_eq!(
        observation.table.rows[0].socket.owner,
        match known(&[7]) {
            Owner::Known(processes) => Owner::Former(processes),
            _ => unreachable!(),
        }
    );
    assert!(watch.see(&[gone]).is_empty(), "and keeps it");
}

#[test]
fn an_orphan_goes_through_its_states_in_one_row() {
    let mut watch = Watch::begin(&[connection(5000, Some(1), State::Established, known(&[7]))]);
    for (state, told) in [
        (State::FinWait1, "5000 ESTABLISHED -> FIN_WAIT1"),
        (State::FinWait2, "5000 FIN_WAIT1 -> FIN_WAIT2"),
        (State::TimeWait, "5000 FIN_WAIT2 -> TIME_WAIT"),
    ] {
        assert_eq!(
            watch.see(&[connection(5000, None, state, Owner::None)]),
            [told]
        );
    }
}

#[test]
fn accepting_a_waiting_connection_changes_no_owner() {
    let mut watch = Watch::begin(&[connection(5000, None, State::Established, known(&[7]))]);
    assert!(
        watch
            .see(&[connection(5000, Some(1), State::Established, known(&[8]))])
            .is_empty()
    );
}

#[test]
fn a_new_connection_on_the_same_addresses_is_another_one() {
    let mut watch = Watch::begin(&[connection(5000, Some(1), State::Established, known(&[7]))]);
    let told = watch.see(&[connection(5000, Some(2), State::Established, known(&[7]))]);
    assert_eq!(told, ["closed 5000", "opened 5000"]);
}

#[test]
fn a_worker_more_or_less_is_not_an_event() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7, 8])]);
    assert!(watch.see(&[listener(80, 1, &[7, 8, 9])]).is_empty());
    assert!(watch.see(&[listener(80, 1, &[8, 9])]).is_empty());
}

#[test]
fn a_listener_handed_to_another_process_changes_owner_in_one_row() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    assert_eq!(watch.see(&[listener(80, 1, &[8])]), ["80 7 -> 8"]);
}

#[test]
fn a_restart_between_two_readings_is_one_row_with_old_and_new_owner() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    let id = watch.observe(&[listener(80, 1, &[7])]).table.rows[0].id;
    let observation = watch.observe(&[listener(80, 2, &[8])]);
    assert!(observation.events.is_empty(), "not yet certain");
    assert!(observation.table.has_unconfirmed_closes);
    assert_eq!(observation.table.rows.len(), 1);
    let observation = watch.observe(&[listener(80, 2, &[8])]);
    assert_eq!(
        observation.events.iter().map(line).collect::<Vec<_>>(),
        ["80 7 -> 8"]
    );
    let [row] = &observation.table.rows[..] else {
        panic!("one row")
    };
    assert_eq!(row.id, id);
    assert!(matches!(
        &row.change.as_ref().unwrap().kind,
        ChangeKind::Owner { .. }
    ));
}

/// Each step has a process in common with the one before: there was no line although the port had gone from one process to
/// another, which `who` said.
#[test]
fn a_port_that_a_process_passes_to_its_child_has_another_owner_when_it_ends() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    let mut see = |pids: &[u32]| watch.see(&[listener(80, 1, pids)]);
    assert!(see(&[7, 8]).is_empty());
    assert_eq!(see(&[8]), ["80 7 -> 8"]);
    // 8 stays, whatever joins and leaves.
    for pids in [&[8, 9][..], &[8, 9, 10], &[8, 10], &[8]] {
        assert!(see(pids).is_empty());
    }
    // Of those that were there together the last one has had it all the time.
    assert!(see(&[8, 11]).is_empty());
    assert!(see(&[8, 11, 12]).is_empty());
    assert_eq!(see(&[11, 12]), ["80 8 -> 11+12"]);
    assert!(see(&[12]).is_empty());
}

#[test]
fn a_second_listener_that_joins_while_the_first_is_missed_is_opened() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    assert!(watch.see(&[listener(80, 2, &[8])]).is_empty());
    let observation = watch.observe(&[listener(80, 1, &[7]), listener(80, 2, &[8])]);
    assert_eq!(
        observation.events.iter().map(line).collect::<Vec<_>>(),
        ["opened 80"]
    );
    assert_eq!(observation.table.rows.len(), 2);
    assert!(observation.table.rows.iter().all(|row| row.is_in_conflict));
}

#[test]
fn listening_again_in_the_same_process_is_opened_not_a_change_of_owner() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    watch.see(&[listener(80, 2, &[7])]);
    assert_eq!(
        watch.see(&[listener(80, 2, &[7])]),
        ["closed 80", "opened 80"]
    );
}

#[test]
fn a_missing_connection_needs_no_prompt_snapshot() {
    let mut watch = Watch::begin(&[connection(5000, Some(1), State::Established, known(&[7]))]);
    assert!(!watch.observe(&[]).table.has_unconfirmed_closes);
    assert_eq!(watch.see(&[]), ["closed 5000"]);
}

#[test]
fn a_reuseport_pair_is_two_rows_that_never_mix() {
    let pair = [listener(80, 1, &[7]), listener(80, 2, &[8])];
    let mut watch = Watch::begin(&pair);
    let ids = |table: &Table| table.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    let before = ids(&watch.observe(&pair).table);
    let swapped = [pair[1].clone(), pair[0].clone()];
    let observation = watch.observe(&swapped);
    assert!(observation.events.is_empty());
    assert_eq!(ids(&observation.table), before);
}

#[test]
fn twins_are_in_the_order_in_which_they_opened_whatever_the_kernels_order_and_their_owners() {
    let inodes = |table: &Table| -> Vec<_> {
        let rows = table.rows.iter();
        rows.map(|row| row.socket.inode.unwrap()).collect()
    };
    let twin = |inode, pid| listener(80, inode, &[pid]);
    // The kernel lists the latest first; pids don't show the order.
    let mut watch = Watch::begin(&[twin(30, 2), twin(20, 9), twin(10, 5)]);
    let again = [twin(10, 5), twin(20, 9), twin(30, 2)];
    assert_eq!(inodes(&watch.observe(&again).table), [10, 20, 30]);
    let mut unowned = again.to_vec();
    unowned[1].owner = Owner::Unknown;
    assert_eq!(inodes(&watch.observe(&unowned).table), [10, 20, 30]);
    let joined = [&[twin(50, 1), twin(40, 3)], &again[..]].concat();
    assert_eq!(inodes(&watch.observe(&joined).table), [10, 20, 30, 40, 50]);
}

#[test]
fn when_a_socket_ends_by_itself_is_no_change_at_each_reading() {
    let waiting = |millis| {
        let mut socket = connection(5000, None, State::TimeWait, Owner::None);
        socket.expires_in = Some(Duration::from_millis(millis));
        socket
    };
    let mut watch = Watch::begin(&[waiting(59_900)]);
    let first = watch.observe(&[waiting(58_950)]).table;
    let second = watch.observe(&[waiting(57_800)]).table;
    assert_eq!(first.rows[0].ends_at, Some(Duration::from_millis(60_900)));
    assert!(Arc::ptr_eq(&first.rows[0], &second.rows[0]));
    // A late FIN of the peer starts the time again.
    let third = watch.observe(&[waiting(60_000)]).table;
    assert_eq!(third.rows[0].ends_at, Some(Duration::from_secs(64)));
}

#[test]
fn what_the_header_counts_is_what_the_views_of_listeners_and_connections_show() {
    let local = Endpoint::new([127, 0, 0, 1].into(), 5000);
    let udp = |remote, state| Socket::new(Protocol::Udp, local, remote, state);
    let sockets = [
        listener(80, 1, &[1]),
        udp(None, State::Unconn),
        udp(Some(local), State::Established),
        connection(5001, None, State::TimeWait, Owner::None),
    ];
    let listening = sockets.iter().filter(|one| one.is_listening()).count();
    let counts = Watch::begin(&[]).observe(&sockets).table.counts;
    assert_eq!((counts.listening, counts.udp, counts.bound), (1, 1, 0));
    assert_eq!((counts.connected, counts.time_wait), (1, 1));
    assert_eq!(counts.listening + counts.udp, listening);
}

#[test]
fn a_bound_socket_that_connects_stays_one_row() {
    let mut bound = listener(5000, 1, &[7]);
    bound.state = State::Bound;
    let mut watch = Watch::begin(&[bound]);
    let told = watch.see(&[connection(5000, Some(1), State::SynSent, known(&[7]))]);
    assert_eq!(told, ["5000 BOUND -> SYN_SENT"]);
}

/// A recording may give one inode to thousands of rows: each socket then looked at all of them.
#[test]
fn of_many_rows_that_share_an_inode_only_a_few_are_looked_at() {
    let mut sockets: Vec<_> = (1..=100).map(|port| listener(port, 7, &[7])).collect();
    sockets[99].state = State::Closed;
    let mut watch = Watch::begin(&sockets);
    let moved = listener(200, 7, &[7]);
    assert_eq!(watch.see(std::slice::from_ref(&moved)), ["opened 200"]);
    let mut watch = Watch::begin(&sockets[98..]);
    assert_eq!(watch.see(&[moved]), ["200 CLOSED -> LISTEN"]);
}

#[test]
fn owners_that_come_late_or_hide_are_no_events() {
    let mut hidden = listener(80, 1, &[]);
    hidden.owner = Owner::Hidden;
    let mut watch = Watch::begin(std::slice::from_ref(&hidden));
    assert!(watch.see(&[listener(80, 1, &[7])]).is_empty());
    assert!(watch.see(&[hidden]).is_empty());
}

#[test]
fn an_owner_that_is_still_looked_for_is_in_no_conflict() {
    let mut second = listener(80, 2, &[]);
    second.owner = Owner::Unknown;
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    let is_in_conflict = |watch: &mut Watch, second: &Socket| {
        let table = watch
            .observe(&[listener(80, 1, &[7]), second.clone()])
            .table;
        table.rows.iter().any(|row| row.is_in_conflict)
    };
    assert!(!is_in_conflict(&mut watch, &second));
    second.owner = known(&[7]);
    assert!(!is_in_conflict(&mut watch, &second));
    second.owner = known(&[8]);
    assert!(is_in_conflict(&mut watch, &second));
}

#[test]
fn one_process_on_two_addresses_is_no_conflict() {
    let mut other = listener(80, 2, &[7]);
    other.local.address = "127.0.0.2".parse().unwrap();
    let mut watch = Watch::begin(&[]);
    let table = watch.observe(&[listener(80, 1, &[7]), other]).table;
    assert!(table.rows.iter().all(|row| !row.is_in_conflict));
}

#[test]
fn two_listeners_that_open_where_two_closed_are_two_rows() {
    let twins = |first| [listener(80, first, &[7]), listener(80, first + 1, &[8])];
    let mut watch = Watch::begin(&twins(1));
    watch.see(&[]);
    assert_eq!(watch.see(&[]), ["closed 80", "closed 80"]);
    let table = watch.observe(&twins(3)).table;
    let mut ids: Vec<_> = table.rows.iter().map(|row| row.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 2, "{:?}", table.rows);
}

#[test]
fn a_restart_is_reported_before_what_happened_to_the_new_socket() {
    let bound = |inode| Socket {
        state: State::Bound,
        ..listener(5000, inode, &[inode])
    };
    let mut watch = Watch::begin(&[bound(1)]);
    assert!(watch.see(&[bound(2)]).is_empty());
    let listening = listener(5000, 2, &[2]);
    let told = watch.see(&[listening]);
    assert_eq!(told, ["5000 1 -> 2", "5000 BOUND -> LISTEN"]);
}

#[test]
fn the_owner_of_a_successor_may_be_found_one_snapshot_late() {
    let mut unknown = listener(80, 2, &[8]);
    unknown.owner = Owner::None;
    let mut watch = Watch::begin(&[listener(80, 1, &[7])]);
    assert!(watch.see(&[unknown]).is_empty());
    assert_eq!(watch.see(&[listener(80, 2, &[8])]), ["80 7 -> 8"]);
}

#[test]
fn a_connection_on_the_addresses_of_an_orphan_is_another_one() {
    let open = connection(5000, Some(1), State::Established, known(&[7]));
    let orphan = connection(5000, None, State::TimeWait, Owner::None);
    let mut watch = Watch::begin(&[open]);
    assert_eq!(watch.see(&[orphan]), ["5000 ESTABLISHED -> TIME_WAIT"]);
    let next = connection(5000, Some(2), State::Established, known(&[8]));
    assert_eq!(watch.see(&[next]), ["closed 5000", "opened 5000"]);
}

#[test]
fn a_row_that_is_as_it_was_is_the_very_same_one() {
    let all = [listener(80, 1, &[7]), listener(81, 2, &[7])];
    let mut watch = Watch::begin(&all);
    let before = watch.observe(&all).table;
    let mut changed = all.clone();
    changed[1].queue = Some(crate::model::Queue {
        receive: 1,
        send: 0,
    });
    let after = watch.observe(&changed).table;
    assert!(Arc::ptr_eq(&before.rows[0], &after.rows[0]));
    assert!(!Arc::ptr_eq(&before.rows[1], &after.rows[1]));
}

#[test]
fn a_reset_tracker_never_reuses_an_id() {
    let mut watch = Watch::begin(&[listener(80, 1, &[7]), listener(81, 2, &[7])]);
    let before = watch.observe(&[listener(80, 1, &[7]), listener(81, 2, &[7])]);
    watch.tracker.reset();
    let after = watch.observe(&[listener(80, 1, &[7]), listener(82, 3, &[7])]);
    assert!(after.events.is_empty(), "what is there is not new");
    let last = before.table.rows.iter().map(|row| row.id).max();
    assert!(after.table.rows.iter().all(|row| Some(row.id) > last));
}

// Sockets without a port.

/// A unix socket that is bound to a path, or to nothing, and has a peer or none.
fn unix(name: &str, inode: u32, pid: u32, peer: Option<u32>) -> Socket {
    let unix = UnixSocket {
        kind: UnixKind::Stream,
        name: UnixName::from_bytes(name.as_bytes()),
        peer: peer.map(|inode| UnixPeer {
            inode,
            name: None,
            process: None,
        }),
    };
    let state = match peer {
        None => State::Listen,
        Some(_) => State::Established,
    };
    Socket {
        inode: Some(inode),
        owner: known(&[pid]),
        ..Socket::without_port(Portless::Unix(unix), None, state)
    }
}

fn told(observation: &TableUpdate) -> Vec<String> {
    let name = |event: &Event| event.row.socket.local_text().unwrap_or_default();
    let events = observation.events.iter();
    events
        .map(|event| format!("{} {:?}", name(event), Mark::of(&event.change.kind)))
        .collect()
}

const WITH_UNIX: Kinds = Kinds::DEFAULT.with(Protocol::Unix);

#[test]
fn a_kind_that_is_read_from_now_on_was_there_and_one_that_is_read_no_more_did_not_close() {
    let tcp = listener(80, 1, &[7]);
    let all = [tcp.clone(), unix("/a", 2, 7, None), unix("", 3, 7, Some(4))];
    let mut watch = Watch::begin(std::slice::from_ref(&tcp));
    let with = watch.observe_kinds(WITH_UNIX, &all);
    assert_eq!(told(&with), [""; 0]);
    assert_eq!(with.table.rows.len(), 3);
    assert!(with.table.rows.iter().all(|row| row.was_open_at_start));
    let more = [&all[..], &[unix("/b", 5, 7, None)]].concat();
    assert_eq!(told(&watch.observe_kinds(WITH_UNIX, &more)), ["/b Opened"]);
    for _ in 0..2 {
        let without = watch.observe_kinds(Kinds::DEFAULT, std::slice::from_ref(&tcp));
        assert_eq!(told(&without), [""; 0]);
        assert_eq!(without.table.rows.len(), 1);
    }
}

#[test]
fn a_unix_server_that_is_restarted_is_one_row_and_unnamed_sockets_have_no_successor() {
    let begin = |sockets: &[Socket]| {
        let mut watch = Watch::begin(&[]);
        watch.observe_kinds(WITH_UNIX, sockets);
        watch
    };
    let mut watch = begin(&[unix("/a", 1, 7, None)]);
    let restarted = [unix("/a", 2, 8, None)];
    watch.observe_kinds(WITH_UNIX, &restarted);
    let seen = watch.observe_kinds(WITH_UNIX, &restarted);
    assert_eq!(told(&seen), ["/a Changed"]);
    assert_eq!(seen.table.rows.len(), 1);

    let mut watch = begin(&[unix("", 1, 7, None)]);
    let other = [unix("", 2, 8, None)];
    assert_eq!(told(&watch.observe_kinds(WITH_UNIX, &other)), [" Opened"]);
    assert_eq!(told(&watch.observe_kinds(WITH_UNIX, &other)), [" Closed"]);

    // Of many connections to one name each is itself alone.
    let mut watch = begin(&[unix("/a", 1, 7, Some(9))]);
    let other = [unix("/a", 2, 8, Some(10))];
    assert_eq!(told(&watch.observe_kinds(WITH_UNIX, &other)), ["/a Opened"]);
    assert_eq!(told(&watch.observe_kinds(WITH_UNIX, &other)), ["/a Closed"]);
}

#[test]
fn a_unix_socket_that_gets_a_name_or_loses_its_peer_stays_its_row() {
    let mut watch = Watch::begin(&[]);
    watch.observe_kinds(WITH_UNIX, &[unix("", 1, 7, None), unix("", 2, 7, Some(3))]);
    let mut alone = unix("", 2, 7, None);
    alone.state = State::Established;
    let seen = watch.observe_kinds(WITH_UNIX, &[unix("/a", 1, 7, None), alone]);
    assert_eq!(told(&seen), [""; 0]);
    assert_eq!(seen.table.rows.len(), 2);
}

#[test]
fn sockets_without_a_port_contend_for_none() {
    let raw = |inode: u32, pid| {
        let raw = RawSocket {
            number: 1,
            identifier: None,
        };
        Socket {
            inode: Some(inode),
            owner: known(&[pid]),
            ..Socket::without_port(Portless::Raw(raw), Some([0; 4].into()), State::Unconn)
        }
    };
    let mut watch = Watch::begin(&[]);
    let sockets = [
        raw(1, 7),
        raw(2, 8),
        unix("/a", 3, 7, None),
        unix("/a", 4, 8, None),
    ];
    let seen = watch.observe_kinds(Kinds::ALL, &sockets);
    assert!(seen.table.rows.iter().all(|row| !row.is_in_conflict));
    let counts = seen.table.counts;
    assert_eq!((counts.listening, counts.connected), (0, 0));
    assert_eq!(counts.others[Protocol::Raw as usize], 2);
    assert_eq!(counts.others[Protocol::Unix as usize], 2);
}

#[test]
fn a_wall_clock_that_jumps_closes_and_forgets_nothing_early_or_late() {
    for hours in [-5, 5] {
        let jump = jiff::SignedDuration::from_hours(hours);
        let mut watch = Watch::begin(&[listener(80, 1, &[7]), listener(81, 2, &[7])]);
        let mut rows = |seconds, sockets: &[Socket]| {
            let moment = moment(seconds);
            let observation = watch.tracker.apply(Snapshot {
                kinds: Kinds::DEFAULT,
                taken_at: Moment {
                    wall: moment.wall + jump,
                    ..moment
                },
                sockets: sockets.to_vec(),
                ..Snapshot::default()
            });
            observation.table.rows.len()
        };
        rows(2, &[listener(80, 1, &[7])]);
        assert_eq!(
            rows(3, &[listener(80, 1, &[7])]),
            2,
            "closed, and it lingers"
        );
        assert_eq!(rows(6, &[listener(80, 1, &[7])]), 2);
        assert_eq!(rows(7, &[listener(80, 1, &[7])]), 1, "{hours} hours");
    }
}

/// Sockets of which many have a twin: the same key, distinguished only by their uid.
fn twin() -> impl Strategy<Value = Socket> {
    let states = vec![State::Listen, State::Bound, State::Established];
    let inode = option::of(1..3u32);
    (1..3u16, inode, select(states), 0..4u32).prop_map(|(port, inode, state, uid)| {
        let socket = if state == State::Established {
            connection(port, inode, state, known(&[uid]))
        } else {
            listener(port, 0, &[uid])
        };
        Socket {
            inode,
            state,
            uid: Some(uid),
            ..socket
        }
    })
}

/// How a reading differs from the one before.
fn edit() -> impl Strategy<Value = (Index, Option<Socket>, bool)> {
    (any::<Index>(), option::of(twin()), any::<bool>())
}

#[test]
fn connections_of_unchanged_rows_leave_the_window_with_time() {
    let mut watch = Watch::begin(&[listener(80, 1, &[1])]);
    let server = Socket {
        owner: known(&[1]),
        ..connection(80, Some(2), State::Established, known(&[1]))
    };
    let sockets = [listener(80, 1, &[1]), server];
    let opened = (0..9).map(|_| {
        let table = watch.observe(&sockets).table;
        let found = &table.connections;
        assert_eq!(*found, Connections::of(&table.rows, found.window()));
        found.clients(table.rows[0].id).unwrap().opened
    });
    assert_eq!(opened.collect::<Vec<_>>(), [1, 1, 1, 1, 1, 0, 0, 0, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn rows_found_in_sequence_are_those_found_by_key(
        first in vec(twin(), 0..12),
        readings in vec(vec(edit(), 0..4), 1..8),
    ) {
        let mut watch = Watch::begin(&first);
        let mut by_key = Watch::begin(&first);
        let mut sockets = first;
        for edits in readings {
            for (at, socket, is_added) in edits {
                let at = at.index(sockets.len() + 1);
                match socket {
                    Some(socket) if is_added || at == sockets.len() => sockets.insert(at, socket),
                    Some(socket) => sockets[at] = socket,
                    None if at == sockets.len() => {}
                    None if is_added => sockets[at..].reverse(),
                    None => drop(sockets.remove(at)),
                }
            }
            by_key.tracker.forget_dump_order();
            let (found, expected) = (watch.observe(&sockets), by_key.observe(&sockets));
            prop_assert_eq!(found.events, expected.events);
            prop_assert_eq!(&found.table.rows, &expected.table.rows);
            let ids: Vec<_> = found.table.rows.iter().map(|row| row.id).collect();
            prop_assert!(ids.is_sorted(), "{:?}", ids);
        }
    }
}

/// Its row went on with other addresses, and neither end of it was reported.
#[test]
fn a_socket_that_connects_elsewhere_closes_one_connection_and_opens_another() {
    let connected = |port| Socket {
        cookie: NonZeroU64::new(7),
        inode: Some(70),
        ..Socket::new(
            Protocol::Udp,
            Endpoint::new([127, 0, 0, 1].into(), port),
            Some(Endpoint::new([127, 0, 0, 1].into(), port + 1)),
            State::Established,
        )
    };
    let mut watch = Watch::begin(&[connected(100)]);
    let mut seen = watch.see(&[connected(200)]);
    seen.extend(watch.see(&[connected(200)]));
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[path = "tests/namespaces.rs"]
mod namespaces;

#[path = "tests/closes.rs"]
mod closes;

/// At a moment of a history the table showed the age of its process, although it was known when the port opened.
#[test]
fn the_age_of_a_listener_that_a_history_knows_is_not_that_of_its_process() {
    let day = Duration::from_hours(24);
    let started = moment(1).wall.checked_sub(day).unwrap();
    let process = Process {
        started_at: Some(started),
        ..Process::new(7, "server")
    };
    let local = Endpoint::new([127, 0, 0, 1].into(), 80);
    let of_age = |age| Socket {
        owner: Owner::Known([Arc::new(process.clone())].into()),
        age,
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    };
    for (age, shown) in [
        (None, Age::Exactly(day)),
        (Some(Age::AtLeast(LINGER)), Age::Exactly(day)),
        (Some(Age::Exactly(LINGER)), Age::Exactly(LINGER)),
    ] {
        let snapshot = Snapshot {
            taken_at: moment(1),
            sockets: vec![of_age(age)],
            ..Snapshot::default()
        };
        let table = Tracker::new(LINGER).apply(snapshot).table;
        assert_eq!(table.rows[0].shown_age(moment(1)), shown, "{age:?}");
    }
}
