//! The help: keys from the keymap, the filter language and the columns from their own tables.

mod update;

use crate::app::layout::Size;
use crate::app::view::overlay::Sheet;
use crate::app::view::{Line, Role, span};
use crate::columns::{self, pad, width, wrap};
use crate::filter;
use crate::keymap::{Keymap, Mode};

/// The help, scrolled.
pub(crate) fn sheet(scroll: usize, size: Size, keymap: &Keymap) -> Sheet {
    Sheet {
        title: "help".into(),
        lines: lines(size, keymap),
        top: scroll.min(last_help_scroll(size, keymap)),
        height: height(size),
        choices: 0,
        selected: None,
    }
}

/// How far the help can be scrolled.
pub(crate) fn last_help_scroll(size: Size, keymap: &Keymap) -> usize {
    lines(size, keymap).len().saturating_sub(height(size))
}

/// Lines of the overlay: all but the border, a line around it, and the hints below.
fn height(size: Size) -> usize {
    let taken = if size.is_compact() { 1 } else { 4 };
    usize::from(size.height).saturating_sub(taken).max(1)
}

/// Every line, already broken to the width that there is: how far one can scroll depends on it.
fn lines(size: Size, keymap: &Keymap) -> Vec<Line> {
    let columns = size.overlay_width();
    let entry = |what: &str, meaning: &str| entry(what, meaning, columns);
    let keys_of = |mode| {
        let bound = keymap.bound(mode);
        bound.flat_map(|binding| entry(&binding.keys_text(), binding.help))
    };
    let marks = [
        entry("+", "opened a moment ago"),
        entry("~", "changed its state or owner a moment ago: old → new"),
        entry("-", "closed; the row goes after a while"),
        entry(
            "*",
            "its port is watched: told when it opens, closes or changes its owner",
        ),
    ];
    let owners = [
        entry("name ×3", "three processes share the socket"),
        entry(
            "ann · hidden",
            "a process of ann that you may not look at: run as root",
        ),
        entry("kernel", "no process has it: the kernel itself does"),
        entry(
            "was name(12)",
            "it outlived that process (TIME_WAIT, orphan)",
        ),
        entry("–", "nobody has it, and nobody was seen to have had it"),
    ];
    let columns = columns::ALL
        .iter()
        .flat_map(|column| entry(column.title, column.description));
    heading("keys")
        .chain(keys_of(Mode::Table))
        .chain(heading("with a bind test open"))
        .chain(keys_of(Mode::Bind))
        .chain(heading("marks"))
        .chain(marks.into_iter().flatten())
        .chain(heading("owners"))
        .chain(owners.into_iter().flatten())
        .chain(heading("columns"))
        .chain(columns)
        .chain(heading("filter"))
        .chain(filter::words().flat_map(|(word, help)| entry(&word, help)))
        .collect()
}

fn heading(title: &'static str) -> impl Iterator<Item = Line> {
    [Vec::new(), vec![span(title, Role::Strong)]]
        .into_iter()
        .skip(usize::from(title == "keys"))
}

/// What is explained, then its meaning, which goes on under itself where it is long.
fn entry(what: &str, meaning: &str, columns: usize) -> Vec<Line> {
    let indent = 20.min(columns / 2);
    let mut label = what;
    let mut lines = Vec::new();
    if width(what) >= indent {
        lines.push(vec![span(what, Role::Accent)]);
        label = "";
    }
    for text in wrap(meaning, columns.saturating_sub(indent)) {
        lines.push(vec![
            span(pad(label, indent), Role::Accent),
            span(text, Role::Plain),
        ]);
        label = "";
    }
    lines
}
