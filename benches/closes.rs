//! Connections of a millisecond, each end of which must be reported once: `cargo bench --bench closes`.
//!
//! In a network namespace of its own some processes make 5,000 connections a second for a minute
//! (`SOCKEYE_CLOSES_SECONDS`, `SOCKEYE_CLOSES_RATE`): TCP over IPv4 and IPv6, closed by the client or by the server, and
//! UDP. `sockeye watch --json --all` runs beside them without any capability and, if root runs the bench, once more as
//! another user. The processes know both ends of each connection; what is printed is compared with that. Then the live table runs
//! beside the same load.
//!
//! A `TIME_WAIT` stays for a minute, and a snapshot has each of them. How many there are at most is
//! `net.ipv4.tcp_max_tw_buckets`; the kernel frees the sockets beyond that at once. `SOCKEYE_CLOSES_TIME_WAITS` sets it.
//! Nothing is asserted.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]
#![cfg(target_os = "linux")]

mod load;
mod session;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use load::Outcome;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::TimeValLike as _;
use nix::unistd::{Pid, Uid};
use serde::Deserialize;
use session::{Session, memory_of};

const ROLE: &str = "SOCKEYE_CLOSES_ROLE";

/// The number of a generator, and how many connections it makes in a second.
const ORDERS: &str = "SOCKEYE_CLOSES_ORDERS";

/// Processes that make connections, each both ends of its own.
const GENERATORS: u32 = 2;

/// Server addresses of each kind of connection, so that no client port is in two `TIME_WAIT`s.
const SERVERS: u8 = 16;

/// The longest list of connections that are opened at once, when time was lost.
const MOST_AT_ONCE: u64 = 100;

/// How long a connection stays open.
const LIFE: Duration = Duration::from_millis(1);

/// All of `fd00:5c::/32` is local, as all of 127/8 is, and can be bound to.
const SCRIPT: &str = "ip link set lo up && ip -6 route add local fd00:5c::/32 dev lo \
    && echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind \
    && echo '1024 65535' >/proc/sys/net/ipv4/ip_local_port_range \
    && { [ -z \"$SOCKEYE_CLOSES_TIME_WAITS\" ] \
         || echo $SOCKEYE_CLOSES_TIME_WAITS >/proc/sys/net/ipv4/tcp_max_tw_buckets; } && exec \"$0\"";

/// Removes all capabilities.
const UNPRIVILEGED: [&str; 2] = ["--bounding-set=-all", "--inh-caps=-all"];

/// The user and group `nobody`.
const OTHER_USER: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

fn main() -> Outcome {
    match std::env::var(ROLE).as_deref() {
        Ok("generate") => generate(),
        Ok("alone") => alone(),
        Ok("watch") => beside_watch(&[]),
        Ok("other user") => beside_watch(&OTHER_USER),
        Ok("live") => beside_live_table(),
        Ok(other) => Err(format!("no role {other}").into()),
        Err(_) => {
            let only = std::env::var("SOCKEYE_CLOSES_ONLY").ok();
            let roles = ["alone", "watch", "other user", "live"].into_iter();
            let roles = roles.filter(|role| only.as_deref().is_none_or(|only| only == *role));
            let mut possible =
                roles.filter(|role| *role != "other user" || Uid::effective().is_root());
            possible.try_for_each(stage)
        }
    }
}

/// Runs this program in a role in a network namespace of its own.
fn stage(role: &str) -> Outcome {
    let namespaces = if Uid::effective().is_root() {
        "-n"
    } else {
        "-Urn"
    };
    let status = Command::new("unshare")
        .args([namespaces, "--kill-child", "sh", "-ec", SCRIPT])
        .arg(std::env::current_exe()?)
        .env(ROLE, role)
        // A backtrace of each error that is only a result would be measured, too.
        .env_remove("RUST_BACKTRACE")
        .status()?;
    let failure = || format!("{role}: {status}").into();
    status.success().then_some(()).ok_or_else(failure)
}

