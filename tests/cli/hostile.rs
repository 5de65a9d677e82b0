//! Whatever names hold, and whatever the command line repeats, no command writes a character that a terminal
//! acts on.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;

use assert_cmd::Command;
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use sockeye::model::clean;

use crate::cli::holder::{Holder, listener, recording, socket};
use crate::cli::scene::{BINARY, Said, Sockets, TempFile, sockeye, stage};
use crate::segment::decompressed;
use crate::support::connections::Connections;

/// A title, a colour, an override, a C1 control, a join, a line.
const HOSTILE: &str = "\x1b]0;x\x07\x1b[31m\u{202e}\u{9b}2J\u{200b}e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\r\nnext";

/// Nothing but lines of text.
fn assert_harmless(said: &Said) {
    for text in [&said.out, &said.err] {
        for line in text.lines() {
            // What is longer would be cut.
            let line: String = line.chars().take(4096).collect();
            assert_eq!(clean(&line), line, "{said:?}");
        }
    }
}

#[test]
fn a_word_of_the_command_line_is_never_repeated_raw() {
    let words = [
        &[HOSTILE][..],
        &["list", HOSTILE],
        &["list", "--columns", HOSTILE],
        &["list", "--sort", HOSTILE],
        &["list", "--replay", HOSTILE],
        &["list", "--record", "/nonexistent/\x1b[31m\u{202e}"],
        &["watch", "--replay", HOSTILE],
        &["watch", "--interval", HOSTILE],
        &["check", HOSTILE],
        &["free", HOSTILE],
        &["wait", HOSTILE],
        &["man", "--dir", HOSTILE, HOSTILE],
        &["completions", HOSTILE],
        &["--interval", HOSTILE],
        &[&format!("--{HOSTILE}")],
        &["free", "--hold", "--", HOSTILE],
        &["free", "--", HOSTILE],
    ];
    for args in words {
        let said = sockeye(args);
        assert_harmless(&said);
        assert_ne!(said.code, 101, "{said:?}");
        assert!(said.err.lines().count() <= 1, "{said:?}");
    }
}

#[test]
fn bytes_that_are_no_text_are_repeated_as_text() {
    let word = std::ffi::OsStr::from_bytes(b"\xff\x1b[31m\xfe");
    for option in ["--replay", "--record", "--interval"] {
        let output = Command::new(BINARY)
            .arg("list")
            .arg(option)
            .arg(word)
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains('\x1b') && err.lines().count() <= 1, "{err:?}");
        let _ = std::fs::remove_file(std::path::Path::new(word));
    }
}

/// A recording in which every text is hostile.
fn hostile_recording() -> TempFile {
    recording(|frame| {
        let pid = std::process::id();
        for process in frame["processes"].as_array_mut().unwrap() {
            for name in ["name", "command", "user"] {
                process[name] = HOSTILE.into();
            }
        }
        let message = serde_json::json!({
            "code": "table_unreadable", "count": null, "message": HOSTILE, "brief": HOSTILE
        });
        frame["problems"] = Value::Array(vec![message]);
        let socket = socket(frame, 8080);
        for name in ["user", "unit", "container", "interface"] {
            socket[name] = HOSTILE.into();
        }
        assert!(socket["pids"].as_array().unwrap().contains(&pid.into()));
    })
}

#[test]
fn a_recording_of_another_user_is_shown_as_text_by_every_command() {
    stage(|| {
        let _sockets = Sockets::open();
        let file = hostile_recording();
        for command in [
            &["list", "-a"][..],
            &["list", "-a", "--json"],
            &["list", "-a", "--ndjson"],
            &["list", "-a", "--csv"],
            &["list", "-a", "--csv=raw"],
            &["watch", "-a"],
            &["watch", "-a", "--json"],
        ] {
            let said = sockeye(&[command, &["--replay", file.path()]].concat());
            assert_eq!(said.code, 0, "{said:?}");
            assert_harmless(&said);
            assert!(said.out.contains(r"\x1b"), "{said:?}");
        }
    });
}

