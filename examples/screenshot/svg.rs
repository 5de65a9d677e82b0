//! A screen as SVG: pieces of text of one style, split where a column ends.
//!
//! It must look right on any page, with any font and in any viewer: it has its own background, and each piece has its
//! position and width, so that columns stay aligned with other letter widths. No piece has two spaces in a row, as many
//! viewers collapse them.

use std::collections::{BTreeMap, BTreeSet};
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

/// The style of cells.
#[derive(Clone, PartialEq)]
struct Style {
    ink: String,
    ground: String,
    is_bold: bool,
    is_underlined: bool,
}

/// The position and background of a screen.
struct Panel<'a> {
    screen: &'a Buffer,
    left: f32,
    top: f32,
    ground: String,
}

/// Screens of one size as an SVG document, so many beside each other.
pub fn picture(screens: &[Buffer], beside: usize, title: &str, description: &str) -> String {
    let area = screens[0].area;
    let (wide, high) = (
        f32::from(area.width) * CELL.0,
        f32::from(area.height) * CELL.1,
    );
    let rows = screens.len().div_ceil(beside);
    let width = (wide + MARGIN) * to_f32(beside) + MARGIN;
    let height = (high + MARGIN) * to_f32(rows) + BAR;
    let mut svg = opened((width, height), title, description);
    for (number, screen) in screens.iter().enumerate() {
        let panel = Panel {
            screen,
            left: MARGIN + (wide + MARGIN) * to_f32(number % beside),
            top: BAR + (high + MARGIN) * to_f32(number / beside),
            // The last line has no bar.
            ground: style_of(&screen[(area.width - 1, area.height - 1)], GROUND).ground,
        };
        panel.draw(&mut svg, (wide, high));
    }
    svg + "</svg>\n"
}

/// Screens of one size as an SVG document that shows one after the other, each for so many tenths of a second, and
/// begins again. What does not change is there once. A viewer that does not animate shows the last screen.
pub fn moving(screens: &[Buffer], tenths: u16, title: &str, description: &str) -> String {
    let area = screens[0].area;
    let (wide, high) = (
        f32::from(area.width) * CELL.0,
        f32::from(area.height) * CELL.1,
    );
    let size = (wide + 2.0 * MARGIN, high + MARGIN + BAR);
    let mut svg = opened(size, title, description);
    // What is seen from one screen to another, grounds before texts.
    let mut spans: BTreeMap<(bool, usize, usize), String> = BTreeMap::new();
    for row in 0..area.height {
        let drawn: Vec<String> = screens.iter().map(|one| drawn_row(one, row)).collect();
        let elements: BTreeSet<&str> = drawn.iter().flat_map(|row| row.lines()).collect();
        for element in elements {
            let is_there = |row: &String| row.lines().any(|one| one == element);
            let mut begin = 0;
            for run in drawn.chunk_by(|one, next| is_there(one) == is_there(next)) {
                let end = begin + run.len();
                if is_there(&run[0]) {
                    let span = (element.starts_with("<text"), begin, end);
                    let _ = writeln!(spans.entry(span).or_default(), "{element}");
                }
                begin = end;
            }
        }
    }
    svg.push_str("<style>\n");
    let moments: BTreeSet<_> = spans.keys().map(|(_, begin, end)| (*begin, *end)).collect();
    for (begin, end) in moments {
        svg.push_str(&shown_from(begin, end, screens.len(), tenths));
    }
    svg.push_str("@media (prefers-reduced-motion:reduce){g{animation:none!important}}\n</style>\n");
    for ((_, begin, end), elements) in spans {
        let _ = writeln!(svg, "<g class=\"s{begin}-{end}\">\n{elements}</g>");
    }
    svg + "</svg>\n"
}

fn drawn_row(screen: &Buffer, row: u16) -> String {
    let mut svg = String::new();
    let panel = Panel {
        screen,
        left: MARGIN,
        top: BAR,
        ground: GROUND.into(),
    };
    panel.draw_row(&mut svg, row);
    svg
}