fn seconds() -> Outcome<Duration> {
    Ok(Duration::from_secs(number("SOCKEYE_CLOSES_SECONDS", 60)?))
}

fn number(name: &str, default: u64) -> Outcome<u64> {
    Ok(std::env::var(name).map_or(Ok(default), |text| text.parse())?)
}

/// How fast the load is without the program.
fn alone() -> Outcome {
    let load = Load::start()?;
    thread::sleep(seconds()? / 4);
    println!("alone: {}", load.end()?.speed());
    Ok(())
}

fn beside_watch(user: &[&str]) -> Outcome {
    let watch = Watch::start(user)?;
    // What is there in its first snapshot is no change.
    thread::sleep(Duration::from_secs(2));
    let (load, began, before) = (Load::start()?, Instant::now(), cpu_of(watch.pid())?);
    thread::sleep(seconds()?);
    let (took, after) = (began.elapsed(), cpu_of(watch.pid())?);
    let time_waits = time_waits()?;
    let made = load.end()?;
    // The last close is printed within an interval.
    thread::sleep(Duration::from_secs(3));
    let memory = peak_memory_of(watch.pid())?;
    let as_whom = if user.is_empty() {
        "without capabilities"
    } else {
        "as another user"
    };
    println!("watch {as_whom}: {}; {time_waits}", made.speed());
    println!(
        "  CPU: {}; memory: {memory:.1} MiB at most",
        after.share_of(&before, took)
    );
    println!("  {}", compare(&made.ends, &watch.end()?));
    Ok(())
}

fn beside_live_table() -> Outcome {
    let mut session = Session::start(&["--all"]);
    thread::sleep(Duration::from_secs(2));
    let (load, began) = (Load::start()?, Instant::now());
    println!("| live table after | sockets | CPU | key to screen, ms | memory |");
    println!("|---|---|---|---|---|");
    let seconds = seconds()?;
    loop {
        let (cpu, _) = session.rest(Duration::from_secs(8).min(seconds / 3))?;
        let waits = session.move_about(80);
        println!(
            "| {:.0} s | {} | {cpu:.1} % | {} | {:.1} MiB |",
            began.elapsed().as_secs_f64(),
            time_waits()?,
            waits.summary(),
            session.memory()?,
        );
        if began.elapsed() > seconds {
            break;
        }
    }
    println!("  peak: {:.1} MiB", peak_memory_of(session.pid().parse()?)?);
    session.end();
    println!("  {}", load.end()?.speed());
    Ok(())
}

/// One end of a connection: whether it is TCP, its own address, and its peer's.
type End = (bool, SocketAddr, SocketAddr);

/// What the generators did.
struct Made {
    connections: u64,
    took: Duration,
    /// Of the generators.
    cpu: Duration,
    ends: HashMap<End, u32>,
}

impl Made {
    #[allow(clippy::cast_precision_loss, reason = "figures for people")]
    fn speed(&self) -> String {
        let (count, seconds) = (self.connections, self.took.as_secs_f64());
        let millis = self.took.as_millis().max(1);
        let rate = u128::from(count) * 1000 / millis;
        let each = self.cpu.as_micros() / u128::from(count.max(1));
        format!(
            "{count} connections in {seconds:.0} s ({rate} a second), {each} µs of CPU for each"
        )
    }
}

/// The processes that make connections.
struct Load {
    generators: Vec<(Child, ChildStdin, ChildStdout)>,
    began: Instant,
}

