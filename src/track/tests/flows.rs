//! Rates and totals, by a clock and counters that the test drives.

use std::num::NonZeroU64;
use std::slice::from_ref;

use super::*;
use crate::model::{
    ClosedSocket, Endpoint, Kinds, NamespaceId, Owner, Protocol, Snapshot, Socket, State, TcpInfo,
};
use crate::track::{Table, Tracker};

fn moment(millis: u64) -> Moment {
    Moment {
        steady: Duration::from_millis(millis),
        ..Moment::default()
    }
}

fn process(pid: Pid, started_at_tick: u64) -> Arc<Process> {
    Arc::new(Process {
        started_at_tick: Some(started_at_tick),
        ..Process::new(pid, "app")
    })
}

/// A connection of these processes, with its number as port, inode and cookie.
fn connection(number: u16, owners: &[Arc<Process>]) -> Socket {
    let end = |port| Endpoint::new([127, 0, 0, 1].into(), port);
    let state = State::Established;
    Socket {
        inode: Some(number.into()),
        cookie: NonZeroU64::new(number.into()),
        owner: if owners.is_empty() {
            Owner::Unknown
        } else {
            Owner::Known(owners.iter().cloned().collect())
        },
        ..Socket::new(Protocol::Tcp, end(number), Some(end(1)), state)
    }
}

fn counted(number: u16, received: u64, sent: u64) -> Counted {
    Counted {
        namespace: NamespaceId::OWN,
        cookie: NonZeroU64::new(number.into()).unwrap(),
        counters: Counters {
            tcp: Some(TcpInfo {
                bytes_received: received,
                bytes_sent: sent,
                ..TcpInfo::default()
            }),
            drops: Some(0),
        },
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "compared with what may be unknown"
)]
const fn bytes(received: u64, sent: u64) -> Option<Bytes> {
    Some(Bytes { received, sent })
}

struct Watch(Tracker);

impl Watch {
    fn begin() -> Self {
        Self(Tracker::new(Duration::from_secs(5)))
    }

    fn see(&mut self, millis: u64, sockets: &[Socket], counters: Option<&[Counted]>) -> Arc<Table> {
        self.see_closed(millis, sockets, counters, &[])
    }

    fn see_closed(
        &mut self,
        millis: u64,
        sockets: &[Socket],
        counters: Option<&[Counted]>,
        closed: &[ClosedSocket],
    ) -> Arc<Table> {
        let owners = sockets.iter().flat_map(|socket| socket.owner.processes());
        let update = self.0.apply(Snapshot {
            taken_at: moment(millis),
            kinds: Kinds::DEFAULT,
            sockets: sockets.to_vec(),
            processes: owners.map(|one| (one.pid, Arc::clone(one))).collect(),
            counters: counters.map(<[Counted]>::to_vec),
            closed: closed.to_vec(),
            ..Snapshot::default()
        });
        update.table
    }
}

fn only(table: &Table) -> Flow {
    let [row] = &table.rows[..] else {
        panic!("{} rows", table.rows.len());
    };
    *table.flows.of(row.id).unwrap()
}

#[test]
fn a_rate_is_what_came_since_the_snapshot_before_by_the_time_between() {
    let (mut watch, sockets) = (Watch::begin(), [connection(7, &[process(1, 1)])]);
    let first = only(&watch.see(1000, &sockets, Some(&[counted(7, 500, 90)])));
    assert_eq!((first.rates, first.totals()), (None, bytes(500, 90)));
    let second = only(&watch.see(1500, &sockets, Some(&[counted(7, 1500, 90)])));
    assert_eq!(second.rates, bytes(2000, 0));
    let third = only(&watch.see(3500, &sockets, Some(&[counted(7, 1500, 94)])));
    assert_eq!(
        (third.rates, third.totals()),
        (bytes(0, 2), bytes(1500, 94))
    );
}

