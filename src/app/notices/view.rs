//! How a notice is shown, and for how long.

use std::time::Duration;

use crate::app::layout::Size;
use crate::app::notices::slow_notice::{LONG, next_second, no_answer};
use crate::app::notices::{Notice, NoticeKind};
use crate::app::view::{Click, Line, Role, cut_line, span};
use crate::columns::{width, wrap};
use crate::model::Moment;

/// For how long a notice stays.
const NOTICE_TIME: Duration = Duration::from_secs(8);

/// A notice this wide stays twice as long.
const LONG_TEXT: usize = 70;

/// The most lines of a notice.
const MAX_LINES: u16 = 4;

impl Notice {
    pub(crate) fn is_over(&self, now: Moment) -> bool {
        self.kind != NoticeKind::Pending && self.since.age(now) >= self.stays()
    }

    fn stays(&self) -> Duration {
        NOTICE_TIME * if width(&self.text) >= LONG_TEXT { 2 } else { 1 }
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
        match self.kind {
            NoticeKind::Good | NoticeKind::Bad => self.stays().saturating_sub(age),
            NoticeKind::Pending => next_second(age),
        }
    }
}
