//! `sockeye watch`: what it prints, when, and how it ends.

use std::io::Read as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli::background::Running;
use crate::cli::holder::{Holder, listener, recording, socket};
use crate::cli::scene::{BINARY, Said, Sockets, TempFile, sockeye, stage};
use crate::program::built;
use crate::schema::first_process;
use crate::support::wait_until;

const FAST: &str = "--interval=50ms";

fn watch(args: &[&str]) -> Running {
    Running::sockeye(&[&["watch", FAST], args].concat())
}

/// `kind port from to` of a line of JSON.
fn told(line: &Value) -> String {
    let side = |name: &str| match (&line[name]["state"], &line[name]["pids"]) {
        (Value::String(state), _) => format!(" {state}"),
        (_, Value::Array(pids)) => {
            let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
            format!(" {}", pids.join("+"))
        }
        _ => String::new(),
    };
    let kind = line["kind"].as_str().unwrap();
    let port = &line["socket"]["local"]["port"];
    format!("{kind} {port}{}{}", side("from"), side("to"))
}

/// A stream, behind the line that begins it.
fn stream(args: &[&str]) -> Running {
    begun(watch(&[&["--json"], args].concat()))
}

fn begun(watching: Running) -> Running {
    assert_eq!(watching.json()["kind"], "start");
    watching
}

/// A program without a reader.
fn unread(args: &[&str]) -> Child {
    let mut command = Command::new(BINARY);
    command.args(args).stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn what_is_there_comes_first_and_then_each_change_as_it_happens() {
    stage(|| {
        let _sockets = Sockets::open();
        let watching = stream(&[]);
        let present: Vec<_> = (0..5).map(|_| told(&watching.json())).collect();
        let expected = [5353, 5354, 8080, 8081, 8600].map(|port| format!("present {port}"));
        assert_eq!(present, expected);
        let listener = TcpListener::bind("127.0.0.1:9000").unwrap();
        let opened = watching.json();
        assert_eq!(told(&opened), "opened 9000 CLOSED LISTEN");
        let socket = &opened["socket"];
        assert_eq!(socket["owner"], "known");
        assert_eq!(first_process(&opened, socket)["pid"], std::process::id());
        assert_eq!(socket["state_since"], opened["at"]);
        drop(listener);
        let closed = watching.json();
        assert_eq!(told(&closed), "closed 9000 LISTEN CLOSED");
        assert_eq!(
            (&closed["socket"]["state"], &closed["socket"]["owner"]),
            (&"CLOSED".into(), &"past".into())
        );
        assert_eq!(closed["socket"]["first_seen"], opened["at"]);
        watching.signal(Signal::TERM);
        assert_eq!(watching.end().rest, [] as [&str; 0]);
    });
}

#[test]
fn every_field_of_a_change_is_there() {
    stage(|| {
        let _sockets = Sockets::open();
        let watching = watch(&["--json"]);
        let start = watching.json();
        assert_eq!(
            (&start["schema"], &start["kind"]),
            (&2.into(), &"start".into())
        );
        assert_eq!(start["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(start["interval_ms"], 50);
        let line = watching.json();
        let names: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(names, ["at", "kind", "processes", "socket"]);
        let listed = sockeye(&["list", "--json"]).json();
        let without_times = |socket: &Value| {
            let mut socket = socket.clone();
            socket["first_seen"] = Value::Null;
            socket
        };
        assert_eq!(
            without_times(&line["socket"]),
            without_times(&listed["sockets"][0])
        );
        assert_eq!(line["processes"], listed["processes"]);
    });
}

#[test]
fn a_change_of_state_is_printed_with_both_states() {
    stage(|| {
        let sockets = Sockets::open();
        let near = sockets.client.local_addr().unwrap().port();
        let watching = stream(&["state:established"]);
        let both = || {
            let mut lines = [told(&watching.json()), told(&watching.json())];
            lines.sort();
            lines
        };
        let present = both();
        assert!(
            present.iter().all(|line| line.starts_with("present")),
            "{present:?}"
        );
        // No snapshot is taken before the peer has acknowledged the end.
        watching.stop();
        sockets.client.shutdown(Shutdown::Write).unwrap();
        wait_until("its end is acknowledged", || {
            let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
            let local = format!(":{near:04X} ");
            let mut rows = table
                .lines()
                .map(|row| row.split_whitespace().collect::<Vec<_>>());
            rows.any(|row| format!("{} ", row[1]).ends_with(&local) && row[3] == "05")
        });
        watching.signal(Signal::CONT);
        // Both ends change, and no longer match: that is printed, and nothing after it.
        let mut expected = [
            format!("state {near} ESTABLISHED FIN_WAIT2"),
            "state 8080 ESTABLISHED CLOSE_WAIT".to_owned(),
        ];
        expected.sort();
        assert_eq!(both(), expected);
        drop(sockets);
        // A socket that no longer matches is not printed any more; one that starts to match is.
        let listener = TcpListener::bind("127.0.0.1:9000").unwrap();
        let _ends = (
            TcpStream::connect("127.0.0.1:9000").unwrap(),
            listener.accept().unwrap(),
        );
        assert!(both().iter().all(|line| line.starts_with("opened")));
    });
}

#[test]
fn a_server_that_another_replaces_is_a_change_of_owner() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let serve = || {
            let server = Running::sockeye(&["free", "-t", "20700", "--", taking.to_str().unwrap()]);
            server.line();
            server
        };
        let mut server = serve();
        let watching = begun(Running::sockeye(&[
            "watch",
            "--interval=400ms",
            "--json",
            ":20700",
        ]));
        assert_eq!(told(&watching.json()), "present 20700");
        // On a busy machine two readings may fall between the two servers: then one closes, one opens.
        let line = loop {
            let old = server.pid();
            drop(server);
            server = serve();
            let line = watching.json();
            let change = told(&line);
            if change.starts_with("closed") {
                assert!(told(&watching.json()).starts_with("opened"));
                continue;
            }
            assert_eq!(change, format!("owner 20700 {old} {}", server.pid()));
            break line;
        };
        let names: Vec<_> = line["processes"].as_object().unwrap().values().collect();
        assert!(names.iter().all(|one| one["name"] == "taking"), "{line:#}");
        assert_eq!(names.len(), 2, "{line:#}");
        for side in ["from", "to"] {
            assert_eq!(line[side]["owner"], "known", "{line:#}");
        }
        watching.signal(Signal::INT);
        assert_eq!(watching.end().code, Some(130));
    });
}

