//! The line below the header at a moment: how many sockets opened, changed or closed in each part of the history, between its
//! start and its end. A click on it and a drag along it go to that time.

use super::moment::AtMoment;
use super::seek::{Seek, TimelinePart};
use crate::app::App;
use crate::app::layout::Area;
use crate::app::view::bars::bar;
use crate::app::view::{Click, Line, Role, Span, span};
use crate::model::Moment;

/// Cells of a time at either end, with a space on both sides.
const END: u16 = 7;

/// A terminal with fewer cells or lines has no timeline.
const MIN_WIDTH: u16 = 2 * END + 10;
const MIN_HEIGHT: u16 = 8;

/// A history that is shorter than this is labelled with times of day.
const DAY: i64 = 24 * 60 * 60;

impl App {
    /// The cells of its parts on this terminal.
    pub(super) fn timeline_cells(&self) -> usize {
        usize::from(self.size.width.saturating_sub(2 * END))
    }

    /// Requests a timeline for another width of the terminal.
    pub(crate) fn refit_timeline(&mut self) {
        let moment = self.playhead.moment.as_ref();
        if moment.is_some_and(|moment| moment.timeline.parts.len() != self.timeline_cells()) {
            self.request_moment(Seek::Stay);
        }
    }

    pub(crate) fn has_timeline(&self) -> bool {
        let is_room = self.size.width >= MIN_WIDTH && self.size.height >= MIN_HEIGHT;
        is_room && self.is_at_moment()
    }

    /// ` 02:12 ▁ ▂▃█▁  ▁ 03:12 `
    pub(crate) fn timeline_line(&self) -> Line {
        let Some(moment) = self
            .playhead
            .moment
            .as_ref()
            .filter(|_| self.has_timeline())
        else {
            return Line::new();
        };
        let timeline = &moment.timeline;
        let is_long = timeline.to.duration_since(timeline.from).as_secs() >= DAY;
        let format = if is_long { "%m-%d" } else { "%H:%M" };
        let label = |at| span(format!(" {} ", self.time(at, format)), Role::Dim);
        let mut line = vec![label(timeline.from)];
        line.extend(parts(moment));
        line.push(label(timeline.to));
        line
    }

    /// Goes to the time in this column of the screen.
    pub(crate) fn seek_column(&mut self, area: Area, column: u16, now: Moment) {
        let Some(moment) = &self.playhead.moment else {
            return;
        };
        let parts = moment.timeline.parts.len();
        let part = usize::from(column.saturating_sub(area.x + END));
        let part = part.min(parts.saturating_sub(1));
        if part != moment.timeline.part_at(moment.at.wall) {
            let at = moment.timeline.begin_of(part);
            self.seek_moment(Seek::Time(at), now);
        }
    }
}

/// The bars, with the moment reversed, in the color of its badge. What was not recorded is a line of dots.
fn parts(moment: &AtMoment) -> impl Iterator<Item = Span> {
    let parts = &moment.timeline.parts;
    let peak = parts.iter().filter_map(|part| part.changes).max();
    let here = moment.timeline.part_at(moment.at.wall);
    parts.iter().enumerate().map(move |(at, part)| {
        let TimelinePart {
            changes,
            has_listener_change,
        } = *part;
        let glyph = changes.map_or('·', |changes| bar(changes, peak.unwrap_or(0)));
        if at == here {
            return span(glyph, Role::Warning)
                .reversed()
                .on_click(Click::Timeline);
        }
        let role = match (has_listener_change, changes) {
            (true, _) => Role::Accent,
            (false, Some(_)) => Role::Plain,
            (false, None) => Role::Dim,
        };
        span(glyph, role).on_click(Click::Timeline)
    })
}
