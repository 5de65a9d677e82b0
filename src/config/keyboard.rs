//! The keys of the table `[keys]`: how a key is written, which action has which, and what is wrong with that.
//!
//! What there is to bind is the keymap's own table, and what a keymap must not be its own rules; nothing of either is
//! repeated here.

mod named;

use std::fmt::Write as _;

use super::Place;
use super::value::{self, Value, shown};
use crate::keymap::{self, Binding, Flaw, KEYMAP, Keymap, Mode};
use crate::keymap::{Action, Key};
use crate::settings::Settings;

/// What an action takes, where something else stands.
const TAKES: &str = "keys in quotes, such as [\"b\", \"ctrl-b\"], or [] for none";

/// Reads the whole table; tells what is wrong with it.
pub(super) fn read(settings: &mut Settings, table: &Value<'_>) -> Vec<Place> {
    let mut reading = Reading::default();
    reading.table(None, table);
    if reading.faults.is_empty() {
        reading.find_flaws(table.span().start);
    }
    settings.keymap = reading.keymap;
    reading.faults
}

#[derive(Default)]
struct Reading {
    keymap: Keymap,
    /// The bindings that the file has, and where.
    written: Vec<(keymap::BoundAction, usize)>,
    faults: Vec<Place>,
}

impl Reading {
    /// The table of a mode; that of the live table itself holds those of the others.
    fn table(&mut self, of: Option<Mode>, value: &Value<'_>) {
        let mode = of.unwrap_or(Mode::Table);
        let Some(table) = value.get_ref().as_table() else {
            let name = of.map_or("keys".to_owned(), |mode| format!("keys.{}", mode.name()));
            let refusal = value::other_type(value);
            return self
                .faults
                .push(refusal.told(&name, "actions with their keys"));
        };
        for (name, value) in table {
            let inner = mode_named(name.get_ref()).filter(|_| of.is_none());
            if let Some(inner) = inner {
                self.table(Some(inner), value);
            } else if let Some(action) = action_named(mode, name.get_ref()) {
                self.binding(mode, action, value);
            } else {
                let why = unknown_action(mode, name.get_ref());
                self.faults.push((name.span().start, why));
            }
        }
    }

    fn binding(&mut self, mode: Mode, action: Action, value: &Value<'_>) {
        match value::any_of(value, key) {
            Ok(keys) => {
                self.keymap.bind(mode, action, keys);
                self.written.push(((mode, action), value.span().start));
            }
            Err(refusal) => self.faults.push(refusal.told(&path((mode, action)), TAKES)),
        }
    }

    /// Each flaw is told where the file made it: at the last of the bindings that it is about.
    fn find_flaws(&mut self, section: usize) {
        for flaw in self.keymap.flaws() {
            let places = flaw.places();
            let about = self.written.iter().filter(|(one, _)| places.contains(one));
            let blamed = about.max_by_key(|(_, at)| *at);
            let (at, why) = match blamed {
                Some(&(blamed, at)) => (at, told(&flaw, blamed)),
                None => (section, told_of_mode(&flaw)),
            };
            self.faults.push((at, why));
        }
    }
}

/// A flaw, as one of the bindings has it.
fn told(flaw: &Flaw, blamed: keymap::BoundAction) -> String {
    let name = path(blamed);
    let other = || flaw.places().into_iter().find(|place| *place != blamed);
    let other = other().map_or_else(|| name.clone(), path);
    match flaw {
        Flaw::Twice { key, .. } => format!(
            "{name}: `{}` is also the key of {other}: give one of them another, or none ([])",
            named::print(*key)
        ),
        Flaw::OutOfReach { .. } => format!("{name}: must keep a key, as nothing else does that"),
        Flaw::Typed { key, .. } => format!(
            "{name}: `{}` is typed there; take a key that is no character",
            named::print(*key)
        ),
        Flaw::AnswersItself { key, .. } => format!(
            "{name}: `{}` is also the key of {other}: held down, it would answer its own question",
            named::print(*key)
        ),
    }
}