#[test]
fn a_command_line_of_128_kib_that_is_not_text_is_one_cell() {
    stage(|| {
        let listener = listener("127.0.0.1:8080");
        let name = format!("{}\u{202e}{}", "x\x1b\n".repeat(40_000), "y");
        let _holder = Holder::called(&name[name.len() - 100_000..], &[&listener]);
        drop(listener);
        for form in [
            &["list", ":8080"][..],
            &["list", ":8080", "--csv"],
            &["list", ":8080", "--json"],
        ] {
            let said = sockeye(form);
            assert_eq!(said.code, 0, "{said:?}");
            assert_harmless(&said);
            // Only JSON has all arguments.
            let is_whole = form.contains(&"--json");
            assert_eq!(said.out.len() > 100_000, is_whole, "{}", said.out.len());
        }
    });
}

/// A new interface of this name, and a listener on it and no other.
fn listener_on(name: &OsStr) -> Socket {
    let mut link = Command::new("ip");
    link.args(["link", "add", "name"]).arg(name);
    link.args(["type", "bridge"]).unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind_device(Some(name.as_bytes())).unwrap();
    let address: SocketAddr = "0.0.0.0:8080".parse().unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(8).unwrap();
    socket
}

#[test]
fn an_interface_may_have_any_name_that_the_kernel_takes() {
    stage(|| {
        let _listener = listener_on("\x1b[31m\u{202e};`$".as_ref());
        let shown = "%\\x1b[31m\\u{202e};`$";
        for (args, shown) in [
            (&["list", ":8080"][..], shown),
            (&["list", ":8080", "--csv"], &shown[1..]),
            (
                &["list", ":8080", "--json"],
                &shown[1..].replace('\\', "\\\\"),
            ),
            (&["check", "8080"], shown),
            (
                &["check", "8080", "--json"],
                &shown[1..].replace('\\', "\\\\"),
            ),
        ] {
            let said = sockeye(args);
            assert_harmless(&said);
            assert!(said.out.contains(shown), "{said:?}");
        }
    });
}

#[test]
fn an_interface_whose_name_is_not_text_is_shown_by_its_number() {
    stage(|| {
        let name = OsStr::from_bytes(b"if\xff\xfe");
        let _listener = listener_on(name);
        let said = sockeye(&["list", ":8080"]);
        assert!(said.out.contains("0.0.0.0%#"), "{said:?}");
    });
}

#[test]
fn a_user_may_have_any_name_that_fits_the_file() {
    stage(|| {
        let _sockets = Sockets::open();
        let users = TempFile::containing("passwd", "\x1b[31m\u{202e}=ann:x:0:0::/:/bin/sh\n");
        let script = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
        for form in [
            &["list", ":8080"][..],
            &["list", ":8080", "--csv"],
            &["check", "8080"],
        ] {
            let mut command = Command::new("unshare");
            command
                .args(["-m", "sh", "-c", script, users.path(), BINARY])
                .args(form);
            let said = Said::of(command.output().unwrap());
            assert_harmless(&said);
            assert!(said.out.contains(r"\x1b[31m\u{202e}=ann"), "{said:?}");
        }
    });
}

/// Runs a script beside a disk of 32 KiB, mounted at `disk` for the script alone. It sees no process from
/// outside: one with a long command line would fill the disk with the first line.
fn on_a_small_disk(disk: &std::path::Path, script: &str) -> Said {
    std::fs::create_dir_all(disk).unwrap();
    let mount = "mount -t tmpfs -o size=32k none \"$0\" && cd \"$0\" || exit 99\n";
    let mut command = Command::new("unshare");
    command
        .args(["-m", "-p", "-f", "--mount-proc"])
        .args(["sh", "-c", &format!("{mount}{script}")])
        .arg(disk)
        .arg(BINARY);
    let output = command.output().unwrap();
    std::fs::remove_dir(disk).unwrap();
    Said::of(output)
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_program_and_what_was_written_is_shown() {
    stage(|| {
        let _sockets = Sockets::open();
        let _connections = Connections::begin();
        let disk = std::env::temp_dir().join(format!("sockeye-disk-{}", std::process::id()));
        let script = r#"
            { "$1" watch --interval 50ms --record f 2>&1 >/dev/null & echo "pid $!"; wait; } | while read -r line; do
                case $line in
                    "pid "*) pid=${line#pid } ;;
                    *"the recording has ended"*) echo "$line"; kill -0 "$pid" && echo alive; kill "$pid" ;;
                esac
            done
            "$1" watch --replay f
        "#;
        let said = on_a_small_disk(&disk, script);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains("No space left on device"), "{said:?}");
        assert!(said.out.contains("alive"), "{said:?}");
        assert!(said.out.contains("127.0.0.1:8080"), "{said:?}");
        // It ends with its last whole snapshot.
        assert!(!said.err.contains("breaks off"), "{said:?}");
        assert!(!said.err.contains("damaged"), "{said:?}");
    });
}

