//! Which rows are shown and in which order, for the live table and for the commands: views, protocols, filter, sort.
//!
//! Pure: a [`Query`] selects from one table, `Selection` follows the tables as they come, [`ChangeFeed`]
//! reports the changes of what matches, and [`Groups`] counts rows that have something in common.

mod activity;
mod change_feed;
mod criteria;
mod group;
mod listing;
mod namespaces;
mod order;
mod port_diff;
mod selection;
mod texts;

pub use change_feed::{ChangeFeed, ChangeRecord};
pub use criteria::{Query, Sort, Tab};
pub use group::{Group, GroupBy, GroupFields, GroupKey, Grouping, Groups, Sum};
pub(crate) use listing::{GroupId, Line, LineId, Listing};
pub use namespaces::{NamespaceError, NamespaceFinder, NamespaceTarget, resolve};
pub use port_diff::{PortDiff, PortKey, PortOwner, Ports, is_port, ports_of};
pub(crate) use selection::Selection;
