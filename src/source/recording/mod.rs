//! Recordings of version 0.1: snapshots in a file, one per line, replayed by a [`Replay`]. Today's are files of the history.

mod frame;
#[cfg(test)]
mod lines;
mod redact;
mod replay;

pub(crate) use redact::Redactor;
pub(crate) use replay::Timeline;
pub use replay::{Replay, STANDARD_INPUT};
