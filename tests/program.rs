//! The program as a person and a script use it: the real binary, in network namespaces and terminals that the
//! tests make.
//!
//! One crate, so that a change links one test program instead of three.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "all of this is test code, also what is not inside a test function"
)]

#[path = "support/apart.rs"]
mod apart;
#[path = "support/program.rs"]
mod program;
#[path = "support/schema.rs"]
mod schema;
#[path = "support/segment.rs"]
mod segment;
mod support;

mod cli;
mod live;
mod terminal;
