//! What each refresh cost, newest first, below what is usual and what was worst.

use std::time::Duration;

use crate::app::App;
use crate::app::panes::stats::Measured;
use crate::app::panes::stats::gauge;
use crate::app::view::{Line, Role, span};
use crate::columns::{pad, width};
use crate::model::{counted, duration};

/// Cells of what stands at the left: a time of day, or a word.
const LABEL: usize = 8;

/// Cells between two columns.
const GAP: usize = 1;

/// Cells of a figure at least, so that the columns stand still: `999.9`, `10450`.
const LEAST: usize = 5;

/// With fewer lines than this, the bars of the ephemeral ports give way to the refreshes.
const LINES_FOR_GAUGE: usize = 8;

/// With fewer lines than this, what is usual gives way to the refreshes.
const LINES_FOR_SUMMARY: usize = 6;

/// One kind of figure.
struct Column {
    title: &'static str,
    /// What has the lowest number is given up last.
    priority: u8,
    /// The figure; `None` if it was not measured.
    figure: fn(&Measured) -> Option<Figure>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Figure {
    Time(Duration),
    Count(u64),
}

impl Figure {
    fn text(self) -> String {
        match self {
            Self::Time(time) => duration::format_millis(time),
            Self::Count(count) => count.to_string(),
        }
    }
}

const fn column(
    title: &'static str,
    priority: u8,
    figure: fn(&Measured) -> Option<Figure>,
) -> Column {
    Column {
        title,
        priority,
        figure,
    }
}

/// Every column, from the left.
#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    column("rows",      6, |one| count(u64::try_from(one.refresh.rows).unwrap_or(u64::MAX))),
    column("dump",      1, |one| time(one.refresh.cost.dump)),
    column("owners",    2, |one| time(one.refresh.cost.owners)),
    column("processes", 4, |one| time(one.refresh.cost.processes)),
    column("diff",      5, |one| time(one.refresh.cost.diff)),
    column("draw",      3, |one| time(one.draws.longest)),
    column("total",     0, |one| time(one.total())),
    column("searched",  7, |one| count(one.refresh.cost.searched)),
    column("files",     8, |one| count(one.refresh.cost.files)),
    column("draws",     9, |one| count(one.draws.count)),
];

#[expect(
    clippy::unnecessary_wraps,
    reason = "as a time, of which there may be none"
)]
const fn count(count: u64) -> Option<Figure> {
    Some(Figure::Count(count))
}

/// What took no time at all was not done, or not measured.
fn time(time: Duration) -> Option<Figure> {
    (!time.is_zero()).then_some(Figure::Time(time))
}

/// How many lines stand above the refreshes, in a pane of this height: the titles, and what is usual.
const fn head(height: usize) -> usize {
    if height < LINES_FOR_SUMMARY { 1 } else { 3 }
}

impl App {
    /// The unit stands here, as there is no room for it in each column.
    pub(crate) fn stats_title(&self) -> String {
        let refreshes = counted(self.stats.count(), "refresh", "refreshes");
        format!("stats · {refreshes} · ms")
    }

    /// How many of the first lines stay when the others are scrolled, in a pane of this height.
    pub(crate) fn stats_head(&self, height: usize) -> usize {
        self.gauges(0, height).len() + head(height)
    }

    /// The use of the ephemeral ports, where that is known and there is room.
    fn gauges(&self, columns: usize, height: usize) -> Vec<Line> {
        let known = self.rows.table.ephemeral.as_ref();
        let shown = known.filter(|_| height >= LINES_FOR_GAUGE);
        shown.map_or_else(Vec::new, |ephemeral| gauge::lines(ephemeral, columns))
    }

    /// The ephemeral ports; the headings; the median and the worst of each column, if there is room; the
    /// refreshes.
    pub(crate) fn stats(&self, columns: usize, height: usize) -> Vec<Line> {
        let mut lines = self.gauges(columns, height);
        lines.extend(self.refresh_lines(columns, height));
        lines
    }

    fn refresh_lines(&self, columns: usize, height: usize) -> Vec<Line> {
        let measured: Vec<&Measured> = self.stats.refreshes().collect();
        if measured.is_empty() {
            return vec![vec![span("no refresh was measured yet", Role::Dim)]];
        }
        let fitted = fit(&measured, columns);
        let summary = |label: &str, pick: fn(&[&Measured], &Column) -> Option<Figure>| {
            let figures = fitted.iter().map(|(column, _)| pick(&measured, column));
            line(label, figures, &fitted)
        };
        let mut lines = vec![titles(&fitted)];
        if head(height) > 1 {
            lines.push(summary("median", median));
            lines.push(summary("worst", worst));
        }
        lines.extend(measured.iter().map(|one| {
            let figures = fitted.iter().map(|(column, _)| (column.figure)(one));
            line(&self.clock(one.refresh.taken_at), figures, &fitted)
        }));
        lines
    }
}

/// The columns that there is room for, each with its width; what does not fit is left out, and what
/// matters less may still fit in its place.
fn fit(measured: &[&Measured], room: usize) -> Vec<(&'static Column, usize)> {
    let mut by_priority: Vec<_> = COLUMNS.iter().collect();
    by_priority.sort_by_key(|column| column.priority);
    let mut left = room.saturating_sub(LABEL);
    let mut fitted = Vec::new();
    for column in by_priority {
        let cells = cells(column, measured);
        if GAP + cells <= left {
            left -= GAP + cells;
            fitted.push((column, cells));
        }
    }
    let place = |column: &Column| COLUMNS.iter().position(|one| one.title == column.title);
    fitted.sort_by_key(|(column, _)| place(column));
    fitted
}

/// Cells that a column takes: as many as the widest of its figures, in sight or not.
fn cells(column: &Column, measured: &[&Measured]) -> usize {
    let figures = figures(measured, column).map(|figure| width(&figure.text()));
    figures
        .max()
        .unwrap_or(0)
        .max(width(column.title))
        .max(LEAST)
}

fn figures(measured: &[&Measured], column: &Column) -> impl Iterator<Item = Figure> {
    measured.iter().filter_map(|one| (column.figure)(one))
}

/// The one in the middle; of two, the lower.
fn median(measured: &[&Measured], column: &Column) -> Option<Figure> {
    let mut figures: Vec<_> = figures(measured, column).collect();
    figures.sort_unstable();
    let middle = figures.len().checked_sub(1)? / 2;
    Some(figures[middle])
}

fn worst(measured: &[&Measured], column: &Column) -> Option<Figure> {
    figures(measured, column).max()
}

fn titles(fitted: &[(&Column, usize)]) -> Line {
    let title =
        |(column, cells): &(&Column, usize)| crate::columns::pad_left(column.title, GAP + cells);
    let titles: String = fitted.iter().map(title).collect();
    vec![span(pad("", LABEL) + &titles, Role::Dim)]
}

fn line(
    label: &str,
    figures: impl Iterator<Item = Option<Figure>>,
    fitted: &[(&Column, usize)],
) -> Line {
    let mut line = vec![span(pad(label, LABEL), Role::Dim)];
    line.extend(figures.zip(fitted).map(|(figure, (column, cells))| {
        let text = figure.map_or_else(|| "–".into(), Figure::text);
        let role = match (figure, column.priority) {
            (None, _) => Role::Dim,
            // What the others come to.
            (_, 0) => Role::Strong,
            _ => Role::Plain,
        };
        span(crate::columns::pad_left(&text, GAP + cells), role)
    }));
    line
}
