//! A row as the tracker has it.

use std::sync::Arc;

use super::Row;
use crate::model::Moment;

/// A row whose socket was in the last snapshot, or is missing from it for the first time.
#[derive(Debug)]
pub(super) struct Live {
    pub row: Arc<Row>,
    /// Its place in the last snapshot, if it was there under the key that it has now. Rows of the same
    /// key are in the same order there as here.
    pub dump_index: Option<usize>,
    /// The first snapshot that it was missing from.
    pub missing_since: Option<Moment>,
    /// The missing listener whose address, and whose place in the table, this one took.
    pub replaced: Option<Arc<Row>>,
}

impl Live {
    pub(super) fn new(row: Arc<Row>) -> Self {
        Self {
            row,
            dump_index: None,
            missing_since: None,
            replaced: None,
        }
    }
}
