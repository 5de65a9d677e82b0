//! `list --at`, `check --at` and `watch --since`, compared with what really happened.

use std::io::Read as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;
use rustix::process::Signal;
use serde_json::Value;
use sockeye::history::{Writer, WriterOptions};
use sockeye::model::{Endpoint, Moment, Protocol, Snapshot, Socket, State};

use super::{Store, end, server, time, two_servers};
use crate::cli::background::Running;
use crate::cli::holder::listener;
use crate::cli::scene::{self, Said, Sockets, sockeye, stage};
use crate::support::wait_until;

#[test]
fn list_and_check_show_the_table_as_it_was() {
    stage(|| {
        let (store, _recorder, [first, _], second) = two_servers("at");
        let at = first.to_string();
        let listed = store.asks(&["list", "--json", ":8080", "--at", &at]).json();
        let processes = listed["processes"].as_object().unwrap();
        let argv = &processes.values().next().unwrap()["argv"];
        assert_eq!(argv[3], "called:first", "{listed:#}");
        let text = store.asks(&["list", ":8080", "--at", &at]);
        assert_eq!(text.ports(), [8080], "{text:?}");
        assert!(text.err.starts_with("sockeye: as it was at "), "{text:?}");
        let before = store.asks(&["list", "--at", "1h ago"]);
        assert_eq!((before.code, &*before.out), (2, ""), "{before:?}");
        assert!(
            before
                .err
                .contains("is before the history, which begins at"),
            "{before:?}"
        );
        drop(second);
        store.wait_for(8080, 2, "process_ended");
        let taken = store.asks(&["check", "8080", "--json", "--at", &at]);
        let json = taken.json();
        assert_eq!(
            (taken.code, &json["targets"][0]["cause"]),
            (1, &"listener".into())
        );
        assert_eq!(json["targets"][0]["probes"], serde_json::json!([]));
        assert_eq!(json["targets"][0]["remedies"], serde_json::json!([]));
        let text = store.asks(&["check", "8080", "--at", &at]);
        assert!(text.out.contains("no bind was made"), "{text:?}");
        let free = store.asks(&["check", "8080", "--at", "now"]);
        assert_eq!(free.code, 0, "{free:?}");
        let path = store.asks(&["check", "/run/app.sock", "--at", &at]);
        assert_eq!(path.code, 2, "{path:?}");
    });
}

#[test]
fn watch_goes_on_from_the_history_without_a_change_twice() {
    stage(|| {
        let (store, recorder, [first, _], second) = two_servers("since");
        let since = first.to_string();
        let words = [
            "watch",
            "--json",
            ":8080",
            "--interval=50ms",
            "--since",
            &since,
            "--dir",
            store.path(),
        ];
        let watching = Running::sockeye(&words);
        let told = |line: &Value| {
            let pid = &line["socket"]["pids"][0];
            format!("{} {pid}", line["kind"].as_str().unwrap())
        };
        assert_eq!(watching.json()["kind"], "start");
        let kinds: Vec<_> = (0..3).map(|_| told(&watching.json())).collect();
        let second_pid = second.pid();
        assert!(
            kinds[0].starts_with("present ") && kinds[1].starts_with("closed "),
            "{kinds:?}"
        );
        assert_eq!(kinds[2], format!("opened {second_pid}"));
        // Now: the next lines are of this machine.
        drop(second);
        assert_eq!(told(&watching.json()), format!("closed {second_pid}"));
        let third = server("third", 8080);
        assert_eq!(told(&watching.json()), format!("opened {}", third.pid()));
        watching.signal(Signal::TERM);
        assert_eq!(watching.end().rest, [] as [&str; 0]);
        end(recorder, Signal::TERM, 143);
    });
}

