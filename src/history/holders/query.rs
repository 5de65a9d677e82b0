//! Finds the spans of a port: those of each segment, joined where a socket outlived its segment.

use jiff::Timestamp;

use super::{HolderQuery, HolderSpan, SpanEnd};
use crate::history::format::StartReason;
use crate::history::reader::{Section, sections, timestamp};
use crate::history::segment::{Client, Holder, PortSummary, Segment, Span, SpanState};
use crate::history::{History, StoreError};
use crate::model::{Endpoint, State};

/// A span that may go on in the next segment.
struct Joined {
    span: HolderSpan,
    /// What identifies its socket: inode and cookie.
    ids: (Option<u32>, Option<u64>),
    is_open: bool,
    /// Whether its segment ends because the recorder was stopped.
    is_stopped: bool,
}

/// A segment, as far as its spans depend on it.
struct Era {
    /// The time of its first frame, from which its spans count, and when it ends; in ms since 1970.
    start: i64,
    end: i64,
    is_continued: bool,
    is_stopped: bool,
    /// The times of its frames.
    moments: Vec<(i64, i64)>,
}

impl History {
    /// The sockets that had a port, in the order in which they were seen first.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn holders(&mut self, query: &HolderQuery) -> Result<Vec<HolderSpan>, StoreError> {
        let mut all: Vec<Joined> = Vec::new();
        for segment in &mut self.segments {
            let Some(era) = Era::of(segment) else {
                continue;
            };
            let (start, end) = (timestamp(era.start), timestamp(era.end));
            if !query.range.overlaps(start, end) {
                continue;
            }
            let summary = segment.port(query.port)?;
            add(&mut all, &era, &summary, query);
        }
        let last = self.sections().last().copied();
        let spans = all.into_iter().map(|joined| joined.finished(last.as_ref()));
        let is_found = |span: &HolderSpan| {
            let to = span.to.unwrap_or(Timestamp::MAX);
            query.has(span) && query.range.overlaps(span.from, to)
        };
        Ok(spans.filter(is_found).collect())
    }

    /// The connection that a span is about, as it was when the span began; `None` if it can't be read.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn connection(
        &mut self,
        span: &HolderSpan,
    ) -> Result<Option<crate::model::Socket>, StoreError> {
        let is_it = |socket: &crate::model::Socket| {
            socket.protocol == span.protocol
                && socket.local.port == span.local.port
                && socket.is_connection()
        };
        let mut found = None;
        let last = span.to.unwrap_or(Timestamp::MAX);
        for recorded in self.from(span.from) {
            let recorded = recorded?;
            let snapshot = recorded.snapshot;
            let closed = snapshot.closed.iter().map(|closed| &closed.socket);
            found = snapshot
                .sockets
                .iter()
                .chain(closed)
                .find(|one| is_it(one))
                .cloned();
            if found.is_some() || snapshot.taken_at.wall > last {
                break;
            }
        }
        Ok(found)
    }
}

impl HolderQuery {
    fn has(&self, span: &HolderSpan) -> bool {
        let is_address = |address| {
            let local = span.local.address;
            span.is_connection || local == address || local.is_unspecified()
        };
        self.protocol.is_none_or(|one| one == span.protocol)
            && self.address.is_none_or(is_address)
            && (self.has_connections || !span.is_connection)
    }
}

impl Era {
    fn of(segment: &Segment) -> Option<Self> {
        let sections = sections(segment);
        let first = sections.first()?;
        let last = sections.last()?;
        let moments = segment.moments().map(|(_, head)| (head.wall, head.end()));
        Some(Self {
            start: segment.frames.entries.first()?.head.wall,
            end: last.end,
            is_continued: first.reason == StartReason::Continued,
            is_stopped: last.is_stopped,
            moments: moments.collect(),
        })
    }

    /// When a frame began and ended.
    fn moment(&self, number: u32) -> (i64, i64) {
        let found = self.moments.get(number as usize).copied();
        found.unwrap_or((self.end, self.end))
    }
}

/// Adds the spans of a segment.
fn add(all: &mut Vec<Joined>, era: &Era, summary: &PortSummary, query: &HolderQuery) {
    let mut open: Vec<usize> = Vec::new();
    for (at, joined) in all.iter_mut().enumerate() {
        if std::mem::take(&mut joined.is_open) {
            open.push(at);
        }
    }
    for span in &summary.spans {
        let Some(holder) = summary.holders.get(span.holder as usize) else {
            continue;
        };
        let new = Joined::of_span(era, span, holder);
        join(all, &mut open, new, era.is_continued);
    }
    for client in summary.clients.iter().filter(|_| query.has_connections) {
        let Some(holder) = summary.holders.get(client.holder as usize) else {
            continue;
        };
        let new = Joined::of_client(era, *client, holder, query.port);
        join(all, &mut open, new, era.is_continued);
    }
    for at in open {
        all[at].close_in_gap(era);
    }
}

