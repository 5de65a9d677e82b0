//! A rule about processes that something outside the model decides, such as that of `--mine`.

use std::fmt;
use std::sync::Arc;

use super::Process;

/// Whether a process is meant, or why not, as a sentence without a full stop.
type Check = dyn Fn(&Process) -> Result<(), String> + Send + Sync;

/// A rule; two are equal if one is a clone of the other.
#[derive(Clone)]
pub struct ProcessRule(Arc<Check>);

impl ProcessRule {
    /// A rule that is decided by this.
    pub fn new(check: impl Fn(&Process) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }

    /// Checks a process.
    ///
    /// # Errors
    /// Why it is not meant, as a sentence without a full stop.
    pub fn check(&self, process: &Process) -> Result<(), String> {
        (self.0)(process)
    }
}

impl PartialEq for ProcessRule {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for ProcessRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessRule")
    }
}
