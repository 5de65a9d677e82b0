//! The tables of `[keys]`: the keys of each action, written as a character or a name, and errors in them.
//!
//! The keymap has the actions that can be bound, and the rules for a valid keymap.

use std::fmt::Write as _;

use crate::config::value::{self, Value};
use crate::filter::nearest;
use crate::keymap::{self, Action, Binding, BoundAction, Flaw, KEYMAP, Key, Keymap, Mode};
use crate::model::{Text, excerpt};
use crate::settings::Settings;
use crate::theme::ErrorAt;

/// The type of an action's value.
const KEYS: &str = "keys in quotes, such as [\"b\", \"ctrl-b\"], or [] for none";

/// Keys that type no character. All names are read, the first of a key is written.
#[rustfmt::skip]
const NAMED: [(&str, Key); 24] = [
    ("space", Key::Char(' ')), ("enter", Key::Enter), ("return", Key::Enter), ("esc", Key::Esc),
    ("escape", Key::Esc), ("tab", Key::Tab), ("shift-tab", Key::BackTab), ("backtab", Key::BackTab),
    ("backspace", Key::Backspace), ("del", Key::Delete), ("delete", Key::Delete), ("up", Key::Up),
    ("↑", Key::Up), ("down", Key::Down), ("↓", Key::Down), ("left", Key::Left), ("←", Key::Left),
    ("right", Key::Right), ("→", Key::Right), ("pgup", Key::PageUp), ("pgdn", Key::PageDown),
    ("pagedown", Key::PageDown), ("home", Key::Home), ("end", Key::End),
];

/// Letters that terminals send with ctrl for another key.
const SAME: [(char, &str); 2] = [('i', "tab"), ('m', "enter")];

/// Reads a character, or the name of a key.
fn parse_key(written: &str) -> Result<Key, String> {
    let mut characters = written.chars();
    if let (Some(one), None) = (characters.next(), characters.next())
        && NAMED.iter().all(|(name, _)| *name != written)
        && Text::new(written).as_str() == written
    {
        return Ok(Key::Char(one));
    }
    let lower = written.to_lowercase();
    if let Some(&(_, key)) = NAMED.iter().find(|(name, _)| *name == lower) {
        return Ok(key);
    }
    if let Some(number) = (1..=12).find(|n| format!("f{n}") == lower) {
        return Ok(Key::F(number));
    }
    if let Some(&[letter @ b'a'..=b'z']) = lower.strip_prefix("ctrl-").map(str::as_bytes) {
        let letter = char::from(letter);
        return match SAME.iter().find(|(same, _)| *same == letter) {
            None => Ok(Key::Ctrl(letter)),
            Some((_, name)) => Err(format!(
                "terminals send {name} for `ctrl-{letter}`; write \"{name}\""
            )),
        };
    }
    let shifted = lower.strip_prefix("shift-");
    let near = nearest(written, NAMED.map(|(name, _)| name));
    let hint = match (shifted, near) {
        (Some(one), _) if one.chars().count() == 1 => format!("write \"{}\"", one.to_uppercase()),
        (_, Some(near)) if lower.chars().count() > 1 => format!("did you mean `{near}`?"),
        _ => "use a character, space, enter, esc, tab, shift-tab, backspace, del, up, down, left, right, \
              pgup, pgdn, home, end, ctrl-a to ctrl-z, f1 to f12"
            .to_owned(),
    };
    Err(format!("unknown key `{}`; {hint}", excerpt(written)))
}

fn key_text(key: Key) -> String {
    if let Some((name, _)) = NAMED.iter().find(|(_, one)| *one == key) {
        return (*name).to_owned();
    }
    match key {
        Key::Ctrl(letter) => format!("ctrl-{letter}"),
        Key::F(number) => format!("f{number}"),
        key => key.to_string(),
    }
}

/// Reads the whole table; returns its errors.
pub(super) fn read(settings: &mut Settings, table: &Value<'_>) -> Vec<ErrorAt> {
    let mut reading = Reading::default();
    reading.table(Mode::Table, table);
    if reading.errors.is_empty() {
        let chosen = reading.written.iter().map(|(binding, _)| *binding);
        reading.keymap.prefer(&chosen.collect::<Vec<_>>());
        let flaws = reading.keymap.flaws().into_iter();
        let start = table.span().start;
        reading.errors = flaws.map(|flaw| reading.error(&flaw, start)).collect();
    }
    settings.keymap = reading.keymap;
    reading.errors
}

