//! What happens in a group: changes, trouble, how many sockets open.

use std::time::Duration;

use crate::model::Moment;
use crate::track::{Mark, Row, TroubleKind, Window};

/// What happens among rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// The mark of the rows; [`Mark::Changed`] for different ones.
    pub mark: Option<Mark>,
    /// The worst trouble.
    pub trouble: Option<TroubleKind>,
    /// How many opened in the [window](Window) of the table, those that have closed since included.
    pub opened: usize,
}

impl Activity {
    /// Of one row. `changed` is the row if it has ever changed.
    pub fn of_row(
        changed: Option<&Row>,
        trouble: Option<TroubleKind>,
        window: Window,
        now: Moment,
        highlight: Duration,
    ) -> Self {
        Self {
            mark: changed.and_then(|row| row.mark(now, highlight)),
            trouble,
            opened: usize::from(changed.is_some_and(|row| window.has(row))),
        }
    }

    /// Of these rows and others.
    pub fn and(self, other: Self) -> Self {
        let severity =
            |kind: &TroubleKind| !matches!(*kind, TroubleKind::QueueFilling | TroubleKind::Lossy);
        let troubles = [self.trouble, other.trouble].into_iter().flatten();
        Self {
            mark: match (self.mark, other.mark) {
                (Some(one), Some(other)) if one != other => Some(Mark::Changed),
                (one, other) => one.or(other),
            },
            trouble: troubles.max_by_key(severity),
            opened: self.opened + other.opened,
        }
    }
}
