//! `list` and `watch`: the table as aligned text, changes and the cost of a refresh as lines.

use std::io::{self, Write};
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::columns::{ALL, Candidate, CellContext, Column, ColumnId, Fitted, fit, fit_all, width};
use crate::columns::{change_text, owner_with_pid, socket_text};
use crate::model::{Moment, Refresh, counted, duration};
use crate::track::{ChangeKind, Mark, Row};

/// Columns that are shown only if they are chosen: an age and a rate need two snapshots, and one counts other rows.
const LEFT_OUT: [ColumnId; 4] = [
    ColumnId::Age,
    ColumnId::Conns,
    ColumnId::RxRate,
    ColumnId::TxRate,
];

/// The layout of a listing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout<'a> {
    /// The columns, in this order; none: those with content.
    pub columns: &'a [&'static Column],
    /// Cells of a line. The least important columns are left out and long texts cut to fit. Without a limit (a pipe)
    /// nothing is cut.
    pub width: Option<u16>,
    /// Whether the line of headings is left out.
    pub without_header: bool,
    /// Whether all rows are of one user and one project. Where there is not room for everything, their branch
    /// and starter outrank the user and the project.
    pub is_mine: bool,
}

/// What differs between the sockets of one project, and what is the same for all of them.
const APART: [ColumnId; 2] = [ColumnId::Branch, ColumnId::Started];
const SAME: [ColumnId; 2] = [ColumnId::User, ColumnId::Project];

/// Writes a line of headings and the rows; nothing if there are no rows.
pub fn write_text(
    out: &mut dyn Write,
    rows: &[&Row],
    context: &CellContext<'_>,
    layout: &Layout<'_>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut offered = layout.columns.to_vec();
    if offered.is_empty() {
        offered.extend(columns_with_content(rows, context));
    }
    let has_header = !layout.without_header;
    if let Some(width) = layout.width {
        let is_default_of_mine = layout.is_mine && layout.columns.is_empty();
        if is_default_of_mine {
            offered.retain(|column| !SAME.contains(&column.id));
        }
        let candidate = |&column: &&'static Column| {
            let texts = rows.iter().map(|row| (column.text)(row, context));
            let widest = texts
                .map(|text| crate::columns::width(&text))
                .max()
                .unwrap_or(0);
            Candidate {
                column,
                widest: u16::try_from(widest).unwrap_or(u16::MAX),
                is_chosen: !layout.columns.is_empty()
                    || is_default_of_mine && APART.contains(&column.id),
            }
        };
        let candidates: Vec<_> = offered.iter().map(candidate).collect();
        let columns = fit(&candidates, width);
        let context = beside(columns.iter().map(|fitted| fitted.column.id), context);
        let cells = rows.iter().map(|row| {
            let columns = columns.iter();
            let cells = columns.map(|one| one.column.cell(row, &context, usize::from(one.width)));
            cells.collect()
        });
        write_lines(out, &columns, has_header, cells)
    } else {
        let context = beside(offered.iter().map(|column| column.id), context);
        let columns = offered.iter();
        let texts = |row: &&Row| {
            columns
                .clone()
                .map(|one| (one.text)(row, &context))
                .collect()
        };
        let cells: Vec<Vec<String>> = rows.iter().map(texts).collect();
        let columns = fit_all(&offered, |column| {
            let at = offered.iter().position(|one| one.id == column.id);
            let cells = cells.iter().filter_map(|cells| cells.get(at?));
            let title = if has_header { column.title } else { "" };
            let widths = cells.map(|text| width(text)).chain([width(title)]);
            u16::try_from(widths.max().unwrap_or(0).max(1)).unwrap_or(u16::MAX)
        });
        write_lines(out, &columns, has_header, cells.into_iter())
    }
}

/// The main columns, and others if any row has a text there.
fn columns_with_content<'a>(
    rows: &'a [&Row],
    context: &'a CellContext<'_>,
) -> impl Iterator<Item = &'static Column> + 'a {
    let once = ALL.iter().filter(|column| !LEFT_OUT.contains(&column.id));
    once.filter(|column| {
        let is_main = column.priority <= 4 && column.id != ColumnId::Remote;
        if column.id == ColumnId::Namespace {
            return rows.iter().any(|row| !row.socket.is_own());
        }
        is_main || rows.iter().any(|row| (column.text)(row, context) != "–")
    })
}

/// The context for cells beside those of these columns.
fn beside<'a>(
    mut columns: impl Iterator<Item = ColumnId>,
    context: &CellContext<'a>,
) -> CellContext<'a> {
    CellContext {
        has_user: columns.any(|id| id == ColumnId::User),
        ..*context
    }
}

