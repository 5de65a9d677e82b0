//! One segment: a file, or bytes in memory, that consists of frames. A section of it begins with a start frame.
//!
//! At its end are an index of the frames and a summary: which process had which port when.

mod body;
mod cursor;
mod footer;
mod frames;
mod opened;
mod source;
mod summary;

pub(crate) use body::read_body;
pub(crate) use cursor::{Cursor, Readable};
use footer::Footer;
pub(crate) use footer::PortSummary;
use frames::Entry;
pub(crate) use frames::{Fault, Frames};
pub(crate) use opened::Segment;
use source::Input;
pub(crate) use source::{SharedBytes, Source};
use summary::Summarizer;
pub(crate) use summary::{Client, Holder, Span, SpanState};