/// Targets, with the exit codes and the sentences of `check --at`.
fn then(client: &str) -> [(&str, i32, Regex); 7] {
    let me = r"\S.* \(pid \d+(?: and \d+ more)?, root, running since [0-9: -]+\)";
    let command = r"`.*` in `.*`.*\.";
    let all = [
        (
            "9999",
            0,
            "^Port 9999 was free: a server could have bound it.".to_owned(),
        ),
        (
            "127.0.0.1:8080",
            1,
            format!("^{me} listened on 127.0.0.1:8080.\n{command}"),
        ),
        (
            "8081",
            1,
            format!(r"^{me} listened on \[::1\]:8081.\n{command}\nA server could have bound "),
        ),
        (
            "8600",
            1,
            format!("^{me} had bound 127.0.0.1:8600 without listening.\n{command}"),
        ),
        (
            "5353/udp",
            1,
            format!("^{me} had bound UDP 127.0.0.1:5353.\n{command}"),
        ),
        (
            client,
            1,
            format!(
                r"^An outgoing connection of \S.* \(pid \d+(?: and \d+ more)?, root\) to 127.0.0.1:8080 used {client} as its source port"
            ),
        ),
        (
            "127.0.0.1:8700",
            // `check` without a time says so, too: the server had set it. It was "in use", as if it had not.
            0,
            "^Free for a server that set SO_REUSEADDR: all that was left was 1 connection in TIME_WAIT."
                .to_owned(),
        ),
    ];
    all.map(|(target, code, text)| (target, code, Regex::new(&text).unwrap()))
}

#[test]
fn check_says_what_was_so_and_nothing_of_now() {
    stage(|| {
        let sockets = Sockets::open();
        let (first, second) = (listener("127.0.0.1:8700"), listener("127.0.0.2:8700"));
        let mut short = TcpStream::connect("127.0.0.1:8700").unwrap();
        first.accept().unwrap().0.shutdown(Shutdown::Both).unwrap();
        // Closed here first, then there: TIME_WAIT is on the server's side.
        assert_eq!(short.read(&mut [0]).unwrap(), 0);
        drop((first, short));
        let client = sockets.client.local_addr().unwrap().port().to_string();
        let store = Store::new("tense");
        let recorder = store.recorder();
        store.wait_for(8080, 1, "open");
        let at = Timestamp::now().to_string();
        let checked = |target: &str| {
            let said = store.asks(&["check", target, "--at", &at]);
            let lines = said.out.lines().map(str::trim);
            let text: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            (said.code, text[1..].join("\n"), said.out)
        };
        let judged = "Judged by the rules of the kernel from the sockets that were recorded: no bind was made.";
        let now = r"right now|listens|\bcan\b|\bago\b|still be|still could|\bfix(es)?\b";
        let now = Regex::new(now).unwrap();
        for (target, code, sentences) in then(&client) {
            let (found, text, all) = checked(target);
            assert_eq!(found, code, "{target}: {all}");
            assert!(
                sentences.is_match(&text) && text.ends_with(judged),
                "{sentences}\n{text}"
            );
            assert!(!now.is_match(&all), "{all}");
        }
        let (_, _, all) = checked("127.0.0.1:8700");
        assert!(
            all.contains("note: The port was in use on other addresses: ")
                && all.contains(" had 127.0.0.2:8700. A client that connected"),
            "{all}"
        );
        // A target that can't be judged is refused before the others are.
        let refused = store.asks(&["check", "8080", "/run/app.sock", "--at", &at]);
        assert_eq!((refused.code, &*refused.out), (2, ""), "{refused:?}");
        drop(second);
        end(recorder, Signal::TERM, 143);
    });
}

/// A recorder that has nothing to store writes once a minute: what is stored sooner was requested.
#[test]
fn what_a_recorder_has_not_stored_yet_is_there_at_once() {
    stage(|| {
        let store = Store::new("early");
        let recorder = store.recorder();
        store.wait_for_first_snapshot();
        let recorded_to = || {
            let who = store.asks(&["who", "1", "--json"]).json();
            time(&who["recorded"]["to"])
        };
        let server = TcpListener::bind("127.0.0.1:8080").unwrap();
        store.wait_for(8080, 1, "open");
        let began = Timestamp::now();
        let watched = store.asks(&["watch", "--since", "1h ago", "--for", "0s"]);
        assert_eq!(watched.code, 0, "{watched:?}");
        assert!(recorded_to() > began, "{watched:?}");
        // Connections alone are stored after ten seconds.
        let _client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let began = Timestamp::now();
        let checked = store.asks(&["check", "8080", "--at", &began.to_string()]);
        assert_eq!(checked.code, 1, "{checked:?}");
        let last = recorded_to();
        assert!(last >= began, "{checked:?}");
        let at = last.to_string();
        let listed = store.asks(&["list", "-a", "--at", &at, "state:established"]);
        assert_eq!(listed.out.lines().count(), 3, "{listed:?}");
        assert!(!store.0.join("flush").exists());
        // A reader that can't write there has what is stored.
        let read_only = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"; \
            exec \"$0\" list --json --dir \"$1\" --at now";
        let mut reader = Command::new("unshare");
        reader.args(["-m", "sh", "-ec", read_only, scene::BINARY, store.path()]);
        let listed = Said::of(reader.output().unwrap());
        assert_eq!(listed.code, 0, "{listed:?}");
        assert!(listed.err.contains(" so far; this is its last snapshot"));
        assert!(!store.0.join("flush").exists());
        end(recorder, Signal::TERM, 143);
    });
}

