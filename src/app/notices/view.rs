//! How a notice is drawn, and for how long.

use std::time::Duration;

use crate::app::layout::Size;
use crate::app::notices::slow_notice::{LONG, next_second, no_answer};
use crate::app::notices::{Notice, NoticeKind};
use crate::app::view::{Click, Line, Role, cut_line, span};
use crate::columns::width;
use crate::model::Moment;

/// For how long a notice stays.
const NOTICE_TIME: Duration = Duration::from_secs(8);

/// A notice of so many cells stays longer.
const LONG_TEXT: usize = 70;

/// A notice takes no more lines than these.
const MAX_LINES: u16 = 4;

impl Notice {
    pub(crate) fn is_over(&self, now: Moment) -> bool {
        self.news != NoticeKind::Pending && self.since.age(now) >= self.stays()
    }

    /// For how long it stays: what takes more than a line takes longer to read.
    fn stays(&self) -> Duration {
        if width(&self.text) >= LONG_TEXT {
            NOTICE_TIME * 2
        } else {
            NOTICE_TIME
        }
    }

    /// How many lines it takes on a terminal of this size.
    pub(crate) fn height(&self, size: Size) -> u16 {
        if self.news == NoticeKind::Pending {
            return 1;
        }
        let most = MAX_LINES.min(size.height / 3).max(1);
        let lines = wrapped(&self.text, usize::from(size.width.saturating_sub(2))).len();
        u16::try_from(lines).unwrap_or(u16::MAX).clamp(1, most)
    }

    /// Its lines where it has more than one, broken at words.
    pub(crate) fn lines(&self, now: Moment, columns: u16, height: u16) -> Vec<Line> {
        let columns = usize::from(columns);
        let text = wrapped(&self.text, columns.saturating_sub(2));
        let height = usize::from(height);
        let mut lines: Vec<String> = text.iter().take(height).cloned().collect();
        if let (true, Some(last)) = (text.len() > height, lines.last_mut()) {
            *last = text[height - 1..].join(" ");
        }
        let line = |text: String| {
            let part = Self {
                text,
                ..self.clone()
            };
            cut_line(part.line(now), columns)
        };
        lines.into_iter().map(line).collect()
    }

    /// When it reads differently, or goes.
    pub(crate) fn changes_in(&self, now: Moment) -> Duration {
        let age = self.since.age(now);
        match self.news {
            NoticeKind::Good | NoticeKind::Bad => self.stays().saturating_sub(age),
            NoticeKind::Pending => next_second(age),
        }
    }

    pub(crate) fn line(&self, now: Moment) -> Line {
        let role = match self.news {
            NoticeKind::Good => Role::Good,
            NoticeKind::Bad => Role::Bad,
            NoticeKind::Pending => Role::Plain,
        };
        let mut line = vec![span(format!(" {}", self.text), role)];
        let age = self.since.age(now);
        if self.news == NoticeKind::Pending && age >= LONG {
            line.push(span(format!(" {}", no_answer(age)), Role::Warning));
        }
        line.into_iter()
            .map(|span| span.on_click(Click::Dismiss))
            .collect()
    }
}

/// A text as lines of at most so many cells, broken at blanks. A word that is longer has a line of its own.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
