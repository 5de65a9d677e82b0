//! What could not be read of the table, in words.

use crate::model::{Problem, ProblemCode};
use crate::source::netstat::Part;

/// A part of the table is missing.
pub(super) fn table(part: Part, reason: &str) -> Problem {
    let part = part.name();
    let message = format!("sockets of {part} can't be read ({reason}): their rows are missing");
    Problem::new(ProblemCode::TableUnreadable, &message)
}

/// A part has its rows, but no details.
pub(super) fn details(part: Part, reason: &dyn std::fmt::Display) -> Problem {
    let part = part.name();
    let message = format!(
        "details of {part} can't be read ({reason}): queues and sockets that are only bound are missing"
    );
    Problem::new(ProblemCode::DetailsUnreadable, &message)
}

/// A part changed too much while it was read.
pub(super) fn interrupted(part: Part) -> Problem {
    let part = part.name();
    let message = format!("the table of {part} changed while it was read: rows may be missing");
    Problem::new(ProblemCode::Interrupted, &message)
}

/// Nobody can be looked at.
pub(super) fn processes(error: &std::io::Error) -> Problem {
    let message = format!("/proc can't be read ({error}): owners are unknown; mount /proc");
    Problem::new(ProblemCode::ProcessesUnreadable, &message)
}
