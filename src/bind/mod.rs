//! Whether a port can be bound, which sockets block it, and how to fix that.
//!
//! A [`Target`] is tested by real binds ([`probe()`]); the [`rules`] predict their results from the socket table. Both
//! make a [`BindTestResult`], and a [`Verdict`] explains it. [`choose`] finds a free port and a [`Claim`] keeps it.
//! Only `probe` and `free/claim` touch the operating system; the caller provides the evidence.

mod bind_test;
mod end;
mod fix;
mod free;
mod probe;
pub mod rules;
mod target;
mod text;
mod verdict;

pub use bind_test::attempt::{BindAttempt, BindCall, SocketTraits};
pub use bind_test::servers::{Profile, Start};
pub use bind_test::{Agreement, BindTestResult, Prober, Trial};
pub use end::{
    Decision, EndOutcome, EndPlan, EndRefusal, EndReport, EndRules, EndScope, EndStep, EndsWith,
    MayEnd, PlannedPort, PortReport, RanProgram, RefusalCode, SentSignal, describe_step,
};
pub use fix::{
    Action, Fix, FixCode, Frees, Program, RunAs, Step, Word, also_ends_text, fixes_for, shell_word,
    supervisor_text,
};
pub use free::{
    Choice, Claim, PortRequest, Refusal, SERVICE_PORTS, SkipReason, browsers_refuse, choose,
    has_only_leftovers, service_ports, skip_reason,
};
pub use probe::{Probe, ProbeResult, interface, is_own_probe, probe, probe_again, result_of};
pub use target::listeners::{reachable_listeners, selectable_listeners};
pub use target::servers::{ServerMatch, diverting, is_of_server};
pub use target::{Address, Target, TargetError, unix_name};
pub(crate) use verdict::process_line;
pub use verdict::{
    AnyVerdict, Cause, MAX_PATH, MatrixCell, MatrixRow, Note, NoteCode, Outcome, UnixCause,
    UnixVerdict, Verdict,
};
