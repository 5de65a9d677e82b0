//! The visible rows and their headings, or the sentence in place of rows.

use crate::app::App;
use crate::app::layout::Area;
use crate::app::notices::{LONG, no_answer};
use crate::app::view::{CellView, Click, Part, Role, Scrollbar, mark_role};
use crate::app::views::ViewId;
use crate::columns::{CellContext, ColumnId, Fitted, LocalPeers, cut, width};
use crate::keymap::{Action, TableAction};
use crate::model::{Moment, OwnerKind, ProblemCode, State};
use crate::query::{Line, Tab};
use crate::track::{ChangeKind, Mark, Row, TroubleKind};

/// Cells before the first column: the mark and a space.
pub(crate) const MARK_WIDTH: u16 = 2;

/// One line of the table on the screen: a row, or a group of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowView {
    /// Whether the cursor is on it.
    pub is_selected: bool,
    /// Its recent change.
    pub mark: Option<(Mark, Role)>,
    /// Whether it is in trouble, shown by a `!` where no mark is.
    pub trouble: Option<Role>,
    /// Whether it matches what is being found: its text is underlined.
    pub is_match: bool,
    /// What its second cell shows.
    pub sign: Option<RowSign>,
    /// Its cells, those of a row each exactly as wide as its column.
    pub cells: Vec<CellView>,
}

/// What the second cell of a line shows: the first of these that is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSign {
    /// A `✓`: the user has marked it, or all rows of the group.
    Marked,
    /// A `*`: its port is pinned, or one of the group.
    Pinned,
    /// A `›`: it matches what is being found.
    Match,
    /// A line: it is within a group.
    InGroup,
}

impl RowSign {
    /// The most important of these signs.
    pub(crate) fn of(signs: [(bool, Self); 4]) -> Option<Self> {
        let mut signs = signs.into_iter().filter(|(is_there, _)| *is_there);
        signs.next().map(|(_, sign)| sign)
    }
}

