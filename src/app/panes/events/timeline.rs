//! The timeline above the events: how many sockets opened, changed and closed in each few seconds.

use crate::app::App;
use crate::app::panes::events::history::{Bucket, SECONDS};
use crate::app::view::bars::bar;
use crate::app::view::{Line, Role, mark_role, span};
use crate::columns::{pad, width};
use crate::model::Moment;
use crate::track::Mark;

/// Cells of a time of day.
const CLOCK: usize = 8;

/// Cells of the scale on two lines.
const SCALE: usize = 12;

/// A pane with fewer lines has no timeline.
const LEAST_LINES: usize = 8;

const MARKS: [Mark; 3] = [Mark::Opened, Mark::Changed, Mark::Closed];

impl App {
    /// A row of bars for each mark, the time at both ends, and the scale; empty if there is no room or nothing
    /// happened. With a filter it counts the events that match, as far back as they are kept.
    pub(crate) fn timeline(&self, columns: usize, height: usize, now: Moment) -> Vec<Line> {
        let room = columns.saturating_sub(CLOCK + 3 + 1 + SCALE);
        if height < LEAST_LINES || self.size.is_compact() {
            return Vec::new();
        }
        let filtered = (!self.rows.criteria.filter.is_empty()).then(|| {
            let mut filter = self.rows.criteria.pass(self.shown_at(now));
            let events = self.log.iter();
            self.history
                .with(events.filter(|&event| filter.matches(&event.row)))
        });
        let history = filtered.as_ref().unwrap_or(&self.history);
        let all = history.buckets();
        let beyond = all.len().saturating_sub(room);
        let shown: Vec<&Bucket> = all.skip(beyond).collect();
        let counts = shown
            .iter()
            .flat_map(|one| MARKS.map(|mark| one.tally.of(mark)));
        match counts.max() {
            None | Some(0) => Vec::new(),
            Some(peak) => self.rows_of_bars(&shown, peak, columns),
        }
    }

    fn rows_of_bars(&self, shown: &[&Bucket], peak: usize, columns: usize) -> Vec<Line> {
        let walls = || shown.iter().filter_map(|bucket| bucket.wall);
        let clock = |wall: Option<_>| wall.map_or_else(String::new, |wall| self.clock_of(wall));
        let left = [clock(walls().next()), String::new(), String::new()];
        let last = clock(walls().next_back());
        let (title, scale) = ("highest bar:", format!("{peak} in {SECONDS} s"));
        let line = format!("{title} {scale}");
        let right = if CLOCK + 3 + shown.len() + 1 + width(&line) <= columns {
            [last, line, String::new()]
        } else {
            [last, title.to_owned(), scale]
        };
        let rows = MARKS.into_iter().zip(left).zip(right);
        rows.map(|((mark, left), right)| {
            let bars = shown.iter().map(|bucket| bar(bucket.tally.of(mark), peak));
            vec![
                span(pad(&left, CLOCK + 1), Role::Dim),
                span(format!("{} ", mark.glyph()), mark_role(mark)),
                span(bars.collect::<String>(), mark_role(mark)),
                span(format!(" {right}"), Role::Dim),
            ]
        })
        .collect()
    }
}
