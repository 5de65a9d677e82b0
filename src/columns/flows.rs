//! The columns with what the kernel counts about a socket: traffic, round-trip times, retransmits, drops. They are hidden
//! until they are chosen, as counters are read only while they are shown.

use std::time::Duration;

use super::cells::or_none;
use super::{CellContext, ColumnId};
use crate::model::TcpInfo;
use crate::model::duration::format_age;
use crate::track::{Bytes, Flow, Row, Table};

/// The columns that need counters.
pub const COUNTED: [ColumnId; 8] = [
    ColumnId::RxRate,
    ColumnId::TxRate,
    ColumnId::Rx,
    ColumnId::Tx,
    ColumnId::Rtt,
    ColumnId::Retr,
    ColumnId::Idle,
    ColumnId::Drops,
];

/// Cells of each of them, whatever its rows have: `1023k`, `999ms`. So a number that grows moves no column.
pub(super) const CELLS: usize = 5;

impl ColumnId {
    /// Whether it shows something of the counters of sockets.
    pub fn needs_counters(self) -> bool {
        COUNTED.contains(&self)
    }

    /// Whether it shows the difference to another snapshot, so that one is not enough.
    pub const fn needs_rates(self) -> bool {
        matches!(self, Self::RxRate | Self::TxRate)
    }
}

/// Payload received per second, in bytes.
pub(super) fn receive_rate(table: &Table, row: &Row) -> Option<u64> {
    Some(rates(table, row)?.received)
}

/// Payload sent per second, in bytes.
pub(super) fn send_rate(table: &Table, row: &Row) -> Option<u64> {
    Some(rates(table, row)?.sent)
}

/// Payload received, in bytes.
pub(super) fn received(table: &Table, row: &Row) -> Option<u64> {
    Some(flow(table, row)?.totals()?.received)
}

/// Payload sent, in bytes.
pub(super) fn sent(table: &Table, row: &Row) -> Option<u64> {
    Some(flow(table, row)?.totals()?.sent)
}

/// The smoothed round-trip time in microseconds; before the first measurement there is none.
pub(super) fn round_trip(table: &Table, row: &Row) -> Option<u64> {
    let rtt = tcp(table, row)?.rtt;
    let micros = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
    (micros > 0).then_some(micros)
}

/// Segments sent again.
pub(super) fn retransmits(table: &Table, row: &Row) -> Option<u64> {
    Some(tcp(table, row)?.retransmits.into())
}

/// How long no payload went either way, in milliseconds.
pub(super) fn idle(table: &Table, row: &Row) -> Option<u64> {
    let idle = tcp(table, row)?.idle();
    Some(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX))
}

/// Packets of a UDP socket, or handshakes of a listener, that were dropped. The kernel also counts segments of connections
/// that way, but not those lost in the network.
pub(super) fn drops(table: &Table, row: &Row) -> Option<u64> {
    let drops = flow(table, row)?.counters.drops?;
    row.socket.counts_drops().then(|| drops.into())
}

/// `1.2M`, of a number that [`super::SortBy::OfTable`] also sorts by.
pub(super) fn amount(
    number: fn(&Table, &Row) -> Option<u64>,
    row: &Row,
    context: &CellContext<'_>,
) -> String {
    or_none(number(context.table, row).map(format_amount))
}

/// `12ms`.
pub(super) fn round_trip_text(row: &Row, context: &CellContext<'_>) -> String {
    let micros = round_trip(context.table, row);
    or_none(micros.map(|micros| format_short_time(Duration::from_micros(micros))))
}

/// `5s`.
pub(super) fn idle_text(row: &Row, context: &CellContext<'_>) -> String {
    let millis = idle(context.table, row);
    or_none(millis.map(|millis| format_age(Duration::from_millis(millis))))
}

/// `0`, `999`, `1.2k`, `340k`, `1023k`, `1.2M`: rounded down, in at most five cells. Units are powers of 1,024.
pub fn format_amount(number: u64) -> String {
    const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let power = number.checked_ilog2().unwrap_or(0) / 10;
    let unit = UNITS.get(power as usize).copied().unwrap_or_default();
    let whole = number >> (10 * power);
    if power == 0 || whole >= 10 {
        return format!("{whole}{unit}");
    }
    let tenths = ((u128::from(number) * 10) >> (10 * power)) % 10;
    format!("{whole}.{tenths}{unit}")
}

/// `30µs`, `0.3ms`, `12ms`, `1.2s`, `90s`: rounded down, in at most five cells.
pub fn format_short_time(time: Duration) -> String {
    let (micros, millis) = (time.as_micros(), time.as_millis());
    match micros {
        0..100 => format!("{micros}µs"),
        100..10_000 => format!("{millis}.{}ms", micros / 100 % 10),
        10_000..1_000_000 => format!("{millis}ms"),
        1_000_000..10_000_000 => format!("{}.{}s", time.as_secs(), millis / 100 % 10),
        _ => format_age(time),
    }
}

fn flow<'a>(table: &'a Table, row: &Row) -> Option<&'a Flow> {
    table.flows.of(row.id)
}

fn rates(table: &Table, row: &Row) -> Option<Bytes> {
    flow(table, row)?.rates
}

fn tcp<'a>(table: &'a Table, row: &Row) -> Option<&'a TcpInfo> {
    flow(table, row)?.counters.tcp.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::width;

    #[test]
    fn amounts_have_two_digits_or_more_and_fit_into_the_column() {
        for (number, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0k"),
            (1229, "1.2k"),
            (10_239, "9.9k"),
            (10_240, "10k"),
            ((1 << 20) - 1, "1023k"),
            (1_258_292, "1.2M"),
            (u64::MAX, "15E"),
        ] {
            assert_eq!(format_amount(number), text);
        }
        for shift in 0..64 {
            let text = format_amount(u64::MAX >> shift);
            assert!(width(&text) <= CELLS, "{text}");
        }
    }

    #[test]
    fn short_times_keep_what_a_round_trip_differs_by() {
        for (micros, text) in [
            (0, "0µs"),
            (99, "99µs"),
            (340, "0.3ms"),
            (9_999, "9.9ms"),
            (12_000, "12ms"),
            (999_999, "999ms"),
            (1_250_000, "1.2s"),
            (90_000_000, "1m"),
        ] {
            let found = format_short_time(Duration::from_micros(micros));
            assert_eq!(found, text);
            assert!(width(&found) <= CELLS);
        }
    }
}
