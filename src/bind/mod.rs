//! Whether a port can be bound, what is in the way, and what to do about it.
//!
//! A [`Target`] is put to the test in an [`Examination`]: what the machine tells about the port, what
//! the [`rules`] make of it, and what the kernel answers to real binds ([`probe()`]). A [`Verdict`]
//! says what that means. A port is chosen by binding and keeping it ([`choose`], [`Claim`]). Only `probe`
//! and `free/claim` touch the operating system; the evidence comes from `source`.

mod browsers;
mod covers;
mod examine;
mod fix;
mod free;
mod outcome;
mod probe;
pub mod rules;
mod servers;
mod target;
mod unix_target;
mod verdict;

pub use browsers::browsers_refuse;
pub use covers::covering;
pub use examine::{Agreement, Examination, Trial, Witness};
pub use fix::{Fix, FixCode, Frees, RunAs, fixes_for, shell_word, supervisor_text, thing};
pub use free::{Choice, Claim, Refusal, Unfit, Wish, choose, has_only_leftovers, unfit};
pub use outcome::{Probe, ProbeResult};
pub use probe::zone::interface;
pub use probe::{Suite, probe, probe_asking};
pub use servers::{Profile, Start};
pub use target::{Address, Target, TargetError};
pub use unix_target::unix_name;
pub use verdict::{
    Cause, MAX_PATH, MatrixCell, MatrixRow, Note, NoteCode, Outcome, UnixCause, UnixVerdict,
    Verdict,
};
