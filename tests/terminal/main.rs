//! How the program takes the terminal, and how it gives it back, whatever ends it.
//!
//! Each test runs a small program (`program.rs`) in a pty. It is this test binary itself: started
//! again with only that one test selected.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "all of this is test code, also what is not inside a test function"
)]

#[path = "../support/mod.rs"]
mod support;

mod endings;
mod program;
mod stops;
mod use_of_it;