impl Load {
    fn start() -> Outcome<Self> {
        let rate = number("SOCKEYE_CLOSES_RATE", 5000)? / u64::from(GENERATORS);
        let generator = |number: u32| -> Outcome<_> {
            let mut child = Command::new(std::env::current_exe()?)
                .env(ROLE, "generate")
                .env(ORDERS, format!("{number} {rate}"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let stdin = child.stdin.take().ok_or("no standard input")?;
            let stdout = child.stdout.take().ok_or("no standard output")?;
            Ok((child, stdin, stdout))
        };
        Ok(Self {
            generators: (0..GENERATORS).map(generator).collect::<Outcome<_>>()?,
            began: Instant::now(),
        })
    }

    fn end(self) -> Outcome<Made> {
        let mut made = Made {
            connections: 0,
            took: self.began.elapsed(),
            cpu: Duration::ZERO,
            ends: HashMap::new(),
        };
        let (children, outputs): (Vec<_>, Vec<_>) = self
            .generators
            .into_iter()
            .map(|(child, stdin, stdout)| {
                drop(stdin);
                (child, stdout)
            })
            .unzip();
        for (mut child, output) in children.into_iter().zip(outputs) {
            for line in BufReader::new(output).lines() {
                made.add(&line?)?;
            }
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("a generator failed: {status}").into());
            }
        }
        Ok(made)
    }
}

impl Made {
    /// A line of a generator: one end, or at last its number of connections and its CPU time in microseconds.
    fn add(&mut self, line: &str) -> Outcome {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["total", connections, cpu] => {
                self.connections += connections.parse::<u64>()?;
                self.cpu += Duration::from_micros(cpu.parse()?);
            }
            [protocol, local, remote] => {
                let end = (protocol == "tcp", local.parse()?, remote.parse()?);
                *self.ends.entry(end).or_default() += 1;
            }
            _ => return Err(format!("an odd line: {line}").into()),
        }
        Ok(())
    }
}

/// `sockeye watch`, and what it prints.
struct Watch {
    child: Child,
    reader: JoinHandle<Printed>,
}

impl Watch {
    fn start(user: &[&str]) -> Outcome<Self> {
        let mut child = Command::new("setpriv")
            .args(user)
            .args(UNPRIVILEGED)
            .arg(env!("CARGO_BIN_EXE_sockeye"))
            .args(["watch", "--json", "--all"])
            .stdout(Stdio::piped())
            .spawn()?;
        let out = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let read = move || {
            let mut printed = Printed::default();
            for line in out.lines().map_while(Result::ok) {
                printed.add(&line);
            }
            printed
        };
        Ok(Self {
            child,
            reader: thread::spawn(read),
        })
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn end(mut self) -> Outcome<Printed> {
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGTERM)?;
        self.child.wait()?;
        self.reader.join().map_err(|_| "the reader panicked".into())
    }
}

/// What was printed about the ends of connections.
#[derive(Default)]
struct Printed {
    ends: HashMap<End, u32>,
    gaps: Vec<String>,
    lines: u64,
    bytes: usize,
    /// How often a `TIME_WAIT` was the end.
    time_waits: u64,
}

#[derive(Deserialize)]
struct Line {
    kind: String,
    code: Option<String>,
    from: Option<Side>,
    socket: Option<PrintedSocket>,
}

#[derive(Deserialize)]
struct Side {
    state: Option<String>,
}

#[derive(Deserialize)]
struct PrintedSocket {
    protocol: String,
    state: String,
    local: Option<Address>,
    remote: Option<Address>,
}

#[derive(Deserialize)]
struct Address {
    address: IpAddr,
    port: Option<u16>,
}

impl Printed {
    fn add(&mut self, line: &str) {
        self.lines += 1;
        self.bytes += line.len() + 1;
        let line: Line = serde_json::from_str(line).expect("each line is an object");
        if line.kind == "gap" {
            self.gaps.extend(line.code);
        } else if let Some(socket) = line.socket {
            let from = line.from.and_then(|from| from.state);
            self.add_change(&line.kind, from.as_deref(), &socket);
        }
    }

