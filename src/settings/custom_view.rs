//! A custom view from the config.

use crate::columns::ColumnId;
use crate::filter::Filter;
use crate::query::{Sort, Tab};

/// A custom view.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomView {
    /// The label of its tab.
    pub name: String,
    /// The view that it is based on.
    pub shows: Tab,
    /// Its filter.
    pub filter: Filter,
    /// Its columns in order, if not the default.
    pub columns: Option<Vec<ColumnId>>,
    /// Its sort order, if not the default.
    pub sort: Option<Sort>,
}
