//! The line at the bottom that reports what came of a key.

pub(crate) mod slow_notice;
mod view;

use crate::app::App;
use crate::model::Moment;

/// A line at the bottom that says what came of something.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub text: String,
    pub news: News,
    pub since: Moment,
}

/// What a notice has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is done.
    Good,
    /// It is not, or cannot be.
    Bad,
    /// It is being done: that stands until there is an answer.
    Pending,
}

impl App {
    pub(crate) fn tell(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(News::Good, text.into(), now);
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>, now: Moment) {
        self.notify(News::Bad, text.into(), now);
    }

    pub(crate) fn notify(&mut self, news: News, text: String, now: Moment) {
        self.notice = Some(Notice {
            text,
            news,
            since: now,
        });
    }

    /// Whoever goes on has read what the last line said.
    pub(crate) fn take_in_news(&mut self) {
        self.notice = None;
        if self.shows_port_news() {
            self.port_news.clear();
        }
    }
}
