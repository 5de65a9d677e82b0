//! What happens in a group: changes, trouble, how many sockets open.

use std::time::Duration;

use crate::model::Moment;
use crate::track::{Mark, Row, TroubleKind};

/// The time that the rate of new sockets is the average of.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// What happens among rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// The mark of the rows; [`Mark::Changed`] for different ones.
    pub mark: Option<Mark>,
    /// The worst trouble.
    pub trouble: Option<TroubleKind>,
    /// How many sockets opened within [`RATE_WINDOW`] before the last snapshot.
    opened: usize,
}

impl Activity {
    /// Of one row. `changed` is the row if it has ever changed.
    pub fn of_row(
        changed: Option<&Row>,
        trouble: Option<TroubleKind>,
        taken_at: Moment,
        now: Moment,
        highlight: Duration,
    ) -> Self {
        let is_new =
            |row: &Row| !row.was_open_at_start && row.first_seen.age(taken_at) < RATE_WINDOW;
        Self {
            mark: changed.and_then(|row| row.mark(now, highlight)),
            trouble,
            opened: usize::from(changed.is_some_and(is_new)),
        }
    }

    /// Of these rows and others.
    pub fn and(self, other: Self) -> Self {
        let severity = |kind: &TroubleKind| *kind != TroubleKind::QueueFilling;
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

    /// How many sockets open: `+3/s`, `+0.2/s`; `None` if there were none.
    pub fn rate(self) -> Option<String> {
        let seconds = RATE_WINDOW.as_secs_f64();
        match self.opened {
            0 => None,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a rate of so many is rounded anyway"
            )]
            opened => {
                let rate = opened as f64 / seconds;
                let digits = usize::from(rate < 10.0 && rate.fract() > 0.0);
                Some(format!("+{rate:.digits$}/s"))
            }
        }
    }
}
