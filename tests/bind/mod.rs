//! The bind test against the real kernel, each test in a network namespace of its own.

mod answers;
pub mod differential;
pub mod every_holder;
mod helpers;
pub mod holders;
mod pids;
mod redirects;
mod safety;
mod sentences;
mod verdicts;
