//! Compares each snapshot with the previous one.
//!
//! Gives every socket a [`Row`] that keeps its identity while its state and owner change, keeps
//! closed rows for a while, and reports each change once as an [`Event`]. Pure: time comes with
//! the snapshot.

mod changes;
mod closes;
mod conflicts;
mod connections;
mod event;
mod flows;
mod known;
mod matching;
mod row;
mod table;
mod tracker;
mod trouble;

pub use closes::SocketEnd;
pub use connections::{Clients, Connections, Window};
pub use event::{Event, EventLog};
pub use flows::{Bytes, Flow, Flows};
pub use row::{Change, ChangeKind, Mark, Row, RowId};
pub use table::{Counts, Table};
pub use tracker::{TableUpdate, Tracker};
pub use trouble::{Trouble, TroubleKind};

#[cfg(test)]
mod tests;
