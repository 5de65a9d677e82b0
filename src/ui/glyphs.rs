//! Drawing on a terminal that shows ASCII only: one character of the same width for each of the program's glyphs, a
//! `?` for each cell of any other character.

use ratatui::Frame;

use crate::columns::width;

/// Every glyph of the program with its ASCII replacement.
#[rustfmt::skip]
const ASCII: &[(char, char)] = &[
    // A cut or a pending value; no value; from and to; separators; counts.
    ('…', '~'), ('–', '-'), ('→', '>'), ('←', '<'), ('·', '-'), ('×', 'x'), ('—', '-'),
    // Order, keys, positions.
    ('▲', '^'), ('▼', 'v'), ('↑', '^'), ('↓', 'v'), ('▸', '>'), ('›', '>'), ('▴', '^'), ('▾', 'v'), ('●', '*'), ('★', '*'),
    // Results of a bind test.
    ('✓', '+'), ('✗', 'x'), ('◷', '~'),
    // Amounts.
    ('▁', '_'), ('▂', '.'), ('▃', ':'), ('▄', '-'), ('▅', '='), ('▆', '+'), ('▇', '*'), ('█', '#'),
    ('▏', ' '), ('▎', '.'), ('▍', ':'), ('▌', '-'), ('▋', '='), ('▊', '+'), ('▉', '*'),
    ('░', '.'), ('▒', ':'), ('▓', '%'),
    // Borders and scrollbars.
    ('│', '|'), ('─', '-'), ('┌', '+'), ('┐', '+'), ('└', '+'), ('┘', '+'), ('├', '+'), ('┤', '+'),
    ('┬', '+'), ('┴', '+'), ('┼', '+'), ('║', '|'), ('┃', '#'),
];

/// Replaces a character that the program does not know.
const UNKNOWN: char = '?';

/// The ASCII replacement of a character; `None` for one that is not the program's.
pub fn ascii(glyph: char) -> Option<char> {
    let found = ASCII.iter().find(|(one, _)| *one == glyph);
    found.map_or(glyph.is_ascii().then_some(glyph), |(_, ascii)| Some(*ascii))
}

/// A text in ASCII of the same width.
pub fn in_ascii(text: &str) -> String {
    let each = text.chars().flat_map(|c| match ascii(c) {
        Some(known) => std::iter::repeat_n(known, 1),
        None => std::iter::repeat_n(UNKNOWN, width(c.encode_utf8(&mut [0; 4]))),
    });
    each.collect()
}

/// Replaces all drawn characters that are not ASCII.
pub(super) fn to_ascii(frame: &mut Frame<'_>) {
    let columns = usize::from(frame.area().width).max(1);
    for line in frame.buffer_mut().content.chunks_mut(columns) {
        // Cells that the last unknown character still covers.
        let mut rest = 0;
        for cell in line {
            if rest > 0 {
                rest -= 1;
                cell.set_char(UNKNOWN);
            } else if !cell.symbol().is_ascii() {
                rest = width(cell.symbol()).saturating_sub(1);
                let mut characters = cell.symbol().chars();
                let known = characters.next().and_then(ascii);
                let alone = known.filter(|_| characters.next().is_none());
                cell.set_char(alone.unwrap_or(UNKNOWN));
            }
        }
    }
}
