//! The thread that explains failed calls and prints the explanations. While it reads the evidence, the caller waits for
//! its answer, so that what was in the way is still there; but no longer than [`Pending`] allows.

mod free_first;
mod listeners;
mod output;
mod series;
mod unix;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use jiff::tz::TimeZone;
use rustix::io::Errno;

pub(super) use self::listeners::Opened;
pub(super) use self::output::Output;
pub(super) use self::series::Key;
use self::series::Series;
pub(super) use self::unix::UnixBind;
use super::PATIENCE;
use super::caller::CallerProcess;
use super::calls::{Answer, Listener, Unjudged};
use super::jobs::JobReceiver;
use super::wake::Waker;
use crate::bind::{BindAttempt, Verdict};
use crate::clock::Clock;
use crate::inspect::{BindTester, NamespaceAccess};
use crate::model::{Evidence, Inside, Moment, Namespace, NamespaceId, Pid, Text};
use crate::report::FailedCall;
use crate::source::network_namespace;

/// So many explanations of one repeated call, if different sockets are in its way, and then none for a while.
const MAX_EXPLAINED: u32 = 3;
const PAUSE: Duration = Duration::from_secs(10);

/// The most repeated calls to remember.
const MAX_SERIES: usize = 1000;

/// An answer that is given once: when the explanation is there, or at its deadline.
pub(super) struct Pending {
    listener: Arc<Listener>,
    id: u64,
    answer: Answer,
    is_open: AtomicBool,
    /// Whether it is known who has the port: the rest of the explanation may come after the answer.
    has_evidence: AtomicBool,
}

impl Pending {
    pub(super) const fn new(listener: Arc<Listener>, id: u64, answer: Answer) -> Self {
        Self {
            listener,
            id,
            answer,
            is_open: AtomicBool::new(true),
            has_evidence: AtomicBool::new(false),
        }
    }

