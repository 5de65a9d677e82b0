//! Recordings: snapshots in a file, one per line, written by a [`Recorder`] and replayed by a [`Replay`].

mod frame;
mod recorder;
mod redact;
mod replay;

pub use recorder::{DEFAULT_MAX_SIZE, Recorder};
pub(crate) use redact::Redactor;
pub(crate) use replay::Timeline;
pub use replay::{Replay, STANDARD_INPUT};
