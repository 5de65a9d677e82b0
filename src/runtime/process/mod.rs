//! Interaction with the system: signals, standard streams, limits, and programs that it runs or executes.

pub mod exec;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod memory;
pub mod signals;
pub mod stdio;

/// Raises the soft limit of open files, as far as the hard limit allows, to have room for so many more
/// descriptors. A program that is executed later inherits the new limit.
pub fn raise_descriptor_limit(descriptors: usize) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        /// The most descriptors that the rest of the program has open.
        const OTHERS: u64 = 128;
        let wanted = descriptors as u64 + OTHERS;
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|current| current < wanted) {
            let most = limit.maximum.unwrap_or(wanted);
            limit.current = Some(wanted.min(most));
            // If it can't be raised, opening one descriptor too many fails with an error of its own.
            let _ = setrlimit(Resource::Nofile, limit);
        }
    }
    // Elsewhere there is no such limit.
    #[cfg(not(unix))]
    let _ = descriptors;
}

/// Other allocators decide by themselves what they keep.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub mod memory {
    /// Nothing.
    pub const fn return_large_blocks() {}

    /// Nothing.
    pub const fn return_free_memory() {}
}
