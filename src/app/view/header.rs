//! The first two lines: name, counts and problems; views and filter.

use crate::app::App;
use crate::app::view::bars::sparkline;
use crate::app::view::{Line, Role, cut_line, line_width, span};
use crate::columns::width;
use crate::model::{Moment, Problem, Protocol};
use crate::track::Counts;

/// A part of the header, and how soon it is given up when there is no room: low numbers stay.
struct Segment {
    line: Line,
    rank: u8,
    /// How it came to be like that; given up before any part.
    spark: String,
    /// Whether its beginning alone is worth its place.
    is_sentence: bool,
}

/// Cells below which a cut sentence says nothing.
const LEAST_OF_A_SENTENCE: usize = 16;

const GAP: &str = "  ";

/// Cells of a sparkline.
const SPARK: usize = 12;

/// Buckets of the past that a cell of it stands for: 25 seconds. The whole are five minutes, and the
/// screen changes for it three times a minute at most, and not at all where nothing has changed.
const BUCKETS_PER_CELL: u64 = 5;

/// What a sparkline shows.
const SPAN_OF_SPARK: &str = "last 5 min";

/// A kind of sockets that the header counts.
struct Kind {
    what: &'static str,
    role: Role,
    rank: u8,
    count: fn(&Counts) -> usize,
    /// Counted only while it is shown.
    optional: Option<Protocol>,
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { what: "listening", role: Role::Good,  rank: 1, count: |counts| counts.listening, optional: None },
    Kind { what: "connected", role: Role::Busy,  rank: 4, count: |counts| counts.connected, optional: None },
    Kind { what: "time-wait", role: Role::Plain, rank: 5, count: |counts| counts.time_wait, optional: None },
    Kind { what: "bound",     role: Role::Plain, rank: 7, count: |counts| counts.bound, optional: None },
    Kind { what: "udp",       role: Role::Plain, rank: 6, count: |counts| counts.udp, optional: None },
    Kind { what: "udplite",   role: Role::Plain, rank: 8, count: |counts| counts.others[Protocol::UdpLite as usize], optional: Some(Protocol::UdpLite) },
    Kind { what: "sctp",      role: Role::Plain, rank: 8, count: |counts| counts.others[Protocol::Sctp as usize], optional: Some(Protocol::Sctp) },
    Kind { what: "raw",       role: Role::Plain, rank: 8, count: |counts| counts.others[Protocol::Raw as usize], optional: Some(Protocol::Raw) },
    Kind { what: "packet",    role: Role::Plain, rank: 8, count: |counts| counts.others[Protocol::Packet as usize], optional: Some(Protocol::Packet) },
    Kind { what: "unix",      role: Role::Plain, rank: 8, count: |counts| counts.others[Protocol::Unix as usize], optional: Some(Protocol::Unix) },
];

impl App {
    /// The header from the left, and what stands at its right end.
    pub(crate) fn header(&self, now: Moment, columns: u16) -> (Line, Line) {
        let right = self.clock_line(now, columns);
        let room = usize::from(columns).saturating_sub(line_width(&right) + 1);
        let mut segments = self.segments();
        if segments_width(&segments) > room {
            for one in &mut segments {
                one.spark.clear();
            }
        }
        while segments_width(&segments) > room && segments.len() > 1 {
            let worst = (0..segments.len())
                .max_by_key(|&at| segments[at].rank)
                .unwrap_or(0);
            let cells = line_width(&segments[worst].line);
            let left = (cells + room).saturating_sub(segments_width(&segments));
            if segments[worst].is_sentence && left >= LEAST_OF_A_SENTENCE {
                let line = std::mem::take(&mut segments[worst].line);
                segments[worst].line = cut_line(line, left);
            } else {
                segments.remove(worst);
            }
        }
        // Where there is room for one of them only, the name stands alone; a recording is never mistaken for now.
        let is_narrow = segments_width(&segments) > room;
        if is_narrow && self.environment.is_recording {
            return (Line::new(), right);
        }
        let right = if is_narrow { Line::new() } else { right };
        let mut line = vec![span(" ", Role::Plain)];
        for (at, segment) in segments.into_iter().enumerate() {
            if at > 0 {
                line.push(span(GAP, Role::Plain));
            }
            line.extend(segment.line);
            if !segment.spark.is_empty() {
                line.push(span(segment.spark, Role::Dim));
            }
        }
        (line, right)
    }

    fn segments(&self) -> Vec<Segment> {
        let segment = |line, rank| Segment {
            line,
            rank,
            spark: String::new(),
            is_sentence: false,
        };
        let sentence = |line, rank| Segment {
            line,
            rank,
            spark: String::new(),
            is_sentence: true,
        };
        let mut segments = vec![segment(vec![span("sockeye", Role::Accent)], 0)];
        if !self.environment.host.is_empty() {
            segments.push(segment(
                vec![span(self.environment.host.clone(), Role::Strong)],
                9,
            ));
        }
        segments.extend(self.count_segments());
        if let Some(ports) = self.pinned.text() {
            let watching = vec![span("watching ", Role::Dim), span(ports, Role::Accent)];
            segments.push(sentence(watching, 3));
        }
        if self.rows.is_following && !self.size.is_compact() {
            segments.push(segment(vec![span("following", Role::Accent)], 2));
        }
        if let Some(why) = &self.rows.failure {
            segments.push(sentence(vec![span(why.clone(), Role::Bad)], 2));
        }
        let problems = self.rows.table.problems.iter();
        segments.extend(problems.map(|problem| sentence(problem_line(problem), 3)));
        segments
    }

    /// How many sockets there are of each kind, and how many there were.
    fn count_segments(&self) -> Vec<Segment> {
        let counts = self.rows.table.counts;
        let mut segments = Vec::new();
        for kind in KINDS {
            let number = (kind.count)(&counts);
            let is_counted = match kind.optional {
                None => number > 0 || kind.rank == 1,
                Some(protocol) => self.rows.criteria.kinds.has(protocol),
            };
            if is_counted {
                let number = span(number.to_string(), kind.role);
                segments.push(Segment {
                    line: vec![number, span(format!(" {}", kind.what), Role::Dim)],
                    rank: kind.rank,
                    spark: self.spark(kind),
                    is_sentence: false,
                });
            }
        }
        if let Some(last) = segments.last_mut().filter(|_| self.rows.has_snapshot) {
            last.spark.push_str(GAP);
            last.spark.push_str(SPAN_OF_SPARK);
        }
        segments
    }

    fn spark(&self, kind: &Kind) -> String {
        if !self.rows.has_snapshot {
            return String::new();
        }
        let levels = self.history.levels(SPARK, BUCKETS_PER_CELL, kind.count);
        format!(" {}", sparkline(&levels))
    }
}

fn segments_width(segments: &[Segment]) -> usize {
    let texts: usize = segments
        .iter()
        .map(|segment| line_width(&segment.line) + width(&segment.spark))
        .sum();
    1 + texts + GAP.len() * segments.len().saturating_sub(1)
}

/// A problem as the header tells it: with its remedy, as short as it can be said.
fn problem_line(problem: &Problem) -> Line {
    vec![span(problem.brief.to_string(), Role::Warning)]
}
