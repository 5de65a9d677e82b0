//! Which columns fit into a width, and how wide each becomes.

use super::{Align, Column, ColumnId, pad, pad_left};

/// The widths that the texts in a column need, in cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// For recent changes, old and new; a less important column is dropped for it.
    pub needed: u16,
    /// For every text in full; granted if there are spare cells.
    pub useful: u16,
}

impl Demand {
    /// The maximum of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            needed: self.needed.max(other.needed),
            useful: self.useful.max(other.useful),
        }
    }
}

/// A column with its position.
#[derive(Clone, Copy, Debug)]
pub struct Fitted {
    /// The column.
    pub column: &'static Column,
    /// First cell, counted from the left edge of the table.
    pub x: u16,
    /// Cells.
    pub width: u16,
}

/// Cells between two columns.
const GAP: u16 = 1;

/// Lays out those of `candidates` that fit into `room` cells. Columns with the highest priority number are dropped
/// first, each column is at least as wide as its minimum and its [needed](Demand::needed) width. Spare cells go to
/// columns with longer texts, then to all that may grow. Priority 0 is never dropped, nor is the only column: if
/// these don't fit, they shrink to their minimum, then the last ones are cut, the port after all others.
pub fn fit(
    candidates: &[&'static Column],
    room: u16,
    demand: impl Fn(&Column) -> Demand,
) -> Vec<Fitted> {
    let least = |column: &Column| demand(column).needed.max(column.min);
    let mut columns = start(candidates, least);
    while total(&columns) > room && columns.len() > 1 {
        let priorities = columns.iter().map(|one| one.column.priority).enumerate();
        match priorities.max_by_key(|&(_, priority)| priority) {
            Some((at, 1..)) => columns.remove(at),
            _ => break,
        };
    }
    shrink(&mut columns, room);
    grow(&mut columns, room, |column| demand(column).useful);
    grow(&mut columns, room, |column| column.max);
    place(columns)
}

/// Lays out all of `candidates`, each as wide as `widest` says, or as its title.
pub fn fit_all(candidates: &[&'static Column], widest: impl Fn(&Column) -> u16) -> Vec<Fitted> {
    place(start(candidates, widest))
}

fn start(candidates: &[&'static Column], width: impl Fn(&Column) -> u16) -> Vec<Fitted> {
    let each = candidates.iter().map(|&column| Fitted {
        column,
        x: 0,
        width: width(column),
    });
    each.collect()
}

/// Cells that these columns take; one without width needs no gap.
fn total(columns: &[Fitted]) -> u16 {
    let widths = columns.iter().map(|one| one.width);
    let taken = widths.filter(|&width| width > 0).map(|width| width + GAP);
    taken.sum::<u16>().saturating_sub(GAP)
}

/// Narrows the last columns until all fit, first down to their minimum, then to nothing; the port comes last.
fn shrink(columns: &mut [Fitted], room: u16) {
    let is_port = |&at: &usize| columns[at].column.id == ColumnId::Port;
    let (ports, others): (Vec<_>, Vec<_>) = (0..columns.len()).rev().partition(is_port);
    for keep_minimum in [true, false] {
        for &at in others.iter().chain(&ports) {
            let excess = total(columns).saturating_sub(room);
            let Fitted { column, width, .. } = &mut columns[at];
            let floor = column.min.min(*width) * u16::from(keep_minimum);
            *width -= excess.min(*width - floor);
        }
    }
}

/// Gives spare cells to the columns in turn, up to `enough` for each; an unbounded column takes the rest.
fn grow(columns: &mut [Fitted], room: u16, enough: impl Fn(&Column) -> u16) {
    let mut spare = room.saturating_sub(total(columns));
    let limits: Vec<u16> = columns.iter().map(|one| enough(one.column)).collect();
    let mut has_grown = true;
    while spare > 0 && has_grown {
        has_grown = false;
        for (one, &limit) in columns.iter_mut().zip(&limits) {
            if spare > 0 && (1..limit).contains(&one.width) && limit != u16::MAX {
                one.width += 1;
                spare -= 1;
                has_grown = true;
            }
        }
    }
    if let Some(at) = limits.iter().position(|&limit| limit == u16::MAX) {
        columns[at].width += spare;
    }
}

fn place(mut columns: Vec<Fitted>) -> Vec<Fitted> {
    columns.retain(|one| one.width > 0);
    let mut x = 0u16;
    for one in &mut columns {
        one.x = x;
        x = x.saturating_add(one.width + GAP);
    }
    columns
}

impl Fitted {
    /// The text cut and padded to exactly this column's width. A port is never cut: its column is wide enough for
    /// five digits.
    pub fn render(&self, text: &str) -> String {
        let width = usize::from(self.width);
        let cut = match self.column.align {
            Align::Middle => super::cut_middle(text, width),
            Align::Left | Align::Right => super::cut(text, width),
        };
        self.column.align.pad(&cut, width)
    }
}

impl Align {
    /// Adds spaces up to `columns` cells.
    pub fn pad(self, text: &str, columns: usize) -> String {
        match self {
            Self::Left | Self::Middle => pad(text, columns),
            Self::Right => pad_left(text, columns),
        }
    }
}
