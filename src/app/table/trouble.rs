//! Goes to the next row in trouble, and decides for how long the line about trouble is there.

use std::time::Duration;

use crate::app::App;
use crate::app::table::cursor::Step;
use crate::app::views::ViewId;
use crate::keymap::Action;
use crate::model::{Moment, Problem, ProblemCode};
use crate::query::Tab;
use crate::track::TroubleKind;

/// How long the line stays when nothing is in trouble any more, so that the table doesn't move each time a queue fills
/// for a second.
const LINGER: Duration = Duration::from_secs(10);

/// Whether the line about trouble is there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum TroubleLine {
    #[default]
    None,
    Trouble,
    /// Nothing is in trouble any more; the line goes at this time of the steady clock.
    Over(Duration),
}

impl TroubleLine {
    pub const fn is_shown(self) -> bool {
        !matches!(self, Self::None)
    }

    /// When it goes, on the steady clock.
    pub const fn goes_at(self) -> Option<Duration> {
        match self {
            Self::Over(at) => Some(at),
            Self::None | Self::Trouble => None,
        }
    }

    pub fn update(&mut self, is_in_trouble: bool, now: Moment) {
        let last = now.steady.saturating_add(LINGER);
        *self = match *self {
            _ if is_in_trouble => Self::Trouble,
            Self::Trouble => Self::Over(last),
            // A recording may have been moved back.
            Self::Over(at) if (now.steady..=last).contains(&at) && at != now.steady => {
                Self::Over(at)
            }
            Self::None | Self::Over(_) => Self::None,
        };
    }
}

impl App {
    pub(crate) fn is_anything_in_trouble(&self) -> bool {
        self.rows.selection.in_trouble().next().is_some() || self.port_shortage().is_some()
    }

    /// The problem of few ephemeral ports. It belongs to no row.
    pub(crate) fn port_shortage(&self) -> Option<&Problem> {
        let mut problems = self.shown_problems();
        problems.find(|problem| problem.code == ProblemCode::EphemeralPorts)
    }

    /// Selects the next shown row in trouble, after the last one the first. If only another view has one, shows
    /// everything; the filter stays.
    pub(crate) fn go_to_next_trouble(&mut self, now: Moment) {
        if self.select_next_trouble(now) {
            return;
        }
        let selection = &self.rows.selection;
        let has_more = selection.count_in_trouble(Tab::All) > 0;
        let all = selection.in_trouble().count();
        if has_more && self.rows.custom_view.is_none() {
            self.show_view(ViewId::Tab(Tab::All), now);
            self.select_next_trouble(now);
            return;
        }
        let text = match (all, self.port_shortage()) {
            (0, None) => return self.report("no row is in trouble", now),
            (0, Some(shortage)) => format!("no row is in trouble; {}", shortage.brief),
            (all, _) => {
                let key = self.key(Action::Back);
                let remedy = key.map_or(String::new(), |key| format!(": {key} clears the filter"));
                format!("no row shown here is in trouble, {all} elsewhere{remedy}")
            }
        };
        self.warn(text, now);
    }

    /// Returns whether there is one.
    fn select_next_trouble(&mut self, now: Moment) -> bool {
        let (moment, rows) = (self.shown_at(now), &self.rows);
        let listing = rows.selection.shown();
        let shown = listing.row_indices().enumerate();
        let found = shown.filter_map(|(order, at)| {
            let trouble = rows.table.rows[at].trouble(moment)?;
            Some((order, at, trouble))
        });
        let found: Vec<_> = found.collect();
        // On a group its first row is the next one.
        let before =
            listing.rows_before(rows.cursor.place()) + usize::from(self.selected().is_some());
        let after = found.partition_point(|&(order, ..)| order < before);
        let index = if after < found.len() { after } else { 0 };
        let Some(&(_, at, kind)) = found.get(index) else {
            return false;
        };
        if self.size.is_compact() {
            // There is room only for the pane or the table.
            self.set_pane(None);
        }
        if let Some(place) = self.reveal(at, now) {
            self.step(Step::To(place));
        }
        let (number, all) = (index + 1, found.len());
        self.report(format!("{number} of {all} in trouble: {}", why(kind)), now);
        true
    }
}

/// What is wrong, in a sentence.
pub(crate) const fn why(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::QueueFull => "its accept queue is full, new clients hang",
        TroubleKind::QueueFilling => "its accept queue is at least half full",
        TroubleKind::CloseWait => "closed by the peer for 30 s, not by the program",
        TroubleKind::SynSent => "no answer to connect() for 3 s",
        TroubleKind::QueueDropping => "the kernel drops handshakes, as its accept queue fills up",
        TroubleKind::PeerSilent => "the peer answers nothing, segments are sent again and again",
        TroubleKind::PeerNotReading => {
            "the peer does not read: its window has been closed for more than 3 s"
        }
        TroubleKind::NotReading => {
            "its program has read nothing for more than 10 s, though data waits"
        }
        TroubleKind::PacketsDropped => "the kernel drops packets, as its receive buffer fills up",
        TroubleKind::Lossy => "lately 2 % or more of its bytes had to be sent again",
        TroubleKind::Orphan => "its program is gone, the peer doesn't finish",
    }
}
