//! What is on the screen, ready to be drawn: text, its place and its meaning.
//!
//! A [`View`] is immutable and decides everything that the drawing needs to know. Two equal views
//! look the same, so that nothing is written to the terminal when nothing changed.

pub(crate) mod bars;
mod footer;
mod header;
pub(crate) mod overlay;
pub(crate) mod scrollbar;

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

pub use crate::app::mouse::clicks::{Click, Target};
pub use crate::app::table::view::{CellView, RowView, TitleView};
pub use crate::theme::Role;
pub use scrollbar::{Part, Scrollbar};

use crate::app::layout::{Area, Layout};
use crate::app::{App, Size};
use crate::model::{Moment, clean};
use crate::theme::{Glyphs, Styles};
use crate::track::Mark;

/// Text of one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text; holds no control characters.
    pub text: String,
    /// Its meaning.
    pub role: Role,
    /// What a click on it does.
    pub click: Option<Click>,
    /// Whether text and what is behind it change places.
    pub is_reversed: bool,
}

impl Span {
    /// The same text, reversed.
    #[must_use]
    pub(crate) const fn reversed(mut self) -> Self {
        self.is_reversed = true;
        self
    }
}

/// One line of text.
pub type Line = Vec<Span>;

/// A pane below the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneView {
    /// Title at the left of its border.
    pub title: String,
    /// Hints at the right of its border.
    pub hint: Line,
    /// Its lines in sight.
    pub lines: Vec<Line>,
}

/// Something that covers the middle of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayView {
    /// Title.
    pub title: String,
    /// Where it is, its border included.
    pub area: Area,
    /// Its lines in sight; longer ones are wrapped.
    pub lines: Vec<Line>,
    /// The line under the cursor.
    pub selected: Option<usize>,
    /// Which choices its first lines are, one each.
    pub choices: Range<usize>,
}

/// One tab of the line of views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabView {
    /// First cell.
    pub x: u16,
    /// Key and name.
    pub text: String,
    /// Whether it is the one shown.
    pub is_selected: bool,
    /// What a click on it does.
    pub click: Click,
}

/// The whole screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Size of the terminal that it is made for.
    pub size: Size,
    /// Where its parts are.
    pub layout: Layout,
    /// First line, from the left.
    pub header: Line,
    /// First line, right-aligned.
    pub header_right: Line,
    /// The views.
    pub tabs: Vec<TabView>,
    /// The filter in force, right-aligned.
    pub filter: Line,
    /// Headings.
    pub titles: Vec<TitleView>,
    /// Rows in sight.
    pub rows: Vec<RowView>,
    /// What to say instead of rows.
    pub empty: Option<String>,
    /// The open pane.
    pub pane: Option<PaneView>,
    /// The lines at the bottom.
    pub footer: Vec<Line>,
    /// Where the text cursor is, if text is being typed.
    pub cursor: Option<(u16, u16)>,
    /// What covers the table.
    pub overlay: Option<OverlayView>,
    /// The scrollbars of what is longer than its place.
    pub scrollbars: Vec<Scrollbar>,
    /// What can be clicked; what covers something else comes after it.
    pub targets: Vec<Target>,
    /// What each meaning looks like.
    pub styles: Styles,
    /// Which characters it is drawn with.
    pub glyphs: Glyphs,
}