#[test]
fn rates_are_reckoned_from_earlier_counters_that_are_given() {
    let (mut watch, owner) = (Watch::begin(), [process(1, 1)]);
    let sockets = [7, 8].map(|number| connection(number, &owner));
    let given = |millis, counted: &[Counted]| {
        Some(EarlierCounters {
            counters: counted.into(),
            before: Duration::from_millis(millis),
        })
    };
    // The second one is newer than they are.
    let earlier = given(10_000, &[counted(7, 1000, 0)]);
    watch.0.expect_stored_counters(earlier);
    let now = [counted(7, 21_000, 50), counted(8, 9, 9)];
    let table = watch.see(1000, &sockets, Some(&now));
    let rates = |table: &Table| {
        let flows = table.rows.iter().map(|row| table.flows.of(row.id));
        flows.map(|flow| flow.unwrap().rates).collect::<Vec<_>>()
    };
    assert_eq!(rates(&table), [bytes(2000, 5), None]);
    // They count for one table.
    let now = [counted(7, 21_100, 50), counted(8, 10, 9)];
    let table = watch.see(2000, &sockets, Some(&now));
    assert_eq!(rates(&table), [bytes(100, 0), bytes(1, 0)]);
    // Without any time between them there is no rate.
    watch.0.expect_stored_counters(given(0, &now));
    let table = watch.see(3000, &sockets, Some(&now));
    assert_eq!(rates(&table), [None, None]);
}

#[test]
fn a_socket_that_one_dump_missed_has_its_rate_over_the_whole_time() {
    let (mut watch, sockets) = (Watch::begin(), [connection(7, &[process(1, 1)])]);
    watch.see(1000, &sockets, Some(&[counted(7, 0, 0)]));
    let missed = only(&watch.see(2000, &sockets, Some(&[])));
    assert_eq!((missed.rates, missed.totals()), (None, bytes(0, 0)));
    let again = only(&watch.see(3000, &sockets, Some(&[counted(7, 0, 800)])));
    assert_eq!(again.rates, bytes(0, 400));
}

#[test]
fn a_closed_row_keeps_its_last_counters_but_has_no_rate() {
    let (mut watch, sockets) = (Watch::begin(), [connection(7, &[process(1, 1)])]);
    watch.see(1000, &sockets, Some(&[counted(7, 0, 0)]));
    watch.see(2000, &sockets, Some(&[counted(7, 9, 9)]));
    watch.see(3000, &[], Some(&[]));
    let closed = watch.see(4000, &[], Some(&[]));
    assert!(closed.rows[0].is_closed());
    assert_eq!(only(&closed).rates, None);
    assert_eq!(only(&closed).totals(), bytes(9, 9));
}

#[test]
fn a_socket_on_the_address_of_a_closed_one_starts_at_its_own_counters() {
    let mut watch = Watch::begin();
    let server = |cookie: u64| Socket {
        cookie: NonZeroU64::new(cookie),
        inode: Some(u32::try_from(cookie).unwrap()),
        remote: None,
        state: State::Listen,
        ..connection(7, &[process(1, 1)])
    };
    let listener = |cookie: u16, drops| Counted {
        counters: Counters {
            tcp: None,
            drops: Some(drops),
        },
        ..counted(cookie, 0, 0)
    };
    let before = watch.see(1000, &[server(7)], Some(&[listener(7, 40)]));
    let after = watch.see(2000, &[server(8)], Some(&[listener(8, 2)]));
    assert_eq!(before.rows[0].id, after.rows[0].id);
    assert_eq!(only(&after).counters.drops, Some(2));
}

