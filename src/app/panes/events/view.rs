//! The event log: opened, changed and closed sockets, newest first.

use crate::app::App;
use crate::app::view::{Line, MAX_LINES, Role, mark_role, span};
use crate::columns::{change_text, owner_with_pid, program_text, socket_text};
use crate::model::Moment;
use crate::track::{ChangeKind, Event, Mark};

impl App {
    pub(crate) fn events_title(&self) -> String {
        match self.log.forgotten() {
            0 => format!("events · {}", self.log.len()),
            forgotten => format!("events · {}, {forgotten} older dropped", self.log.len()),
        }
    }

    /// The events that match the filter.
    pub(crate) fn events(&self, now: Moment) -> Vec<Line> {
        let mut filter = self.rows.criteria.pass(self.shown_at(now));
        let events = self.log.iter().rev();
        let matching = events.filter(|&event| filter.matches(&event.row));
        let mut lines: Vec<Line> = matching
            .take(MAX_LINES)
            .map(|event| self.event_line(event))
            .collect();
        if lines.is_empty() {
            let text = if self.log.is_empty() {
                "nothing has opened, changed or closed yet"
            } else {
                "no event matches the filter"
            };
            lines.push(vec![span(text, Role::Dim)]);
        }
        lines
    }

    fn event_line(&self, event: &Event) -> Line {
        let (socket, kind) = (&event.row.socket, &event.change.kind);
        let mark = Mark::of(kind);
        let mut line = vec![
            span(format!("{} ", self.clock(event.change.at)), Role::Dim),
            span(format!("{} ", mark.glyph()), mark_role(mark)),
            span(format!("{}  ", socket_text(socket)), Role::Strong),
            span(change_text(kind, socket), mark_role(mark)),
        ];
        if !matches!(kind, ChangeKind::Owner { .. }) {
            line.push(span(format!("  {}", owner_with_pid(socket)), Role::Plain));
        }
        let program = socket.owner.processes().first();
        if let Some(text) = program.and_then(|process| program_text(process)) {
            line.push(span(format!("  {text}"), Role::Dim));
        }
        line
    }
}
