//! A terminal's screen as SVG: one piece of text for each run of cells that look alike.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

const CELL: (f64, f64) = (8.4, 18.0);
const MARGIN: f64 = 14.0;
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d7dae0";

/// How cells look.
#[derive(Clone, PartialEq)]
struct Look {
    text: String,
    behind: String,
    is_dim: bool,
    is_bold: bool,
    is_underlined: bool,
}

/// The whole screen as an SVG document.
pub fn picture(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let width = f64::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        draw_row(&mut svg, screen, row, columns);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_row(svg: &mut String, screen: &Screen, row: u16, columns: u16) {
    let mut column = 0;
    while column < columns {
        let Some(first) = screen.cell(row, column) else {
            return;
        };
        let look = look_of(first);
        let start = column;
        let mut text = String::new();
        while let Some(cell) = screen
            .cell(row, column)
            .filter(|cell| look_of(cell) == look)
        {
            if !cell.is_wide_continuation() {
                text.push_str(if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                });
            }
            column += 1;
        }
        draw_run(svg, row, start, column - start, &text, &look);
    }
}

fn draw_run(svg: &mut String, row: u16, column: u16, cells: u16, text: &str, look: &Look) {
    let x = MARGIN + f64::from(column) * CELL.0;
    let y = MARGIN + f64::from(row) * CELL.1;
    let width = f64::from(cells) * CELL.0;
    if look.behind != BACKGROUND {
        let (height, colour) = (CELL.1, &look.behind);
        writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" \
             fill=\"{colour}\"/>"
        )
        .expect("a String takes everything");
    }
    if text.trim().is_empty() {
        return;
    }
    let mut style = format!("fill=\"{}\"", look.text);
    for (is_so, attribute) in [
        (look.is_dim, " opacity=\"0.6\""),
        (look.is_bold, " font-weight=\"bold\""),
        (look.is_underlined, " text-decoration=\"underline\""),
    ] {
        if is_so {
            style.push_str(attribute);
        }
    }
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" xml:space=\"preserve\" \
         {style}>{}</text>",
        y + CELL.1 * 0.75,
        text.replace('&', "&amp;").replace('<', "&lt;")
    )
    .expect("a String takes everything");
}

fn look_of(cell: &Cell) -> Look {
    let (mut text, mut behind) = (
        colour(cell.fgcolor(), FOREGROUND),
        colour(cell.bgcolor(), BACKGROUND),
    );
    if cell.inverse() {
        std::mem::swap(&mut text, &mut behind);
    }
    Look {
        text,
        behind,
        is_dim: cell.dim(),
        is_bold: cell.bold(),
        is_underlined: cell.underline(),
    }
}

/// The sixteen colours as a common dark palette has them.
fn colour(colour: Color, default: &str) -> String {
    const PALETTE: [&str; 16] = [
        "#282c34", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
        "#5c6370", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff",
    ];
    match colour {
        Color::Idx(index) if index < 16 => PALETTE[usize::from(index)].into(),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        _ => default.into(),
    }
}
