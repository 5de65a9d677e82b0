//! The first line: name, counts, problems.

use crate::app::App;
use crate::app::view::bars::sparkline;
use crate::app::view::{Click, Line, Role, Span, cut_line, line_width, span};
use crate::columns::width;
use crate::keymap::{Action, PaneAction, ProgramAction, TableAction};
use crate::model::{Moment, NamespaceScope, ProblemCode, Protocol, counted};
use crate::track::Counts;

struct Segment {
    line: Line,
    /// A shorter form, for which it is replaced before any part is dropped.
    short: Option<Line>,
    /// Parts with high numbers are dropped first.
    rank: u8,
    /// Its history; all histories are dropped before any part.
    spark: String,
    /// Whether it is cut rather than dropped.
    is_sentence: bool,
}

/// The shortest useful part of a sentence, in cells.
const MIN_SENTENCE: usize = 16;

const GAP: &str = "  ";

/// Cells of a sparkline.
const SPARK: usize = 12;

/// Buckets of the history in a cell: 25 seconds. A sparkline covers five minutes and changes at most three times a
/// minute, not at all if nothing changes.
const BUCKETS_PER_CELL: u64 = 5;

const SPARK_PERIOD: &str = "last 5 min";

struct Kind {
    what: &'static str,
    role: Role,
    rank: u8,
    count: fn(&Counts) -> usize,
    /// Shown only while this protocol is.
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
    pub(crate) fn header(&self, now: Moment, columns: u16) -> (Line, Line) {
        let mut right = self.clock_line(now, columns);
        let free = usize::from(columns).saturating_sub(line_width(&right));
        let help = self.help_span();
        right.extend(help.filter(|help| width(&help.text) < free));
        let room = usize::from(columns).saturating_sub(line_width(&right) + 1);
        let mut segments = self.segments();
        fit(&mut segments, room);
        // If only one fits, it is the name, but at a moment the badge, so that it doesn't look like live data.
        let is_narrow = segments_width(&segments) > room;
        if is_narrow && (self.is_at_moment() || !self.is_live()) {
            return (Line::new(), right);
        }
        let mut line = Line::new();
        for segment in segments {
            let gap = if line.is_empty() { " " } else { GAP };
            line.push(span(gap, Role::Plain));
            line.extend(segment.line);
            line.extend((!segment.spark.is_empty()).then(|| span(segment.spark, Role::Dim)));
        }
        (line, if is_narrow { Line::new() } else { right })
    }

