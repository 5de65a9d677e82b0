//! The content of the screen, ready to be drawn: text, its position and its meaning.
//!
//! A [`View`] is immutable and contains everything that drawing needs. Equal views look the same, so that nothing is
//! written to the terminal when nothing changed.

pub(crate) mod bars;
mod footer;
mod header;
pub(crate) mod line;
pub(crate) mod plain;
pub(crate) mod scrollbar;
mod trouble;

use std::ops::Range;
use std::time::Duration;

pub use crate::app::mouse::clicks::{Click, Target};
pub use crate::app::table::view::{RowSign, RowView};
pub use crate::theme::Role;
pub use line::{Line, Span};
pub(crate) use line::{cut_line, hanging, line_width, raw_span, span, widest, wrapped};
pub use scrollbar::{Part, Scrollbar};

use crate::app::layout::{Area, Layout};
use crate::app::{App, Pane, Size};
use crate::columns::next_age_change;
use crate::model::Moment;
use crate::model::duration::countdown_changes_in;
use crate::theme::{Glyphs, Styles};
use crate::track::Mark;

/// The pane beside the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneView {
    /// Title in its border, left.
    pub title: String,
    /// Hints in its border, right.
    pub hint: Line,
    /// The visible lines.
    pub lines: Vec<Line>,
    /// Whether it has the keys.
    pub is_focused: bool,
    /// The line under the cursor.
    pub selected: Option<usize>,
}

/// A menu, question or the help, in the middle of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayView {
    /// Title.
    pub title: String,
    /// Its area with the border.
    pub area: Area,
    /// The visible lines, at most as wide as the area inside.
    pub lines: Vec<Line>,
    /// The line under the cursor.
    pub selected: Option<usize>,
    /// The choices on its first lines, one each.
    pub choices: Range<usize>,
}

/// Text at a column of a line: a tab, a heading, a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellView {
    /// First cell of the terminal.
    pub x: u16,
    /// The text; that of headings and cells is exactly as wide as the column.
    pub text: String,
    /// Its meaning.
    pub role: Role,
    /// Whether it is the tab of the current view, or the heading of the column sorted by.
    pub is_chosen: bool,
    /// What a click on it does; cells have the click of their row.
    pub click: Option<Click>,
}

/// The whole screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Size of the terminal.
    pub size: Size,
    /// The areas of its parts.
    pub layout: Layout,
    /// First line, left-aligned.
    pub header: Line,
    /// First line, right-aligned.
    pub header_right: Line,
    /// The line below it: the timeline of the history.
    pub timeline: Line,
    /// The line below that: what is in trouble.
    pub trouble: Line,
    /// The views.
    pub tabs: Vec<CellView>,
    /// The current filter, right-aligned.
    pub filter: Line,
    /// Headings.
    pub titles: Vec<CellView>,
    /// Visible rows.
    pub rows: Vec<RowView>,
    /// The sentence shown instead of rows.
    pub empty: Option<String>,
    /// The open pane.
    pub pane: Option<PaneView>,
    /// The lines at the bottom.
    pub footer: Vec<Line>,
    /// Position of the text cursor while text is typed.
    pub cursor: Option<(u16, u16)>,
    /// What is drawn over the table.
    pub overlay: Option<OverlayView>,
    /// Scrollbars of parts with more lines than fit.
    pub scrollbars: Vec<Scrollbar>,
    /// Clickable areas; a later one covers an earlier one.
    pub targets: Vec<Target>,
    /// The style of each role.
    pub styles: Styles,
    /// The characters to draw with.
    pub glyphs: Glyphs,
}

impl App {
    /// The screen at `now`.
    pub fn view(&self, now: Moment) -> View {
        let layout = self.layout();
        let (header, header_right) = self.header(now, layout.header.width);
        let (footer, cursor) = self.footer(&layout, now);
        let columns = self.fitted_columns();
        let rows = self.row_views(&columns, now);
        let (overlay, overlay_bar) = self.overlay().unzip();
        let (pane, pane_bar) = self.pane_view(&layout, now).unzip();
        let (pane_bar, overlay_bar) = (pane_bar.flatten(), overlay_bar.flatten());
        let bars = [self.table_scrollbar(), pane_bar, overlay_bar];
        let mut view = View {
            size: self.size,
            header,
            header_right,
            timeline: self.timeline_line(),
            trouble: self.trouble_text(now, layout.trouble),
            tabs: self.tab_views(),
            filter: self.filter_line(layout.tabs.width),
            titles: self.title_views(&columns),
            empty: rows.is_empty().then(|| line::cleaned(self.why_empty(now))),
            rows,
            pane,
            footer,
            cursor,
            overlay,
            styles: self.styles(),
            glyphs: self.environment.glyphs,
            layout,
            scrollbars: bars.into_iter().flatten().collect(),
            targets: Vec::new(),
        };
        view.targets = self.targets(&view);
        view
    }

    /// How long the screen stays up to date without input or data; `None`: forever.
    pub fn next_wake(&self, now: Moment) -> Option<Duration> {
        let notice = self.notices_change_in(now);
        let pane = match &self.dock.pane {
            Some(Pane::Bind(pane)) => pane.wakes_in(now),
            _ => None,
        };
        let mut due = vec![notice, self.header_changes_in(now), pane];
        // The time of a recording advances with its snapshots only.
        if !self.is_at_rest() {
            let expires = self.rows.selection.next_due(now);
            due.push(expires.map(|at| at.saturating_sub(now.steady).max(SOONEST)));
            let shown_at = self.shown_at(now);
            let rows = self.rows_in_view();
            due.push(rows.map(|row| next_age_change(row, shown_at)).min());
            due.push(self.trouble_changes_in(shown_at));
            if matches!(self.dock.pane, Some(Pane::Details)) {
                let ends_at = self.selected().and_then(|row| row.ends_at);
                let left = ends_at.and_then(|at| at.checked_sub(now.steady));
                due.push(left.and_then(countdown_changes_in));
            }
        }
        due.into_iter().flatten().min().map(|due| due + TICK)
    }
}

/// The most lines of a pane.
pub(crate) const MAX_LINES: usize = 1000;

/// Rows that run out within this time do so together: with a filter for ages each of many may have its own moment.
const SOONEST: Duration = Duration::from_millis(50);

/// Wakes slightly after the exact moment.
const TICK: Duration = Duration::from_millis(5);

pub(crate) const fn mark_role(mark: Mark) -> Role {
    match mark {
        Mark::Opened => Role::Good,
        Mark::Changed => Role::Warning,
        Mark::Closed => Role::Bad,
    }
}