#[test]
fn the_total_of_a_process_survives_its_connections_and_never_falls() {
    let (mut watch, app) = (Watch::begin(), process(1, 1));
    let total = |table: &Table| table.flows.totals_of(1);
    let both = [connection(7, from_ref(&app)), connection(8, from_ref(&app))];
    let counters = [counted(7, 100, 10), counted(8, 1, 1)];
    assert_eq!(
        total(&watch.see(1000, &both, Some(&counters))),
        bytes(101, 11)
    );
    let one = [connection(8, from_ref(&app))];
    for second in 2..20 {
        let table = watch.see(second * 1000, &one, Some(&[counted(8, 1, second)]));
        assert_eq!(total(&table), bytes(101, 10 + second));
    }
    let none = [connection(9, &[process(2, 2)])];
    assert_eq!(
        total(&watch.see(21_000, &none, Some(&[]))),
        None,
        "it is not in the table"
    );
    let new = [connection(10, &[app])];
    let table = watch.see(22_000, &new, Some(&[counted(10, 5, 0)]));
    assert_eq!(total(&table), bytes(106, 29));
    let other = [connection(11, &[process(1, 9)])];
    let table = watch.see(23_000, &other, Some(&[counted(11, 3, 3)]));
    assert_eq!(total(&table), bytes(3, 3), "another process with its pid");
}

/// The report that this connection was closed after so much payload.
fn report(millis: u64, socket: &Socket, received: u64, sent: u64) -> ClosedSocket {
    let mut socket = socket.clone();
    (socket.state, socket.inode) = (State::Closed, None);
    ClosedSocket {
        socket,
        at: moment(millis),
        tcp: counted(1, received, sent).counters.tcp,
    }
}

#[test]
fn a_connection_in_no_snapshot_counts_once_for_its_process() {
    let (mut watch, app) = (Watch::begin(), process(1, 1));
    let open = [connection(7, from_ref(&app))];
    watch.see(1000, &open, Some(&[counted(7, 1, 1)]));
    let short = report(1500, &connection(8, from_ref(&app)), 100, 10);
    for (millis, closed) in [(2000, from_ref(&short)), (3000, &[]), (4000, &[])] {
        let table = watch.see_closed(millis, &open, Some(&[counted(7, 1, 1)]), closed);
        assert_eq!(table.flows.totals_of(1), bytes(101, 11), "{millis}");
        let short = table.flows.of(table.rows[1].id).unwrap();
        assert_eq!(short.totals(), bytes(100, 10), "{millis}");
    }
}

#[test]
fn a_time_wait_counts_once_what_its_connection_sent_last() {
    let (mut watch, app) = (Watch::begin(), process(1, 1));
    let open = connection(7, from_ref(&app));
    watch.see(1000, from_ref(&open), Some(&[counted(7, 100, 10)]));
    let waiting = Socket {
        inode: None,
        cookie: None,
        owner: Owner::None,
        state: State::TimeWait,
        ..open.clone()
    };
    let end = report(1500, &open, 120, 12);
    for (millis, closed) in [(2000, from_ref(&end)), (3000, &[]), (4000, &[])] {
        let sockets = [waiting.clone(), connection(8, from_ref(&app))];
        let table = watch.see_closed(millis, &sockets, Some(&[]), closed);
        assert_eq!(table.flows.totals_of(1), bytes(120, 12), "{millis}");
    }
}

/// A connection whose peer does not read, after so many seconds.
fn stuck(second: u64) -> Counted {
    let mut one = counted(7, 100, 10);
    let tcp = one.counters.tcp.as_mut().unwrap();
    (tcp.send_window, tcp.unsent) = (Some(0), 1000);
    tcp.limited_by_peer = Duration::from_secs(second);
    (tcp.timeouts, tcp.backoff, tcp.unacknowledged) = (5, 5, 1);
    one
}

