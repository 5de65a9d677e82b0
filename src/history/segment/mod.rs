//! One segment: a file, or bytes in memory, that consists of frames. A section of it begins with a start frame.

mod body;
mod frames;
mod source;

pub(crate) use body::read_body;
pub(crate) use frames::{Entry, Fault, Frames};
pub(crate) use source::{Input, SharedBytes, Source};
