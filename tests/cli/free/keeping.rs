//! Ports that are kept, by themselves or while a command runs.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{TcpStream, UdpSocket};
use std::process::{Command, Stdio};

use socket2::Type;
use sockeye::keymap::Key;

use super::{is_in_use, server, set};
use crate::cli::background::Running;
use crate::cli::scene::{BINARY, sockeye, stage};
use crate::program::built_library;
use crate::support::pty::Pty;

/// Both would succeed if they bound with `SO_REUSEADDR`, as long as neither listens.
#[test]
fn two_hundred_at_once_never_get_the_same_port() {
    stage(|| {
        for range in [&[][..], &["20000-20300"], &["-t"], &["-u"]] {
            let args = [&["free", "--hold"], range].concat();
            let all: Vec<_> = (0..200).map(|_| Running::sockeye(&args)).collect();
            let ports: HashSet<u16> = all.iter().map(Running::port).collect();
            assert_eq!(ports.len(), 200, "{range:?}");
            for one in all {
                let ended = one.close();
                assert_eq!((ended.code, &*ended.err), (Some(0), ""));
            }
            for port in ports {
                drop(server(Type::STREAM, port, false).unwrap());
                drop(server(Type::DGRAM, port, false).unwrap());
            }
        }
    });
}

#[test]
fn a_kept_port_is_only_for_servers_that_set_the_option() {
    stage(|| {
        let kept = Running::sockeye(&["free", "--hold"]);
        let port = kept.port();
        assert!(is_in_use(&server(Type::STREAM, port, false)));
        let refused = TcpStream::connect(("127.0.0.1", port)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let taken = server(Type::STREAM, port, true).unwrap();
        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
        drop(taken);
        never_chosen(Type::STREAM, port);
        let said = sockeye(&["free", &port.to_string()]);
        assert_eq!(said.code, 1, "{said:?}");
        let ended = kept.close();
        assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    });
}

/// The kernel chooses from five ports, this one in their middle, for sockets with the option and without.
fn never_chosen(kind: Type, port: u16) {
    set(
        "ipv4/ip_local_port_range",
        &format!("{} {}", port - 2, port + 2),
    );
    for reuses in [true, false].repeat(200) {
        let chosen = server(kind, 0, reuses).unwrap();
        let chosen = chosen.local_addr().unwrap().as_socket().unwrap().port();
        assert_ne!(chosen, port);
    }
}

/// A UDP socket that is bound receives at once: shared, it took every datagram from a server that set
/// `SO_REUSEPORT` as well.
#[test]
fn udp_is_kept_only_with_its_option_and_then_from_all() {
    stage(|| {
        let kept = Running::sockeye(&["free", "--hold"]);
        let port = kept.port();
        let udp = server(Type::DGRAM, port, false).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"?", ("127.0.0.1", port)).unwrap();
        let mut text = [std::mem::MaybeUninit::uninit(); 1];
        assert_eq!(udp.recv(&mut text).unwrap(), 1);
        drop((udp, kept));
        let kept = Running::sockeye(&["free", "--hold", "-u"]);
        let port = kept.port();
        assert!(is_in_use(&server(Type::DGRAM, port, true)));
        never_chosen(Type::DGRAM, port);
    });
}

#[test]
fn a_hold_without_an_input_says_that_it_holds_nothing() {
    stage(|| {
        let mut free = Command::new(BINARY);
        free.args(["free", "--hold", "20000"]).stdin(Stdio::null());
        let output = free.output().unwrap();
        let told = b"sockeye: standard input is closed already, so the port is not kept\n";
        assert_eq!(
            (output.status.code(), &*output.stdout),
            (Some(0), &b"20000\n"[..])
        );
        assert_eq!(output.stderr, told);
    });
}

#[test]
fn a_signal_ends_it_with_its_code_and_nothing_stays_bound() {
    use rustix::process::Signal;
    stage(|| {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let kept = Running::sockeye(&["free", "--hold", "-n", "3"]);
            let ports = [kept.port(), kept.port(), kept.port()];
            kept.signal(signal);
            let ended = kept.end();
            assert_eq!((ended.code, &*ended.err), (Some(code), ""));
            for port in ports {
                server(Type::STREAM, port, false).unwrap();
            }
        }
    });
}

