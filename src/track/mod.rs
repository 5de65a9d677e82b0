//! What changed: compares one reading of the table with the one before.
//!
//! Gives every socket a [`Row`] that keeps its identity while its state and owner change, keeps
//! closed rows for a while, and tells each change once as an [`Event`]. Pure: time arrives with
//! the snapshot.

mod changes;
mod conflicts;
mod event;
mod matching;
mod row;
mod sequence;
mod table;
mod tracker;

pub use event::{Event, EventLog};
pub use row::{Change, ChangeKind, Mark, Row, RowId};
pub use table::{Counts, Table};
pub use tracker::{TableUpdate, Tracker};

#[cfg(test)]
mod tests;
