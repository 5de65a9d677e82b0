//! The tables of a bind test, folded into one line until they are opened: the answer for each address with and without
//! `SO_REUSEADDR`, and which servers could start.
//!
//! A refusal has no colour here: the verdict above them has it.

use super::view::{WIDE, labelled};
use crate::app::view::{Click, Line, Role, Span, line_width, span, widest};
use crate::bind::{MatrixCell, Start, Verdict};
use crate::columns::pad_cells;
use crate::keymap::{Action, BindTestAction};

/// Cells between the two side by side.
const GAP: usize = 4;

/// `▸ addresses  0.0.0.0 and 127.0.0.1 refused, [::] v6 only ok`; a click on it opens and folds the tables.
pub(super) fn summary(verdict: &Verdict, is_open: bool, columns: usize) -> Vec<Line> {
    if verdict.matrix.is_empty() {
        return Vec::new();
    }
    let label = if is_open {
        "▾ addresses"
    } else {
        "▸ addresses"
    };
    let text = verdict.addresses_text();
    let lines = labelled((label, Role::Dim), &text, Role::Plain, columns).into_iter();
    let toggle = Click::Do(Action::BindTest(BindTestAction::ToggleMatrix));
    let clickable = |line: Line| {
        let spans = line.into_iter().map(|span| span.on_click(toggle));
        spans.collect()
    };
    lines.map(clickable).collect()
}

/// Both tables, side by side where there is room.
pub(super) fn sections(verdict: &Verdict, columns: usize) -> Vec<Vec<Line>> {
    let (mut matrix, servers) = (matrix(verdict, columns), servers(verdict, columns));
    if widest(&matrix) + GAP + widest(&servers) > columns {
        return vec![matrix, servers];
    }
    let edge = widest(&matrix) + GAP;
    matrix.resize(matrix.len().max(servers.len()), Line::new());
    for (line, right) in matrix.iter_mut().zip(servers) {
        line.push(span(" ".repeat(edge - line_width(line)), Role::Plain));
        line.extend(right);
    }
    vec![matrix]
}

/// Pads the columns, and removes the spaces at the end of the lines.
fn table(mut rows: Vec<Line>) -> Vec<Line> {
    pad_cells(&mut rows, 2, |cell: &mut Span| &mut cell.text);
    for row in &mut rows {
        if let Some(last) = row.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
    }
    rows
}

/// Addresses, and whether each can be bound with and without `SO_REUSEADDR`.
fn matrix(verdict: &Verdict, columns: usize) -> Vec<Line> {
    let option = if columns >= WIDE {
        "with SO_REUSEADDR"
    } else {
        "REUSEADDR"
    };
    let heading = ["address", option, "without"];
    let answer = |cell: &MatrixCell| {
        let role = match cell {
            MatrixCell::Answered(result) if result.is_ok() => Role::Good,
            MatrixCell::Answered(_) => Role::Plain,
            MatrixCell::Predicted(_) | MatrixCell::Implied => Role::Dim,
        };
        span(cell.as_str(), role)
    };
    let mut rows = vec![heading.map(|title| span(title, Role::Dim)).into()];
    rows.extend(verdict.matrix.iter().map(|row| {
        let address = span(&*row.address, Role::Strong);
        vec![
            address,
            answer(&row.with_reuse_address),
            answer(&row.without),
        ]
    }));
    table(rows)
}

/// Which servers could start; what they bind is left out on a narrow screen.
fn servers(verdict: &Verdict, columns: usize) -> Vec<Line> {
    if verdict.profiles.is_empty() {
        return Vec::new();
    }
    let heading = ["servers", "binds", "result"];
    let mut rows: Vec<Line> = vec![heading.map(|title| span(title, Role::Dim)).into()];
    rows.extend(verdict.profiles.iter().map(|(profile, start)| {
        let role = match start {
            Start::Ok => Role::Good,
            Start::Unknown => Role::Warning,
            Start::Refused => Role::Dim,
        };
        let [servers, binds] = [profile.servers, profile.shown].map(|it| span(it, Role::Plain));
        vec![servers, binds, span(start.as_str(), role)]
    }));
    if columns < WIDE {
        for row in &mut rows {
            row.remove(1);
        }
    }
    table(rows)
}
