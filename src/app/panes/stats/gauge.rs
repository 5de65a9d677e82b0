//! The use of the ephemeral ports as bars: in total, and for the busiest peer. No bar if the range is unknown.

use crate::app::view::{Line, Role, span};
use crate::columns::pad;
use crate::model::{EphemeralUse, PortUsage};

/// Cells of a bar in a pane of this width; a narrow one has only the figures.
const fn bar(columns: usize) -> usize {
    match columns {
        0..60 => 0,
        60..100 => 10,
        _ => 20,
    }
}

const LABEL: usize = 13;

pub(crate) fn lines(ephemeral: &EphemeralUse, columns: usize) -> Vec<Line> {
    let line = |label, taken, text| line(label, taken, ephemeral, text, columns);
    let in_use = ephemeral.ports;
    let text = format!(" in use{}", parts(in_use));
    let mut lines = vec![line("ephemeral", in_use.total(), text)];
    if let Some(fullest) = ephemeral.fullest {
        let text = format!(" to {}{}", fullest.remote, parts(fullest.usage));
        lines.push(line("busiest peer", fullest.usage.total(), text));
    }
    lines
}

fn line(label: &str, taken: usize, of: &EphemeralUse, text: String, columns: usize) -> Line {
    const SHORT: usize = EphemeralUse::SHORT;
    let (percent, capacity) = (of.percent_of(taken), of.capacity);
    let role = match percent {
        0..SHORT => Role::Plain,
        SHORT..100 => Role::Warning,
        _ => Role::Bad,
    };
    let mut line = vec![span(pad(label, LABEL), Role::Dim)];
    let cells = bar(columns);
    if cells > 0 {
        // Full only if all are used, empty only if none is.
        let filled = taken.min(capacity) * cells / capacity.max(1);
        let filled = filled.max(usize::from(taken > 0 && capacity > 0));
        line.push(span("█".repeat(filled), role));
        line.push(span("░".repeat(cells - filled), Role::Dim));
        line.push(span(" ", Role::Plain));
    }
    line.push(span(format!("{percent}% {taken} of {capacity}"), role));
    line.push(span(text, Role::Dim));
    line
}

/// `: 27 TIME_WAIT · 12 connected · 3 bound`, without zeros.
fn parts(usage: PortUsage) -> String {
    let parts = [
        (usage.time_wait, "TIME_WAIT"),
        (usage.connected, "connected"),
        (usage.bound, "bound"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(" · "))
    }
}
