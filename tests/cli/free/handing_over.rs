//! Commands that get the socket itself.

use std::collections::HashSet;
use std::io::Read as _;
use std::net::{TcpStream, UdpSocket};
use std::process::Command;

use crate::cli::background::Running;
use crate::cli::scene::{BINARY, TempFile, sockeye, stage};
use crate::program::built;

/// What the server of these tests said of itself, by name.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("{name}=")).unwrap();
    rest.split('=')
        .next()
        .unwrap()
        .rsplit_once(' ')
        .map_or(rest, |(value, _)| value)
}

#[test]
fn a_command_gets_the_listening_socket_itself() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let taking = taking.to_str().unwrap();
        let inherited = inherited(taking);
        let mut command = Command::new(BINARY);
        command
            .args(["free", "--", taking, "http://[::1]:{}/", "{}{}"])
            .env("LISTEN_FDNAMES", "somebody-elses")
            .env("LISTEN_PIDFDID", "1")
            .env("LISTEN_FDS", "5");
        let server = Running::start(&mut command);
        let line = server.line();
        let port: u16 = field(&line, "port").parse().unwrap();
        let pid = server.pid().to_string();
        assert_eq!(field(&line, "pid"), pid, "{line}");
        assert_eq!(field(&line, "listen_pid"), pid);
        assert_eq!(field(&line, "listen_fds"), "1");
        assert_eq!(field(&line, "names"), "-");
        assert_eq!(
            field(&line, "words"),
            format!("http://[::1]:{port}/,{port}{port}")
        );
        assert_eq!((field(&line, "type"), field(&line, "listens")), ("1", "1"));
        let mut open = inherited;
        open.insert(3);
        assert_eq!(descriptors(&line), open, "{line}");
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello\n");
        assert_eq!(server.end().code, Some(7), "its exit code is ours");
    });
}

/// What is open in a program that the test itself starts.
fn inherited(taking: &str) -> HashSet<u32> {
    descriptors(&Running::start(&mut Command::new(taking)).line())
}

fn descriptors(line: &str) -> HashSet<u32> {
    let open = field(line, "open").split_whitespace();
    open.map(|number| number.parse().unwrap()).collect()
}

/// Its leftovers had the option set, so it can start again beside them; without a command the port is reported as not
/// free.
#[test]
fn what_the_server_leaves_behind_does_not_keep_it_from_starting_again() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let taking = taking.to_str().unwrap();
        for _ in 0..3 {
            let server = Running::sockeye(&["free", "20500", "--", taking]);
            server.line();
            let mut client = TcpStream::connect("127.0.0.1:20500").unwrap();
            // The server closes first, so the leftover is its own.
            client.read_to_string(&mut String::new()).unwrap();
            assert_eq!(server.end().code, Some(7));
        }
        assert_eq!(sockeye(&["free", "20500"]).code, 1);
        let kept = Running::sockeye(&["free", "20501", "--hold"]);
        kept.port();
        let said = sockeye(&["free", "20501", "--", "true"]);
        assert_eq!(said.code, 1, "what somebody keeps is not taken: {said:?}");
    });
}

#[test]
fn of_udp_a_command_gets_the_bound_socket() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let server = Running::sockeye(&["free", "-u", "--", taking.to_str().unwrap()]);
        let line = server.line();
        assert_eq!((field(&line, "type"), field(&line, "listens")), ("2", "0"));
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port: u16 = field(&line, "port").parse().unwrap();
        client.send_to(b"?", ("127.0.0.1", port)).unwrap();
        let mut text = [0; 6];
        client.recv(&mut text).unwrap();
        assert_eq!(&text, b"hello\n");
        assert_eq!(server.end().code, Some(7));
    });
}

#[test]
fn a_command_that_can_not_be_started_is_one_line_and_its_code() {
    stage(|| {
        for (command, code) in [("/no/such\x1b[2Jcommand", 127), ("/", 126)] {
            for hold in [&[][..], &["--hold"]] {
                let said = sockeye(&[&["free"], hold, &["--", command]].concat());
                assert_eq!((said.code, &*said.out), (code, ""), "{said:?}");
                assert_eq!(said.err.lines().count(), 1, "{said:?}");
                assert!(said.err.contains(&command[..1]), "{said:?}");
                assert!(!said.err.contains('\x1b'), "{said:?}");
            }
        }
    });
}

#[test]
fn a_script_that_names_no_interpreter_is_run_by_the_shell() {
    use std::os::unix::fs::PermissionsExt as _;
    stage(|| {
        let script = TempFile::containing("script", "echo $PORT $1; exit 4\n");
        std::fs::set_permissions(script.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        for hold in [&[][..], &["--hold"]] {
            let args = [&["free", "20000"], hold, &["--", script.path(), "{}"]].concat();
            let said = sockeye(&args);
            assert_eq!((said.code, &*said.out), (4, "20000 20000\n"), "{said:?}");
        }
    });
}

#[test]
fn descriptor_3_is_the_socket_even_if_it_was_open() {
    stage(|| {
        let taking = built("cli/helpers/taking.c");
        let script = format!(
            "exec 3</dev/null 4</dev/null; exec '{BINARY}' free -- '{}'",
            taking.display()
        );
        let line = Running::start(Command::new("sh").args(["-c", &script])).line();
        assert_eq!(field(&line, "listens"), "1", "{line}");
    });
}
