//! Terms about the counters of sockets.

use std::num::NonZeroU64;

use super::*;
use crate::model::{ClosedSocket, Counted, Counters, Kinds, NamespaceId, Snapshot, TcpInfo};
use crate::track::{Table, Tracker};

const MILLI: Duration = Duration::from_millis(1);

/// A connection that received 300 KiB and sent 1 KiB within a second, and a UDP socket that dropped seven packets.
fn table() -> Arc<Table> {
    let mut tracker = Tracker::new(Duration::from_secs(5));
    let sockets = [connection().socket, udp()];
    let sockets = sockets.into_iter().zip(1..).map(|(mut socket, number)| {
        socket.cookie = NonZeroU64::new(number);
        socket
    });
    let sockets: Vec<_> = sockets.collect();
    let counted = |cookie, counters| Counted {
        namespace: NamespaceId::OWN,
        cookie: NonZeroU64::new(cookie).unwrap(),
        counters,
    };
    let tables = [0, 1].map(|second| {
        let tcp = TcpInfo {
            bytes_received: second * 300 * 1024,
            bytes_sent: second * 1024,
            retransmits: 3,
            rtt: 12 * MILLI,
            since_sent: Duration::from_secs(90),
            since_received: Duration::from_secs(70),
            ..TcpInfo::default()
        };
        let drops = Some(7);
        let tcp = Some(tcp);
        let counters = [
            counted(1, Counters { tcp, drops }),
            counted(2, Counters { tcp: None, drops }),
        ];
        tracker.apply(Snapshot {
            taken_at: at(second),
            kinds: Kinds::DEFAULT,
            sockets: sockets.clone(),
            counters: Some(counters.to_vec()),
            ..Snapshot::default()
        })
    });
    Arc::clone(&tables[1].table)
}

fn udp() -> Socket {
    let (local, state) = ("0.0.0.0:53", State::Unconn);
    row(Protocol::Udp, local, None, state, |_| {}).socket
}

/// The protocols of the rows that match.
fn found(table: &Table, filter: &str) -> Vec<Protocol> {
    let filter = Filter::parse(filter).unwrap();
    let context = context();
    let mut pass = filter.pass(&context).with_flows(&table.flows);
    let rows = table.rows.iter();
    let rows = rows.filter(|row| pass.matches(row));
    rows.map(|row| row.socket.protocol).collect()
}

#[test]
fn each_number_is_compared_in_its_unit() {
    let table = table();
    for filter in [
        "rate:>300k",
        "rate:<=301k",
        "rx:300k",
        "tx:>=1k",
        "tx:1024",
        "retr:>2",
        "retr:1,3",
        "rtt:>=12ms",
        "rtt:<0.1",
        "idle:>1m",
        "idle:<=70s",
        "!drops:>0 tcp",
        "rx:>1k tx:<1m",
    ] {
        assert_eq!(found(&table, filter), [Protocol::Tcp], "{filter}");
    }
    for filter in ["drops:>6", "drops:7", "drops:>0 !rtt:>0s"] {
        assert_eq!(found(&table, filter), [Protocol::Udp], "{filter}");
    }
    for filter in ["rate:>301k", "rx:>300k", "retr:0", "rtt:>12ms", "idle:<1m"] {
        assert_eq!(found(&table, filter), [], "{filter}");
    }
}

#[test]
fn a_connection_that_left_no_row_has_its_last_counters() {
    let mut tracker = Tracker::new(Duration::ZERO);
    let mut snapshot = |second, closed| {
        tracker.apply(Snapshot {
            taken_at: at(second),
            kinds: Kinds::DEFAULT,
            counters: Some(Vec::new()),
            closed,
            ..Snapshot::default()
        })
    };
    snapshot(0, Vec::new());
    let update = snapshot(
        2,
        vec![ClosedSocket {
            socket: connection().socket,
            at: at(1),
            tcp: Some(TcpInfo {
                bytes_received: 5000,
                rtt: 12 * MILLI,
                ..TcpInfo::default()
            }),
        }],
    );
    assert!(update.table.rows.is_empty());
    for (filter, expected) in [
        ("rx:5000", true),
        ("rtt:>10ms", true),
        ("rx:>5000", false),
        ("rate:>=0", false),
    ] {
        let filter = Filter::parse(filter).unwrap();
        let context = context();
        let mut pass = filter.pass(&context).with_flows(&update.table.flows);
        assert_eq!(pass.matches(&update.events[0].row), expected, "{filter}");
    }
}

#[test]
fn without_counters_neither_such_a_term_nor_its_opposite_is_true() {
    let row = connection();
    for filter in ["rate:>1m", "!rate:>1m", "rtt:<1s", "!rtt:<1s"] {
        let parsed = Filter::parse(filter).unwrap();
        assert!(parsed.needs_counters(), "{filter}");
        assert_eq!(parsed.needs_rates(), filter.contains("rate"));
        assert!(!parsed.matches(&row, &context()), "{filter}");
        assert_eq!(parsed.could_match(&row.socket, &context()), None);
    }
    let other = Filter::parse("age:>1m recv-q:>0").unwrap();
    assert!(!other.needs_counters() && !other.needs_rates());
}

#[test]
fn they_are_printed_as_they_are_read() {
    for (text, printed) in [
        ("RATE:>1024k", "rate:>1m"),
        ("rx:>=3g", "rx:>=3g"),
        ("tx:8g", "tx:8g"),
        ("rtt:<=0.1", "rtt:<=100ms"),
        ("idle:>60s", "idle:>1m"),
        ("retr:1,3-5", "retr:1,3-5"),
        ("drops:<10", "drops:<10"),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert_eq!(filter.to_string(), printed);
        assert_eq!(Filter::parse(printed), Ok(filter));
    }
}

#[test]
fn wrong_ones_say_how_to_write_them() {
    for (text, message) in [
        (
            "rate:fast",
            "`fast` is not a size: use a number, also with k, m or g (1k is 1024), as in >64k or 0",
        ),
        (
            "rtt:5ms",
            "`5ms` needs >, >=, < or <= before it, as in >100ms: no time is exactly that",
        ),
        (
            "idle:",
            "the time is missing: use a number with ms, s, m, h or d, as in >100ms or <=2s",
        ),
        (
            "retr:-1",
            "`-1` is an incomplete range: write it as in 10-19",
        ),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert_eq!(error.message, message);
    }
}
