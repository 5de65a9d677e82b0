//! Sentences of a verdict that were once said where they were not true.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::support::netns::stage;
use crate::support::wait_until;

const BINARY: &str = env!("CARGO_BIN_EXE_sockeye");

fn says(target: &str) -> String {
    let output = Command::new(BINARY)
        .args(["check", target])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn listening(address: &str, device: Option<&[u8]>) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.bind_device(device).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(8).unwrap();
    socket
}

#[test]
fn the_note_on_an_interface_needs_every_owner_to_be_bound_to_one() {
    stage(|| {
        let _bound = listening("127.0.0.1:20000", Some(b"lo"));
        assert!(says("20000").contains("bound to the interface lo"));
        let _free = listening("[::1]:20000", None);
        assert!(!says("20000").contains("bound to the interface"));
    });
}

/// Whether the threads of a test are to end; they are also when it fails.
struct Flag(AtomicBool);

impl Flag {
    fn at_the_end(&self) -> impl Drop + '_ {
        struct End<'a>(&'a Flag);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.0.store(true, Ordering::Relaxed);
            }
        }
        End(self)
    }
}

/// The queue is as full at every look, and never with the same connections.
#[test]
fn a_full_accept_queue_that_moves_is_not_called_stuck() {
    stage(|| {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 20000));
        listener.bind(&address.into()).unwrap();
        listener.listen(0).unwrap();
        let listener = TcpListener::from(listener);
        let is_over = Flag(AtomicBool::new(false));
        thread::scope(|scope| {
            // One that finds the queue full tries again after a second: with so many one always comes.
            for _ in 0..100 {
                scope.spawn(|| {
                    while !is_over.0.load(Ordering::Relaxed) {
                        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(1500))
                            .and_then(|mut client| {
                                client.set_read_timeout(Some(Duration::from_secs(1)))?;
                                client.read(&mut [0])
                            });
                    }
                });
            }
            scope.spawn(|| {
                listener.set_nonblocking(true).unwrap();
                while !is_over.0.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(15));
                    drop(listener.accept());
                }
            });
            let _end = is_over.at_the_end();
            wait_until("a look at a queue that moves", || {
                let said = says("20000");
                assert!(!said.contains("accepted no connection"), "{said}");
                said.contains("but more slowly than clients connect")
            });
        });
    });
}

/// A process of another network namespace that has a UDP port; it ends when its input does.
struct Elsewhere(Child);

impl Elsewhere {
    fn holding(port: u16) -> Self {
        // The first process of the namespace is the shell, which has no socket.
        let words =
            format!("ip link set lo up; exec 5<&0; {BINARY} free -u {port} --hold <&5 & wait");
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-c", &words])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Self(child)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn the_port_in_another_namespace_is_noted_with_its_owner() {
    stage(|| {
        let _elsewhere = Elsewhere::holding(20005);
        let said = says("20005/udp");
        let note = said
            .lines()
            .find(|line| line.contains("another network namespace"));
        let note = note.unwrap_or_else(|| panic!("{said}"));
        assert!(note.contains("sockeye (pid "), "{note}");
        assert!(!note.contains("sh (pid "), "{note}");
    });
}
