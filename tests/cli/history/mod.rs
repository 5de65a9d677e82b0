//! `record`, `who` and `diff`: real recorders and servers, and what is known of them afterwards.

mod at;
mod limits;
mod namespaces;
mod numbers;
mod page;
mod redaction;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::Value;

use crate::cli::background::Running;
use crate::cli::holder::listener;
use crate::cli::scene::{self, Said, TempFile, sockeye, stage};
use crate::program::built;
use crate::support::wait_until;

/// A recorder that needs no free disk: the machine of the test may have none.
const RECORD: &[&str] = &["record", "--interval=100ms", "--min-free=0"];

/// A folder for the history of one test.
struct Store(PathBuf);

impl Store {
    fn new(name: &str) -> Self {
        let name = format!("sockeye-history-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// A recorder that has begun.
    fn recorder(&self) -> Running {
        let recorder = self.start(&[]);
        let line = recorder.line();
        let begins = format!(
            "recording to {}: a snapshot every 100ms, kept 7 days or",
            self.path()
        );
        assert!(line.starts_with(&begins), "{line}");
        recorder
    }

    /// A recorder with more options that has begun.
    fn recorder_with(&self, options: &[&str]) -> Running {
        let recorder = self.start(options);
        let line = recorder.line();
        assert!(line.starts_with("recording to "), "{line}");
        recorder
    }

    fn start(&self, options: &[&str]) -> Running {
        Running::sockeye(&[RECORD, options, &["--dir", self.path()]].concat())
    }

    fn wait_for_first_snapshot(&self) {
        wait_until("a first snapshot", || self.asks(&["who", "1"]).code == 1);
    }

    fn asks(&self, words: &[&str]) -> Said {
        sockeye(&[words, &["--dir", self.path()]].concat())
    }

    /// Those that had the port, as JSON.
    fn holders(&self, port: u16) -> Vec<Value> {
        let said = self.asks(&["who", &port.to_string(), "--json"]);
        match said.code {
            2 => Vec::new(),
            _ => said.json()["holders"].as_array().unwrap().clone(),
        }
    }

    /// Waits until so many sockets are known to have had a port, of which the last one has this end.
    fn wait_for(&self, port: u16, count: usize, ended: &str) -> Vec<Value> {
        wait_until(
            &format!("{count} holders of {port}, the last {ended}"),
            || {
                let holders = self.holders(port);
                let last = holders.last().map(|one| one["ended"] == ended);
                holders.len() == count && last == Some(true)
            },
        );
        self.holders(port)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server whose command line ends with `called:NAME`. No other process ever has its socket: a snapshot
/// between fork and exec would show that of the test.
fn server(name: &str, port: u16) -> Running {
    let mut command = Command::new(built("support/helpers/sockets_apart.c"));
    let words = [format!("listen:{port}"), format!("called:{name}")];
    let server = Running::start(command.arg("here").args(words));
    while server.line() != "ready" {}
    server
}

fn end(recorder: Running, signal: Signal, code: i32) {
    recorder.signal(signal);
    let ended = recorder.end();
    assert_eq!((ended.code, &*ended.err), (Some(code), ""), "{ended:?}");
}

/// Mounts an empty disk with these options, in the mount namespace of the test.
fn mount_tmpfs(options: &str, folder: &str) {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", options, "none", folder]);
    assert!(mount.status().unwrap().success());
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn who_names_one_server_after_the_other_with_the_times_of_both() {
    stage(|| {
        let store = Store::new("two");
        let recorder = store.recorder();
        store.wait_for_first_snapshot();
        let before_a = Timestamp::now();
        let a = server("a", 8080);
        let a_listened = Timestamp::now();
        let a_pid = a.pid();
        store.wait_for(8080, 1, "open");
        let a_ends = Timestamp::now();
        // Times are stored in milliseconds.
        let millisecond = jiff::SignedDuration::from_millis(1);
        std::thread::sleep(millisecond.unsigned_abs() * 10);
        drop(a);
        let a_ended = Timestamp::now();
        store.wait_for(8080, 1, "process_ended");
        let b = server("b", 8080);
        let b_pid = b.pid();
        let holders = store.wait_for(8080, 2, "open");
        let within = |at: &Value, from: Timestamp, to: Timestamp| {
            let at = time(at);
            // The next snapshot on a busy machine.
            let latest = to + jiff::SignedDuration::from_millis(1500);
            assert!(from - millisecond <= at && at <= latest, "{from} {at} {to}");
        };
        let [first, second] = holders.as_slice() else {
            panic!("{holders:#?}")
        };
        assert_eq!(first["pids"], serde_json::json!([a_pid]));
        assert_eq!(second["pids"], serde_json::json!([b_pid]));
        within(&first["from"], before_a, a_listened);
        within(&first["to"], a_ends, a_ended);
        assert_eq!(
            (&first["from_exact"], &first["to_exact"]),
            (&true.into(), &true.into())
        );
        assert!(second["to"].is_null(), "{second:#}");
        let argv = &first["processes"][a_pid.to_string()]["argv"];
        assert_eq!(argv[3], "called:a");
        // At a time, and only then.
        let at = |at: Timestamp| store.asks(&["who", "8080", "--json", "--at", &at.to_string()]);
        let found = at(a_ends).json();
        assert_eq!(found["holders"].as_array().unwrap().len(), 1, "{found:#}");
        assert_eq!(found["holders"][0]["pids"][0], a_pid);
        let text = store.asks(&["who", "8080", "--since", "1h ago"]);
        assert_eq!(text.out.lines().count(), 3, "{text:?}");
        assert!(
            text.out.contains(&format!("sockets_apart ({a_pid})")),
            "{text:?}"
        );
        assert!(text.err.contains("the history begins at"), "{text:?}");
        let other = store.asks(&["who", "8081"]);
        assert_eq!(
            (other.code, &*other.out, &*other.err),
            (
                1,
                "",
                "sockeye: nothing had 8081 in any snapshot (watch --since also prints what opened and closed between two)\n"
            )
        );
        end(recorder, Signal::TERM, 143);
    });
}

/// A server that closes its last socket had "process ended", as its process was in no snapshot any more.
#[test]
fn a_port_whose_process_lives_on_was_closed() {
    stage(|| {
        let store = Store::new("closed");
        let recorder = store.recorder();
        let port = listener("127.0.0.1:8080");
        store.wait_for(8080, 1, "open");
        drop(port);
        store.wait_for(8080, 1, "closed");
        end(recorder, Signal::TERM, 143);
    });
}

#[test]
fn a_connection_has_the_times_of_its_snapshots_and_its_peer() {
    stage(|| {
        let store = Store::new("connection");
        let recorder = store.recorder();
        store.wait_for_first_snapshot();
        let server = TcpListener::bind("127.0.0.1:8080").unwrap();
        let opening = Timestamp::now();
        let client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let opened = Timestamp::now();
        let port = client.local_addr().unwrap().port();
        // Stored with all that was before: neither time is that of a frame that it has alone.
        let seen = store.wait_for(port, 1, "open");
        let (accepted, _) = server.accept().unwrap();
        let closing = Timestamp::now();
        drop(accepted);
        drop(client);
        let closed = Timestamp::now();
        let holders = store.wait_for(port, 1, "closed");
        // A snapshot has the time of its beginning, and the next one is late on a busy machine.
        let is_near = |time: Timestamp, from: Timestamp, to: Timestamp| {
            let slack = jiff::SignedDuration::from_millis(1500);
            from - slack <= time && time <= to + slack
        };
        let (from, to) = (time(&holders[0]["from"]), time(&holders[0]["to"]));
        assert!(is_near(from, opening, opened), "{opening} {from} {opened}");
        assert!(is_near(to, closing, closed), "{closing} {to} {closed}");
        assert_eq!(
            (&holders[0]["from_exact"], &holders[0]["to_exact"]),
            (&true.into(), &true.into())
        );
        assert_eq!(seen[0]["from"], holders[0]["from"]);
        // Before it opened nothing had the port, although the frame begins earlier.
        let earlier = (from - jiff::SignedDuration::from_millis(1)).to_string();
        let port = port.to_string();
        assert_eq!(store.asks(&["who", &port, "--at", &earlier]).code, 1);
        assert_eq!(holders[0]["remote"]["port"], 8080, "{holders:#?}");
        end(recorder, Signal::TERM, 143);
    });
}

/// Its history was "still open" for a minute and a half, and a port that had opened since was free.
#[test]
fn what_came_after_a_recorder_that_was_killed_is_not_known() {
    stage(|| {
        let store = Store::new("killed");
        let recorder = store.recorder();
        let _port = listener("127.0.0.1:8080");
        store.wait_for(8080, 1, "open");
        recorder.signal(Signal::KILL);
        assert_eq!(recorder.end().code, None);
        let who = store.asks(&["who", "8080"]);
        assert!(who.out.contains("history ends"), "{who:?}");
        assert!(who.err.contains("as nothing records now"), "{who:?}");
        for (port, code) in [("8080", 0), ("8081", 2)] {
            let said = store.asks(&["who", port, "--at", "now"]);
            assert_eq!(said.code, code, "{said:?}");
        }
        let check = store.asks(&["check", "8081", "--at", "now"]);
        assert_eq!(check.code, 2, "{check:?}");
        assert!(check.err.contains("the history ends at "), "{check:?}");
        for command in [
            &["who", "8080", "--at"][..],
            &["list", "--at"],
            &["check", "8080", "--at"],
            &["diff", "--at"],
        ] {
            let said = store.asks(&[command, &["2999-01-01"]].concat());
            assert_eq!((said.code, said.err.lines().count()), (2, 1), "{said:?}");
            assert!(said.err.contains("is in the future"), "{said:?}");
        }
    });
}

#[test]
fn only_its_owner_can_read_a_history_and_a_second_recorder_is_refused() {
    stage(|| {
        let store = Store::new("second");
        let recorder = store.recorder();
        store.wait_for_first_snapshot();
        let second = store.asks(&["record"]);
        let refusal = format!(
            "sockeye: another recorder writes to {} (process {})\n",
            store.path(),
            recorder.pid()
        );
        assert_eq!((second.code, &*second.out, second.err), (2, "", refusal));
        assert_eq!(
            fs::metadata(&store.0).unwrap().permissions().mode() & 0o777,
            0o700
        );
        for file in fs::read_dir(&store.0).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file:?}");
        }
        end(recorder, Signal::INT, 130);
        end(store.recorder(), Signal::HUP, 129);
    });
}

#[test]
fn what_happened_while_no_recorder_ran_is_a_gap() {
    stage(|| {
        let store = Store::new("gap");
        let first = store.recorder();
        let server = server("a", 8080);
        store.wait_for(8080, 1, "open");
        first.signal(Signal::KILL);
        first.end();
        drop(server);
        let second = store.recorder();
        let holders = store.wait_for(8080, 1, "gap");
        assert_eq!(holders[0]["to_exact"], false, "{holders:#?}");
        let said = store.asks(&["who", "8080", "--json"]).json();
        assert_eq!(said["gaps"][0]["code"], "crashed", "{said:#}");
        end(second, Signal::TERM, 143);
        let third = store.recorder();
        wait_until("the second gap", || {
            let said = store.asks(&["who", "8080", "--json"]).json();
            said["gaps"][1]["code"] == "stopped"
        });
        // Nothing in what is recorded had it: that is no answer.
        let other = store.asks(&["who", "8081"]);
        assert_eq!((other.code, &*other.out), (2, ""), "{other:?}");
        let nothing = "nothing had 8081 in any snapshot that is recorded (watch";
        assert!(other.err.contains(nothing), "{other:?}");
        // A time in the gap was said to have been so as the last snapshot before it.
        let gap = |end: &str| time(&said["gaps"][0][end]);
        let half = gap("to").duration_since(gap("from")) / 2;
        let at = (gap("from") + half).to_string();
        let checked = store.asks(&["check", "8081", "--at", &at]);
        assert_eq!(checked.code, 2, "{checked:?}");
        let unknown = "8081: free\n  Unknown: nothing is recorded of ";
        assert!(checked.out.starts_with(unknown), "{checked:?}");
        let said_in_json = store.asks(&["check", "8081", "--json", "--at", &at]).json();
        let gaps = &said_in_json["targets"][0]["gaps"];
        assert_eq!(gaps[0]["code"], "table", "{said_in_json:#}");
        let quiet = store.asks(&["list", "--quiet", "--at", &at]);
        assert_eq!(quiet.code, 2, "{quiet:?}");
        let said = store.asks(&["who", "8080"]);
        assert!(said.out.contains("in a gap"), "{said:?}");
        assert!(
            said.err.contains(": the recorder ended unexpectedly\n"),
            "{said:?}"
        );
        assert!(
            said.err.contains(": the recorder was stopped\n"),
            "{said:?}"
        );
        end(third, Signal::TERM, 143);
    });
}

#[test]
fn a_redacted_history_has_no_arguments() {
    stage(|| {
        let store = Store::new("redacted");
        let recorder = store.start(&["--redact"]);
        assert!(recorder.line().ends_with(", redacted"));
        let _server = server("secret", 8080);
        let holders = store.wait_for(8080, 1, "open");
        let text = holders[0].to_string();
        assert!(
            !text.contains("secret") && text.contains("\"sockets_apart\""),
            "{text}"
        );
        end(recorder, Signal::TERM, 143);
    });
}

#[test]
fn what_can_not_be_known_is_one_line() {
    let store = Store::new("none");
    let missing = store.path();
    let no_history = format!("no history in {missing}: `sockeye record` keeps one\n");
    let empty = std::env::temp_dir().join(format!("sockeye-history-empty-{}", std::process::id()));
    fs::create_dir_all(&empty).unwrap();
    for (args, code, line) in [
        (
            &["who", "8080", "--dir", missing][..],
            2,
            no_history.as_str(),
        ),
        (
            &["who", "8080", "--dir", empty.to_str().unwrap()],
            2,
            ": `sockeye record` keeps one\n",
        ),
        (
            &["who", "8080", "--at", "maybe"],
            2,
            "`maybe` isn't a time (use 03:12, 3am, 2h ago",
        ),
        (
            &["who", "8080", "--since", "3am", "--at", "3am"],
            2,
            "cannot be used with",
        ),
        (
            &["who", "8080", "--since", "1h ago", "--until", "2h ago"],
            2,
            "--until is before --since\n",
        ),
        (
            &["who"],
            2,
            "required arguments were not provided: <TARGET>...",
        ),
        (&["who", "nonsense"], 2, "nonsense"),
        (
            &["record", "--keep", "5m"],
            2,
            "too short: an hour is the least",
        ),
        (
            &["record", "--max-size", "9k"],
            2,
            "too small for a history",
        ),
        (
            &["record", "-N", "web"],
            2,
            "record keeps all namespaces or only its own",
        ),
        (
            &["record", "--replay", "/dev/null"],
            2,
            "leave out --replay",
        ),
        (
            &["record", "--dir", "/dev/null"],
            2,
            "/dev/null: it isn't a folder\n",
        ),
    ] {
        let said = sockeye(args);
        assert_eq!((said.code, &*said.out), (code, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.contains(line), "{said:?}");
    }
    fs::remove_dir_all(&empty).unwrap();
}

/// Whether the unit is valid where there is a systemd to say so.
#[test]
fn systemd_accepts_the_unit_of_the_package() {
    let unit = include_str!("../../../assets/sockeye.service");
    let folder = Store::new("unit");
    fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("sockeye.service");
    fs::write(&path, unit.replace("/usr/bin/sockeye", scene::BINARY)).unwrap();
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&path)
        .output();
    let Ok(verified) = verify else {
        println!("NOT RUN: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(
        verified.status.success() && !said.contains("sockeye.service:"),
        "{said}"
    );
}

/// A history in which a server had the port, then another one, and times while each did.
fn two_servers(name: &str) -> (Store, Running, [Timestamp; 2], Running) {
    let store = Store::new(name);
    let recorder = store.recorder();
    store.wait_for_first_snapshot();
    let first = server("first", 8080);
    store.wait_for(8080, 1, "open");
    let during_first = Timestamp::now();
    drop(first);
    store.wait_for(8080, 1, "process_ended");
    let second = server("second", 8080);
    store.wait_for(8080, 2, "open");
    (store, recorder, [during_first, Timestamp::now()], second)
}

#[test]
fn diff_names_the_ports_that_appeared_went_and_changed_their_owner() {
    stage(|| {
        let (store, _recorder, [first, second], _second) = two_servers("diff");
        let (first, second) = (first.to_string(), second.to_string());
        // Both servers are the same program.
        let same = store.asks(&["diff", "--at", &first, "--at", &second]);
        assert_eq!((same.code, &*same.out, &*same.err), (0, "", ""));
        let third = listener("127.0.0.1:8081");
        let later = store.asks(&["diff", "--at", &first]);
        assert_eq!(later.code, 1, "{later:?}");
        assert!(
            later.out.starts_with("+  tcp  127.0.0.1:8081  "),
            "{later:?}"
        );
        let list = sockeye(&["list", "--json"]).out;
        let baseline = TempFile::containing("baseline.json", &list);
        let _fourth = listener("127.0.0.1:8082");
        drop(third);
        let diff = sockeye(&["diff", "--json", baseline.path()]);
        let json = diff.json();
        assert_eq!(
            (diff.code, &json["appeared"][0]["port"]),
            (1, &8082.into()),
            "{json:#}"
        );
        assert_eq!(json["gone"][0]["port"], 8081, "{json:#}");
        assert_eq!(sockeye(&["diff", "-q", "-u", baseline.path()]).code, 0);
        let recording = TempFile::new("baseline.seg");
        sockeye(&["list", "-a", "--record", recording.path()]);
        assert_eq!(sockeye(&["diff", recording.path()]).code, 0);
        for (args, line) in [
            (&["diff"][..], "compare what? name a time"),
            (&["diff", "/nonexistent"], "/nonexistent"),
            (&["diff", "/dev/null"], "/dev/null"),
            (
                &["diff", "--at", "now", "--at", "now", "--at", "now"],
                "two times are compared",
            ),
        ] {
            let said = sockeye(args);
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            assert_eq!(said.err.lines().count(), 1, "{said:?}");
            assert!(said.err.contains(line), "{said:?}");
        }
    });
}

/// A recording with a byte that has changed: what could not be read was reported as not there.
#[test]
fn a_damaged_file_is_named_by_every_command_that_reads_it() {
    stage(|| {
        let _port = listener("127.0.0.1:8080");
        let file = TempFile::new("damaged.seg");
        sockeye(&["list", "-a", "--record", file.path()]);
        let mut bytes = fs::read(file.path()).unwrap();
        let middle = bytes.len() - 100;
        bytes[middle] ^= 1;
        fs::write(file.path(), &bytes).unwrap();
        for command in [
            &["who", "8080", "--dir"][..],
            &["list", "--replay"],
            &["list", "--at", "now", "--dir"],
            &["watch", "--replay"],
            &["diff"],
        ] {
            let said = sockeye(&[command, &[file.path()]].concat());
            assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
            let names = format!("{} is damaged at byte ", file.path());
            assert!(said.err.contains(&names), "{said:?}");
        }
    });
}

#[test]
fn a_listing_from_a_pipe_is_a_baseline() {
    stage(|| {
        let _port = listener("127.0.0.1:8080");
        let script = "\"$0\" list --json | \"$0\" diff -";
        let mut command = Command::new("sh");
        command.args(["-c", script, scene::BINARY]);
        let said = Said::of(command.output().unwrap());
        assert_eq!((said.code, &*said.out), (0, ""), "{said:?}");
    });
}
