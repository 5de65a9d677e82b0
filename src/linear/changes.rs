//! What happens by itself: the first table, changes, alerts, trouble, problems.

use std::sync::Arc;

use super::rows::{change_text, row_text};
use super::{Changes, PAGE, Session};
use crate::model::{Moment, counted};
use crate::query::{ChangeFeed, ChangeRecord};
use crate::track::{ChangeKind, Event, Row, TableUpdate};

/// Changes of one refresh that are printed; the others are counted, and kept as events.
const MOST: usize = 20;

/// Changes that wait for the next command; older ones are kept as events.
const MOST_POSTPONED: usize = 1000;

impl Session {
    /// Prints what changed since the table that was printed last, if there is a new one.
    pub(super) fn print_table(&mut self, now: Moment) {
        self.print_failure();
        let is_new = !Arc::ptr_eq(&self.seen_table, self.app.table());
        let events = self.new_events();
        if is_new && !self.has_begun {
            self.has_begun = true;
            self.print_start(now);
            self.restart_feed();
        } else if is_new {
            let table = Arc::clone(self.app.table());
            let update = TableUpdate {
                table,
                events,
                playback: None,
            };
            self.print_update(&update, now);
            self.print_problems();
        }
        self.seen_table = Arc::clone(self.app.table());
        if self.feed_query != self.app.rows().criteria {
            self.restart_feed();
        }
    }

    /// The events since this was last called; a pause keeps them back.
    fn new_events(&mut self) -> Vec<Event> {
        let log = self.app.event_log();
        let all = log.forgotten() + log.len() as u64;
        let new = all.saturating_sub(self.seen_events);
        let new = usize::try_from(new).unwrap_or(usize::MAX).min(log.len());
        let events = log.iter().skip(log.len() - new).cloned().collect();
        self.seen_events = all;
        events
    }

    /// Prints alerts, then the other changes of rows that are shown.
    fn print_update(&mut self, update: &TableUpdate, now: Moment) {
        let at = self.app.shown_at(now);
        let alerts = update.events.iter();
        let alerts = alerts.filter(|event| self.is_alert(&event.change.kind, &event.row));
        let alerts = alerts.map(|event| change_text(Some(&event.change.kind), &event.row, at));
        let alerts: Vec<_> = alerts.collect();
        for alert in alerts {
            self.print(format!("alert: {alert}"));
        }
        let mut records = self.feed.observe(update);
        records.retain(|record| {
            let change = record.change.as_ref();
            !change.is_some_and(|kind| self.is_alert(kind, &record.row))
        });
        let line = |one: &ChangeRecord| change_text(one.change.as_ref(), &one.row, at);
        let lines: Vec<_> = records.iter().map(line).collect();
        self.print_changes(lines);
    }

    /// Whether a change of a pinned port is worth an alert, as in the table.
    fn is_alert(&self, kind: &ChangeKind, row: &Row) -> bool {
        let is_state = matches!(kind, ChangeKind::State { .. });
        self.app.is_pinned(&row.socket) && !row.socket.is_connection() && !is_state
    }

    /// Introduces the program with the first table.
    fn print_start(&mut self, now: Moment) {
        let host = self.app.host();
        let host = if host.is_empty() {
            ""
        } else {
            &format!(" on {host}")
        };
        self.print(format!(
            "sockeye{host}. help lists the commands, quit ends."
        ));
        self.print_counts();
        self.print_problems();
        self.list(PAGE, now);
    }

    /// Prints at most so many lines of changes, now or with the next command.
    fn print_changes(&mut self, mut lines: Vec<String>) {
        let more = lines.len().saturating_sub(MOST);
        if more > 0 {
            lines.truncate(MOST);
            let more = counted(more, "more change", "more changes");
            lines.push(format!("{more}; events lists them."));
        }
        match self.changes {
            Changes::On => lines.into_iter().for_each(|line| self.print(line)),
            Changes::Off => {}
            Changes::Later => {
                let lines = lines.iter().map(|line| super::plain(line));
                self.postponed.extend(lines);
                let excess = self.postponed.len().saturating_sub(MOST_POSTPONED);
                self.postponed.drain(..excess);
            }
        }
    }

    /// Prints rows that are shown and newly in trouble.
    pub(super) fn print_trouble(&mut self, now: Moment) {
        let rows = self.app.rows();
        let shown = rows.selection.in_trouble();
        let shown = shown.filter(|&(at, _)| rows.selection.shows(at));
        let shown = shown.map(|(at, kind)| (&rows.table.rows[at], kind));
        let shown: Vec<_> = shown.collect();
        let now = self.app.shown_at(now);
        let known = |id, kind| self.in_trouble.contains(&(id, kind));
        let new = shown.iter().filter(|(row, kind)| !known(row.id, *kind));
        let lines = new.map(|(row, _)| format!("in trouble: {}", row_text(row, now)));
        let lines: Vec<_> = lines.collect();
        self.in_trouble = shown.iter().map(|(row, kind)| (row.id, *kind)).collect();
        if self.has_begun && !lines.is_empty() {
            self.print_changes(lines);
        }
    }

    fn print_failure(&mut self) {
        let failure = self.app.rows().failure.clone();
        if let Some(why) = failure.as_ref().filter(|_| failure != self.failure) {
            self.print(format!("problem: {why}"));
        }
        self.failure = failure;
    }

    /// Prints each problem when it begins. Its text may change with every table.
    fn print_problems(&mut self) {
        let problems = || self.app.shown_problems();
        let new = problems().filter(|problem| !self.problems.contains(&problem.code));
        let new: Vec<_> = new
            .map(|problem| format!("problem: {}", problem.brief))
            .collect();
        self.problems = problems().map(|problem| problem.code).collect();
        for line in new {
            self.print(line);
        }
    }

    /// Prints which row is the current one, after the one before went.
    pub(super) fn print_new_current(&mut self) {
        let now = self.app.table().taken_at;
        let text = match self.app.selected() {
            Some(row) => format!(
                "the current row is no longer shown; now: {}",
                row_text(row, now)
            ),
            None => "the current row is no longer shown, nor is any other".to_owned(),
        };
        self.print_changes(vec![text]);
    }

    /// Follows what is shown from now on.
    fn restart_feed(&mut self) {
        self.feed_query = self.app.rows().criteria.clone();
        self.feed = ChangeFeed::new(self.feed_query.clone());
        let table = Arc::clone(self.app.table());
        let present = TableUpdate {
            table,
            events: Vec::new(),
            playback: None,
        };
        let _ = self.feed.observe(&present);
    }
}
