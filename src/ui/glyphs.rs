//! What is drawn where the terminal shows ASCII only: for each glyph of ours one character of the same width,
//! for each cell of a foreign name a `?`.

use ratatui::Frame;
use ratatui::buffer::Cell;

use crate::columns::width;

/// Every glyph of the program, with what stands for it.
#[rustfmt::skip]
const ASCII: &[(char, char)] = &[
    // What is cut, or not there yet; nothing; from and to; separators; how many times.
    ('…', '~'), ('–', '-'), ('→', '>'), ('←', '<'), ('·', '-'), ('×', 'x'), ('—', '-'),
    // Order, keys, where one is.
    ('▲', '^'), ('▼', 'v'), ('↑', '^'), ('↓', 'v'), ('▸', '>'), ('▴', '^'), ('▾', 'v'), ('●', '*'), ('★', '*'),
    // What a bind test says.
    ('✓', '+'), ('✗', 'x'), ('◷', '~'),
    // Amounts.
    ('▁', '_'), ('▂', '.'), ('▃', ':'), ('▄', '-'), ('▅', '='), ('▆', '+'), ('▇', '*'), ('█', '#'),
    ('▏', ' '), ('▎', '.'), ('▍', ':'), ('▌', '-'), ('▋', '='), ('▊', '+'), ('▉', '*'),
    ('░', '.'), ('▒', ':'), ('▓', '%'),
    // Borders and scrollbars.
    ('│', '|'), ('─', '-'), ('┌', '+'), ('┐', '+'), ('└', '+'), ('┘', '+'), ('├', '+'), ('┤', '+'),
    ('┬', '+'), ('┴', '+'), ('┼', '+'), ('║', '|'), ('┃', '#'),
];

/// What stands for a character where there is ASCII only; `None` for a foreign one.
pub fn ascii(glyph: char) -> Option<char> {
    if glyph.is_ascii() {
        return Some(glyph);
    }
    let found = ASCII.iter().find(|(one, _)| *one == glyph);
    found.map(|(_, ascii)| *ascii)
}

/// A text in ASCII, as wide as it was.
pub fn in_ascii(text: &str) -> String {
    let each = text.chars().map(|c| match ascii(c) {
        Some(known) => known.to_string(),
        None => FOREIGN
            .to_string()
            .repeat(width(c.encode_utf8(&mut [0; 4]))),
    });
    each.collect()
}

/// Replaces what ASCII has not in all that was drawn.
pub(super) fn to_ascii(frame: &mut Frame<'_>) {
    let columns = usize::from(frame.area().width).max(1);
    for line in frame.buffer_mut().content.chunks_mut(columns) {
        line_to_ascii(line);
    }
}

fn line_to_ascii(line: &mut [Cell]) {
    // How many more cells the foreign character takes that was met last.
    let mut rest = 0;
    for cell in line {
        if rest > 0 {
            rest -= 1;
            cell.set_char(FOREIGN);
        } else if !cell.symbol().is_ascii() {
            rest = width(cell.symbol()).saturating_sub(1);
            let mut characters = cell.symbol().chars();
            let ours = characters.next().and_then(ascii);
            let alone = ours.filter(|_| characters.next().is_none());
            cell.set_char(alone.unwrap_or(FOREIGN));
        }
    }
}

/// Stands in each cell of what is not ours.
const FOREIGN: char = '?';
