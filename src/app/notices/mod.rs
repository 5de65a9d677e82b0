//! The line at the bottom that reports the result of a key.

pub(crate) mod slow_notice;
mod view;

use crate::app::App;
use crate::model::Moment;

/// The content of the last line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    pub current: Option<Notice>,
    /// Alerts about pinned ports since the last key, latest first.
    pub alerts: Vec<String>,
}

/// One report.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub text: String,
    pub kind: NoticeKind,
    pub since: Moment,
}

/// The kind of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    /// Success.
    Good,
    /// A failure or a warning.
    Bad,
    /// In progress; the notice stays until there is an answer.
    Pending,
}

impl Notices {
    /// Drops a notice that has been shown long enough.
    pub fn expire(&mut self, now: Moment) {
        self.current = self.current.take().filter(|notice| !notice.is_over(now));
    }
}

impl App {
    pub(crate) fn report(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(NoticeKind::Good, text, now);
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(NoticeKind::Bad, text, now);
    }

    pub(crate) fn notify(&mut self, kind: NoticeKind, text: impl Into<String>, now: Moment) {
        self.notices.current = Some(Notice {
            text: text.into(),
            kind,
            since: now,
        });
    }

    pub(crate) fn notify_outcome(&mut self, succeeded: bool, text: String, now: Moment) {
        let kind = if succeeded {
            NoticeKind::Good
        } else {
            NoticeKind::Bad
        };
        self.notify(kind, text, now);
    }

    /// A key dismisses the notice, and the alerts if they are visible.
    pub(crate) fn dismiss_notices(&mut self) {
        self.notices.current = None;
        if self.shows_alerts() {
            self.notices.alerts.clear();
        }
    }
}
