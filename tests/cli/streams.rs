//! Standard output and error that are full, closed, or non-blocking.

use std::process::Command;

use crate::cli::scene::{BINARY, Sockets, stage};
use crate::schema::{hold, valid};

/// Runs the program in a shell that redirects it.
fn run(args: &str, redirect: &str) -> (Option<i32>, String, String) {
    let script = format!("'{BINARY}' {args} {redirect}");
    let mut bash = Command::new("bash");
    let output = bash
        .args(["-o", "pipefail", "-c", &script])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let printed = text(output.stdout);
    hold(&printed);
    (output.status.code(), printed, text(output.stderr))
}

/// Every command that prints something, in a way that ends by itself.
const COMMANDS: [&str; 15] = [
    "list -a",
    "list -a --json",
    "list -a --ndjson",
    "list --count",
    "list -a --csv",
    "watch -a --for 2s",
    "watch -a --for 2s --json",
    "check 8080",
    "check 8080 --json",
    "free 20000-20009",
    "wait 20000 --for free --timeout 2s",
    "completions bash",
    "man",
    "keys",
    "config",
];

#[test]
fn a_full_device_is_one_line_and_exit_code_2() {
    stage(|| {
        let _sockets = Sockets::open();
        for args in COMMANDS {
            let (code, _, err) = run(args, ">/dev/full");
            assert_eq!(code, Some(2), "{args}: {err}");
            assert_eq!(err.lines().count(), 1, "{args}: {err}");
            assert!(err.contains("No space left on device"), "{args}: {err}");
        }
        let (code, _, err) = run("", ">/dev/full");
        assert_eq!((code, err.lines().count()), (Some(2), 1), "{err}");
    });
}

#[test]
fn a_reader_that_is_gone_changes_no_exit_code() {
    stage(|| {
        let _sockets = Sockets::open();
        for args in COMMANDS {
            let (expected, ..) = run(args, "");
            let (code, _, err) = run(args, "| true");
            assert_eq!((code, err.as_str()), (expected, ""), "{args}");
        }
    });
}

#[test]
fn standard_error_that_is_full_or_closed_changes_no_result() {
    stage(|| {
        let _sockets = Sockets::open();
        for args in COMMANDS
            .into_iter()
            .filter(|args| !args.starts_with("free"))
        {
            let expected = run(args, "");
            for redirect in ["2>/dev/full", "2>&-"] {
                let (code, out, _) = run(args, redirect);
                assert_eq!(code, expected.0, "{args} {redirect}");
                assert_eq!(out.is_empty(), expected.1.is_empty(), "{args} {redirect}");
            }
        }
        for redirect in ["2>/dev/full", "2>&-"] {
            assert_eq!(run("list --no-such-option", redirect).0, Some(2));
        }
    });
}

#[test]
fn a_non_blocking_output_is_waited_for() {
    stage(|| {
        let _sockets = Sockets::open();
        let many: Vec<_> = (0..2000)
            .map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap())
            .collect();
        let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        writer.set_nonblocking(true).unwrap();
        let mut list = Command::new(BINARY)
            .args(["list", "-a", "--json"])
            .stdout(std::os::fd::OwnedFd::from(writer))
            .spawn()
            .unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        assert_eq!(list.wait().unwrap().code(), Some(0));
        let listed = valid(text.trim_end());
        assert!(listed["sockets"].as_array().unwrap().len() > many.len());
    });
}
