//! A focused pane: it has the keys, a cursor on one of its lines, and may take the place of the table.

use crate::app::App;
use crate::app::layout::Area;
use crate::app::panes::Pane;
use crate::app::view::Click;
use crate::keymap::MoveAction;
use crate::model::Moment;
use crate::track::RowId;

#[derive(Clone, Debug, Default)]
pub(crate) struct Focus {
    /// The line under the cursor, counted from the first line that scrolls.
    pub line: usize,
    /// Whether the pane takes the place of the table.
    pub is_zoomed: bool,
    /// The text that is searched; empty: none.
    pub search: String,
}

impl App {
    /// Gives the keys to the open pane; opens the details if none is open.
    pub(crate) fn focus_pane(&mut self) {
        if self.dock.pane.is_none() {
            self.set_pane(Some(Pane::Details));
        }
        let line = self.dock.scroll;
        self.dock.focus.get_or_insert_with(|| Focus {
            line,
            ..Focus::default()
        });
    }

    /// Gives the keys back to the table. The pane stays open.
    pub(crate) fn leave_pane(&mut self) {
        self.dock.focus = None;
    }

    pub(super) fn zoom_pane(&mut self) {
        self.focus_pane();
        if let Some(focus) = &mut self.dock.focus {
            focus.is_zoomed = !focus.is_zoomed;
        }
    }

    pub(crate) fn move_in_pane(&mut self, action: MoveAction, now: Moment) {
        if let Some((content, visible)) = self.open_content(now) {
            let (line, last) = self.cursor_line(content.body().len());
            let to = line.saturating_add_signed(action.lines(visible.max(2) - 1));
            self.put_cursor(to.min(last), visible);
        }
    }

    /// The line under the cursor of a focused pane with so many lines that scroll, and the last of them.
    pub(super) fn cursor_line(&self, lines: usize) -> (usize, usize) {
        let last = lines.saturating_sub(1);
        let line = self.dock.focus.as_ref().map_or(0, |focus| focus.line);
        (line.min(last), last)
    }

    /// The first visible of so many lines that scroll: the cursor is visible, whatever has changed since it moved.
    pub(super) fn pane_top(&self, lines: usize, visible: usize) -> usize {
        let scroll = self.dock.scroll.min(lines.saturating_sub(visible));
        if self.dock.focus.is_none() {
            return scroll;
        }
        let (line, _) = self.cursor_line(lines);
        (scroll.min(line)).max((line + 1).saturating_sub(visible.max(1)))
    }

    /// Puts the cursor on this line, and scrolls only as far as needed.
    pub(super) fn put_cursor(&mut self, line: usize, visible: usize) {
        self.stop_following_in_pane();
        if let Some(focus) = &mut self.dock.focus {
            focus.line = line;
            let scroll = self.dock.scroll.min(line);
            self.dock.scroll = scroll.max((line + 1).saturating_sub(visible.max(1)));
        }
    }

    /// Scrolls by so many lines. The cursor moves only as far as needed to stay visible.
    pub(crate) fn scroll_pane(&mut self, by: isize, now: Moment) {
        if let Some((content, visible)) = self.open_content(now) {
            let top = self.pane_top(content.body().len(), visible);
            self.scroll_pane_to(top.saturating_add_signed(by), now);
        }
    }

    pub(crate) fn scroll_pane_to(&mut self, top: usize, now: Moment) {
        self.stop_following_in_pane();
        let Some((content, visible)) = self.open_content(now) else {
            return;
        };
        let scroll = top.min(content.body().len().saturating_sub(visible));
        self.dock.scroll = scroll;
        if let Some(focus) = &mut self.dock.focus {
            focus.line = focus.line.clamp(scroll, scroll + visible.max(1) - 1);
        }
    }

    /// Focuses the pane and puts the cursor on the line at this row of the screen, if one is there.
    pub(crate) fn focus_line_at(&mut self, row: u16, now: Moment) {
        self.focus_pane();
        let layout = self.layout();
        let Area { y, .. } = layout.pane_lines();
        let Some((content, visible)) = self.open_content(now) else {
            return;
        };
        let above = content.head + usize::from(!layout.has_borders);
        let at = usize::from(row).checked_sub(usize::from(y) + above);
        let scroll = self.pane_top(content.body().len(), visible);
        let line = at.filter(|&at| at < visible).map(|at| scroll + at);
        if let Some(line) = line.filter(|&line| line < content.body().len()) {
            self.put_cursor(line, visible);
        }
    }

    /// Performs the first click of the line under the cursor.
    pub(super) fn go_to_row_of_line(&mut self, now: Moment) {
        let Some((content, _)) = self.open_content(now) else {
            return;
        };
        let (line, _) = self.cursor_line(content.body().len());
        let mut spans = content.body().get(line).into_iter().flatten();
        let click = spans.find_map(|span| span.click);
        match click {
            Some(Click::GoToRow(id)) => self.go_to_row(id, now),
            Some(Click::GoTo(at)) => {
                self.leave_pane();
                self.go_to_blocker(at, now);
            }
            Some(Click::Do(action)) => self.perform(action, now),
            _ => self.warn("this line belongs to no row", now),
        }
    }

    /// Selects this row, and gives the keys to the table. If it is not shown, view and filter are reset first.
    pub(crate) fn go_to_row(&mut self, id: RowId, now: Moment) {
        match self.rows.table.position(id) {
            Some(at) => {
                self.leave_pane();
                self.show_row(at, now);
            }
            None => self.warn("its row is not in the table any more", now),
        }
    }
}
