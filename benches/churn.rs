//! The live table and `watch` while connections come and go: `cargo bench --bench churn`.
//!
//! In a namespace of its own some processes open 2,000 connections a second between them, exchange a byte
//! and close, at once or, with `SOCKEYE_CHURN_SOCKETS=100000`, when so many sockets are there. They spread over many addresses of 127/8, and every second connection is reset
//! (`SO_LINGER` 0) instead of leaving a `TIME_WAIT`, so that no port runs out. A third opens listeners at
//! uneven times and closes each after three seconds or more, and writes down when; `sockeye watch` must
//! print each of them with this process, and how late it does is the difference. Meanwhile the live table
//! shows everything. `SOCKEYE_CHURN_SECONDS=600` makes the ten minutes of `benches/README.md`; a minute is
//! the default. Nothing is asserted.
#![allow(clippy::print_stdout, reason = "its figures are its result")]
#![allow(clippy::disallowed_methods, reason = "it measures")]
#![cfg(target_os = "linux")]

mod load;
mod session;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use load::{Outcome, millis, time};
use session::{Session, Waits, descriptors_and_threads_of, memory_of};

const ROLE: &str = "SOCKEYE_CHURN_ROLE";

/// Connections that are opened in a second, by all together.
const RATE: u32 = 2000;

/// Connections that one process keeps at most: each takes two descriptors, of 20,000 that there may be.
const MOST_KEPT: u32 = 9000;

/// Servers of a process, and so connections that it makes one after the other before it looks at the time.
const TURN: u8 = 20;

/// Arguments of a connecting process: how many it opens in a second, and how many it keeps.
const ORDERS: &str = "SOCKEYE_CHURN_ORDERS";

/// Time between two lines of the table.
const SAMPLE: Duration = Duration::from_secs(30);

fn main() -> Outcome {
    match std::env::var(ROLE).as_deref() {
        Ok("connect") => open_and_close(),
        Ok("listen") => listen_now_and_then(),
        Ok(_) => bench(),
        Err(_) => {
            let script = "ip link set lo up && echo '1024 65535' >/proc/sys/net/ipv4/ip_local_port_range \
                          && exec \"$0\"";
            let status = Command::new("unshare")
                .args(["-Urn", "--kill-child", "sh", "-ec", script])
                .arg(std::env::current_exe()?)
                .env(ROLE, "bench")
                .status()?;
            status
                .success()
                .then_some(())
                .ok_or_else(|| status.to_string().into())
        }
    }
}

fn bench() -> Outcome {
    let seconds = std::env::var("SOCKEYE_CHURN_SECONDS").unwrap_or_else(|_| "60".to_owned());
    let end = Instant::now() + Duration::from_secs(seconds.parse()?);
    let sockets = std::env::var("SOCKEYE_CHURN_SOCKETS").unwrap_or_else(|_| "0".to_owned());
    let kept = sockets.parse::<u32>()? / 2;
    let connectors = kept.div_ceil(MOST_KEPT).max(2);
    let orders = format!("{} {}", RATE / connectors, kept / connectors);
    let connectors: Vec<_> = (0..connectors)
        .map(|_| Part::start_with("connect", &orders))
        .collect::<Outcome<_>>()?;
    std::thread::sleep(Duration::from_secs((5 + kept / RATE).into()));
    let mut watch = Watch::start()?;
    // What is there at its first reading is no change.
    std::thread::sleep(Duration::from_secs(2));
    let listener = Part::start("listen")?;
    let mut session = Session::start(&["--all"]);
    session.begin();
    std::thread::sleep(Duration::from_secs(5));
    println!(
        "| after | connections | sockets | live: memory | descriptors, threads | CPU | moves, ms | watch: memory | descriptors, threads | ss -tuanp |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let began = Instant::now();
    sample(began, &connectors, &mut session, &watch)?;
    while Instant::now() + SAMPLE <= end {
        std::thread::sleep(SAMPLE.saturating_sub(Duration::from_secs(8)));
        sample(began, &connectors, &mut session, &watch)?;
    }
    session.end();
    let done = listener.end()?;
    // The last close is printed within an interval and a second snapshot.
    std::thread::sleep(Duration::from_secs(3));
    watch.end()?;
    compare(&done, &watch.events());
    Ok(())
}

fn sample(began: Instant, connectors: &[Part], session: &mut Session, watch: &Watch) -> Outcome {
    let after = began.elapsed();
    let made: u64 = connectors.iter().map(Part::count).sum();
    let (cpu, _) = session.rest(Duration::from_secs(5))?;
    let waits: Waits = session.move_about(40);
    let (ss, _) = time(Command::new("ss").arg("-tuanp"))?;
    let sockets = std::fs::read_to_string("/proc/net/sockstat")?;
    let words: Vec<_> = sockets.split_whitespace().collect();
    let count = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        at.and_then(|at| words.get(at + 1)?.parse::<usize>().ok())
            .unwrap_or(0)
    };
    println!(
        "| {:.0} s | {made} | {} + {} TIME_WAIT | {:.1} MiB | {} | {cpu:.1} % | {} | {:.1} MiB | {} | {:.0} ms |",
        after.as_secs_f64(),
        count("inuse"),
        count("tw"),
        session.memory()?,
        descriptors_and_threads_of(&session.pid())?,
        waits.summary(),
        memory_of(&watch.child.id().to_string())?,
        descriptors_and_threads_of(&watch.child.id().to_string())?,
        millis(ss.cpu),
    );
    Ok(())
}

