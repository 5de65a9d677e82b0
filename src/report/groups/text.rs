//! Groups as an aligned table, a second field indented.

use std::io::{self, Write};

use crate::columns::{self, cut, cut_middle, format_amount, pad, pad_left};
use crate::query::{Group, GroupBy, Groups};
use crate::track::Table;

/// Between two columns.
const GAP: usize = 2;

/// The cells that the keys get before the states get any more, if both are long.
const WIDE_KEY: usize = 28;

/// Without these cells for the keys the queues are left out.
const NARROW_KEY: usize = 16;

/// Without these cells for the states they are left out.
const NARROW_STATES: usize = 8;

/// The line of a group: its key, its numbers (sockets, queues), its states.
struct Line {
    key: String,
    numbers: Vec<String>,
    states: String,
}

/// Writes a line of headings and a line for each group; nothing if there are none. `width` is that of a terminal:
/// there long texts are cut to fit, and queues left out where it is narrow.
pub fn write_groups_text(
    out: &mut dyn Write,
    table: &Table,
    groups: &Groups,
    width: Option<u16>,
    without_header: bool,
) -> io::Result<()> {
    if groups.all.is_empty() {
        return Ok(());
    }
    let mut fields: Vec<GroupBy> = Vec::new();
    for group in &groups.all {
        if !fields.contains(&group.by) {
            fields.push(group.by);
        }
    }
    let titles: Vec<_> = fields.iter().map(|by| by.name().to_uppercase()).collect();
    let has_payload = table.flows.is_counted();
    let payload = ["RX", "TX"].into_iter().filter(|_| has_payload);
    let numbers = ["SOCKETS", "RECV-Q", "SEND-Q"].into_iter().chain(payload);
    let mut lines = vec![Line {
        key: titles.join(", "),
        numbers: numbers.map(str::to_owned).collect(),
        states: "STATES".to_owned(),
    }];
    let shows_states = fields[0] != GroupBy::State;
    lines.extend(
        groups
            .all
            .iter()
            .map(|group| line(group, shows_states, has_payload)),
    );
    if !shows_states {
        lines[0].states.clear();
    }
    if without_header {
        lines.remove(0);
    }
    lay_out(&mut lines, width.map(usize::from));
    for Line {
        key,
        numbers,
        states,
    } in lines
    {
        let gap = " ".repeat(GAP);
        let cells = [key].into_iter().chain(numbers).chain([states]);
        let line = cells.collect::<Vec<_>>().join(&gap);
        let line = line.trim_end();
        match width {
            Some(width) => writeln!(out, "{}", cut(line, width.into()))?,
            None => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

fn line(group: &Group, shows_states: bool, has_payload: bool) -> Line {
    let queue = |sum: Option<u64>| sum.map_or_else(|| "–".to_owned(), |sum| sum.to_string());
    let sum = &group.sum;
    // All sockets of a state are in it.
    let mut states: Vec<_> = sum.states().collect();
    if !shows_states || group.by == GroupBy::State {
        states.clear();
    }
    states.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let states = states
        .iter()
        .map(|(state, count)| format!("{count} {state}"));
    let mut numbers = vec![
        sum.sockets.to_string(),
        queue(sum.receive_queue),
        queue(sum.send_queue),
    ];
    if has_payload {
        let payload = sum.totals.map(|bytes| [bytes.received, bytes.sent]);
        let payload = payload.map_or([None; 2], |both| both.map(Some));
        let text = |bytes: Option<u64>| bytes.map_or_else(|| "–".to_owned(), format_amount);
        numbers.extend(payload.map(text));
    }
    Line {
        key: format!("{}{}", "  ".repeat(group.depth), group.key),
        numbers,
        states: states.collect::<Vec<_>>().join(", "),
    }
}

/// Pads and cuts the cells so that they are columns, together at most this wide.
fn lay_out(lines: &mut [Line], limit: Option<usize>) {
    let widest = |cell: &dyn Fn(&Line) -> &str| {
        let widths = lines.iter().map(|line| columns::width(cell(line)));
        widths.max().unwrap_or(0)
    };
    let keys = widest(&|line| &line.key);
    let states = widest(&|line| &line.states);
    let count = lines.first().map_or(0, |line| line.numbers.len());
    let mut numbers: Vec<_> = (0..count)
        .map(|at| widest(&|line| &line.numbers[at]))
        .collect();
    let room_beside = |numbers: &[usize]| {
        let taken: usize = numbers.iter().map(|width| width + GAP).sum();
        limit.map_or(usize::MAX, |limit| limit.saturating_sub(taken))
    };
    if room_beside(&numbers) < keys.min(NARROW_KEY) {
        numbers.truncate(1);
    }
    let room = room_beside(&numbers);
    let beside_states = room.saturating_sub(states + GAP);
    let narrow_keys = keys.min(beside_states.max(WIDE_KEY));
    let beside_keys = room.saturating_sub(narrow_keys + GAP);
    let (keys, states) = if states.min(NARROW_STATES) <= beside_keys {
        (narrow_keys, beside_keys)
    } else {
        (keys.min(room).max(1), 0)
    };
    for line in lines {
        line.key = pad(&cut_middle(&line.key, keys), keys);
        line.numbers.truncate(numbers.len());
        for (number, width) in line.numbers.iter_mut().zip(&numbers) {
            *number = pad_left(number, *width);
        }
        line.states = cut(&line.states, states);
    }
}
