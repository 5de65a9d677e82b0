//! A server that restarts without a pause, beside whole bind tests.
//!
//! Alone in its binary: other tests look at every process of the machine, and a look at a descriptor
//! may delay the end of a socket that is closed in that very microsecond.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "all of this is test code, also what is not inside a test function"
)]
#![allow(dead_code, reason = "it uses a part of the helpers")]

#[path = "../bind/helpers/mod.rs"]
mod helpers;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, Stdio};

use helpers::helper;
use sockeye::clock::Clock;
use sockeye::inspect::BindTester;
use support::netns::in_netns;

const PORT: u16 = 20_000;

/// Tests whole, as `b` and `sockeye check` do, as fast as they go.
#[test]
fn tests_never_keep_a_reusing_server_from_starting() {
    let name = "tests_never_keep_a_reusing_server_from_starting";
    in_netns(name, || {
        // Leftovers of clients would use up the ports of loopback before they are gone.
        std::fs::write("/proc/sys/net/ipv4/tcp_max_tw_buckets", "1000").unwrap();
        let mut server = Command::new(helper("restarting"))
            .args([PORT.to_string().as_str(), "60000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let target = format!("{PORT}").parse().unwrap();
        let mut tester = BindTester::new(Clock::start());
        let mut tests = 0;
        while server.try_wait().unwrap().is_none() {
            tester.test(&target);
            tests += 1;
        }
        let output = server.wait_with_output().unwrap();
        println!("{tests} tests");
        assert!(tests > 1, "there was a test meanwhile");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "0\n",
            "starts that failed"
        );
    });
}