/// A process of this program in another role, which prints what it does in lines.
struct Part {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Part {
    fn start(role: &str) -> Outcome<Self> {
        Self::start_with(role, "")
    }

    fn start_with(role: &str, orders: &str) -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(ROLE, role)
            .env(ORDERS, orders)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (lines, reader) = collect(&mut child)?;
        Ok(Self {
            stdin: child.stdin.take(),
            child,
            lines,
            reader,
        })
    }

    /// The number in its last line.
    fn count(&self) -> u64 {
        let lines = self.lines.lock().expect("the reader does not panic");
        lines.last().and_then(|line| line.parse().ok()).unwrap_or(0)
    }

    /// Has it come to its end, and returns its lines.
    fn end(mut self) -> Outcome<Vec<String>> {
        drop(self.stdin.take());
        self.child.wait()?;
        self.reader.join().map_err(|_| "the reader panicked")?;
        let lines = self.lines.lock().map_err(|_| "the reader panicked")?;
        Ok(lines.clone())
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

fn collect(child: &mut Child) -> Outcome<(Lines, std::thread::JoinHandle<()>)> {
    let out = BufReader::new(child.stdout.take().ok_or("no standard output")?);
    let lines = Lines::default();
    let kept = Arc::clone(&lines);
    let reader = std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            kept.lock().expect("no thread panics with it").push(line);
        }
    });
    Ok((lines, reader))
}

/// `sockeye watch` of listeners only.
struct Watch {
    child: Child,
    lines: Lines,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    fn start() -> Outcome<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(["watch", "--json", "--changes-only", "state:listen"])
            .stdout(Stdio::piped())
            .spawn()?;
        let (lines, reader) = collect(&mut child)?;
        Ok(Self {
            child,
            lines,
            reader: Some(reader),
        })
    }

    fn end(&mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        let reader = self.reader.take().ok_or("it ended before")?;
        reader.join().map_err(|_| "the reader panicked".into())
    }

    fn events(&self) -> Vec<serde_json::Value> {
        let lines = self.lines.lock().expect("the reader does not panic");
        lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}

