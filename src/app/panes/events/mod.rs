//! Opened, changed and closed sockets: the log, newest first, its timeline, and following it with the cursor.

pub(crate) mod history;

use crate::app::App;
use crate::app::panes::Pane;
use crate::app::table::cursor::Step;
use crate::app::view::bars::bar;
use crate::app::view::{Line, MAX_LINES, Role, mark_role, span};
use crate::columns::{change_text, owner_with_pid, pad, program_text, socket_text, width};
use crate::model::Moment;
use crate::track::{ChangeKind, Event, Mark};
use history::{Bucket, SECONDS};

/// Cells of a time of day.
const CLOCK: usize = 8;

/// Cells of the scale on two lines.
const SCALE: usize = 12;

/// A pane with fewer lines has no timeline.
const LEAST_LINES: usize = 8;

const MARKS: [Mark; 3] = [Mark::Opened, Mark::Changed, Mark::Closed];

impl App {
    /// The events that match the filter, newest first.
    pub(crate) fn events(&self, now: Moment) -> Vec<Line> {
        let mut filter = self.rows.criteria.pass(self.shown_at(now));
        let events = self.log.iter().rev();
        let matching = events.filter(|&event| filter.matches(&event.row));
        let lines = matching.take(MAX_LINES).map(|event| self.event_line(event));
        let mut lines: Vec<Line> = lines.collect();
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
            span(format!("{} ", self.clock(event.change.at.wall)), Role::Dim),
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

    /// A row of bars for each mark, the time at both ends, and the scale; empty if there is no room or nothing
    /// happened. With a filter it counts the events that match, as far back as they are kept.
    pub(crate) fn timeline(&self, columns: usize, height: usize, now: Moment) -> Vec<Line> {
        let room = columns.saturating_sub(CLOCK + 3 + 1 + SCALE);
        if height < LEAST_LINES || self.size.is_compact() {
            return Vec::new();
        }
        let filtered = (!self.rows.criteria.filter.is_empty()).then(|| {
            let mut filter = self.rows.criteria.pass(self.shown_at(now));
            let events = self.log.iter();
            self.history
                .with(events.filter(|&event| filter.matches(&event.row)))
        });
        let all = filtered.as_ref().unwrap_or(&self.history).buckets();
        let beyond = all.len().saturating_sub(room);
        let shown: Vec<&Bucket> = all.skip(beyond).collect();
        let tallies = shown.iter().map(|one| one.tally);
        let counts = tallies.flat_map(|tally| MARKS.map(|mark| tally.of(mark)));
        let Some(peak @ 1..) = counts.max() else {
            return Vec::new();
        };
        let walls = || shown.iter().filter_map(|bucket| bucket.wall);
        let clock = |wall: Option<_>| wall.map_or_else(String::new, |wall| self.clock(wall));
        let left = [clock(walls().next()), String::new(), String::new()];
        let last = clock(walls().next_back());
        let (title, scale) = ("highest bar:", format!("{peak} in {SECONDS} s"));
        let line = format!("{title} {scale}");
        let right = if CLOCK + 3 + shown.len() + 1 + width(&line) <= columns {
            [last, line, String::new()]
        } else {
            [last, title.to_owned(), scale]
        };
        let rows = MARKS.into_iter().zip(left).zip(right);
        rows.map(|((mark, left), right)| {
            let bars = shown.iter().map(|bucket| bar(bucket.tally.of(mark), peak));
            vec![
                span(pad(&left, CLOCK + 1), Role::Dim),
                span(format!("{} ", mark.glyph()), mark_role(mark)),
                span(bars.collect::<String>(), mark_role(mark)),
                span(format!(" {right}"), Role::Dim),
            ]
        })
        .collect()
    }

    /// Scrolling through the events ends following, as the user looks at older ones.
    pub(crate) fn stop_following_in_pane(&mut self) {
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.rows.is_following = false;
        }
    }

    /// While following, goes to the newest of the last `events` of the log whose row is shown.
    pub(crate) fn follow(&mut self, events: usize) {
        if !self.rows.is_following {
            return;
        }
        let rows = &self.rows;
        let shown = |event: &Event| {
            let at = rows.table.position(event.row.id)?;
            rows.selection.shows(at).then_some(at)
        };
        let newest = self.log.iter().rev().take(events).find_map(shown);
        let place = newest.and_then(|at| self.reveal(at));
        if let Some(place) = place {
            self.move_cursor(Step::To(place));
        }
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.dock.scroll = 0;
        }
    }
}
