//! Processes that live for a moment, traced, compared with the pids and cookies that they print themselves.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use sockeye::clock::Clock;
use sockeye::model::{Owner, State};
use sockeye::source::{
    ProcessEvents, Source as _, System, TraceError, TraceEvent, TraceKind, TraceOwners, Tracer,
};
use sockeye::track::{Row, Tracker as RowTracker};

use crate::kernel::scene::{INNER, is_inner, run_under};
use crate::program::built;
use crate::support::netns::{has_users, in_netns_with_users};
use crate::support::{is_required, wait_until};

/// A user that is not root.
const NOBODY: [&str; 4] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

/// A socket as the helper `short_lived` prints it.
#[derive(Debug)]
struct Printed {
    kind: String,
    pid: u32,
    name: String,
    cookie: NonZeroU64,
}

/// Mounts tracefs in this mount namespace. `None` if events of all processes take another user or kernel: the test
/// did not run then.
fn tracefs() -> Option<()> {
    if !has_users() {
        eprintln!("NOT RUN: tracing takes root of the first user namespace");
        return None;
    }
    let mount = ["-t", "tracefs", "tracefs", "/sys/kernel/tracing"];
    let output = Command::new("mount").args(mount).output().unwrap();
    if !output.status.success() {
        eprintln!("NOT RUN: no tracefs: {output:?}");
        return None;
    }
    Some(())
}

/// The command that starts `count` processes of this name, below `under`.
fn short_lived(under: &[&str], name: &str, count: usize, port: u16) -> Command {
    let helper = built("kernel/helpers/short_lived.c");
    let mut words: Vec<String> = under.iter().map(|&word| word.to_owned()).collect();
    words.push(helper.to_str().unwrap().to_owned());
    words.extend([
        name.to_owned(),
        count.to_string(),
        port.to_string(),
        "20".to_owned(),
    ]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn printed(output: &[u8]) -> Vec<Printed> {
    let text = std::str::from_utf8(output).unwrap();
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        Printed {
            kind: words[0].to_owned(),
            pid: words[1].parse().unwrap(),
            name: words[2].to_owned(),
            cookie: words[3].parse().unwrap(),
        }
    });
    lines.collect()
}

/// Tests that trace everything on the machine don't run beside one that fills the rings.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs all commands at the same time, traced. Returns what each printed, and all events; `None` if some were lost,
/// as other programs on the machine are traced too.
fn trace(commands: Vec<Command>) -> Option<(Vec<Vec<Printed>>, Vec<TraceEvent>)> {
    let tracer = Tracer::start(Vec::new()).unwrap();
    let children = commands
        .into_iter()
        .map(|mut command| command.spawn().unwrap());
    let children: Vec<_> = children.collect();
    let waiting = children.into_iter().map(|child| {
        thread::spawn(move || {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
            printed(&output.stdout)
        })
    });
    let waiting: Vec<_> = waiting.collect();
    let printed = waiting.into_iter().map(|one| one.join().unwrap());
    let printed = printed.collect();
    // Of connections that are closed last the kernel frees the second end a moment later.
    thread::sleep(Duration::from_millis(200));
    let events = drained(&tracer);
    (tracer.lost() == 0).then_some((printed, events))
}

fn drained(tracer: &Tracer<Vec<TraceEvent>>) -> Vec<TraceEvent> {
    wait_until("an update", || tracer.update());
    tracer.with(std::mem::take)
}

/// How many events of each kind a process has.
fn kinds(events: &[&TraceEvent]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for event in events {
        *kinds.entry(format!("{:?}", event.kind)).or_default() += 1;
    }
    kinds
}

/// Compares each freed socket's process with the one that printed its cookie. Returns how many have one.
fn compare(printed: &[Printed], owners: &TraceOwners) -> usize {
    let mut named: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for socket in printed {
        let counts = named.entry(&socket.kind).or_default();
        counts[1] += 1;
        if let Some(owner) = owners.owner_of(socket.cookie) {
            assert_eq!(
                (owner.pid, &*owner.comm),
                (socket.pid, &*socket.name),
                "{socket:?}"
            );
            if let Some(process) = &owner.process {
                assert_eq!((process.pid, &*process.comm), (socket.pid, &*socket.name));
            }
            counts[0] += 1;
        }
    }
    println!("named, of all: {named:?}");
    named.values().map(|counts| counts[0]).sum()
}