/// A flaw that no single binding of the file has made.
fn told_of_mode(flaw: &Flaw) -> String {
    if let Flaw::OutOfReach { mode, action } = *flaw {
        let (mode, action) = (mode.name(), action.name());
        return format!("keys.{mode}: no key is left there for {action}");
    }
    let places: Vec<_> = flaw.places().into_iter().map(path).collect();
    format!("keys: {} have the same key", places.join(" and "))
}

/// A binding as the file calls it: `keys.quit`, `keys.menu.accept`.
fn path((mode, action): keymap::BoundAction) -> String {
    match mode {
        Mode::Table => format!("keys.{}", action.name()),
        mode => format!("keys.{}.{}", mode.name(), action.name()),
    }
}

fn mode_named(name: &str) -> Option<Mode> {
    let mut inner = keymap::modes()
        .into_iter()
        .filter(|&mode| mode != Mode::Table);
    inner.find(|mode| mode.name() == name)
}

fn action_named(mode: Mode, name: &str) -> Option<Action> {
    let mut actions = KEYMAP.iter().filter(|binding| binding.mode == mode);
    let found = actions.find(|binding| binding.action.name() == name);
    found.map(|binding| binding.action)
}

/// The nearest name that there is, or where the action is one.
fn unknown_action(mode: Mode, name: &str) -> String {
    let table = match mode {
        Mode::Table => "keys".to_owned(),
        mode => format!("keys.{}", mode.name()),
    };
    let elsewhere = keymap::modes().into_iter();
    let elsewhere: Vec<_> = elsewhere
        .filter_map(|mode| Some(path((mode, action_named(mode, name)?))))
        .collect();
    let here = KEYMAP.iter().filter(|binding| binding.mode == mode);
    let mut names: Vec<_> = here.map(|binding| binding.action.name()).collect();
    if mode == Mode::Table {
        let inner = keymap::modes().into_iter().filter(|&one| one != mode);
        names.extend(inner.map(Mode::name));
    }
    let near = crate::filter::nearest(name, names.iter().copied());
    let hint = match (&elsewhere[..], near) {
        ([], Some(near)) => format!("did you mean `{near}`?"),
        ([], None) => "sockeye config lists them".to_owned(),
        (places, _) => format!("there is {}", places.join(" and ")),
    };
    format!("{table}: `{}` is no action there; {hint}", shown(name))
}

/// A key by its name: a character as it is typed, or one of those that have a name.
fn key(value: &Value<'_>) -> Result<Key, value::Refusal> {
    let written = value::text(value)?;
    named::parse(written).map_err(|why| value::wrong(value, why))
}

/// The table with every binding.
pub(super) fn print(settings: &Settings) -> String {
    sections(&settings.keymap, |binding| binding_line(binding) + "\n")
}

/// The table with every binding as a comment, and what each does.
pub(super) fn commented() -> String {
    let line = |binding: &Binding| format!("#{:<38} # {}\n", binding_line(binding), binding.help);
    sections(&Keymap::default(), line)
        .replace("\n[", "\n#[")
        .replacen("[keys]", "#[keys]", 1)
}

fn sections(keymap: &Keymap, line: impl Fn(&Binding) -> String) -> String {
    let mut text = String::new();
    for mode in keymap::modes() {
        let title = match mode {
            Mode::Table => "[keys]".to_owned(),
            mode => format!("\n[keys.{}]", mode.name()),
        };
        writeln!(text, "{title}").expect("a String takes everything");
        text.extend(keymap.bindings(mode).map(&line));
    }
    text
}

fn binding_line(binding: &Binding) -> String {
    let keys = binding
        .keys
        .iter()
        .map(|&key| value::quoted(&named::print(key)));
    let keys: Vec<_> = keys.collect();
    format!("{} = [{}]", binding.action.name(), keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mode_is_called_like_an_action() {
        for mode in keymap::modes() {
            assert_eq!(action_named(Mode::Table, &mode.name()), None);
        }
    }
}
