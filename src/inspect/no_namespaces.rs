//! Network namespaces exist on Linux only: none is found, and none is entered.

use std::convert::Infallible;
use std::sync::Arc;

use crate::model::{Inside, Namespace, Pid};
use crate::source::AccessError;

/// A way into a network namespace: there is none.
#[derive(Debug)]
pub struct NamespaceAccess(Infallible);

const ONLY_LINUX: &str = "network namespaces exist on Linux only";

impl NamespaceAccess {
    /// The namespace that the option `-N` names; `None` for `own`.
    ///
    /// # Errors
    /// There is no other.
    pub fn find(name: &str) -> Result<Option<Self>, String> {
        if name == "own" {
            return Ok(None);
        }
        Err(ONLY_LINUX.to_owned())
    }

    /// The namespace of a row.
    ///
    /// # Errors
    /// There is none.
    pub fn of(_: &Arc<Namespace>, _: &[Pid]) -> Result<Self, AccessError> {
        Err(AccessError::Failed(ONLY_LINUX.to_owned()))
    }

    /// The namespace, in words.
    pub const fn inside(&self) -> &Arc<Inside> {
        match self.0 {}
    }

    /// Runs an action in the namespace.
    ///
    /// # Errors
    /// It can't be entered.
    pub fn run<T: Send>(&self, _: impl FnOnce() -> T + Send) -> Result<T, AccessError> {
        match self.0 {}
    }
}
