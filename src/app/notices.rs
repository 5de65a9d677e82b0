//! The line at the bottom that reports the result of a key.

use std::time::Duration;

use crate::app::layout::Size;
use crate::app::view::{Click, Line, Role, cut_line, span};
use crate::app::{App, Dialog};
use crate::columns::{width, wrap};
use crate::model::Moment;

#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    pub current: Option<Notice>,
    /// Recent alerts about pinned ports, latest first.
    pub alerts: Vec<Alert>,
    /// How many alerts have expired since the events were last opened.
    pub unseen_alerts: usize,
}

/// An alert about a pinned port. It expires: the events have it too.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    /// With its time of day.
    pub text: String,
    /// When it was first shown.
    pub since: Moment,
}

impl Alert {
    /// When it expires.
    pub fn expires_in(&self, now: Moment) -> Duration {
        ALERT_TIME.saturating_sub(self.since.age(now))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub text: String,
    pub kind: NoticeKind,
    pub since: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeKind {
    Good,
    /// A failure or a warning.
    Bad,
    /// In progress; the notice stays until there is an answer.
    Pending,
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
        if succeeded {
            self.report(text, now);
        } else {
            self.warn(text, now);
        }
    }

    /// A key dismisses the notice and the alerts. While a text is typed, alerts stay: its keys are not about them.
    pub(crate) fn dismiss_notices(&mut self) {
        self.notices.current = None;
        if self.dialog.prompt().is_none() && !matches!(self.dialog, Dialog::GoTo(_)) {
            self.notices.alerts.clear();
        }
    }

    pub(crate) fn expire_notices(&mut self, now: Moment) {
        self.notices.current.take_if(|notice| notice.is_over(now));
        let alerts = &mut self.notices.alerts;
        let before = alerts.len();
        alerts.retain(|alert| !alert.expires_in(now).is_zero());
        self.notices.unseen_alerts += before - alerts.len();
    }

    /// When the next notice or alert disappears, or a notice changes.
    pub(crate) fn notices_change_in(&self, now: Moment) -> Option<Duration> {
        let notice = self.notices.current.iter();
        let notice = notice.map(|notice| notice.changes_in(now));
        let alerts = self.notices.alerts.iter();
        notice
            .chain(alerts.map(|alert| alert.expires_in(now)))
            .min()
    }
}

/// How long something may take before it is reported as slow.
pub(crate) const LONG: Duration = Duration::from_secs(2);

pub(crate) fn no_answer(age: Duration) -> String {
    format!("no answer for {}s", age.as_secs())
}

/// Time until the text changes, as it has whole seconds.
pub(crate) fn next_second(age: Duration) -> Duration {
    let next = Duration::from_secs(age.as_secs() + 1);
    next.max(LONG).saturating_sub(age)
}

/// For how long an alert stays.
const ALERT_TIME: Duration = Duration::from_secs(30);

/// For how long a notice stays.
const NOTICE_TIME: Duration = Duration::from_secs(8);

/// A notice this wide stays twice as long.
const LONG_TEXT: usize = 70;

/// The most lines of a notice.
const MAX_LINES: u16 = 4;

impl Notice {
    pub(crate) fn is_over(&self, now: Moment) -> bool {
        self.kind != NoticeKind::Pending && self.changes_in(now).is_zero()
    }

    /// How many lines it takes on a terminal of this size.
    pub(crate) fn height(&self, size: Size) -> u16 {
        if self.kind == NoticeKind::Pending {
            return 1;
        }
        let most = MAX_LINES.min(size.height / 3).max(1);
        let lines = wrap(&self.text, usize::from(size.width.saturating_sub(2))).len();
        u16::try_from(lines).unwrap_or(u16::MAX).clamp(1, most)
    }

    /// Its lines, at most `height`, cut to `columns`; each click dismisses it.
    pub(crate) fn lines(&self, now: Moment, columns: u16, height: u16) -> Vec<Line> {
        let (columns, height) = (usize::from(columns), usize::from(height).max(1));
        let mut text = match height {
            1 => vec![self.text.clone()],
            _ => wrap(&self.text, columns.saturating_sub(2)),
        };
        if text.len() > height {
            let rest = text.split_off(height - 1).join(" ");
            text.push(rest);
        }
        let role = match self.kind {
            NoticeKind::Good => Role::Good,
            NoticeKind::Bad => Role::Bad,
            NoticeKind::Pending => Role::Plain,
        };
        let age = self.since.age(now);
        let is_slow = self.kind == NoticeKind::Pending && age >= LONG;
        let slow = is_slow.then(|| span(format!(" {}", no_answer(age)), Role::Warning));
        let lines = text.into_iter().map(|text| {
            let parts = std::iter::once(span(format!(" {text}"), role)).chain(slow.clone());
            cut_line(
                parts.map(|span| span.on_click(Click::Dismiss)).collect(),
                columns,
            )
        });
        lines.collect()
    }

    /// When its text changes, or it disappears.
    pub(crate) fn changes_in(&self, now: Moment) -> Duration {
        let age = self.since.age(now);
        if self.kind == NoticeKind::Pending {
            return next_second(age);
        }
        let is_long = width(&self.text) >= LONG_TEXT;
        (NOTICE_TIME * if is_long { 2 } else { 1 }).saturating_sub(age)
    }
}
