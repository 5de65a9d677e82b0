//! Which argument of an interpreter is its script.

use super::interpreter::{Grammar, Kind, LOADER, grammar, has};

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
pub(super) fn script<'a>(kind: Kind, arguments: &'a [&'a str]) -> Script<'a> {
    let Some(Found { word, is_named }) = find(grammar(kind), arguments) else {
        return Script::None;
    };
    match kind {
        // A file of arguments may name the class: what follows may belong to it.
        Kind::Java if word.starts_with('@') => Script::None,
        Kind::Java if !word.contains(if is_named { ".jar" } else { "/" }) => Script::Named(word),
        Kind::Python if is_named => Script::Named(word),
        Kind::Dotnet if !is_assembly(word) => Script::None,
        Kind::Deno if !word.contains('.') => Script::None,
        _ if word.is_empty() => Script::None,
        _ => Script::File(word.trim_end_matches('/')),
    }
}

fn is_assembly(word: &str) -> bool {
    let ending = word.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("dll"))
}

/// The program that the dynamic loader (`ld.so(8)`) runs.
pub(super) fn of_loader<'a>(arguments: &'a [&'a str]) -> Option<&'a str> {
    find(&LOADER, arguments).map(|found| found.word)
}

/// The word that names the program to run.
struct Found<'a> {
    word: &'a str,
    /// Whether it is the value of an option, not the first positional argument.
    is_named: bool,
}

fn find<'a>(grammar: &Grammar, arguments: &'a [&'a str]) -> Option<Found<'a>> {
    let found = |word: &'a str, is_named| Some(Found { word, is_named });
    let (mut has_verb, mut rest) = (false, arguments.iter().copied());
    while let Some(argument) = rest.next() {
        if !has_verb && has(grammar.verbs, argument) {
            has_verb = true;
            continue;
        }
        if argument == "--" && !has(grammar.inline, "--") {
            return found(rest.next()?, false);
        }
        let is_option =
            argument.starts_with('-') || argument.starts_with('+') && argument.len() == 2;
        if !is_option {
            return found(argument, false);
        }
        match meaning(grammar, argument) {
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

fn meaning<'a>(grammar: &Grammar, option: &'a str) -> Meaning<'a> {
    if has(grammar.inline, option) {
        return Meaning::Inline;
    }
    if has(grammar.valued, option) {
        return Meaning::Value;
    }
    if has(grammar.names, option) {
        return Meaning::Name(None);
    }
    match option.split_once('=') {
        Some((name, value)) if name.starts_with("--") && has(grammar.names, name) => {
            Meaning::Name(Some(value))
        }
        _ if grammar.is_joined && !option.starts_with("--") => joined(grammar, option),
        _ => Meaning::Switch,
    }
}

/// `-um`, `-Werror`, `-lc`: the first letter that takes something decides.
fn joined<'a>(grammar: &Grammar, option: &'a str) -> Meaning<'a> {
    for (at, letter) in option.char_indices().skip(1) {
        let value = Some(&option[at + letter.len_utf8()..]).filter(|value| !value.is_empty());
        match meaning_of_letter(grammar, letter) {
            Meaning::Switch => {}
            Meaning::Value if value.is_some() => return Meaning::Switch,
            Meaning::Name(_) => return Meaning::Name(value),
            other => return other,
        }
    }
    Meaning::Switch
}

fn meaning_of_letter(grammar: &Grammar, letter: char) -> Meaning<'static> {
    let option = format!("-{letter}");
    match () {
        () if has(grammar.inline, &option) => Meaning::Inline,
        () if has(grammar.names, &option) => Meaning::Name(None),
        () if has(grammar.valued, &option) => Meaning::Value,
        () => Meaning::Switch,
    }
}
