//! A view that a user has set up in the config.

use crate::columns::ColumnId;
use crate::filter::Filter;
use crate::query::{Sort, Tab};

/// A view that a user has set up.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomView {
    /// What its tab says.
    pub name: String,
    /// The view that it begins from.
    pub shows: Tab,
    /// Its filter.
    pub filter: Filter,
    /// Its columns in their order, if they are others than usual.
    pub columns: Option<Vec<ColumnId>>,
    /// Its order, if it is another than usual.
    pub sort: Option<Sort>,
}
