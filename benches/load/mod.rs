//! The load that the benches share: sockets and processes in a network namespace of their own, and the
//! neighbour that they are measured beside, `ss -tuanp`.
#![allow(dead_code, reason = "each bench uses its own part of it")]

use std::error::Error;
use std::fmt;
use std::io::{BufRead as _, BufReader, PipeWriter};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What this process is: a part of the load, or the bench inside the namespace.
const ROLE: &str = "SOCKEYE_BENCH_ROLE";

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Processes with 510 sockets each: 11 listeners, 250 connections with both ends, 10 UDP sockets.
    pub workers: usize,
    /// Processes with 20 files each.
    pub idle: usize,
}

impl Size {
    /// 10,420 sockets and 1,020 processes: what the budgets are for.
    pub const BUDGETS: Self = Self {
        workers: 20,
        idle: 1000,
    };
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sockets, processes) = (self.workers * 521, self.workers + self.idle);
        write!(f, "{sockets} sockets, {processes} processes")
    }
}

/// Runs a bench beside the load that the budgets are for.
pub fn run_beside(bench: impl FnOnce() -> Outcome) -> Outcome {
    run_beside_each("", &[Size::BUDGETS], |_| bench())
}

/// Runs a bench beside each of these loads in turn, after a heading. Every process of it is this
/// program again.
pub fn run_beside_each(
    heading: &str,
    sizes: &[Size],
    bench: impl FnOnce(Size) -> Outcome,
) -> Outcome {
    let role = std::env::var(ROLE).unwrap_or_default();
    match role.as_str() {
        "worker" => return keep_sockets_open(),
        "idle" => return keep_files_open(),
        "namespace" => return keep_namespace(),
        "" => {}
        numbers => {
            let (workers, idle) = numbers.split_once('+').ok_or("no size")?;
            let size = Size {
                workers: workers.parse()?,
                idle: idle.parse()?,
            };
            let _load = Load::start(size)?;
            return bench(size);
        }
    }
    println!("{heading}");
    for size in sizes {
        let status = Command::new("unshare")
            // Other processes of this machine are no part of the load.
            .args(["-Urnpf", "--mount-proc", "--kill-child", "sh", "-ec"])
            .arg("ip link set lo up && exec \"$0\"")
            .arg(std::env::current_exe()?)
            .env(ROLE, format!("{}+{}", size.workers, size.idle))
            .status()?;
        if !status.success() {
            return Err(status.to_string().into());
        }
    }
    Ok(())
}

/// What a command took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// By the clock on the wall.
    pub wall: Duration,
    /// Of processors, its own and the kernel's for it.
    pub cpu: Duration,
}

/// Runs a command to its end, its output thrown away.
pub fn time(command: &mut Command) -> Outcome<(Took, ExitStatus)> {
    let (began, used) = (Instant::now(), cpu_of_children()?);
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let took = Took {
        wall: began.elapsed(),
        cpu: cpu_of_children()?.saturating_sub(used),
    };
    Ok((took, status))
}

/// The median of `rounds` runs, wall and CPU each on its own.
pub fn median(rounds: usize, mut run: impl FnMut() -> Outcome<Took>) -> Outcome<Took> {
    let all: Vec<_> = (0..rounds).map(|_| run()).collect::<Result<_, _>>()?;
    let middle = |of: fn(&Took) -> Duration| {
        let mut times: Vec<_> = all.iter().map(of).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    Ok(Took {
        wall: middle(|took| took.wall),
        cpu: middle(|took| took.cpu),
    })
}

fn cpu_of_children() -> Outcome<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.try_into()?))
}

/// A port that one of the workers listens on.
pub fn a_listening_port() -> Outcome<String> {
    let listed = Command::new("ss").arg("-Hltn").output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let nth = listed.lines().count() / 2;
    let local = listed
        .lines()
        .nth(nth)
        .and_then(|line| line.split_whitespace().nth(3));
    let port = local.and_then(|local| local.rsplit(':').next());
    Ok(port.ok_or("no listener")?.to_owned())
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Runs something beside a hundred more network namespaces: half of them with a listener, ten with 20 connections, too.
pub fn beside_namespaces<T>(run: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let (begin, end) = std::io::pipe()?;
    let mut load = Load {
        children: Vec::new(),
        end: Some(end),
    };
    for number in 0..100 {
        let connections = if number < 10 { "20" } else { "0" };
        let listeners = if number < 50 { "1" } else { "0" };
        let script = "ip link set lo up && exec \"$0\"";
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-ec", script])
            .arg(std::env::current_exe()?)
            .env(ROLE, "namespace")
            .env("LISTENERS", listeners)
            .env("CONNECTIONS", connections)
            .stdin(begin.try_clone()?)
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("no standard output")?;
        load.children.push(child);
        BufReader::new(out).read_line(&mut String::new())?;
    }
    run()
}

fn keep_namespace() -> Outcome {
    let number = |name: &str| -> Outcome<usize> { Ok(std::env::var(name)?.parse()?) };
    let listeners = (0..number("LISTENERS")?).map(|_| TcpListener::bind("0.0.0.0:8080"));
    let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    let mut streams = Vec::new();
    for _ in 0..number("CONNECTIONS")? {
        streams.push(TcpStream::connect("127.0.0.1:8080")?);
        streams.push(listeners[0].accept()?.0);
    }
    wait_for_the_end((listeners, streams))
}

/// The processes of the load; they end with it.
struct Load {
    children: Vec<Child>,
    /// They wait for its end.
    end: Option<PipeWriter>,
}

impl Load {
    fn start(size: Size) -> Outcome<Self> {
        let (begin, end) = std::io::pipe()?;
        let mut load = Self {
            children: Vec::new(),
            end: Some(end),
        };
        let roles = std::iter::repeat_n("worker", size.workers);
        for role in roles.chain(std::iter::repeat_n("idle", size.idle)) {
            let mut child = Command::new(std::env::current_exe()?)
                .env(ROLE, role)
                .stdin(begin.try_clone()?)
                .stdout(Stdio::piped())
                .spawn()?;
            let out = child.stdout.take().ok_or("no standard output")?;
            load.children.push(child);
            BufReader::new(out).read_line(&mut String::new())?;
        }
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.end.take());
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}

/// 10 listeners, 250 connections with both ends, 10 UDP sockets, and the listener of the
/// connections.
fn keep_sockets_open() -> Outcome {
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

fn keep_files_open() -> Outcome {
    let files: Vec<_> = (0..20)
        .map(|_| std::fs::File::open("/dev/null"))
        .collect::<Result<_, _>>()?;
    wait_for_the_end(files)
}

fn wait_for_the_end<T>(kept: T) -> Outcome {
    println!("ready");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    drop(kept);
    Ok(())
}
