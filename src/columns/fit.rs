//! Which columns a terminal of some width has room for, and how wide each becomes.

use super::{Align, Column, ColumnId};

/// What the texts in a column ask for, in cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Worth a column that matters less: what just changed, old and new.
    pub needed: u16,
    /// Worth cells that are to spare: the whole of every text.
    pub useful: u16,
}

/// A column that has got its place.
#[derive(Clone, Copy, Debug)]
pub struct Fitted {
    /// The column.
    pub column: &'static Column,
    /// First cell, counted from the left edge of the table.
    pub x: u16,
    /// Cells.
    pub width: u16,
}

impl Demand {
    /// The greater of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            needed: self.needed.max(other.needed),
            useful: self.useful.max(other.useful),
        }
    }
}

/// Cells between two columns.
const GAP: u16 = 1;

/// Lays out those of `candidates` that fit into `width` cells: the ones with the lowest priority
/// number first, each at least as wide as its minimum and as its texts need. What is left goes first
/// to columns whose texts can use it, then to all that may grow. Priority 0 is never dropped, nor is
/// the first of all: where those don't fit, they give up what they need beyond their minimum, and then the
/// last are cut, the port after all others.
pub fn fit(
    candidates: &[&'static Column],
    width: u16,
    demand: impl Fn(&Column) -> Demand,
) -> Vec<Fitted> {
    let chosen = choose(candidates, width, &demand);
    let mut widths: Vec<u16> = chosen.iter().map(|column| least(column, &demand)).collect();
    shrink(&chosen, &mut widths, width);
    let spare = width.saturating_sub(total(&widths));
    let spare = grow(&chosen, &mut widths, spare, |column| demand(column).useful);
    grow(&chosen, &mut widths, spare, |column| column.max);
    place(&chosen, &widths)
}

fn least(column: &Column, demand: &impl Fn(&Column) -> Demand) -> u16 {
    demand(column).needed.max(column.min)
}

fn choose(
    candidates: &[&'static Column],
    width: u16,
    demand: &impl Fn(&Column) -> Demand,
) -> Vec<&'static Column> {
    let mut by_priority: Vec<_> = candidates.to_vec();
    by_priority.sort_by_key(|column| column.priority);
    let mut used = 0u16;
    let mut kept = Vec::new();
    for column in by_priority {
        let needs = least(column, demand) + if kept.is_empty() { 0 } else { GAP };
        if column.priority == 0 || kept.is_empty() || used + needs <= width {
            used += needs;
            kept.push(column.id);
        } else {
            break;
        }
    }
    candidates
        .iter()
        .copied()
        .filter(|column| kept.contains(&column.id))
        .collect()
}

/// Cells that columns of these widths take; one of no width needs no gap.
fn total(widths: &[u16]) -> u16 {
    let shown = widths.iter().filter(|&&width| width > 0);
    shown.fold(0, |sum, &width| {
        sum + width + if sum == 0 { 0 } else { GAP }
    })
}

/// Takes from the last columns what does not fit, down to their minimum, then to nothing; from the port
/// only when there is nothing else.
fn shrink(chosen: &[&'static Column], widths: &mut [u16], room: u16) {
    let is_port = |&at: &usize| chosen[at].id == ColumnId::Port;
    let (ports, others): (Vec<_>, Vec<_>) = (0..widths.len()).rev().partition(is_port);
    for keep_minimum in [true, false] {
        for &at in others.iter().chain(&ports) {
            let floor = if keep_minimum {
                chosen[at].min.min(widths[at])
            } else {
                0
            };
            let excess = total(widths).saturating_sub(room);
            widths[at] -= excess.min(widths[at] - floor);
        }
    }
}

/// Gives spare cells to the columns in turn, so that all grow alike until they are as wide as
/// `enough` says; an unbounded column takes what remains. Returns what nobody took.
fn grow(
    chosen: &[&'static Column],
    widths: &mut [u16],
    mut spare: u16,
    enough: impl Fn(&Column) -> u16,
) -> u16 {
    let is_unbounded = |column: &Column| enough(column) == u16::MAX;
    let mut grown = true;
    while spare > 0 && grown {
        grown = false;
        for (column, width) in chosen.iter().zip(widths.iter_mut()) {
            if spare > 0 && (1..enough(column)).contains(width) && !is_unbounded(column) {
                *width += 1;
                spare -= 1;
                grown = true;
            }
        }
    }
    match chosen.iter().position(|&column| is_unbounded(column)) {
        Some(at) => {
            widths[at] += spare;
            0
        }
        None => spare,
    }
}

fn place(chosen: &[&'static Column], widths: &[u16]) -> Vec<Fitted> {
    let mut x = 0;
    chosen
        .iter()
        .zip(widths)
        .filter(|&(_, &width)| width > 0)
        .map(|(column, &width)| {
            let fitted = Fitted { column, x, width };
            x += width + GAP;
            fitted
        })
        .collect()
}

impl Fitted {
    /// The text cut and padded to exactly this column's width. A port is never cut: its column is
    /// wide enough for five digits.
    pub fn render(&self, text: &str) -> String {
        let width = usize::from(self.width);
        match self.column.align {
            Align::Left => super::pad(&super::cut(text, width), width),
            Align::Middle => super::pad(&super::cut_middle(text, width), width),
            Align::Right => super::crate::columns::pad_left(&super::cut(text, width), width),
        }
    }
}