    /// An end is a socket that has closed, or waits in `TIME_WAIT`; the end of that is no other one.
    fn add_change(&mut self, kind: &str, from: Option<&str>, socket: &PrintedSocket) {
        const TIME_WAIT: &str = "TIME_WAIT";
        let is_time_wait = socket.state == TIME_WAIT;
        let has_closed = matches!(kind, "closed" | "gone_between") && from != Some(TIME_WAIT);
        let address = |one: &Option<Address>| {
            let one = one.as_ref()?;
            Some(SocketAddr::new(one.address, one.port?))
        };
        if let Some((local, remote)) = address(&socket.local).zip(address(&socket.remote))
            && (is_time_wait || has_closed)
        {
            self.time_waits += u64::from(is_time_wait);
            let end = (socket.protocol == "tcp", local, remote);
            *self.ends.entry(end).or_default() += 1;
        }
    }
}

fn compare(made: &HashMap<End, u32>, printed: &Printed) -> String {
    let (mut once, mut missing, mut again, mut invented) = (0, 0, 0, 0);
    for (end, &count) in made {
        let reported = printed.ends.get(end).copied().unwrap_or(0);
        once += count.min(reported);
        missing += count.saturating_sub(reported);
        again += reported.saturating_sub(count);
    }
    for (end, &count) in &printed.ends {
        if !made.contains_key(end) {
            invented += count;
        }
    }
    let Printed {
        lines,
        bytes,
        time_waits,
        gaps,
        ..
    } = printed;
    let total: u32 = made.values().sum();
    let each = bytes / usize::try_from(*lines).unwrap_or(1).max(1);
    format!(
        "of {total} ends: {once} reported once, {missing} missing, {again} reported again, {invented} invented; {time_waits} as \
         TIME_WAIT; {lines} lines of {each} bytes; gaps: {gaps:?}"
    )
}

/// CPU time of a process and of its thread that reads the reports.
struct Cpu {
    all: Duration,
    reader: Duration,
}

impl Cpu {
    fn share_of(&self, before: &Self, time: Duration) -> String {
        let share = |now: Duration, then: Duration| {
            now.saturating_sub(then).as_secs_f64() / time.as_secs_f64() * 100.0
        };
        let (all, reader) = (
            share(self.all, before.all),
            share(self.reader, before.reader),
        );
        format!("{all:.1} % of a core, of which {reader:.1} % read the reports")
    }
}

fn cpu_of(pid: u32) -> Outcome<Cpu> {
    let mut cpu = Cpu {
        all: cpu_in(&format!("/proc/{pid}/stat"))?,
        reader: Duration::ZERO,
    };
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        if std::fs::read_to_string(task.join("comm"))? == "destroyed\n" {
            cpu.reader += cpu_in(&task.join("stat").to_string_lossy())?;
        }
    }
    Ok(cpu)
}

/// User and system time, fields 14 and 15, in hundredths of a second.
fn cpu_in(stat: &str) -> Outcome<Duration> {
    let stat = std::fs::read_to_string(stat)?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("an odd stat file")?;
    let times = fields.split(' ').skip(11).take(2);
    let ticks: u64 = times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// The most memory that was resident, in MiB.
fn peak_memory_of(pid: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|line| line.split_whitespace().next());
    match kib {
        Some(kib) => Ok(kib.parse::<f64>()? / 1024.0),
        None => memory_of(&pid.to_string()),
    }
}

/// `12345 TIME_WAIT`.
fn time_waits() -> Outcome<String> {
    let table = std::fs::read_to_string("/proc/net/sockstat")?;
    let mut words = table.split_whitespace().skip_while(|word| *word != "tw");
    let count = words.nth(1).ok_or("no count")?;
    Ok(format!("{count} TIME_WAIT"))
}

/// The kinds of connections.
#[derive(Clone, Copy)]
enum Kind {
    ClosedByClient,
    ClosedByServer,
    Udp,
}

const KINDS: [Kind; 3] = [Kind::ClosedByClient, Kind::ClosedByServer, Kind::Udp];

/// A server on one address.
enum Server {
    Tcp(TcpListener, Kind),
    Udp(UdpSocket),
}

/// An open connection: which end closes first, and the other one.
enum Open {
    Tcp(TcpStream, TcpStream),
    Udp(UdpSocket),
}

