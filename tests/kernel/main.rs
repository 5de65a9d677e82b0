//! The source against the kernel: real sockets in a network namespace of each test's own.
//!
//! Every test opens sockets and holds every row of the snapshot against what it opened, nothing
//! more and nothing less.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "all of this is test code, also what stands outside of a test function"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/program.rs"]
mod program;

mod against_ss;
mod ages;
mod churn;
mod connections;
mod ephemeral;
mod exact;
mod hidden;
mod listeners;
mod owners;
mod queues;
mod refused;
mod scene;
mod udp;
