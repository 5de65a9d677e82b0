//! Seccomp user notification (`seccomp_unotify(2)`): a program is started below the filter, and its listener answers the
//! calls which that passes on.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command};

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use rustix::io::Errno;
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, capabilities, set_no_new_privs};

use super::{filter, raw};
use crate::model::Pid;
use crate::runtime::run::linux::channel;

/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`, since 5.5.
const CONTINUE: u32 = 1;

/// Answers the calls of every process that was started with the filter.
pub(crate) struct Listener(OwnedFd);

/// A call that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notification {
    /// Identifies it to the listener.
    pub(crate) id: u64,
    /// The thread that made it.
    pub(crate) thread: Pid,
    pub(crate) call: filter::Call,
    pub(crate) arguments: [u64; 3],
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The kernel carries it out, as without the filter.
    Continue,
    /// It was carried out for the caller: it returns 0, or fails with this error.
    Done(Result<(), Errno>),
}

impl Listener {
    pub(crate) const fn new(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// The next call; `None` if its thread has ended meanwhile. Waits for one unless the listener is readable.
    pub(crate) fn receive(&self) -> Result<Option<Notification>, Errno> {
        let notified = match raw::receive(&self.0) {
            Ok(notified) => notified,
            Err(Errno::NOENT | Errno::INTR | Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error),
        };
        let data = notified.data;
        let Some(call) = filter::Call::of(data.arch, data.nr) else {
            self.answer(notified.id, Answer::Continue);
            return Ok(None);
        };
        Ok(Some(Notification {
            id: notified.id,
            thread: notified.pid,
            call,
            arguments: [data.args[0], data.args[1], data.args[2]],
        }))
    }

    /// Whether the thread still waits for this answer: only then is what was read of it its own.
    pub(crate) fn is_waiting(&self, id: u64) -> bool {
        raw::is_valid(&self.0, id)
    }

    /// Answers a call. Returns whether its thread still waited.
    pub(crate) fn answer(&self, id: u64, answer: Answer) -> bool {
        let (error, flags) = match answer {
            Answer::Continue => (0, CONTINUE),
            Answer::Done(result) => (result.err().map_or(0, |one| -one.raw_os_error()), 0),
        };
        let response = libc::seccomp_notif_resp {
            id,
            val: 0,
            error,
            flags,
        };
        raw::send(&self.0, response).is_ok()
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether this kernel can pass calls on, as far as that can be known without a filter.
///
/// # Errors
/// What it lacks.
pub(crate) fn check_support() -> Result<(), Errno> {
    let (sizes, room) = raw::notification_sizes()?;
    let [notification, response, _] = sizes.map(usize::from);
    let fits = notification <= room && response == size_of::<libc::seccomp_notif_resp>();
    if fits && filter::ARCHITECTURE.is_some() {
        Ok(())
    } else {
        Err(Errno::NOSYS)
    }
}

/// What a program inherits of its signals.
#[derive(Clone, Copy)]
pub(crate) struct SignalState {
    pub(crate) mask: SigSet,
    /// Whether `SIGCHLD` is ignored.
    pub(crate) ignores_children: bool,
}

impl SignalState {
    /// Gives it back. System calls only.
    fn restore(self) -> io::Result<()> {
        if self.ignores_children {
            raw::ignore_children(true)?;
        }
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.mask), None)?;
        Ok(())
    }
}

/// From now on the ends and stops of children are signalled, also if this program was started with `SIGCHLD` ignored.
pub(crate) fn wait_for_children() -> io::Result<()> {
    Ok(raw::ignore_children(false)?)
}

/// Starts a command below the filter, with these signals. Its listener arrives at the other end of `socket`. Where that
/// is refused the program runs without, and the error arrives instead.
pub(crate) fn spawn(
    command: &mut Command,
    signals: SignalState,
    socket: OwnedFd,
) -> io::Result<Child> {
    let program = filter::program();
    let prepare = move || {
        // Without the supervisor the kernel refuses every bind below it.
        set_parent_process_death_signal(Some(Signal::TERM))?;
        match install(&program) {
            Ok(listener) => channel::send_descriptor(&socket, 0, Some(listener.as_fd()))?,
            Err(error) => channel::send_descriptor(&socket, error.raw_os_error(), None)?,
        }
        signals.restore()
    };
    raw::spawn(command, prepare)
}

/// The same without the filter.
pub(crate) fn spawn_plain(command: &mut Command, signals: SignalState) -> io::Result<Child> {
    raw::spawn(command, move || signals.restore())
}

/// Puts the filter on this thread, and returns its listener. System calls only.
fn install(program: &[libc::sock_filter]) -> Result<OwnedFd, Errno> {
    let is_admin =
        capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN));
    if !is_admin {
        set_no_new_privs(true)?;
    }
    // Without `SPEC_ALLOW` kernels before 5.16 slow the whole program down. With `WAIT_KILLABLE_RECV` a handled signal
    // does not repeat a call that we are carrying out; kernels before 5.19 lack it.
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    match raw::install(
        program,
        flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
    ) {
        Err(Errno::INVAL) => raw::install(program, flags),
        installed => installed,
    }
}
