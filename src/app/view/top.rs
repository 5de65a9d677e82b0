//! The first two lines: name, counts and problems; views and filter.

use std::time::Duration;

use jiff::Timestamp;

use super::super::overdue::{LONG, next_second, no_answer};
use super::super::custom_view::Place;
use super::super::{Action, App, Modal, PromptKind, Tab};
use super::bars::sparkline;
use super::{Click, Line, Role, TabView, cut_line, duration_text, line_width, span};
use crate::columns::width;
use crate::model::{Moment, Problem, ProblemCode, Protocol};
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

/// Cells that views of one's own leave to the filter and the count.
const FILTER_ROOM: usize = 20;

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
    pub(super) fn header(&self, now: Moment, columns: u16) -> (Line, Line) {
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
        if is_narrow && self.surroundings.is_recording {
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
        if !self.surroundings.host.is_empty() {
            segments.push(segment(
                vec![span(self.surroundings.host.clone(), Role::Strong)],
                9,
            ));
        }
        segments.extend(self.count_segments());
        if let Some(ports) = self.marked.text() {
            let watching = vec![span("watching ", Role::Dim), span(ports, Role::Accent)];
            segments.push(sentence(watching, 3));
        }
        if self.is_following && !self.size.is_compact() {
            segments.push(segment(vec![span("following", Role::Accent)], 2));
        }
        if let Some(why) = &self.failure {
            segments.push(sentence(vec![span(why.clone(), Role::Bad)], 2));
        }
        let problems = self.table.problems.iter();
        segments.extend(problems.map(|problem| sentence(problem_line(problem), 3)));
        segments
    }

    /// How many sockets there are of each kind, and how many there were.
    fn count_segments(&self) -> Vec<Segment> {
        let counts = self.table.counts;
        let mut segments = Vec::new();
        for kind in KINDS {
            let number = (kind.count)(&counts);
            let is_counted = match kind.optional {
                None => number > 0 || kind.rank == 1,
                Some(protocol) => self.criteria.kinds.has(protocol),
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
        if let Some(last) = segments.last_mut().filter(|_| self.has_snapshot) {
            last.spark.push_str(GAP);
            last.spark.push_str(SPAN_OF_SPARK);
        }
        segments
    }

    fn spark(&self, kind: &Kind) -> String {
        if !self.has_snapshot {
            return String::new();
        }
        let levels = self.past.levels(SPARK, BUCKETS_PER_CELL, kind.count);
        format!(" {}", sparkline(&levels))
    }

    /// The interval, or why there is nothing new: paused, or the data is old; of a recording, where it is.
    fn clock_line(&self, now: Moment, columns: u16) -> Line {
        if self.surroundings.is_recording {
            return self.recording_line(columns);
        }
        if let Some(pause) = &self.pause {
            let at = self.clock(pause.since);
            let age = match pause.since.age(now).as_secs() / 60 {
                0 => String::new(),
                minutes => format!(" · {minutes}m"),
            };
            let paused = span(format!("paused {at}{age} "), Role::Warning);
            return vec![paused.on_click(Click::Do(Action::Program(crate::keymap::ProgramAction::TogglePause)))];
        }
        let every = format!("every {} ", duration_text(self.settings.interval));
        let every = span(every, Role::Dim).on_click(Click::Do(Action::Program(crate::keymap::ProgramAction::TogglePause)));
        if self.is_stale(now) {
            let age = self.table.taken_at.age(now).as_secs();
            let ago = span(format!("· {age}s ago "), Role::Warning);
            return vec![every, ago.on_click(Click::Do(Action::Program(crate::keymap::ProgramAction::Refresh)))];
        }
        if self.is_following && self.size.is_compact() {
            // There is no room for it among the counts.
            return vec![span("following ", Role::Accent)];
        }
        vec![every]
    }

    fn is_stale(&self, now: Moment) -> bool {
        self.has_snapshot
            && !self.surroundings.is_recording
            && self.table.taken_at.age(now) > self.stale_after()
    }

    /// How old the table may be before its age is told.
    pub(in crate::app) fn stale_after(&self) -> Duration {
        self.settings.interval * 2 + Duration::from_secs(1)
    }

    /// When the header would read differently, or what stands in the place of the first table.
    pub(super) fn header_changes_in(&self, now: Moment) -> Option<Duration> {
        if self.has_snapshot && self.surroundings.is_recording {
            return None;
        }
        let age = self.table.taken_at.age(now);
        let pause = self.pause.as_ref();
        let paused = pause.map(|pause| next(pause.since.age(now), Duration::from_mins(1)));
        let table = if !self.has_snapshot {
            Some(next_second(age))
        } else if paused.is_some() {
            None
        } else {
            let fresh = self.stale_after().checked_sub(age);
            Some(fresh.unwrap_or_else(|| next(age, Duration::from_secs(1))))
        };
        [paused, table].into_iter().flatten().min()
    }

    /// A moment as the clock on the wall shows it: `12:04:31`.
    pub(super) fn clock(&self, at: Moment) -> String {
        self.clock_of(at.wall)
    }

    /// The same of a time of the wall clock.
    pub(super) fn clock_of(&self, wall: Timestamp) -> String {
        let zoned = wall.to_zoned(self.surroundings.time_zone.clone());
        zoned.strftime("%H:%M:%S").to_string()
    }

    /// The views whose tabs are in sight, the one shown among them.
    pub(super) fn tab_views(&self) -> Vec<TabView> {
        let mut x = 1;
        let tabs = self.places_in_sight().into_iter().map(|place| {
            let view = TabView {
                x,
                text: span(self.tab_text(place), Role::Plain).text,
                is_selected: place == self.place(),
                click: Click::Show(place),
            };
            x += u16::try_from(width(&view.text)).unwrap_or(0) + 2;
            view
        });
        tabs.collect()
    }

    /// The views whose tabs there is room for: those that there always are, and of one's own as many as leave the
    /// filter its place. The one that is shown is named in any case; those before it give way.
    fn places_in_sight(&self) -> Vec<Place> {
        let mut in_sight = Vec::new();
        for place in self.places() {
            if matches!(place, Place::Own(_)) && !self.is_room_for(&in_sight, place) {
                break;
            }
            in_sight.push(place);
        }
        let shown = self.place();
        if !in_sight.contains(&shown) {
            while !in_sight.is_empty() && !self.is_room_for(&in_sight, shown) {
                in_sight.pop();
            }
            in_sight.push(shown);
        }
        in_sight
    }

    /// Whether a tab fits behind others, with the filter at the right.
    fn is_room_for(&self, others: &[Place], next: Place) -> bool {
        let tabs = others.iter().chain([&next]);
        let cells: usize = tabs.map(|&tab| width(&self.tab_text(tab)) + 2).sum();
        cells + FILTER_ROOM <= usize::from(self.size.width) + 1
    }

    /// The filter in force, protocols that are off, and how many rows are left.
    pub(super) fn filter_line(&self, columns: u16) -> Line {
        let total = self.selection.counts().unfiltered;
        let mut line = Vec::new();
        let off: Vec<_> = self.switched_off().collect();
        if !off.is_empty() {
            let names: Vec<_> = off.iter().map(|(name, _)| *name).collect();
            let keys: Vec<_> = off.iter().filter_map(|(_, key)| key.clone()).collect();
            let keys = match &keys[..] {
                [] => String::new(),
                keys => format!(" ({})", keys.join(", ")),
            };
            let off = format!("{} off{keys}  ", names.join(" and "));
            let on = if self.criteria.kinds.has(Protocol::Tcp) {
                Action::Table(crate::keymap::TableAction::ToggleUdp)
            } else {
                Action::Table(crate::keymap::TableAction::ToggleTcp)
            };
            line.push(span(off, Role::Warning).on_click(Click::Do(on)));
        }
        let is_typing =
            matches!(&self.modal, Modal::Prompt(prompt) if prompt.kind == PromptKind::Filter);
        let filter = self.criteria.filter.to_string();
        if !filter.is_empty() || is_typing {
            let room = usize::from(columns).saturating_sub(self.tabs_width() + 24);
            let shown = crate::columns::cut(&filter, room);
            let edit = Click::Do(Action::Table(crate::keymap::TableAction::EditFilter));
            line.push(span("filter ", Role::Dim).on_click(edit));
            line.push(span(format!("{shown}  "), Role::Accent).on_click(edit));
        }
        let shown = self.selection.shown().len();
        let count = if shown == total {
            format!("{total} ")
        } else {
            format!("{shown} of {total} ")
        };
        line.push(span(count, Role::Dim));
        line
    }

    /// The protocols that are not shown, and the keys that bring them back.
    fn switched_off(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let protocols = [
            (
                self.criteria.kinds.has(Protocol::Tcp),
                "tcp",
                Action::Table(crate::keymap::TableAction::ToggleTcp),
            ),
            (
                self.criteria.kinds.has(Protocol::Udp),
                "udp",
                Action::Table(crate::keymap::TableAction::ToggleUdp),
            ),
        ];
        let off = protocols.into_iter().filter(|&(is_shown, ..)| !is_shown);
        off.map(|(_, name, action)| (name, self.settings.keymap.key(action)))
    }

    fn tabs_width(&self) -> usize {
        let last = self.tab_views().pop();
        last.map_or(0, |tab| usize::from(tab.x) + width(&tab.text))
    }

    /// Why there may be sockets though there are no rows: a part of the table could not be read.
    fn unread(&self) -> Option<&Problem> {
        let mut problems = self.table.problems.iter();
        let wants_others_alone = self.criteria.kinds.optional() == self.criteria.kinds;
        let is_unread = |problem: &&Problem| match problem.code {
            ProblemCode::TableUnreadable => true,
            ProblemCode::NotListed => wants_others_alone,
            _ => false,
        };
        problems.find(is_unread)
    }

    /// One sentence for a table without rows.
    pub(super) fn why_empty(&self, now: Moment) -> String {
        if !self.has_snapshot {
            // Until there is a table, its age is that of the program.
            let age = self.table.taken_at.age(now);
            return match &self.failure {
                Some(why) => why.clone(),
                None if age < LONG => "Reading the sockets…".into(),
                None => format!("Reading the sockets… {}", no_answer(age)),
            };
        }
        if let Some(problem) = self.unread() {
            return problem.message.to_string();
        }
        let counts = self.selection.counts();
        let elsewhere: Vec<_> = Tab::ALL
            .iter()
            .zip(counts.by_tab)
            .filter(|(tab, count)| **tab != self.criteria.tab && *count > 0)
            .map(|(&tab, count)| format!("{} has {count}", self.tab_text(Place::Tab(tab))))
            .collect();
        let elsewhere = if elsewhere.is_empty() {
            String::new()
        } else {
            format!(" {}.", elsewhere.join(", "))
        };
        if self.switched_off().next().is_some() {
            let keys: Vec<_> = self.switched_off().filter_map(|(_, key)| key).collect();
            let remedy = match &keys[..] {
                [] => String::new(),
                [one] => format!(": {one} brings it back"),
                keys => format!(": {} bring it back", keys.join(" and ")),
            };
            return format!("Nothing to show with a protocol off{remedy}.{elsewhere}");
        }
        let others = self.criteria.filter.kinds().without(self.criteria.kinds);
        if let Some(other) = others.iter().next() {
            let key = self.settings.keymap.key(Action::Table(crate::keymap::TableAction::ChooseKinds));
            let remedy = key.map_or(String::new(), |key| format!(": {key} chooses the kinds"));
            let name = other.name();
            return format!("{name} sockets are not read{remedy}.{elsewhere}");
        }
        if self.criteria.filter.is_empty() {
            return match self.criteria.tab {
                Tab::Listening => format!("Nothing listens.{elsewhere}"),
                Tab::Connections => format!("No connections.{elsewhere}"),
                Tab::All => "No sockets.".into(),
                Tab::Changes => format!("Nothing has changed yet.{elsewhere}"),
            };
        }
        let all = counts.unfiltered;
        let back = self.settings.keymap.key(Action::Back);
        let remedy = back.map_or(String::new(), |key| format!(" {key} shows all {all}."));
        format!(
            "Nothing matches `{}`.{remedy}{elsewhere}",
            self.criteria.filter
        )
    }
}

/// How long it is until an age is one unit more.
fn next(age: Duration, unit: Duration) -> Duration {
    let units = age.as_secs() / unit.as_secs() + 1;
    Duration::from_secs(units * unit.as_secs()).saturating_sub(age)
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