#[derive(Default)]
struct Reading {
    keymap: Keymap,
    /// The bindings of the file, with their offsets.
    written: Vec<(BoundAction, usize)>,
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
            let mut inner = inner_modes(mode);
            if let Some(inner) = inner.find(|mode| mode.name() == *name.get_ref()) {
                self.table(inner, value);
            } else if let Some(action) = action_named(mode, name.get_ref()) {
                match value::any_of(value, key) {
                    Ok(keys) => {
                        self.keymap.bind(mode, action, keys);
                        self.written.push(((mode, action), value.span().start));
                    }
                    Err(refusal) => self.errors.push(refusal.of(&path((mode, action)), KEYS)),
                }
            } else {
                let why = unknown_action(mode, name.get_ref());
                self.errors.push((name.span().start, why));
            }
        }
    }

    /// Each flaw is reported at the last of its bindings in the file, or of those that took its keys.
    fn error(&self, flaw: &Flaw, start: usize) -> ErrorAt {
        let places = flaw.places();
        let last = |is_it: &dyn Fn(BoundAction) -> bool| {
            let written = self.written.iter().filter(|(one, _)| is_it(*one));
            written.max_by_key(|(_, at)| *at).copied()
        };
        if let Some((binding, at)) = last(&|one| places.contains(&one)) {
            (at, error_of_binding(flaw, binding))
        } else if let Flaw::OutOfReach { mode, action } = *flaw
            && let Some((binding, at)) = last(&|one| self.has_taken(one, (mode, action)))
        {
            let why = format!("{}: no key is left for {}", path(binding), action.name());
            (at, why)
        } else {
            (start, error_of_mode(flaw))
        }
    }

    /// Whether a binding has a key that by default does this in its mode.
    fn has_taken(&self, (taker, by): BoundAction, (mode, action): BoundAction) -> bool {
        let default = Keymap::default();
        let keys = self.keymap.keys(taker, by).iter();
        let mut keys = keys.filter(|&&key| default.lookup(mode, key) == Some(action));
        (taker == mode || mode.is_of_table() && taker == Mode::Table) && keys.next().is_some()
    }
}

fn error_of_binding(flaw: &Flaw, binding: BoundAction) -> String {
    let other = flaw.places().into_iter().find(|place| *place != binding);
    let other = path(other.unwrap_or(binding));
    let why = match flaw {
        Flaw::Twice { key, .. } => format!(
            "`{}` is already used by {other}; give one of them another key, or none ([])",
            key_text(*key)
        ),
        Flaw::OutOfReach { .. } => "needs a key, as nothing else does the same".to_owned(),
        Flaw::Typed { key, .. } => format!(
            "`{}` types a character there; use a key that types none",
            key_text(*key)
        ),
        Flaw::AnswersItself { key, .. } => format!(
            "`{}` is also used by {other}; holding it down would confirm its own question",
            key_text(*key)
        ),
    };
    format!("{}: {why}", path(binding))
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
fn path((mode, action): BoundAction) -> String {
    format!("{}.{}", table_name(mode), action.name())
}

/// The modes that have a table below that of this mode: `[keys]` has all others.
fn inner_modes(outer: Mode) -> impl Iterator<Item = Mode> {
    let modes = keymap::modes().into_iter();
    modes.filter(move |&mode| outer == Mode::Table && mode != outer)
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
    names.extend(inner_modes(mode).map(Mode::name));
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
    parse_key(value::text(value)?).map_err(|why| value::invalid(value, why))
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
    let keys: Vec<_> = keys.map(|&key| value::quoted(&key_text(key))).collect();
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

    #[test]
    fn every_key_reads_back_as_it_is_written() {
        let bound = KEYMAP
            .iter()
            .flat_map(|binding| binding.keys.iter().copied());
        let named = NAMED.iter().map(|(_, key)| *key);
        let others = "aZ$é\"\\#'-".chars().map(Key::Char);
        let functions = (1..=12).map(Key::F);
        for key in bound.chain(named).chain(others).chain(functions) {
            assert_eq!(parse_key(&key_text(key)), Ok(key));
            assert_eq!(parse_key(&key.to_string()), Ok(key), "as the help has it");
        }
    }

    #[test]
    fn invisible_characters_are_refused() {
        for hostile in [
            "\u{202e}", "\u{2028}", "\u{3000}", "\u{e000}", "\u{301}", "\u{7}",
        ] {
            let error = parse_key(hostile).unwrap_err();
            assert!(error.ends_with("f1 to f12"), "{error}");
        }
    }
}
