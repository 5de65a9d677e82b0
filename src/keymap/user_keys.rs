//! The keys of this user: those of the table, except where the config has others.

use crate::columns::{pad, width};
use crate::keymap::{Action, Binding, KEYMAP, Key, Mode};

/// Every binding of the program, in the order of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap(pub(super) Vec<Binding>);

impl Default for Keymap {
    fn default() -> Self {
        Self(KEYMAP.to_vec())
    }
}

impl Keymap {
    /// Looks up the action of a key in a mode.
    pub fn lookup(&self, mode: Mode, key: Key) -> Option<Action> {
        let mut bindings = self.bindings(mode);
        let bound = bindings.find(|binding| binding.keys.contains(&key));
        match bound {
            None if matches!(mode, Mode::Bind | Mode::Pane) => self.lookup(Mode::Table, key),
            bound => bound.map(|binding| binding.action),
        }
    }

    /// The keys of a mode, in the order of the list; some of its actions may have none.
    pub fn bindings(&self, mode: Mode) -> impl Iterator<Item = &Binding> {
        self.0.iter().filter(move |binding| binding.mode == mode)
    }

    /// The keys that do this in a mode.
    pub fn keys(&self, mode: Mode, action: Action) -> &[Key] {
        let mut bindings = self.bindings(mode);
        let found = bindings.find(|binding| binding.action == action);
        found.map_or(&[], |binding| &binding.keys)
    }

    /// Gives an action other keys in a mode, or none.
    pub fn bind(&mut self, mode: Mode, action: Action, keys: Vec<Key>) {
        let is_it = |binding: &&mut Binding| (binding.mode, binding.action) == (mode, action);
        if let Some(binding) = self.0.iter_mut().find(is_it) {
            binding.keys = keys.into();
        }
    }

    /// The first key of an action in the table, as text, for hints.
    pub fn key(&self, action: Action) -> Option<String> {
        let first = self.keys(Mode::Table, action).first();
        first.map(ToString::to_string)
    }

    /// The keys of the table, of a bind test and of a focused pane, as the rows of Markdown tables, for the guide.
    pub fn markdown(&self) -> String {
        let row = |binding: &Binding| {
            let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
            format!("| {} | {} |\n", keys.join(" "), binding.help)
        };
        let table = |title: &str, mode| {
            let rows: String = self.bound(mode).map(row).collect();
            format!("| {title} | |\n|---|---|\n{rows}")
        };
        in_parts(table)
    }

    /// The same as aligned text.
    pub fn plain(&self) -> String {
        let all = [Mode::Table, Mode::Bind, Mode::Pane].into_iter();
        let all = all.flat_map(|mode| self.bound(mode));
        let widths = all.map(|binding| width(&binding.keys_text()));
        let widest = widths.max().unwrap_or(0);
        let row = |binding: &Binding| {
            let keys = pad(&binding.keys_text(), widest);
            format!("  {keys}  {}\n", binding.help)
        };
        in_parts(|title, mode| {
            let rows: String = self.bound(mode).map(row).collect();
            format!("{title}\n{rows}")
        })
    }

    /// The bindings of a mode that have a key.
    pub fn bound(&self, mode: Mode) -> impl Iterator<Item = &Binding> {
        self.bindings(mode)
            .filter(|binding| !binding.keys.is_empty())
    }
}

/// The keys of the table, then the additional ones of a bind test and of a focused pane.
fn in_parts(part: impl Fn(&str, Mode) -> String) -> String {
    let table = part("keys", Mode::Table);
    let bind = part("with a bind test open", Mode::Bind);
    let pane = part("in a focused pane", Mode::Pane);
    format!("{table}\n{bind}\n{pane}")
}
