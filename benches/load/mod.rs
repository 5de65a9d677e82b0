//! The load that the benches share: 10,420 sockets and 1,020 processes, in a network namespace of its
//! own, and what one `ss -tuanp` takes on it.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What this process is: a part of the load, or the bench inside the namespace.
const ROLE: &str = "SOCKEYE_BENCH_ROLE";
const WORKERS: usize = 20;
const IDLE_PROCESSES: usize = 1000;

/// Runs a bench beside the load. Every process of it is this program again.
pub fn run_beside(bench: impl FnOnce() -> Outcome) -> Outcome {
    match std::env::var(ROLE).as_deref() {
        Ok("worker") => hold_sockets(),
        Ok("idle") => hold_files(),
        Ok("bench") => {
            let _load = Load::start()?;
            bench()
        }
        _ => {
            let status = Command::new("unshare")
                .args([
                    "-Urn",
                    "--kill-child",
                    "sh",
                    "-ec",
                    "ip link set lo up && exec \"$0\"",
                ])
                .arg(std::env::current_exe()?)
                .env(ROLE, "bench")
                .status()?;
            if status.success() {
                Ok(())
            } else {
                Err(status.to_string().into())
            }
        }
    }
}

/// How long one `ss -tuanp` takes, in words.
pub fn one_listing() -> Outcome<String> {
    let began = Instant::now();
    let listing = Command::new("ss")
        .arg("-tuanp")
        .stderr(Stdio::null())
        .output()?;
    let took = millis(began.elapsed());
    let rows = String::from_utf8_lossy(&listing.stdout).lines().count() - 1;
    Ok(format!("ss -tuanp: {rows} rows in {took:.0} ms"))
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The processes of the load; they end with it.
struct Load(Vec<Child>);

impl Load {
    fn start() -> Outcome<Self> {
        let mut load = Self(Vec::new());
        let roles = std::iter::repeat_n("worker", WORKERS);
        for role in roles.chain(std::iter::repeat_n("idle", IDLE_PROCESSES)) {
            let child = Command::new(std::env::current_exe()?)
                .env(ROLE, role)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            load.0.push(child);
        }
        for child in &mut load.0 {
            let out = child.stdout.take().ok_or("no standard output")?;
            BufReader::new(out).read_line(&mut String::new())?;
        }
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// 10 listeners, 250 connections with both ends, 10 UDP sockets, and the listener of the
/// connections.
fn hold_sockets() -> Outcome {
    let listeners: Vec<_> = (0..10)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let datagrams: Vec<_> = (0..10)
        .map(|_| UdpSocket::bind("127.0.0.1:0"))
        .collect::<Result<_, _>>()?;
    let server = TcpListener::bind("127.0.0.1:0")?;
    let mut streams = Vec::new();
    for _ in 0..250 {
        streams.push(TcpStream::connect(server.local_addr()?)?);
        streams.push(server.accept()?.0);
    }
    wait_for_the_end((listeners, datagrams, server, streams))
}

fn hold_files() -> Outcome {
    let files: Vec<_> = (0..20)
        .map(|_| std::fs::File::open("/dev/null"))
        .collect::<Result<_, _>>()?;
    wait_for_the_end(files)
}

fn wait_for_the_end<T>(held: T) -> Outcome {
    println!("ready");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    drop(held);
    Ok(())
}
