//! The rows in sight and their headings.

use crate::app::App;
use crate::app::layout::Area;
use crate::app::layout::Layout;
use crate::app::view::{Part, Scrollbar};
use crate::app::view::{Role, mark_role};
use crate::columns::{CellContext, ColumnId, Fitted, width};
use crate::columns::{Column, Demand, fit};
use crate::model::{AcceptQueue, Fill, Moment, OwnerKind, State};
use crate::query::Tab;
use crate::track::{ChangeKind, Mark, Row};

/// Cells before the first column: the mark and a space.
pub(crate) const MARK_WIDTH: u16 = 2;

/// The heading of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitleView {
    /// First cell.
    pub x: u16,
    /// Exactly as wide as its column.
    pub text: String,
    /// Whether the table is sorted by it.
    pub is_sorted: bool,
    /// The column.
    pub column: ColumnId,
}

/// One row on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowView {
    /// Whether the cursor is on it.
    pub is_selected: bool,
    /// What happened to it a moment ago.
    pub mark: Option<(Mark, Role)>,
    /// Whether its port is watched, which a `*` says.
    pub is_pinned: bool,
    /// Its cells, each exactly as wide as its column.
    pub cells: Vec<CellView>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellView {
    /// First cell of the terminal.
    pub x: u16,
    /// Text, cut and padded.
    pub text: String,
    /// What it means.
    pub role: Role,
}

impl App {
    pub(crate) fn cell_context(&self, now: Moment) -> CellContext {
        CellContext {
            now: self.shown_at(now),
            highlight: self.settings.highlight,
            names: self.rows.names,
            has_user: false,
            brief: false,
        }
    }

    pub(crate) fn title_views(&self, columns: &[Fitted]) -> Vec<TitleView> {
        let sort = self.rows.criteria.sort;
        let arrow = if sort.descending { "▼" } else { "▲" };
        let view = |fitted: &Fitted| {
            let is_sorted = fitted.column.id == sort.by;
            let room = usize::from(fitted.width);
            let title = fitted.column.title;
            let text = if is_sorted && width(title) + 2 <= room {
                format!("{title} {arrow}")
            } else if is_sorted {
                format!(
                    "{}{arrow}",
                    crate::columns::cut(title, room.saturating_sub(1))
                )
            } else {
                crate::columns::cut(title, room)
            };
            let text = fitted.column.align.pad(&text, room);
            TitleView {
                x: MARK_WIDTH + fitted.x,
                text,
                is_sorted,
                column: fitted.column.id,
            }
        };
        columns.iter().map(view).collect()
    }

    pub(crate) fn row_views(
        &self,
        columns: &[Fitted],
        layout: &Layout,
        now: Moment,
    ) -> Vec<RowView> {
        let context = CellContext {
            has_user: columns.iter().any(|one| one.column.id == ColumnId::User),
            ..self.cell_context(now)
        };
        let selected = self.rows.cursor.selected();
        self.rows_in_view()
            .take(usize::from(layout.rows.height))
            .map(|row| {
                let mark = row.mark(context.now, context.highlight);
                let is_selected = Some(row.id) == selected;
                let cell = |fitted| cell(fitted, row, &context, is_selected);
                RowView {
                    is_selected,
                    is_pinned: self.pinned.has(&row.socket),
                    mark: mark.map(|mark| (mark, mark_role(mark))),
                    cells: columns.iter().map(cell).collect(),
                }
            })
            .collect()
    }

    /// The rows on the screen.
    pub(crate) fn rows_in_view(&self) -> impl Iterator<Item = &Row> {
        let top = self.rows.cursor.top();
        let height = self.rows_in_sight();
        self.rows
            .selection
            .shown()
            .iter()
            .skip(top)
            .take(height)
            .map(|&index| &*self.rows.table.rows[index])
    }

    /// The columns on the screen, as wide as the texts in sight make them.
    pub(crate) fn fitted_columns(&self, now: Moment) -> Vec<Fitted> {
        let taken = MARK_WIDTH + u16::from(self.has_scrollbar());
        let room = self.size.width.saturating_sub(taken);
        let offered = self.offered_columns();
        let context = self.cell_context(now);
        fit(&offered, room, |column| {
            let has_varied_texts = matches!(
                column.id,
                ColumnId::State
                    | ColumnId::Pid
                    | ColumnId::Process
                    | ColumnId::Local
                    | ColumnId::Remote
            );
            if !has_varied_texts {
                return Demand::default();
            }
            let demands = self.rows_in_view().map(|row| column.demand(row, &context));
            demands.fold(Demand::default(), Demand::max)
        })
    }