#[test]
fn without_json_each_change_is_a_line_for_a_person() {
    stage(|| {
        let _sockets = Sockets::open();
        let watching = watch(&["tcp", "-l"]);
        let lines: Vec<_> = (0..3).map(|_| watching.line()).collect();
        let time = regex::Regex::new(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ").unwrap();
        let program = std::env::current_exe().unwrap();
        let name = program.file_name().unwrap().to_string_lossy();
        let owner = format!("{name}({})", std::process::id());
        let expect = |line: &str, rest: &str| {
            assert!(time.is_match(line), "{line}");
            assert_eq!(&line[24..], format!("{rest}  {owner}"));
        };
        expect(&lines[0], "= tcp 127.0.0.1:8080  LISTEN");
        expect(&lines[1], "= tcp6 [::1]:8081  LISTEN");
        expect(&lines[2], "= tcp 127.0.0.1:8600  BOUND");
        let listener = TcpListener::bind("[::]:9000").unwrap();
        expect(&watching.line(), "+ tcp6 [::]:9000  opened LISTEN");
        drop(listener);
        expect(&watching.line(), "- tcp6 [::]:9000  closed LISTEN");
    });
}

#[test]
fn it_ends_after_the_requested_time() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["watch", FAST, "--for", "200ms", "port:8080", "-l"]);
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        assert_eq!(said.out.lines().count(), 1, "{said:?}");
        let said = sockeye(&["watch", FAST, "--for", "200ms", "--changes-only"]);
        assert_eq!((said.code, &*said.out, &*said.err), (0, "", ""));
    });
}

#[test]
fn however_short_the_time_there_is_one_reading() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["watch", "--for", "0s"]);
        assert_eq!((said.code, said.out.lines().count()), (0, 5), "{said:?}");
    });
}

/// The pipe fills up; a write would wait for ever.
#[test]
fn a_reader_that_does_not_read_does_not_keep_it_from_ending() {
    stage(|| {
        let _many: Vec<_> = (20_000..20_300)
            .map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap())
            .collect();
        let mut watching = unread(&["watch", "--json", "--for", "500ms"]);
        wait_until("its end", || watching.try_wait().unwrap().is_some());
        assert_eq!(watching.wait().unwrap().code(), Some(0));
    });
}