impl Server {
    fn bind(kind: Kind, ip: IpAddr) -> Outcome<Self> {
        let address = (ip, 7000);
        Ok(match kind {
            Kind::Udp => Self::Udp(UdpSocket::bind(address)?),
            tcp => Self::Tcp(TcpListener::bind(address)?, tcp),
        })
    }

    /// Connects, and exchanges some bytes; writes down each end.
    fn connect(&self, number: usize, ends: &mut Vec<End>) -> Outcome<Open> {
        let (mut buffer, question, answer) = ([0; 1024], 1 + number % 700, number % 300);
        match self {
            Self::Tcp(listener, kind) => {
                let server = listener.local_addr()?;
                let mut client = TcpStream::connect(server)?;
                let own = client.local_addr()?;
                let (mut accepted, _) = listener.accept()?;
                client.write_all(&buffer[..question])?;
                accepted.read_exact(&mut buffer[..question])?;
                accepted.write_all(&buffer[..answer])?;
                client.read_exact(&mut buffer[..answer])?;
                ends.extend([(true, own, server), (true, server, own)]);
                Ok(match kind {
                    Kind::ClosedByServer => Open::Tcp(accepted, client),
                    _ => Open::Tcp(client, accepted),
                })
            }
            Self::Udp(server) => {
                let address = server.local_addr()?;
                let any = match address {
                    SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                };
                let client = UdpSocket::bind((any, 0))?;
                client.connect(address)?;
                client.send(&buffer[..question])?;
                server.recv(&mut buffer)?;
                ends.push((false, client.local_addr()?, address));
                Ok(Open::Udp(client))
            }
        }
    }
}

impl Open {
    fn close(self) {
        match self {
            Self::Tcp(first, second) => {
                drop(first);
                drop(second);
            }
            Self::Udp(client) => drop(client),
        }
    }
}

/// Makes connections until standard input ends, then writes down what it made.
fn generate() -> Outcome {
    let orders = std::env::var(ORDERS)?;
    let (number, rate) = orders.split_once(' ').ok_or("no orders")?;
    let (number, rate): (u8, u64) = (number.parse()?, rate.parse()?);
    let servers = servers(number)?;
    let (mut ends, mut open) = (Vec::new(), Vec::new());
    let (stopped, began) = (stopped(), Instant::now());
    let mut made = 0;
    while !stopped.load(Ordering::Relaxed) {
        let due = began.elapsed().as_micros() * u128::from(rate) / 1_000_000;
        let due = u64::try_from(due)?.saturating_sub(made).min(MOST_AT_ONCE);
        let last = std::mem::take(&mut open);
        for _ in 0..due {
            let at = usize::try_from(made)?;
            open.push(servers[at % servers.len()].connect(at, &mut ends)?);
            made += 1;
        }
        last.into_iter().for_each(Open::close);
        thread::sleep(LIFE);
    }
    open.into_iter().for_each(Open::close);
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (is_tcp, local, remote) in ends {
        writeln!(
            out,
            "{} {local} {remote}",
            if is_tcp { "tcp" } else { "udp" }
        )?;
    }
    writeln!(out, "total {made} {cpu}")?;
    Ok(out.flush()?)
}

/// The kinds and families one after the other, each on many addresses.
fn servers(generator: u8) -> Outcome<Vec<Server>> {
    let mut servers = Vec::new();
    for host in 1..=SERVERS {
        for (net, kind) in (1..).zip(KINDS) {
            let v4 = Ipv4Addr::new(127, 20 + generator, net, host);
            let v6 = Ipv6Addr::new(
                0xfd00,
                0x5c,
                generator.into(),
                net.into(),
                0,
                0,
                0,
                host.into(),
            );
            servers.push(Server::bind(kind, v4.into())?);
            servers.push(Server::bind(kind, v6.into())?);
        }
    }
    Ok(servers)
}

/// Becomes true when standard input ends.
fn stopped() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        set.store(true, Ordering::Relaxed);
    });
    flag
}
