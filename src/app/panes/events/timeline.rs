//! One line above the events: how many there were in each few seconds of the last minutes, between its two ends in time.

use crate::app::App;
use crate::app::panes::events::history::{Bucket, SECONDS};
use crate::app::view::bars::bar;
use crate::app::view::{Line, Role, line_width, mark_role, span};
use crate::track::{Event, Mark};

const MARKS: [Mark; 3] = [Mark::Opened, Mark::Changed, Mark::Closed];

/// Cells of the age at the left end: `-10:00 `.
const AGE: usize = 7;

/// The least cells of the bars; the text at the right is left out before they become fewer.
const MIN_BARS: usize = 24;

impl App {
    /// `-5:00 ▁ ▂▃█▁ now  +12 ~3 -9  peak 12 in 5 s`. It counts the listed events of these minutes, as far as they are kept.
    pub(super) fn timeline(&self, listed: &[&Event], columns: usize) -> Line {
        let is_all = listed.len() == self.log.len();
        let own = (!is_all).then(|| self.history.with(listed.iter().copied()));
        let buckets = own.as_ref().unwrap_or(&self.history).buckets();
        let buckets: Vec<&Bucket> = buckets.collect();
        let now = self.text_of_now(&buckets);
        let texts: [fn(&[&Bucket]) -> Line; 2] = [counts, peak];
        let mut right: Vec<_> = texts.iter().map(|text| text(&buckets)).collect();
        let room = |right: &[Line]| {
            let taken: usize = right.iter().map(|line| line_width(line)).sum();
            columns.saturating_sub(AGE + now.len() + taken)
        };
        while room(&right) < MIN_BARS.min(buckets.len()) && right.pop().is_some() {}
        let beyond = buckets.len().saturating_sub(room(&right));
        let shown = &buckets[beyond..];
        let tallest = shown.iter().map(|one| total(one)).max().unwrap_or(0);
        let seconds = SECONDS * shown.len() as u64;
        let age = format!("-{}:{:02} ", seconds / 60, seconds % 60);
        let bars: String = shown.iter().map(|one| bar(total(one), tallest)).collect();
        let mut line = vec![
            span(age, Role::Dim),
            span(bars, Role::Accent),
            span(now, Role::Dim),
        ];
        let right = texts.iter().take(right.len());
        line.extend(right.flat_map(|text| text(shown)));
        line
    }

    /// A table that is not live has its own time.
    fn text_of_now(&self, buckets: &[&Bucket]) -> String {
        let wall = buckets.iter().rev().find_map(|bucket| bucket.wall);
        match wall {
            Some(wall) if self.is_at_rest() => format!(" {}", self.clock(wall)),
            _ => " now".to_owned(),
        }
    }
}

fn total(bucket: &Bucket) -> usize {
    MARKS.iter().map(|&mark| bucket.tally.of(mark)).sum()
}

/// How many opened, changed and closed: `  +12 ~3 -9`.
fn counts(buckets: &[&Bucket]) -> Line {
    let text = |mark: Mark| {
        let count: usize = buckets.iter().map(|one| one.tally.of(mark)).sum();
        let gap = if mark == Mark::Opened { "  " } else { " " };
        [
            span(format!("{gap}{}", mark.glyph()), mark_role(mark)),
            span(count.to_string(), Role::Plain),
        ]
    };
    MARKS.into_iter().flat_map(text).collect()
}

/// `  peak 12 in 5 s`: the number of the highest bar.
fn peak(buckets: &[&Bucket]) -> Line {
    let peak = buckets.iter().map(|one| total(one)).max().unwrap_or(0);
    vec![span(format!("  peak {peak} in {SECONDS} s"), Role::Dim)]
}