impl App {
    pub(crate) fn cell_context(&self, now: Moment) -> CellContext<'_> {
        CellContext {
            table: &self.rows.table,
            now: self.shown_at(now),
            highlight: self.settings.highlight,
            names: self.rows.names,
            local_peers: LocalPeers::Process,
            has_user: false,
            room: usize::MAX,
            skipped: self.skipped_cells(),
        }
    }

    pub(crate) fn title_views(&self, columns: &[Fitted]) -> Vec<CellView> {
        let sort = self.rows.criteria.sort;
        let arrow = if sort.descending { "▼" } else { "▲" };
        let view = |fitted: &Fitted| {
            let is_chosen = fitted.column.id == sort.by;
            let room = usize::from(fitted.width);
            let title = fitted.column.title;
            let text = if !is_chosen {
                cut(title, room)
            } else if width(title) + 2 <= room {
                format!("{title} {arrow}")
            } else {
                format!("{}{arrow}", cut(title, room.saturating_sub(1)))
            };
            CellView {
                x: MARK_WIDTH + fitted.x,
                text: fitted.column.align.pad(&text, room),
                role: if is_chosen {
                    Role::Accent
                } else {
                    Role::Strong
                },
                is_chosen,
                click: Some(Click::Sort(fitted.column.id)),
            }
        };
        columns.iter().map(view).collect()
    }

    pub(crate) fn row_views(&self, columns: &[Fitted], now: Moment) -> Vec<RowView> {
        let context = CellContext {
            has_user: columns.iter().any(|one| one.column.id == ColumnId::User),
            ..self.cell_context(now)
        };
        let selected = self.selected().map(|row| row.id);
        let find = self.rows.find.as_ref();
        let listing = self.rows.selection.shown();
        let is_grouped = listing.fields().is_some();
        let view = |row: &Row, place| {
            let is_match = find.is_some_and(|find| find.matches(place));
            let mark = row.mark(context.now, context.highlight);
            let is_selected = Some(row.id) == selected;
            let is_marked = self.rows.marks.has(row.id);
            let cell = |fitted| {
                let cell = cell(fitted, row, &context, is_selected);
                if is_marked { of_marked_row(cell) } else { cell }
            };
            RowView {
                is_selected,
                sign: RowSign::of([
                    (is_marked, RowSign::Marked),
                    (self.pinned.has(&row.socket), RowSign::Pinned),
                    (is_match, RowSign::Match),
                    (is_grouped, RowSign::InGroup),
                ]),
                mark: mark.map(|mark| (mark, mark_role(mark))),
                trouble: row.trouble(context.now).map(trouble_role),
                is_match,
                cells: columns.iter().map(cell).collect(),
            }
        };
        let top = self.rows.cursor.top();
        let lines = self.lines_in_view().zip(top..);
        let view = |(line, place)| match line {
            Line::Row(at) => view(&self.rows.table.rows[at], place),
            Line::Group(at) => self.group_view(at, &listing.groups()[at], place),
        };
        lines.map(view).collect()
    }

    fn lines_in_view(&self) -> impl Iterator<Item = Line> {
        let top = self.rows.cursor.top();
        let listing = self.rows.selection.shown();
        listing.lines_from(top).take(self.rows_in_sight())
    }

    pub(crate) fn rows_in_view(&self) -> impl Iterator<Item = &Row> {
        self.lines_in_view().filter_map(|line| match line {
            Line::Row(at) => Some(&*self.rows.table.rows[at]),
            Line::Group(_) => None,
        })
    }

    /// If more rows than fit are shown on a terminal with room for it.
    pub(crate) fn table_scrollbar(&self) -> Option<Scrollbar> {
        let rows = self.layout().rows;
        let area = Area {
            x: (rows.x + rows.width).saturating_sub(1),
            width: 1,
            ..rows
        };
        let (lines, visible) = (self.rows.selection.shown().len(), self.rows_in_sight());
        let bar = || Scrollbar::new(Part::Table, area, lines, visible, self.rows.cursor.top());
        (!self.size.is_compact()).then(bar).flatten()
    }

    /// Why there are no rows.
    pub(crate) fn why_empty(&self, now: Moment) -> String {
        if !self.rows.has_snapshot {
            // Before the first table, its age is that of the program.
            let age = self.rows.table.taken_at.age(now);
            return match &self.rows.failure {
                Some(why) => why.clone(),
                None if age < LONG => "Reading the sockets…".into(),
                None => format!("Reading the sockets… {}", no_answer(age)),
            };
        }
        if let Some(message) = self.unread() {
            return message;
        }
        let (keymap, criteria) = (&self.settings.keymap, &self.rows.criteria);
        let elsewhere = self.rows_elsewhere();
        if self.hidden_protocols().next().is_some() {
            let remedy = match &self.keys_of_hidden_protocols()[..] {
                [] => String::new(),
                [one] => format!(": {one} shows it again"),
                keys => format!(": {} show them again", keys.join(" and ")),
            };
            return format!("No rows while a protocol is off{remedy}.{elsewhere}");
        }
        let unread = criteria.filter.kinds().without(criteria.kinds);
        if let Some(other) = unread.iter().next() {
            let key = keymap.key(Action::Table(TableAction::ChooseKinds));
            let remedy = key.map_or(String::new(), |key| format!(": {key} chooses the kinds"));
            return format!("{} sockets are not read{remedy}.{elsewhere}", other.name());
        }
        if criteria.filter.is_empty() {
            return match criteria.tab {
                Tab::Listening => format!("Nothing is listening.{elsewhere}"),
                Tab::Connections => format!("No connections.{elsewhere}"),
                Tab::All => "No sockets.".into(),
                Tab::Changes => format!("Nothing has changed yet.{elsewhere}"),
                Tab::Trouble => format!("No row is in trouble.{elsewhere}"),
            };
        }
        let all = self.rows.selection.counts().unfiltered;
        let back = keymap.key(Action::Back);
        let remedy = back.map_or(String::new(), |key| format!(" {key} shows all {all}."));
        format!("Nothing matches `{}`.{remedy}{elsewhere}", criteria.filter)
    }

    /// The message of a problem that can be the reason: a part of the table is unreadable.
    fn unread(&self) -> Option<String> {
        let kinds = self.rows.criteria.kinds;
        let mut problems = self.rows.table.problems.iter();
        let unread = problems.find(|problem| match problem.code {
            ProblemCode::TableUnreadable => true,
            ProblemCode::NotListed => kinds.optional() == kinds,
            _ => false,
        });
        unread.map(|problem| problem.message.to_string())
    }

    /// ` 2 Connections has 400, 3 All has 400.`
    fn rows_elsewhere(&self) -> String {
        let counts = self.rows.selection.counts().by_tab;
        let others = Tab::NUMBERED.into_iter().zip(counts);
        let others = others.filter(|&(tab, count)| tab != self.rows.criteria.tab && count > 0);
        let text = |(tab, count)| format!("{} has {count}", self.tab_text(ViewId::Tab(tab)));
        let others: Vec<_> = others.map(text).collect();
        if others.is_empty() {
            return String::new();
        }
        format!(" {}.", others.join(", "))
    }
}