/// A line that is longer than what a pipe takes at once.
#[test]
fn a_write_that_never_returns_does_not_keep_it_from_ending() {
    stage(|| {
        let listener = listener("127.0.0.1:20720");
        listener.set_cloexec(false).unwrap();
        let long = "long".repeat(1000);
        let _holder = Running::start(Command::new("sh").args(["-c", "read -r _", &long]));
        listener.set_cloexec(true).unwrap();
        let _many: Vec<_> = (20_000..20_300)
            .map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap())
            .collect();
        let mut watching = unread(&["watch", "--json", "--for", "500ms", "--interval", "50ms"]);
        wait_until("its end", || watching.try_wait().unwrap().is_some());
        assert_eq!(watching.wait().unwrap().code(), Some(0));
    });
}

#[test]
fn signals_end_it_with_their_codes() {
    stage(|| {
        let _sockets = Sockets::open();
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let watching = watch(&[]);
            watching.line();
            watching.signal(signal);
            let ended = watching.end();
            assert_eq!((ended.code, &*ended.err), (Some(code), ""));
        }
    });
}

/// Nothing changes, so no write fails although the reader is gone.
#[test]
fn a_reader_that_is_gone_ends_it_quietly_even_without_changes() {
    stage(|| {
        let _sockets = Sockets::open();
        let mut watching = Command::new(BINARY);
        watching
            .args(["watch", FAST])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut watching = watching.spawn().unwrap();
        let mut first = [0; 1];
        watching
            .stdout
            .take()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        let output = watching.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    });
}

/// The owners of a socket may be found out after it opened; a filter for one must not miss the opening.
#[test]
fn a_socket_that_opens_later_is_printed_as_opened() {
    stage(|| {
        let _ready = TcpListener::bind("127.0.0.1:8090").unwrap();
        let watching = stream(&["proc:taking", "|", ":8090"]);
        assert_eq!(told(&watching.json()), "present 8090");
        let listener = listener("127.0.0.1:20710");
        wait_until("the listener", || sockeye(&["list", ":20710"]).code == 0);
        // Seen with this test as its owner, which does not match; now another has it as well.
        let _holder = Holder::called("taking", &[&listener]);
        let line = watching.json();
        assert_eq!(told(&line), "opened 20710 CLOSED LISTEN", "{line:#}");
        let processes = line["processes"].as_object().unwrap();
        let names: Vec<_> = processes.values().map(|one| &one["name"]).collect();
        assert_eq!(names.len(), 2, "{line:#}");
        assert!(names.contains(&&"taking".into()), "{line:#}");
    });
}

#[test]
fn a_recording_is_printed_without_waiting() {
    stage(|| {
        let file = TempFile::new("watched.seg");
        let watching = stream(&["--record", file.path()]);
        let listener = TcpListener::bind("127.0.0.1:9000").unwrap();
        let opened = watching.json();
        drop(listener);
        let closed = watching.json();
        watching.signal(Signal::TERM);
        watching.end();
        let said = sockeye(&["watch", "--json", "--replay", file.path()]);
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        let mut lines = said.lines_of_json();
        let start = lines.remove(0);
        assert_eq!(
            (&start["kind"], &start["interval_ms"]),
            (&"start".into(), &Value::Null)
        );
        // Whether the first reading had it already is a matter of luck.
        assert!(["opened", "present"].contains(&lines[0]["kind"].as_str().unwrap()));
        assert_eq!(lines[0]["socket"]["inode"], opened["socket"]["inode"]);
        assert_eq!(told(&lines[1]), told(&closed));
        assert_eq!(lines[1]["at"], closed["at"]);
        assert_eq!(lines.len(), 2);
        let copy = TempFile::new("copied.seg");
        sockeye(&["watch", "--replay", file.path(), "--record", copy.path()]);
        let [original, copied] =
            [&file, &copy].map(|file| sockeye(&["watch", "--json", "--replay", file.path()]).out);
        assert_eq!(original, copied);
    });
}

#[test]
fn hidden_owners_are_reported_once_on_standard_error() {
    stage(|| {
        let _sockets = Sockets::open();
        let mut watching = Command::new("setpriv");
        watching.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        watching.args(["watch", FAST, "--for=300ms"]);
        let output = watching.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains("CAP_SYS_PTRACE"), "{err}");
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(out.matches("root · hidden").count(), 5, "{out}");
    });
}

