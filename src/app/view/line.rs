//! Lines of text, each piece with its meaning.

use std::borrow::Cow;

use crate::app::view::Click;
use crate::columns::{cut, hang, width, wrap_anywhere};
use crate::model::clean;
use crate::theme::Role;

/// A piece of text with one meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text, without control characters.
    pub text: String,
    /// Its meaning.
    pub role: Role,
    /// What a click on it does.
    pub click: Option<Click>,
    /// Whether text and background colour are swapped.
    pub is_reversed: bool,
}

/// One line of text.
pub type Line = Vec<Span>;

/// Text of one meaning. Names from outside are cleaned where they are read; paths, system errors and typed text are
/// cleaned here.
pub(crate) fn span(text: impl Into<String>, role: Role) -> Span {
    raw_span(cleaned(text.into()), role)
}

/// Text that is already clean.
pub(crate) fn raw_span(text: impl Into<String>, role: Role) -> Span {
    Span {
        text: text.into(),
        role,
        click: None,
        is_reversed: false,
    }
}

impl Span {
    pub(crate) const fn reversed(mut self) -> Self {
        self.is_reversed = true;
        self
    }

    pub(crate) const fn on_click(mut self, click: Click) -> Self {
        self.click = Some(click);
        self
    }
}

pub(crate) fn cleaned(text: String) -> String {
    match clean(&text) {
        Cow::Owned(other) if other != text => other,
        _ => text,
    }
}

pub(crate) fn line_width(line: &[Span]) -> usize {
    line.iter().map(|span| width(&span.text)).sum()
}

pub(crate) fn widest(lines: &[Line]) -> usize {
    let widths = lines.iter().map(|line| line_width(line));
    widths.max().unwrap_or(0)
}

/// Cuts a line that is too wide at its end and marks the cut with `…`.
pub(crate) fn cut_line(line: Line, columns: usize) -> Line {
    let mut left = columns;
    let is_too_wide = line_width(&line) > columns;
    let mut cut_line = Vec::with_capacity(line.len());
    for span in line {
        let cells = width(&span.text);
        // If a piece ends exactly at the edge, `…` replaces its last cell.
        if is_too_wide && cells >= left {
            let text = cleaned(cut(&format!("{} ", span.text), left));
            cut_line.push(Span { text, ..span });
            break;
        }
        left -= cells.min(left);
        cut_line.push(span);
    }
    cut_line
}

/// Cells for which a piece of text is not worth being wrapped.
const LEAST_WRAPPED: usize = 20;

/// Wraps the last piece of a line that is too wide: behind the other pieces if they leave room for that, or else below
/// them, from `indent` on. All of it keeps its meaning and its click.
pub(crate) fn wrapped(mut line: Line, indent: usize, columns: usize) -> Vec<Line> {
    let is_too_wide = line_width(&line) > columns;
    if !is_too_wide {
        return vec![line];
    }
    let Some(last) = line.pop() else {
        return Vec::new();
    };
    let before = line_width(&line);
    let is_behind = before + LEAST_WRAPPED <= columns;
    let indent = if is_behind {
        before
    } else {
        indent.min(columns / 4)
    };
    let pieces = wrap_anywhere(&last.text, columns.saturating_sub(indent));
    let mut pieces = pieces.into_iter().map(|text| Span {
        text,
        ..last.clone()
    });
    if is_behind {
        line.extend(pieces.next());
    }
    let blank = Span {
        text: " ".repeat(indent),
        ..last.clone()
    };
    let below = pieces.map(|piece| vec![blank.clone(), piece]);
    std::iter::once(line).chain(below).collect()
}

/// A label in `indent` cells, and text behind it, wrapped at `columns`.
pub(crate) fn hanging(
    (label, label_role): (&str, Role),
    indent: usize,
    text: &str,
    role: Role,
    columns: usize,
) -> Vec<Line> {
    let lines = hang(label, indent, text, columns).into_iter();
    lines
        .map(|(head, text)| vec![span(head, label_role), span(text, role)])
        .collect()
}
