//! Work in the network namespace of a row.

use std::sync::Arc;

use crate::app::RowNamespace;
use crate::inspect::{AccessError, NamespaceAccess, run_in};
use crate::model::Inside;

/// Runs an action in the namespace of a row, on a thread of its own; `None`: in that of this program, here. The argument
/// of the action is for an inspector, which must not outlive it.
///
/// # Errors
/// The namespace has ended, or can't be entered. Then nothing was run.
pub(super) fn run_in_row<T: Send>(
    row: Option<&RowNamespace>,
    action: impl FnOnce(Option<Arc<Inside>>) -> T + Send,
) -> Result<T, AccessError> {
    let access = row.map(|row| NamespaceAccess::of(&row.namespace, &row.owners));
    let access = access.transpose()?;
    let inside = access.as_ref().map(|access| Arc::clone(access.inside()));
    run_in(access.as_ref(), || action(inside))
}
