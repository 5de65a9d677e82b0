//! The whole program: the real binary in a real terminal, in a network namespace of each test's own.
//!
//! A test opens real sockets, presses keys and waits for what a person would see.
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
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod bind_test;
mod changes;
mod clocks;
mod config;
mod crashes;
mod endings;
mod filter;
mod guarded;
mod hands;
mod hostile;
mod hung;
mod jobs;
mod long_run;
mod order;
mod outcomes;
mod panes;
mod ports;
mod pressure;
mod quiet;
mod rights;
mod scene;
mod selection;
mod silence;
mod size;
mod stalls;
mod start;
mod themes;
mod views;
