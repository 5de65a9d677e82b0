//! The bind test against the real kernel, each test in a network namespace of its own.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "all of this is test code, also what is not inside a test function"
)]

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

mod answers;
mod differential;
mod every_holder;
mod helpers;
mod holders;
mod pids;
mod redirects;
mod safety;
mod sentences;
mod verdicts;
