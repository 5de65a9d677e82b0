//! How a key is written in the file: a character as it is typed, or its name.

use super::super::value::shown;
use crate::keymap::Key;
use crate::filter::nearest;
use crate::model::Text;

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

/// Reads a key: a character as it is typed, or one of those that have a name.
///
/// # Errors
/// One line that says what is accepted.
pub(super) fn parse(written: &str) -> Result<Key, String> {
    let mut characters = written.chars();
    if let (Some(one), None) = (characters.next(), characters.next())
        && NAMED.iter().all(|(name, _)| *name != written)
        && Text::new(written).as_str() == written
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
    let hint = match (capital, nearest(written, names)) {
        (Some(letter), _) => format!("say \"{}\"", letter.to_uppercase()),
        (None, Some(near)) if lower.chars().count() > 1 => format!("did you mean `{near}`?"),
        _ => "there are characters as they are typed, space, enter, esc, tab, shift-tab, backspace, del, \
              up, down, left, right, pgup, pgdn, home, end, ctrl-a to ctrl-z, f1 to f12"
            .to_owned(),
    };
    format!("`{}` is no key; {hint}", shown(written))
}

/// A key as it is written in the file.
pub(super) fn print(key: Key) -> String {
    if let Some((name, _)) = NAMED.iter().find(|(_, one)| *one == key) {
        return (*name).to_owned();
    }
    match key {
        Key::Ctrl(letter) => format!("ctrl-{letter}"),
        Key::F(number) => format!("f{number}"),
        key => key.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keymap::KEYMAP;

    #[test]
    fn every_key_reads_back_as_it_is_written() {
        let bound = KEYMAP
            .iter()
            .flat_map(|binding| binding.keys.iter().copied());
        let named = NAMED.iter().map(|(_, key)| *key);
        let others = "aZ$é\"\\#'-".chars().map(Key::Char);
        let functions = (1..=12).map(Key::F);
        for key in bound.chain(named).chain(others).chain(functions) {
            assert_eq!(parse(&print(key)), Ok(key));
            assert_eq!(parse(&key.to_string()), Ok(key), "as the help has it");
        }
    }

    #[test]
    fn a_character_that_no_terminal_is_given_is_no_key() {
        for hostile in [
            "\u{202e}", "\u{2028}", "\u{3000}", "\u{e000}", "\u{301}", "\u{7}",
        ] {
            let told = parse(hostile).unwrap_err();
            assert!(told.ends_with("f1 to f12"), "{told}");
        }
    }
}
