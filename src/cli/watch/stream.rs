//! The lines of `watch --json` about the stream itself: its start, problems and gaps.

use std::io;
use std::time::Duration;

use sockeye::model::{Moment, Problem};
use sockeye::report::{self, StreamGap, StreamGapCode};
use sockeye::track::Table;

pub struct Stream {
    /// Unknown for a recording.
    interval: Option<Duration>,
    has_begun: bool,
    /// When the last snapshot was taken.
    last: Option<Moment>,
}

impl Stream {
    pub const fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            has_begun: false,
            last: None,
        }
    }

    /// The lines before the changes of a snapshot. These problems are new.
    pub fn introduce(&mut self, table: &Table, problems: &[&Problem]) -> io::Result<Vec<u8>> {
        let (mut lines, now, last) = (Vec::new(), table.taken_at, self.last);
        self.begin(&mut lines, now)?;
        let late = last
            .zip(self.interval)
            .and_then(|(last, interval)| StreamGap::of_delay(last, now, interval));
        let partial = table.problems.iter();
        let partial = partial.filter_map(|problem| StreamGap::of_problem(problem, last));
        for gap in late.into_iter().chain(partial) {
            report::write_gap_json(&mut lines, now, &gap)?;
        }
        for problem in problems {
            report::write_problem_json(&mut lines, now, problem)?;
        }
        self.last = Some(now);
        Ok(lines)
    }

    /// The lines for a failed snapshot.
    pub fn fail(&mut self, now: Moment, why: &str) -> io::Result<Vec<u8>> {
        let mut lines = Vec::new();
        self.begin(&mut lines, now)?;
        let gap = StreamGap {
            code: StreamGapCode::Failed,
            since: self.last,
            message: why.to_owned(),
        };
        report::write_gap_json(&mut lines, now, &gap)?;
        Ok(lines)
    }

    fn begin(&mut self, lines: &mut Vec<u8>, now: Moment) -> io::Result<()> {
        if self.has_begun {
            return Ok(());
        }
        self.has_begun = true;
        report::write_start_json(lines, now, self.interval)
    }
}
