//! What the commands that run once take on a busy machine: `cargo bench --bench once`.
//!
//! Beside the load of 10,420 sockets and 1,020 processes: `list`, and `list` and `check` of a port whose
//! owner has many descriptors (so that it is scanned first), of one whose owner has the fewest (so that
//! it is scanned last), and of a free one; and one `ss -tuanp`. Medians; nothing is asserted.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]

mod load;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use load::{Outcome, Took, median, millis, time};

const ROUNDS: usize = 11;

fn main() -> Outcome {
    load::run_beside(bench)
}

fn bench() -> Outcome {
    println!("| command | CPU, ms | wall, ms | CPU ÷ ss |\n|---|---|---|---|");
    let ss = median(ROUNDS, || Ok(time(Command::new("ss").arg("-tuanp"))?.0))?;
    print_row("`ss -tuanp`", ss, ss);
    measure("`list`", &["list"], ss)?;
    measure("`list --all`", &["list", "--all"], ss)?;
    let (first, last) = (load::a_listening_port()?, Lone::start()?);
    let ports = [
        ("of a server", first),
        ("of `sleep`", last.port.to_string()),
        ("of a free one", "81".to_owned()),
    ];
    for (whose, port) in &ports {
        measure(
            &format!("`list :PORT` {whose}"),
            &["list", &format!(":{port}")],
            ss,
        )?;
        measure(
            &format!("`check PORT` {whose}"),
            &["check", "--quiet", port],
            ss,
        )?;
    }
    Ok(())
}

fn measure(what: &str, arguments: &[&str], ss: Took) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(arguments);
    print_row(what, median(ROUNDS, || Ok(time(&mut command)?.0))?, ss);
    Ok(())
}

fn print_row(what: &str, took: Took, ss: Took) {
    println!(
        "| {what} | {:.0} | {:.0} | {:.2} |",
        millis(took.cpu),
        millis(took.wall),
        took.cpu.as_secs_f64() / ss.cpu.as_secs_f64()
    );
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
            .arg("1000")
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
