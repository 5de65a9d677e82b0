//! Opened, changed and closed sockets that the table could show: the log, newest first, its timeline, and following it with
//! the cursor.

pub(crate) mod history;
mod table;
mod timeline;

use crate::app::App;
use crate::app::panes::{Content, Pane};
use crate::app::table::cursor::Step;
use crate::app::view::{MAX_LINES, Role, span};
use crate::model::Moment;
use crate::track::Event;

/// A pane with fewer lines has neither timeline nor headings.
const LEAST_LINES: usize = 6;

impl App {
    /// The events whose rows pass view, protocols and filter, as they were afterwards; newest first.
    pub(super) fn events(&self, columns: usize, height: usize, now: Moment) -> Content {
        let listed: Vec<_> = self.listed(self.shown_log().iter(), now).collect();
        let title = self.title_of_events(listed.len());
        if listed.is_empty() {
            let text = if self.shown_log().is_empty() && self.is_at_moment() {
                "nothing opened, changed or closed right before"
            } else if self.shown_log().is_empty() {
                "nothing has opened, changed or closed yet"
            } else {
                "no event matches the view and the filter"
            };
            return Content::of(&title, vec![vec![span(text, Role::Dim)]]);
        }
        let has_head = height >= LEAST_LINES;
        // At a moment of the history that has its own timeline.
        let timeline = (has_head && !self.is_at_moment()).then(|| self.timeline(&listed, columns));
        let mut lines: Vec<_> = timeline.into_iter().collect();
        let head = lines.len() + usize::from(has_head);
        let newest: Vec<_> = listed.into_iter().rev().take(MAX_LINES).collect();
        let mut table = table::lines(&newest, columns, |at| self.clock(at.wall));
        if !has_head {
            table.remove(0);
        }
        lines.extend(table);
        Content { title, lines, head }
    }

    fn listed<'a>(
        &'a self,
        events: impl Iterator<Item = &'a Event>,
        now: Moment,
    ) -> impl Iterator<Item = &'a Event> {
        let query = &self.rows.criteria;
        let now = self.shown_at(now);
        let mut filter = query.pass(now).with_flows(&self.rows.table.flows);
        events.filter(move |event| query.admits_in_pass(&event.row, &mut filter, now))
    }

    /// `events · 12 of 300, 40 older dropped`: of those in the namespaces shown.
    fn title_of_events(&self, listed: usize) -> String {
        let scope = self.rows.criteria.namespaces;
        let is_in_scope = |event: &&Event| scope.has(event.row.socket.namespace_id());
        let log = self.shown_log();
        let all = log.iter().filter(is_in_scope).count();
        let of = if listed == all {
            String::new()
        } else {
            format!("{listed} of ")
        };
        let dropped = match log.forgotten() {
            0 => String::new(),
            forgotten => format!(", {forgotten} older dropped"),
        };
        format!("events · {of}{all}{dropped}")
    }

    /// Before these events are added: keeps the cursor and a scrolled pane on their events. At the newest one they stay
    /// there.
    pub(crate) fn keep_line_in_events(&mut self, new: &[Event], now: Moment) {
        if new.is_empty() || !matches!(self.dock.pane, Some(Pane::Events)) {
            return;
        }
        let added = self.listed(new.iter(), now).count();
        if self.dock.scroll > 0 {
            self.dock.scroll = self.dock.scroll.saturating_add(added);
        }
        if let Some(focus) = self.dock.focus.as_mut().filter(|focus| focus.line > 0) {
            focus.line = focus.line.saturating_add(added);
        }
    }

    /// Scrolling through the events ends following, as the user looks at older ones.
    pub(crate) fn stop_following_in_pane(&mut self) {
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.rows.is_following = false;
        }
    }

    /// While following, goes to the newest of the last `events` of the log whose row is shown.
    pub(crate) fn follow(&mut self, events: usize, now: Moment) {
        if !self.rows.is_following {
            return;
        }
        let rows = &self.rows;
        let shown = |event: &Event| {
            let at = rows.table.position(event.row.id)?;
            rows.selection.shows(at).then_some(at)
        };
        let newest = self.log.iter().rev().take(events).find_map(shown);
        let place = newest.and_then(|at| self.reveal(at, now));
        if let Some(place) = place {
            self.move_cursor(Step::To(place));
        }
        if matches!(self.dock.pane, Some(Pane::Events)) {
            self.dock.scroll = 0;
            if let Some(focus) = &mut self.dock.focus {
                focus.line = 0;
            }
        }
    }
}
