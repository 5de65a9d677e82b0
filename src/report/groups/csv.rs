//! Groups as CSV: one row for each group that contains no others, so that a sum over rows counts nothing twice.

use std::io::{self, Write};

use crate::model::State;
use crate::query::{Group, GroupKey, Groups, Sum};
use crate::report::csv::{Cell, CsvOptions, io_error};
use crate::track::Table;

type Field = (&'static str, fn(&Sum) -> Cell);

/// The columns before and after those of the states.
const SOCKETS: Field = ("sockets", |sum| Cell::number(Some(sum.sockets)));
const QUEUES: [Field; 2] = [
    ("recv_q", |sum| Cell::number(sum.receive_queue)),
    ("send_q", |sum| Cell::number(sum.send_queue)),
];

/// Payload since the connections began, if counters were read.
const PAYLOAD: [Field; 2] = [
    ("bytes_sent", |sum| {
        Cell::number(sum.totals.map(|bytes| bytes.sent))
    }),
    ("bytes_received", |sum| {
        Cell::number(sum.totals.map(|bytes| bytes.received))
    }),
];

/// Writes a row of names and the innermost groups: `group1` and, of two fields, `group2`, then the counts, those of the
/// states under their JSON names (`states_LISTEN`).
pub fn write_groups_csv(
    out: &mut dyn Write,
    table: &Table,
    groups: &Groups,
    options: CsvOptions,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let payload = PAYLOAD.iter().filter(|_| table.flows.is_counted());
    let last: Vec<&Field> = QUEUES.iter().chain(payload).collect();
    let has_two = groups.all.iter().any(|group| group.depth > 0);
    if !options.without_header {
        let keys = ["group1", "group2"]
            .into_iter()
            .take(1 + usize::from(has_two));
        let states = State::ALL.map(|state| format!("states_{state}"));
        let names = keys.chain([SOCKETS.0]).map(str::to_owned);
        let names = names
            .chain(states)
            .chain(last.iter().map(|(name, _)| (*name).to_owned()));
        csv.write_record(names).map_err(io_error)?;
    }
    for (outer, group) in groups.innermost() {
        let sum = &group.sum;
        let keys = outer.into_iter().chain([group]).map(key);
        let states = State::ALL.map(|state| Cell::number(Some(sum.in_state(state))));
        let cells = keys.chain([SOCKETS.1(sum)]).chain(states);
        let cells = cells.chain(last.iter().map(|(_, cell)| cell(sum)));
        let texts = cells.map(|cell| cell.text(options));
        csv.write_record(texts).map_err(io_error)?;
    }
    csv.flush()
}

fn key(group: &Group) -> Cell {
    match &group.key {
        GroupKey::None => Cell::Empty,
        GroupKey::Process { .. } | GroupKey::Text(_) => Cell::Foreign(group.key.to_string()),
        key => Cell::Plain(key.to_string()),
    }
}
