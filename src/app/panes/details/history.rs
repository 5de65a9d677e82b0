//! The last changes of one row: when it opened, its states, its owners.

use super::{LABEL, title};
use crate::app::App;
use crate::app::view::{Line, Role, mark_role, span};
use crate::columns::{change_text, pad};
use crate::track::{Event, EventLog, Mark, RowId};

/// Older changes are in the events only.
const MAX_CHANGES: usize = 20;

/// The last changes of this row, the newest first.
pub(super) fn of(log: &EventLog, row: RowId) -> Vec<Event> {
    let events = log.iter().rev().filter(|event| event.row.id == row);
    events.take(MAX_CHANGES).cloned().collect()
}

impl App {
    /// `12:04:31    ~ SYN_SENT → ESTABLISHED`
    pub(super) fn history_lines(&self, history: &[Event]) -> Vec<Line> {
        let lines = history.iter().map(|event| {
            let (kind, socket) = (&event.change.kind, &event.row.socket);
            let mark = Mark::of(kind);
            vec![
                span(pad(&self.clock(event.change.at.wall), LABEL), Role::Dim),
                span(format!("{} ", mark.glyph()), mark_role(mark)),
                span(change_text(kind, socket), Role::Plain),
            ]
        });
        let heading = (!history.is_empty()).then(|| title("history".into()));
        heading.into_iter().chain(lines).collect()
    }
}
