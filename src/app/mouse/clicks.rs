//! What a click on each cell does.
//!
//! A text that can be clicked says so itself ([`Span::click`]); everything else that can is an area of its
//! own. Both become one list of [`Target`]s, made of the very view that is drawn: a click lands on what is
//! seen.

use crate::app::layout::Area;
use crate::app::view::scrollbar::Part;
use crate::app::view::{Line, OverlayView, Span, View, line_width};
use crate::app::views::ViewId;
use crate::app::{App, Dialog};
use crate::columns::{ColumnId, width};
use crate::keymap::Action;

/// What a click does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    /// The same as a key of this action.
    Do(Action),
    /// Selects a row: its place among those shown.
    Row(usize),
    /// Sorts by a column.
    Sort(ColumnId),
    /// Shows a view.
    Show(ViewId),
    /// Takes a choice of the menu.
    Choose(usize),
    /// Goes to a socket that is in the way of a bind test.
    GoTo(usize),
    /// Takes hold of a scrollbar.
    Scroll(Part),
    /// Takes the notice away.
    Dismiss,
    /// Nothing: it covers what is below it.
    Nothing,
}

/// Cells that can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where they are.
    pub area: Area,
    /// What a click does there.
    pub click: Click,
}

impl Span {
    /// The same text; a click on it does this.
    #[must_use]
    pub(crate) const fn on_click(mut self, click: Click) -> Self {
        self.click = Some(click);
        self
    }
}

impl View {
    /// What a click on this cell does.
    pub fn click_at(&self, column: u16, row: u16) -> Option<Click> {
        let mut targets = self.targets.iter().rev();
        let hit = targets.find(|target| target.area.contains(column, row))?;
        Some(hit.click)
    }
}

impl App {
    /// Everything that can be clicked; what covers something else comes after it.
    pub(crate) fn targets(&self, view: &View) -> Vec<Target> {
        let mut targets = Vec::new();
        if matches!(self.dialog, Dialog::None) {
            targets.extend(self.targets_of_table(view));
            targets.extend(targets_of_pane(view));
        }
        if let Some(overlay) = &view.overlay {
            // Whoever clicks beside it wants to be rid of it.
            let beside = Target {
                area: view.size.area(),
                click: Click::Do(Action::Back),
            };
            targets.extend([beside, Target::new(overlay.area, Click::Nothing)]);
            targets.extend(targets_of_choices(overlay, view.layout.has_borders));
        }
        let is_covered = !matches!(self.dialog, Dialog::None);
        let bars = view.scrollbars.iter();
        let bars = bars.filter(|bar| bar.part == Part::Overlay || !is_covered);
        targets.extend(bars.map(|bar| Target::new(bar.area, Click::Scroll(bar.part))));
        let footer = view.layout.footer;
        targets.push(Target::new(footer, Click::Nothing));
        for (line, y) in view.footer.iter().zip(footer.y..) {
            targets.extend(targets_of_line(line, footer.x, y));
        }
        // What a small terminal cuts off can't be clicked.
        for target in &mut targets {
            target.area = target.area.within(view.size.area());
        }
        targets
    }

    fn targets_of_table(&self, view: &View) -> Vec<Target> {
        let layout = &view.layout;
        let mut targets = Vec::new();
        if layout.header.height > 0 {
            targets.extend(targets_of_line(&view.header, 0, layout.header.y));
            targets.extend(targets_at_right(&view.header_right, layout.header));
        }
        if layout.tabs.height > 0 {
            for tab in &view.tabs {
                targets.push(Target::new(
                    layout.tabs.part(tab.x, cells(width(&tab.text))),
                    tab.click,
                ));
            }
            targets.extend(targets_at_right(&view.filter, layout.tabs));
        }
        for title in view.titles.iter().filter(|_| layout.titles.height > 0) {
            let area = layout.titles.part(title.x, cells(width(&title.text)));
            targets.push(Target::new(area, Click::Sort(title.column)));
        }
        let rows = (self.rows.cursor.top()..).zip(layout.rows.y..);
        for ((place, y), _) in rows.zip(&view.rows) {
            let line = Area {
                y,
                height: 1,
                ..layout.rows
            };
            targets.push(Target::new(line, Click::Row(place)));
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
    let mut content = area;
    if view.layout.has_borders {
        content = area.inside_border();
        // All but the corner.
        let top = Area {
            width: area.width.saturating_sub(1),
            height: 1,
            ..area
        };
        targets.extend(targets_at_right(&pane.hint, top));
    }
    for (line, y) in pane.lines.iter().zip(content.y..content.y + content.height) {
        targets.extend(targets_of_line(line, content.x, y));
    }
    targets
}

/// A choice can be clicked on its whole line.
fn targets_of_choices(overlay: &OverlayView, has_borders: bool) -> Vec<Target> {
    let inside = if has_borders {
        overlay.area.inside_border()
    } else {
        overlay.area
    };
    let lines = inside.y..inside.y + inside.height;
    let target = |(at, y)| {
        let line = Area {
            y,
            height: 1,
            ..inside
        };
        Target::new(line, Click::Choose(at))
    };
    overlay.choices.clone().zip(lines).map(target).collect()
}

/// The parts of a line that can be clicked.
fn targets_of_line(line: &Line, x: u16, y: u16) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut x = x;
    for span in line {
        let width = cells(width(&span.text));
        let area = Area {
            x,
            y,
            width,
            height: 1,
        };
        targets.extend(span.click.map(|click| Target::new(area, click)));
        x = x.saturating_add(width);
    }
    targets
}

/// The same for a line at the right end of an area.
fn targets_at_right(line: &Line, area: Area) -> Vec<Target> {
    let right = area.x.saturating_add(area.width);
    targets_of_line(line, right.saturating_sub(cells(line_width(line))), area.y)
}

fn cells(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}
