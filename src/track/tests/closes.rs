//! What the kernel reports about closed sockets, in tables whose history is known.

use super::*;
use crate::model::{ClosedSocket, EphemeralPorts, LostCloses, TcpInfo, TimeWaitReuse};

fn conn(port: u16, cookie: u64, state: State) -> Socket {
    let local = Endpoint::new([127, 0, 0, 1].into(), port);
    let peer = Endpoint::new([127, 0, 0, 1].into(), 9);
    Socket {
        cookie: NonZeroU64::new(cookie),
        ..Socket::new(Protocol::Tcp, local, Some(peer), state)
    }
}

/// The report that this socket was closed so many milliseconds after the start.
fn report(socket: &Socket, millis: u64) -> ClosedSocket {
    let mut socket = socket.clone();
    (socket.state, socket.inode, socket.owner) = (State::Closed, None, Owner::None);
    ClosedSocket {
        socket,
        at: Moment {
            steady: Duration::from_millis(millis),
            ..moment(0)
        },
        tcp: Some(TcpInfo {
            bytes_sent: 7,
            ..TcpInfo::default()
        }),
    }
}

impl Watch {
    fn observe_closed(&mut self, sockets: &[Socket], closed: &[ClosedSocket]) -> TableUpdate {
        self.seconds += 1;
        self.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            taken_at: moment(self.seconds),
            sockets: sockets.to_vec(),
            closed: closed.to_vec(),
            ephemeral: Some(EphemeralPorts {
                range: 32_768..=60_999,
                reserved: Vec::new(),
                reuse: TimeWaitReuse::Loopback,
            }),
            ..Snapshot::default()
        })
    }

    /// One more snapshot; returns the tracker's events, one per line.
    fn see_closed(&mut self, sockets: &[Socket], closed: &[ClosedSocket]) -> Vec<String> {
        let events = self.observe_closed(sockets, closed).events;
        events.iter().map(line).collect()
    }
}

#[test]
fn a_reported_row_closes_at_once_when_it_was_reported() {
    let socket = conn(80, 5, State::Established);
    let mut watch = Watch::begin(std::slice::from_ref(&socket));
    let update = watch.observe_closed(&[], &[report(&socket, 1_300)]);
    let [event] = &update.events[..] else {
        panic!("{:?}", update.events);
    };
    assert_eq!(event.change.kind, ChangeKind::Closed);
    assert_eq!(event.change.at.steady, Duration::from_millis(1_300));
    let end = event.row.end.as_ref().unwrap();
    assert_eq!(end.tcp.unwrap().bytes_sent, 7);
    assert_eq!(watch.see_closed(&[], &[]), [""; 0]);
}

#[test]
fn a_socket_in_no_snapshot_is_reported_once_and_lingers_as_a_closed_row() {
    let mut watch = Watch::begin(&[]);
    let short = report(&conn(80, 5, State::Closed), 1_300);
    let update = watch.observe_closed(&[], std::slice::from_ref(&short));
    let lines: Vec<_> = update.events.iter().map(line).collect();
    assert_eq!(lines, ["gone between 80"]);
    let row = &update.table.rows[0];
    assert!(row.is_closed() && row.is_short());
    // There is no snapshot before the last one.
    assert_eq!(row.end.as_ref().unwrap().opened_within, None);
    // A report that is read twice is of the same socket.
    assert_eq!(watch.see_closed(&[], &[short]), [""; 0]);
    assert_eq!(watch.observe_closed(&[], &[]).table.rows.len(), 1);
    watch.seconds += LINGER.as_secs();
    assert_eq!(watch.observe_closed(&[], &[]).table.rows.len(), 0);
}

#[test]
fn a_socket_that_closed_before_the_first_snapshot_may_have_been_open_long_before() {
    let mut watch = Watch {
        tracker: Tracker::new(LINGER),
        seconds: 0,
    };
    let short = report(&conn(80, 5, State::Closed), 900);
    assert_eq!(watch.see_closed(&[], &[short]), [""; 0]);
}

