//! The order of rows: by a column; ties by their position.
//!
//! Sorts by one numeric key, and compares only ties by the next key. Each distinct text is compared once.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use crate::columns::{self, SortBy};
use crate::model::{Endpoint, Family};
use crate::query::Sort;
use crate::query::texts::Texts;
use crate::track::{Row, Table};

/// A row's numbers on the present levels, and its index, which rises with its id: no two are equal, so that ties never
/// reshuffle.
type Numbered = ([u64; 2], usize);

/// Sorts these of the rows, which are in the order of their ids.
pub(super) fn sorted(table: &Table, of: &[usize], sort: Sort) -> Vec<usize> {
    let rows = &table.rows;
    let by = columns::column(sort.by).sort;
    let mask = if sort.descending { u64::MAX } else { 0 };
    let mut some: Vec<Numbered> = Vec::with_capacity(of.len());
    let mut nothing: Vec<Numbered> = Vec::new();
    for ((number, second), &at) in first_levels(by, mask, table, of).into_iter().zip(of) {
        match number {
            Some(number) => some.push(([number ^ mask, second], at)),
            None => nothing.push(([0, second], at)),
        }
    }
    some.sort_unstable();
    nothing.sort_unstable();
    let place = |row: &Row, level| place_level(row, level + 1);
    match by {
        SortBy::Address(end) => break_ties(&mut some, rows, 0, &|row, level| match level {
            0 => Some(end(row).map_or(0, |end| parts(end)[2]) ^ mask),
            level => place_level(row, level - 1),
        }),
        SortBy::Number(_) | SortBy::Text(_) | SortBy::OfTable(_) => {
            break_ties(&mut some, rows, 0, &place);
        }
    }
    break_ties(&mut nothing, rows, 0, &place);
    some.into_iter().chain(nothing).map(|(_, at)| at).collect()
}

/// Whether rows can change their order while they stay as they are.
pub(super) fn is_of_table(sort: Sort) -> bool {
    matches!(columns::column(sort.by).sort, SortBy::OfTable(_))
}

/// Merges new rows into others; both are in order.
pub(super) fn merged(
    table: &Table,
    order: &[usize],
    newcomers: &[usize],
    sort: Sort,
) -> Vec<usize> {
    let rows = &table.rows;
    let mut merged = Vec::with_capacity(order.len() + newcomers.len());
    let mut rest = order;
    for &at in newcomers {
        let before =
            rest.partition_point(|&one| compare(table, [&rows[one], &rows[at]], sort).is_lt());
        merged.extend_from_slice(&rest[..before]);
        merged.push(at);
        rest = &rest[before..];
    }
    merged.extend_from_slice(rest);
    merged
}

/// Sorts what is equal so far by the number of the next level, until there is none.
fn break_ties(
    sorted: &mut [Numbered],
    rows: &[Arc<Row>],
    level: usize,
    number: &impl Fn(&Row, usize) -> Option<u64>,
) {
    for run in sorted.chunk_by_mut(|a, b| a.0 == b.0) {
        if run.len() > 1 && number(&rows[run[0].1], level).is_some() {
            for (numbers, at) in run.iter_mut() {
                *numbers = [number(&rows[*at], level).unwrap_or(0), 0];
            }
            run.sort_unstable();
            break_ties(run, rows, level + 1, number);
        }
    }
}

/// The first two numbers of each row: a row is fetched from memory once for both. If the column has nothing, the second
/// is of the place.
fn first_levels(by: SortBy, mask: u64, table: &Table, of: &[usize]) -> Vec<(Option<u64>, u64)> {
    let rows = of.iter().map(|&at| &*table.rows[at]);
    match by {
        SortBy::Number(number) => rows.map(|row| (number(row), place_of(row))).collect(),
        SortBy::OfTable(number) => {
            let numbers = rows.map(|row| (number(table, row), place_of(row)));
            numbers.collect()
        }
        SortBy::Address(end) => {
            let levels = |row: &Row| match end(row).map(parts) {
                Some(parts) => (Some(parts[0]), parts[1] ^ mask),
                None => (None, place_of(row)),
            };
            rows.map(levels).collect()
        }
        SortBy::Text(text) => {
            let mut texts = Texts::default();
            let mut number = |row| Some(texts.number(text(row)?));
            let numbers: Vec<_> = rows.map(|row| (number(row), place_of(row))).collect();
            let ranks = texts.ranks();
            let rank = |number: Option<usize>| number.map(|number| ranks[number]);
            let numbers = numbers.into_iter();
            numbers.map(|(one, place)| (rank(one), place)).collect()
        }
    }
}

