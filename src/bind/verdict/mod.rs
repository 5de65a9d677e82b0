//! The explanation of a bind test: cause, sentences, fixes, notes, and when it ends by itself.
//!
//! Pure: a [`BindTestResult`] in, a [`Verdict`] out. Causes with their sentences and fixes are rows of one table
//! (`causes`), notes of another (`notes`). `case` derives the facts for both, `facts` and `phrases` put them into
//! words. `unix` does the same for names of unix sockets.

mod case;
mod causes;
mod facts;
mod fixes;
mod matrix;
mod notes;
mod owner_line;
mod phrases;
mod recorded;
#[cfg(test)]
mod tests;
mod unix;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::probe::RULES_ARE_MEASURED;
use super::{Fix, Probe};
use crate::bind::bind_test::BindTestResult;
use crate::bind::bind_test::servers::{self, Profile, Start};
use crate::model::{Behind, Gap, GapCode, Holder, Moment, Namespace, Supervisor};
use case::Case;
pub(super) use fixes::reserve;
pub use matrix::{MatrixCell, MatrixRow};
pub(crate) use owner_line::process_line;
pub(super) use owner_line::sentence as owner_sentence;
pub use unix::{MAX_PATH, UnixCause, UnixVerdict};

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A server that sets `SO_REUSEADDR`, as most do, can bind every address of the target.
    Free,
    /// A socket has it.
    InUse,
    /// This process may not bind it, whether it is taken or not.
    Denied,
    /// There is no such address, or no bind could be made.
    Unavailable,
    /// The answer changed during the test.
    Raced,
}

/// The reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "`causes` has the sentences of each")]
pub enum Cause {
    Free,
    Listener,
    DualStackListener,
    BoundNotListening,
    TimeWait,
    TimeWaitNoReuse,
    ClosingOrphan,
    OldConnection,
    OutgoingConnection,
    Ipv6Shadow,
    SelfConnect,
    HiddenOwner,
    KernelSocket,
    InvisibleHolder,
    UdpSocket,
    PrivilegedPort,
    Policy,
    CgroupPolicy,
    AddressNotLocal,
    AddressTentative,
    AddressDuplicate,
    Ipv6Off,
    ScopeNeeded,
    Raced,
    ProbeFailed,
}

/// Something worth knowing beside the cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Its kind, for scripts.
    pub code: NoteCode,
    /// A full sentence.
    pub message: String,
}

/// The kind of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "`notes` has the sentence of each")]
pub enum NoteCode {
    EphemeralRange,
    ReservedPort,
    BrowsersRefuse,
    OtherAddressInUse,
    OtherNamespace,
    Redirected,
    AcceptQueueFull,
    DeviceBound,
    ShareableReuseport,
    ShareableUdp,
    OtherUser,
    LeftoverConnections,
    SystemdSocket,
}

/// The explanation of a test, with causes `C` and sockets in the way `B`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyVerdict<C, B> {
    /// In one word.
    pub outcome: Outcome,
    /// Why.
    pub cause: C,
    /// In one sentence.
    pub summary: String,
    /// More about it, in full sentences.
    pub details: Vec<String>,
    /// The fixes, best first: the first with a command frees the port for good.
    pub fixes: Vec<Fix>,
    /// What the owner serves, if not its own program.
    pub behind: Option<Behind>,
    /// The supervisor of the owner.
    pub kept_by: Option<Supervisor>,
    /// When the port is free if it becomes so by itself, from now: a lower bound.
    pub free_in: Option<Duration>,
    /// Whether a server that sets `SO_REUSEADDR` can start now, on every address of the target.
    pub with_reuse_address: Start,
    /// Whether one that does not set it can.
    pub without: Start,
    /// Which kinds of servers can.
    pub profiles: Vec<(Profile, Start)>,
    /// The binds that were made.
    pub probes: Vec<Probe>,
    /// Their answers by address, and predictions for those that were not made.
    pub matrix: Vec<MatrixRow>,
    /// The sockets in the way, the most important first.
    pub blockers: Vec<B>,
    /// Other things worth knowing.
    pub notes: Vec<Note>,
    /// The gaps that might matter here.
    pub gaps: Vec<Gap>,
    /// The network namespace of the test; `None` for that of this program.
    pub namespace: Option<Arc<Namespace>>,
    /// When the table was read.
    pub taken_at: Moment,
    /// Whether the table was recorded. Then no bind was made.
    pub is_recorded: bool,
}