/// The style of what is visible from one screen to another, of so many.
fn shown_from(begin: usize, end: usize, screens: usize, tenths: u16) -> String {
    let percent = |at: usize| 100.0 * to_f32(at) / to_f32(screens);
    let seconds = to_f32(screens) * f32::from(tenths) / 10.0;
    let name = format!("s{begin}-{end}");
    let at = |at: f32, what: &str| format!("{at:.2}%{{visibility:{what}}}");
    let mut steps = String::new();
    if begin > 0 {
        steps += &at(0.0, "hidden");
    }
    steps += &at(percent(begin), "visible");
    let is_last = end == screens;
    if !is_last {
        steps += &at(percent(end), "hidden");
    }
    let rest = if is_last { "visible" } else { "hidden" };
    format!(
        "@keyframes {name}{{{steps}}}\n.{name}{{visibility:{rest};animation:{name} {seconds:.1}s step-end infinite}}\n"
    )
}

/// The window, still empty.
fn opened((width, height): (f32, f32), title: &str, description: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-labelledby=\"t d\" font-size=\"14\" font-family=\"ui-monospace, \
         SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace\">\n\
         <title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n\
         <style>.b{{font-weight:bold}}.u{{text-decoration:underline}}</style>\n\
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
    svg
}

impl Panel<'_> {
    fn draw(&self, svg: &mut String, (wide, high): (f32, f32)) {
        if self.ground != GROUND {
            let (left, top, ground) = (self.left - 4.0, self.top - 4.0, &self.ground);
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\" fill=\"{ground}\"/>",
                wide + 8.0,
                high + 8.0
            );
        }
        for row in 0..self.screen.area.height {
            self.draw_row(svg, row);
        }
    }

    fn draw_row(&self, svg: &mut String, row: u16) {
        let columns = 0..self.screen.area.width;
        let cells: Vec<_> = columns.map(|column| &self.screen[(column, row)]).collect();
        let style = |cell: &Cell| style_of(cell, &self.ground);
        // Backgrounds are drawn separately: between two pieces a seam would be visible.
        for (column, run) in runs(&cells, |cell| style(cell).ground) {
            self.draw_ground(svg, (column, row), run.len(), &style(run[0]).ground);
        }
        for (column, run) in runs(&cells, style) {
            let text: String = run.iter().map(|cell| cell.symbol()).collect();
            self.draw_text(svg, (column, row), &text, &style(run[0]));
        }
    }

    fn draw_ground(&self, svg: &mut String, at: (usize, u16), cells: usize, ground: &str) {
        if ground == self.ground {
            return;
        }
        let (x, y) = self.place(at);
        let (width, height) = (to_f32(cells) * CELL.0, CELL.1);
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{ground}\"/>"
        );
    }

    /// The text of one run. Every symbol of the pictures is one cell wide.
    fn draw_text(&self, svg: &mut String, (column, row): (usize, u16), text: &str, style: &Style) {
        let class = match (style.is_bold, style.is_underlined) {
            (false, false) => "",
            (true, false) => " class=\"b\"",
            (false, true) => " class=\"u\"",
            (true, true) => " class=\"b u\"",
        };
        for (offset, piece) in pieces(text) {
            let (x, y) = self.place((column + offset, row));
            let (y, width) = (y + CELL.1 * 0.75, to_f32(piece.chars().count()) * CELL.0);
            let (ink, shown) = (&style.ink, escaped(piece));
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{width:.1}\" fill=\"{ink}\"{class}>{shown}</text>"
            );
        }
    }

    /// The upper left corner of a cell.
    fn place(&self, (column, row): (usize, u16)) -> (f32, f32) {
        let x = self.left + to_f32(column) * CELL.0;
        (x, self.top + f32::from(row) * CELL.1)
    }
}

/// The parts of a text between two or more spaces, each with the cell that it begins in.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let mut column = 0;
    let mut pieces = Vec::new();
    for part in text.split("  ") {
        let shown = part.trim_start();
        if !shown.trim_end().is_empty() {
            let before = part.chars().count() - shown.chars().count();
            pieces.push((column + before, shown.trim_end()));
        }
        column += part.chars().count() + 2;
    }
    pieces
}

/// Runs of cells with the same property, with their start.
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

fn to_f32(cells: usize) -> f32 {
    f32::from(u16::try_from(cells).unwrap_or(u16::MAX))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn style_of(cell: &Cell, ground: &str) -> Style {
    let is = |modifier| cell.modifier.contains(modifier);
    let mut ink = colour(cell.fg, if is(Modifier::DIM) { FAINT } else { INK });
    let mut ground = colour(cell.bg, ground);
    if is(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut ground);
    }
    Style {
        ink,
        ground,
        is_bold: is(Modifier::BOLD),
        is_underlined: is(Modifier::UNDERLINED),
    }
}

/// The sixteen colours of a dark palette.
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
