//! The line below the header: what is in trouble, as much of it as fits.

use std::collections::HashMap;
use std::time::Duration;

use crate::app::App;
use crate::app::layout::Area;
use crate::app::table::view::trouble_role;
use crate::app::view::{Click, Line, Role, Span, cut_line, line_width, span};
use crate::columns::{age_text, next_age_change, owner_with_pid};
use crate::keymap::{Action, TableAction};
use crate::model::{Moment, Pid, counted};
use crate::track::{Row, TroubleKind};

const SEPARATOR: &str = " · ";

/// Rows with the same trouble of the same owner; a listener is one by itself.
struct Group<'a> {
    kind: TroubleKind,
    count: usize,
    oldest: &'a Row,
}

/// One of the things that the line names.
#[derive(Clone, Debug)]
struct Part {
    text: String,
    /// The text where there is more room.
    long: Option<String>,
    role: Role,
}

impl Part {
    const fn new(text: String, role: Role) -> Self {
        Self {
            text,
            long: None,
            role,
        }
    }
}

impl App {
    /// The line, at most as wide as its area.
    pub(crate) fn trouble_text(&self, now: Moment, area: Area) -> Line {
        if area.height == 0 {
            return Line::new();
        }
        let room = usize::from(area.width);
        let at = self.shown_at(now);
        let groups = self.trouble_groups(at);
        let shortage = self.port_shortage();
        let shortage = shortage.map(|problem| Part::new(problem.brief.to_string(), Role::Bad));
        let every = groups
            .iter()
            .map(|group| Part::new(group.text(at), group.role()));
        let every: Vec<_> = shortage.clone().into_iter().chain(every).collect();
        if every.is_empty() {
            return cut_line(vec![span(" no longer in trouble", Role::Dim)], room);
        }
        let line = joined(&every);
        let line = if line_width(&line) <= room {
            line
        } else {
            let kinds = shortage.into_iter().chain(kinds(&groups, at));
            as_many_as_fit(kinds.collect(), room)
        };
        let click = Click::Do(Action::Table(TableAction::NextTrouble));
        line.into_iter().map(|span| span.on_click(click)).collect()
    }

    /// The most urgent first, and the largest of them.
    fn trouble_groups(&self, now: Moment) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut known: HashMap<(TroubleKind, Option<Pid>, usize), usize> = HashMap::new();
        for (at, kind) in self.rows.selection.in_trouble() {
            let row = &*self.rows.table.rows[at];
            let pid = row.socket.owner.processes().first().map(|one| one.pid);
            let listener = if is_queue(kind) { at } else { 0 };
            let index = *known.entry((kind, pid, listener)).or_insert(groups.len());
            if let Some(group) = groups.get_mut(index) {
                group.count += 1;
                if row.age(now).duration() > group.oldest.age(now).duration() {
                    group.oldest = row;
                }
            } else {
                groups.push(Group {
                    kind,
                    count: 1,
                    oldest: row,
                });
            }
        }
        groups.sort_by_key(|group| (group.kind, std::cmp::Reverse(group.count)));
        groups
    }

    /// After how long the line changes while the table stays the same.
    pub(crate) fn trouble_changes_in(&self, now: Moment) -> Option<Duration> {
        if let Some(at) = self.rows.trouble_line.goes_at() {
            return Some(at.saturating_sub(now.steady));
        }
        let groups = self.trouble_groups(now);
        let timed = groups
            .iter()
            .filter(|group| group.kind == TroubleKind::SynSent);
        timed.map(|group| next_age_change(group.oldest, now)).min()
    }
}

