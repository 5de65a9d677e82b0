//! Processes that hold the sockets of a test, and recordings of them.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::cli::scene::{TempFile, sockeye};
use crate::support::wait_until;

/// A listener with a backlog of 8.
pub fn listener(address: &str) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.listen(8).unwrap();
    socket
}

/// A process with sockets of the test's; ended and reaped with it.
pub struct Holder(Child);

impl Holder {
    /// A shell that calls itself so (its last line, as far as 15 bytes go), and whose command line
    /// begins and ends with it. It has these sockets; the test has them too until it drops them.
    pub fn called(name: &str, sockets: &[&Socket]) -> Self {
        const SHELL: &str = "printf %s \"$0\" > /proc/$$/comm; read -r _";
        let mut command = Command::new("bash");
        command.args(["-c", "exec -a \"$0\" bash -c \"$1\" \"$0\"", name, SHELL]);
        for socket in sockets {
            socket.set_cloexec(false).unwrap();
        }
        let holder = Self(command.stdin(Stdio::piped()).spawn().unwrap());
        // Whatever the test starts next does not have them.
        for socket in sockets {
            socket.set_cloexec(true).unwrap();
        }
        let comm = format!("/proc/{}/comm", holder.pid());
        let line = name.rsplit('\n').next().unwrap().as_bytes();
        let expected = line.get(..15).unwrap_or(line);
        wait_until("the name", || {
            std::fs::read(&comm).is_ok_and(|name| name.strip_suffix(b"\n") == Some(expected))
        });
        holder
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// All sockets that there are, as the program recorded them, with what the test changes about them:
/// what differs from run to run and from machine to machine.
pub fn recording(change: impl FnOnce(&mut Value)) -> TempFile {
    let file = TempFile::new("sockets.jsonl");
    let said = sockeye(&["list", "-a", "--record", file.path()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    let text = std::fs::read_to_string(file.path()).unwrap();
    let mut frame: Value = serde_json::from_str(&text).unwrap();
    change(&mut frame);
    std::fs::write(file.path(), format!("{frame}\n")).unwrap();
    file
}

/// The recording's only socket, or the first, on this port.
pub fn socket(frame: &mut Value, port: u16) -> &mut Value {
    let mut sockets = frame["sockets"].as_array_mut().unwrap().iter_mut();
    sockets
        .find(|socket| socket["local"]["port"] == port)
        .unwrap()
}
