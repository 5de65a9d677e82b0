//! When to say that there is no answer yet, and in which words.

use std::time::Duration;

/// How long something may take before it is reported as slow.
pub(crate) const LONG: Duration = Duration::from_secs(2);

pub(crate) fn no_answer(age: Duration) -> String {
    format!("no answer for {}s", age.as_secs())
}

/// How long it is until that reads differently: it has whole seconds.
pub(crate) fn next_second(age: Duration) -> Duration {
    let next = Duration::from_secs(age.as_secs() + 1);
    next.max(LONG).saturating_sub(age)
}