#[test]
fn watch_names_the_time_that_no_recorder_ran() {
    stage(|| {
        let (store, recorder, [first, _], _second) = two_servers("unrecorded");
        end(recorder, Signal::TERM, 143);
        let again = store.recorder();
        wait_until("the gap", || {
            let said = store.asks(&["who", "8080", "--json"]).json();
            said["gaps"][0]["code"] == "stopped"
        });
        let since = first.to_string();
        let watched = store.asks(&["watch", "--since", &since, "--for", "0s", ":8080"]);
        assert_eq!(watched.code, 0, "{watched:?}");
        assert!(
            watched.err.contains(": the recorder was stopped\n"),
            "{watched:?}"
        );
        end(again, Signal::TERM, 143);
    });
}

#[test]
fn a_folder_and_a_segment_are_replayed_like_a_recording() {
    stage(|| {
        let (store, recorder, [first, _], _second) = two_servers("replay");
        end(recorder, Signal::TERM, 143);
        let mut files = std::fs::read_dir(store.path()).unwrap();
        let mut files = files.by_ref().map(|file| file.unwrap().path());
        let segment = files.find(|path| path.extension().is_some()).unwrap();
        for path in [store.path(), segment.to_str().unwrap()] {
            let listed = sockeye(&["list", "--replay", path, ":8080"]);
            assert_eq!(listed.ports(), [8080], "{listed:?}");
            let at = first.to_string();
            let listed = sockeye(&["list", "--json", "--replay", path, ":8080", "--at", &at]);
            let listed = listed.json();
            let processes = listed["processes"].as_object().unwrap();
            let argv = &processes.values().next().unwrap()["argv"];
            assert_eq!(argv[3], "called:first", "{listed:#}");
            let watched = sockeye(&["watch", "--json", "--replay", path, ":8080"]);
            let lines = watched.lines_of_json();
            let kinds: Vec<_> = lines
                .iter()
                .map(|line| line["kind"].as_str().unwrap())
                .collect();
            assert_eq!(
                kinds,
                ["start", "opened", "closed", "opened"],
                "{watched:?}"
            );
            let same = sockeye(&["diff", path, "-t"]);
            assert_eq!((same.code, &*same.out), (0, ""), "{same:?}");
        }
    });
}

/// Everything after the clock was set back was left out, without a word.
#[test]
fn watch_goes_on_where_the_clock_was_set_back() {
    stage(|| {
        let store = Store::new("set-back");
        let options = WriterOptions {
            min_free: Some(0),
            ..WriterOptions::default()
        };
        let mut writer = Writer::open(store.path(), &options).unwrap();
        let now = Timestamp::now();
        // The clock was ten minutes fast.
        for (steady, wall, ports) in [
            (100, 600, &[9001][..]),
            (110, 610, &[9001, 9002]),
            (120, -60, &[9001]),
            (130, -50, &[9001, 9003]),
            (140, -40, &[9001]),
        ] {
            let listener = |&port: &u16| {
                let local = Endpoint::new([127, 0, 0, 1].into(), port);
                Socket::new(Protocol::Tcp, local, None, State::Listen)
            };
            let snapshot = Snapshot {
                taken_at: Moment {
                    steady: Duration::from_secs(steady),
                    wall: now + jiff::SignedDuration::from_secs(wall),
                },
                sockets: ports.iter().map(listener).collect(),
                ..Snapshot::default()
            };
            let _ = writer.add(&snapshot).unwrap();
            writer.sync().unwrap();
        }
        writer.close().unwrap();
        let said = store.asks(&["watch", "--json", "--since", "5m ago", "--for", "0s"]);
        let lines = said.lines_of_json();
        let is_about = |line: &&Value| line["socket"]["local"]["port"] == 9003;
        let kinds: Vec<_> = lines
            .iter()
            .filter(is_about)
            .map(|line| &line["kind"])
            .collect();
        assert_eq!(kinds, ["opened", "closed"], "{lines:#?}");
    });
}
