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

/// One report.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub text: String,
    pub kind: NoticeKind,
    pub since: Moment,
}

/// What a notice reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    /// It is done.
    Good,
    /// It is not, or cannot be.
    Bad,
    /// It is being done; the notice stays until there is an answer.
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

    /// The next key takes the notice away, and the alerts if they are in sight.
    pub(crate) fn dismiss_notices(&mut self) {
        self.notices.current = None;
        if self.shows_alerts() {
            self.notices.alerts.clear();
        }
    }
}
