//! The lines of the table on the screen, in order. Whatever goes by the place of a line (keys, mouse, copy, write,
//! go-to) looks it up here.

use crate::track::{Row, RowId, Table};

/// The content of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The row at this index of the table.
    Row(usize),
}

/// The identity of a line from one table to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineId {
    Row(RowId),
}

/// The lines, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing(Vec<Line>);

impl Listing {
    pub fn of_rows(rows: impl Iterator<Item = usize>) -> Self {
        Self(rows.map(Line::Row).collect())
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The identity of the line at this place.
    pub fn id(&self, place: usize, table: &Table) -> Option<LineId> {
        let &Line::Row(at) = self.0.get(place)?;
        Some(LineId::Row(table.rows[at].id))
    }

    /// The place of a line.
    pub fn place(&self, id: LineId, table: &Table) -> Option<usize> {
        let LineId::Row(id) = id;
        self.place_of_row(table.position(id)?)
    }

    /// The place of the row at this index of the table.
    pub fn place_of_row(&self, at: usize) -> Option<usize> {
        self.0.iter().position(|&line| line == Line::Row(at))
    }

    /// The rows of the lines from this place on.
    pub fn rows_from<'a>(&self, place: usize, table: &'a Table) -> impl Iterator<Item = &'a Row> {
        let lines = self.0.iter().skip(place);
        lines.map(|&Line::Row(at)| &*table.rows[at])
    }

    /// The rows of all lines.
    pub fn rows<'a>(&self, table: &'a Table) -> impl Iterator<Item = &'a Row> {
        self.rows_from(0, table)
    }
}
