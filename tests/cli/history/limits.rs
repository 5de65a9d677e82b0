//! What `record` removes and when it stops: old hours, large histories, full disks.

use std::fs;
use std::net::TcpListener;
use std::num::NonZeroU64;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use sockeye::clock::Clock;
use sockeye::history::{Writer, WriterOptions};
use sockeye::model::{Endpoint, Protocol, Socket, State};
use sockeye::source::System;

use super::{RECORD, Store, end, mount_tmpfs, server};
use crate::cli::background::Running;
use crate::cli::holder::listener;
use crate::cli::scene::{self, Said, stage};
use crate::support::wait_until;

/// Stores what is open now as if it had been so at that time, and for a second.
pub fn recorded_at(store: &Store, at: Timestamp, extra: &[Socket]) {
    let options = WriterOptions {
        min_free: Some(0),
        ..WriterOptions::default()
    };
    let mut writer = Writer::open(store.path(), &options).unwrap();
    let taken = System::new().take_once(Clock::start().now()).unwrap();
    for second in 0..2 {
        let mut snapshot = taken.clone();
        snapshot.taken_at.wall = at + SignedDuration::from_secs(second);
        snapshot.taken_at.steady += Duration::from_secs(second.unsigned_abs());
        snapshot.sockets.extend_from_slice(extra);
        writer.add(&snapshot).unwrap();
    }
    writer.close().unwrap();
}

fn hours_ago(hours: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(hours)
}

/// What the options `--at` and `--dir` make of a command.
fn at(store: &Store, words: &[&str], time: Timestamp) -> Said {
    store.asks(&[words, &["--at", &time.to_string()]].concat())
}

