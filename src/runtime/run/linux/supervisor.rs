//! The process between the one that the shell knows and the program: it answers the calls that the filter passes on, and
//! goes on as long as any process is below the filter.
//!
//! It is an ancestor of all of them (a subreaper, `PR_SET_CHILD_SUBREAPER` of `prctl(2)`), as Yama lets only an ancestor
//! duplicate their sockets. It is in a process group of its own, so that what is typed at the terminal does not reach it.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use nix::errno::Errno as NixErrno;
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid as RawPid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};

use super::caller::CallerProcess;
use super::calls::{Answer, CallReader, InetCall, Listener, Notification, Seen, Unjudged};
use super::channel::Report;
use super::explain::{Failure, Job, Key, Opened, Pending, Reply, UnixBind};
use super::jobs::JobSender;
use super::waiting::WaitingCall;
use super::wake::Waker;
use super::{FREE_LIMIT, PATIENCE};
use crate::bind::{BindCall, Claim};
use crate::clock::Clock;
use crate::model::{Moment, Pid, Protocol};
use crate::source::proc_stat::proc_stat;
use crate::source::process::ProcessReader;

/// How long the first call to a port that fails waits at most, until it is known who has the port; and all of these calls
/// together, so that a search among many ports in use takes little longer.
const LONG_PATIENCE: Duration = Duration::from_millis(250);
pub(super) const ALL_PATIENCE: Duration = Duration::from_secs(2);

/// How long the end of the program waits at most for what is still to be explained.
const FINISH_LIMIT: Duration = Duration::from_secs(2);

/// The errors that are explained: the others are mistakes of the program.
const EXPLAINED: [Errno; 4] = [
    Errno::ADDRINUSE,
    Errno::ADDRNOTAVAIL,
    Errno::ACCESS,
    Errno::PERM,
];

/// The most sockets that are remembered although their caller did not hear of the success.
const MAX_UNDELIVERED: usize = 1000;

pub(super) struct Supervisor {
    pub(super) clock: Clock,
    /// `None` if the program runs without the filter.
    pub(super) listener: Option<Arc<Listener>>,
    pub(super) reader: CallReader,
    pub(super) jobs: JobSender,
    pub(super) replies: Receiver<Reply>,
    pub(super) waker: Waker,
    /// The ends of processes.
    pub(super) children: SignalFd,
    /// The program, until it has ended.
    pub(super) program: Option<RawPid>,
    /// The process that the shell knows, until the end of the program is reported to it.
    pub(super) front: Option<FrontProcess>,
    /// How long a call waits for a port that is in use.
    pub(super) wait: Option<Duration>,
    /// As in [`RunOptions`](crate::runtime::run::RunOptions).
    pub(super) frees_first: Option<Vec<u16>>,
    pub(super) lists: bool,
    /// The ports that are kept for the program.
    pub(super) claims: Vec<Claim>,
    /// Calls that wait for their explanation.
    pub(super) pending: Vec<PendingCall>,
    /// What is left of [`ALL_PATIENCE`].
    pub(super) patience: Duration,
    /// Calls that wait for their port.
    pub(super) waiting: Vec<WaitingCall>,
    /// Where calls failed.
    pub(super) failed: HashSet<(Protocol, u16)>,
    /// Sockets that were bound, though the caller was interrupted before it heard of it: it calls again.
    pub(super) undelivered: HashSet<u32>,
    /// Calls that were not explained, as too many were waiting for that, and how many.
    pub(super) overflow: HashMap<Key, u64>,
    pub(super) processes: ProcessReader,
    pub(super) ended: Option<Report>,
    /// When its end is reported at the latest, once the other thread knows of it.
    pub(super) finishes_by: Option<Duration>,
}

/// The process that the shell knows.
pub(super) struct FrontProcess {
    pub(super) channel: OwnedFd,
    /// A descriptor of it (`pidfd_open(2)`).
    pub(super) process: OwnedFd,
}

/// A call that waits for its explanation.
pub(super) struct PendingCall {
    pending: Arc<Pending>,
    since: Duration,
    /// When it is answered if it is not known who has the port.
    deadline: Duration,
}

impl PendingCall {
    /// When it is answered if it is known who has the port.
    fn early_deadline(&self) -> Duration {
        self.deadline.min(self.since + PATIENCE)
    }

    fn next_deadline(&self, now: Duration) -> Duration {
        let early = self.early_deadline();
        if now < early { early } else { self.deadline }
    }

    fn is_due(&self, now: Duration) -> bool {
        let is_late = now >= self.early_deadline() && self.pending.has_evidence();
        is_late || now >= self.deadline
    }
}

