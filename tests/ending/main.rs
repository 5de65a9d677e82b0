//! A signal to a process that holds a socket, against the real kernel: it reaches the one that was
//! seen, or nobody. Each test has a pid namespace of its own, so that it can have a pid reused.
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

mod namespaces;
mod reuse;
mod rights;
mod scene;
mod several;
mod sockets;
