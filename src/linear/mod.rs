//! The live table as lines of text, for screen readers and dumb terminals: typed commands in, short lines out.
//!
//! A second front end beside `ui`, on the same state machine. Every line is whole, in the order in which things
//! happened, without cursor movement, colour or drawing characters. Pure: `runtime` reads the commands and writes the
//! lines.

mod arrange;
mod changes;
mod command;
mod namespaces;
mod overview;
mod ports;
mod question;
mod rows;
mod text;
mod verdict;
mod word;

#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, Effect, Environment, Msg};
use crate::model::{Moment, ProblemCode, counted};
use crate::query::{ChangeFeed, Query};
use crate::settings::Settings;
use crate::track::{RowId, Table, TroubleKind};
use text::plain;

pub use word::words;

/// Lines of a listing that are printed at once; `more` prints the next ones.
const PAGE: usize = 20;

/// The live table for one user, as a conversation of lines.
#[derive(Debug)]
pub struct Session {
    app: App,
    /// The changes of the rows that are shown, and the query that they match.
    feed: ChangeFeed,
    feed_query: Query,
    /// The table whose changes were printed last, and how many events there were then.
    seen_table: Arc<Table>,
    seen_events: u64,
    changes: Changes,
    /// Changes that are printed with the next command.
    postponed: Vec<String>,
    /// Lines for `more`.
    rest: VecDeque<String>,
    /// The rows of the last listing, by their numbers from 1.
    listed: Vec<RowId>,
    /// The last notice that was printed, with its time.
    notice: Option<(Moment, String)>,
    /// Lines of the open question that were printed.
    question: Vec<String>,
    problems: Vec<ProblemCode>,
    failure: Option<String>,
    in_trouble: HashSet<(RowId, TroubleKind)>,
    has_begun: bool,
    /// Whether a refresh was requested by a command and has not come yet.
    awaits_table: bool,
    lines: Vec<String>,
}

/// The same settings without what needs a screen: hints name no keys, and closed rows don't stay, as each has its line.
pub fn adapted(settings: Settings) -> Settings {
    Settings {
        keymap: settings.keymap.without_keys(),
        linger: Duration::ZERO,
        stats: false,
        group: None,
        ..settings
    }
}

/// When changes are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changes {
    /// At once.
    On,
    /// Only alerts.
    Off,
    /// With the next command, so that typed text stays in one piece.
    Later,
}

/// What a message or a command leads to.
#[derive(Debug, Default, PartialEq)]
pub struct Output {
    /// Lines to print, without line ends.
    pub lines: Vec<String>,
    /// Effects to carry out, in order.
    pub effects: Vec<Effect>,
}

impl Session {
    /// The session at its start, before the first snapshot.
    pub fn new(settings: Settings, environment: Environment, now: Moment) -> Self {
        let app = App::new(settings, environment, now);
        let query = app.rows().criteria.clone();
        Self {
            feed: ChangeFeed::new(query.clone()),
            feed_query: query,
            seen_table: Arc::clone(app.table()),
            seen_events: 0,
            changes: Changes::On,
            postponed: Vec::new(),
            rest: VecDeque::new(),
            listed: Vec::new(),
            notice: None,
            question: Vec::new(),
            problems: Vec::new(),
            failure: None,
            in_trouble: HashSet::new(),
            has_begun: false,
            awaits_table: false,
            lines: Vec::new(),
            app,
        }
    }

    /// The table as last taken.
    pub const fn table(&self) -> &Arc<Table> {
        self.app.table()
    }

    /// The state machine, for an effect that failed.
    pub const fn app_mut(&mut self) -> &mut App {
        &mut self.app
    }

    /// Whether a command has not been answered yet. A script's next command waits for that.
    pub fn is_busy(&self) -> bool {
        self.awaits_table || self.app.is_busy()
    }

    /// How long everything stays up to date without a command or a message; `None`: forever.
    pub fn next_wake(&self, now: Moment) -> Option<Duration> {
        self.app.next_wake(now)
    }

    /// Handles a message that arrived at `now`.
    pub fn update(&mut self, msg: Msg, now: Moment) -> Output {
        let tested = matches!(msg, Msg::BindTested(_)).then(|| self.app.is_busy());
        let selected = self.selected_id();
        let ends_refresh = matches!(msg, Msg::SnapshotTaken(_) | Msg::SnapshotFailed(_));
        self.awaits_table &= !ends_refresh;
        let effects = self.app.update(msg, now);
        self.print_table(now);
        self.print_trouble(now);
        if tested.is_some() {
            self.print_bind_test();
        }
        self.print_question();
        self.print_notice();
        if self.has_begun && selected.is_some() && selected != self.selected_id() {
            self.print_new_current();
        }
        self.output(effects)
    }

    /// Runs a typed line.
    pub fn run(&mut self, line: &str, now: Moment) -> Output {
        let postponed = std::mem::take(&mut self.postponed);
        self.lines.extend(postponed);
        let effects = self.execute(line.trim(), now);
        self.print_table(now);
        self.print_question();
        self.print_notice();
        self.output(effects)
    }

    fn output(&mut self, effects: Vec<Effect>) -> Output {
        let lines = std::mem::take(&mut self.lines);
        Output { lines, effects }
    }

    /// Prints a line, in characters that every terminal and every reader has where the program chooses them.
    fn print(&mut self, text: impl AsRef<str>) {
        self.lines.push(plain(text.as_ref()));
    }

    /// Prints the first of these lines, and keeps the others for `more`.
    fn print_page(&mut self, lines: impl IntoIterator<Item = String>, count: usize) {
        self.rest = lines.into_iter().collect();
        self.print_more(count);
    }

    fn print_more(&mut self, count: usize) {
        let count = count.min(self.rest.len());
        let page: Vec<_> = self.rest.drain(..count).collect();
        for line in page {
            self.print(line);
        }
        if !self.rest.is_empty() {
            let left = counted(self.rest.len(), "more line", "more lines");
            self.print(format!("{left}; type more."));
        }
    }

    /// Prints the result of a command, once.
    fn print_notice(&mut self) {
        let notice = self.app.notice();
        let notice = notice.map(|notice| (notice.since, notice.text.clone()));
        if let Some((_, text)) = &notice
            && notice != self.notice
        {
            self.print(text.clone());
        }
        if notice.is_some() {
            self.notice = notice;
        }
    }

    fn selected_id(&self) -> Option<RowId> {
        self.app.selected().map(|row| row.id)
    }
}