/// The numbers that order rows with an equal column: port, protocol, own address, peer, name. IPv4 addresses take few
/// bits, so that two numbers separate nearly all such connections.
fn place_level(row: &Row, level: usize) -> Option<u64> {
    // The rest of an IPv6 own address, then the peer; rows without one come first.
    let peer_level = match (level, row.socket.family()) {
        (0, _) => return Some(place_of(row)),
        (6.., _) => return name_level(row, level - 6),
        (1 | 2, Family::Ipv6) => return Some(parts(row.socket.local)[level]),
        (_, Family::Ipv6) => level - 3,
        (_, Family::Ipv4) => level - 1,
    };
    let has_peer = u64::from(peer_level == 0) << 49;
    Some(row.socket.remote.map_or(0, |remote| {
        has_peer | parts(remote).get(peer_level).copied().unwrap_or(0)
    }))
}

/// Eight bytes of a name each: enough to separate nearly all names.
const NAME_LEVELS: usize = 8;

/// The name of a unix socket as numbers in the order of the names; one without a name comes last.
fn name_level(row: &Row, level: usize) -> Option<u64> {
    let number = match row.socket.unix().map(|unix| &unix.name) {
        None => 0,
        Some(None) => u64::MAX,
        Some(Some(name)) => {
            let bytes = name.text().as_bytes().iter().skip(level * 8);
            let bytes = bytes.chain(std::iter::repeat(&0)).take(8);
            bytes.fold(0, |all, &byte| all << 8 | u64::from(byte))
        }
    };
    (level < NAME_LEVELS).then_some(number)
}

/// Port, protocol, and the beginning of its own address.
fn place_of(row: &Row) -> u64 {
    let (local, protocol) = (row.socket.local, row.socket.protocol as u64);
    u64::from(local.port) << 36 | protocol << 33 | parts(local)[0] >> 16
}

/// An address and a port as numbers, to be compared one after another. The first has 49 bits, the
/// third 48; of IPv4 the first is all.
fn parts(end: Endpoint) -> [u64; 3] {
    let port = u64::from(end.port);
    match end.address {
        IpAddr::V4(address) => [u64::from(address.to_bits()) << 16 | port, 0, 0],
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [
                1 << 48 | slice(bits, 96, 32) << 16,
                slice(bits, 32, 64),
                slice(bits, 0, 32) << 16 | port,
            ]
        }
    }
}

fn slice(bits: u128, from: u32, many: u32) -> u64 {
    let mask = u64::MAX >> (64 - many);
    u64::try_from(bits >> from & u128::from(mask)).unwrap_or(mask)
}

/// Compares two rows; never equal unless they are one.
fn compare(table: &Table, [a, b]: [&Row; 2], sort: Sort) -> Ordering {
    let by_column = match columns::column(sort.by).sort {
        SortBy::Number(number) => compare_keys(number(a), number(b), sort, u64::cmp),
        SortBy::OfTable(number) => compare_keys(number(table, a), number(table, b), sort, u64::cmp),
        SortBy::Text(text) => compare_keys(text(a), text(b), sort, |a, b| {
            let lower = |byte: u8| byte.to_ascii_lowercase();
            a.bytes().map(lower).cmp(b.bytes().map(lower))
        }),
        SortBy::Address(end) => compare_keys(end(a), end(b), sort, Endpoint::cmp),
    };
    let place = |row| (0..).map_while(move |level| place_level(row, level));
    by_column.then_with(|| place(a).cmp(place(b)).then(a.id.cmp(&b.id)))
}

/// Rows without a key come last, in both directions.
fn compare_keys<K>(
    a: Option<K>,
    b: Option<K>,
    sort: Sort,
    compare: impl Fn(&K, &K) -> Ordering,
) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if sort.descending => compare(&b, &a),
        (Some(a), Some(b)) => compare(&a, &b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

#[cfg(test)]
#[path = "tests/order.rs"]
mod tests;
