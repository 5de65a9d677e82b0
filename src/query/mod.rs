//! Which rows are shown and in which order, for the live table and for the commands: views, protocols, filter, sort.
//!
//! Pure: a [`Query`] selects from one table, `Selection` follows the tables as they come, and [`ChangeFeed`]
//! reports the changes of what matches.

mod change_feed;
mod criteria;
mod order;
mod selection;

pub use change_feed::{ChangeFeed, ChangeRecord};
pub use criteria::{Query, Sort, Tab};
pub(crate) use selection::{Listing, Selection};
