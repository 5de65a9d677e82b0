//! How a key is written in the file: a character, or a name.

use crate::filter::nearest;
use crate::keymap::Key;
use crate::model::{Text, excerpt};

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
    if let Some(&(_, key)) = NAMED.iter().find(|(name, _)| *name == lower) {
        return Ok(key);
    }
    if let Some(number) = (1..=12).find(|n| format!("f{n}") == lower) {
        return Ok(Key::F(number));
    }
    let letter = match lower.strip_prefix("ctrl-").map(str::as_bytes) {
        Some(&[letter @ b'a'..=b'z']) => char::from(letter),
        _ => return Err(unknown_key(written, &lower)),
    };
    match SAME.iter().find(|(same, _)| *same == letter) {
        Some((_, name)) => Err(format!(
            "terminals send {name} for `ctrl-{letter}`; write \"{name}\""
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
        (Some(letter), _) => format!("write \"{}\"", letter.to_uppercase()),
        (None, Some(near)) if lower.chars().count() > 1 => format!("did you mean `{near}`?"),
        _ => "use a character, space, enter, esc, tab, shift-tab, backspace, del, up, down, left, right, \
              pgup, pgdn, home, end, ctrl-a to ctrl-z, f1 to f12"
            .to_owned(),
    };
    format!("unknown key `{}`; {hint}", excerpt(written))
}

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
    fn invisible_characters_are_refused() {
        for hostile in [
            "\u{202e}", "\u{2028}", "\u{3000}", "\u{e000}", "\u{301}", "\u{7}",
        ] {
            let error = parse(hostile).unwrap_err();
            assert!(error.ends_with("f1 to f12"), "{error}");
        }
    }
}
