//! `sockeye list` and `check`, and what is said to wrong usage: the real binary, in a network namespace of each
//! test's own.
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

mod background;
mod check;
mod config;
mod crashes;
mod csv;
mod free;
mod holder;
mod hostile;
mod json;
mod list;
mod reference;
mod rights;
mod scene;
mod scripts;
mod shortage;
mod stats;
mod streams;
mod tables;
mod unix;
mod usage;
mod wait;
mod watch;
mod who;
mod zones;
