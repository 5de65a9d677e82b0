//! The network in numbers, then the program's own cost: of each refresh with the draws before it, newest first, under the
//! median and the worst.
//!
//! A draw is shown with the next refresh: shown at once, it would change the screen, and each draw would cause another.

mod network;

use std::collections::VecDeque;
use std::time::Duration;

use Figure::{Count, Time};

use crate::app::App;
use crate::app::panes::Content;
use crate::app::view::{Line, Role, span};
use crate::columns::{pad, pad_left, width};
use crate::model::{EphemeralUse, PortUsage, Refresh, counted, duration};

pub(crate) use network::Network;

pub(crate) const MAX_REFRESHES: usize = 100;

#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    /// The last refreshes, the newest first.
    refreshes: VecDeque<Measured>,
    /// Including those no longer kept.
    pub count: u64,
    /// Since the last refresh.
    draws: Draws,
}

/// A refresh, and the draws between the previous one and it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub refresh: Refresh,
    pub draws: Draws,
}

/// How often the screen was drawn, and how long the longest of these took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Draws {
    pub count: u64,
    pub longest: Duration,
}

impl Stats {
    /// Adds a refresh, with the draws since the one before.
    pub(crate) fn add_refresh(&mut self, refresh: Refresh) {
        let draws = std::mem::take(&mut self.draws);
        self.refreshes.truncate(MAX_REFRESHES - 1);
        self.refreshes.push_front(Measured { refresh, draws });
        self.count += 1;
    }

    pub(crate) fn add_draw(&mut self, took: Duration) {
        self.draws.count += 1;
        self.draws.longest = self.draws.longest.max(took);
    }

    pub(crate) fn refreshes(&self) -> impl Iterator<Item = &Measured> {
        self.refreshes.iter()
    }
}

/// Cells of the label at the left: a time of day, or a word.
const LABEL: usize = 8;

const GAP: usize = 1;

/// The least cells of a figure, so that columns keep their width: `999.9`, `10450`.
const MIN_CELLS: usize = 5;

struct Column {
    title: &'static str,
    /// Columns with high numbers are dropped first.
    priority: u8,
    figure: fn(&Measured) -> Figure,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Figure {
    /// Zero if it was not measured.
    Time(Duration),
    Count(u64),
}

impl Figure {
    fn is_measured(self) -> bool {
        self != Time(Duration::ZERO)
    }

    fn text(self) -> String {
        match self {
            Time(time) => duration::format_millis(time),
            Count(count) => count.to_string(),
        }
    }
}

const fn column(title: &'static str, priority: u8, figure: fn(&Measured) -> Figure) -> Column {
    Column {
        title,
        priority,
        figure,
    }
}

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    column("rows",      6, |one| Count(one.refresh.rows as u64)),
    column("dump",      1, |one| Time(one.refresh.cost.dump)),
    column("owners",    2, |one| Time(one.refresh.cost.owners)),
    column("processes", 4, |one| Time(one.refresh.cost.processes)),
    column("diff",      5, |one| Time(one.refresh.cost.diff)),
    column("draw",      3, |one| Time(one.draws.longest)),
    column("total",     0, |one| Time(one.refresh.cost.total() + one.draws.longest)),
    column("procs read", 7, |one| Count(one.refresh.cost.searched)),
    column("files",     8, |one| Count(one.refresh.cost.files)),
    column("draws",     9, |one| Count(one.draws.count)),
];

impl App {
    /// The network, the use of the ephemeral ports if known, and the cost of the refreshes.
    pub(super) fn stats(&self, columns: usize) -> Content {
        let mut lines = self.network(columns);
        let ephemeral = self.rows.table.ephemeral.as_ref();
        lines.extend(ephemeral.map_or_else(Vec::new, |known| gauges(known, columns)));
        lines.push(Line::new());
        lines.extend(self.cost(columns));
        let refreshes = counted(self.stats.count, "refresh", "refreshes");
        Content::of(&format!("stats · {refreshes}"), lines)
    }

    /// Titles, summary and refreshes, in milliseconds.
    fn cost(&self, columns: usize) -> Vec<Line> {
        let measured: Vec<&Measured> = self.stats.refreshes().collect();
        if measured.is_empty() {
            return vec![vec![span("no refresh measured yet", Role::Dim)]];
        }
        let fitted = fit(&measured, columns);
        let titles = fitted.iter();
        let titles = titles.map(|(column, cells)| pad_left(column.title, GAP + cells));
        let titles = pad("", LABEL) + &titles.collect::<String>();
        let sorted = fitted.iter().map(|(column, _)| {
            let mut figures: Vec<_> = figures(&measured, column).collect();
            figures.sort_unstable();
            figures
        });
        let sorted: Vec<_> = sorted.collect();
        let median = |all: &Vec<_>| all.get(all.len().saturating_sub(1) / 2).copied();
        let worst = |all: &Vec<_>| all.last().copied();
        let mut lines = vec![
            vec![span("cost of a refresh in ms", Role::Strong)],
            vec![span(titles, Role::Dim)],
            line("median", sorted.iter().map(median), &fitted),
            line("worst", sorted.iter().map(worst), &fitted),
        ];
        lines.extend(measured.iter().map(|one| {
            let figures = fitted.iter().map(|(column, _)| (column.figure)(one));
            let figures = figures.map(|figure| Some(figure).filter(|one| one.is_measured()));
            line(&self.clock(one.refresh.taken_at.wall), figures, &fitted)
        }));
        lines
    }
}