/// The files of the segments, with their sizes.
fn segments(store: &Store) -> Vec<(String, u64)> {
    let files = fs::read_dir(&store.0).unwrap().map(Result::unwrap);
    let files = files.filter(|file| {
        let path = file.path();
        path.extension().is_some_and(|it| it == "seg") && !path.ends_with("holders.seg")
    });
    let mut all: Vec<_> = files
        .map(|file| {
            let size = file.metadata().map_or(0, |file| file.len());
            (file.file_name().into_string().unwrap(), size)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn what_is_older_than_keep_is_gone_but_for_the_ports_and_is_named_so() {
    stage(|| {
        let store = Store::new("keep");
        let old = server("old", 8080);
        let (first, second) = (hours_ago(30), hours_ago(2));
        recorded_at(&store, first, &[]);
        recorded_at(&store, second, &[]);
        assert_eq!(at(&store, &["list"], first).code, 0);
        let old_pid = old.pid();
        drop(old);
        let recorder = store.recorder_with(&["--keep=24h"]);
        wait_until("the first snapshot", || {
            at(&store, &["who", "8080"], second).code == 0 && segments(&store).len() == 2
        });
        let listed = at(&store, &["list"], first);
        assert_eq!((listed.code, &*listed.out), (2, ""), "{listed:?}");
        assert!(
            listed
                .err
                .contains("is before the history, which begins at"),
            "{listed:?}"
        );
        let checked = at(&store, &["check", "8080"], first);
        assert_eq!((checked.code, &*checked.out), (2, ""), "{checked:?}");
        // The ports of the removed hours are known for longer, the rest is not.
        let who = at(&store, &["who", "--json", "8080"], first);
        assert_eq!(who.json()["holders"][0]["pids"][0], old_pid, "{who:?}");
        let who = at(&store, &["who", "8090"], first);
        assert_eq!((who.code, &*who.out), (2, ""), "{who:?}");
        assert!(
            who.err
                .contains("nothing is recorded of that time: the history begins at"),
            "{who:?}"
        );
        end(recorder, Signal::TERM, 143);
    });
}

/// Sockets that no compression makes small.
fn many(seed: u64) -> Vec<Socket> {
    let mut state = seed;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()
    };
    let mut one = |port: u16| {
        let bytes = random();
        let address: [u8; 4] = bytes[..4].try_into().unwrap();
        let remote = Endpoint::new(address.into(), u16::from_be_bytes([bytes[4], bytes[5]]));
        let local = Endpoint::new([127, 0, 0, 1].into(), port);
        let mut socket = Socket::new(Protocol::Tcp, local, Some(remote), State::Established);
        socket.cookie = NonZeroU64::new(u64::from_be_bytes(random()));
        socket
    };
    (1..=20_000).map(&mut one).collect()
}

#[test]
fn the_oldest_is_removed_while_all_is_larger_than_max_size() {
    stage(|| {
        let store = Store::new("max-size");
        let times: Vec<_> = (1..=8).rev().map(hours_ago).collect();
        for (seed, time) in (1..).zip(&times) {
            recorded_at(&store, *time, &many(seed));
        }
        let before = segments(&store);
        let total = |all: &[(String, u64)]| all.iter().map(|one| one.1).sum::<u64>();
        assert!(total(&before) > 3 << 19, "{before:?}");
        let recorder = store.recorder_with(&["--max-size=1M"]);
        wait_until("the first snapshot", || {
            segments(&store).last() > before.last()
        });
        wait_until("room", || total(&segments(&store)) <= 1 << 20);
        let after = segments(&store);
        assert!(after.len() > 2 && after.len() < 8, "{after:?}");
        // Those that are left are the newest, and not one is missing in between.
        let left = after.len() - 1;
        assert_eq!(before[8 - left..], after[..left]);
        for (nth, time) in times.iter().enumerate() {
            let listed = at(
                &store,
                &["list", "-a"],
                *time + SignedDuration::from_secs(1),
            );
            let is_left = nth >= 8 - left;
            assert_eq!(listed.code, if is_left { 0 } else { 2 }, "{listed:?}");
        }
        end(recorder, Signal::TERM, 143);
    });
}

/// A file that leaves less than a mebibyte of a disk free.
fn fill(folder: &Path) -> std::path::PathBuf {
    let stat = rustix::fs::statvfs(folder).unwrap();
    let path = folder.join("other");
    let free = stat.f_bavail * stat.f_frsize;
    fs::write(&path, vec![1; usize::try_from(free).unwrap() - (600 << 10)]).unwrap();
    path
}

/// A recorder that writes errors to standard output, too, to wait for each line.
fn with_one_stream(store: &Store, option: &str) -> Running {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2>&1", scene::BINARY])
        .args(RECORD)
        .args([option, "--dir", store.path()]);
    Running::start(&mut command)
}

#[test]
fn a_full_disk_is_one_line_and_a_gap_until_there_is_room() {
    stage(|| {
        let store = Store::new("full");
        fs::create_dir_all(&store.0).unwrap();
        mount_tmpfs("size=8m,mode=700", store.path());
        let recorder = with_one_stream(&store, "--min-free=1M");
        assert!(recorder.line().starts_with("recording to "));
        let _first = listener("127.0.0.1:8080");
        store.wait_for(8080, 1, "open");
        let other = fill(&store.0);
        let _second = TcpListener::bind("127.0.0.1:8081").unwrap();
        let line = recorder.line();
        let free = "KiB are free, 1 MiB are kept free; trying again every 10 seconds";
        assert!(
            line.starts_with("sockeye: no history is stored: the disk is nearly full: ")
                && line.ends_with(free),
            "{line}"
        );
        assert!(recorder.is_running());
        fs::remove_file(other).unwrap();
        assert_eq!(
            recorder.line(),
            "sockeye: the history is being stored again"
        );
        let holders = store.wait_for(8081, 1, "open");
        assert_eq!(holders[0]["from_exact"], false, "{holders:#?}");
        let said = store.asks(&["who", "8080", "--json"]).json();
        assert_eq!(said["gaps"][0]["code"], "disk_full", "{said:#}");
        assert_eq!(said["gaps"].as_array().unwrap().len(), 1, "{said:#}");
        recorder.signal(Signal::TERM);
        let ended = recorder.end();
        assert_eq!((ended.code, ended.rest), (Some(143), Vec::new()));
    });
}
