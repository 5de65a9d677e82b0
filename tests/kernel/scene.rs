//! What the tests share: sockets made by hand, children that never outlive their test, and rows
//! that can be compared.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Socket, Type};
use sockeye::model::{self, Moment, Snapshot};
use sockeye::source::System;

/// The time in the tests' own reckoning.
pub fn at(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        wall: Timestamp::UNIX_EPOCH,
    }
}

/// A single snapshot, without problems.
pub fn snapshot() -> Snapshot {
    let snapshot = System::new().take_once(at(0)).unwrap();
    assert_eq!(snapshot.problems, []);
    snapshot
}

/// Takes snapshots until one is as wanted; fails after ten seconds with the last one.
pub fn wait_for(wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let mut last = snapshot();
    for _ in 0..1000 {
        if wanted(&last) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(10));
        last = snapshot();
    }
    panic!("never came: last seen:\n{}", lines(&rows(&last)));
}

/// Whether a socket of this state is there.
pub fn has(state: model::State) -> impl Fn(&Snapshot) -> bool {
    move |snapshot| snapshot.sockets.iter().any(|socket| socket.state == state)
}

/// A socket bound to `address`, with options set before.
pub fn bound(kind: Type, address: &str, prepare: impl FnOnce(&Socket) -> io::Result<()>) -> Socket {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), kind, None).unwrap();
    prepare(&socket).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

/// A listener on `address` with a backlog of 8.
pub fn listener(address: &str) -> Socket {
    listener_with(address, |_| Ok(()))
}

/// A listener whose options are set before it is bound.
pub fn listener_with(address: &str, prepare: impl FnOnce(&Socket) -> io::Result<()>) -> Socket {
    let socket = bound(Type::STREAM, address, prepare);
    socket.listen(8).unwrap();
    socket
}

/// A connection to `address`, accepted: the client's end and the server's.
pub fn connection(listener: &Socket, address: &str) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(address).unwrap();
    let (server, _) = TcpListener::from(listener.try_clone().unwrap())
        .accept()
        .unwrap();
    (client, server)
}

/// A child that has what it inherits; ended and reaped with the test.
pub struct InheritingChild(Child);

impl InheritingChild {
    /// Starts `sleep`, which inherits every descriptor that is not close-on-exec.
    pub fn start() -> Self {
        let mut command = Command::new("sleep");
        Self(command.arg("1000").stdin(Stdio::null()).spawn().unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for InheritingChild {
    fn drop(&mut self) {
        match self.0.kill().and_then(|()| self.0.wait()) {
            Err(error) if error.kind() != ErrorKind::InvalidInput => eprintln!("{error}"),
            _ => {}
        }
    }
}

/// Set to the name of the test that is to run for another one.
pub const INNER: &str = "SOCKEYE_TEST_INNER";

/// Runs another test of this binary, one that checks [`is_inner`] first, under a command that
/// changes what it may see.
pub fn run_under(command: &[&str], name: &str) {
    let (program, arguments) = command.split_first().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("kernel::{name}"), "--nocapture"])
        .env(INNER, name)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    print!("{out}");
    eprint!("{err}");
    assert!(
        output.status.success() && out.contains("1 passed"),
        "{command:?}: {}",
        output.status
    );
}

/// Whether this test was started by [`run_under`]; by itself it has nothing to do.
pub fn is_inner(name: &str) -> bool {
    std::env::var(INNER).is_ok_and(|inner| inner == name)
}

/// A row, as far as it can be predicted: all of a socket but its user, unit and container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    kind: &'static str,
    local: String,
    remote: Option<String>,
    state: &'static str,
    inode: Option<u32>,
    uid: Option<u32>,
    owner: &'static str,
    pids: Vec<u32>,
    dual_stack: Option<bool>,
    interface: Option<String>,
    queue: Option<(u32, u32)>,
}

impl Row {
    /// The row of a socket that this process alone has, with empty queues. In the namespace's
    /// user namespace, this process is root.
    pub fn new(
        kind: &'static str,
        state: &'static str,
        local: &str,
        socket: &impl AsRawFd,
    ) -> Self {
        Self {
            inode: Some(inode(socket)),
            uid: Some(0),
            owner: "known",
            pids: vec![std::process::id()],
            ..Self::left_over(kind, state, local)
        }
    }

    /// The row of a listener with the tests' backlog.
    pub fn listen(kind: &'static str, local: &str, socket: &impl AsRawFd) -> Self {
        Self {
            queue: Some((0, 8)),
            ..Self::new(kind, "LISTEN", local, socket)
        }
    }

    /// The row of a socket that is only bound, and so has no queues.
    pub fn bound(kind: &'static str, local: &str, socket: &impl AsRawFd) -> Self {
        Self {
            queue: None,
            ..Self::new(kind, "BOUND", local, socket)
        }
    }