/// Writes cells with a space between them, without spaces at the end of a line.
fn write_lines(
    out: &mut dyn Write,
    columns: &[Fitted],
    has_header: bool,
    rows: impl Iterator<Item = Vec<String>>,
) -> io::Result<()> {
    let titles = columns.iter().map(|one| one.column.title.to_owned());
    let header = has_header.then(|| titles.collect());
    for texts in header.into_iter().chain(rows) {
        let cells = columns.iter().zip(&texts);
        let cells: Vec<_> = cells.map(|(one, text)| one.render(text)).collect();
        let line = cells.join(" ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes one change as a line, with date and time in `zone`: `2026-01-02 12:04:31.250 + tcp 127.0.0.1:8080  opened
/// LISTEN  node(40211)`, of another namespace with ` in NAME` after the address, of a published port with what it leads to.
/// Without `change` the socket is open. The mark is coloured if `has_colour`.
pub fn write_change(
    out: &mut dyn Write,
    (at, change, row): (Moment, Option<&ChangeKind>, &Row),
    zone: &TimeZone,
    has_colour: bool,
) -> io::Result<()> {
    let time = at.wall.to_zoned(zone.clone());
    let time = time.strftime("%Y-%m-%d %H:%M:%S%.3f");
    let socket = &row.socket;
    let (mark, what) = match change {
        None => ("=".to_owned(), socket.state.to_string()),
        Some(kind) => {
            let mark = Mark::of(kind);
            let code = match mark {
                Mark::Opened => 32,
                Mark::Changed => 33,
                Mark::Closed => 31,
            };
            let glyph = mark.glyph();
            let mark = if has_colour {
                format!("\x1b[{code}m{glyph}\x1b[0m")
            } else {
                glyph.to_string()
            };
            (mark, change_text(kind, socket))
        }
    };
    write!(out, "{time} {mark} {}", socket_text(socket))?;
    if let Some(namespace) = &socket.namespace {
        write!(out, " in {}", namespace.name)?;
    }
    write!(out, "  {what}")?;
    match change {
        // The change names the owner.
        Some(ChangeKind::Owner { .. }) => {}
        _ => write!(out, "  {}", owner_with_pid(socket))?,
    }
    if let Some(published) = &socket.published {
        write!(out, "  → {}", published.describe())?;
    }
    writeln!(out)
}

/// `10450 rows: dump 9.8 ms, owners 1.0 ms, processes 0.6 ms, diff 0.9 ms; 0 processes searched, 2 files read`. A time
/// that was not measured is `–`; of a recording, all but the diff.
pub fn refresh_line(refresh: &Refresh) -> String {
    let cost = &refresh.cost;
    let part = |name: &str, time: Duration| {
        let unit = if time.is_zero() { "" } else { " ms" };
        format!("{name} {}{unit}", duration::format_millis(time))
    };
    let parts = [
        part("dump", cost.dump),
        part("owners", cost.owners),
        part("processes", cost.processes),
        part("diff", cost.diff),
    ];
    let rows = counted(refresh.rows, "row", "rows");
    let searched = counted(cost.searched, "process", "processes");
    let files = counted(cost.files, "file", "files");
    format!(
        "{rows}: {}; {searched} searched, {files} read",
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RefreshTimings;

    fn line(rows: usize, micros: [u64; 4], [searched, files]: [u64; 2]) -> String {
        let [dump, owners, processes, diff] = micros.map(Duration::from_micros);
        refresh_line(&Refresh {
            taken_at: Moment {
                steady: Duration::ZERO,
                wall: jiff::Timestamp::UNIX_EPOCH,
            },
            rows,
            cost: RefreshTimings {
                dump,
                owners,
                processes,
                diff,
                searched,
                files,
            },
        })
    }

    #[test]
    fn every_part_has_its_unit() {
        assert_eq!(
            line(10_450, [9_840, 1_000, 600, 900], [0, 2]),
            "10450 rows: dump 9.8 ms, owners 1.0 ms, processes 0.6 ms, diff 0.9 ms; \
             0 processes searched, 2 files read"
        );
    }

    #[test]
    fn one_is_singular_and_a_dash_is_not_measured() {
        assert_eq!(
            line(1, [0, 0, 0, 40], [1, 1]),
            "1 row: dump –, owners –, processes –, diff 0.0 ms; 1 process searched, 1 file read"
        );
    }
}
