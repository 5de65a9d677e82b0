//! When to show that there is no answer yet, and the text.

use std::time::Duration;

/// How long something may take before it is reported as slow.
pub(crate) const LONG: Duration = Duration::from_secs(2);

pub(crate) fn no_answer(age: Duration) -> String {
    format!("no answer for {}s", age.as_secs())
}

/// Time until the text changes, as it has whole seconds.
pub(crate) fn next_second(age: Duration) -> Duration {
    let next = Duration::from_secs(age.as_secs() + 1);
    next.max(LONG).saturating_sub(age)
}
