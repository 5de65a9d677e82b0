//! Processes that hold the sockets of a test, and recordings of them.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use jiff::Timestamp;
use serde_json::{Value, json};
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

/// A recording of all sockets that there are, in the form of version 0.1, with what the test changes about them: what
/// differs from run to run and from machine to machine.
pub fn recording(change: impl FnOnce(&mut Value)) -> TempFile {
    let said = sockeye(&["list", "-a", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let mut frame = line_of(said.json());
    change(&mut frame);
    TempFile::containing("sockets.jsonl", &format!("{frame}\n"))
}

/// The line of a recording that has the sockets of a listing.
fn line_of(mut listing: Value) -> Value {
    let by_pid = listing["processes"].as_object().unwrap();
    let processes = by_pid.values().map(|process| {
        let mut process = process.clone();
        let argv = process["argv"].as_array().unwrap().iter();
        let words: Vec<_> = argv.map(|word| word.as_str().unwrap()).collect();
        process["command"] = words.join(" ").into();
        process
    });
    let processes: Vec<_> = processes.collect();
    let taken_at: Timestamp = time(&listing["taken_at"]).unwrap();
    for socket in listing["sockets"].as_array_mut().unwrap() {
        let age = time(&socket["state_since"]).map(|since| taken_at.duration_since(since));
        socket["age"] = age.map_or(
            Value::Null,
            |age| json!({"exactly": {"secs": age.as_secs(), "nanos": age.subsec_nanos()}}),
        );
        let container = socket["container"]["name"].take();
        socket["container"] = container;
    }
    json!({
        "schema": 1,
        "taken_at": {"steady": {"secs": 7, "nanos": 0}, "wall": listing["taken_at"]},
        "sockets": listing["sockets"],
        "processes": processes,
        "problems": [],
    })
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|time| time.parse().unwrap())
}

/// The recording's only socket, or the first, on this port.
pub fn socket(frame: &mut Value, port: u16) -> &mut Value {
    let mut sockets = frame["sockets"].as_array_mut().unwrap().iter_mut();
    sockets
        .find(|socket| socket["local"]["port"] == port)
        .unwrap()
}
