//! The keys of this user: those of the table, except where the config has others.

use crate::columns::{pad, width};
use crate::keymap::checks::{BoundAction, ESSENTIAL};
use crate::keymap::{Action, Binding, KEYMAP, Key, Mode, Section};

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
            None if mode.is_of_table() => self.lookup(Mode::Table, key),
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

    /// Lets these bindings have their keys: every other binding of the same mode loses them. A way out of the table also works
    /// in the modes that look up its keys.
    pub fn prefer(&mut self, chosen: &[BoundAction]) {
        for &(mode, action) in chosen {
            let keys = self.keys(mode, action).to_vec();
            let is_everywhere = mode == Mode::Table && ESSENTIAL.contains(&action);
            for other in &mut self.0 {
                let can_lose = other.mode == mode || is_everywhere && other.mode.is_of_table();
                let is_chosen = chosen.contains(&(other.mode, other.action));
                // One that does the same keeps its keys.
                if can_lose && !is_chosen && other.action != action {
                    let left = other.keys.iter().filter(|&key| !keys.contains(key));
                    other.keys = left.copied().collect();
                }
            }
        }
    }

    /// Removes every key, for a front end without keys: hints then name none.
    #[must_use]
    pub fn without_keys(mut self) -> Self {
        for binding in &mut self.0 {
            binding.keys = Vec::new().into();
        }
        self
    }

    /// The first key of an action in the table, as text, for hints.
    pub fn key(&self, action: Action) -> Option<String> {
        let first = self.keys(Mode::Table, action).first();
        first.map(ToString::to_string)
    }

    /// The keys of the table by section, of a bind test and of a focused pane, as Markdown tables, for the guide.
    pub fn markdown(&self) -> String {
        let row = |binding: &&Binding| {
            let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
            format!("| {} | {} |\n", keys.join(" "), binding.help)
        };
        let table = |(title, bindings): (&str, Vec<&Binding>)| {
            let rows: String = bindings.iter().map(row).collect();
            format!("| {title} | |\n|---|---|\n{rows}")
        };
        let tables: Vec<_> = self.parts().map(table).collect();
        tables.join("\n")
    }

    /// The same as aligned text.
    pub fn plain(&self) -> String {
        let all = self.parts().flat_map(|(_, bindings)| bindings);
        let widths = all.map(|binding| width(&binding.keys_text()));
        let widest = widths.max().unwrap_or(0);
        let row = |binding: &&Binding| {
            let keys = pad(&binding.keys_text(), widest);
            format!("  {keys}  {}\n", binding.help)
        };
        let list = |(title, bindings): (&str, Vec<&Binding>)| {
            let rows: String = bindings.iter().map(row).collect();
            format!("{title}\n{rows}")
        };
        let lists: Vec<_> = self.parts().map(list).collect();
        lists.join("\n")
    }

    /// The sections of the table, then the additional keys of a bind test and of a focused pane, each with its heading.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, Vec<&Binding>)> {
        let of_section = |&section: &Section| {
            let bindings = self.bound(Mode::Table);
            let bindings = bindings.filter(|binding| binding.section == Some(section));
            (section.title(), bindings.collect())
        };
        let sections = Section::ALL.iter().map(of_section);
        let modes = [Mode::Bind, Mode::Pane].map(|mode| (mode.title(), self.bound(mode).collect()));
        sections.chain(modes)
    }

    /// The bindings of a mode that have a key.
    pub fn bound(&self, mode: Mode) -> impl Iterator<Item = &Binding> {
        self.bindings(mode)
            .filter(|binding| !binding.keys.is_empty())
    }
}
