//! The command palette: a searchable list of all possible actions.

use std::borrow::Cow;

use crate::app::dialogs::Sheet;
use crate::app::dialogs::prompt::{Prompt, PromptKind};
use crate::app::layout::Size;
use crate::app::view::{Line, Role, cut_line, span};
use crate::app::{App, Dialog, Pane};
use crate::columns::{pad, width};
use crate::keymap::{
    Action, DialogAction, Mode, PaneAction, PortAction, ProgramAction, TableAction,
};
use crate::model::Moment;
use crate::query::Tab;

#[derive(Clone, Debug)]
pub(crate) struct Palette {
    pub prompt: Prompt,
    pub entries: Vec<Entry>,
    at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub action: Action,
    /// Empty if no key is bound to it.
    pub keys: String,
    pub help: Cow<'static, str>,
}

impl Palette {
    /// The actions that match the typed text, best first.
    pub fn found(&self) -> Vec<&Entry> {
        let typed = self.prompt.text();
        let ranked = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry.rank(typed)?, entry)));
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The index under the cursor, among those found.
    fn at(&self) -> usize {
        self.at.min(self.found().len().saturating_sub(1))
    }

    pub fn go_to(&mut self, at: usize) {
        self.at = at.min(self.found().len().saturating_sub(1));
    }

    pub fn step(&mut self, by: isize) {
        self.go_to(self.at().saturating_add_signed(by));
    }
}

impl Entry {
    /// How well it matches the typed text, 0 is best; `None` if it doesn't.
    fn rank(&self, typed: &str) -> Option<u8> {
        let typed = typed.trim();
        if typed.is_empty() || self.keys.split(' ').any(|key| key == typed) {
            return Some(0);
        }
        let (help, typed) = (self.help.to_lowercase(), typed.to_lowercase());
        let begins = |word: &str| {
            let mut words = help.split(|c: char| !c.is_alphanumeric());
            words.any(|one| one.starts_with(word))
        };
        match () {
            () if help.starts_with(&typed) => Some(1),
            () if typed.split_whitespace().all(begins) => Some(2),
            () if typed.split_whitespace().all(|word| help.contains(word)) => Some(3),
            () => None,
        }
    }
}

impl App {
    /// The actions that are possible now. Those of a focused pane and of an open bind test come before those of the table.
    pub(crate) fn palette(&self) -> Palette {
        let (keymap, mode) = (&self.settings.keymap, self.mode());
        let is_bind_test = matches!(self.dock.pane, Some(Pane::Bind(_)));
        let of_focus = keymap.bindings(mode).filter(|_| mode == Mode::Pane);
        let of_bind_test = keymap.bindings(Mode::Bind).filter(|_| is_bind_test);
        let of_pane = of_focus.chain(of_bind_test);
        let mut entries: Vec<Entry> = Vec::new();
        for binding in of_pane.chain(keymap.bindings(Mode::Table)) {
            let action = binding.action;
            if entries.iter().any(|entry| entry.action == action) || !self.is_possible(action) {
                continue;
            }
            // A key of the table may do something else while a bind test is open.
            let keys = binding.keys.iter();
            let keys = keys.filter(|&&key| self.action_of(key) == Some(action));
            let keys: Vec<_> = keys.map(ToString::to_string).collect();
            let mut help = Cow::from(binding.help);
            if let Action::ShowView(place) = action
                && usize::from(place) >= Tab::ALL.len()
            {
                let name = self.view_at(place).map_or("", |view| self.view_name(view));
                help = format!("show the view {name}").into();
            }
            let keys = keys.join(" ");
            entries.push(Entry { action, keys, help });
        }
        Palette {
            prompt: Prompt::new(PromptKind::Action, ""),
            entries,
            at: 0,
        }
    }

    fn is_possible(&self, action: Action) -> bool {
        let is_row_selected = self.selected().is_some();
        match action {
            // The palette is already open.
            Action::Program(ProgramAction::OpenPalette) => false,
            Action::ShowView(place) => self.view_at(place).is_some(),
            Action::Pane(PaneAction::Down | PaneAction::Up) => self.dock.pane.is_some(),
            Action::Table(TableAction::Copy) => is_row_selected,
            Action::Port(action) => {
                let needs_row = matches!(action, PortAction::BindTest | PortAction::EndProcess);
                self.can(action) && (is_row_selected || !needs_row)
            }
            Action::Program(_)
            | Action::Pane(_)
            | Action::Table(_)
            | Action::Move(_)
            | Action::BindTest(_)
            | Action::Session(_)
            | Action::Dialog(_)
            | Action::CopyFix
            | Action::Back => true,
        }
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
        let chosen = palette.found().get(palette.at()).map(|entry| entry.action);
        if action != Action::Dialog(DialogAction::Accept) {
            self.dialog = Dialog::None;
        } else if let Some(action) = chosen {
            self.dialog = Dialog::None;
            self.perform(action, now);
        }
    }
}

/// Its size fits the whole list, so it stays the same while you type.
pub(super) fn sheet(palette: &Palette, size: Size, height: usize) -> Sheet {
    let widest = |text: fn(&Entry) -> &str| {
        let widths = palette.entries.iter().map(|entry| width(text(entry)));
        widths.max().unwrap_or(0)
    };
    let keys = widest(|entry| &entry.keys);
    let columns = (size.overlay_width()).min(keys + 2 + widest(|entry| &entry.help));
    let line = |entry: &Entry| -> Line {
        let line = vec![
            span(pad(&entry.keys, keys), Role::Accent),
            span(format!("  {}", entry.help), Role::Plain),
        ];
        cut_line(line, columns)
    };
    let mut lines: Vec<Line> = palette.found().into_iter().map(line).collect();
    let found = lines.len();
    if found == 0 {
        let nothing = vec![span("no matching action", Role::Dim)];
        lines.push(cut_line(nothing, columns));
    }
    let blank = vec![span(" ".repeat(columns), Role::Plain)];
    let all = palette.entries.len().min(height);
    lines.resize(lines.len().max(all), blank);
    Sheet {
        top: palette.at().saturating_sub(height - 1),
        height,
        choices: found,
        selected: (found > 0).then(|| palette.at()),
        ..Sheet::of("actions", lines)
    }
}
