//! How long `sockeye check` takes on a busy machine: `cargo bench --bench check`.
//!
//! Beside the load of 10,420 sockets and 1,020 processes it tests a port whose owner has many
//! descriptors (so that it is looked at first), one whose owner has the fewest (so that it is looked
//! at last), and one that nobody has; and prints what one `ss -tuanp` takes. Nothing is asserted.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]

mod load;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use load::{Outcome, millis};

const ROUNDS: usize = 21;

fn main() -> Outcome {
    load::run_beside(bench)
}

fn bench() -> Outcome {
    println!("{}", load::one_listing()?);
    let first = load::a_listening_port()?;
    measure("owner looked at first", &first)?;
    let last = Lone::start()?;
    measure("owner looked at last", &last.port.to_string())?;
    measure("nobody has it", "81")
}

fn measure(what: &str, port: &str) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(["check", "--quiet", port])
            .status()?;
        times.push(millis(began.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    println!(
        "check, {what}: median {:.0} ms, worst {:.0} of {ROUNDS}",
        times[ROUNDS / 2],
        times[ROUNDS - 1]
    );
    Ok(())
}

/// `sleep` with a listener for its standard input, and hardly anything else open.
struct Lone {
    child: Child,
    port: u16,
}

impl Lone {
    fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let mut sleep = Command::new("sleep");
        sleep
            .arg("100")
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
        let child = sleep.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        // The listener goes with the command: from here on it is the child's alone.
        drop(sleep);
        Ok(Self { child, port })
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