#[test]
fn a_time_wait_goes_on_with_the_last_counters_of_its_connection() {
    let socket = conn(80, 5, State::Established);
    let mut watch = Watch::begin(std::slice::from_ref(&socket));
    let waiting = conn(80, 5, State::TimeWait);
    let lines = watch.see_closed(std::slice::from_ref(&waiting), &[report(&socket, 1_300)]);
    assert_eq!(lines, ["80 ESTABLISHED -> TIME_WAIT"]);
    // It may be missing from one snapshot.
    assert_eq!(watch.see_closed(&[], &[]), [""; 0]);
    let update = watch.observe_closed(&[], &[]);
    assert_eq!(
        update.events.iter().map(line).collect::<Vec<_>>(),
        ["closed 80"]
    );
    let event = &update.events[0];
    assert_eq!(event.change.at, moment(3), "not when the connection ended");
    assert!(event.row.end.is_some());
}

/// The kernel makes a cookie when one is first read, and so two of a connection that no snapshot had.
#[test]
fn a_time_wait_of_a_connection_in_no_snapshot_is_the_only_row_of_it() {
    let mut watch = Watch::begin(&[]);
    let (short, waiting) = (
        report(&conn(80, 5, State::Closed), 1_300),
        conn(80, 6, State::TimeWait),
    );
    let waiting = std::slice::from_ref(&waiting);
    assert_eq!(watch.see_closed(waiting, &[short]), ["opened 80"]);
    // The report may be read a snapshot later.
    let mut watch = Watch::begin(&[]);
    let short = report(&conn(80, 5, State::Closed), 2_100);
    assert_eq!(watch.see_closed(waiting, &[]), ["opened 80"]);
    let update = watch.observe_closed(waiting, &[short]);
    assert_eq!(update.events, []);
    assert!(update.table.rows[0].end.is_some());
}

/// It appeared after the reports were read and before its part of the table was, and the next connection between these
/// addresses replaced it: it was reported as a short-lived socket, too.
#[test]
fn a_time_wait_that_is_replaced_before_its_report_is_read_is_the_only_row_of_its_connection() {
    let mut watch = Watch::begin(&[]);
    let waiting = conn(80, 6, State::TimeWait);
    assert_eq!(watch.see_closed(&[waiting], &[]), ["opened 80"]);
    let reports = [(5, 2_010), (7, 2_500)]
        .map(|(cookie, millis)| report(&conn(80, cookie, State::Closed), millis));
    let second = conn(80, 8, State::TimeWait);
    let lines = watch.see_closed(&[second], &reports);
    assert_eq!(lines, ["closed 80", "opened 80"]);
}

#[test]
fn a_time_wait_of_an_accepted_connection_names_its_listener_from_its_first_event_on() {
    let served = listener(80, 1, &[7]);
    let waiting = conn(80, 6, State::TimeWait);
    let mut watch = Watch::begin(std::slice::from_ref(&served));
    let all = [served, waiting];
    let short = report(&conn(80, 5, State::Closed), 1_300);
    let update = watch.observe_closed(&all, &[short]);
    let [event] = &update.events[..] else {
        panic!("{:?}", update.events);
    };
    assert!(matches!(event.row.socket.owner, Owner::Inferred(_)));
    assert!(event.row.end.is_some());
    let update = watch.observe_closed(&all, &[]);
    let owner = &update.table.rows[1].socket.owner;
    assert!(matches!(owner, Owner::Inferred(_)), "{owner:?}");
}

/// A snapshot is not atomic: the row came back as another one.
#[test]
fn a_time_wait_that_is_missing_when_its_report_is_read_is_not_closed_yet() {
    let mut watch = Watch::begin(&[]);
    let waiting = conn(80, 6, State::TimeWait);
    let waiting = std::slice::from_ref(&waiting);
    assert_eq!(watch.see_closed(waiting, &[]), ["opened 80"]);
    let short = report(&conn(80, 5, State::Closed), 2_010);
    assert_eq!(watch.see_closed(&[], &[short]), [""; 0]);
    let update = watch.observe_closed(waiting, &[]);
    assert_eq!(update.events, []);
    assert!(update.table.rows[0].end.is_some());
}