    /// The columns that the view offers. Where nothing has a peer, the column for it waits until there
    /// is room to spare.
    pub(crate) fn offered_columns(&self) -> Vec<&'static Column> {
        let is_roomy = self.size.width >= 120;
        let has_peers = self.rows.criteria.tab != Tab::Listening || is_roomy;
        self.columns()
            .filter(|column| !self.rows.hidden_columns.contains(&column.id))
            .filter(|column| column.id != ColumnId::Remote || has_peers)
            .collect()
    }

    /// Whether there are rows beyond those in sight, and a scrollbar that says so. Small terminals
    /// do without.
    pub(crate) fn has_scrollbar(&self) -> bool {
        let height = self.rows_in_sight();
        !self.size.is_compact() && height > 1 && self.rows.selection.shown().len() > height
    }

    /// The scrollbar of the table.
    pub(crate) fn table_scrollbar(&self) -> Option<Scrollbar> {
        let rows = self.layout().rows;
        let area = Area {
            x: rows.width.saturating_sub(1),
            width: 1,
            ..rows
        };
        self.has_scrollbar().then_some(())?;
        let (lines, in_sight) = (self.rows.selection.shown().len(), self.rows_in_sight());
        Scrollbar::new(Part::Table, area, lines, in_sight, self.rows.cursor.top())
    }
}

/// The selected row is of one piece, but for what changed or is wrong.
fn cell(fitted: &Fitted, row: &Row, context: &CellContext, is_selected: bool) -> CellView {
    let text = fitted.column.cell(row, context, usize::from(fitted.width));
    let role = match (
        role(fitted.column.id, row, context, &text),
        fitted.column.id,
    ) {
        (role @ (Role::Warning | Role::Bad), _) => role,
        (_, ColumnId::Port) if is_selected => Role::Strong,
        _ if is_selected => Role::Plain,
        (role, _) => role,
    };
    CellView {
        x: MARK_WIDTH + fitted.x,
        text: fitted.render(&text),
        role,
    }
}

/// Colour marks change and state: a closed row is red all over, the rest speaks by its state.
fn role(column: ColumnId, row: &Row, context: &CellContext, text: &str) -> Role {
    let mark = row.mark(context.now, context.highlight);
    let changed = row
        .change
        .as_ref()
        .filter(|_| mark.is_some())
        .map(|change| &change.kind);
    match (column, changed) {
        (_, Some(ChangeKind::Closed)) => Role::Bad,
        (ColumnId::State, Some(ChangeKind::State { .. }))
        | (ColumnId::Process | ColumnId::Pid, Some(ChangeKind::Owner { .. })) => Role::Warning,
        (ColumnId::State, _) => state_role(row),
        _ if is_faded(row) || text == "–" => Role::Dim,
        (ColumnId::Port, Some(ChangeKind::Opened)) => Role::Good,
        (ColumnId::Pid | ColumnId::Process, _) if row.socket.owner.kind() != OwnerKind::Known => {
            Role::Dim
        }
        (ColumnId::Proto | ColumnId::Service | ColumnId::Age | ColumnId::Command, _) => Role::Dim,
        _ => Role::Plain,
    }
}

fn state_role(row: &Row) -> Role {
    let is_left = matches!(row.socket.owner.kind(), OwnerKind::Past | OwnerKind::None);
    let is_orphan = is_left && row.socket.inode.is_none();
    match row.socket.state {
        State::Listen => match AcceptQueue::of(&row.socket).map(AcceptQueue::fill) {
            Some(Fill::Full) => Role::Bad,
            Some(Fill::Filling) => Role::Warning,
            Some(Fill::Roomy) | None => Role::Good,
        },
        State::Established => Role::Busy,
        State::CloseWait => Role::Bad,
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck if is_orphan => {
            Role::Bad
        }
        State::TimeWait
        | State::FinWait1
        | State::FinWait2
        | State::Closing
        | State::LastAck
        | State::Closed
        | State::Unconn => Role::Dim,
        State::Bound | State::SynSent | State::SynRecv => Role::Plain,
    }
}

/// A row that only waits to be forgotten.
fn is_faded(row: &Row) -> bool {
    row.socket.state == State::TimeWait
}
