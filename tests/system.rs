//! The parts that talk to the kernel against the kernel: real sockets, binds and signals, in namespaces that
//! the tests make.
//!
//! One crate, so that a change links one test program instead of three. `restarts` stays on its own: its
//! server must not run beside tests that look at every process.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "all of this is test code, also what is not inside a test function"
)]

#[path = "support/program.rs"]
mod program;
#[path = "support/schema.rs"]
mod schema;
mod support;

mod bind;
mod ending;
mod kernel;
mod run;
