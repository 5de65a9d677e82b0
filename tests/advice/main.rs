//! Every situation of the advice is set up for real, and its first fix is executed as printed: the port
//! is free within 5 s and still 4 s later, traffic reaches a new server, and what else ran still runs.
//! `namespaces` compares the table of all network namespaces with what is there.
//!
//! `.ci/advice` runs it; it starts container engines and a service manager on a machine of its own made of
//! namespaces (`stage.sh`), so it runs only where `SOCKEYE_REQUIRE` lists what a family of scenes needs.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "all of this is test code, also what is not inside a test function"
)]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;

mod expected;
mod followed;
mod image;
mod report;
mod scene;
mod stage;
mod started;
mod traffic;

mod docker;
mod lxc;
mod namespaces;
mod networks;
mod podman;
mod processes;
mod signals;
mod ssh;
mod supervisors;
mod systemd;
mod units;