/// The columns that fit, with their widths; a less important one may fit when a more important one doesn't.
fn fit(measured: &[&Measured], room: usize) -> Vec<(&'static Column, usize)> {
    let cells = |column: &Column| {
        let figures = figures(measured, column).map(|figure| width(&figure.text()));
        let widest = figures.max().unwrap_or(0);
        widest.max(width(column.title)).max(MIN_CELLS)
    };
    let columns = COLUMNS.iter().map(|column| (column, cells(column)));
    let mut columns: Vec<_> = columns.enumerate().collect();
    columns.sort_by_key(|(_, (column, _))| column.priority);
    let mut left = room.saturating_sub(LABEL);
    columns.retain(|(_, (_, cells))| {
        let fits = GAP + cells <= left;
        left -= if fits { GAP + cells } else { 0 };
        fits
    });
    columns.sort_by_key(|&(at, _)| at);
    columns.into_iter().map(|(_, fitted)| fitted).collect()
}

fn figures(measured: &[&Measured], column: &Column) -> impl Iterator<Item = Figure> {
    let figures = measured.iter().map(|one| (column.figure)(one));
    figures.filter(|figure| figure.is_measured())
}

fn line(
    label: &str,
    figures: impl Iterator<Item = Option<Figure>>,
    fitted: &[(&Column, usize)],
) -> Line {
    let cells = figures.zip(fitted).map(|(figure, (column, cells))| {
        let text = figure.map_or_else(|| "–".into(), Figure::text);
        let role = match (figure, column.priority) {
            (None, _) => Role::Dim,
            // The total.
            (_, 0) => Role::Strong,
            _ => Role::Plain,
        };
        span(pad_left(&text, GAP + cells), role)
    });
    let label = span(pad(label, LABEL), Role::Dim);
    std::iter::once(label).chain(cells).collect()
}

/// Cells of a bar in a pane of this width; a narrow one has only the figures.
const fn bar(columns: usize) -> usize {
    match columns {
        0..60 => 0,
        60..100 => 10,
        _ => 20,
    }
}

const GAUGE_LABEL: usize = 13;

/// The use of the ephemeral ports as bars: in total, and for the busiest peer. No bar if the range is unknown.
fn gauges(ephemeral: &EphemeralUse, columns: usize) -> Vec<Line> {
    let line = |label, taken, text| gauge(label, taken, ephemeral, text, columns);
    let in_use = ephemeral.ports;
    let text = format!(" in use{}", parts(in_use));
    let mut lines = vec![line("ephemeral", in_use.total(), text)];
    if let Some(fullest) = ephemeral.fullest {
        let text = format!(" to {}{}", fullest.remote, parts(fullest.usage));
        lines.push(line("busiest peer", fullest.usage.total(), text));
    }
    lines
}

fn gauge(label: &str, taken: usize, of: &EphemeralUse, text: String, columns: usize) -> Line {
    const SHORT: usize = EphemeralUse::SHORT;
    let (percent, capacity) = (of.percent_of(taken), of.capacity);
    let role = match percent {
        0..SHORT => Role::Plain,
        SHORT..100 => Role::Warning,
        _ => Role::Bad,
    };
    let mut line = vec![span(pad(label, GAUGE_LABEL), Role::Dim)];
    let cells = bar(columns);
    if cells > 0 {
        // Full only if all are used, empty only if none is.
        let filled = taken.min(capacity) * cells / capacity.max(1);
        let filled = filled.max(usize::from(taken > 0 && capacity > 0));
        line.push(span("█".repeat(filled), role));
        line.push(span("░".repeat(cells - filled), Role::Dim));
        line.push(span(" ", Role::Plain));
    }
    line.push(span(format!("{percent}% {taken} of {capacity}"), role));
    line.push(span(text, Role::Dim));
    line
}

/// `: 27 TIME_WAIT · 12 connected · 3 bound`, without zeros.
fn parts(usage: PortUsage) -> String {
    let parts = [
        (usage.time_wait, "TIME_WAIT"),
        (usage.connected, "connected"),
        (usage.bound, "bound"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(" · "))
    }
}
