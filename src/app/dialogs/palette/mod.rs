//! The command palette: a searchable list of everything that can be done now.

mod entries;
mod rank;
pub(crate) mod synonyms;

pub(crate) use entries::{Command, Entry};

use crate::app::dialogs::Sheet;
use crate::app::dialogs::prompt::{Edited, Prompt, PromptKind};
use crate::app::layout::Size;
use crate::app::view::{Line, Role, cut_line, span};
use crate::app::{App, Dialog};
use crate::columns::{pad, width};
use crate::keymap::{Action, DialogAction};
use crate::model::Moment;

#[derive(Clone, Debug)]
pub(crate) struct Palette {
    pub prompt: Prompt,
    pub entries: Vec<Entry>,
    /// The entries that match the typed text, best first.
    found: Vec<usize>,
    at: usize,
}

impl Palette {
    fn new(entries: Vec<Entry>) -> Self {
        Self {
            prompt: Prompt::new(PromptKind::Action, ""),
            found: (0..entries.len()).collect(),
            entries,
            at: 0,
        }
    }

    /// The entries that match the typed text, best first.
    pub fn found(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.found.iter().map(|&at| &self.entries[at])
    }

    /// Edits the text; the cursor goes to the best match.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Prompt) -> Edited) -> Edited {
        let edited = edit(&mut self.prompt);
        if edited != Edited::Nothing {
            self.found = rank::ranked(&self.entries, self.prompt.text());
            self.at = 0;
        }
        edited
    }

    pub fn go_to(&mut self, at: usize) {
        self.at = at.min(self.found.len().saturating_sub(1));
    }

    pub fn step(&mut self, by: isize) {
        self.go_to(self.at.saturating_add_signed(by));
    }
}

impl App {
    pub(crate) fn palette(&self) -> Palette {
        Palette::new(self.palette_entries())
    }

    /// Handles keys in the palette; any other action closes it.
    pub(crate) fn act_in_palette(&mut self, action: Action, now: Moment) {
        let page = self.menu_height();
        let Dialog::Palette(palette) = &mut self.dialog else {
            return;
        };
        if let Action::Move(action) = action {
            palette.step(action.lines(page));
            return;
        }
        let chosen = palette.found().nth(palette.at).map(|entry| entry.command);
        if action != Action::Dialog(DialogAction::Accept) {
            self.dialog = Dialog::None;
        } else if let Some(command) = chosen {
            self.dialog = Dialog::None;
            self.run(command, now);
        }
    }

    fn run(&mut self, command: Command, now: Moment) {
        match command {
            Command::Act(action) => self.perform(action, now),
            Command::Column(id) => self.rows.columns.toggle(id),
            Command::Kind(protocol) => self.toggle_kind(protocol, now),
            Command::Sort(sort) => {
                self.rows.criteria.sort = sort;
                self.reselect(now);
            }
            Command::Theme(at) => {
                self.settings.themes.choose_at(at);
                self.report_theme(now);
            }
        }
    }
}

/// On a narrower terminal an entry shows only its first key.
const MIN_WIDTH_FOR_ALL_KEYS: u16 = 60;

/// Its size fits the whole list, so it stays the same while you type.
pub(super) fn sheet(palette: &Palette, size: Size, height: usize) -> Sheet {
    let shown_keys = |entry: &Entry| -> String {
        let is_narrow = size.width < MIN_WIDTH_FOR_ALL_KEYS;
        let most = if is_narrow { 1 } else { usize::MAX };
        let keys: Vec<_> = entry.keys.split(' ').take(most).collect();
        keys.join(" ")
    };
    let all = palette.entries.iter();
    let keys = all
        .clone()
        .map(|entry| width(&shown_keys(entry)))
        .max()
        .unwrap_or(0);
    let texts = all.map(|entry| width(&entry.text)).max().unwrap_or(0);
    let columns = size.overlay_width().min(keys + 2 + texts);
    let line = |entry: &Entry| -> Line {
        let line = vec![
            span(pad(&shown_keys(entry), keys), Role::Accent),
            span(format!("  {}", entry.text), Role::Plain),
        ];
        cut_line(line, columns)
    };
    let mut lines: Vec<Line> = palette.found().map(line).collect();
    let found = lines.len();
    if found == 0 {
        let nothing = vec![span("no matching action", Role::Dim)];
        lines.push(cut_line(nothing, columns));
    }
    let blank = vec![span(" ".repeat(columns), Role::Plain)];
    let all = palette.entries.len().min(height);
    lines.resize(lines.len().max(all), blank);
    Sheet {
        top: palette.at.saturating_sub(height - 1),
        height,
        choices: found,
        selected: (found > 0).then_some(palette.at),
        ..Sheet::of("actions", lines)
    }
}
