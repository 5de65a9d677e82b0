//! Changes single keys of a config file. Its comments, tables and other keys stay as they were written.

use toml_edit::{DocumentMut, Item, Value};

use super::key::{KEYS, Key};
use super::{Fault, parse};
use crate::settings::{Change, Settings};

/// The keys of the settings that keys and menus change while the program runs.
const KEPT: [&str; 11] = [
    "interval",
    "view",
    "protocols",
    "filter",
    "columns",
    "sort",
    "reverse",
    "group",
    "stats",
    "theme",
    "mouse",
];

/// A config file with the current settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// What differs; empty if nothing does.
    pub changes: Vec<Change>,
    /// The whole text.
    pub text: String,
}

/// The text of a config file with these settings in it.
///
/// # Errors
/// The errors of the file, if it is invalid.
pub fn edit(text: &str, settings: &Settings) -> Result<Edited, Vec<Fault>> {
    let before = parse(text.as_bytes())?;
    let invalid = |why: &dyn std::fmt::Display| {
        let message = why.to_string().lines().collect::<Vec<_>>().join(" ");
        vec![Fault { line: 1, message }]
    };
    let mut document: DocumentMut = text.parse().map_err(|why| invalid(&why))?;
    let mut changes = Vec::new();
    for key in kept() {
        let values = [(key.print)(&before), (key.print)(settings)];
        let [before, after] = values;
        if before == after {
            continue;
        }
        let value: Value = after.parse().map_err(|why| invalid(&why))?;
        set(&mut document, key.name, value);
        changes.push(Change {
            key: key.name,
            before,
            after,
        });
    }
    let text = document.to_string();
    parse(text.as_bytes())?;
    Ok(Edited { changes, text })
}

fn kept() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| KEPT.contains(&key.name))
}

/// Sets the value of a key; what is written around the old one stays.
fn set(document: &mut DocumentMut, key: &str, mut value: Value) {
    match document.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => _ = document.insert(key, Item::Value(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of this file.
    fn settings(text: &str) -> Settings {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_what_differs_is_changed_and_comments_stay() {
        let file = "# Mine.\ninterval = '2s' # slow\n\n[keys]\nquit = 'Q' # not q\n";
        let wanted = settings("interval = '5s'\ntheme = 'dark'");
        let edited = edit(file, &wanted).unwrap();
        let changes: Vec<_> = edited.changes.iter().map(|change| change.key).collect();
        assert_eq!(changes, ["interval", "theme"]);
        let expected =
            "# Mine.\ninterval = \"5s\" # slow\ntheme = \"dark\"\n\n[keys]\nquit = 'Q' # not q\n";
        assert_eq!(edited.text, expected);
    }

    #[test]
    fn an_empty_file_gets_what_is_not_the_default_and_no_more() {
        let edited = edit("", &Settings::default()).unwrap();
        assert_eq!((edited.changes, &*edited.text), (vec![], ""));
        let wanted = settings("sort = 'age'\nreverse = true\nfilter = 'user:\"a b\"'");
        let edited = edit("", &wanted).unwrap();
        assert_eq!(settings(&edited.text), wanted);
        assert_eq!(edited.text.lines().count(), 3, "{}", edited.text);
    }

    #[test]
    fn what_is_saved_is_read_back_and_saving_again_changes_nothing() {
        let file =
            "sort = 'pid'\n[themes.mine]\ngood = 'blue'\n[[views]]\nname = 'Web'\nfilter = ':80'\n";
        let wanted = settings(&format!(
            "interval = 0.5\nview = 'Web'\nprotocols = ['tcp']\nfilter = 'nginx'\ncolumns = ['port', 'state', 'process']\n\
             sort = 'age'\nreverse = true\nstats = true\ntheme = 'mine'\n{}",
            file.trim_start_matches("sort = 'pid'\n")
        ));
        let edited = edit(file, &wanted).unwrap();
        assert_eq!(settings(&edited.text), wanted, "{}", edited.text);
        let again = edit(&edited.text, &wanted).unwrap();
        assert_eq!((again.changes, again.text), (vec![], edited.text));
    }

    #[test]
    fn a_file_with_errors_is_left_alone() {
        let faults = edit("interval = 'soon'", &Settings::default()).unwrap_err();
        assert_eq!(faults.len(), 1);
    }
}