#[test]
fn every_socket_of_processes_that_live_for_a_moment_has_its_process_and_no_other() {
    const NAME: &str =
        "trace::every_socket_of_processes_that_live_for_a_moment_has_its_process_and_no_other";
    const PROCESSES: usize = 200;
    let _alone = alone();
    in_netns_with_users(NAME, || {
        if tracefs().is_none() {
            return;
        }
        let apart = [
            "unshare",
            "--net",
            "sh",
            "-c",
            "ip link set lo up; exec \"$@\"",
            "-",
        ];
        // Other ports each time: those before may be in TIME_WAIT.
        let commands = |attempt: u16| {
            let [first, second] = [20_000, 25_000].map(|port| port + 220 * attempt);
            vec![
                short_lived(&[], "web", PROCESSES, first),
                short_lived(&NOBODY, "noise", PROCESSES, second),
                // The same endpoints as the first.
                short_lived(&apart, "far", PROCESSES, first),
            ]
        };
        let (printed, events) = (0..4)
            .find_map(|attempt| trace(commands(attempt)))
            .expect("once nothing was lost");
        let mut by_pid: HashMap<u32, Vec<&TraceEvent>> = HashMap::new();
        for event in events
            .iter()
            .filter(|event| event.kind != TraceKind::Destroy)
        {
            by_pid.entry(event.pid).or_default().push(event);
        }
        let expected = [
            ("Close", 3),
            ("Connect", 4),
            ("Listen", 1),
            ("StopListening", 1),
        ];
        let expected = expected.map(|(kind, count)| (kind.to_owned(), count));
        let processes: BTreeMap<u32, &str> = printed
            .iter()
            .flatten()
            .filter(|socket| socket.kind == "connect")
            .map(|socket| (socket.pid, &*socket.name))
            .collect();
        assert_eq!(processes.len(), 3 * PROCESSES);
        for (pid, name) in processes {
            let events = &by_pid[&pid];
            assert_eq!(kinds(events), BTreeMap::from(expected.clone()), "{pid}");
            let names: Vec<_> = events.iter().map(|event| &*event.comm).collect();
            assert!(
                names.iter().all(|&one| one == name),
                "{pid} {name}: {names:?}"
            );
            assert!(events.iter().all(|event| event.tid == pid));
        }
        let mut owners = TraceOwners::default();
        owners.add(events);
        for printed in &printed {
            let named = compare(printed, &owners);
            assert!(
                named * 10 > printed.len() * 8,
                "{named} of {}",
                printed.len()
            );
        }
    });
}

#[test]
fn an_ordinary_user_reads_what_tracing_takes() {
    in_netns_with_users("trace::an_ordinary_user_reads_what_tracing_takes", || {
        if tracefs().is_none() {
            return;
        }
        let run = |mounted: bool| {
            let inner = "trace::prints_why_it_can_not_trace";
            let output = Command::new(NOBODY[0])
                .args(&NOBODY[1..])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", &format!("kernel::{inner}"), "--nocapture"])
                .env(INNER, inner)
                .output()
                .unwrap();
            assert!(output.status.success(), "{mounted} {output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let expected = "/sys/kernel/tracing/events can't be read; run with sudo, or with CAP_PERFMON and \
            CAP_DAC_READ_SEARCH";
        let with = run(true);
        assert!(with.contains(expected), "{with}");
        let umount = Command::new("umount").arg("/sys/kernel/tracing").status();
        assert!(umount.unwrap().success());
        let without = run(false);
        let expected =
            "tracefs is not mounted; as root: mount -t tracefs tracefs /sys/kernel/tracing";
        assert!(without.contains(expected), "{without}");
    });
}

#[test]
fn prints_why_it_can_not_trace() {
    if !is_inner("trace::prints_why_it_can_not_trace") {
        return;
    }
    let error = Tracer::start(TraceOwners::default()).map(drop).unwrap_err();
    assert!(matches!(
        error,
        TraceError::Unreadable { .. } | TraceError::NotMounted
    ));
    println!("{error}");
}

/// How many descriptors of perf events the processes have, and what the tracepoints' switches of tracefs are.
fn switched_on() -> (usize, [String; 2]) {
    let is_event = |path: &std::path::PathBuf| {
        let link = std::fs::read_link(path).unwrap_or_default();
        link.to_string_lossy().contains("perf_event")
    };
    let below = |path: std::path::PathBuf| {
        let entries = std::fs::read_dir(path).into_iter().flatten();
        entries.flatten().map(|entry| entry.path())
    };
    let descriptors = below("/proc".into()).flat_map(|process| below(process.join("fd")));
    let switches = ["sock/inet_sock_set_state", "tcp/tcp_destroy_sock"].map(|tracepoint| {
        let path = format!("/sys/kernel/tracing/events/{tracepoint}/enable");
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    });
    (descriptors.filter(is_event).count(), switches)
}

#[test]
fn nothing_is_switched_on_after_a_kill() {
    const INNER_TEST: &str = "trace::traces_until_it_is_killed";
    in_netns_with_users("trace::nothing_is_switched_on_after_a_kill", || {
        if tracefs().is_none() {
            return;
        }
        let off = || ["0".to_owned(), "0".to_owned()];
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("kernel::{INNER_TEST}"), "--nocapture"])
            .env(INNER, INNER_TEST)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("its perf events", || switched_on().0 > 0);
        assert_eq!(switched_on().1, off());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(switched_on(), (0, off()));
        // The same when it ends by itself.
        let tracer = Tracer::start(TraceOwners::default()).unwrap();
        assert!(switched_on().0 > 0);
        drop(tracer);
        wait_until("the end of its thread", || switched_on() == (0, off()));
    });
}