#[test]
fn a_recording_that_may_not_grow_ends_and_not_the_program_and_what_was_written_is_shown() {
    stage(|| {
        let _sockets = Sockets::open();
        let _connections = Connections::begin();
        let folder = std::env::temp_dir().join(format!("sockeye-limit-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let script = r#"
            cd "$0"
            "$1" list --record none --record-max 10; echo "list $?"
            { "$1" watch --interval 50ms --record f --record-max 32K 2>&1 >/dev/null & echo "pid $!"; wait; } | while read -r line; do
                case $line in
                    "pid "*) pid=${line#pid } ;;
                    *"the recording has ended"*) echo "$line"; kill -0 "$pid" && echo alive; kill "$pid" ;;
                esac
            done
            "$1" watch --replay f
            [ $(($(wc -c < f) + $(wc -c < none))) -le 32768 ] && echo small
        "#;
        let mut command = Command::new("sh");
        let output = command
            .args(["-c", script])
            .arg(&folder)
            .arg(BINARY)
            .output()
            .unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        for said in [
            "list 2\n",
            "it may have 32768 bytes (--record-max)",
            "alive\n",
            "127.0.0.1:8080",
            "small\n",
        ] {
            assert!(out.contains(said), "{said}: {out} {err}");
        }
        assert!(err.contains("it may have 10 bytes (--record-max)"), "{err}");
        assert!(!err.contains("breaks off"), "{err}");
    });
}

#[test]
fn an_option_for_a_recording_without_one_is_an_error_in_one_line() {
    for args in [
        &["--redact"][..],
        &["list", "--redact"],
        &["check", "80", "--redact"],
    ] {
        let said = sockeye(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(
            said.err.starts_with("sockeye: --redact needs --record"),
            "{said:?}"
        );
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
    }
    let said = sockeye(&["list", "--record-max", "2G"]);
    let says =
        "sockeye: --record-max needs --record: name a file (--record FILE --record-max 2G)\n";
    assert_eq!((said.code, &*said.err), (2, says), "{said:?}");
}

#[test]
fn a_redacted_recording_of_this_machine_has_no_names() {
    stage(|| {
        let listener = listener("127.0.0.1:8080");
        let _holder = Holder::called("server", &[&listener]);
        let (file, name) = (TempFile::new("redacted.seg"), "--token=secret");
        let _other = Holder::called(name, &[&listener]);
        let said = sockeye(&["list", "-a", "--record", file.path(), "--redact"]);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        let text = decompressed(&std::fs::read(file.path()).unwrap());
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert!(
            text.contains("server") && !text.contains("read -r"),
            "{text}"
        );
        assert!(
            !text.contains(host.trim()) || host.trim().len() < 4,
            "{text}"
        );
        let replayed = sockeye(&["list", "--replay", file.path()]);
        assert_eq!(replayed.ports(), [8080], "{replayed:?}");
        // A recording that is there already can be made one that can be given away.
        let (whole, other) = (TempFile::new("whole.seg"), TempFile::new("other.seg"));
        sockeye(&["list", "-a", "--record", whole.path()]);
        let args = [
            "watch",
            "--replay",
            whole.path(),
            "--record",
            other.path(),
            "--redact",
        ];
        assert_eq!(sockeye(&args).code, 0);
        let [whole, other] = [whole, other].map(|file| std::fs::read(file.path()).unwrap());
        assert!(decompressed(&whole).contains("read -r"));
        assert!(!decompressed(&other).contains("read -r"));
    });
}