#[test]
fn a_time_wait_that_the_snapshot_after_its_report_lacks_is_no_second_connection() {
    // It was in no snapshot before, so it has another cookie.
    let mut watch = Watch::begin(&[]);
    let short = report(&conn(80, 5, State::Closed), 1_300);
    assert_eq!(watch.see_closed(&[], &[short]), ["gone between 80"]);
    let waiting = conn(80, 6, State::TimeWait);
    let waiting = std::slice::from_ref(&waiting);
    for _ in 0..3 {
        assert_eq!(watch.see_closed(waiting, &[]), [""; 0]);
    }
    // It was.
    let socket = conn(81, 7, State::Established);
    let mut watch = Watch::begin(std::slice::from_ref(&socket));
    let lines = watch.see_closed(&[], &[report(&socket, 1_300)]);
    assert_eq!(lines, ["closed 81"]);
    let waiting = conn(81, 7, State::TimeWait);
    assert_eq!(watch.see_closed(&[waiting], &[]), [""; 0]);
    // Another connection between the same addresses is one.
    let mut watch = Watch::begin(&[]);
    let closed = |cookie, millis| report(&conn(80, cookie, State::Closed), millis);
    assert_eq!(
        watch.see_closed(&[], &[closed(5, 1_300)]),
        ["gone between 80"]
    );
    let waiting = conn(80, 9, State::TimeWait);
    assert_eq!(
        watch.see_closed(&[waiting], &[closed(8, 2_300)]),
        ["opened 80"]
    );
}

/// A socket that connects elsewhere ends one row and begins another. The second one was taken for what was left of the first,
/// although no end was reported.
#[test]
fn a_socket_whose_row_closed_without_a_report_lives_on_in_another() {
    let socket = conn(80, 5, State::Established);
    let mut watch = Watch::begin(std::slice::from_ref(&socket));
    assert_eq!(watch.see_closed(&[], &[]), [""; 0]);
    assert_eq!(watch.see_closed(&[], &[]), ["closed 80"]);
    let elsewhere = conn(81, 5, State::FinWait2);
    assert_eq!(watch.see_closed(&[elsewhere], &[]), ["opened 81"]);
}

/// What the kernel keeps of a connection that was closed from here is in `FIN_WAIT2` as long as the peer does not close.
#[test]
fn an_orphan_in_fin_wait2_is_the_only_row_of_its_connection() {
    let mut watch = Watch::begin(&[]);
    let orphan = conn(80, 6, State::FinWait2);
    let orphan = std::slice::from_ref(&orphan);
    let short = report(&conn(80, 5, State::Closed), 1_300);
    assert_eq!(watch.see_closed(orphan, &[short]), ["opened 80"]);
    // It is closed when it ends, not when its connection was.
    assert_eq!(watch.see_closed(&[], &[]), [""; 0]);
    let update = watch.observe_closed(&[], &[]);
    assert_eq!(update.events[0].change.at, moment(3));
}

/// The kernel clears the peer of a connection that is reset from here: it looked like a listener that had opened and closed.
#[test]
fn a_listener_that_closes_with_its_connections_keeps_its_row() {
    let served = Socket {
        cookie: NonZeroU64::new(1),
        ..listener(80, 1, &[7])
    };
    let reset = |cookie| {
        let local = Endpoint::new([0, 0, 0, 0].into(), 80);
        let mut closed = report(&conn(80, cookie, State::Closed), 1_300);
        (closed.socket.local, closed.socket.remote, closed.tcp) = (local, None, None);
        closed
    };
    let mut watch = Watch::begin(std::slice::from_ref(&served));
    let closed = [report(&served, 1_200), reset(5), reset(6)];
    let update = watch.observe_closed(&[], &closed);
    let rows = update.table.rows.iter();
    let of_server: Vec<_> = rows.clone().filter(|row| !row.is_short()).collect();
    assert_eq!(of_server.len(), 1);
    assert_eq!(pids(&of_server[0].socket.owner), "7");
    assert!(!rows.clone().any(|row| row.may_have_listened()));
}