impl Supervisor {
    /// Works until the program has ended and nothing is below the filter any more.
    pub(super) fn run(mut self) {
        loop {
            match self.wait_for_events() {
                Some(events) if events.contains(PollFlags::IN) => self.receive(),
                Some(events) if events.intersects(PollFlags::HUP | PollFlags::ERR) => {
                    self.close_listener();
                }
                _ => {}
            }
            self.reap();
            self.read_replies();
            self.answer_late();
            self.retry_waiting();
            let is_finished = self.front.is_none() && self.ended.is_none();
            if is_finished && self.listener.is_none() {
                return;
            }
        }
    }

    /// Waits for the next event. Returns those of the listener.
    fn wait_for_events(&self) -> Option<PollFlags> {
        let timeout = self.next_deadline().map(|deadline| {
            let left = deadline.saturating_sub(self.now().steady);
            Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or_default(),
                tv_nsec: left.subsec_nanos().into(),
            }
        });
        let mut all = vec![
            PollFd::new(&self.children, PollFlags::IN),
            PollFd::new(&self.waker, PollFlags::IN),
        ];
        all.extend(
            self.listener
                .as_deref()
                .map(|listener| PollFd::new(listener, PollFlags::IN)),
        );
        // An interrupted wait is one that ends early.
        let _ = poll(&mut all, timeout.as_ref());
        all.get(2).map(PollFd::revents)
    }

    /// No process is left below the filter, or nothing more can be received. A closed listener would be reported again at
    /// once, and no call is there that could be answered.
    fn close_listener(&mut self) {
        self.listener = None;
        self.waiting.clear();
    }

    fn next_deadline(&self) -> Option<Duration> {
        let now = self.now().steady;
        let pending = self.pending.iter().map(|call| call.next_deadline(now));
        // There is no event for room among the jobs.
        let is_full = self.ended.is_some() && self.finishes_by.is_none();
        let retry = is_full.then(|| now + PATIENCE);
        let finish = self.finishes_by.filter(|_| self.ended.is_some());
        pending
            .chain(retry)
            .chain(finish)
            .chain(self.waiting.iter().map(|call| call.retry_at))
            .min()
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn receive(&mut self) {
        let Some(listener) = self.listener.clone() else {
            return;
        };
        match listener.receive() {
            Ok(Some(notified)) => self.handle(&listener, &notified),
            Ok(None) => {}
            // Without the listener the kernel refuses these calls; there is nothing left to try.
            Err(_) => self.close_listener(),
        }
    }

    fn handle(&mut self, listener: &Arc<Listener>, notified: &Notification) {
        match self.reader.read(listener, notified) {
            Seen::Inet(call) => self.carry_out(listener, notified.id, call),
            Seen::UnixPath(path) => self.unix(listener, notified, path),
            Seen::Other => {
                listener.answer(notified.id, Answer::Continue);
            }
            Seen::Unjudged(why) => {
                self.unjudged(notified.thread, why);
                listener.answer(notified.id, Answer::Continue);
            }
        }
    }

    /// A bind of a unix socket waits until the other thread has seen whether it can succeed.
    fn unix(&mut self, listener: &Arc<Listener>, notified: &Notification, path: PathBuf) {
        let pending = Pending::new(Arc::clone(listener), notified.id, Answer::Continue);
        let pending = self.keep_pending(pending, self.now(), PATIENCE);
        let thread = notified.thread;
        let bind = UnixBind {
            thread,
            path,
            pending: Arc::clone(&pending),
        };
        if self.jobs.send(Job::Unix(bind)).is_err() {
            pending.answer();
        }
    }

    /// Answers the call after this time, if not before.
    fn keep_pending(&mut self, pending: Pending, at: Moment, limit: Duration) -> Arc<Pending> {
        let pending = Arc::new(pending);
        self.pending.push(PendingCall {
            pending: Arc::clone(&pending),
            since: at.steady,
            deadline: at.steady + limit,
        });
        pending
    }

    fn unjudged(&mut self, thread: Pid, why: Unjudged) {
        // It may be about one of these.
        self.claims.clear();
        let caller = self.caller(thread);
        self.send(Job::Unjudged(caller, why));
    }

    fn carry_out(&mut self, listener: &Arc<Listener>, id: u64, call: InetCall) {
        if call.protocol == Protocol::Tcp && self.reader.foreign_network(&call).is_none() {
            let is_kept = |claim: &Claim| claim.port() == call.local.port;
            self.claims.retain(|claim| !is_kept(claim));
        }
        let is_repeated = !self.undelivered.is_empty()
            && call
                .inode()
                .is_some_and(|inode| self.undelivered.remove(&inode));
        let result = if is_repeated { Ok(()) } else { call.perform() };
        match result {
            Ok(()) => self.succeeded(listener, id, call),
            Err(error) if EXPLAINED.contains(&error) => self.refused(listener, id, call, error),
            Err(error) => {
                drop(call);
                listener.answer(id, Answer::Done(Err(error)));
            }
        }
    }

    fn succeeded(&mut self, listener: &Listener, id: u64, call: InetCall) {
        let inode = call.inode();
        let is_relevant = self.failed.contains(&(call.protocol, call.local.port));
        let attempt = is_relevant.then(|| call.attempt(Ok(())));
        let opened = self.opened(&call, inode);
        let succeeded = attempt.map(|attempt| (self.caller(call.thread), attempt));
        // Its caller may close the socket as soon as it has the answer.
        drop(call);
        if !listener.answer(id, Answer::Done(Ok(()))) {
            if self.undelivered.len() >= MAX_UNDELIVERED {
                self.undelivered.clear();
            }
            self.undelivered.extend(inode);
        }
        let succeeded = succeeded.map(|(caller, attempt)| Job::Succeeded(caller, attempt));
        for job in succeeded.into_iter().chain(opened.map(Job::Opened)) {
            self.send(job);
        }
    }

    fn caller(&mut self, thread: Pid) -> CallerProcess {
        CallerProcess::of(thread, &mut self.processes)
    }

    fn opened(&mut self, call: &InetCall, inode: Option<u32>) -> Option<Opened> {
        // A client's UDP socket is bound to a port of the kernel's choice.
        let is_server = match call.call {
            BindCall::Listen => true,
            BindCall::Bind => call.protocol == Protocol::Udp && call.local.port != 0,
        };
        if !(self.lists && is_server) {
            return None;
        }
        Some(Opened {
            at: self.now(),
            caller: self.caller(call.thread),
            protocol: call.protocol,
            local: call.bound_to().unwrap_or(call.local),
            inode,
            is_own_network: self.reader.foreign_network(call).is_none(),
        })
    }

    fn refused(&mut self, listener: &Arc<Listener>, id: u64, call: InetCall, error: Errno) {
        let waits_for = self.wait.filter(|_| error == Errno::ADDRINUSE);
        // Once a port: if it is in use again, its owner returns.
        let is_new = !self.failed.contains(&(call.protocol, call.local.port));
        let frees = is_new && error == Errno::ADDRINUSE && self.frees(call.local.port);
        let at = self.now();
        let mut failure = Failure {
            id,
            at,
            caller: self.caller(call.thread),
            attempt: call.attempt(Err(error)),
            inode: call.inode(),
            network: self.reader.foreign_network(&call),
            pending: None,
            waits_for,
            frees,
        };
        let is_first = self.failed.insert((call.protocol, call.local.port));
        if waits_for.is_some() || frees {
            let deadline = at.steady + waits_for.unwrap_or_default();
            let mut call = WaitingCall::new(id, call, error, deadline, at.steady);
            if frees {
                call.pause();
            }
            self.waiting.push(call);
        } else {
            drop(call);
            let answer = Answer::Done(Err(error));
            let pending = Pending::new(Arc::clone(listener), id, answer);
            let limit = if is_first {
                LONG_PATIENCE.min(self.patience)
            } else {
                Duration::ZERO
            };
            failure.pending = Some(self.keep_pending(pending, at, limit.max(PATIENCE)));
        }
        self.report_failure(failure);
    }

    fn frees(&self, port: u16) -> bool {
        let ports = self.frees_first.as_ref();
        ports.is_some_and(|ports| ports.is_empty() || ports.contains(&port))
    }

    fn report_failure(&mut self, failure: Failure) {
        match self.jobs.send(Job::Failed(Box::new(failure))) {
            Ok(()) => {
                self.report_overflow();
            }
            Err(Job::Failed(failure)) => {
                let key = Key::of(&failure.caller, &failure.attempt);
                *self.overflow.entry(key).or_default() += 1;
                match &failure.pending {
                    Some(pending) => pending.answer(),
                    // It is not freed either.
                    None => self.resume(failure.id, false),
                }
            }
            Err(_) => {}
        }
    }

    /// Reports how many calls were not looked at, as far as there is room for it. Returns whether that was all.
    fn report_overflow(&mut self) -> bool {
        for (key, count) in std::mem::take(&mut self.overflow) {
            if let Err(Job::More(key, count)) = self.jobs.send(Job::More(key, count)) {
                self.overflow.insert(key, count);
            }
        }
        self.overflow.is_empty()
    }

    /// Answers the calls that have waited long enough for their explanation.
    fn answer_late(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let now = self.now().steady;
        self.pending.retain(|call| {
            if call.is_due(now) {
                call.pending.answer();
            }
            let is_open = call.pending.is_open();
            if !is_open {
                let waited = now.saturating_sub(call.since);
                self.patience = self.patience.saturating_sub(waited);
            }
            is_open
        });
    }

    fn retry_waiting(&mut self) {
        let Some(listener) = self.listener.clone() else {
            return;
        };
        let now = self.now().steady;
        for mut call in std::mem::take(&mut self.waiting) {
            match call.retry(&listener, now) {
                None => self.waiting.push(call),
                Some(Answer::Done(Ok(()))) => self.succeeded(&listener, call.id, call.call),
                Some(answer) => {
                    drop(call.call);
                    listener.answer(call.id, answer);
                }
            }
        }
    }

    /// Notices that the program has stopped or ended, and takes what lost its parent below us.
    fn reap(&mut self) {
        while matches!(self.children.read_signal(), Ok(Some(_))) {}
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
        while let Some(program) = self.program {
            let report = match waitpid(program, Some(flags)) {
                // In this order, whatever happens to it meanwhile.
                Ok(WaitStatus::Stopped(..)) => {
                    self.signal_front(Signal::STOP);
                    continue;
                }
                Ok(WaitStatus::Continued(_)) => {
                    self.signal_front(Signal::CONT);
                    continue;
                }
                Ok(WaitStatus::Exited(_, code)) => Report::Exited(code),
                Ok(WaitStatus::Signaled(_, signal, _)) => Report::Killed(signal as i32),
                Err(NixErrno::EINTR) => continue,
                _ => break,
            };
            self.program = None;
            self.ended = Some(report);
            self.claims.clear();
        }
        self.reap_adopted();
        if self.is_to_finish() {
            self.finishes_by = Some(self.now().steady + FINISH_LIMIT);
            self.send(Job::Finish);
        }
        if self.finishes_by.is_some_and(|by| self.now().steady >= by) {
            self.finish();
        }
    }

    /// Whether the program has ended, and all that happened before is reported.
    fn is_to_finish(&mut self) -> bool {
        self.ended.is_some() && self.finishes_by.is_none() && self.report_overflow()
    }

    /// Takes the ends of adopted processes. The other thread may have started some, such as `nft`, and waits for them
    /// itself: those are in our process group, where nothing below the filter is.
    fn reap_adopted(&self) {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(status) = waitid(Id::All, flags) {
            let Some(pid) = status.pid() else { return };
            let group = u32::try_from(pid.as_raw()).ok().and_then(proc_stat);
            let is_ours = group.is_none_or(|stat| stat.process_group == std::process::id());
            if is_ours || self.program == Some(pid) || waitpid(pid, None).is_err() {
                return;
            }
        }
    }

    fn read_replies(&mut self) {
        self.waker.clear();
        loop {
            match self.replies.try_recv() {
                Ok(Reply::Finished) => self.finish(),
                Ok(Reply::Freed { call, is_free }) => self.resume(call, is_free),
                Err(TryRecvError::Empty) => return,
                // The thread has panicked.
                Err(TryRecvError::Disconnected) => {
                    let paused = self.waiting.iter().filter(|call| call.is_paused);
                    let paused: Vec<_> = paused.map(|call| call.id).collect();
                    for id in paused {
                        self.resume(id, false);
                    }
                    return self.finish();
                }
            }
        }
    }

    /// A call whose port was freed, or could not be, goes on waiting for it as long as `--wait` says.
    fn resume(&mut self, id: u64, is_free: bool) {
        let now = self.now().steady;
        // Whatever takes the port first, ends the waiting.
        let least = if is_free { FREE_LIMIT } else { Duration::ZERO };
        let limit = self.wait.unwrap_or_default().max(least);
        let calls = self.waiting.iter_mut();
        calls
            .filter(|call| call.id == id)
            .for_each(|call| call.resume(now + limit));
    }

    /// The program has ended, and everything about it is printed: its end is reported.
    fn finish(&mut self) {
        let Some(report) = self.ended.take() else {
            return;
        };
        self.report(&report);
        self.front = None;
        // Others below us may go on for long: they should not keep what was inherited.
        super::detach_streams(true);
        let _ = rustix::process::chdir("/");
    }

    fn report(&self, report: &Report) {
        if let Some(front) = &self.front {
            // It may have been killed.
            let _ = report.send(&front.channel);
        }
    }

    fn signal_front(&self, signal: Signal) {
        if let Some(front) = &self.front {
            let _ = pidfd_send_signal(&front.process, signal);
        }
    }

    fn send(&self, job: Job) {
        // Too many successes are no news; the thread ends only with this process.
        let _ = self.jobs.send(job);
    }
}

impl CallReader {
    /// The cookie of a socket's network namespace, if that is not ours.
    fn foreign_network(&self, call: &InetCall) -> Option<u64> {
        call.network()
            .filter(|&cookie| Some(cookie) != self.own_network())
    }
}
