//! Recorders that are killed, and disks that are full: with real processes, which are this test program again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;

use super::machine::{Machine, Random};
use super::{Folder, forward, options};
use crate::history::*;
use crate::model::Snapshot;

/// The variable with the folder, and the one with the number of the run.
const FOLDER: &str = "SOCKEYE_TEST_HISTORY";
const RUN: &str = "SOCKEYE_TEST_HISTORY_RUN";

/// This program, running one test that is ignored otherwise.
fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = format!("history::tests::processes::{test}");
    command.args([
        "--exact",
        &name,
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The machine of a run: each begins later than the one before ended.
fn machine(run: u64) -> Machine {
    let mut machine = Machine::new(run + 1);
    machine.pass(Duration::from_secs(run * 1000));
    machine
}

/// Writes a second of each moment until it is killed, and prints the number of each snapshot that is on its way to the disk.
#[test]
#[ignore = "it is started by another test"]
fn write_until_killed() {
    let Some(folder) = from_environment(FOLDER) else {
        return;
    };
    let run = from_environment(RUN).unwrap().parse().unwrap();
    let mut machine = machine(run);
    let mut writer = Writer::open(folder, &options()).unwrap();
    for number in 0.. {
        writer.add(&machine.snapshot(1000)).unwrap();
        writer.sync().unwrap();
        println!("written {number}");
    }
}

#[test]
fn a_recorder_that_is_killed_loses_the_last_seconds_and_nothing_else() {
    let folder = Folder::new();
    let mut random = Random::new(21);
    let mut acknowledged = Vec::new();
    for run in 0..200_u64 {
        let mut child = again("write_until_killed")
            .env(FOLDER, &folder.0)
            .env(RUN, run.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let wanted = random.below(40);
        acknowledged.push(last_number(&mut child, wanted));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut history = History::open(&folder.0).unwrap();
    assert_eq!(history.segments.len(), 200);
    let read = forward(&mut history);
    let mut read = read.iter().peekable();
    for (run, last) in acknowledged.into_iter().enumerate() {
        let mut machine = machine(run as u64);
        let mut count = 0;
        loop {
            let snapshot = machine.snapshot(1000);
            let is_it = |one: &&Recorded| one.snapshot.taken_at.wall == snapshot.taken_at.wall;
            match read.next_if(is_it) {
                Some(one) if count > 0 => super::assert_same_with_closes(&one.snapshot, &snapshot),
                Some(one) => super::assert_same(&one.snapshot, &snapshot),
                // Nothing changed in it, if it is not after the last one that was written.
                None if snapshot.closed.is_empty() && is_followed(read.peek(), &snapshot) => {}
                None if snapshot.closed.is_empty() && count + 12 > last && count < last => {}
                None => break,
            }
            count += 1;
        }
        assert!(count + 11 > last, "run {run}: {count} of {last}");
    }
    assert!(read.next().is_none(), "a snapshot was read twice");
    assert!(
        history
            .verify()
            .unwrap()
            .iter()
            .all(|one| one.kind == DamageKind::Incomplete)
    );
}

/// Whether the next one that was read is a later one of the same run.
fn is_followed(next: Option<&&Recorded>, snapshot: &Snapshot) -> bool {
    let after = |one: &&Recorded| {
        one.snapshot
            .taken_at
            .wall
            .duration_since(snapshot.taken_at.wall)
    };
    next.is_some_and(|one| (1..500).contains(&after(one).as_secs()))
}

/// Reads until so many snapshots were written; returns how many.
fn last_number(child: &mut Child, wanted: u64) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let numbers = lines.map_while(Result::ok).filter_map(|line| {
        let number = line.split("written ").nth(1)?;
        number.parse::<u64>().ok()
    });
    let mut numbers = numbers.skip_while(|number| *number < wanted);
    numbers.next().expect("it writes until it is killed")
}

/// Fills a small disk and goes on when there is room.
#[test]
#[ignore = "it is started by another test, on a disk of 2 MiB"]
fn fill_the_disk() {
    let Some(folder) = from_environment(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let other = folder.join("other");
    let mut machine = Machine::new(31);
    let store = folder.join("store");
    let mut writer = Writer::open(&store, &options()).unwrap();
    let mut add = |writer: &mut Writer| {
        let stored = writer.add(&machine.snapshot(1000)).unwrap();
        writer.sync().unwrap();
        stored
    };
    for _ in 0..60 {
        assert_eq!(add(&mut writer), Stored::Written);
    }
    // Another program takes everything.
    let _ = std::fs::write(&other, vec![0; 4 << 20]);
    let stopped = (0..200)
        .map(|_| add(&mut writer))
        .find(|one| *one != Stored::Written);
    let Some(Stored::Stopped(problem)) = stopped else {
        panic!("it noticed nothing")
    };
    assert!(problem.message.contains("disk"), "{}", problem.message);
    // An attempt that fails is no success for a while.
    for _ in 0..50 {
        assert_ne!(add(&mut writer), Stored::Written);
    }
    std::fs::remove_file(&other).unwrap();
    let resumed = (0..200)
        .map(|_| add(&mut writer))
        .skip(12)
        .all(|one| one == Stored::Written);
    assert!(resumed);
    writer.close().unwrap();
    let mut history = History::open(&store).unwrap();
    let reasons: Vec<_> = history
        .gaps(TimeRange::ALL)
        .iter()
        .map(|gap| gap.reason)
        .collect();
    assert_eq!(reasons, [GapReason::DiskFull]);
    // No attempt leaves a file.
    assert_eq!(history.segments.len(), 2);
    assert_eq!(history.verify().unwrap(), []);
    assert!(forward(&mut history).len() > 150);
    assert!(history.range().unwrap().from < Timestamp::MAX);
    println!("filled");
}

#[test]
fn a_full_disk_stops_the_recorder_until_there_is_room() {
    let folder = Folder::new();
    std::fs::create_dir_all(&folder.0).unwrap();
    let mount = "mount -t tmpfs -o size=2m none \"$0\" || exit 99\nexec \"$@\"";
    let again = again("fill_the_disk");
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", mount])
        .arg(&folder.0)
        .arg(again.get_program())
        .args(again.get_args())
        .env(FOLDER, &folder.0)
        .output();
    let output = match output {
        Ok(output) if output.status.code() != Some(99) => output,
        other => {
            let required = from_environment("SOCKEYE_REQUIRE").unwrap_or_default();
            assert!(
                !required.contains("netns"),
                "no namespace can be made: {other:?}"
            );
            return;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("filled"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