#[test]
fn the_time_that_a_socket_was_open_is_bounded_by_the_snapshot_that_would_have_had_it() {
    let mut watch = Watch::begin(&[]);
    assert_eq!(watch.see_closed(&[], &[]), [""; 0]);
    let bound = Socket {
        remote: None,
        ..conn(80, 5, State::Closed)
    };
    let closed = [
        report(&bound, 2_300),
        report(&conn(81, 6, State::Closed), 2_300),
    ];
    let update = watch.observe_closed(&[], &closed);
    let within: Vec<_> = update
        .table
        .rows
        .iter()
        .map(|row| row.end.as_ref().unwrap().opened_within)
        .collect();
    assert_eq!(within, [None, Some(Duration::from_millis(1_300))]);
}

#[test]
fn a_new_socket_on_the_same_addresses_is_another_one() {
    let first = conn(80, 5, State::Established);
    let mut watch = Watch::begin(std::slice::from_ref(&first));
    let second = report(&conn(80, 6, State::Closed), 1_500);
    let lines = watch.see_closed(&[], &[report(&first, 1_300), second]);
    assert_eq!(lines, ["closed 80", "gone between 80"]);
}

#[test]
fn only_a_listener_that_was_there_all_the_time_shows_whose_connection_it_was() {
    let served = Socket {
        cookie: NonZeroU64::new(1),
        ..listener(80, 1, &[7])
    };
    let short = |cookie| report(&conn(80, cookie, State::Closed), 1_300);
    let owner = |update: &TableUpdate| {
        let is_short = |event: &&Event| event.row.socket.cookie == NonZeroU64::new(5);
        let short = update.events.iter().find(is_short);
        short.unwrap().row.socket.owner.clone()
    };
    let mut watch = Watch::begin(std::slice::from_ref(&served));
    let update = watch.observe_closed(std::slice::from_ref(&served), &[short(5)]);
    let found = owner(&update);
    assert!(matches!(found, Owner::Inferred(_)), "{found:?}");
    assert_eq!(pids(&found), "7");
    // A listener that is new, or gone, may have had another process before.
    let mut watch = Watch::begin(&[]);
    let update = watch.observe_closed(std::slice::from_ref(&served), &[short(5)]);
    assert_eq!(owner(&update), Owner::None);
    let mut watch = Watch::begin(std::slice::from_ref(&served));
    let update = watch.observe_closed(&[], &[short(5)]);
    assert_eq!(owner(&update), Owner::None);
}

#[test]
fn a_restarted_listener_stays_one_row_although_its_end_was_reported() {
    let cookie = |mut socket: Socket, cookie| {
        socket.cookie = NonZeroU64::new(cookie);
        socket
    };
    let before = cookie(listener(80, 1, &[7]), 5);
    let after = cookie(listener(80, 2, &[8]), 6);
    let mut watch = Watch::begin(std::slice::from_ref(&before));
    let lines = watch.see_closed(std::slice::from_ref(&after), &[report(&before, 1_300)]);
    assert_eq!(lines, [""; 0]);
    assert_eq!(watch.see_closed(&[after], &[]), ["80 7 -> 8"]);
}

#[test]
fn a_port_outside_the_range_for_outgoing_connections_may_have_been_listened_on() {
    let bound = |port| Socket {
        remote: None,
        ..conn(port, port.into(), State::Closed)
    };
    let served = listener(90, 1, &[7]);
    let mut watch = Watch::begin(std::slice::from_ref(&served));
    let closed = [80, 40_000, 90].map(|port| report(&bound(port), 1_300));
    let update = watch.observe_closed(std::slice::from_ref(&served), &closed);
    let rows = update.table.rows.iter().filter(|row| row.is_short());
    let rows = rows.map(|row| (row.socket.local.port, row.may_have_listened()));
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows, [(80, true), (40_000, false), (90, false)]);
}

