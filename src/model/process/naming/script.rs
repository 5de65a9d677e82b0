//! Which argument of an interpreter is its script.

use super::interpreter::{Interpreter, has};

/// What an interpreter runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script<'a> {
    /// A file.
    File(&'a str),
    /// A module, a class, an archive: by its own name.
    Named(&'a str),
    /// Code of the command line or of standard input, or nothing that is understood.
    None,
}

/// The program that these arguments (without the interpreter's name) run.
pub(super) fn script<'a>(interpreter: &Interpreter, arguments: &'a [&'a str]) -> Script<'a> {
    let Some(Found { word, is_named }) = find(interpreter, arguments) else {
        return Script::None;
    };
    let ending = word.rsplit_once('.').map_or("", |(_, ending)| ending);
    match interpreter.name {
        // A file of arguments may name the class: what follows may belong to it.
        "java" if word.starts_with('@') => Script::None,
        "java" if !word.contains(if is_named { ".jar" } else { "/" }) => Script::Named(word),
        "python" if is_named => Script::Named(word),
        "dotnet" if !ending.eq_ignore_ascii_case("dll") => Script::None,
        "deno" if !word.contains('.') => Script::None,
        _ if word.is_empty() => Script::None,
        _ => Script::File(word.trim_end_matches('/')),
    }
}

/// The word that names the program to run.
pub(super) struct Found<'a> {
    pub(super) word: &'a str,
    /// Whether it is the value of an option, not the first positional argument.
    is_named: bool,
}

pub(super) fn find<'a>(interpreter: &Interpreter, arguments: &'a [&'a str]) -> Option<Found<'a>> {
    let found = |word: &'a str, is_named| Some(Found { word, is_named });
    let (mut has_verb, mut rest) = (false, arguments.iter().copied());
    while let Some(argument) = rest.next() {
        if !has_verb && has(interpreter.verbs, argument) {
            has_verb = true;
            continue;
        }
        if argument == "--" && !has(interpreter.inline, "--") {
            return found(rest.next()?, false);
        }
        let is_option =
            argument.starts_with('-') || argument.starts_with('+') && argument.len() == 2;
        if !is_option {
            return found(argument, false);
        }
        match meaning(interpreter, argument) {
            Meaning::Switch => {}
            Meaning::Value => _ = rest.next(),
            Meaning::Inline => return None,
            Meaning::Name(Some(name)) => return found(name, true),
            Meaning::Name(None) => return found(rest.next()?, true),
        }
    }
    None
}

/// The kind of an option.
enum Meaning<'a> {
    Switch,
    /// The next argument is its value.
    Value,
    Inline,
    /// It names the program: by its own value, or by the next argument.
    Name(Option<&'a str>),
}

fn meaning<'a>(interpreter: &Interpreter, option: &'a str) -> Meaning<'a> {
    match (listed(interpreter, option), option.split_once('=')) {
        (Some(meaning), _) => meaning,
        (None, Some((name, value))) if name.starts_with("--") && has(interpreter.names, name) => {
            Meaning::Name(Some(value))
        }
        _ if interpreter.is_joined && !option.starts_with("--") => joined(interpreter, option),
        _ => Meaning::Switch,
    }
}

fn listed(interpreter: &Interpreter, option: &str) -> Option<Meaning<'static>> {
    match () {
        () if has(interpreter.inline, option) => Some(Meaning::Inline),
        () if has(interpreter.valued, option) => Some(Meaning::Value),
        () if has(interpreter.names, option) => Some(Meaning::Name(None)),
        () => None,
    }
}

/// `-um`, `-Werror`, `-lc`: the first letter that takes something decides.
fn joined<'a>(interpreter: &Interpreter, option: &'a str) -> Meaning<'a> {
    for (at, letter) in option.char_indices().skip(1) {
        let value = Some(&option[at + letter.len_utf8()..]).filter(|value| !value.is_empty());
        match listed(interpreter, &format!("-{letter}")) {
            None => {}
            Some(Meaning::Value) if value.is_some() => return Meaning::Switch,
            Some(Meaning::Name(_)) => return Meaning::Name(value),
            Some(other) => return other,
        }
    }
    Meaning::Switch
}