/// The explanation of the bind test of a port.
pub type Verdict = AnyVerdict<Cause, Holder>;

impl Outcome {
    /// The word on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::InUse => "in use",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Raced => "raced",
        }
    }
}

impl Verdict {
    /// The answers for all addresses in one line: `0.0.0.0 and 127.0.0.1 refused, [::] v6 only ok`.
    pub fn addresses_text(&self) -> String {
        matrix::addresses_text(&self.matrix)
    }

    /// Explains a result at `now`: sockets that end by themselves have less time left than when the table was read.
    /// Times of day are in `zone`.
    pub fn of(result: &BindTestResult, zone: &TimeZone, now: Moment) -> Self {
        Self::of_case(&Case::of(result, zone, now), Some(now))
    }

    /// Explains what the rules say of a recorded table. Nothing was bound, and nothing can be done about it any more.
    pub fn of_recorded(result: &BindTestResult, zone: &TimeZone) -> Self {
        let mut case = Case::of(result, zone, result.evidence.taken_at);
        case.is_recorded = true;
        let mut verdict = Self::of_case(&case, None);
        verdict.probes.clear();
        verdict
    }

    /// Ages are those at `now`, if there is one.
    fn of_case(case: &Case<'_>, now: Option<Moment>) -> Self {
        let result = case.result;
        let &(reason, outcome, _, explain) = causes::find(case);
        let explanation = if case.is_recorded {
            recorded::explain(case, reason)
        } else {
            explain(case)
        };
        // That another server could start is no help to a program that was refused.
        let is_own = result.caller.is_none();
        let is_open = is_own && !case.is_udp() && case.with_reuse_address == Start::Ok;
        let outcome = match outcome {
            Outcome::InUse if is_open => Outcome::Free,
            outcome => outcome,
        };
        let is_timed = matches!(
            reason,
            Cause::TimeWait | Cause::TimeWaitNoReuse | Cause::ClosingOrphan | Cause::Ipv6Shadow
        );
        let who = case.main_holder().and_then(|holder| {
            let now = now.map(|now| now.wall);
            owner_line::sentence(&case.evidence.processes, case.limits, holder, now)
        });
        let caveat = "The reason was not verified on this system: the results of the binds are its own, the \
                      explanation follows its documentation.";
        let caveat = (!RULES_ARE_MEASURED && !case.is_recorded).then(|| caveat.to_owned());
        let details = who.into_iter().chain(explanation.details);
        let trials = result.trials.iter();
        Self {
            outcome,
            cause: reason,
            summary: case.of_caller(outcome, explanation.summary),
            details: details.chain(caveat).collect(),
            fixes: case.finish(explanation.fixes),
            behind: case.behind(),
            kept_by: case.kept_by(),
            free_in: case.time_left().filter(|_| is_timed),
            with_reuse_address: case.with_reuse_address,
            without: case.without,
            profiles: servers::profiles(result),
            probes: trials.map(|trial| trial.probe.clone()).collect(),
            matrix: matrix::of(result),
            blockers: case.blockers.iter().map(|&one| one.clone()).collect(),
            notes: notes::of(case),
            gaps: gaps(reason, outcome, case),
            namespace: case.limits.namespace().cloned(),
            taken_at: result.evidence.taken_at,
            is_recorded: case.is_recorded,
        }
    }

    /// Whether waiting helps: the cause ends by itself.
    pub const fn is_timed(&self) -> bool {
        self.free_in.is_some()
    }

    /// Whether every server can start now.
    pub fn is_wide_open(&self) -> bool {
        self.outcome == Outcome::Free && self.without != Start::Refused
    }
}

/// The gaps that may make a verdict of this cause wrong.
fn gaps(of: Cause, outcome: Outcome, case: &Case<'_>) -> Vec<Gap> {
    let is_in_doubt = || {
        let mut trials = case.result.trials.iter();
        trials.any(|it| it.probe.result.is_in_use() && it.prediction.blockers.is_empty())
    };
    let matters = |code| match code {
        GapCode::Table | GapCode::Limits => true,
        GapCode::BoundSockets => of == Cause::InvisibleHolder,
        GapCode::Owners => !case.blockers.is_empty(),
        GapCode::Options => is_in_doubt(),
        GapCode::SecurityModules => of == Cause::Policy,
        GapCode::Namespaces | GapCode::Redirects => outcome == Outcome::Free,
    };
    let gaps = case.evidence.gaps.iter();
    gaps.filter(|gap| matters(gap.code)).cloned().collect()
}
