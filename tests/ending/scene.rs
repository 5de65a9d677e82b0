//! Shared by the tests: servers that answer, requests to end them, and the choice of a pid.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use jiff::Timestamp;
use rustix::process::Signal as RawSignal;
use socket2::{Domain, Socket, Type};
use sockeye::app::{Confirmed, EndRole, EndTarget, Ending, Msg, PortToFree, Signal};
use sockeye::model::{Moment, Owner, Process};
use sockeye::runtime::end_process::end_process;
use sockeye::source::System;

use crate::support::wait_until;

/// The port that all servers listen on.
pub const PORT: u16 = 20_000;

/// A listener on the port, also where another one listens.
pub fn listener() -> TcpListener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_port(true).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], PORT));
    socket.bind(&address.into()).unwrap();
    socket.listen(8).unwrap();
    socket.into()
}

/// A process with a listener as its descriptor 3 that repeats each line of its input. A signal that it
/// does not handle ends it before it can repeat another.
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Server {
    pub fn with(listener: TcpListener) -> Self {
        Self::run(listener, "exec cat", None)
    }

    /// A shell that has the listener.
    pub fn run(listener: TcpListener, script: &str, uid: Option<u32>) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let parent_fd = OwnedFd::from(listener);
        let mapping = FdMapping {
            parent_fd,
            child_fd: 3,
        };
        command.fd_mappings(vec![mapping]).unwrap();
        if let Some(uid) = uid {
            command.uid(uid);
        }
        let mut child = command.spawn().unwrap();
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to it.
    pub fn send(&mut self, line: &str) {
        let _ = writeln!(self.input.as_ref().unwrap(), "{line}");
    }

    /// Whether it repeats a line.
    pub fn answers(&mut self) -> bool {
        self.send("there?");
        self.next_line() == "there?\n"
    }

    /// The next line that it says; nothing if it has ended.
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    /// Waits until a signal has ended it; returns which.
    pub fn wait_for_signal(&mut self) -> Option<RawSignal> {
        wait_until("the end of the server", || {
            self.child.try_wait().unwrap().is_some()
        });
        let status = self.child.wait().unwrap();
        status.signal().and_then(RawSignal::from_named_raw)
    }

    /// Ends it at once; its pid stays taken until it is reaped.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub fn reap(&mut self) {
        self.child.wait().unwrap();
    }

    /// The request if this process was seen with the socket of this inode.
    pub fn ending(&self, inode: u32) -> Ending {
        ending(
            Process {
                started_at_tick: Some(start_of(self.pid())),
                ..Process::new(self.pid(), "server")
            },
            inode,
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input, where the test gave up the right to kill it.
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn ending(process: Process, inode: u32) -> Ending {
    let owners = vec![process.pid];
    Ending {
        targets: vec![EndTarget {
            process: Arc::new(process),
            role: EndRole::Owner,
        }],
        sockets: vec![inode],
        signal: Signal::Term,
        confirmed: Confirmed::Once,
        port: Some(PortToFree {
            target: PORT.to_string().parse().unwrap(),
            namespace: None,
        }),
        owners,
    }
}

/// What a question about the port's only socket with an inode would ask for, as sockeye reads it now.
pub fn seen() -> Ending {
    let at = Moment {
        steady: Duration::ZERO,
        wall: Timestamp::UNIX_EPOCH,
    };
    let snapshot = System::new().take_once(at).unwrap();
    let mut found = snapshot.sockets.iter().filter_map(|socket| {
        let Owner::Known(processes) = &socket.owner else {
            return None;
        };
        let is_of_port = socket.local.port == PORT;
        Some((
            (*processes[0]).clone(),
            socket.inode.filter(|_| is_of_port)?,
        ))
    });
    let (process, inode) = found.next().expect("its owner is known");
    assert!(found.next().is_none(), "{:?}", snapshot.sockets);
    ending(process, inode)
}

/// Requests it; returns whether it was done, and the output.
pub fn end(ending: &Ending) -> (bool, String) {
    match end_process(ending) {
        Msg::JobDone { succeeded, message } => (succeeded, message),
        Msg::SignalFailed(message) => (false, message),
        other => panic!("{other:?}"),
    }
}

/// Requests it, and no signal must be sent; returns the output.
pub fn refusal(ending: &Ending) -> String {
    let (succeeded, message) = end(ending);
    assert!(!succeeded, "{message}");
    message
}

/// Field 22 of `/proc/PID/stat`, after the name, which may hold anything.
pub fn start_of(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(19).unwrap().parse().unwrap()
}

/// Has the kernel give this pid to the next process of the namespace.
pub fn choose_next_pid(pid: u32) {
    std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
}

/// The inode of a descriptor of this process.
pub fn inode(listener: &TcpListener) -> u32 {
    let stat = rustix::fs::fstat(listener).unwrap();
    u32::try_from(stat.st_ino).unwrap()
}
