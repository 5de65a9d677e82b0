//! The journal: what opened, changed and closed, newest first.

use std::sync::Arc;

use super::super::super::App;
use super::super::{Line, Role, mark_role, span};
use super::MAX_LINES;
use crate::columns::{owner_with_pid, socket_text};
use crate::filter;
use crate::model::{Moment, Owner, Socket};
use crate::track::{Change, ChangeKind, Event, Mark, Row};

impl App {
    pub(super) fn events_title(&self) -> String {
        match self.log.forgotten() {
            0 => format!("events · {}", self.log.len()),
            forgotten => format!("events · {}, {forgotten} older forgotten", self.log.len()),
        }
    }

    /// The journal, newest first, as far as it matches the filter.
    pub(super) fn events(&self, now: Moment) -> Vec<Line> {
        let context = filter::Context {
            now,
            highlight: self.settings.highlight,
            uid: self.settings.uid,
        };
        let matches = |event: &&Event| {
            self.criteria.filter.is_empty()
                || self.criteria.filter.matches(&row_of(event), &context)
        };
        let mut lines: Vec<Line> = self
            .log
            .iter()
            .rev()
            .filter(matches)
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
        let row = row_of(event);
        let (mark, what) = match &event.kind {
            ChangeKind::Opened => (Mark::Opened, format!("opened {}", event.socket.state)),
            ChangeKind::Closed => (Mark::Closed, format!("closed {}", event.socket.state)),
            ChangeKind::State { from } => {
                (Mark::Changed, format!("{from} → {}", event.socket.state))
            }
            ChangeKind::Owner { from } => {
                let old = Row {
                    socket: with_owner(&event.socket, from),
                    ..row.clone()
                };
                (
                    Mark::Changed,
                    format!(
                        "owner {} → {}",
                        owner_with_pid(&old.socket),
                        owner_with_pid(&row.socket)
                    ),
                )
            }
        };
        let mut line = vec![
            span(format!("{} ", self.clock(event.at)), Role::Dim),
            span(format!("{} ", mark.glyph()), mark_role(mark)),
            span(format!("{}  ", socket_text(&event.socket)), Role::Strong),
            span(what, mark_role(mark)),
        ];
        if !matches!(event.kind, ChangeKind::Owner { .. }) {
            line.push(span(
                format!("  {}", owner_with_pid(&row.socket)),
                Role::Plain,
            ));
        }
        line
    }
}

fn with_owner(socket: &Socket, owner: &Owner) -> Arc<Socket> {
    Arc::new(Socket {
        owner: owner.clone(),
        ..socket.clone()
    })
}

/// The row that an event speaks of, as it was then.
fn row_of(event: &Event) -> Row {
    Row {
        id: event.row,
        socket: Arc::clone(&event.socket),
        first_seen: event.at,
        state_since: event.at,
        was_there_at_start: false,
        change: Some(Change {
            at: event.at,
            kind: event.kind.clone(),
        }),
        is_in_conflict: false,
    }
}