    fn shown_kinds(&self) -> impl Iterator<Item = &'static Kind> {
        let (counts, shown) = (self.rows.selection.kinds(), self.rows.criteria.kinds);
        KINDS.iter().filter(move |kind| match kind.optional {
            None => (kind.count)(counts) > 0 || kind.rank == 1,
            Some(protocol) => shown.has(protocol),
        })
    }

    /// `12 listening`, `3 udp`: the counts of the header.
    pub(crate) fn count_texts(&self) -> impl Iterator<Item = String> {
        let counts = self.rows.selection.kinds();
        let kinds = self.shown_kinds();
        kinds.map(move |kind| format!("{} {}", (kind.count)(counts), kind.what))
    }

    /// The key of the help, where there is no room for hints.
    fn help_span(&self) -> Option<Span> {
        let help = Action::Program(ProgramAction::ToggleHelp);
        let key = self.key(help).filter(|_| self.size.is_compact());
        key.map(|key| span(format!("{key} "), Role::Accent).on_click(Click::Do(help)))
    }

    fn segments(&self) -> Vec<Segment> {
        let mut segments = vec![segment(vec![span("sockeye", Role::Strong)], 0, false)];
        if !self.environment.host.is_empty() {
            let host = span(self.environment.host.clone(), Role::Plain);
            segments.push(segment(vec![host], 9, false));
        }
        if self.size.is_compact() && !self.rows.criteria.filter.is_empty() {
            // There is no line for the filter.
            let edit = Click::Do(Action::Table(TableAction::EditFilter));
            let count = span(self.count_text(), Role::Accent).on_click(edit);
            segments.push(segment(vec![count], 1, false));
        }
        let counts = self.rows.selection.kinds();
        // The histories are of our own namespace.
        let has_history = self.has_history();
        segments.extend(self.shown_kinds().map(|kind| {
            let count = span((kind.count)(counts).to_string(), kind.role);
            let what = span(format!(" {}", kind.what), Role::Dim);
            let mut one = segment(vec![count, what], kind.rank, false);
            if has_history {
                let levels = self.history.levels(SPARK, BUCKETS_PER_CELL, kind.count);
                one.spark = format!(" {}", sparkline(&levels));
            }
            one
        }));
        if let Some(last) = segments.last_mut().filter(|_| has_history) {
            last.spark.extend([GAP, SPARK_PERIOD]);
        }
        segments.extend(self.namespaces_segment());
        if !self.rows.marks.is_empty() {
            let marked = format!("{} marked", self.rows.marks.len());
            // Also on the smallest screen: actions on marked rows may be about rows out of sight.
            segments.push(segment(vec![span(marked, Role::Accent)], 0, false));
        }
        if let Some(ports) = self.pinned.text() {
            let pinned = vec![span("pinned ", Role::Dim), span(ports, Role::Accent)];
            segments.push(segment(pinned, 3, true));
        }
        if self.notices.unseen_alerts > 0 {
            let count = counted(self.notices.unseen_alerts, "alert", "alerts");
            let events = Click::Do(Action::Pane(PaneAction::ToggleEvents));
            let alerts = span(count, Role::Warning).on_click(events);
            segments.push(segment(vec![alerts], 3, false));
        }
        segments.extend(self.problem_segments());
        segments
    }

    fn has_history(&self) -> bool {
        !self.is_at_moment()
            && self.rows.has_snapshot
            && self.rows.criteria.namespaces == NamespaceScope::Own
    }

    /// Which namespaces are shown, or what is left out. That others are shown stays on the smallest screen, too: it says
    /// what the rows and the numbers are of.
    fn namespaces_segment(&self) -> Option<Segment> {
        let (texts, is_other) = self.namespaces_texts()?;
        let (role, rank) = if is_other {
            (Role::Accent, 0)
        } else {
            (Role::Dim, 5)
        };
        let next = Click::Do(Action::Table(TableAction::NextNamespace));
        let [long, short] = texts.map(|text| vec![span(text, role).on_click(next)]);
        let mut segment = segment(long, rank, false);
        segment.short = Some(short);
        Some(segment)
    }

    /// What is unusual now: following, a failed reading, problems.
    fn problem_segments(&self) -> Vec<Segment> {
        let mut segments = Vec::new();
        if self.rows.is_following && !self.size.is_compact() {
            segments.push(segment(vec![span("following", Role::Accent)], 2, false));
        }
        if let Some(why) = &self.rows.failure {
            segments.push(segment(vec![span(why.clone(), Role::Bad)], 2, true));
        }
        // A shortage of ports is trouble, which has its own line.
        let has_trouble_line = self.layout().trouble.height > 0;
        let problems = self
            .shown_problems()
            .filter(|problem| !(has_trouble_line && problem.code == ProblemCode::EphemeralPorts));
        let problems = problems.map(|problem| span(problem.brief.to_string(), Role::Warning));
        segments.extend(problems.map(|problem| segment(vec![problem], 3, true)));
        segments
    }
}

/// Drops the histories, then shortens, then drops the least important parts, until all fit or one is left.
fn fit(segments: &mut Vec<Segment>, room: usize) {
    if segments_width(segments) > room {
        for one in segments.iter_mut() {
            one.spark.clear();
        }
    }
    if segments_width(segments) > room {
        for one in segments.iter_mut() {
            one.line = one.short.take().unwrap_or(std::mem::take(&mut one.line));
        }
    }
    while segments_width(segments) > room && segments.len() > 1 {
        let ranks = segments.iter().map(|one| one.rank).enumerate();
        let worst = ranks.max_by_key(|&(_, rank)| rank).map_or(0, |(at, _)| at);
        let mut segment = segments.remove(worst);
        let left = room.saturating_sub(segments_width(segments) + GAP.len());
        if segment.is_sentence && left >= MIN_SENTENCE {
            segment.line = cut_line(segment.line, left);
            segments.insert(worst, segment);
        }
    }
}

fn segment(line: Line, rank: u8, is_sentence: bool) -> Segment {
    Segment {
        line,
        short: None,
        rank,
        spark: String::new(),
        is_sentence,
    }
}

fn segments_width(segments: &[Segment]) -> usize {
    let cells = |one: &Segment| line_width(&one.line) + width(&one.spark);
    let gaps = GAP.len() * segments.len().saturating_sub(1);
    1 + segments.iter().map(cells).sum::<usize>() + gaps
}
