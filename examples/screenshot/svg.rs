//! A screen as SVG: one piece of text for each run of cells that look alike.
//!
//! It has to look right on any page and with any font: it has a ground of its own, and each piece says how
//! wide it is, so that columns stand below each other where letters are narrower than here.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

const CELL: (f32, f32) = (8.4, 17.0);
const MARGIN: f32 = 16.0;
/// The window's bar with its title.
const BAR: f32 = 34.0;

const GROUND: &str = "#16181d";
const FRAME: &str = "#3a3f4b";
const INK: &str = "#d7dae0";
const FAINT: &str = "#8b919d";

/// How cells look.
#[derive(Clone, PartialEq)]
struct Look {
    ink: String,
    ground: String,
    is_bold: bool,
    is_underlined: bool,
}

/// The whole screen as an SVG document.
pub fn picture(screen: &Buffer, title: &str, description: &str) -> String {
    let (columns, rows) = (screen.area.width, screen.area.height);
    let width = f32::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(rows) * CELL.1 + BAR + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-labelledby=\"t d\" font-size=\"14\" font-family=\"ui-monospace, \
         SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace\">\n\
         <title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n\
         <style>text{{white-space:pre}}.b{{font-weight:bold}}.u{{text-decoration:underline}}</style>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{:.0}\" height=\"{:.0}\" rx=\"10\" fill=\"{GROUND}\" stroke=\"{FRAME}\"/>\n",
        escaped(title),
        escaped(description),
        width - 1.0,
        height - 1.0,
    );
    for (at, colour) in [(20, "#e0665c"), (40, "#dfb04a"), (60, "#63b75b")] {
        let _ = writeln!(
            svg,
            "<circle cx=\"{at}\" cy=\"17\" r=\"6\" fill=\"{colour}\"/>"
        );
    }
    for row in 0..rows {
        draw_row(&mut svg, screen, row);
    }
    svg + "</svg>\n"
}

fn draw_row(svg: &mut String, screen: &Buffer, row: u16) {
    let columns = 0..screen.area.width;
    let cells: Vec<_> = columns.map(|column| &screen[(column, row)]).collect();
    // Grounds by themselves: between two pieces of one a seam would show.
    for (column, run) in runs(&cells, |cell| look_of(cell).ground) {
        draw_ground(svg, (column, row), run.len(), &look_of(run[0]).ground);
    }
    for (column, run) in runs(&cells, look_of) {
        let text: String = run.iter().map(|cell| cell.symbol()).collect();
        draw_text(svg, (column, row), &text, &look_of(run[0]));
    }
}

/// Cells that are alike in something, and where they begin.
fn runs<'a, T: PartialEq>(
    cells: &'a [&'a Cell],
    of: impl Fn(&Cell) -> T,
) -> Vec<(usize, &'a [&'a Cell])> {
    let mut start = 0;
    let runs = cells.chunk_by(|one, next| of(one) == of(next));
    runs.map(|run| {
        start += run.len();
        (start - run.len(), run)
    })
    .collect()
}

fn draw_ground(svg: &mut String, (column, row): (usize, u16), cells: usize, ground: &str) {
    if ground == GROUND {
        return;
    }
    let (x, y) = place(column, row);
    let (width, height) = (to_f32(cells) * CELL.0, CELL.1);
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{ground}\"/>"
    );
}

/// The text of one run. Every symbol of the pictures is one cell wide.
fn draw_text(svg: &mut String, (column, row): (usize, u16), text: &str, look: &Look) {
    let shown = text.trim();
    if shown.is_empty() {
        return;
    }
    let before = text.chars().take_while(|c| *c == ' ').count();
    let (x, y) = place(column + before, row);
    let (y, width) = (y + CELL.1 * 0.75, to_f32(shown.chars().count()) * CELL.0);
    let class = match (look.is_bold, look.is_underlined) {
        (false, false) => "",
        (true, false) => " class=\"b\"",
        (false, true) => " class=\"u\"",
        (true, true) => " class=\"b u\"",
    };
    let (ink, shown) = (&look.ink, escaped(shown));
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{width:.1}\" fill=\"{ink}\"{class}>{shown}</text>"
    );
}

/// The upper left corner of a cell.
fn place(column: usize, row: u16) -> (f32, f32) {
    let x = MARGIN + to_f32(column) * CELL.0;
    (x, BAR + f32::from(row) * CELL.1)
}

fn to_f32(cells: usize) -> f32 {
    f32::from(u16::try_from(cells).unwrap_or(u16::MAX))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn look_of(cell: &Cell) -> Look {
    let is = |modifier| cell.modifier.contains(modifier);
    let mut ink = colour(cell.fg, if is(Modifier::DIM) { FAINT } else { INK });
    let mut ground = colour(cell.bg, GROUND);
    if is(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut ground);
    }
    Look {
        ink,
        ground,
        is_bold: is(Modifier::BOLD),
        is_underlined: is(Modifier::UNDERLINED),
    }
}

/// The sixteen colours as a dark palette has them; those of a theme are its own.
fn colour(colour: Color, default: &str) -> String {
    let named = match colour {
        Color::Black => "#282c34",
        Color::Red | Color::LightRed => "#e8757f",
        Color::Green | Color::LightGreen => "#98c379",
        Color::Yellow | Color::LightYellow => "#e5c07b",
        Color::Blue | Color::LightBlue => "#6cb6f5",
        Color::Magenta | Color::LightMagenta => "#cf8be6",
        Color::Cyan | Color::LightCyan => "#5fc3cf",
        Color::Gray => "#abb2bf",
        Color::DarkGray => "#7d8492",
        Color::White => "#ffffff",
        Color::Rgb(red, green, blue) => return format!("#{red:02x}{green:02x}{blue:02x}"),
        _ => default,
    };
    named.to_owned()
}
