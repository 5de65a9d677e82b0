//! The line of a group: `▸ 5432 postgres    400  +3/s  399 ESTABLISHED, 1 LISTEN  ← python3 client.py ×400`.
//!
//! Its parts begin at places that depend on the width of the terminal only.

use crate::app::App;
use crate::app::panes::details::traffic::rates_text;
use crate::app::table::group_notes::Tally;
use crate::app::table::view::{
    MARK_WIDTH, RowSign, RowView, of_marked_row, role_of_state, trouble_role,
};
use crate::app::view::{CellView, Click, Line, Role, cut_line, line_width, mark_role, span};
use crate::columns::{cut, cut_middle, pad_left, width};
use crate::keymap::{Action, TableAction};
use crate::model::counted;
use crate::query::{Group, GroupBy, GroupKey};

/// Cells that a group within another is indented by.
const INDENT: usize = 2;

/// Cells of the expander and the space behind it.
const EXPANDER: usize = 2;

/// Cells of the number of sockets.
const COUNT: usize = 6;

/// Cells of the rate of new sockets: `+1234/s`.
const RATE: usize = 7;

/// With fewer cells there is no rate.
const ROOM_FOR_RATE: usize = 60;

/// Cells between two parts.
const GAP: usize = 2;

impl App {
    /// The line of the group of this index in the listing.
    pub(crate) fn group_view(&self, at: usize, group: &Group, place: usize) -> RowView {
        let is_selected = self.rows.cursor.place() == place;
        let is_marked = self.is_group_marked(group);
        let activity = self.rows.selection.activity(at);
        let scrollbar = usize::from(self.table_scrollbar().is_some());
        let columns = usize::from(self.size.width).saturating_sub(scrollbar);
        let parts = self.group_parts(at, group, columns).into_iter();
        let parts = parts.filter(|&(x, ..)| x < columns).enumerate();
        let cells = parts.map(|(index, (x, text, role))| CellView {
            x: u16::try_from(x).unwrap_or(u16::MAX),
            text: cut(&text, columns - x),
            role: match role {
                Role::Strong => role,
                _ if is_selected => Role::Plain,
                role => role,
            },
            is_chosen: false,
            click: (index == 0).then_some(Click::Group(place)),
        });
        let cells = cells.map(|cell| if is_marked { of_marked_row(cell) } else { cell });
        // A mark would cover the trouble.
        let mark = activity.mark.filter(|_| activity.trouble.is_none());
        let find = self.rows.find.as_ref();
        let is_match = find.is_some_and(|find| find.matches(place));
        let is_pinned = self.has_pinned_row(group);
        RowView {
            is_selected,
            is_match,
            sign: RowSign::of([
                (is_marked, RowSign::Marked),
                (is_pinned, RowSign::Pinned),
                (is_match, RowSign::Match),
                (group.depth > 0, RowSign::InGroup),
            ]),
            mark: mark.map(|mark| (mark, mark_role(mark))),
            trouble: activity.trouble.map(trouble_role),
            cells: cells.collect(),
        }
    }

    /// The parts of the line, each with its first cell; the expander is the first one.
    fn group_parts(&self, at: usize, group: &Group, columns: usize) -> Vec<(usize, String, Role)> {
        let start = usize::from(MARK_WIDTH) + INDENT * group.depth;
        let key_end = usize::from(MARK_WIDTH) + (columns * 3 / 10).clamp(14, 40);
        let key_room = key_end.saturating_sub(start + EXPANDER);
        let expander = if self.is_open(at) { "▾ " } else { "▸ " };
        let key = cut_middle(&self.key_text(at, group), key_room);
        let count = pad_left(&group.sum.sockets.to_string(), COUNT);
        let mut x = key_end + 1 + COUNT + GAP;
        let mut parts = vec![
            (start, expander.to_owned(), Role::Strong),
            (start + EXPANDER, key, Role::Strong),
            (key_end + 1, count, Role::Plain),
        ];
        if columns >= ROOM_FOR_RATE {
            let opened = self.rows.selection.activity(at).opened;
            let rate = self.rows.table.connections.window().rate_text(opened);
            parts.push((x, cut(&rate.unwrap_or_default(), RATE), Role::Plain));
            x += RATE + 1;
        }
        for piece in fitting(self.pieces(at, group), columns.saturating_sub(x)) {
            for span in piece {
                let cells = width(&span.text);
                parts.push((x, span.text, span.role));
                x += cells;
            }
            x += GAP;
        }
        parts
    }

    /// The key, of a port also its service or owner.
    fn key_text(&self, at: usize, group: &Group) -> String {
        let key = group.key.to_string();
        if !matches!(group.key, GroupKey::Port(_)) {
            return key;
        }
        let owners = self.group_note(at).map(|note| &note.owners);
        match owners.map(|owners| (&owners.top[..], owners.others)) {
            Some(([(only, _)], 0)) => format!("{key} {only}"),
            _ => key,
        }
    }