#[test]
fn traces_until_it_is_killed() {
    if is_inner("trace::traces_until_it_is_killed") {
        let _tracer = Tracer::start(TraceOwners::default()).unwrap();
        thread::sleep(Duration::from_mins(10));
    }
}

#[test]
fn a_traced_process_that_is_gone_has_its_arguments_by_the_events_of_processes() {
    let _alone = alone();
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT RUN: tracing takes root");
        return;
    }
    // Events of processes exist only in the machine's network namespace; the mount is this test's own.
    let script = "mount -t tracefs tracefs /sys/kernel/tracing; exec \"$@\"";
    let command = ["unshare", "--mount", "sh", "-c", script, "-"];
    run_under(&command, "trace::traces_with_the_events_of_processes");
}

#[test]
fn traces_with_the_events_of_processes() {
    if !is_inner("trace::traces_with_the_events_of_processes") {
        return;
    }
    let (tracer, processes) = match (Tracer::start(Vec::new()), ProcessEvents::start()) {
        (Ok(tracer), Ok(processes)) => (tracer, processes),
        (tracer, processes) => {
            let (tracer, processes) = (tracer.err(), processes.err());
            assert!(!is_required("first-pidns"), "{tracer:?} {processes:?}");
            return eprintln!("NOT RUN: {tracer:?} {processes:?}");
        }
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut pids = HashMap::new();
    for number in 0..100 {
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{}", address.port());
        let arguments = ["-c", &script, "bash", &number.to_string()];
        let mut child = Command::new("bash").args(arguments).spawn().unwrap();
        drop(listener.accept().unwrap());
        child.wait().unwrap();
        pids.insert(child.id(), format!("bash -c {script} bash {number}"));
    }
    let events = drained(&tracer);
    let connects = events
        .iter()
        .filter(|event| event.kind == TraceKind::Connect && event.remote == Some(address.into()));
    let (mut named, mut known) = (0, 0);
    for event in connects {
        let command = &pids[&event.pid];
        assert_eq!(&*event.comm, "bash");
        named += 1;
        let process = processes.process_at(event.pid, event.at);
        let process = process.or_else(|| event.process.clone());
        if let Some(process) = process.filter(|process| process.argv.is_some()) {
            assert_eq!((process.pid, &process.full_command()), (event.pid, command));
            known += 1;
        }
    }
    println!(
        "{named} named, {known} with arguments, {} lost, {} gaps",
        tracer.lost(),
        processes.gaps()
    );
    assert!(named == 100 || tracer.lost() > 0);
    assert!(known > 0 || processes.gaps() > 0);
}

/// A function that connects to a listener of this process, closes both ends and returns the cookie of the client.
fn connector() -> impl Fn() -> NonZeroU64 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    move || {
        let client = std::net::TcpStream::connect(address).unwrap();
        let cookie = rustix::net::sockopt::socket_cookie(&client).unwrap();
        // The server's end first, so that the client's is not in TIME_WAIT.
        drop(listener.accept().unwrap());
        NonZeroU64::new(cookie).unwrap()
    }
}

#[test]
fn a_trace_that_is_not_read_for_long_names_every_socket() {
    const NAME: &str = "trace::a_trace_that_is_not_read_for_long_names_every_socket";
    let _alone = alone();
    in_netns_with_users(NAME, || {
        if tracefs().is_none() {
            return;
        }
        let connect = connector();
        let tracer = Tracer::start(TraceOwners::default()).unwrap();
        // A connect, two closes and two ends each: 75,000 events, as of 30 s with 600 connections a second.
        let cookies: Vec<_> = (0..15_000).map(|_| connect()).collect();
        wait_until("an update", || tracer.update());
        let named = |owners: &mut TraceOwners| {
            let owners = cookies.iter().filter_map(|&one| owners.owner_of(one));
            owners
                .inspect(|owner| assert_eq!(owner.pid, std::process::id()))
                .count()
        };
        let (named, lost) = (tracer.with(named), tracer.lost());
        println!(
            "{named} of {}, {lost} lost in {} gaps",
            cookies.len(),
            tracer.gaps()
        );
        assert!(
            named * 100 >= cookies.len() * 95 || lost > 0,
            "{named}, {lost} lost"
        );
    });
}