#[test]
fn what_can_not_be_seen_is_a_line_of_the_stream() {
    stage(|| {
        let _sockets = Sockets::open();
        let mut watching = Command::new("setpriv");
        watching.args(["--bounding-set=-all", "--inh-caps=-all", BINARY]);
        watching.args(["watch", "--json", FAST, "--for=300ms"]);
        let said = Said::of(watching.output().unwrap());
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        let lines = said.lines_of_json();
        let problems = lines.iter().filter(|line| line["kind"] == "problem");
        let problems: Vec<_> = problems.collect();
        assert_eq!(problems.len(), 1, "{lines:?}");
        assert_eq!(
            (&problems[0]["code"], &problems[0]["count"]),
            (&"hidden_owners".into(), &7.into())
        );
        assert_eq!(lines[0]["kind"], "start");
    });
}

#[test]
fn a_reading_without_a_part_of_the_table_is_a_gap() {
    stage(|| {
        let _sockets = Sockets::open();
        let file = recording(|frame| {
            let message = "rows may be missing";
            frame["problems"] = json!([
                {"code": "interrupted", "count": null, "message": message, "brief": message}
            ]);
        });
        let said = sockeye(&["watch", "--json", "--replay", file.path()]);
        let gaps = said.lines_of_json();
        let gaps: Vec<_> = gaps.iter().filter(|line| line["kind"] == "gap").collect();
        assert_eq!(gaps.len(), 1, "{said:?}");
        assert_eq!(
            (&gaps[0]["code"], &gaps[0]["since"], &gaps[0]["message"]),
            (
                &"partial".into(),
                &Value::Null,
                &"rows may be missing".into()
            )
        );
    });
}

/// As a machine that was suspended, or a reader that was slow.
#[test]
fn a_time_without_readings_is_a_gap() {
    stage(|| {
        let _sockets = Sockets::open();
        let watching = stream(&[":81"]);
        watching.stop();
        // Two readings more than a second apart are a gap.
        std::thread::sleep(Duration::from_millis(1100));
        watching.signal(Signal::CONT);
        let gap: Value = serde_json::from_str(&watching.line()).unwrap();
        assert_eq!(
            (&gap["kind"], &gap["code"]),
            (&"gap".into(), &"late".into())
        );
        let time = |name: &str| {
            gap[name]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>()
                .unwrap()
        };
        let apart = time("at").duration_since(time("since"));
        assert!(apart.as_millis() >= 1100, "{gap}");
    });
}

/// A log that begins before midnight and ends after it: of two readings a second apart.
#[test]
fn a_line_of_text_has_its_date() {
    stage(|| {
        let _sockets = Sockets::open();
        let file = recording(|frame| {
            frame["taken_at"]["wall"] = "2026-01-01T23:59:59.500Z".into();
        });
        let before = std::fs::read_to_string(file.path()).unwrap();
        let mut after: Value = serde_json::from_str(&before).unwrap();
        after["taken_at"]["wall"] = "2026-01-02T00:00:00.500Z".into();
        let steady = &mut after["taken_at"]["steady"];
        *steady = json!({"secs": steady["secs"].as_u64().unwrap() + 1, "nanos": steady["nanos"]});
        socket(&mut after, 8080)["state"] = "CLOSE_WAIT".into();
        std::fs::write(file.path(), format!("{before}{after}\n")).unwrap();
        let mut watching = Command::new(BINARY);
        watching.args(["watch", ":8080", "--replay", file.path()]);
        let said = Said::of(watching.env("TZ", "UTC").output().unwrap());
        let times: Vec<_> = said.out.lines().map(|line| &line[..25]).collect();
        assert_eq!(
            times.first(),
            Some(&"2026-01-01 23:59:59.500 ="),
            "{said:?}"
        );
        assert_eq!(times.last(), Some(&"2026-01-02 00:00:00.500 ~"), "{said:?}");
    });
}

#[test]
fn wrong_usage_is_one_line() {
    for (args, says) in [
        (
            &["--for", "5x"][..],
            "isn't a duration (use 500ms, 0.5, 2s or 1.5m)",
        ),
        (
            &["--interval", "1ms"],
            "isn't an interval (use 50ms to 24h)",
        ),
        (&["state:lisn"], "did you mean `listen`?"),
        (&["--jsn"], "'--json'"),
        (&["--replay", "/no/such/file"], "/no/such/file"),
    ] {
        let said = sockeye(&[&["watch"], args].concat());
        assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.contains(says), "{said:?}");
    }
}

#[test]
fn a_socket_that_grows_old_enough_is_present_from_then_on() {
    stage(|| {
        let watching = stream(&["age:>400ms", ":8080"]);
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let line = watching.json();
        // Its opening was seen, but at that time it did not match.
        assert!(told(&line).starts_with("opened 8080"), "{line}");
        drop(listener);
        assert_eq!(told(&watching.json()), "closed 8080 LISTEN CLOSED");
    });
}
