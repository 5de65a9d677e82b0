//! Text for a reader that speaks: the program's own signs in words or ASCII, no padding.

use crate::app::view::Line;
use crate::model::clean;

/// The program's signs in text that the screen shows too.
const SIGNS: &[(&str, &str)] = &[
    (" → ", " to "),
    (" ← ", " from "),
    (" · ", ", "),
    ("×", "x"),
    ("…", "..."),
    ("–", "-"),
    ("—", "-"),
    ("✓ ", ""),
    ("✗ ", ""),
    ("◷ ", ""),
];

/// One line without control characters and without signs of the program beyond ASCII. Names from outside stay as they
/// are.
pub(super) fn plain(text: &str) -> String {
    let mut text = clean(text).into_owned();
    for (sign, word) in SIGNS {
        if text.contains(sign) {
            text = text.replace(sign, word);
        }
    }
    text
}

/// A line of a pane as a sentence: `state: LISTEN, opened at 23:17:59`. Its first column is padded to be a label.
pub(super) fn of_line(line: &Line) -> String {
    let mut pieces = line.iter();
    let label = pieces.next().map_or("", |span| span.text.trim());
    let rest: String = pieces.map(|span| &*span.text).collect();
    match (label, rest.trim()) {
        ("", rest) => rest.to_owned(),
        (label, "") => label.to_owned(),
        (label, rest) => format!("{label}: {rest}"),
    }
}
