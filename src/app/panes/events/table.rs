//! Events as aligned columns, as wide as their texts need: time, mark, protocol, both ends, change and process.
//!
//! A narrow pane has shorter changes and processes, then shorter addresses, then no protocol, then no peer.

use crate::app::view::{Click, Line, Role, Span, mark_role, span};
use crate::columns::{
    change_text, cut, cut_middle, local_end, owner_change_text, owner_text, owner_with_pid, pad,
    program_text, remote_end, width, with_namespace,
};
use crate::model::Moment;
use crate::track::{ChangeKind, Event, Mark};

/// Cells of time and mark with the spaces behind them.
const FIXED: usize = 11;

/// An IPv4 address with its port; longer addresses are shortened in their middle if there is no room.
const LONG_END: usize = 21;

/// The least cells of an address and its port.
const MIN_END: usize = 12;

/// The least cells of the process before something else is shortened for it.
const MIN_PROCESS: usize = 10;

/// The most cells of the process before its command line.
const MAX_PROCESS: usize = 28;

/// The least cells of a command line.
const MIN_PROGRAM: usize = 12;

/// The texts of an event, in the order of the columns.
struct Texts([String; 5]);

const PROTOCOL: usize = 0;
const LOCAL: usize = 1;
const REMOTE: usize = 2;
const CHANGE: usize = 3;
const PROCESS: usize = 4;

/// A heading would be wider than `tcp`.
const TITLES: [&str; 5] = ["", "LOCAL", "REMOTE", "CHANGE", "PROCESS"];

impl Texts {
    fn of(event: &Event) -> Self {
        let (socket, kind) = (&event.row.socket, &event.change.kind);
        let (change, process) = match kind {
            ChangeKind::Owner { from } => ("new owner".to_owned(), owner_change_text(socket, from)),
            ChangeKind::Opened
            | ChangeKind::Closed
            | ChangeKind::GoneBetween
            | ChangeKind::State { .. } => (change_text(kind, socket), owner_with_pid(socket)),
        };
        let process = with_namespace(socket, process);
        Self([
            socket.protocol_and_family().to_string(),
            local_end(socket),
            remote_end(socket).unwrap_or_default(),
            change,
            process,
        ])
    }

    /// The state alone, as the mark beside it says whether it opened, changed or closed; the process without its pid.
    fn shorten(&mut self, event: &Event) {
        let socket = &event.row.socket;
        match event.change.kind {
            ChangeKind::Owner { .. } => {}
            ChangeKind::GoneBetween => "short-lived".clone_into(&mut self.0[CHANGE]),
            _ => self.0[CHANGE] = socket.state.to_string(),
        }
        self.0[PROCESS] = with_namespace(socket, owner_text(socket));
    }
}

/// The headings, and a line for each event.
pub(super) fn lines(
    events: &[&Event],
    columns: usize,
    clock: impl Fn(Moment) -> String,
) -> Vec<Line> {
    let mut texts: Vec<_> = events.iter().map(|event| Texts::of(event)).collect();
    let mut widths = measure(&texts);
    if total(&widths) > columns {
        for (text, event) in texts.iter_mut().zip(events) {
            text.shorten(event);
        }
        widths = shrunk(measure(&texts), columns);
    }
    let rest = columns.saturating_sub(before_process(&widths));
    widths[PROCESS] = widths[PROCESS].min(rest);
    let titles = TITLES.map(str::to_owned);
    let titles = cells(&titles, &widths).map(|text| span(text, Role::Dim));
    let time = span(pad("TIME", FIXED), Role::Dim);
    let heading = std::iter::once(time).chain(titles).collect();
    let rows = events.iter().zip(&texts);
    let has_program = before_process(&widths) + widths[PROCESS] + MIN_PROGRAM < columns;
    let rows = rows.map(|(event, texts)| {
        let mut line = line(event, texts, &widths, &clock);
        line.extend(program(event).filter(|_| has_program));
        line
    });
    std::iter::once(heading).chain(rows).collect()
}

fn line(
    event: &Event,
    Texts(texts): &Texts,
    widths: &[usize; 5],
    clock: impl Fn(Moment) -> String,
) -> Line {
    let mark = Mark::of(&event.change.kind);
    let (of_mark, dim) = (mark_role(mark), Role::Dim);
    // As in the table: of a closed socket only the mark is red.
    let of_change = if mark == Mark::Closed { dim } else { of_mark };
    let roles = [dim, Role::Plain, Role::Plain, of_change, Role::Plain];
    let mut line = vec![
        span(format!("{} ", clock(event.change.at)), dim),
        span(format!("{} ", mark.glyph()), of_mark),
    ];
    let cells = cells(texts, widths).zip(roles);
    line.extend(cells.map(|(text, role)| span(text, role)));
    let row = Click::GoToRow(event.row.id);
    line.into_iter().map(|span| span.on_click(row)).collect()
}

/// Command line and folder.
fn program(event: &Event) -> Option<Span> {
    let text = program_text(event.row.socket.owner.processes().first()?)?;
    Some(span(format!(" {text}"), Role::Dim).on_click(Click::GoToRow(event.row.id)))
}

/// The texts cut and padded to their columns, each with a space behind it; a column without width is left out.
fn cells<'a>(texts: &'a [String; 5], widths: &'a [usize; 5]) -> impl Iterator<Item = String> + 'a {
    let cells = texts.iter().zip(widths).enumerate();
    cells.map(|(at, (text, &width))| match at {
        _ if width == 0 => String::new(),
        LOCAL | REMOTE => pad(&cut_middle(text, width), width + 1),
        PROCESS => pad(&cut(text, width), width),
        _ => pad(&cut(text, width), width + 1),
    })
}

/// The widths for every text; a column without texts has none.
fn measure(texts: &[Texts]) -> [usize; 5] {
    let mut widths = std::array::from_fn(|at| {
        let each = texts.iter().map(|Texts(texts)| width(&texts[at]));
        match each.max().unwrap_or(0) {
            0 => 0,
            widest => widest.max(width(TITLES[at])),
        }
    });
    widths[PROCESS] = widths[PROCESS].min(MAX_PROCESS);
    widths
}

/// The cells of a whole line up to its process.
fn before_process(widths: &[usize; 5]) -> usize {
    let before = widths[..PROCESS].iter().filter(|&&width| width > 0);
    FIXED + before.map(|width| width + 1).sum::<usize>()
}

/// The cells of a whole line, with at least a part of the process.
fn total(widths: &[usize; 5]) -> usize {
    before_process(widths) + widths[PROCESS].min(MIN_PROCESS)
}

fn shrunk(natural: [usize; 5], columns: usize) -> [usize; 5] {
    let mut widths = natural;
    shrink_ends(&mut widths, LONG_END, columns);
    if total(&widths) > columns {
        widths[PROTOCOL] = 0;
        shrink_ends(&mut widths, MIN_END, columns);
    }
    if before_process(&widths) > columns {
        (widths[LOCAL], widths[REMOTE]) = (natural[LOCAL], 0);
        shrink_ends(&mut widths, MIN_END, columns);
    }
    widths
}

/// Narrows the wider of both addresses, cell by cell, until all fits or both are as narrow as this.
fn shrink_ends(widths: &mut [usize; 5], floor: usize, columns: usize) {
    while total(widths) > columns {
        let wider = if widths[REMOTE] > widths[LOCAL] {
            REMOTE
        } else {
            LOCAL
        };
        if widths[wider] <= floor {
            break;
        }
        widths[wider] -= 1;
    }
}
