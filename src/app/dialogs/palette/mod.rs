//! The command palette: every action that is possible now, found by typing.

mod update;
pub(crate) mod view;

use crate::keymap::{PaneAction, PortAction, ProgramAction, TableAction};
use std::borrow::Cow;

use crate::app::dialogs::prompt::{Edited, Prompt, PromptKind};
use crate::app::{App, Dialog};
use crate::columns::width;
use crate::keymap::{Action, Key};
use crate::keymap::{Binding, Mode};

/// A list of actions that what is typed narrows.
#[derive(Clone, Debug)]
pub(crate) struct Palette {
    pub prompt: Prompt,
    entries: Vec<Entry>,
    /// Which of those found is under the cursor.
    at: usize,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub action: Action,
    /// Empty if no key does it.
    pub keys: String,
    pub help: Cow<'static, str>,
}

impl Palette {
    pub fn new(entries: Vec<Entry>) -> Self {
        Self {
            prompt: Prompt::new(PromptKind::Action, ""),
            entries,
            at: 0,
        }
    }

    /// The actions that what is typed could mean, the best first; all of them while nothing is.
    pub fn found(&self) -> Vec<&Entry> {
        let typed = self.prompt.text();
        let entries = self.entries.iter();
        let mut ranked: Vec<_> = entries
            .filter_map(|entry| Some((entry.rank(typed)?, entry)))
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Which of those found is under the cursor.
    pub fn at(&self) -> usize {
        self.at.min(self.found().len().saturating_sub(1))
    }

    pub fn go_to(&mut self, at: usize) {
        self.at = at.min(self.found().len().saturating_sub(1));
    }

    pub fn step(&mut self, by: isize) {
        self.go_to(self.at().saturating_add_signed(by));
    }

    /// The action under the cursor; `None` where nothing is found.
    pub fn chosen(&self) -> Option<Action> {
        self.found().get(self.at()).map(|entry| entry.action)
    }

    /// Another text finds others: the best of them comes under the cursor.
    pub fn press(&mut self, key: Key) -> Edited {
        let edited = self.prompt.press(key);
        self.edited(edited)
    }

    pub fn paste(&mut self, text: &str) -> Edited {
        let edited = self.prompt.paste(text);
        self.edited(edited)
    }

    const fn edited(&mut self, edited: Edited) -> Edited {
        if matches!(edited, Edited::Text) {
            self.at = 0;
        }
        edited
    }

    /// How many there are, found or not.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Cells that the widest keys take.
    pub fn keys_width(&self) -> usize {
        let widths = self.entries.iter().map(|entry| width(&entry.keys));
        widths.max().unwrap_or(0)
    }

    /// Cells that the longest help takes.
    pub fn help_width(&self) -> usize {
        let widths = self.entries.iter().map(|entry| width(&entry.help));
        widths.max().unwrap_or(0)
    }
}

impl Entry {
    /// How well it answers to what is typed, 0 the best; `None`: not at all.
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
    /// The palette of what is possible now. What an open bind test does with an action comes before what
    /// the table does with it.
    pub(crate) fn new_palette(&self) -> Palette {
        let (keymap, mode) = (&self.settings.keymap, self.mode());
        let of_pane = keymap.bindings(mode).filter(|_| mode == Mode::Bind);
        let mut entries: Vec<Entry> = Vec::new();
        for binding in of_pane.chain(keymap.bindings(Mode::Table)) {
            let is_listed = entries.iter().any(|entry| entry.action == binding.action);
            if !is_listed && self.is_possible(binding.action) {
                // A key that the bind test has taken does something else now.
                let keys = binding.keys.iter();
                let keys = keys.filter(|&&key| keymap.lookup(mode, key) == Some(binding.action));
                let keys: Vec<_> = keys.map(ToString::to_string).collect();
                entries.push(Entry {
                    action: binding.action,
                    keys: keys.join(" "),
                    help: self.help_of(binding),
                });
            }
        }
        Palette::new(entries)
    }

    /// What an action does. A view of one's own is called by its name.
    fn help_of(&self, binding: &Binding) -> Cow<'static, str> {
        let own = self.custom_view_of(binding.action);
        let named = own.map(|view| format!("show the view {}", view.name).into());
        named.unwrap_or(binding.help.into())
    }

    /// Whether an action has anything to act on.
    fn is_possible(&self, action: Action) -> bool {
        match action {
            // It is open already.
            Action::Program(ProgramAction::OpenPalette) => false,
            _ if self.lacks_place_of(action) => false,
            Action::Pane(PaneAction::Down) | Action::Pane(PaneAction::Up) => {
                self.dock.pane.is_some()
            }
            Action::Port(PortAction::BindTest)
            | Action::Port(PortAction::EndProcess)
            | Action::Table(TableAction::Copy) => {
                self.can_act_here(action) && self.selected().is_some()
            }
            _ => self.can_act_here(action),
        }
    }

    /// The line of text that is being typed.
    pub(crate) const fn prompt(&self) -> Option<&Prompt> {
        match &self.dialog {
            Dialog::Prompt(prompt) => Some(prompt),
            Dialog::Palette(palette) => Some(&palette.prompt),
            _ => None,
        }
    }
}
