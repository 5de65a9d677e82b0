//! The numbers of connections: when they are requested, and what they move.

use crate::app::tests::*;
use crate::columns::{COUNTED, ColumnId};
use crate::model::{Counted, Counters, NamespaceId, TcpInfo};

const REQUEST: Effect = Effect::SetCounters(true);
const END: Effect = Effect::SetCounters(false);

/// A connection to this port for each pair of payload received and sent.
fn snapshot(desk: &mut Desk, payload: &[(u64, u64)]) {
    let ports = (1..).map(|port: u16| {
        let cookie = std::num::NonZeroU64::new(port.into()).unwrap();
        (port, cookie)
    });
    let sockets = ports
        .clone()
        .take(payload.len())
        .map(|(port, cookie)| Socket {
            cookie: Some(cookie),
            remote: Some(Endpoint::new([10, 0, 0, 1].into(), 443)),
            state: State::Established,
            ..listener(port)
        });
    let counters = ports.zip(payload).map(|((_, cookie), &(received, sent))| {
        let tcp = TcpInfo {
            bytes_received: received,
            bytes_sent: sent,
            rtt: Duration::from_micros(300),
            ..TcpInfo::default()
        };
        Counted {
            namespace: NamespaceId::OWN,
            cookie,
            counters: Counters {
                tcp: Some(tcp),
                drops: Some(0),
            },
        }
    });
    let update = desk.tracker.apply(Snapshot {
        taken_at: desk.now(),
        kinds: Kinds::DEFAULT,
        sockets: sockets.collect(),
        counters: Some(counters.collect()),
        ..Snapshot::default()
    });
    desk.send(Msg::SnapshotTaken(update));
}

fn titles(desk: &Desk) -> Vec<&'static str> {
    let columns = desk.app.fitted_columns();
    columns.iter().map(|one| one.column.title).collect()
}

fn cell(desk: &Desk, id: ColumnId) -> Vec<String> {
    let columns = desk.app.fitted_columns();
    let at = columns.iter().position(|one| one.column.id == id).unwrap();
    let rows = desk.view().rows.into_iter();
    rows.map(|row| row.cells[at].text.trim().to_owned())
        .collect()
}

#[test]
fn a_key_shows_and_hides_all_numbers_and_they_are_read_only_meanwhile() {
    let mut desk = Desk::with_ports(&[80]);
    desk.resize(200, 24);
    let before = titles(&desk);
    assert_eq!(desk.press("i"), [REQUEST]);
    let shown = titles(&desk);
    let numbers = ["RX/S", "TX/S", "RX", "TX", "RTT", "RETR", "IDLE", "DROPS"];
    assert!(
        shown.windows(numbers.len()).any(|part| part == numbers),
        "{shown:?}"
    );
    assert_eq!(desk.wake(), [], "once");
    assert_eq!(desk.press("i"), [END]);
    assert_eq!(titles(&desk), before);
}

#[test]
fn a_column_a_filter_an_order_and_the_view_of_trouble_request_them_too() {
    let columns = [
        ColumnId::Port,
        ColumnId::State,
        ColumnId::Process,
        ColumnId::Rtt,
    ];
    let mut desk = Desk::with(Settings {
        columns: columns.to_vec(),
        ..Settings::default()
    });
    assert_eq!(desk.wake(), [REQUEST]);
    let mut desk = Desk::with_ports(&[80]);
    desk.press("/rtt:>1m");
    assert_eq!(desk.key(Key::Enter), [], "already while it was typed");
    assert!(desk.app.has_counters);
    assert_eq!(desk.key(Key::Esc), [END]);
    let now = desk.now();
    desk.app.sort_by(ColumnId::Tx, now);
    assert_eq!(desk.wake(), [REQUEST]);
    desk.app.sort_by(ColumnId::Port, now);
    assert_eq!(desk.wake(), [END]);
    let trouble = Action::Table(crate::keymap::TableAction::ShowTrouble);
    desk.app.perform(trouble, now);
    assert_eq!(desk.wake(), [REQUEST]);
}

