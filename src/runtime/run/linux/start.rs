//! Starts the processes of a run.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use nix::sys::signal::{SigSet, SigmaskHow, Signal as NixSignal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::io::Errno;
use rustix::process::{
    Pid as RawPid, PidfdFlags, getpid, pidfd_open, set_child_subreaper, setpgid,
};

use super::calls::{
    CallReader, Listener, SignalState, check_support, spawn, spawn_plain, wait_for_children,
};
use super::channel::{self, Report};
use super::detach_streams;
use super::explain::{Explainer, Output, Reply};
use super::front::{End, Front, end_by};
use super::jobs::{JobReceiver, job_channel};
use super::wake::Waker;
use crate::bind::Claim;
use crate::clock::Clock;
use crate::model::Pid;
use crate::runtime::process::exec::shell_of;
use crate::runtime::process::signals::{exit_code, is_ignored};
use crate::runtime::run::linux::supervisor::{ALL_PATIENCE, FrontProcess, Supervisor};
use crate::runtime::run::{Ended, RunOptions};
use crate::source::linux::fork::{Inherited, fork};
use crate::source::process::ProcessReader;

/// Runs the program. If a signal ends it, this process ends by the same one.
///
/// # Errors
/// A process that it takes could not be started.
pub fn run(options: RunOptions) -> io::Result<Ended> {
    let inherited = Inherited::find();
    let mut mask = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut mask))?;
    let signals = SignalState {
        mask,
        ignores_children: is_ignored(NixSignal::SIGCHLD as i32),
    };
    let (front, supervisor) = channel::pair()?;
    let process = pidfd_open(getpid(), PidfdFlags::empty())?;
    let Some(_) = fork()? else {
        drop(front);
        let front = FrontProcess {
            channel: supervisor,
            process,
        };
        supervise(options, signals, front, inherited)
    };
    drop((supervisor, process));
    drop(options);
    inherited.close();
    let caught = SignalFd::with_flags(
        &SigSet::all(),
        SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK,
    )?;
    let mut front = Front {
        reports: front,
        signals: caught,
        program: None,
    };
    match front.run() {
        End::NotStarted(error) => {
            sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
            Ok(Ended::NotStarted(error))
        }
        End::Exited(code) => Ok(Ended::Code(u8::try_from(code & 0xFF).unwrap_or(u8::MAX))),
        End::Killed(signal) => {
            end_by(signal);
            Ok(Ended::Code(exit_code(signal)))
        }
        End::Lost => Ok(Ended::WithSupervisor),
    }
}

/// The supervisor: starts the program and works until nothing is below it.
#[expect(
    clippy::disallowed_methods,
    reason = "a copy of the process that was forked must not return into what its caller goes on with"
)]
fn supervise(
    options: RunOptions,
    signals: SignalState,
    front: FrontProcess,
    inherited: Inherited,
) -> ! {
    let work = AssertUnwindSafe(
        || match prepare(options, signals, &front.channel, inherited) {
            Ok(supervisor) => Supervisor {
                front: Some(front),
                ..supervisor
            }
            .run(),
            Err(error) => {
                let error = Errno::from_io_error(&error).unwrap_or(Errno::INVAL);
                // The other end may be gone.
                let _ = Report::NotStarted(error).send(&front.channel);
            }
        },
    );
    let code = i32::from(catch_unwind(work).is_err());
    std::process::exit(code)
}

