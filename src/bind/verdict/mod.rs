//! What the outcome of a bind test means: a cause, a sentence, what to do, and when it is over.
//!
//! Pure: an [`Examination`] in, a [`Verdict`] out. Which cause it is and what is said of it stands in
//! one table (`causes`), what is worth knowing beside it in another (`notes`); the facts that both
//! speak of are worked out in `case`, and put into words in `words`.

mod case;
mod causes;
mod commands;
mod fixes;
mod kind;
mod matrix;
mod notes;
mod phrases;
mod unix_name;
mod who;
mod words;

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::Probe;
use super::examine::Examination;
use super::fix::Fix;
use super::probe::RULES_ARE_MEASURED;
use super::servers::{self, Profile, Start};
use crate::model::{Behind, Gap, GapCode, Holder, Moment, Supervisor};
use case::Case;
pub(super) use commands::reserve;
pub use matrix::{MatrixCell, MatrixRow};
pub use unix_name::{MAX_PATH, UnixCause, UnixVerdict};

/// What can be said of the port, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A server that sets `SO_REUSEADDR`, as most do, can bind every address asked for.
    Free,
    /// Something has it.
    InUse,
    /// This process may not bind it, whether it is taken or not.
    Denied,
    /// There is no such address to bind, or no bind could be made.
    Unavailable,
    /// The answer changed during the test.
    Raced,
}

/// Why it is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the table in `causes` says each in full sentences"
)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it is about, for scripts.
    pub code: NoteCode,
    /// A full sentence.
    pub message: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the table in `notes` says each in full sentences"
)]
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

/// The answer to a bind test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// In one word.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// In one sentence.
    pub summary: String,
    /// What explains it, in full sentences.
    pub details: Vec<String>,
    /// What helps, the best first: the first that has a command frees the port for good.
    pub fixes: Vec<Fix>,
    /// What the port is there for, where that is more than the process that has it.
    pub behind: Option<Behind>,
    /// What starts the process again.
    pub kept_by: Option<Supervisor>,
    /// When it will be over, counted from when it is told, if it ends by itself: at least so long.
    pub free_in: Option<Duration>,
    /// Whether a server that sets `SO_REUSEADDR` can start now, on every address asked for.
    pub with_reuse_address: Start,
    /// Whether one that does not set it can.
    pub without: Start,
    /// Which kinds of servers can.
    pub profiles: Vec<(Profile, Start)>,
    /// The binds that were made.
    pub probes: Vec<Probe>,
    /// Their answers by address, and what is foretold of those that were not made.
    pub matrix: Vec<MatrixRow>,
    /// The sockets in the way, what matters most first.
    pub blockers: Vec<Holder>,
    /// What is worth knowing besides.
    pub notes: Vec<Note>,
    /// What could not be found out and might matter here.
    pub gaps: Vec<Gap>,
    /// When the table was read.
    pub taken_at: Moment,
}

impl Outcome {
    /// The word as a person reads it.
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
    /// Judges an examination, as it is to be told at `now`: what ends by itself has less time left
    /// than when it was seen. Times of day are told in `zone`.
    pub fn of(examination: &Examination, zone: &TimeZone, now: Moment) -> Self {
        let case = Case::of(examination, now);
        let row = causes::find(&case);
        let words = words::Words::new(&case, zone);
        let details = row.details.iter().filter_map(|text| words.fill(text));
        let outcome = case.outcome(row.cause);
        let free_in = case.free_in(row.cause);
        Self {
            outcome,
            cause: row.cause,
            summary: words.fill(row.summary).unwrap_or_default(),
            details: case
                .who(now)
                .into_iter()
                .chain(details)
                .chain(caveat())
                .collect(),
            fixes: words.fixes(row.fixes),
            behind: case.behind(),
            kept_by: case.kept_by(),
            free_in,
            with_reuse_address: case.with_reuse_address,
            without: case.without,
            profiles: servers::profiles(examination),
            probes: examination
                .trials
                .iter()
                .map(|trial| trial.probe.clone())
                .collect(),
            matrix: matrix::of(examination),
            blockers: case.blockers.iter().map(|&one| one.clone()).collect(),
            notes: notes::of(&words),
            gaps: gaps(row.cause, &case),
            taken_at: examination.evidence.taken_at,
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

/// What a verdict is worth where the rules are not this system's own.
fn caveat() -> Option<String> {
    (!RULES_ARE_MEASURED).then(|| {
        "What holds a port was not verified on this system: the answers of the binds are its own, \
         the explanation follows its documentation."
            .to_owned()
    })
}

/// The gaps that leave a verdict of this cause open to doubt.
fn gaps(of: Cause, case: &Case<'_>) -> Vec<Gap> {
    let can_be_bound = case.outcome(of) == Outcome::Free;
    let matters = |code| match code {
        GapCode::Table | GapCode::Limits => true,
        GapCode::BoundSockets => of == Cause::InvisibleHolder,
        GapCode::Owners => !case.blockers.is_empty(),
        GapCode::Options => case.is_in_doubt(),
        GapCode::SecurityModules => of == Cause::Policy,
        GapCode::Namespaces | GapCode::Redirects => can_be_bound,
    };
    let gaps = case.evidence.gaps.iter();
    gaps.filter(|gap| matters(gap.code)).cloned().collect()
}

#[cfg(test)]
mod tests;
