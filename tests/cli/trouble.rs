//! `list is:trouble`: what is wrong, with an exit code for scripts, compared with `ss`.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::cli::scene::{sockeye, stage};
use crate::support::wait_until;

/// A listener on `127.0.0.1:8080` with a backlog of 3, which accepts nothing.
fn never_accepts() -> Socket {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(3).unwrap();
    listener
}

/// Starts to connect to it, without waiting for the answer.
fn begin_to_connect() -> Socket {
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    client.set_nonblocking(true).unwrap();
    let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
    assert!(client.connect(&address.into()).is_err(), "it takes time");
    client
}

fn code(filter: &str) -> i32 {
    let said = sockeye(&["list", "-q", filter]);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""), "{filter}");
    said.code
}

/// The local ports that `ss` lists with these arguments, of those whose line is as wanted.
fn ss(args: &[&str], is_wanted: impl Fn(&[&str]) -> bool) -> BTreeSet<u16> {
    let output = Command::new("ss").args(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let port = |fields: Vec<&str>| fields[3].rsplit(':').next().unwrap().parse().unwrap();
    lines.filter(|fields| is_wanted(fields)).map(port).collect()
}

#[test]
fn a_queue_is_in_trouble_as_soon_as_ss_says_that_it_fills() {
    stage(|| {
        let _listener = never_accepts();
        assert_eq!(code("is:trouble"), 1);
        let mut clients = Vec::new();
        for waiting in 1_u32..=4 {
            clients.push(TcpStream::connect("127.0.0.1:8080").unwrap());
            wait_until("the connection waits", || {
                let has_it = |fields: &[&str]| fields[1] == waiting.to_string();
                !ss(&["-Hltn"], has_it).is_empty()
            });
            let is_filling = |fields: &[&str]| {
                let [waiting, backlog] = [1, 2].map(|at| fields[at].parse::<u32>().unwrap());
                2 * waiting >= backlog
            };
            let expected = ss(&["-Hltn"], is_filling);
            let said = sockeye(&["list", "is:trouble"]);
            let ports: BTreeSet<_> = said.ports().into_iter().collect();
            assert_eq!(ports, expected, "{said:?}");
            assert_eq!(said.code, i32::from(expected.is_empty()), "{said:?}");
            assert_eq!(code("is:trouble"), said.code);
        }
        assert_eq!(code("is:trouble is:full"), 0);
    });
}

#[test]
fn a_syn_without_an_answer_is_in_trouble_once_the_kernel_has_repeated_it_for_three_seconds() {
    stage(|| {
        let _listener = never_accepts();
        let connect = |_| TcpStream::connect("127.0.0.1:8080").unwrap();
        let _clients: Vec<_> = (0..4).map(connect).collect();
        // The kernel drops its SYN, as a firewall would.
        let (begun, client) = (Instant::now(), begin_to_connect());
        let filter = "is:trouble state:syn_sent";
        let port = client.local_addr().unwrap().as_socket().unwrap().port();
        let of_ss = ss(&["-Htan"], |fields| fields[0] == "SYN-SENT");
        assert_eq!(of_ss, BTreeSet::from([port]));
        while code(filter) == 1 {
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "never in trouble"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(
            begun.elapsed() >= Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        let said = sockeye(&["list", "--columns=port,age", filter]);
        assert_eq!(said.ports(), [port], "{said:?}");
        // It is as old as the kernel says at least.
        assert!(said.out.contains('>'), "{said:?}");
        drop(client);
        assert_eq!(code(filter), 1);
    });
}

#[test]
fn a_connection_that_its_program_does_not_close_is_left_out_while_it_may_be_young() {
    stage(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let (_server, _) = listener.accept().unwrap();
        drop(client);
        wait_until("the end of the peer", || code("state:close_wait") == 0);
        assert_eq!(code("is:trouble"), 1);
        let watched = sockeye(&["watch", "--for=300ms", "--interval=100ms", "is:trouble"]);
        assert_eq!((watched.code, watched.out.as_str()), (0, ""), "{watched:?}");
    });
}