    /// Answers the call, unless it is answered.
    pub(super) fn answer(&self) {
        if self.is_open.swap(false, Ordering::AcqRel) {
            self.listener.answer(self.id, self.answer);
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    pub(super) fn has_evidence(&self) -> bool {
        self.has_evidence.load(Ordering::SeqCst)
    }

    /// Notes that it is known who has the port. Returns whether the caller still waits.
    fn found(&self, waits_since: Moment, clock: Clock) -> bool {
        let is_waiting = self.is_open();
        self.has_evidence.store(true, Ordering::SeqCst);
        // Before that time the supervisor looks whether there is evidence, afterwards it no longer does.
        if waits_since.age(clock.now()) >= PATIENCE {
            self.answer();
        }
        is_waiting
    }
}

/// What the supervisor reports to this thread.
pub(super) enum Job {
    Failed(Box<Failure>),
    /// A call like one that failed before has succeeded.
    Succeeded(CallerProcess, BindAttempt),
    Opened(Opened),
    /// A unix socket is to be bound.
    Unix(UnixBind),
    /// A call was left to the kernel.
    Unjudged(CallerProcess, Unjudged),
    /// So many calls like this failed, too fast to look at each.
    More(Key, u64),
    /// The program has ended.
    Finish,
}

/// A call that failed.
pub(super) struct Failure {
    /// The id of its notification.
    pub(super) id: u64,
    pub(super) at: Moment,
    /// Who made it; read while it waits, as it may end right after.
    pub(super) caller: CallerProcess,
    pub(super) attempt: BindAttempt,
    /// The inode of its socket.
    pub(super) inode: Option<u32>,
    /// The network namespace of its socket, if that is not ours.
    pub(super) network: Option<u64>,
    /// Its answer; `None` if the call goes on waiting for the port.
    pub(super) pending: Option<Arc<Pending>>,
    pub(super) waits_for: Option<Duration>,
    /// Whether to end what is in its way.
    pub(super) frees: bool,
}

/// What this thread reports to the supervisor.
pub(super) enum Reply {
    /// `--free-first` is done for the call with this id.
    Freed {
        call: u64,
        /// Whether its port can be bound now.
        is_free: bool,
    },
    /// Everything about the program is printed.
    Finished,
}

pub(super) struct Explainer {
    clock: Clock,
    output: Output,
    replies: Sender<Reply>,
    waker: Waker,
    /// Whether to list the listeners at the end.
    lists: bool,
    tester: BindTester,
    series: HashMap<Key, Series>,
    opened: Vec<Opened>,
    last_id: u32,
    /// What was printed already.
    said: BTreeSet<Unjudged>,
    /// The paths of unix sockets that were reported.
    said_paths: HashSet<PathBuf>,
}

impl Explainer {
    pub(super) fn new(
        clock: Clock,
        (output, lists): (Output, bool),
        (replies, waker): (Sender<Reply>, Waker),
    ) -> Self {
        Self {
            clock,
            output,
            replies,
            waker,
            lists,
            tester: BindTester::new(clock),
            series: HashMap::new(),
            opened: Vec::new(),
            last_id: 0,
            said: BTreeSet::new(),
            said_paths: HashSet::new(),
        }
    }

    /// Works until the supervisor ends.
    pub(super) fn run(mut self, jobs: &JobReceiver) {
        while let Some(job) = jobs.next() {
            match job {
                Job::Failed(failure) => self.failed(&failure),
                Job::Succeeded(caller, attempt) => self.succeeded(&caller, &attempt),
                Job::Opened(opened) => self.opened(opened),
                Job::Unix(bind) => self.unix(&bind),
                Job::Unjudged(caller, why) => self.unjudged(&caller, why),
                Job::More(key, count) => self.more(&key, count),
                Job::Finish => self.finish(),
            }
        }
    }

    fn failed(&mut self, failure: &Failure) {
        let key = Key::of(&failure.caller, &failure.attempt);
        let is_known = self.is_known(&key, failure);
        let id = match self.series.get_mut(&key).filter(|_| is_known) {
            Some(series) => series.add(failure),
            None => self.explain(failure, key),
        };
        if failure.frees {
            self.free_first(id, failure);
        }
        if let Some(pending) = &failure.pending {
            pending.answer();
        }
    }

    /// Whether it was explained already: the same sockets are in the way, or too many different ones in a short time.
    fn is_known(&mut self, key: &Key, failure: &Failure) -> bool {
        let Some(series) = self.series.get(key) else {
            return false;
        };
        let is_recent = series.explained_at.age(failure.at) < PAUSE;
        if is_recent && series.explained >= MAX_EXPLAINED {
            return true;
        }
        let sockets = series.sockets.clone();
        series.count > 0 && self.are_in_the_way(&sockets, failure)
    }

    /// Whether these are still the sockets of servers on the port, as at the last explanation.
    fn are_in_the_way(&mut self, sockets: &BTreeSet<u32>, failure: &Failure) -> bool {
        if failure.network.is_some() {
            return true;
        }
        let (protocol, port) = (failure.attempt.protocol, failure.attempt.port);
        let now = self.clock.now();
        let evidence = self.tester.inspector().rows(protocol, port, now);
        servers(&evidence, failure.inode) == *sockets
    }

    /// Reports a failure. Returns its id.
    fn explain(&mut self, failure: &Failure, key: Key) -> u32 {
        let clock = self.clock;
        // A caller that waits for its port has no answer yet.
        let pending = failure.pending.as_ref();
        let is_waiting = || pending.is_none_or(|pending| pending.found(failure.at, clock));
        let mut is_from_before = pending.is_none_or(|pending| pending.is_open());
        let explained = self.result_of(failure, &mut || is_from_before = is_waiting());
        self.last_id += 1;
        let id = self.last_id;
        let (verdict, sockets, reason) = match explained {
            Ok((verdict, sockets)) => (Some(verdict), sockets, None),
            Err(reason) => (None, BTreeSet::new(), Some(reason)),
        };
        self.output.failed(&FailedCall {
            id,
            at: failure.at,
            caller: failure.caller.report(),
            attempt: &failure.attempt,
            verdict: verdict.as_ref(),
            reason: reason.as_deref(),
            is_from_before,
            waits_for: failure.waits_for,
        });
        let series = self.series.entry(key);
        let series = series.or_insert_with(|| Series::new(id, failure));
        series.explain(id, failure, sockets);
        if self.series.len() > MAX_SERIES {
            self.end_all_series();
        }
        id
    }

    /// The verdict with the sockets of servers on the port; or why there is none.
    fn result_of(
        &mut self,
        failure: &Failure,
        found: &mut (dyn FnMut() + Send),
    ) -> Result<(Verdict, BTreeSet<u32>), String> {
        let (attempt, own, clock) = (&failure.attempt, failure.inode, self.clock);
        if attempt.port == 0 {
            return Err(format!(
                "The kernel was to choose a port, and answered {}: none is left \
                 (net.ipv4.ip_local_port_range), or the address can't be bound.",
                attempt.result
            ));
        }
        let mut explained = |tester: &mut BindTester| {
            let mut result = tester.explain(attempt, own, found);
            result.caller_pid = Some(failure.caller.pid);
            let sockets = servers(&result.evidence, own);
            let verdict = Verdict::of(&result, &TimeZone::system(), clock.now());
            (verdict, sockets)
        };
        let Some(cookie) = failure.network else {
            return Ok(explained(&mut self.tester));
        };
        let inside = inside_of(failure.caller.pid, cookie)?;
        let mut within =
            |inside: Arc<Inside>| explained(&mut BindTester::inside(clock, Some(inside)));
        let result = inside.run(|| within(Arc::clone(inside.inside())));
        result.map_err(|error| format!("It happened in another network namespace: {error}."))
    }

    fn unjudged(&mut self, caller: &CallerProcess, why: Unjudged) {
        if self.said.insert(why) {
            let name = caller.report().name();
            self.output.unjudged(&format!("{name}: {}", why.as_str()));
        }
    }

    /// Says once that nothing can be explained.
    pub(super) fn cannot_watch(&mut self, error: Errno) {
        let why = match error {
            Errno::BUSY => {
                "another program supervises its calls already, such as an outer `sockeye run`"
                    .to_owned()
            }
            Errno::NOSYS | Errno::INVAL => {
                "this kernel lacks seccomp user notification (Linux 5.6)".to_owned()
            }
            error => format!(
                "the kernel refuses seccomp user notification ({})",
                std::io::Error::from(error)
            ),
        };
        self.output
            .unjudged(&format!("failing binds are not explained: {why}"));
    }

    fn finish(&mut self) {
        self.end_all_series();
        if self.lists {
            self.list();
        }
        self.output.close_stderr();
        // The supervisor may have ended.
        let _ = self.replies.send(Reply::Finished);
        self.waker.wake();
    }
}

/// The inodes of the sockets that wait for peers, but for one.
fn servers(evidence: &Evidence, own: Option<u32>) -> BTreeSet<u32> {
    let inodes = evidence.waiting_inodes();
    inodes.filter(|&inode| Some(inode) != own).collect()
}

/// A way into the network namespace of a process, if it has this cookie.
fn inside_of(pid: Pid, cookie: u64) -> Result<NamespaceAccess, String> {
    let inode = network_namespace(pid).map_err(|error| {
        format!("It happened in another network namespace, which can't be read: {error}.")
    })?;
    let namespace = Namespace {
        id: NamespaceId::NONE,
        inode: Some(inode),
        cookie: Some(cookie),
        name: Text::new(&format!("of process {pid}")),
        container: None,
    };
    let access = NamespaceAccess::of(&Arc::new(namespace), &[pid]);
    access.map_err(|error| format!("It happened in another network namespace: {error}."))
}