impl App {
    /// What is on the screen at `now`.
    pub fn view(&self, now: Moment) -> View {
        let layout = self.layout();
        let (header, header_right) = self.header(now, layout.header.width);
        let (footer, cursor) = self.footer(&layout, now);
        let columns = self.fitted_columns(now);
        let rows = self.row_views(&columns, &layout, now);
        let (overlay, overlay_bar) = self.overlay().unzip();
        let (pane, pane_bar) = self.pane_view(&layout, now).unzip();
        let bars = [
            self.table_scrollbar(),
            pane_bar.flatten(),
            overlay_bar.flatten(),
        ];
        let mut view = View {
            size: self.size,
            header,
            header_right,
            tabs: self.tab_views(),
            filter: self.filter_line(layout.tabs.width),
            titles: self.title_views(&columns),
            empty: if rows.is_empty() {
                Some(cleaned(self.why_empty(now)))
            } else {
                None
            },
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

    /// How long the screen stays right if nothing happens; `None`: for ever.
    pub fn next_wake(&self, now: Moment) -> Option<Duration> {
        let notice = self
            .notices
            .current
            .as_ref()
            .map(|notice| notice.changes_in(now));
        let header = self.header_changes_in(now);
        // A recording's time goes on with its snapshots only.
        let stands = self.is_paused() || self.environment.is_recording;
        let rows = if stands {
            None
        } else {
            self.rows_change_in(now)
        };
        let pane = match &self.dock.pane {
            Some(crate::app::Pane::Bind(pane)) => pane.wakes_in(now),
            Some(crate::app::Pane::Details) if !stands => self.end_changes_in(now),
            _ => None,
        };
        [notice, header, rows, pane]
            .into_iter()
            .flatten()
            .min()
            .map(|in_| in_ + TICK)
    }

    /// When it reads differently how long the selected socket will be there yet.
    fn end_changes_in(&self, now: Moment) -> Option<Duration> {
        let left = self.selected()?.ends_at?.checked_sub(now.steady)?;
        let begun = Duration::from_nanos(left.subsec_nanos().into());
        let whole = if begun.is_zero() {
            Duration::from_secs(1)
        } else {
            begun
        };
        (!left.is_zero()).then_some(whole)
    }

    /// When a mark or a closed row expires, or an age in sight reads differently.
    fn rows_change_in(&self, now: Moment) -> Option<Duration> {
        let due = self.rows.selection.next_due(now);
        let marks = due.map(|at| at.saturating_sub(now.steady));
        let shown_at = self.shown_at(now);
        let ages = self
            .rows_in_view()
            .map(|row| crate::columns::next_age_change(row, shown_at));
        marks.into_iter().chain(ages).min()
    }
}

/// A little later than the exact moment, so that on waking it has passed.
const TICK: Duration = Duration::from_millis(5);

/// Text of one meaning. Names from outside were cleaned where they came in; paths, errors of the system and
/// what was typed are cleaned here at the latest.
pub(crate) fn span(text: impl Into<String>, role: Role) -> Span {
    raw_span(cleaned(text.into()), role)
}

/// Text that is known to hold nothing that does not show.
pub(crate) fn raw_span(text: impl Into<String>, role: Role) -> Span {
    Span {
        text: text.into(),
        role,
        click: None,
        is_reversed: false,
    }
}

/// The text itself if there is nothing to clean.
fn cleaned(text: String) -> String {
    match clean(&text) {
        Cow::Owned(other) if other != text => other,
        _ => text,
    }
}

/// Width of a line in cells.
pub(crate) fn line_width(line: &[Span]) -> usize {
    line.iter()
        .map(|span| crate::columns::width(&span.text))
        .sum()
}

/// Width of the widest of these lines.
pub(crate) fn widest(lines: &[Line]) -> usize {
    let widths = lines.iter().map(|line| line_width(line));
    widths.max().unwrap_or(0)
}

/// A line that is too wide, cut at its end, which then reads `…`.
pub(crate) fn cut_line(line: Line, columns: usize) -> Line {
    let mut left = columns;
    let is_too_wide = line_width(&line) > columns;
    let mut cut = Vec::with_capacity(line.len());
    for span in line {
        let cells = crate::columns::width(&span.text);
        // What would end exactly at the edge gives its last cell to the `…`.
        if is_too_wide && cells >= left {
            let text = cleaned(crate::columns::cut(&format!("{} ", span.text), left));
            cut.push(Span { text, ..span });
            break;
        }
        left -= cells.min(left);
        cut.push(span);
    }
    cut
}

/// `250ms`, `2s`, `1m`.
pub fn duration_text(duration: Duration) -> String {
    match duration.as_millis() {
        millis if millis % 60_000 == 0 && millis > 0 => format!("{}m", millis / 60_000),
        millis if millis % 1000 == 0 => format!("{}s", millis / 1000),
        millis => format!("{millis}ms"),
    }
}

/// The role in which a mark is shown.
pub(crate) const fn mark_role(mark: Mark) -> Role {
    match mark {
        Mark::Opened => Role::Good,
        Mark::Changed => Role::Warning,
        Mark::Closed => Role::Bad,
    }
}