/// The selected row has one role, except for changes and errors.
fn cell(fitted: &Fitted, row: &Row, context: &CellContext<'_>, is_selected: bool) -> CellView {
    let text = fitted.column.cell(row, context, usize::from(fitted.width));
    let role = match role(fitted.column.id, row, context, &text) {
        role @ (Role::Warning | Role::Bad) => role,
        role if !is_selected || role == Role::Strong => role,
        _ => Role::Plain,
    };
    CellView {
        x: MARK_WIDTH + fitted.x,
        text: fitted.render(&text),
        role,
        is_chosen: false,
        click: None,
    }
}

/// A marked row or group has one role, except for changes, errors and what is dim.
pub(crate) fn of_marked_row(cell: CellView) -> CellView {
    let role = match cell.role {
        role @ (Role::Warning | Role::Bad | Role::Dim) => role,
        _ => Role::Accent,
    };
    CellView { role, ..cell }
}

/// Colour shows changes and states. A closed row is dim, only its mark is red.
fn role(column: ColumnId, row: &Row, context: &CellContext<'_>, text: &str) -> Role {
    let mark = row.mark(context.now, context.highlight);
    let change = row.change.as_ref().filter(|_| mark.is_some());
    match (column, change.map(|change| &change.kind)) {
        (_, Some(ChangeKind::Closed)) => Role::Dim,
        (ColumnId::State, Some(ChangeKind::State { .. }))
        | (ColumnId::Process | ColumnId::Pid, Some(ChangeKind::Owner { .. })) => Role::Warning,
        (ColumnId::State, _) => state_role(row, context.now),
        _ if row.socket.state == State::TimeWait || text == "–" => Role::Dim,
        (ColumnId::Port, Some(ChangeKind::Opened)) => Role::Good,
        (ColumnId::Port, _) => Role::Strong,
        _ if is_usual(column, row, text) => Role::Dim,
        (ColumnId::Pid | ColumnId::Process, _) if row.socket.owner.kind() != OwnerKind::Known => {
            Role::Dim
        }
        (ColumnId::Proto | ColumnId::Service | ColumnId::Age, _) => Role::Dim,
        _ => Role::Plain,
    }
}

/// Whether a value is one that most rows have, so that others stand out: zero, root, an address of this machine.
fn is_usual(column: ColumnId, row: &Row, text: &str) -> bool {
    let (local, remote) = (row.socket.local, row.socket.remote);
    match column {
        ColumnId::Local => local.to_canonical().address.is_loopback(),
        // The process at the other end says more than its address.
        ColumnId::Remote => {
            let remote = remote.map(|remote| remote.to_canonical().address);
            remote.is_some_and(|remote| remote.is_loopback()) && !text.contains('→')
        }
        ColumnId::User => row.socket.uid == Some(0),
        ColumnId::Namespace => row.socket.is_own(),
        ColumnId::Conns
        | ColumnId::RecvQ
        | ColumnId::SendQ
        | ColumnId::RxRate
        | ColumnId::TxRate
        | ColumnId::Rx
        | ColumnId::Tx
        | ColumnId::Retr
        | ColumnId::Drops => text == "0",
        ColumnId::Proto
        | ColumnId::Port
        | ColumnId::Service
        | ColumnId::State
        | ColumnId::Pid
        | ColumnId::Process
        | ColumnId::Unit
        | ColumnId::Container
        | ColumnId::Age
        | ColumnId::Rtt
        | ColumnId::Idle
        | ColumnId::Project
        | ColumnId::Branch
        | ColumnId::Started
        | ColumnId::Command => false,
    }
}

/// Red is for trouble alone: a state is red once it has lasted too long.
fn state_role(row: &Row, now: Moment) -> Role {
    if let Some(kind) = row.trouble(now) {
        return trouble_role(kind);
    }
    role_of_state(row.socket.state)
}

/// The colour of a state without trouble.
pub(crate) const fn role_of_state(state: State) -> Role {
    match state {
        State::Listen | State::Dnat => Role::Good,
        State::Established => Role::Busy,
        State::Bound | State::SynSent | State::SynRecv | State::CloseWait => Role::Plain,
        State::FinWait1
        | State::FinWait2
        | State::Closing
        | State::LastAck
        | State::TimeWait
        | State::Closed
        | State::Unconn => Role::Dim,
    }
}

/// A queue that is not full yet is only a warning.
pub(crate) const fn trouble_role(kind: TroubleKind) -> Role {
    match kind {
        TroubleKind::QueueFilling | TroubleKind::Lossy => Role::Warning,
        TroubleKind::QueueFull
        | TroubleKind::QueueDropping
        | TroubleKind::PeerSilent
        | TroubleKind::PeerNotReading
        | TroubleKind::NotReading
        | TroubleKind::PacketsDropped
        | TroubleKind::CloseWait
        | TroubleKind::SynSent
        | TroubleKind::Orphan => Role::Bad,
    }
}
