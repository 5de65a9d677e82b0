//! The order of rows: whatever they are, and by whatever column.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sockeye::columns::{self, SortBy};
use sockeye::filter::Filter;
use sockeye::model::{Endpoint, Kinds, NamespaceScope};
use sockeye::query::{Query, Sort, Tab};
use sockeye::track::{Connections, Counts, Row, RowId, Table, Window};

use super::rows::{moment, row};

/// A value to sort by; what comes first here comes first in the table.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(u64),
    Text(String),
    Address(Endpoint),
}

fn value(table: &Table, row: &Row, by: SortBy) -> Option<Value> {
    match by {
        SortBy::Number(number) => number(row).map(Value::Number),
        SortBy::Text(text) => text(row).map(|text| Value::Text(text.to_ascii_lowercase())),
        SortBy::Address(end) => end(row).map(Value::Address),
        SortBy::OfTable(number) => number(table, row).map(Value::Number),
    }
}

/// The beginning of a unix socket's name; of one without a name what comes after all names.
fn name(row: &Row) -> [u8; 64] {
    let mut bytes = [0; 64];
    match row.socket.unix().map(|unix| &unix.name) {
        None => {}
        Some(None) => bytes = [u8::MAX; 64],
        Some(Some(name)) => {
            let name = name.text().bytes().take(64);
            bytes.iter_mut().zip(name).for_each(|(to, from)| *to = from);
        }
    }
    bytes
}

/// By the column, nothing last; then by port, protocol, own address, peer, name and id.
fn compare(table: &Table, a: &Row, b: &Row, sort: Sort) -> Ordering {
    let by = columns::column(sort.by).sort;
    let by_column = match (value(table, a, by), value(table, b, by)) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
        (a, b) if sort.descending => b.cmp(&a),
        (a, b) => a.cmp(&b),
    };
    let place = |row: &Row| {
        let socket = &row.socket;
        let address = socket.local.address;
        (
            socket.local.port,
            socket.protocol,
            address,
            socket.remote,
            name(row),
            row.id,
        )
    };
    by_column.then_with(|| place(a).cmp(&place(b)))
}

fn table(rows: Vec<Row>) -> Table {
    let rows: Vec<_> = (0..)
        .zip(rows)
        .map(|(id, row)| {
            Arc::new(Row {
                id: RowId(id),
                ..row
            })
        })
        .collect();
    Table {
        taken_at: moment(0),
        counts: Counts::of(&rows),
        flows: std::sync::Arc::default(),
        connections: Connections::of(&rows, Window::default()),
        rows,
        ..Table::default()
    }
}

/// Rows of which many have something in common.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let likeness = (any::<prop::sample::Index>(), 0..6u8);
    (vec(row(), 1..12), vec(likeness, 0..40)).prop_map(|(mut rows, likenesses)| {
        for (which, what) in likenesses {
            let like = rows[which.index(rows.len())].clone();
            let mut row = rows[rows.len() / 2].clone();
            match what {
                0 => row.socket.local = like.socket.local,
                1 => row.socket.local.port = like.socket.local.port,
                2 => row.socket.remote = like.socket.remote,
                3 => row.socket.owner = like.socket.owner,
                4 => {
                    row.socket.protocol = like.socket.protocol;
                    row.socket.portless = like.socket.portless;
                }
                _ => row = like,
            }
            rows.push(row);
        }
        // A row that has closed is not in a listing.
        for row in &mut rows {
            row.change = None;
        }
        rows
    })
}

proptest! {
    #[test]
    fn rows_stand_as_their_column_says_then_by_their_place(
        rows in rows(),
        by in select(columns::ALL.iter().map(|column| column.id).collect::<Vec<_>>()),
        descending in any::<bool>(),
    ) {
        let (table, sort) = (table(rows), Sort { by, descending });
        let asked = Query {
            tab: Tab::All,
            kinds: Kinds::ALL,
            namespaces: NamespaceScope::All,
            filter: Filter::default(),
            uid: None,
            mine: None,
            sort,
            highlight: Duration::ZERO,
            linger: Duration::ZERO,
        };
        let mut expected: Vec<&Row> = table.rows.iter().map(|row| &**row).collect();
        expected.sort_by(|a, b| compare(&table, a, b, sort));
        let ids = |rows: &[&Row]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        prop_assert_eq!(ids(&asked.select(&table)), ids(&expected));
    }
}
