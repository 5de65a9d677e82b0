//! Which columns are shown and how wide they are, so that nothing moves without a reason.
//!
//! A column is as wide as the widest text that its rows had since one of the things in [`Arranged`] changed: it only
//! grows until the next of these. So neither paging nor a highlighted change nor a row that closes moves a column. When
//! the program starts, owners are still being searched for: their names, units and command lines widen the columns once.

use crate::app::table::view::MARK_WIDTH;
use crate::app::{App, ViewId};
use crate::columns::{Candidate, Column, ColumnId, ColumnList, Fitted, Widest, fit};
use crate::filter::Filter;
use crate::model::{Kinds, NamespaceScope};
use crate::query::Sort;

/// Cells of the arrow behind the title of the column that the rows are sorted by, and of a space.
const ARROW: usize = 2;

/// Why columns have other widths than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WidthReason {
    /// The table has more or fewer cells: another terminal size, or a pane beside it.
    Room,
    /// Another view.
    View,
    /// Another filter.
    Filter,
    /// Other protocols.
    Protocols,
    /// Other network namespaces.
    Namespaces,
    /// Names instead of numbers, or the other way round.
    Names,
    /// Other columns, or in another order.
    Columns,
    /// The rows are sorted by another column.
    Order,
    /// Rows have longer texts than any before, or a text in a column that had none.
    Rows,
}

/// What the widths depend on besides the rows.
#[derive(Clone, Debug, PartialEq)]
struct Arranged {
    room: u16,
    view: ViewId,
    filter: Filter,
    kinds: Kinds,
    namespaces: NamespaceScope,
    names: bool,
    columns: ColumnList,
    sort: Sort,
}

impl Arranged {
    fn reason(&self, before: &Self) -> Option<WidthReason> {
        let reasons = [
            (self.room != before.room, WidthReason::Room),
            (self.view != before.view, WidthReason::View),
            (self.filter != before.filter, WidthReason::Filter),
            (self.kinds != before.kinds, WidthReason::Protocols),
            (
                self.namespaces != before.namespaces,
                WidthReason::Namespaces,
            ),
            (self.names != before.names, WidthReason::Names),
            (self.columns != before.columns, WidthReason::Columns),
            (self.sort != before.sort, WidthReason::Order),
        ];
        let found = reasons.into_iter().find(|&(has_changed, _)| has_changed);
        found.map(|(_, reason)| reason)
    }
}

/// The widest texts since the arrangement changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Widths {
    /// `None` before the start.
    arranged: Option<Arranged>,
    /// `None` before there are rows.
    widest: Option<Widest>,
    /// Whether the arrangement has changed and no row was shown since: the widths of before stay until one is.
    is_outdated: bool,
    /// How often the widths changed.
    changes: u64,
    /// Why they did the last time.
    reason: Option<WidthReason>,
}

impl Widths {
    /// Returns why the widths are others than before, if they are.
    fn update(&mut self, arranged: Arranged, shown: Option<Widest>) -> Option<WidthReason> {
        let before = self.arranged.as_ref();
        let reason = before.and_then(|before| arranged.reason(before));
        self.is_outdated |= reason.is_some();
        if before.is_none() || reason.is_some() {
            self.arranged = Some(arranged);
        }
        let had = self.widest;
        if let Some(shown) = shown {
            let kept = had.filter(|_| !self.is_outdated);
            self.widest = Some(kept.map_or(shown, |kept| kept.max(shown)));
            self.is_outdated = false;
        }
        let by_rows = (self.widest != had).then_some(WidthReason::Rows);
        let reason = reason.or(by_rows)?;
        self.changes += 1;
        self.reason = Some(reason);
        Some(reason)
    }

    /// Cells of the widest text; 0 if there is none.
    pub fn widest(&self, column: ColumnId) -> u16 {
        self.widest.map_or(0, |widest| widest.get(column))
    }

