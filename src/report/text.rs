//! `list`: the table as aligned text.

use std::io::{self, Write};

use crate::columns::{ALL, CellContext, Column, ColumnId, Demand, Fitted, fit, fit_all, width};
use crate::track::Row;

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
}

/// Writes a line of headings and the rows; nothing if there are no rows.
///
/// # Errors
/// If the writer fails.
pub fn write_text(
    out: &mut dyn Write,
    rows: &[&Row],
    context: &CellContext,
    layout: &Layout<'_>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut offered = layout.columns.to_vec();
    if offered.is_empty() {
        // An age needs two snapshots.
        let once = ALL.iter().filter(|column| column.id != ColumnId::Age);
        offered.extend(once.filter(|column| has_content(column, rows, context)));
    }
    let has_header = !layout.without_header;
    if let Some(width) = layout.width {
        let columns = fit(&offered, width, |column| demand(column, rows, context));
        let context = beside(columns.iter().map(|fitted| fitted.column.id), context);
        let cells = rows.iter().map(|row| {
            let columns = columns.iter();
            let cells = columns.map(|one| one.column.cell(row, &context, usize::from(one.width)));
            cells.collect()
        });
        write_lines(out, &columns, has_header, cells)
    } else {
        let context = beside(offered.iter().map(|column| column.id), context);
        let texts = |row: &&Row| {
            offered
                .iter()
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

/// The context for cells beside those of these columns.
fn beside(mut columns: impl Iterator<Item = ColumnId>, context: &CellContext) -> CellContext {
    CellContext {
        has_user: columns.any(|id| id == ColumnId::User),
        ..*context
    }
}

/// Whether any row has a text there. The main columns are always shown.
fn has_content(column: &Column, rows: &[&Row], context: &CellContext) -> bool {
    column.priority <= 4 && column.id != ColumnId::Remote
        || rows.iter().any(|row| (column.text)(row, context) != "–")
}

fn demand(column: &Column, rows: &[&Row], context: &CellContext) -> Demand {
    let demands = rows.iter().map(|row| column.demand(row, context));
    demands.fold(Demand::default(), Demand::max)
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
        let cells = columns
            .iter()
            .zip(&texts)
            .map(|(one, text)| one.render(text));
        let line = cells.collect::<Vec<_>>().join(" ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