impl Group<'_> {
    fn role(&self) -> Role {
        trouble_role(self.kind)
    }

    /// `14 CLOSE_WAIT python3 sync.py(18641)`, `accept queue full :9200 nginx(812)`, `3 SYN_SENT curl(77) for 20s`, `1 orphan of nginx(812)`.
    fn text(&self, now: Moment) -> String {
        let socket = &self.oldest.socket;
        let owner = match socket.owner.processes() {
            [] => String::new(),
            _ => format!(" {}", owner_with_pid(socket)),
        };
        match self.kind {
            TroubleKind::SynSent => {
                let age = age_text(self.oldest, now);
                let age = age.trim_start_matches('>');
                format!("{}{owner} for {age}", self.brief())
            }
            // Its process may live on, without this socket.
            TroubleKind::Orphan => format!("{}{}", self.brief(), owner.replacen("was", "of", 1)),
            _ => format!("{}{owner}", self.brief()),
        }
    }

    /// Without the owner.
    fn brief(&self) -> String {
        let socket = &self.oldest.socket;
        let port = socket.port().map(|port| format!(":{port}"));
        let at = port.or_else(|| socket.local_text()).unwrap_or_default();
        let at = match &socket.namespace {
            Some(other) => format!("{at} in {}", other.name),
            None => at,
        };
        match self.kind {
            kind if is_queue(kind) => format!("{} {at}", kind.name()),
            kind => total(kind, self.count),
        }
    }
}

const fn is_queue(kind: TroubleKind) -> bool {
    matches!(
        kind,
        TroubleKind::QueueFull | TroubleKind::QueueFilling | TroubleKind::QueueDropping
    )
}

/// `14 CLOSE_WAIT`, `1 orphan`, `3 accept queues full`.
fn total(kind: TroubleKind, count: usize) -> String {
    let (one, many) = match kind {
        TroubleKind::QueueFull => ("accept queue full", "accept queues full"),
        TroubleKind::QueueFilling => ("accept queue filling", "accept queues filling"),
        TroubleKind::QueueDropping => ("accept queue dropping", "accept queues dropping"),
        TroubleKind::PeerSilent => ("peer silent", "peers silent"),
        TroubleKind::PeerNotReading => ("peer not reading", "peers not reading"),
        TroubleKind::NotReading | TroubleKind::PacketsDropped | TroubleKind::Lossy => {
            (kind.name(), kind.name())
        }
        TroubleKind::Orphan => ("orphan", "orphans"),
        TroubleKind::CloseWait | TroubleKind::SynSent => (kind.name(), kind.name()),
    };
    counted(count, one, many)
}

/// One part for each kind of trouble, with the owner only in its long form.
fn kinds(groups: &[Group<'_>], now: Moment) -> Vec<Part> {
    let kinds = groups.chunk_by(|one, other| one.kind == other.kind);
    let part = |groups: &[Group<'_>]| match groups {
        [] => None,
        [only] => Some(Part {
            text: only.brief(),
            long: Some(only.text(now)),
            role: only.role(),
        }),
        [first, ..] => {
            let count = groups.iter().map(|group| group.count).sum();
            Some(Part::new(total(first.kind, count), first.role()))
        }
    };
    kinds.filter_map(part).collect()
}

fn joined(parts: &[Part]) -> Line {
    let mut line: Vec<Span> = vec![span(" ! ", Role::Bad)];
    for (index, part) in parts.iter().enumerate() {
        line.extend((index > 0).then(|| span(SEPARATOR, Role::Dim)));
        line.push(span(part.text.clone(), part.role));
    }
    line
}

/// The parts, in their long form where there is room for it. Without room for all of them the first ones, and the number
/// of those left out: ` ! 14 CLOSE_WAIT · +2`. The first one is cut if it has to be.
fn as_many_as_fit(mut parts: Vec<Part>, room: usize) -> Line {
    for at in 0..parts.len() {
        let Some(long) = parts[at].long.take() else {
            continue;
        };
        let short = std::mem::replace(&mut parts[at].text, long);
        if line_width(&joined(&parts)) > room {
            parts[at].text = short;
        }
    }
    for count in (1..=parts.len()).rev() {
        let mut line = joined(&parts[..count]);
        let left_out = parts.len() - count;
        if left_out > 0 {
            line.push(span(format!("{SEPARATOR}+{left_out}"), Role::Dim));
        }
        if line_width(&line) <= room {
            return line;
        }
    }
    cut_line(joined(&parts[..parts.len().min(1)]), room)
}
