//! Reads network namespaces of this user's own user namespaces (rootless containers, `unshare --user --net`).
//!
//! Entering one takes entering its user namespace first, which only a process with a single thread may do, and which it
//! can't undo. So a helper, this program with another name (`argv[0]`), forks a child for each user namespace; the child
//! enters it and its network namespaces one after the other, sends back a socket that it opened in each, and ends. The
//! kernel dumps the sockets of the namespace that such a socket was opened in, also to this process.
//!
//! Nothing stays in a namespace: the child has ended before the first dump, and each socket is closed after its dumps.

mod message;
mod serve;
mod users;

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use self::message::Message;
pub(crate) use self::users::UserMap;

/// The name that the helper is started by.
const NAME: &str = "sockeye-netns";

/// How long it may take to answer. The slowest step is to start it: a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// After so many failures in a row it is not started again.
const MAX_FAILURES: u32 = 3;

/// The most network namespaces at a time: all of them are open, and the messages about them fit into the buffers of sockets.
pub(super) const MAX_NETWORKS: usize = 32;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Runs this process as the helper that enters user namespaces if it was started as that, and returns the exit code of the
/// process. Otherwise snapshots may start this program as the helper from now on, so `main` has to call this first.
pub fn run_namespace_helper() -> Option<u8> {
    if std::env::args_os().next().is_some_and(|name| name == NAME) {
        return Some(serve::serve());
    }
    set_namespace_helper("/proc/self/exe");
    None
}

/// Lets snapshots start this program as the helper: one whose `main` calls [`run_namespace_helper`]. Without a program, or
/// from the second call on, nothing changes.
pub fn set_namespace_helper(program: impl Into<PathBuf>) {
    let _ = PROGRAM.set(program.into());
}

/// The helper, started when it is needed.
#[derive(Default)]
pub(super) struct Helper {
    running: Option<Running>,
    failures: u32,
}

/// What the helper opened in a network namespace.
pub(super) struct Opened {
    /// Dumps the sockets of that namespace.
    pub(super) diag: OwnedFd,
    /// `/proc/net/sockstat` and `sockstat6` in there; empty if it can't be read.
    pub(super) sockstat: String,
    pub(super) sockstat6: String,
    /// Translates the user ids of dumps.
    pub(super) users: UserMap,
}

struct Running {
    process: Child,
    socket: OwnedFd,
}

/// A user namespace with network namespaces that it owns.
pub(super) struct UserNamespace {
    pub(super) user: OwnedFd,
    pub(super) networks: Vec<OwnedFd>,
}

/// A socket that was opened in a network namespace, and two files from there.
type Files = (OwnedFd, String, String);

impl Helper {
    /// Whether there is a program to start, which has not failed too often.
    pub(super) fn is_available(&self) -> bool {
        PROGRAM.get().is_some() && self.failures < MAX_FAILURES
    }

    /// Opens a socket in each of these network namespaces, and calls `each` with the socket, the index of the user namespace
    /// and that of the network namespace in it. An error means that the helper failed; `each` was not called for the others.
    pub(super) fn open(
        &mut self,
        all: Vec<UserNamespace>,
        each: impl FnMut(usize, usize, io::Result<Opened>),
    ) -> io::Result<()> {
        let outcome = self.request(all, each);
        self.failures += 1;
        if outcome.is_ok() {
            self.failures = 0;
        } else {
            self.running = None;
        }
        outcome
    }

    fn request(
        &mut self,
        all: Vec<UserNamespace>,
        mut each: impl FnMut(usize, usize, io::Result<Opened>),
    ) -> io::Result<()> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(Running::start()?),
        };
        let counts: Vec<usize> = all.iter().map(|one| one.networks.len()).collect();
        // All at once: the helper goes on while the sockets of the first are read.
        for one in all {
            running.send(&one)?;
        }
        for (user, count) in counts.into_iter().enumerate() {
            running.receive(count, |network, opened| each(user, network, opened))?;
        }
        Ok(())
    }
}

impl Running {
    fn start() -> io::Result<Self> {
        let program = PROGRAM.get().ok_or(Errno::NOENT)?;
        let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let (socket, theirs) = socketpair(family, kind, SocketFlags::CLOEXEC, None)?;
        for one in [Timeout::Recv, Timeout::Send] {
            set_socket_timeout(&socket, one, Some(PATIENCE))?;
        }
        // In a process group of its own no key of the terminal ends or stops it: it ends with this program.
        let process = Command::new(program)
            .arg0(NAME)
            .current_dir("/")
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { process, socket })
    }

    fn send(&self, one: &UserNamespace) -> io::Result<()> {
        let descriptors = std::iter::once(&one.user).chain(&one.networks);
        let descriptors: Vec<_> = descriptors.map(OwnedFd::as_fd).collect();
        message::send(self.socket.as_fd(), &Message::Enter, &descriptors)
    }

    /// Receives the answers of the next child, until its end.
    fn receive(
        &self,
        count: usize,
        mut each: impl FnMut(usize, io::Result<Opened>),
    ) -> io::Result<()> {
        let mut answers: Vec<Option<io::Result<Files>>> = Vec::new();
        answers.resize_with(count, || None);
        let users = loop {
            let received = message::receive(self.socket.as_fd())?;
            let (message, mut descriptors) = received.ok_or(io::ErrorKind::UnexpectedEof)?;
            let (index, answer) = match message {
                Message::Opened {
                    index,
                    sockstat,
                    sockstat6,
                } => {
                    let diag = descriptors.pop().ok_or(io::ErrorKind::InvalidData)?;
                    (index, Ok((diag, sockstat, sockstat6)))
                }
                Message::Failed { index, error } => {
                    (index, Err(io::Error::from_raw_os_error(error)))
                }
                Message::Ended { users } => break users,
                Message::Enter => return Err(io::ErrorKind::InvalidData.into()),
            };
            if let Some(place) = answers.get_mut(index) {
                *place = Some(answer);
            }
        };
        let users = users.as_deref().and_then(UserMap::parse);
        for (index, answer) in answers.into_iter().enumerate() {
            let opened = match (answer, users.clone()) {
                (Some(Ok((diag, sockstat, sockstat6))), Some(users)) => Ok(Opened {
                    diag,
                    sockstat,
                    sockstat6,
                    users,
                }),
                (Some(Err(error)), _) => Err(error),
                // No child could be started this time.
                (None, None) => Err(Errno::AGAIN.into()),
                // It could not enter the user namespace, or the ids of users can't be translated.
                (None, Some(_)) | (Some(Ok(_)), None) => Err(Errno::PERM.into()),
            };
            each(index, opened);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