fn prepare(
    mut options: RunOptions,
    signals: SignalState,
    front: &OwnedFd,
    inherited: Inherited,
) -> io::Result<Supervisor> {
    let _ = rustix::thread::set_name(c"sockeye-run");
    let children = SigSet::from(NixSignal::SIGCHLD);
    let children = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    wait_for_children()?;
    let clock = Clock::start();
    set_child_subreaper(Some(getpid()))?;
    let mut reader = CallReader::new();
    let (program, listener) = start_program(&options, signals)?;
    setpgid(None, None)?;
    inherited.close();
    let raw = i32::try_from(program).map_err(|_| Errno::SRCH)?;
    let pid = RawPid::from_raw(raw).ok_or(Errno::SRCH)?;
    let descriptor = pidfd_open(pid, PidfdFlags::empty())?;
    // It may have been killed already.
    let _ = Report::Started(descriptor).send(front);
    detach_streams(false);
    let claims = take_claims(&mut options, listener.is_ok())?;
    let (listener, refused) = match listener {
        Ok(listener) => (Some(Arc::new(Listener::new(listener))), None),
        Err(error) => (None, Some(error)),
    };
    reader.set_program(program);
    let waker = Waker::new()?;
    let (jobs, received) = job_channel();
    let (replies, finished) = channel();
    let supervisor = Supervisor {
        clock,
        listener,
        reader,
        jobs,
        replies: finished,
        waker: waker.clone(),
        children,
        program: Some(nix::unistd::Pid::from_raw(raw)),
        front: None,
        wait: options.wait,
        frees_first: options.frees_first.take(),
        lists: options.lists,
        claims,
        pending: Vec::new(),
        patience: ALL_PATIENCE,
        waiting: Vec::new(),
        failed: HashSet::new(),
        undelivered: HashSet::new(),
        overflow: HashMap::new(),
        processes: ProcessReader::default(),
        ended: None,
        finishes_by: None,
    };
    let mut explainer = explainer(options, clock, (replies, waker.clone()));
    if let Some(error) = refused {
        explainer.cannot_watch(error);
    }
    start_thread(explainer, received, waker)?;
    Ok(supervisor)
}

/// The ports that are kept for the program. If it can't be seen when it binds them, servers that set `SO_REUSEADDR` can at
/// least start.
fn take_claims(options: &mut RunOptions, is_watched: bool) -> io::Result<Vec<Claim>> {
    let claims: Vec<_> = options.ports.drain(..).map(|(_, claim)| claim).collect();
    if !is_watched {
        claims.iter().try_for_each(Claim::share)?;
    }
    Ok(claims)
}

fn explainer(options: RunOptions, clock: Clock, to: (Sender<Reply>, Waker)) -> Explainer {
    let output = Output {
        style: options.style,
        is_quiet: options.is_quiet,
        report: options.report,
    };
    Explainer::new(clock, (output, options.lists), to)
}

fn start_thread(explainer: Explainer, jobs: JobReceiver, waker: Waker) -> io::Result<()> {
    let work = move || {
        let work = AssertUnwindSafe(|| explainer.run(&jobs));
        // The panic was printed; without this thread the calls are answered unexplained.
        let _ = catch_unwind(work);
        waker.wake();
    };
    let thread = thread::Builder::new().name("explain".into());
    thread.spawn(work).map(drop)
}

/// A started program, and its listener or why it has none.
type Started = (Pid, Result<OwnedFd, Errno>);

/// Starts the program below the filter. A script that names no interpreter is given to the shell, as a shell itself and
/// `execvp` do.
fn start_program(options: &RunOptions, signals: SignalState) -> io::Result<Started> {
    let mut words = options.command.iter();
    let mut command = Command::new(words.next().map(OsString::as_os_str).unwrap_or_default());
    command.args(words);
    if is_given_sockets() {
        command = with_own_sockets(&command);
    }
    for (name, claim) in &options.ports {
        command.env(name, claim.port().to_string());
    }
    match start_filtered(&mut command, signals) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NOEXEC) => {
            start_filtered(&mut shell_of(&command), signals)
        }
        started => started,
    }
}

/// Whether the process that the shell knows, our parent, is given sockets (`sd_listen_fds(3)`).
fn is_given_sockets() -> bool {
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    parent.is_some() && std::env::var("LISTEN_PID").ok() == parent
}

/// The command, which takes them as its own: `LISTEN_PID` is its pid, which only a process that becomes it knows.
fn with_own_sockets(command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"LISTEN_PID=$$ exec "$@""#, "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

fn start_filtered(command: &mut Command, signals: SignalState) -> io::Result<Started> {
    if let Err(error) = check_support() {
        return Ok((spawn_plain(command, signals)?.id(), Err(error)));
    }
    let (to_us, from_program) = channel::pair()?;
    let child = spawn(command, signals, from_program)?;
    let listener = match channel::receive_descriptor(to_us.as_fd())? {
        Some((_, Some(listener))) => Ok(listener),
        Some((error, None)) => Err(Errno::from_raw_os_error(error)),
        None => Err(Errno::IO),
    };
    Ok((child.id(), listener))
}