#[test]
fn a_port_that_opens_and_closes_again_and_again_stays_one_row() {
    let bound = |cookie| {
        report(
            &Socket {
                remote: None,
                ..conn(80, cookie, State::Closed)
            },
            1_300,
        )
    };
    let mut watch = Watch::begin(&[]);
    let update = watch.observe_closed(&[], &[bound(1), bound(2)]);
    assert_eq!((update.events.len(), update.table.rows.len()), (2, 1));
    let id = update.table.rows[0].id;
    let update = watch.observe_closed(&[], &[bound(3), report(&conn(80, 4, State::Closed), 1_300)]);
    assert_eq!((update.events.len(), update.table.rows.len()), (2, 2));
    assert_eq!(update.table.rows[0].id, id);
    assert_eq!(update.table.rows[0].socket.cookie, NonZeroU64::new(3));
}

#[test]
fn lost_reports_are_in_the_table() {
    let lost = LostCloses {
        overruns: 0,
        dropped: 3,
    };
    let update = Tracker::new(LINGER).apply(Snapshot {
        lost_closes: lost,
        ..Snapshot::default()
    });
    assert_eq!(update.table.lost_closes.count(), Some(3));
    let unknown = LostCloses {
        overruns: 1,
        ..lost
    };
    assert_eq!(unknown.count(), None);
    assert!(unknown.are_any() && LostCloses::default().are_none());
}

#[test]
fn connections_whose_rows_went_early_count_for_the_rate_of_their_listener() {
    let served = listener(80, 1, &[7]);
    let served = std::slice::from_ref(&served);
    let mut watch = Watch::begin(served);
    let closed = (1..=12_000).map(|cookie| report(&conn(80, cookie, State::Closed), 1_300));
    let update = watch.observe_closed(served, &closed.collect::<Vec<_>>());
    assert_eq!(update.events.len(), 12_000);
    assert!(update.table.rows.len() < 12_000);
    let opened = |update: &TableUpdate| {
        let id = update.table.rows[0].id;
        update.table.connections.clients(id).unwrap().opened
    };
    assert_eq!(opened(&update), 12_000);
    assert_eq!(opened(&watch.observe_closed(served, &[])), 12_000);
    watch.seconds += 5;
    assert_eq!(opened(&watch.observe_closed(served, &[])), 0);
}

/// A `linger` below five seconds lost all but those of the last moment.
#[test]
fn connections_whose_rows_do_not_linger_count_for_the_rate_of_their_listener() {
    let served = listener(80, 1, &[7]);
    let served = std::slice::from_ref(&served);
    for linger in [0, 1, 60].map(Duration::from_secs) {
        let mut watch = Watch::begin(served);
        watch.tracker.linger = linger;
        let opened = |update: &TableUpdate| {
            let id = update.table.rows[0].id;
            update.table.connections.clients(id).unwrap().opened
        };
        // In the snapshots of 2 to 4 s one that none has, in that of 3 s also one that is reset afterwards.
        let short = |cookie, millis| report(&conn(80, cookie, State::Closed), millis);
        let update = watch.observe_closed(served, &[short(1, 1_300)]);
        assert_eq!(opened(&update), 1, "{linger:?}");
        let seen = [served[0].clone(), conn(80, 9, State::Established)];
        let update = watch.observe_closed(&seen, &[short(2, 2_300)]);
        assert_eq!(opened(&update), 3, "{linger:?}");
        let end = report(&seen[1], 3_500);
        let update = watch.observe_closed(served, &[end, short(3, 3_300)]);
        assert_eq!(opened(&update), 4, "{linger:?}");
        let counts = [4, 4, 3, 1, 0].map(|_: i32| opened(&watch.observe_closed(served, &[])));
        assert_eq!(counts, [4, 4, 3, 1, 0], "{linger:?}");
    }
}
