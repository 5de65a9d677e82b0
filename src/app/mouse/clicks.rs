//! The effect of a click on each cell.
//!
//! Clickable text has its click in its [`Span`](crate::app::view::Span); other clickable parts are areas. Both become
//! one list of [`Target`]s, made from the very view that is drawn.

use crate::app::layout::Area;
use crate::app::view::scrollbar::Part;
use crate::app::view::{CellView, Line, View, line_width};
use crate::app::views::ViewId;
use crate::app::{App, Dialog};
use crate::columns::{ColumnId, width};
use crate::keymap::Action;
use crate::track::RowId;

/// The effect of a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    /// Performs an action, like its key.
    Do(Action),
    /// Selects the row or group on this line of the table.
    Row(usize),
    /// Opens or closes the group on this line of the table.
    Group(usize),
    /// Sorts by a column.
    Sort(ColumnId),
    /// Shows a view.
    Show(ViewId),
    /// Chooses an item of the menu.
    Choose(usize),
    /// Goes to a blocker of a bind test.
    GoTo(usize),
    /// Goes to the row of a line in a pane: by a double click, or by Enter in the focused pane.
    GoToRow(RowId),
    /// Goes to the time in this column of the timeline.
    Timeline,
    /// Grabs a scrollbar.
    Scroll(Part),
    /// Dismisses the notice.
    Dismiss,
    /// Nothing: an overlay covers the targets below.
    Nothing,
}

/// A clickable area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its cells.
    pub area: Area,
    /// The effect of a click on it.
    pub click: Click,
}

impl View {
    /// The effect of a click on this cell.
    pub fn click_at(&self, column: u16, row: u16) -> Option<Click> {
        let mut targets = self.targets.iter().rev();
        let hit = targets.find(|target| target.area.contains(column, row))?;
        Some(hit.click)
    }
}

impl App {
    /// Everything that can be clicked; a later target covers an earlier one.
    pub(crate) fn targets(&self, view: &View) -> Vec<Target> {
        let mut targets = Vec::new();
        let is_covered = !matches!(self.dialog, Dialog::None);
        if !is_covered {
            let layout = &view.layout;
            let header = std::slice::from_ref(&view.header);
            targets.extend(targets_of_lines(header, layout.header));
            targets.extend(targets_at_right(&view.header_right, layout.header));
            let timeline = std::slice::from_ref(&view.timeline);
            targets.extend(targets_of_lines(timeline, layout.timeline));
            let trouble = std::slice::from_ref(&view.trouble);
            targets.extend(targets_of_lines(trouble, layout.trouble));
            targets.extend(targets_of_cells(&view.tabs, layout.tabs));
            targets.extend(targets_at_right(&view.filter, layout.tabs));
            targets.extend(targets_of_cells(&view.titles, layout.titles));
            let lines = layout.rows.lines().zip(&view.rows);
            let rows = (self.rows.cursor.top()..).zip(lines);
            targets.extend(rows.map(|(at, (line, _))| Target::new(line, Click::Row(at))));
            let lines = layout.rows.lines().zip(&view.rows);
            targets.extend(lines.flat_map(|(line, row)| targets_of_cells(&row.cells, line)));
            targets.extend(targets_of_pane(view));
        }
        if let Some(overlay) = &view.overlay {
            let outside = Target::new(view.size.area(), Click::Do(Action::Back));
            targets.extend([outside, Target::new(overlay.area, Click::Nothing)]);
            let inside = view.layout.choices_of_overlay(overlay.area);
            // A choice is clickable on its whole line.
            let choices = overlay.choices.clone().zip(inside.lines());
            targets.extend(choices.map(|(at, line)| Target::new(line, Click::Choose(at))));
        }
        let bars = view.scrollbars.iter();
        let bars = bars.filter(|bar| bar.part == Part::Overlay || !is_covered);
        targets.extend(bars.map(|bar| Target::new(bar.area, Click::Scroll(bar.part))));
        targets.push(Target::new(view.layout.footer, Click::Nothing));
        targets.extend(targets_of_lines(&view.footer, view.layout.footer));
        // A small terminal cuts off a part of the view.
        for target in &mut targets {
            target.area = target.area.within(view.size.area());
        }
        targets
    }
}

impl Target {
    const fn new(area: Area, click: Click) -> Self {
        Self { area, click }
    }
}

fn targets_of_pane(view: &View) -> Vec<Target> {
    let (Some(pane), area) = (&view.pane, view.layout.pane) else {
        return Vec::new();
    };
    let mut targets = vec![Target::new(area, Click::Nothing)];
    if view.layout.has_borders {
        let top = Area {
            width: area.width.saturating_sub(1),
            height: 1,
            ..area
        };
        targets.extend(targets_at_right(&pane.hint, top));
    }
    targets.extend(targets_of_lines(&pane.lines, view.layout.pane_lines()));
    targets
}

fn targets_of_cells(line: &[CellView], area: Area) -> impl Iterator<Item = Target> {
    line.iter().filter_map(move |cell| {
        let (x, width) = (cell.x, cells(width(&cell.text)));
        let cells = Area { x, width, ..area };
        Some(Target::new(cells.within(area), cell.click?))
    })
}

/// The clickable pieces of lines from the top of an area on.
fn targets_of_lines(lines: &[Line], area: Area) -> Vec<Target> {
    let mut targets = Vec::new();
    for (line, area) in lines.iter().zip(area.lines()) {
        let mut x = area.x;
        for span in line {
            let width = cells(width(&span.text));
            let area = Area { x, width, ..area };
            targets.extend(span.click.map(|click| Target::new(area, click)));
            x = x.saturating_add(width);
        }
    }
    targets
}

/// The clickable pieces of a line at the right end of an area.
fn targets_at_right(line: &Line, area: Area) -> Vec<Target> {
    let right = area.x.saturating_add(area.width);
    let x = right.saturating_sub(cells(line_width(line)));
    targets_of_lines(std::slice::from_ref(line), Area { x, ..area })
}

fn cells(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}