    /// Whether any row has a text there. Before there are rows, the main columns are shown.
    fn has_text(&self, column: &Column) -> bool {
        if let Some(widest) = self.widest {
            return widest.get(column.id) > 0;
        }
        let is_main = column.priority <= 4;
        is_main && !matches!(column.id, ColumnId::Remote | ColumnId::Namespace)
    }
}

/// Columns of the menu that are on and not on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    NoRoom,
    NoText,
}

impl App {
    /// How often columns got other widths, or there were others, and why the last time.
    pub const fn width_changes(&self) -> (u64, Option<WidthReason>) {
        (self.rows.widths.changes, self.rows.widths.reason)
    }

    /// Notes what the widths depend on, after each message.
    pub(crate) fn refresh_widths(&mut self) {
        let rows = &self.rows;
        let arranged = Arranged {
            room: self.table_room(),
            view: self.current_view(),
            filter: rows.criteria.filter.clone(),
            kinds: rows.criteria.kinds,
            namespaces: rows.criteria.namespaces,
            names: rows.names,
            columns: rows.columns.clone(),
            sort: rows.criteria.sort,
        };
        let scope = rows.criteria.namespaces;
        // Beside other namespaces, which have the names of their containers, a container has no column unless it is more.
        let is_said = scope != NamespaceScope::Own && !rows.selection.has_containers();
        // Services are not shown as numbers, and a column of nothing but zeros says nothing.
        let valueless = [
            (!rows.names, ColumnId::Service),
            (!rows.table.connections.are_any_accepted(), ColumnId::Conns),
            (scope != NamespaceScope::All, ColumnId::Namespace),
            (is_said, ColumnId::Container),
        ];
        let valueless = valueless.into_iter().filter(|&(is_so, _)| is_so);
        let shown = rows.selection.widest();
        let shown = shown.map(|shown| valueless.fold(shown, |shown, (_, id)| shown.without(id)));
        let Some(reason) = self.rows.widths.update(arranged, shown) else {
            return;
        };
        if matches!(reason, WidthReason::View | WidthReason::Columns) {
            self.rows.skipped = 0;
        }
        self.refresh_columns_menu();
    }

    /// The columns on the screen.
    pub(crate) fn fitted_columns(&self) -> Vec<Fitted> {
        let (rows, widths) = (&self.rows, &self.rows.widths);
        let candidate = |column: &'static Column| {
            let is_sorted = column.id == rows.criteria.sort.by;
            let title = if is_sorted {
                column.title.len() + ARROW
            } else {
                0
            };
            Candidate {
                column,
                widest: widths
                    .widest(column.id)
                    .max(u16::try_from(title).unwrap_or(0)),
                is_chosen: rows.columns.is_chosen(column.id),
            }
        };
        let candidates = rows.columns.shown().map(candidate);
        let candidates = candidates.filter(|one| {
            one.is_chosen || !one.column.is_optional() || widths.has_text(one.column)
        });
        fit(&candidates.collect::<Vec<_>>(), self.table_room())
    }

    /// Why a column that is on is not on the screen.
    pub(crate) fn absence(&self, id: ColumnId) -> Option<Absent> {
        let is_on = !self.rows.columns.is_hidden(id);
        let mut shown = self.fitted_columns().into_iter();
        if !is_on || shown.any(|one| one.column.id == id) {
            return None;
        }
        let is_chosen = self.rows.columns.is_chosen(id);
        let has_text = self.rows.widths.widest(id) > 0;
        Some(if is_chosen || has_text {
            Absent::NoRoom
        } else {
            Absent::NoText
        })
    }

    /// Cells for the columns. The scrollbar has its cell also while all rows fit, so that a new row moves nothing.
    fn table_room(&self) -> u16 {
        let taken = MARK_WIDTH + u16::from(!self.size.is_compact());
        self.layout().rows.width.saturating_sub(taken)
    }
}