#[test]
fn numbers_change_without_moving_a_column_and_the_largest_come_first() {
    let mut desk = Desk::new();
    desk.resize(200, 24);
    desk.press("2i");
    snapshot(&mut desk, &[(0, 0), (0, 0)]);
    let places = |desk: &Desk| {
        let columns = desk.app.fitted_columns();
        columns
            .iter()
            .map(|one| (one.x, one.width))
            .collect::<Vec<_>>()
    };
    let before = places(&desk);
    assert_eq!(cell(&desk, ColumnId::RxRate), ["–", "–"]);
    desk.wait(SECOND);
    snapshot(&mut desk, &[(10, 2), (u64::MAX, 2_000_000)]);
    assert_eq!(places(&desk), before);
    assert_eq!(cell(&desk, ColumnId::RxRate), ["10", "15E"]);
    assert_eq!(cell(&desk, ColumnId::Tx), ["2", "1.9M"]);
    assert_eq!(cell(&desk, ColumnId::Rtt), ["0.3ms", "0.3ms"]);
    assert_eq!(cell(&desk, ColumnId::Drops), ["–", "–"], "of a connection");
    let now = desk.now();
    desk.app.sort_by(ColumnId::TxRate, now);
    assert_eq!(desk.ports(), [2, 1]);
    desk.wait(SECOND);
    snapshot(&mut desk, &[(10, 9_000_000), (u64::MAX, 2_000_000)]);
    assert_eq!(desk.ports(), [1, 2]);
}

#[test]
fn a_filter_follows_the_numbers_from_snapshot_to_snapshot() {
    let mut desk = Desk::new();
    desk.press("2/rate:>1k");
    desk.key(Key::Enter);
    for (payload, ports) in [(0, &[][..]), (4000, &[2]), (4000, &[]), (9000, &[2])] {
        desk.wait(SECOND);
        snapshot(&mut desk, &[(0, 0), (payload, 0)]);
        assert_eq!(desk.ports(), ports, "{payload}");
    }
}

fn pane(desk: &Desk) -> Vec<String> {
    let pane = desk.view().pane.expect("it is open");
    let text = |line: &view::Line| line.iter().map(|span| span.text.as_str()).collect();
    pane.lines.iter().map(text).collect()
}

#[test]
fn details_show_rates_totals_and_the_traffic_of_the_process_and_request_them() {
    let mut desk = Desk::new();
    desk.resize(120, 60);
    desk.press("2");
    snapshot(&mut desk, &[(0, 0), (0, 0)]);
    assert_eq!(desk.press("d"), [REQUEST]);
    desk.wait(SECOND);
    snapshot(&mut desk, &[(4096, 100), (0, 0)]);
    let lines = pane(&desk);
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(has("traffic     rx 4.0k/s  tx 100/s  ▁"), "{lines:#?}");
    assert!(has("total       4.0k received, 100 sent"), "{lines:#?}");
    assert!(has("round trip  0.3ms"), "{lines:#?}");
    assert!(has("sent again  nothing"), "{lines:#?}");
    assert!(has("idle        0s"), "{lines:#?}");
    assert_eq!(desk.key(Key::Esc), [END]);
}

#[test]
fn groups_sum_up_rates_and_are_ordered_by_them() {
    let mut desk = Desk::new();
    desk.resize(120, 30);
    desk.press("2i");
    let now = desk.now();
    desk.app.sort_by(ColumnId::RxRate, now);
    let fields = crate::query::GroupFields::one(crate::query::GroupBy::Port);
    desk.app.rows.selection.group_by(Some(fields));
    let first = |desk: &Desk| {
        let cells = desk.view().rows[0].cells.clone().into_iter();
        cells.map(|cell| cell.text).collect::<Vec<_>>().join(" ")
    };
    snapshot(&mut desk, &[(0, 0), (0, 0)]);
    for (payload, port, rates) in [
        ([(0, 0), (2048, 10)], "2 ", "rx 2.0k/s  tx 10/s"),
        ([(9000, 0), (2048, 10)], "1 ", "rx 8.7k/s  tx 0/s"),
    ] {
        desk.wait(SECOND);
        snapshot(&mut desk, &payload);
        let line = first(&desk);
        assert!(line.contains(rates), "{line}");
        assert!(line[4..].trim_start().starts_with(port), "{line}");
    }
}

#[test]
fn each_column_with_counters_is_one_of_the_list() {
    for column in columns::ALL {
        let is_counted = column.id.needs_counters();
        assert_eq!(COUNTED.contains(&column.id), is_counted);
        assert_eq!(
            is_counted,
            matches!(column.min, 5) && column.max == 5,
            "{}",
            column.name
        );
    }
}
