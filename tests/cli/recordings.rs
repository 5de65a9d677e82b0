//! `list --replay`: which snapshot of a recording, and that it is one.

use std::os::unix::fs::MetadataExt as _;

use super::scene::{BINARY, Said, TempFile, sockeye};

/// A snapshot with a listener on this port, taken at this time of 28 November 2026.
fn snapshot(clock: &str, port: u16) -> String {
    let sockets = format!(
        r#"{{"protocol":"tcp","local":{{"address":"127.0.0.1","port":{port}}},"state":"LISTEN","owner":"none"}}"#
    );
    format!(
        r#"{{"schema":1,"taken_at":{{"steady":{{"secs":1,"nanos":0}},"wall":"2026-11-28T{clock}Z"}},"sockets":[{sockets}],"processes":[],"problems":[]}}"#
    ) + "\n"
}

/// Ports 1, 2 and 3, a minute apart.
fn recording(name: &str) -> TempFile {
    let snapshots = [("03:11:05.5", 1), ("03:12:05.5", 2), ("03:13:05.5", 3)];
    let lines: String = snapshots
        .map(|(clock, port)| snapshot(clock, port))
        .concat();
    TempFile::containing(name, &lines)
}

/// What is said where the local time is that of UTC.
fn said(args: &[&str]) -> Said {
    let mut command = assert_cmd::Command::new(BINARY);
    let output = command.args(args).env("TZ", "UTC").output().unwrap();
    Said::of(output)
}

#[test]
fn a_recording_is_listed_as_it_ends_with_a_note() {
    let file = recording("last.jsonl");
    let said = said(&["list", "--replay", file.path()]);
    assert_eq!((said.code, said.ports()), (0, vec![3]), "{said:?}");
    let told = "sockeye: recorded at 2026-11-28 03:13:05: snapshot 3 of 3\n";
    assert_eq!(said.err, told);
}

#[test]
fn another_snapshot_is_listed_by_its_time() {
    let file = recording("at.jsonl");
    for (at, port) in [
        ("2026-11-28T03:12:05.5Z", 2),
        ("2026-11-28T05:12:05+02:00", 2),
        ("2026-11-28 03:12", 1),
        ("03:12:05", 2),
        ("03:12:04", 1),
        ("1m", 2),
        ("2m", 1),
        ("0s", 3),
    ] {
        let said = said(&["list", "--replay", file.path(), "--at", at]);
        assert_eq!((said.code, said.ports()), (0, vec![port]), "{at}: {said:?}");
        let told = format!("snapshot {port} of 3\n");
        assert!(said.err.ends_with(&told), "{at}: {said:?}");
    }
    let json = said(&["list", "--json", "--replay", file.path(), "--at", "1m"]);
    let listing: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(listing["taken_at"], "2026-11-28T03:12:05.500Z");
    assert_eq!((json.code, json.err.as_str()), (0, ""));
}

#[test]
fn a_time_outside_the_recording_is_reported() {
    let file = recording("beyond.jsonl");
    let before = said(&["list", "--replay", file.path(), "--at", "03:11"]);
    assert_eq!((before.code, before.out.as_str()), (2, ""));
    let told = "sockeye: --at: 2026-11-28 03:11:00 is before the first snapshot, \
                which was taken at 2026-11-28 03:11:05\n";
    assert_eq!(before.err, told);
    let at = "2026-11-28 04:00";
    let after = said(&["list", "--json", "--replay", file.path(), "--at", at]);
    assert_eq!(after.code, 0);
    let told = "sockeye: the recording ends at 2026-11-28 03:13:05; this is its last snapshot\n";
    assert_eq!(after.err, told);
}

#[test]
fn an_invalid_time_or_a_missing_recording_is_a_usage_error_in_one_line() {
    let file = recording("usage.jsonl");
    for (args, told) in [
        (
            &["--at", "3:", "--replay", file.path()][..],
            "isn't a time (use 03:12, 3am",
        ),
        (&["--at", "03:12", "--dir", "/nonexistent"], "no history in"),
        (
            &["--at", "03:12", "--replay", "/dev/null"],
            "/dev/null:1: the recording is empty",
        ),
    ] {
        let said = sockeye(&[&["list"], args].concat());
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.contains(told), "{said:?}");
    }
}

#[test]
fn a_recording_is_its_owners_alone_and_no_file_is_overwritten() {
    let file = TempFile::new("private.seg");
    said(&["list", "-a", "--record", file.path()]);
    let mode = std::fs::metadata(file.path()).unwrap().mode();
    assert_eq!(mode & 0o077, 0);
    let before = std::fs::read(file.path()).unwrap();
    let again = said(&["list", "-a", "--record", file.path()]);
    let says = format!(
        "sockeye: {}: it is there already, and nothing is overwritten: name another one\n",
        file.path()
    );
    assert_eq!((again.code, again.err), (2, says));
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
}

#[test]
fn lines_from_a_pipe_are_listed_without_a_time_only() {
    let file = recording("piped.jsonl");
    let piped = |args: &str| {
        let script = format!("cat \"$0\" | \"$1\" list --replay /dev/stdin {args}");
        let mut command = assert_cmd::Command::new("sh");
        let command = command.args(["-c", &script, file.path(), BINARY]);
        Said::of(command.output().unwrap())
    };
    assert_eq!(piped("").code, 0);
    let refused = piped("--at 03:12");
    let says = "sockeye: --at needs a file that can be read twice: /dev/stdin\n";
    assert_eq!((refused.code, &*refused.err), (2, says));
}

#[test]
fn a_truncated_recording_is_listed_up_to_its_last_whole_snapshot() {
    let whole = snapshot("03:11:05", 1);
    let file = TempFile::containing("cut.jsonl", &format!("{whole}{}", &whole[..99]));
    let said = said(&["list", "--replay", file.path()]);
    assert_eq!((said.code, said.ports()), (0, vec![1]), "{said:?}");
    assert!(
        said.err.contains("the recording breaks off in its line 2"),
        "{said:?}"
    );
}
