//! Which columns fit into a width, and how wide each becomes.

use super::{Align, Column, ColumnId, pad, pad_left};

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

/// A column that may be shown.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The column.
    pub column: &'static Column,
    /// The cells of its widest text.
    pub widest: u16,
    /// Whether the user chose it, so that it is dropped after those that are there by default.
    pub is_chosen: bool,
}

/// Cells between two columns.
const GAP: u16 = 1;

/// The state has shorter texts. To show the state before a change too, it gets one of so many spare cells before the
/// other columns.
const STATE_SHARE: u16 = 4;

/// Cells by which `ESTAB → CLOSE_WAIT` is longer than `ESTABLISHED`: a smaller share is of no use.
const LEAST_SHARE: u16 = 7;

/// Lays out those of `candidates` that fit into `room` cells. Those that the user did not choose are dropped before
/// those chosen, the highest priority number first. Priority 0 is never dropped, nor is the only column: if these don't
/// fit, they shrink to their minimum, then the last ones are cut, the port after all others. Spare cells go in turn to
/// the columns with longer texts: first a share to the state, which has shorter ones too. The unbounded column takes the
/// rest, so no other one is wider than its texts.
pub fn fit(candidates: &[Candidate], room: u16) -> Vec<Fitted> {
    let mut kept = candidates.to_vec();
    while total(kept.iter().map(Candidate::least)) > room && kept.len() > 1 {
        let ranks = kept.iter().map(Candidate::rank).enumerate();
        match ranks.max_by_key(|&(_, rank)| rank) {
            Some((at, Some(_))) => kept.remove(at),
            _ => break,
        };
    }
    let mut columns = start(kept.iter().map(|one| (one.column, one.least())));
    shrink(&mut columns, room);
    let spare = room.saturating_sub(total(columns.iter().map(|one| one.width)));
    let part = Some(spare / STATE_SHARE).filter(|&part| part >= LEAST_SHARE);
    let of_state = |one: &Candidate| {
        let is_state = one.column.id == ColumnId::State;
        let most = one.least() + part.unwrap_or(0);
        is_state.then_some(one.column.useful(one.widest).min(most))
    };
    let first = kept.iter().map(|one| of_state(one).unwrap_or(0));
    grow(&mut columns, room, &first.collect::<Vec<_>>());
    let useful = |one: &Candidate| one.column.useful(one.widest);
    let others = kept.iter().map(|one| of_state(one).unwrap_or(useful(one)));
    grow(&mut columns, room, &others.collect::<Vec<_>>());
    grow(
        &mut columns,
        room,
        &kept.iter().map(useful).collect::<Vec<_>>(),
    );
    let spare = room.saturating_sub(total(columns.iter().map(|one| one.width)));
    if let Some(rest) = columns.iter_mut().find(|one| one.column.max == u16::MAX) {
        rest.width += spare;
    }
    place(columns)
}

impl Candidate {
    /// The width at which it is still useful; numbers are never cut.
    fn least(&self) -> u16 {
        let useful = self.column.useful(self.widest);
        match self.column.align {
            Align::Right => useful.max(self.column.min),
            Align::Left | Align::Middle => useful.min(self.column.min),
        }
    }

    /// The column with the highest is dropped first; `None`: never.
    fn rank(&self) -> Option<(bool, u8)> {
        let priority = self.column.priority;
        (priority > 0).then_some((!self.is_chosen, priority))
    }
}

/// Lays out all of `candidates`, each as wide as `widest` says, or as its title.
pub fn fit_all(candidates: &[&'static Column], widest: impl Fn(&Column) -> u16) -> Vec<Fitted> {
    place(start(candidates.iter().map(|&one| (one, widest(one)))))
}

fn start(columns: impl Iterator<Item = (&'static Column, u16)>) -> Vec<Fitted> {
    let each = columns.map(|(column, width)| Fitted {
        column,
        x: 0,
        width,
    });
    each.collect()
}

/// Cells that columns of these widths take; one without width needs no gap.
fn total(widths: impl Iterator<Item = u16>) -> u16 {
    let taken = widths.filter(|&width| width > 0);
    let taken = taken.fold(0u16, |sum, width| sum.saturating_add(width + GAP));
    taken.saturating_sub(GAP)
}

/// Narrows the last columns until all fit, first down to their minimum, then to nothing; the port comes last.
fn shrink(columns: &mut [Fitted], room: u16) {
    let is_port = |&at: &usize| columns[at].column.id == ColumnId::Port;
    let (ports, others): (Vec<_>, Vec<_>) = (0..columns.len()).rev().partition(is_port);
    for keep_minimum in [true, false] {
        for &at in others.iter().chain(&ports) {
            let excess = total(columns.iter().map(|one| one.width)).saturating_sub(room);
            let Fitted { column, width, .. } = &mut columns[at];
            let floor = column.min.min(*width) * u16::from(keep_minimum);
            *width -= excess.min(*width - floor);
        }
    }
}

/// Gives spare cells to the columns in turn, up to the limit of each.
fn grow(columns: &mut [Fitted], room: u16, limits: &[u16]) {
    let mut spare = room.saturating_sub(total(columns.iter().map(|one| one.width)));
    let mut has_grown = true;
    while spare > 0 && has_grown {
        has_grown = false;
        for (one, &limit) in columns.iter_mut().zip(limits) {
            if spare > 0 && (1..limit).contains(&one.width) {
                one.width += 1;
                spare -= 1;
                has_grown = true;
            }
        }
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
