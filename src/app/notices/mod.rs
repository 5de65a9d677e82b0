//! The line at the bottom that reports what came of a key.

pub(crate) mod slow_notice;
mod view;

use crate::app::App;
use crate::model::Moment;

/// What the last line reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    pub current: Option<Notice>,
    /// What happened to pinned ports since a key was pressed, the latest first.
    pub alerts: Vec<String>,
}

/// A line at the bottom that says what came of something.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub text: String,
    pub news: NoticeKind,
    pub since: Moment,
}

/// What a notice has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    /// It is done.
    Good,
    /// It is not, or cannot be.
    Bad,
    /// It is being done: that stands until there is an answer.
    Pending,
}

impl App {
    pub(crate) fn report(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(NoticeKind::Good, text.into(), now);
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(NoticeKind::Bad, text.into(), now);
    }

    pub(crate) fn notify(&mut self, news: NoticeKind, text: String, now: Moment) {
        self.notices.current = Some(Notice {
            text,
            news,
            since: now,
        });
    }

    /// Whoever goes on has read what the last line said.
    pub(crate) fn dismiss_notices(&mut self) {
        self.notices.current = None;
        if self.shows_alerts() {
            self.notices.alerts.clear();
        }
    }
}
