//! The tables of `[keys]`: the keys of each action, and errors in them.
//!
//! The keymap has the actions that can be bound, and the rules for a valid keymap.

mod named;

use std::fmt::Write as _;

use crate::config::value::{self, Value};
use crate::filter::nearest;
use crate::keymap::{self, Binding, Flaw, KEYMAP, Keymap, Mode};
use crate::keymap::{Action, Key};
use crate::model::excerpt;
use crate::settings::Settings;
use crate::theme::ErrorAt;

/// The type of an action's value.
const KEYS: &str = "keys in quotes, such as [\"b\", \"ctrl-b\"], or [] for none";

/// Reads the whole table; returns its errors.
pub(super) fn read(settings: &mut Settings, table: &Value<'_>) -> Vec<ErrorAt> {
    let mut reading = Reading::default();
    reading.table(Mode::Table, table);
    if reading.errors.is_empty() {
        reading.find_flaws(table.span().start);
    }
    settings.keymap = reading.keymap;
    reading.errors
}

#[derive(Default)]
struct Reading {
    keymap: Keymap,
    /// The bindings of the file, with their offsets.
    written: Vec<(keymap::BoundAction, usize)>,
    errors: Vec<ErrorAt>,
}

impl Reading {
    /// The table of a mode; that of the live table contains those of the others.
    fn table(&mut self, mode: Mode, value: &Value<'_>) {
        let table = match value::table(value) {
            Ok(table) => table,
            Err(refusal) => {
                let error = refusal.of(&table_name(mode), "actions with their keys");
                return self.errors.push(error);
            }
        };
        for (name, value) in table {
            let mut inner = inner_modes().filter(|_| mode == Mode::Table);
            if let Some(inner) = inner.find(|mode| mode.name() == *name.get_ref()) {
                self.table(inner, value);
            } else if let Some(action) = action_named(mode, name.get_ref()) {
                self.binding(mode, action, value);
            } else {
                let why = unknown_action(mode, name.get_ref());
                self.errors.push((name.span().start, why));
            }
        }
    }

    fn binding(&mut self, mode: Mode, action: Action, value: &Value<'_>) {
        match value::any_of(value, key) {
            Ok(keys) => {
                self.keymap.bind(mode, action, keys);
                self.written.push(((mode, action), value.span().start));
            }
            Err(refusal) => self.errors.push(refusal.of(&path((mode, action)), KEYS)),
        }
    }

    /// Each flaw is reported at the last of its bindings in the file.
    fn find_flaws(&mut self, section: usize) {
        for flaw in self.keymap.flaws() {
            let places = flaw.places();
            let about = self.written.iter().filter(|(one, _)| places.contains(one));
            let error = match about.max_by_key(|(_, at)| *at) {
                Some(&(binding, at)) => (at, error_of_binding(&flaw, binding)),
                None => (section, error_of_mode(&flaw)),
            };
            self.errors.push(error);
        }
    }
}

fn error_of_binding(flaw: &Flaw, binding: keymap::BoundAction) -> String {
    let name = path(binding);
    let other = flaw.places().into_iter().find(|place| *place != binding);
    let other = other.map_or_else(|| name.clone(), path);
    match flaw {
        Flaw::Twice { key, .. } => format!(
            "{name}: `{}` is already used by {other}; give one of them another key, or none ([])",
            named::print(*key)
        ),
        Flaw::OutOfReach { .. } => format!("{name}: needs a key, as nothing else does the same"),
        Flaw::Typed { key, .. } => format!(
            "{name}: `{}` types a character there; use a key that types none",
            named::print(*key)
        ),
        Flaw::AnswersItself { key, .. } => format!(
            "{name}: `{}` is also used by {other}; holding it down would confirm its own question",
            named::print(*key)
        ),
    }
}

/// A flaw without a binding in the file.
fn error_of_mode(flaw: &Flaw) -> String {
    if let Flaw::OutOfReach { mode, action } = *flaw {
        return format!("{}: no key is left for {}", table_name(mode), action.name());
    }
    let places: Vec<_> = flaw.places().into_iter().map(path).collect();
    format!("keys: {} have the same key", places.join(" and "))
}

/// `keys`, `keys.menu`
fn table_name(mode: Mode) -> String {
    match mode {
        Mode::Table => "keys".to_owned(),
        mode => format!("keys.{}", mode.name()),
    }
}

/// `keys.quit`, `keys.menu.accept`
fn path((mode, action): keymap::BoundAction) -> String {
    format!("{}.{}", table_name(mode), action.name())
}

/// The modes that have a table below `[keys]`.
fn inner_modes() -> impl Iterator<Item = Mode> {
    let modes = keymap::modes().into_iter();
    modes.filter(|&mode| mode != Mode::Table)
}

fn action_named(mode: Mode, name: &str) -> Option<Action> {
    let mut actions = KEYMAP.iter().filter(|binding| binding.mode == mode);
    let found = actions.find(|binding| binding.action.name() == name);
    found.map(|binding| binding.action)
}

/// Suggests the nearest name, or the tables that have this action.
fn unknown_action(mode: Mode, name: &str) -> String {
    let elsewhere = keymap::modes().into_iter();
    let elsewhere: Vec<_> = elsewhere
        .filter_map(|mode| Some(path((mode, action_named(mode, name)?))))
        .collect();
    let here = KEYMAP.iter().filter(|binding| binding.mode == mode);
    let mut names: Vec<_> = here.map(|binding| binding.action.name()).collect();
    names.extend(
        inner_modes()
            .filter(|_| mode == Mode::Table)
            .map(Mode::name),
    );
    let hint = match nearest(name, names.iter().copied()) {
        _ if !elsewhere.is_empty() => format!("use {}", elsewhere.join(" or ")),
        Some(near) => format!("did you mean `{near}`?"),
        None => "`sockeye config` lists all actions".to_owned(),
    };
    format!(
        "{}: unknown action `{}`; {hint}",
        table_name(mode),
        excerpt(name)
    )
}

fn key(value: &Value<'_>) -> Result<Key, value::Refusal> {
    named::parse(value::text(value)?).map_err(|why| value::invalid(value, why))
}

/// Every binding, as TOML.
pub(super) fn print(settings: &Settings) -> String {
    sections(&settings.keymap, |binding| binding_line(binding) + "\n")
}

/// Every binding as a comment, with its help.
pub(super) fn commented() -> String {
    let line = |binding: &Binding| format!("#{:<38} # {}\n", binding_line(binding), binding.help);
    sections(&Keymap::default(), line)
        .replace("\n[", "\n#[")
        .replacen("[keys]", "#[keys]", 1)
}

fn sections(keymap: &Keymap, line: impl Fn(&Binding) -> String) -> String {
    let mut text = String::new();
    for mode in keymap::modes() {
        let gap = if text.is_empty() { "" } else { "\n" };
        writeln!(text, "{gap}[{}]", table_name(mode)).expect("a String takes everything");
        text.extend(keymap.bindings(mode).map(&line));
    }
    text
}

fn binding_line(binding: &Binding) -> String {
    let keys = binding.keys.iter();
    let keys: Vec<_> = keys.map(|&key| value::quoted(&named::print(key))).collect();
    format!("{} = [{}]", binding.action.name(), keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mode_is_called_like_an_action() {
        for mode in keymap::modes() {
            assert_eq!(action_named(Mode::Table, mode.name()), None);
        }
    }
}
