//! The visible rows and their headings, or the sentence in place of rows.

use crate::app::App;
use crate::app::layout::Area;
use crate::app::notices::{LONG, no_answer};
use crate::app::view::{CellView, Click, Part, Role, Scrollbar, mark_role};
use crate::app::views::ViewId;
use crate::columns::{CellContext, ColumnId, Fitted, LocalPeers, cut, width};
use crate::keymap::{Action, TableAction};
use crate::model::{Moment, OwnerKind, ProblemCode, State};
use crate::query::Tab;
use crate::track::{ChangeKind, Mark, Row, TroubleKind};

/// Cells before the first column: the mark and a space.
pub(crate) const MARK_WIDTH: u16 = 2;

/// One row on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowView {
    /// Whether the cursor is on it.
    pub is_selected: bool,
    /// Its recent change.
    pub mark: Option<(Mark, Role)>,
    /// Whether it is in trouble, shown by a `!` where no mark is.
    pub trouble: Option<Role>,
    /// Whether its port is pinned, shown by a `*`.
    pub is_pinned: bool,
    /// Its cells, each exactly as wide as its column.
    pub cells: Vec<CellView>,
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
                role: if is_chosen { Role::Accent } else { Role::Dim },
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
        let view = |row: &Row| {
            let mark = row.mark(context.now, context.highlight);
            let is_selected = Some(row.id) == selected;
            let cell = |fitted| cell(fitted, row, &context, is_selected);
            RowView {
                is_selected,
                is_pinned: self.pinned.has(&row.socket),
                mark: mark.map(|mark| (mark, mark_role(mark))),
                trouble: row.trouble(context.now).map(trouble_role),
                cells: columns.iter().map(cell).collect(),
            }
        };
        self.rows_in_view().map(view).collect()
    }

    pub(crate) fn rows_in_view(&self) -> impl Iterator<Item = &Row> {
        let top = self.rows.cursor.top();
        let height = self.rows_in_sight();
        let lines = self.rows.selection.shown();
        lines.rows_from(top, &self.rows.table).take(height)
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
        let others = Tab::ALL.into_iter().zip(counts);
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
        role if !is_selected => role,
        _ if fitted.column.id == ColumnId::Port => Role::Strong,
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
        (ColumnId::Pid | ColumnId::Process, _) if row.socket.owner.kind() != OwnerKind::Known => {
            Role::Dim
        }
        (ColumnId::Proto | ColumnId::Service | ColumnId::Age | ColumnId::Command, _) => Role::Dim,
        _ => Role::Plain,
    }
}

/// Red is for trouble alone: a state is red once it has lasted too long.
fn state_role(row: &Row, now: Moment) -> Role {
    if let Some(kind) = row.trouble(now) {
        return trouble_role(kind);
    }
    match row.socket.state {
        State::Listen => Role::Good,
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
        TroubleKind::QueueFilling => Role::Warning,
        TroubleKind::QueueFull
        | TroubleKind::CloseWait
        | TroubleKind::SynSent
        | TroubleKind::Orphan => Role::Bad,
    }
}