    /// The row of something that no process has any more.
    pub fn left_over(kind: &'static str, state: &'static str, local: &str) -> Self {
        Self {
            kind,
            local: local.to_owned(),
            remote: None,
            state,
            inode: None,
            uid: None,
            owner: "none",
            pids: Vec::new(),
            dual_stack: None,
            interface: None,
            queue: Some((0, 0)),
        }
    }

    pub fn to(self, remote: &str) -> Self {
        Self {
            remote: Some(remote.to_string()),
            ..self
        }
    }

    pub fn dual_stack(self, dual_stack: bool) -> Self {
        Self {
            dual_stack: Some(dual_stack),
            ..self
        }
    }

    pub fn on(self, interface: &str) -> Self {
        Self {
            interface: Some(interface.to_owned()),
            ..self
        }
    }

    pub fn queue(self, receive: u32, send: u32) -> Self {
        Self {
            queue: Some((receive, send)),
            ..self
        }
    }

    pub fn owner(self, owner: &'static str, mut pids: Vec<u32>) -> Self {
        pids.sort_unstable();
        Self {
            owner,
            pids,
            ..self
        }
    }

    /// The same as `/proc/net` has it; nothing of a socket that is only bound.
    pub fn in_proc_net(self) -> Option<Self> {
        let is_told = self.state != "BOUND";
        is_told.then(|| Self {
            dual_stack: None,
            interface: None,
            queue: self.queue.filter(|_| self.state != "LISTEN"),
            ..self
        })
    }

    /// Whether it is on the port of VXLAN, 4789.
    pub fn is_vxlan(&self) -> bool {
        self.local.ends_with(":4789")
    }

    /// Whether it has an inode, and an owner of this kind that is no process.
    pub fn has_owner(&self, kind: &str) -> bool {
        self.inode.is_some() && self.pids.is_empty() && self.owner == kind
    }

    fn of(socket: &model::Socket) -> Self {
        use sockeye::model::OwnerKind;
        Self {
            kind: socket.protocol_and_family(),
            local: socket.local.to_string(),
            remote: socket.remote.map(|remote| remote.to_string()),
            state: socket.state.as_str(),
            inode: socket.inode,
            uid: socket.uid,
            owner: match socket.owner.kind() {
                OwnerKind::Known => "known",
                OwnerKind::Hidden => "hidden",
                OwnerKind::Kernel => "kernel",
                OwnerKind::Former => "past",
                OwnerKind::Inferred => "inferred",
                OwnerKind::None => "none",
                OwnerKind::Unknown => "unknown",
            },
            pids: socket
                .owner
                .processes()
                .iter()
                .map(|process| process.pid)
                .collect(),
            dual_stack: socket.dual_stack,
            interface: socket.interface.as_ref().map(ToString::to_string),
            queue: socket.queue.map(|queue| (queue.receive, queue.send)),
        }
    }
}

/// Every row of a snapshot, in an order of its own.
pub fn rows(snapshot: &Snapshot) -> Vec<Row> {
    let mut rows: Vec<_> = snapshot.sockets.iter().map(Row::of).collect();
    rows.sort();
    rows
}

/// Fails unless the snapshot has these rows and no others.
#[track_caller]
pub fn assert_rows<const N: usize>(snapshot: &Snapshot, mut expected: [Row; N]) {
    expected.sort();
    let rows = rows(snapshot);
    assert!(
        rows == expected,
        "seen:\n{}\nexpected:\n{}",
        lines(&rows),
        lines(&expected)
    );
}

/// One line for each row.
pub fn lines(rows: &[Row]) -> String {
    let lines: Vec<_> = rows.iter().map(|row| format!("  {row:?}")).collect();
    lines.join("\n")
}

/// The inode of a descriptor of this process.
pub fn inode(socket: &impl AsRawFd) -> u32 {
    let path = format!("/proc/self/fd/{}", socket.as_raw_fd());
    u32::try_from(std::fs::metadata(path).unwrap().ino()).unwrap()
}

/// Another one each time. The pid is the same each time in a namespace of its own.
pub fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::from(since.subsec_nanos())
}

/// What a thread in a namespace of its own does, one after the other.
type Step = Box<dyn FnOnce(&mut Inside) + Send>;

#[derive(Default)]
pub struct Inside {
    pub listeners: Vec<TcpListener>,
    pub streams: Vec<TcpStream>,
}

/// Carries steps out on a thread in a new namespace; each is over when this returns.
pub struct Apart(Sender<Step>, Receiver<()>);

impl Apart {
    pub fn new() -> Self {
        let (steps, received) = channel::<Step>();
        let (done, over) = channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            let up = std::process::Command::new("ip")
                .args(["link", "set", "lo", "up"])
                .status();
            assert!(up.unwrap().success());
            let mut inside = Inside::default();
            while let Ok(step) = received.recv() {
                step(&mut inside);
                done.send(()).unwrap();
            }
        });
        Self(steps, over)
    }

    pub fn run(&self, step: impl FnOnce(&mut Inside) + Send + 'static) {
        self.0.send(Box::new(step)).unwrap();
        self.1.recv().unwrap();
    }
}
