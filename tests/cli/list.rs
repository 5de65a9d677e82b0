//! The table as text.

use std::process::{Command, Stdio};

use crate::scene::{BINARY, Sockets, TempFile, sockeye, stage};

#[test]
fn a_pipe_gets_no_colours_and_nothing_cut() {
    stage(|| {
        let _sockets = Sockets::open();
        let long = format!("--a-very-long-argument={}", "x".repeat(300));
        let listener =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener
            .bind(
                &"127.0.0.1:9000"
                    .parse::<std::net::SocketAddr>()
                    .unwrap()
                    .into(),
            )
            .unwrap();
        listener.listen(1).unwrap();
        listener.set_cloexec(false).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "read -r _", &long]).stdin(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        drop(listener);
        let said = sockeye(&["list", ":9000"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        assert!(!said.out.contains(['\x1b', '…', '\r']), "{}", said.out);
        assert!(said.out.contains(&long), "{}", said.out);
    });
}

#[test]
fn what_listens_or_is_bound_is_shown_unless_more_is_asked_for() {
    stage(|| {
        let sockets = Sockets::open();
        let near = sockets.client.local_addr().unwrap().port();
        let mut all = vec![5353, 5354, 8080, 8080, 8081, 8600, near];
        all.sort_unstable();
        let asked = |args: &[&str]| sockeye(&[&["list"], args].concat()).ports();
        let open = [5353, 5354, 8080, 8081, 8600];
        assert_eq!(asked(&[]), open);
        assert_eq!(asked(&["-l"]), open);
        assert_eq!(asked(&["-a"]), all);
        assert_eq!(asked(&["-t"]), [8080, 8081, 8600]);
        assert_eq!(asked(&["-u"]), [5353, 5354]);
        assert_eq!(asked(&["-tu"]), open);
        assert_eq!(asked(&["-4"]), [5353, 8080, 8600]);
        assert_eq!(asked(&["-6"]), [5354, 8081]);
        assert_eq!(asked(&["-46"]), open);
        assert_eq!(asked(&["-6", "-u"]), [5354]);
        assert_eq!(asked(&[":8080"]), [8080, 8080], "a filter looks everywhere");
        assert_eq!(asked(&["-l", ":8080"]), [8080]);
        assert_eq!(asked(&["-4", ":8081", "|", ":5353"]), [5353]);
    });
}

#[test]
fn nothing_that_matches_is_exit_code_1_and_silence() {
    stage(|| {
        let _sockets = Sockets::open();
        let said = sockeye(&["list", ":81"]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    });
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    stage(|| {
        let _sockets = Sockets::open();
        for format in [&["list", "-a"][..], &["list", "-a", "--json"]] {
            let mut list = Command::new(BINARY);
            list.args(format)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut list = list.spawn().unwrap();
            // The reader goes before the first byte is written: reading the sockets comes first.
            drop(list.stdout.take());
            let output = list.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            assert_eq!(output.stderr, b"", "{output:?}");
        }
    });
}

#[test]
fn a_recording_shows_the_rows_that_were_there() {
    stage(|| {
        let sockets = Sockets::open();
        let file = TempFile::new("recording.jsonl");
        let then = sockeye(&["list", "-a", "--record", file.path()]);
        assert_eq!(then.code, 0, "{then:?}");
        drop(sockets);
        let now = sockeye(&["list", "-a", "--replay", file.path()]);
        assert_eq!((now.code, now.out), (0, then.out));
    });
}

#[test]
fn hidden_owners_are_told_on_standard_error() {
    stage(|| {
        let _sockets = Sockets::open();
        let mut list = Command::new("setpriv");
        list.args(["--bounding-set=-all", "--inh-caps=-all", BINARY, "list"]);
        let output = list.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(out.lines().count(), 6, "{out}");
        assert_eq!(out.matches("root · hidden").count(), 5, "{out}");
        let told = "sockeye: owners of 7 sockets are hidden even from root: CAP_SYS_PTRACE would \
                    show them, if nothing forbids it\n";
        assert_eq!(err, told);
        let whole = list.args(["port:1"]).output().unwrap();
        assert_eq!(whole.stderr, b"", "nothing of what was asked for is hidden");
    });
}
