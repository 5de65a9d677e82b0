//! Where things are: what the mouse hit, how many rows are in sight.

use crate::app::layout::{Area, Layout, layout};
use crate::app::view::scrollbar::{Part, Scrollbar};
use crate::app::{App, Modal, Pane};
use crate::columns::{Column, ColumnId, Demand, Fitted, fit};
use crate::model::Moment;
use crate::query::Tab;
use crate::track::Row;

/// Cells before the first column: the mark and a space.
pub(super) const MARK_WIDTH: u16 = 2;

impl App {
    /// Where the parts of the screen are.
    pub(in crate::app) fn layout(&self) -> Layout {
        layout(self.size, self.pane_lines(), self.footer_lines())
    }

    /// How many lines a pane takes: a fixed number for each kind, so that the table does not jump
    /// when what is in the pane grows.
    const fn pane_lines(&self) -> u16 {
        match self.pane {
            None => 0,
            Some(Pane::Details) => 14,
            Some(Pane::Events | Pane::Stats) => 10,
            Some(Pane::Bind(_)) => 20,
        }
    }

    /// A menu or question without a word on the keys that answer it would be a trap.
    fn footer_lines(&self) -> u16 {
        match self.modal {
            Modal::Prompt(_) | Modal::Palette(_) => 2,
            // Whoever is asked must see which keys answer, on a small terminal too.
            Modal::GoTo(_) | Modal::Menu(_) | Modal::Question(_) | Modal::Help { .. } => 1,
            Modal::None if !self.port_news.is_empty() => 1,
            Modal::None => self
                .notice
                .as_ref()
                .map_or(0, |notice| notice.height(self.size)),
        }
    }

    /// Rows of the table that fit on the screen.
    pub(in crate::app) fn rows_in_sight(&self) -> usize {
        usize::from(
            layout(self.size, self.pane_lines(), self.footer_lines())
                .rows
                .height,
        )
    }

    /// After the screen changed: the selected row shall be in sight again.
    pub(in crate::app) fn scroll_to_cursor(&mut self) {
        let height = self.rows_in_sight();
        self.cursor
            .follow(&self.table, self.selection.shown(), height);
    }

    /// The rows on the screen.
    pub(in crate::app) fn rows_in_view(&self) -> impl Iterator<Item = &Row> {
        let top = self.cursor.top();
        let height = self.rows_in_sight();
        self.selection
            .shown()
            .iter()
            .skip(top)
            .take(height)
            .map(|&index| &*self.table.rows[index])
    }

    /// The columns on the screen, as wide as the texts in sight make them.
    pub(in crate::app) fn fitted_columns(&self, now: Moment) -> Vec<Fitted> {
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
    fn offered_columns(&self) -> Vec<&'static Column> {
        let is_roomy = self.size.width >= 120;
        let has_peers = self.criteria.tab != Tab::Listening || is_roomy;
        self.columns()
            .filter(|column| !self.hidden_columns.contains(&column.id))
            .filter(|column| column.id != ColumnId::Remote || has_peers)
            .collect()
    }

    /// Whether there are rows beyond those in sight, and a scrollbar that says so. Small terminals
    /// do without.
    fn has_scrollbar(&self) -> bool {
        let height = self.rows_in_sight();
        !self.size.is_compact() && height > 1 && self.selection.shown().len() > height
    }

    /// The scrollbar of the table.
    pub(super) fn table_scrollbar(&self) -> Option<Scrollbar> {
        let rows = self.layout().rows;
        let area = Area {
            x: rows.width.saturating_sub(1),
            width: 1,
            ..rows
        };
        self.has_scrollbar().then_some(())?;
        let (lines, in_sight) = (self.selection.shown().len(), self.rows_in_sight());
        Scrollbar::new(Part::Table, area, lines, in_sight, self.cursor.top())
    }
}