/// Adds a span, or extends the one that it continues.
fn join(all: &mut Vec<Joined>, open: &mut Vec<usize>, new: Joined, is_continued: bool) {
    let found = open
        .iter()
        .position(|at| all[*at].goes_on_with(&new, is_continued));
    match found {
        Some(found) => {
            let joined = &mut all[open.swap_remove(found)];
            let (from, is_from_exact) = (joined.span.from, joined.span.is_from_exact);
            *joined = new;
            (joined.span.from, joined.span.is_from_exact) = (from, is_from_exact);
        }
        None => all.push(new),
    }
}

impl Joined {
    fn of_span(era: &Era, span: &Span, holder: &Holder) -> Self {
        let end = match span.end {
            SpanState::Open => SpanEnd::StillThere,
            SpanState::Closed => SpanEnd::Closed,
            SpanState::ProcessEnded => SpanEnd::ProcessEnded,
            SpanState::HandedOver => SpanEnd::HandedOver,
            SpanState::RecorderStopped => SpanEnd::RecorderStopped,
            SpanState::Gap => SpanEnd::Gap,
        };
        let time = |ms: i64| timestamp(era.start.saturating_add(ms));
        let span_of = HolderSpan {
            from: time(span.from),
            is_from_exact: span.is_from_exact,
            to: Some(time(span.to)),
            is_to_exact: matches!(
                end,
                SpanEnd::Closed | SpanEnd::ProcessEnded | SpanEnd::HandedOver
            ),
            end,
            state: span.state,
            ..HolderSpan::of(holder, span.local)
        };
        Self {
            span: span_of,
            ids: (span.inode, span.cookie),
            is_open: span.end == SpanState::Open,
            is_stopped: era.is_stopped,
        }
    }

    fn of_client(era: &Era, client: Client, holder: &Holder, port: u16) -> Self {
        let (from, _) = era.moment(client.from);
        let (_, to) = era.moment(client.to.unwrap_or(u32::MAX));
        let span = HolderSpan {
            is_connection: true,
            from: timestamp(from),
            to: Some(timestamp(to)),
            end: match client.to {
                Some(_) => SpanEnd::Closed,
                None => SpanEnd::StillThere,
            },
            state: State::Established,
            ..HolderSpan::of(holder, Endpoint::new(Endpoint::NOTHING.address, port))
        };
        Self {
            span,
            ids: (None, None),
            is_open: client.to.is_none(),
            is_stopped: era.is_stopped,
        }
    }

    /// Whether another span, of the next segment, is about the same socket.
    fn goes_on_with(&self, next: &Self, is_continued: bool) -> bool {
        let (one, other) = (&self.span, &next.span);
        let is_same = one.protocol == other.protocol
            && one.local == other.local
            && one.is_connection == other.is_connection
            && self.ids == next.ids
            && one.namespace == other.namespace
            && !other.is_from_exact;
        // Over a gap only a socket with its ids is known to be the same.
        let has_ids = self.ids != (None, None);
        let has_same_owner = one.owner.is_same(&other.owner);
        is_same && (has_ids || is_continued) && has_same_owner
    }

    /// It was there at the end of its segment, and not when the next one began.
    fn close_in_gap(&mut self, next: &Era) {
        self.span.end = if next.is_continued {
            SpanEnd::Closed
        } else if self.is_stopped {
            SpanEnd::RecorderStopped
        } else {
            SpanEnd::Gap
        };
    }

    /// The span, if nothing follows.
    fn finished(mut self, last: Option<&Section>) -> HolderSpan {
        let is_at_end = last.is_some_and(|last| {
            self.span
                .to
                .is_some_and(|to| to.as_millisecond() >= last.end)
        });
        if self.is_open && is_at_end {
            if self.is_stopped {
                self.span.end = SpanEnd::RecorderStopped;
            } else {
                self.span.to = None;
            }
        }
        self.span
    }
}

impl HolderSpan {
    fn of(holder: &Holder, local: Endpoint) -> Self {
        Self {
            protocol: holder.protocol,
            local,
            is_connection: false,
            state: State::Listen,
            owner: holder.owner(),
            uid: holder.uid,
            user: holder.user.clone(),
            unit: holder.unit.clone(),
            container: holder.container.clone(),
            namespace: holder.namespace.clone(),
            from: Timestamp::MIN,
            is_from_exact: false,
            to: None,
            is_to_exact: false,
            end: SpanEnd::StillThere,
        }
    }
}