#[test]
fn what_a_full_ring_lost_is_counted_and_the_trace_goes_on() {
    const NAME: &str = "trace::what_a_full_ring_lost_is_counted_and_the_trace_goes_on";
    let _alone = alone();
    in_netns_with_users(NAME, || {
        if tracefs().is_none() {
            return;
        }
        let connect = connector();
        let tracer = Tracer::start(TraceOwners::default()).unwrap();
        let pid_of = |cookie| {
            let pid = |owners: &mut TraceOwners| owners.owner_of(cookie).map(|owner| owner.pid);
            tracer.update();
            tracer.with(pid)
        };
        let own = Some(std::process::id());
        let before = connect();
        wait_until("the process before", || pid_of(before) == own);
        // The thread can't add its events meanwhile.
        tracer.with(|_| {
            for _ in 0..20_000 {
                connect();
            }
        });
        // The kernel writes how many it lost with the next record into that ring.
        wait_until("the loss", || {
            connect();
            tracer.update() && tracer.lost() > 0
        });
        assert!(tracer.gaps() > 0);
        assert_eq!(pid_of(before), own);
        let mut after = connect();
        wait_until("the process after", || {
            let is_known = pid_of(after) == own;
            if !is_known {
                after = connect();
            }
            is_known
        });
        println!("{} lost in {} gaps", tracer.lost(), tracer.gaps());
    });
}

/// The rows of the sockets that closed, by cookie.
fn closed_rows(commands: Vec<Command>) -> (Vec<Printed>, HashMap<NonZeroU64, Arc<Row>>) {
    let (clock, mut tracker) = (Clock::start(), RowTracker::new(Duration::ZERO));
    let mut system = System::new();
    system.start_trace().unwrap();
    let mut rows = HashMap::new();
    let mut take = |system: &mut System| {
        let update = tracker.apply(system.take(clock.now()).unwrap());
        let closed = update.events.into_iter().map(|event| event.row);
        let closed = closed.filter(|row| row.is_closed());
        let waiting = update.table.rows.iter().cloned();
        let waiting = waiting.filter(|row| row.socket.state == State::TimeWait);
        rows.extend(
            closed
                .chain(waiting)
                .filter_map(|row| Some((row.socket.cookie?, row))),
        );
    };
    take(&mut system);
    let children = commands
        .into_iter()
        .map(|mut command| command.spawn().unwrap());
    let children: Vec<_> = children.collect();
    let outputs = children
        .into_iter()
        .map(|child| thread::spawn(|| child.wait_with_output().unwrap()));
    let outputs: Vec<_> = outputs.collect();
    while outputs.iter().any(|one| !one.is_finished()) {
        thread::sleep(Duration::from_millis(500));
        take(&mut system);
    }
    thread::sleep(Duration::from_millis(500));
    take(&mut system);
    let printed = outputs
        .into_iter()
        .flat_map(|one| printed(&one.join().unwrap().stdout));
    (printed.collect(), rows)
}

#[test]
fn the_rows_of_short_lived_sockets_name_their_processes() {
    const NAME: &str = "trace::the_rows_of_short_lived_sockets_name_their_processes";
    let _alone = alone();
    in_netns_with_users(NAME, || {
        if tracefs().is_none() {
            return;
        }
        let commands = vec![
            short_lived(&[], "web", 100, 20_000),
            short_lived(&NOBODY, "noise", 100, 25_000),
        ];
        let (printed, rows) = closed_rows(commands);
        let mut unnamed: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &printed {
            let owner = rows.get(&one.cookie).map(|row| &row.socket.owner);
            match owner {
                Some(Owner::Former(processes) | Owner::Known(processes)) => {
                    let found = processes.iter().find(|process| process.pid == one.pid);
                    let name = found.map(|process| &*process.comm);
                    assert_eq!(name, Some(&*one.name), "{one:?}: {processes:?}");
                }
                // The server's process had the listener, too.
                Some(Owner::Inferred(processes)) => {
                    let pids: Vec<_> = processes.iter().map(|process| process.pid).collect();
                    assert!(pids.contains(&one.pid), "{one:?}: {pids:?}");
                }
                _ => *unnamed.entry(&one.kind).or_default() += 1,
            }
        }
        let count: usize = unnamed.values().sum();
        assert!(
            count * 100 <= printed.len(),
            "{unnamed:?} of {}",
            printed.len()
        );
    });
}
