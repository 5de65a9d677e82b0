//! The lines of the table on the screen, in order. Whatever goes by the place of a line (keys, mouse, copy, write,
//! go-to) looks it up here.

use crate::track::{Row, RowId, Table};

/// The lines, in order: each the index of its row in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing(Vec<usize>);

impl Listing {
    pub fn of_rows(rows: impl Iterator<Item = usize>) -> Self {
        Self(rows.collect())
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The row of the line at this place.
    pub fn id(&self, place: usize, table: &Table) -> Option<RowId> {
        self.0.get(place).map(|&at| table.rows[at].id)
    }

    /// The place of a row.
    pub fn place(&self, id: RowId, table: &Table) -> Option<usize> {
        self.place_of_row(table.position(id)?)
    }

    /// The place of the row at this index of the table.
    pub fn place_of_row(&self, at: usize) -> Option<usize> {
        self.0.iter().position(|&line| line == at)
    }

    /// The rows of the lines from this place on.
    pub fn rows_from<'a>(&self, place: usize, table: &'a Table) -> impl Iterator<Item = &'a Row> {
        self.0.iter().skip(place).map(|&at| &*table.rows[at])
    }

    /// The rows of all lines.
    pub fn rows<'a>(&self, table: &'a Table) -> impl Iterator<Item = &'a Row> {
        self.rows_from(0, table)
    }
}
