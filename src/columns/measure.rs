//! How wide a text is in terminal cells, and how it is cut, padded, wrapped and aligned.

use unicode_width::UnicodeWidthChar as _;

/// Width of a text in terminal cells: the sum over its characters, as terminals count.
pub fn width(text: &str) -> usize {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain {
        return text.len();
    }
    text.chars().map(cells).sum()
}

fn cells(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Cuts a text that is too wide at its end and marks the cut with `…`, which follows no space.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        text.into()
    } else if columns == 0 {
        String::new()
    } else {
        format!("{}…", head(text, columns - 1).trim_end())
    }
}

/// Leaves out the first cells of a text and marks the cut with `…`, which takes the first cell that is left.
pub fn cut_start(text: &str, skipped: usize) -> String {
    if skipped == 0 {
        return text.into();
    }
    let mut used = 0;
    let rest = text.char_indices().find(|&(_, c)| {
        let is_after = used > skipped;
        used += cells(c);
        is_after && cells(c) > 0
    });
    // A wide character may be cut in half.
    rest.map_or_else(
        || "…".into(),
        |(at, _)| {
            format!(
                "…{}",
                pad_left(&text[at..], width(text).saturating_sub(skipped + 1))
            )
        },
    )
}

/// Cuts a text that is too wide in its middle and marks the cut with `…`.
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns || columns < 3 {
        return cut(text, columns);
    }
    let end = (columns - 1) / 2;
    format!("{}…{}", head(text, columns - 1 - end), tail(text, end))
}

/// The longest beginning that is at most `width` cells wide.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += cells(c);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// The longest end that is at most `width` cells wide. Combining characters at its start are dropped: their base
/// character is cut off, and they would join the one before.
fn tail(text: &str, width: usize) -> &str {
    let mut start = text.len();
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += cells(c);
        if used > width {
            break;
        }
        start = at;
    }
    text[start..].trim_start_matches(|c| cells(c) == 0)
}

/// Breaks a text between words into lines that fit; a word that is too wide stays whole.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Like [`wrap`], but also breaks a word that is too wide.
pub fn wrap_anywhere(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in wrap(text, columns) {
        let mut rest = line.as_str();
        while width(rest) > columns && !head(rest, columns).is_empty() {
            let first = head(rest, columns);
            lines.push(first.to_owned());
            rest = &rest[first.len()..];
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// Adds spaces at the right up to `columns` cells.
pub fn pad(text: &str, columns: usize) -> String {
    text.to_owned() + &missing(text, columns)
}

/// Adds spaces at the left up to `columns` cells.
pub fn pad_left(text: &str, columns: usize) -> String {
    missing(text, columns) + text
}

fn missing(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text)))
}

/// A label with a text behind it, wrapped at `columns`: for each line the label (then blanks) in `indent` cells, and
/// a piece of the text.
pub fn hang(label: &str, indent: usize, text: &str, columns: usize) -> Vec<(String, String)> {
    let pieces = wrap(text, columns.saturating_sub(indent)).into_iter();
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    pieces
        .zip(labels)
        .map(|(piece, label)| (pad(label, indent), piece))
        .collect()
}

/// Pads the cells of each column to the same width, that of the widest and `gap` more; `text` finds the text of a
/// cell.
pub fn pad_cells<C>(rows: &mut [Vec<C>], gap: usize, text: impl Fn(&mut C) -> &mut String) {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows.iter_mut() {
        widths.resize(widths.len().max(row.len()), 0);
        for (cell, widest) in row.iter_mut().zip(&mut widths) {
            *widest = width(text(cell)).max(*widest);
        }
    }
    for row in rows {
        for (cell, &widest) in row.iter_mut().zip(&widths) {
            let text = text(cell);
            *text = pad(text, widest + gap);
        }
    }
}

/// Lines of cells as text: columns are left-aligned, two spaces apart, without spaces at the end of a line.
pub fn align(mut rows: Vec<Vec<String>>) -> Vec<String> {
    pad_cells(&mut rows, 2, |cell| cell);
    let lines = rows.into_iter().map(|row| row.concat());
    lines.map(|line| line.trim_end().to_owned()).collect()
}