#[test]
fn a_port_is_kept_until_the_command_ends() {
    stage(|| {
        let script = "echo $PORT {} ${LISTEN_FDS-none}; read -r _; exit 9";
        let mut command = Command::new(BINARY);
        command
            .args(["free", "--hold", "--", "sh", "-c", script])
            .env("LISTEN_FDS", "1");
        let kept = Running::start(&mut command);
        let line = kept.line();
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!((words[0], words[2]), (words[1], "none"), "{line}");
        let port: u16 = words[0].parse().unwrap();
        assert!(is_in_use(&server(Type::STREAM, port, false)));
        drop(server(Type::STREAM, port, true).unwrap());
        assert_eq!(kept.close().code, Some(9));
        server(Type::STREAM, port, false).unwrap();
    });
}

#[test]
fn a_signal_reaches_the_command_that_is_then_waited_for() {
    use rustix::process::Signal;
    stage(|| {
        let script =
            "trap 'echo told; exit 5' TERM INT USR1; echo $$; while :; do sleep 0.02; done";
        for signal in [Signal::INT, Signal::TERM, Signal::USR1] {
            let kept = Running::sockeye(&["free", "--hold", "--", "sh", "-c", script]);
            let child = kept.line();
            kept.signal(signal);
            let ended = kept.end();
            assert_eq!((ended.code, &*ended.err), (Some(5), ""), "its own code");
            assert_eq!(ended.rest, ["told"]);
            let process = format!("/proc/{child}");
            assert!(!std::path::Path::new(&process).exists(), "it was reaped");
        }
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::KILL, 137)] {
            let kept =
                Running::sockeye(&["free", "--hold", "--", "sh", "-c", "echo; exec sleep 60"]);
            kept.line();
            if signal == Signal::KILL {
                let said = Command::new("pkill")
                    .args(["-9", "-P", &kept.pid().to_string()])
                    .status();
                assert!(said.unwrap().success());
            } else {
                kept.signal(signal);
            }
            assert_eq!(
                kept.end().code,
                Some(code),
                "the signal that ended the command"
            );
        }
    });
}

/// At a terminal the command gets the key itself; a signal from another process it gets from us.
#[test]
fn a_key_reaches_the_command_once_and_a_signal_too() {
    stage(|| key_and_signal(&[]));
}

/// The command had the key from the terminal, and once more from a parent that ran only later.
#[test]
fn a_key_that_is_typed_while_the_command_starts_reaches_it_once() {
    stage(|| {
        let library = built_library("cli/helpers/slow_parent.c");
        key_and_signal(&[("LD_PRELOAD", library.to_str().unwrap())]);
    });
}

fn key_and_signal(env: &[(&str, &str)]) {
    let script = "n=0; trap 'n=$((n+1)); echo got $n' INT; echo ready; \
                  while [ $n -lt 2 ]; do sleep 0.02; done; sleep 0.1; exit $n";
    let args = ["free", "--hold", "--", "sh", "-c", script];
    let mut pty = Pty::spawn(BINARY, &args, (80, 24), env);
    pty.wait_for_text("ready");
    pty.send("\x03");
    pty.wait_for_text("got 1");
    // Longer than a parent that was slow takes to see the key.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let screen = pty.screen_text();
    assert!(!screen.contains("got 2"), "the key was passed on: {screen}");
    pty.kill(rustix::process::Signal::INT);
    pty.wait_for_text("got 2");
    assert_eq!(pty.wait_exit(), 2);
}

/// A parent that ignores the end of its children has us lose the command's, unless we listen for it.
#[test]
fn a_parent_that_ignores_sigchld_does_not_cost_the_code() {
    stage(|| {
        let script = format!("trap '' CHLD; exec '{BINARY}' free --hold -- sh -c 'exit 3'");
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
    });
}

/// As `nohup` and shells do it for jobs in the background.
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    stage(|| {
        let script = format!("trap '' INT; exec '{BINARY}' free --hold");
        let kept = Running::start(Command::new("sh").args(["-c", &script]));
        kept.port();
        kept.signal(rustix::process::Signal::INT);
        assert_eq!(kept.close().code, Some(0));
    });
}

/// The kernel signals only the leader of a session when its terminal is gone.
#[test]
fn a_terminal_that_goes_ends_the_command_too() {
    stage(|| {
        let args = [
            "free",
            "--hold",
            "20100",
            "--",
            "sh",
            "-c",
            "echo $$; exec sleep 60",
        ];
        let mut pty = Pty::spawn(BINARY, &args, (80, 24), &[]);
        let is_pid = |screen: &str| screen.trim().parse::<u32>().is_ok();
        let child = pty.wait_for("the pid", is_pid).trim().to_owned();
        pty.hang_up(Key::Char('x'));
        pty.wait_exit();
        assert!(!std::path::Path::new(&format!("/proc/{child}")).exists());
        server(Type::STREAM, 20_100, false).unwrap();
    });
}
