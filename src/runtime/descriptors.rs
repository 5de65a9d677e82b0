//! How many files this process may have open.

/// Raises the soft limit, as far as the hard one allows, where so many more descriptors would not fit.
/// A program that is executed later inherits the new limit.
#[cfg(unix)]
pub fn make_room_for(descriptors: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    /// What the rest of the program has open at most.
    const OTHERS: u64 = 128;
    let wanted = descriptors as u64 + OTHERS;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let most = limit.maximum.unwrap_or(wanted);
        limit.current = Some(wanted.min(most));
        // Where it can't be raised the kernel will say so when the descriptors are used up.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// There is no such limit.
#[cfg(not(unix))]
pub fn make_room_for(_: usize) {}