#[test]
fn a_time_wait_has_no_sign_of_its_connection() {
    let open = connection(7, &[process(1, 1)]);
    let waiting = Socket {
        inode: None,
        state: State::TimeWait,
        ..open.clone()
    };
    let mut end = report(5500, &open, 100, 10);
    let last = Counted {
        counters: Counters {
            tcp: stuck(5).counters.tcp.map(|tcp| TcpInfo {
                since_acknowledged: Duration::from_secs(5),
                ..tcp
            }),
            drops: None,
        },
        ..stuck(5)
    };
    end.tcp = last.counters.tcp;
    for closed in [&[][..], from_ref(&end)] {
        let mut watch = Watch::begin();
        for second in 1..=5 {
            let counters = if second == 5 { last } else { stuck(second) };
            watch.see(second * 1000, from_ref(&open), Some(&[counters]));
        }
        // An interrupted dump proves nothing.
        let table = watch.see(5200, from_ref(&open), Some(&[]));
        assert_eq!(table.rows[0].sign, Some(TroubleKind::PeerSilent));
        let table = watch.see_closed(6000, from_ref(&waiting), Some(&[]), closed);
        assert_eq!(table.rows[0].sign, None, "{closed:?}");
        assert!(only(&table).totals().is_some());
    }
}

#[test]
fn a_record_of_a_process_without_its_start_keeps_the_total() {
    let mut watch = Watch::begin();
    let without_start = Arc::new(Process::new(1, "app"));
    let records = [without_start.clone(), process(1, 7), without_start];
    for (second, app) in (1..).zip(records) {
        let counters = [counted(7, second * 100, 0)];
        let table = watch.see(second * 1000, &[connection(7, &[app])], Some(&counters));
        assert_eq!(table.flows.totals_of(1), bytes(second * 100, 0));
    }
    let table = watch.see(
        4000,
        &[connection(8, &[process(1, 9)])],
        Some(&[counted(8, 5, 0)]),
    );
    assert_eq!(table.flows.totals_of(1), bytes(5, 0), "another process");
}

/// The details had lower totals when they were opened again.
#[test]
fn totals_go_on_after_a_time_without_counters() {
    let (mut watch, app) = (Watch::begin(), process(1, 1));
    let both = [connection(7, from_ref(&app)), connection(8, from_ref(&app))];
    let one = &both[1..];
    watch.see(1000, &both, Some(&[counted(7, 100, 10), counted(8, 20, 2)]));
    for second in 2..5 {
        let table = watch.see(second * 1000, one, None);
        assert_eq!(*table.flows, Flows::default());
    }
    let table = watch.see(20_000, one, Some(&[counted(8, 25, 2)]));
    assert_eq!(table.flows.totals_of(1), bytes(125, 12));
    assert_eq!(only(&table).rates, None, "not over the time in between");
    let table = watch.see(21_000, one, Some(&[counted(8, 27, 2)]));
    assert_eq!(table.flows.totals_of(1), bytes(127, 12));
    assert_eq!(only(&table).rates, bytes(2, 0));
}

#[test]
fn what_was_counted_before_the_owner_was_known_counts_for_it_once() {
    let (mut watch, app) = (Watch::begin(), process(1, 1));
    watch.see(1000, &[connection(7, &[])], Some(&[counted(7, 100, 0)]));
    for millis in [2000, 3000] {
        let sockets = [connection(7, &[app.clone(), process(2, 2)])];
        let table = watch.see(millis, &sockets, Some(&[counted(7, 100, 0)]));
        let totals = [1, 2].map(|pid| table.flows.totals_of(pid));
        assert_eq!(totals, [bytes(100, 0), bytes(100, 0)]);
    }
}

#[test]
fn without_counters_there_are_no_flows_and_later_ones_begin_anew() {
    let (mut watch, sockets) = (Watch::begin(), [connection(7, &[process(1, 1)])]);
    watch.see(1000, &sockets, Some(&[counted(7, 0, 0)]));
    assert!(!watch.see(2000, &sockets, None).flows.is_counted());
    let again = only(&watch.see(3000, &sockets, Some(&[counted(7, 50, 0)])));
    assert_eq!((again.rates, again.totals()), (None, bytes(50, 0)));
}
