//! The keys of the table `[keys]`: how a key is written, which action has which, and what is wrong with that.
//!
//! What there is to bind is the keymap's own table, and what a keymap must not be its own rules; nothing of either is
//! repeated here.

use std::fmt::Write as _;

use super::Place;
use super::value::{self, Value, shown};
use crate::app::keymap::{self, Binding, Flaw, KEYMAP, Keymap, Mode};
use crate::app::{Action, Key, Settings};

/// What an action takes, where something else stands.
const TAKES: &str = "keys in quotes, such as [\"b\", \"ctrl-b\"], or [] for none";

/// The keys that are no character. Of several names the first is written, all are read.
#[rustfmt::skip]
const NAMED: [(&str, Key); 24] = [
    ("space", Key::Char(' ')), ("enter", Key::Enter), ("return", Key::Enter), ("esc", Key::Esc),
    ("escape", Key::Esc), ("tab", Key::Tab), ("shift-tab", Key::BackTab), ("backtab", Key::BackTab),
    ("backspace", Key::Backspace), ("del", Key::Delete), ("delete", Key::Delete), ("up", Key::Up),
    ("↑", Key::Up), ("down", Key::Down), ("↓", Key::Down), ("left", Key::Left), ("←", Key::Left),
    ("right", Key::Right), ("→", Key::Right), ("pgup", Key::PageUp), ("pgdn", Key::PageDown),
    ("pagedown", Key::PageDown), ("home", Key::Home), ("end", Key::End),
];

/// What a terminal sends for another key too.
const SAME: [(char, &str); 2] = [('i', "tab"), ('m', "enter")];

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
    written: Vec<(keymap::Place, usize)>,
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
fn told(flaw: &Flaw, blamed: keymap::Place) -> String {
    let name = path(blamed);
    let other = || flaw.places().into_iter().find(|place| *place != blamed);
    let other = other().map_or_else(|| name.clone(), path);
    match flaw {
        Flaw::Twice { key, .. } => format!(
            "{name}: `{}` is also the key of {other}: give one of them another, or none ([])",
            print_key(*key)
        ),
        Flaw::OutOfReach { .. } => format!("{name}: must keep a key, as nothing else does that"),
        Flaw::Typed { key, .. } => format!(
            "{name}: `{}` is typed there; take a key that is no character",
            print_key(*key)
        ),
        Flaw::AnswersItself { key, .. } => format!(
            "{name}: `{}` is also the key of {other}: held down, it would answer its own question",
            print_key(*key)
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
fn path((mode, action): keymap::Place) -> String {
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
        names.extend(keymap::modes().into_iter().map(Mode::name));
    }
    let near = crate::filter::nearest(name, names.iter().map(String::as_str));
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
    parse_key(written).map_err(|why| value::wrong(value, why))
}

fn parse_key(written: &str) -> Result<Key, String> {
    let mut characters = written.chars();
    if let (Some(one), None) = (characters.next(), characters.next())
        && !one.is_control()
        && NAMED.iter().all(|(name, _)| *name != written)
        && crate::columns::width(written) > 0
    {
        return Ok(Key::Char(one));
    }
    let lower = written.to_lowercase();
    let named = NAMED.iter().find(|(name, _)| *name == lower);
    if let Some(&(_, key)) = named {
        return Ok(key);
    }
    if let Some(key) = function_key(&lower) {
        return Ok(key);
    }
    match lower.strip_prefix("ctrl-").map(str::as_bytes) {
        Some(&[letter @ b'a'..=b'z']) => with_ctrl(letter.into()),
        _ => Err(unknown_key(written, &lower)),
    }
}

fn function_key(lower: &str) -> Option<Key> {
    let number = lower.strip_prefix('f')?;
    let number = (1..=12).find(|n: &u8| n.to_string() == number)?;
    Some(Key::F(number))
}

fn with_ctrl(letter: char) -> Result<Key, String> {
    match SAME.iter().find(|(same, _)| *same == letter) {
        Some((_, name)) => Err(format!(
            "`ctrl-{letter}` is {name} to a terminal: say \"{name}\""
        )),
        None => Ok(Key::Ctrl(letter)),
    }
}

fn unknown_key(written: &str, lower: &str) -> String {
    let capital = lower
        .strip_prefix("shift-")
        .filter(|rest| rest.chars().count() == 1);
    let names = NAMED.map(|(name, _)| name);
    let hint = match (capital, crate::filter::nearest(written, names)) {
        (Some(letter), _) => format!("say \"{}\"", letter.to_uppercase()),
        (None, Some(near)) if lower.chars().count() > 1 => format!("did you mean `{near}`?"),
        _ => "there are characters as they are typed, space, enter, esc, tab, shift-tab, backspace, del, \
              up, down, left, right, pgup, pgdn, home, end, ctrl-a to ctrl-z, f1 to f12"
            .to_owned(),
    };
    format!("`{}` is no key; {hint}", shown(written))
}

/// A key as it is written in the file.
fn print_key(key: Key) -> String {
    if let Some((name, _)) = NAMED.iter().find(|(_, one)| *one == key) {
        return (*name).to_owned();
    }
    match key {
        Key::Ctrl(letter) => format!("ctrl-{letter}"),
        Key::F(number) => format!("f{number}"),
        key => key.to_string(),
    }
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
        .map(|&key| value::quoted(&print_key(key)));
    let keys: Vec<_> = keys.collect();
    format!("{} = [{}]", binding.action.name(), keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_as_it_is_written() {
        let bound = KEYMAP
            .iter()
            .flat_map(|binding| binding.keys.iter().copied());
        let named = NAMED.iter().map(|(_, key)| *key);
        let others = "aZ$é\"\\#'-".chars().map(Key::Char);
        let functions = (1..=12).map(Key::F);
        for key in bound.chain(named).chain(others).chain(functions) {
            assert_eq!(parse_key(&print_key(key)), Ok(key));
            assert_eq!(parse_key(&key.to_string()), Ok(key), "as the help has it");
        }
    }

    #[test]
    fn no_mode_is_called_like_an_action() {
        for mode in keymap::modes() {
            assert_eq!(action_named(Mode::Table, &mode.name()), None);
        }
    }
}
