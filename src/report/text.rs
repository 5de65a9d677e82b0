//! `list`: the table as aligned text.

use std::io::{self, Write};

use crate::columns::{ALL, CellContext, Column, ColumnId, Demand, Fitted, fit, width};
use crate::track::Row;

/// Columns that a listing leaves out: what they tell takes two readings.
const LIVE_ONLY: [ColumnId; 1] = [ColumnId::Age];

/// How a listing is laid out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout<'a> {
    /// The columns, in this order; none: those that have something to tell.
    pub columns: &'a [&'static Column],
    /// Cells of a line. Within them the columns that matter least are left out and long texts cut;
    /// without a limit (a pipe) nothing is.
    pub width: Option<u16>,
    /// Whether the line of headings is left out.
    pub without_header: bool,
}

/// Writes rows, under a line of headings unless that is unwanted. Without rows nothing is written.
///
/// # Errors
/// What the writer says.
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
        let told = ALL
            .iter()
            .filter(|column| !LIVE_ONLY.contains(&column.id))
            .filter(|column| has_content(column, rows, context));
        offered.extend(told);
    }
    let has_header = !layout.without_header;
    if let Some(width) = layout.width {
        let columns = fit(&offered, width, |column| demand(column, rows, context));
        let context = beside(columns.iter().map(|fitted| fitted.column.id), context);
        write_fitted(out, rows, &context, &columns, has_header)
    } else {
        let context = beside(offered.iter().map(|column| column.id), context);
        write_whole(out, rows, &context, &offered, has_header)
    }
}

/// What cells depend on that stand beside those of these columns.
fn beside(mut columns: impl Iterator<Item = ColumnId>, context: &CellContext) -> CellContext {
    CellContext {
        has_user: columns.any(|id| id == ColumnId::User),
        ..*context
    }
}

/// A column in which no row has anything to say is not worth its space; the main ones stay.
fn has_content(column: &Column, rows: &[&Row], context: &CellContext) -> bool {
    column.priority <= 4 && column.id != ColumnId::Remote
        || rows.iter().any(|row| (column.text)(row, context) != "–")
}

/// What the column's texts ask for.
fn demand(column: &Column, rows: &[&Row], context: &CellContext) -> Demand {
    let demands = rows.iter().map(|row| column.demand(row, context));
    demands.fold(Demand::default(), Demand::max)
}

fn write_fitted(
    out: &mut dyn Write,
    rows: &[&Row],
    context: &CellContext,
    columns: &[Fitted],
    has_header: bool,
) -> io::Result<()> {
    if has_header {
        let titles = columns
            .iter()
            .map(|fitted| fitted.render(fitted.column.title));
        write_line(out, titles)?;
    }
    for row in rows {
        let cells = columns.iter().map(|fitted| {
            fitted.render(&fitted.column.cell(row, context, usize::from(fitted.width)))
        });
        write_line(out, cells)?;
    }
    Ok(())
}

fn write_whole(
    out: &mut dyn Write,
    rows: &[&Row],
    context: &CellContext,
    columns: &[&Column],
    has_header: bool,
) -> io::Result<()> {
    let title = |column: &Column| if has_header { column.title } else { "" };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|c| (c.text)(row, context)).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let widest = cells
                .iter()
                .map(|cells| width(&cells[at]))
                .max()
                .unwrap_or(0);
            widest.max(width(title(column)))
        })
        .collect();
    let line = |texts: Vec<&str>| -> Vec<String> {
        texts
            .iter()
            .zip(columns)
            .zip(&widths)
            .map(|((text, column), &width)| column.align.pad(text, width))
            .collect()
    };
    if has_header {
        let titles = columns.iter().map(|column| title(column)).collect();
        write_line(out, line(titles).into_iter())?;
    }
    for row in &cells {
        write_line(
            out,
            line(row.iter().map(String::as_str).collect()).into_iter(),
        )?;
    }
    Ok(())
}

/// Cells with a space between them, without spaces at the end.
fn write_line(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let cells: Vec<_> = cells.collect();
    writeln!(out, "{}", cells.join(" ").trim_end())
}
