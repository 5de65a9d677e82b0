//! A span over segments: joined where a socket outlived its segment, and archived when its segments are removed.

use serde::{Deserialize, Serialize};

use super::{HolderSpan, SpanEnd};
use crate::history::format::StartReason;
use crate::history::reader::{sections, timestamp};
use crate::history::segment::{Client, Holder, PortSummary, Segment, Span, SpanState};
use crate::model::{Endpoint, State};

/// A span that may go on in the next segment. Times are in ms since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Joined {
    pub holder: Holder,
    pub local: Endpoint,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_connection: bool,
    state: State,
    from: i64,
    is_from_exact: bool,
    pub to: i64,
    end: SpanState,
    /// What identifies its socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inode: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cookie: Option<u64>,
    /// Whether its segment ends because the recorder was stopped.
    is_stopped: bool,
}

/// A segment, as far as its spans depend on it.
pub(crate) struct Era {
    /// The time of its first frame, from which its spans count, and when it ends; in ms since 1970.
    pub start: i64,
    pub end: i64,
    is_continued: bool,
    is_stopped: bool,
    /// When its frames with moments begin and end.
    moments: Vec<(i64, i64)>,
}

impl Era {
    pub fn of(segment: &Segment) -> Option<Self> {
        let sections = sections(segment);
        let (first, last) = (sections.first()?, sections.last()?);
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

    /// Adds the spans of the segment to those of the segments before it.
    pub fn add(&self, all: &mut Vec<Joined>, summary: &PortSummary, port: u16) {
        let is_open = |at: &usize| all[*at].is_open();
        let mut open: Vec<usize> = (0..all.len()).filter(is_open).collect();
        let holder = |number: u32| summary.holders.get(number as usize);
        for span in &summary.spans {
            if let Some(holder) = holder(span.holder) {
                self.join(all, &mut open, Joined::of_span(self, span, holder));
            }
        }
        for client in &summary.clients {
            if let Some(holder) = holder(client.holder) {
                self.join(
                    all,
                    &mut open,
                    Joined::of_client(self, *client, holder, port),
                );
            }
        }
        for at in open {
            all[at].close(self.is_continued);
        }
    }

    /// Adds a span, or extends the one that it continues.
    fn join(&self, all: &mut Vec<Joined>, open: &mut Vec<usize>, new: Joined) {
        let is_before = |at: &usize| all[*at].goes_on_with(&new, self.is_continued);
        match open.iter().position(is_before) {
            Some(found) => {
                let joined = &mut all[open.swap_remove(found)];
                let common = joined.holder.common(&new.holder.processes);
                *joined = Joined {
                    from: joined.from,
                    is_from_exact: joined.is_from_exact,
                    holder: Holder {
                        processes: common,
                        ..new.holder
                    },
                    ..new
                };
            }
            None => all.push(new),
        }
    }
}

impl Joined {
    fn of_span(era: &Era, span: &Span, holder: &Holder) -> Self {
        Self {
            holder: holder.clone(),
            local: span.local,
            is_connection: false,
            state: span.state,
            from: era.start.saturating_add(span.from),
            is_from_exact: span.is_from_exact,
            to: era.start.saturating_add(span.to),
            end: span.end,
            inode: span.inode,
            cookie: span.cookie,
            is_stopped: era.is_stopped,
        }
    }

    fn of_client(era: &Era, client: Client, holder: &Holder, port: u16) -> Self {
        let (from, _) = era.moment(client.from);
        let (_, to) = era.moment(client.to.unwrap_or(u32::MAX));
        Self {
            holder: holder.clone(),
            local: Endpoint::new(Endpoint::NOTHING.address, port),
            is_connection: true,
            state: State::Established,
            from,
            is_from_exact: false,
            to,
            end: match client.to {
                Some(_) => SpanState::Closed,
                None => SpanState::Open,
            },
            inode: None,
            cookie: None,
            is_stopped: era.is_stopped,
        }
    }

    pub fn is_open(&self) -> bool {
        self.end == SpanState::Open
    }

    /// Whether another span, of the next segment, is about the same socket.
    fn goes_on_with(&self, next: &Self, is_continued: bool) -> bool {
        let ids = (self.inode, self.cookie);
        let is_same = self.holder.protocol == next.holder.protocol
            && self.local == next.local
            && self.is_connection == next.is_connection
            && ids == (next.inode, next.cookie)
            && self.holder.namespace == next.holder.namespace
            && !next.is_from_exact;
        // Over a gap only a socket with its ids is known to be the same.
        let is_known = is_continued || ids != (None, None);
        let (one, other) = (&self.holder, &next.holder);
        let have_same_owner =
            one.owner().is_same(&other.owner()) || !one.common(&other.processes).is_empty();
        is_same && is_known && have_same_owner
    }

    /// It was there at the end of its segment, and not when the next one began.
    fn close(&mut self, is_continued: bool) {
        self.end = if is_continued {
            SpanState::Closed
        } else if self.is_stopped {
            SpanState::RecorderStopped
        } else {
            SpanState::Gap
        };
    }

    /// The span, if nothing follows. `last`: when the store ends, in ms since 1970.
    pub fn finished(self, last: i64) -> HolderSpan {
        let end = match self.end {
            SpanState::Open if self.is_stopped => SpanEnd::RecorderStopped,
            SpanState::Open if self.to < last => SpanEnd::Gap,
            SpanState::Open => SpanEnd::StillThere,
            SpanState::Closed => SpanEnd::Closed,
            SpanState::ProcessEnded => SpanEnd::ProcessEnded,
            SpanState::HandedOver => SpanEnd::HandedOver,
            SpanState::RecorderStopped => SpanEnd::RecorderStopped,
            SpanState::Gap => SpanEnd::Gap,
        };
        let is_seen = matches!(
            end,
            SpanEnd::Closed | SpanEnd::ProcessEnded | SpanEnd::HandedOver
        );
        HolderSpan {
            protocol: self.holder.protocol,
            local: self.local,
            is_connection: self.is_connection,
            state: self.state,
            owner: self.holder.owner(),
            uid: self.holder.uid,
            user: self.holder.user,
            unit: self.holder.unit,
            container: self.holder.container,
            namespace: self.holder.namespace,
            from: timestamp(self.from),
            is_from_exact: self.is_from_exact,
            to: (end != SpanEnd::StillThere).then(|| timestamp(self.to)),
            is_to_exact: is_seen && !self.is_connection,
            end,
        }
    }
}