/// What the listening process did (`opened PORT PID MILLIS`, `closed …`) and what `watch` printed.
fn compare(done: &[String], printed: &[serde_json::Value]) {
    let mut heard: HashMap<(String, u64), Vec<&serde_json::Value>> = HashMap::new();
    for event in printed {
        let change = event["kind"].as_str().unwrap_or_default().to_owned();
        let port = event["socket"]["local"]["port"]
            .as_u64()
            .unwrap_or_default();
        heard.entry((change, port)).or_default().push(event);
    }
    let (mut missed, mut twice, mut wrong_owner, mut unknown) = (0, 0, 0, 0);
    let mut late = Vec::new();
    for line in done {
        let words: Vec<_> = line.split(' ').collect();
        let [change, port, pid, at] = words[..] else {
            continue;
        };
        let key = (change.to_owned(), port.parse().unwrap_or(0));
        let events = heard.get(&key).map_or(&[][..], Vec::as_slice);
        twice += events.len().saturating_sub(1);
        let Some(event) = events.first() else {
            missed += 1;
            continue;
        };
        match event["socket"]["pids"][0].as_u64() {
            None => unknown += 1,
            owner => wrong_owner += usize::from(owner != pid.parse().ok()),
        }
        let seen = event["at"]
            .as_str()
            .and_then(|at| at.parse::<Timestamp>().ok());
        let done_at = at.parse::<i64>().unwrap_or_default();
        late.extend(seen.map(|seen| seen.as_millisecond() - done_at));
    }
    late.sort_unstable();
    let (median, worst) = (late.get(late.len() / 2), late.last());
    println!(
        "listeners opened and closed: {} events, {missed} missed, {twice} printed twice, {wrong_owner} by another \
         process, {unknown} before its process was found; printed after ms: median {median:?}, worst {worst:?}",
        done.len()
    );
}

/// Twenty addresses, each with a server; connections to one after the other. The oldest is closed when
/// there are as many as shall be kept.
fn open_and_close() -> Outcome {
    let orders = std::env::var(ORDERS)?;
    let (rate, kept) = orders.split_once(' ').ok_or("no orders")?;
    let (rate, kept): (u32, usize) = (rate.parse()?, kept.parse()?);
    let mut open = VecDeque::with_capacity(kept + 1);
    let net = u8::try_from(std::process::id() % 200)? + 20;
    let listeners: Vec<_> = (1..=TURN)
        .map(|host| TcpListener::bind((Ipv4Addr::new(127, net, 1, host), 7000)))
        .collect::<Result<_, _>>()?;
    let addresses: Vec<SocketAddr> = listeners
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<_, _>>()?;
    let (began, mut made) = (Instant::now(), 0_u32);
    let stopped = stopped();
    while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
        for (listener, address) in listeners.iter().zip(&addresses) {
            let mut client = TcpStream::connect(address)?;
            let (mut server, _) = listener.accept()?;
            client.write_all(b"?")?;
            server.read_exact(&mut [0])?;
            if made.is_multiple_of(2) {
                socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO))?;
            }
            made += 1;
            open.push_back((client, server));
            if open.len() > kept {
                open.pop_front();
            }
        }
        if made % rate < TURN.into() {
            println!("{made}");
        }
        let due = Duration::from_secs_f64(f64::from(made) / f64::from(rate));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    Ok(())
}

/// A listener every 300 ms or so, each for three to five seconds.
fn listen_now_and_then() -> Outcome {
    let pid = std::process::id();
    let write_event = |what: &str, port: u16| {
        println!("{what} {port} {pid} {}", Timestamp::now().as_millisecond());
    };
    let stopped = stopped();
    let mut open: Vec<(Instant, u16, TcpListener)> = Vec::new();
    for turn in 0_u64.. {
        let is_over = stopped.load(std::sync::atomic::Ordering::Relaxed);
        if is_over && open.is_empty() {
            break;
        }
        while open.first().is_some_and(|(end, ..)| *end <= Instant::now()) {
            let (_, port, listener) = open.remove(0);
            drop(listener);
            write_event("closed", port);
        }
        // Each its own port, so that each is one line of either kind.
        let port = u16::try_from(10_000 + turn % 50_000)?;
        if !is_over && let Ok(listener) = TcpListener::bind((Ipv4Addr::new(127, 9, 9, 9), port)) {
            write_event("opened", port);
            open.push((Instant::now() + Duration::from_secs(4), port, listener));
        }
        std::thread::sleep(Duration::from_millis(200 + turn * 37 % 211));
    }
    Ok(())
}

/// Becomes true when standard input ends.
fn stopped() -> Arc<std::sync::atomic::AtomicBool> {
    let flag = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let set = Arc::clone(&flag);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        set.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    flag
}