    /// What is said of a group behind its numbers, the most important first.
    fn pieces(&self, at: usize, group: &Group) -> Vec<Line> {
        let fields = self.rows.selection.fields();
        let is_grouped_by = |by: GroupBy| {
            let fields = fields.iter().flat_map(|fields| fields.all());
            fields.take(group.depth + 1).any(|one| one == by)
        };
        let mut pieces = Vec::new();
        if !is_grouped_by(GroupBy::State) {
            pieces.push(states(group));
        }
        pieces.extend(traffic(group));
        let note = self.group_note(at);
        if let Some(note) = note.filter(|_| !is_grouped_by(GroupBy::Peer)) {
            pieces.extend(top(&note.peers));
        }
        pieces.extend(queues(group));
        if let Some(note) = note.filter(|_| !is_grouped_by(GroupBy::Process)) {
            pieces.extend(owners(&note.owners, &group.key));
        }
        pieces
    }

    fn has_pinned_row(&self, group: &Group) -> bool {
        let mut rows = self.rows.selection.shown().rows_of(group);
        let is_pinned = |at: usize| self.pinned.has(&self.rows.table.rows[at].socket);
        !self.pinned.is_empty() && rows.any(is_pinned)
    }

    /// `by process  12 groups  ` beside the filter, as much of it as fits.
    pub(crate) fn grouping_spans(&self, room: usize) -> Line {
        let Some(fields) = self.rows.selection.fields() else {
            return Line::new();
        };
        let choose = Click::Do(Action::Table(TableAction::ChooseGroups));
        let groups = self.rows.selection.shown().group_count();
        let groups = format!("{}  ", counted(groups, "group", "groups"));
        let by = format!("by {fields}  ");
        let fits = |cells: usize| cells <= room;
        let (has_fields, has_count) = (fits(width(&by)), fits(width(&by) + width(&groups)));
        let by = has_fields.then(|| span(by, Role::Accent).on_click(choose));
        let count = has_count.then(|| span(groups, Role::Dim).on_click(choose));
        by.into_iter().chain(count).collect()
    }
}

/// As many of the pieces as fit one after the other; the first one is cut.
fn fitting(pieces: Vec<Line>, room: usize) -> Vec<Line> {
    let mut fitting: Vec<Line> = Vec::new();
    let mut left = room;
    for piece in pieces {
        let cells = line_width(&piece);
        if cells <= left {
            left = left.saturating_sub(cells + GAP);
            fitting.push(piece);
        } else if fitting.is_empty() && left > 0 {
            fitting.push(cut_line(piece, left));
            left = 0;
        }
    }
    fitting
}

/// `399 ESTABLISHED, 1 LISTEN`, the most frequent first; of one state only its name.
fn states(group: &Group) -> Line {
    let mut states: Vec<_> = group.sum.states().collect();
    states.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let mut line = Line::new();
    for (index, &(state, count)) in states.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let number = if states.len() > 1 {
            format!("{comma}{count} ")
        } else {
            String::new()
        };
        line.push(span(number, Role::Plain));
        line.push(span(state.to_string(), role_of_state(state)));
    }
    line
}

/// `rx 1.2M/s  tx 340k/s`, if anything flows.
fn traffic(group: &Group) -> Option<Line> {
    let rates = group.sum.rates.filter(|rates| rates.total() > 0)?;
    Some(vec![span(rates_text(rates), Role::Plain)])
}

/// `recv-q 120  send-q 4096`, bytes; only sums above zero.
fn queues(group: &Group) -> Option<Line> {
    let sums = [
        ("recv-q", group.sum.receive_queue),
        ("send-q", group.sum.send_queue),
    ];
    let sums = sums.into_iter().filter_map(|(name, sum)| {
        let sum = sum.filter(|&sum| sum > 0)?;
        Some(format!("{name} {sum}"))
    });
    let sums: Vec<_> = sums.collect();
    (!sums.is_empty()).then(|| vec![span(sums.join(" "), Role::Plain)])
}

/// `← python3 client.py ×400`, `← 10.0.0.9 ×250 +12`: the most frequent, and how many others there are.
fn top(tally: &Tally) -> Option<Line> {
    let (name, count) = tally.top.first()?;
    let others = match tally.len() - 1 {
        0 => String::new(),
        others => format!(" +{others}"),
    };
    Some(vec![span(format!("{name} ×{count}{others}"), Role::Dim)])
}

/// `nginx`, `3 programs`; that of a port is beside its key.
fn owners(tally: &Tally, key: &GroupKey) -> Option<Line> {
    let text = match (&tally.top[..], key) {
        ([], _) | ([_], GroupKey::Port(_)) => return None,
        ([(only, _)], _) => only.clone(),
        _ => format!("{} programs", tally.len()),
    };
    Some(vec![span(text, Role::Plain)])
}
