//! The help: keys, filter language and columns, generated from their tables.

use crate::app::dialogs::Sheet;
use crate::app::layout::Size;
use crate::app::view::{Line, Role, hanging, span};
use crate::app::{App, Dialog};
use crate::columns::{self, width};
use crate::filter;
use crate::keymap::{Action, Keymap, Mode};

impl App {
    /// Handles keys in the help; anything but scrolling closes it.
    pub(crate) fn act_in_help(&mut self, action: Action) {
        let page = usize::from(self.size.height / 2);
        let last = last_help_scroll(self.size, &self.settings.keymap);
        match (&mut self.dialog, action) {
            (Dialog::Help { scroll }, Action::Move(action)) => {
                *scroll = scroll.saturating_add_signed(action.lines(page)).min(last);
            }
            (dialog, _) => *dialog = Dialog::None,
        }
    }
}

pub(crate) fn sheet(scroll: usize, size: Size, keymap: &Keymap) -> Sheet {
    Sheet {
        top: scroll.min(last_help_scroll(size, keymap)),
        height: height(size),
        ..Sheet::of("help", lines(size, keymap))
    }
}

pub(crate) fn last_help_scroll(size: Size, keymap: &Keymap) -> usize {
    lines(size, keymap).len().saturating_sub(height(size))
}

/// Lines of the overlay: all but the border, a line around it, and the hints below.
fn height(size: Size) -> usize {
    let taken = if size.is_compact() { 1 } else { 4 };
    usize::from(size.height).saturating_sub(taken).max(1)
}

const MARKS: [(&str, &str); 4] = [
    ("+", "just opened"),
    ("~", "just changed its state or owner: old → new"),
    ("-", "closed; the row disappears after a while"),
    (
        "*",
        "pinned port: alerts you when a listener opens, closes or changes there",
    ),
];

const OWNERS: [(&str, &str); 5] = [
    ("name ×3", "three processes share the socket"),
    (
        "ann · hidden",
        "owned by ann; you aren't allowed to see which process",
    ),
    ("kernel", "owned by the kernel itself, not by a process"),
    (
        "was name(12)",
        "the socket outlived this process (TIME_WAIT, orphan)",
    ),
    ("–", "no owner, and none seen before"),
];

/// Every line, wrapped to the width of the overlay: how far it scrolls depends on it.
fn lines(size: Size, keymap: &Keymap) -> Vec<Line> {
    let keys = |mode| {
        let bound = keymap.bound(mode);
        let bound = bound.map(|binding| (binding.keys_text(), binding.help));
        bound.collect()
    };
    let fixed = |entries: &[(&str, &'static str)]| {
        entries
            .iter()
            .map(|(what, meaning)| ((*what).to_owned(), *meaning))
            .collect()
    };
    let columns = columns::ALL.iter();
    let columns = columns.map(|one| (one.title.to_owned(), one.description));
    let sections: [(&str, Vec<(String, &str)>); 7] = [
        ("keys", keys(Mode::Table)),
        ("with a bind test open", keys(Mode::Bind)),
        ("in a focused pane", keys(Mode::Pane)),
        ("marks", fixed(&MARKS)),
        ("owners", fixed(&OWNERS)),
        ("columns", columns.collect()),
        ("filter", filter::words().collect()),
    ];
    let mut lines = Vec::new();
    for (title, entries) in sections {
        lines.extend([Line::new(), vec![span(title, Role::Strong)]]);
        for (what, meaning) in entries {
            lines.extend(entry(&what, meaning, size));
        }
    }
    lines.split_off(1)
}

/// A term and its meaning; a long term gets a separate line.
fn entry(mut what: &str, meaning: &str, size: Size) -> Vec<Line> {
    let columns = size.overlay_width();
    let indent = 20.min(columns / 2);
    let mut lines = Vec::new();
    if width(what) >= indent {
        lines.push(vec![span(what, Role::Accent)]);
        what = "";
    }
    lines.extend(hanging(
        (what, Role::Accent),
        indent,
        meaning,
        Role::Plain,
        columns,
    ));
    lines
}
