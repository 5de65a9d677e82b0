//! The help: keys from the keymap, the filter language and the columns from their own tables.

use super::super::keymap::{self, Mode};
use super::super::layout::Size;
use super::{Line, OverlayView, Role, span};
use crate::columns::{self, pad};
use crate::filter;

/// The part of the help that is in sight.
pub(super) fn overlay(scroll: usize, size: Size) -> OverlayView {
    let lines = lines();
    let scroll = scroll.min(last_help_scroll(size));
    OverlayView {
        title: "help".into(),
        lines: lines.into_iter().skip(scroll).take(height(size)).collect(),
        selected: None,
    }
}

/// How far the help can be scrolled.
pub(in crate::app) fn last_help_scroll(size: Size) -> usize {
    lines().len().saturating_sub(height(size))
}

fn height(size: Size) -> usize {
    let border = if size.is_compact() { 0 } else { 4 };
    usize::from(size.height).saturating_sub(border).max(1)
}

fn lines() -> Vec<Line> {
    let keys = keymap::bindings(Mode::Table).map(|binding| {
        let keys = binding.keys_text();
        entry(&keys, binding.help)
    });
    let marks = [
        entry("+", "opened a moment ago"),
        entry("~", "changed its state or owner a moment ago: old → new"),
        entry("-", "closed; the row goes after a while"),
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
        .map(|column| entry(column.title, column.description));
    heading("keys")
        .chain(keys)
        .chain(heading("marks"))
        .chain(marks)
        .chain(heading("owners"))
        .chain(owners)
        .chain(heading("columns"))
        .chain(columns)
        .chain(heading("filter"))
        .chain(filter_words())
        .collect()
}

fn filter_words() -> impl Iterator<Item = Line> {
    let forms = filter::FORMS
        .iter()
        .map(|form| entry(form.example, form.help));
    let fields = filter::FIELDS
        .iter()
        .map(|field| entry(&format!("{}:", field.name), field.help));
    let flags = filter::FLAGS
        .iter()
        .map(|flag| entry(&format!("is:{}", flag.name), flag.help));
    let transports = filter::TRANSPORTS
        .iter()
        .map(|word| entry(word.name, word.help));
    forms.chain(fields).chain(flags).chain(transports)
}

fn heading(title: &'static str) -> impl Iterator<Item = Line> {
    [Vec::new(), vec![span(title, Role::Strong)]]
        .into_iter()
        .skip(usize::from(title == "keys"))
}

fn entry(what: &str, meaning: &str) -> Line {
    vec![
        span(pad(what, 20, false), Role::Accent),
        span(meaning, Role::Plain),
    ]
}
