//! Which argument of an interpreter is its script.
//!
//! `grammar` has the options of each: those that take the next argument as their value, those that name
//! the program, and those after which there is no script.

use super::Kind;
use super::grammar::{Grammar, PLAIN, grammar};

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

/// What these arguments, without the interpreter's own name, have it run.
pub(super) fn script<'a>(kind: Kind, arguments: &'a [&'a str]) -> Script<'a> {
    match found(grammar(kind), arguments) {
        // A file of arguments may name the class: what follows may belong to it.
        Some((_, word)) if kind == Kind::Java && word.starts_with('@') => Script::None,
        Some((Found::Word, class)) if kind == Kind::Java && !class.contains('/') => {
            Script::Named(class)
        }
        Some((Found::Named, module)) if kind == Kind::Java && !module.contains(".jar") => {
            Script::Named(module)
        }
        Some((Found::Named, module)) if kind == Kind::Python => Script::Named(module),
        Some((_, word)) if kind == Kind::Dotnet && !is_assembly(word) => Script::None,
        Some((_, word)) if kind == Kind::Deno && !word.contains('.') => Script::None,
        Some((_, path)) if !path.is_empty() => Script::File(path.trim_end_matches('/')),
        _ => Script::None,
    }
}

fn is_assembly(word: &str) -> bool {
    let ending = word.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("dll"))
}

/// How a program was named.
enum Found {
    /// As the first argument that is no option.
    Word,
    /// As the value of an option.
    Named,
}

fn found<'a>(grammar: &Grammar, arguments: &'a [&'a str]) -> Option<(Found, &'a str)> {
    let mut verbs = grammar.verbs.iter();
    let mut rest = arguments.iter();
    while let Some(&argument) = rest.next() {
        if verbs.len() > 0 && grammar.verbs.contains(&argument) {
            verbs = [].iter();
            continue;
        }
        if argument == "--" && !grammar.inline.contains(&"--") {
            return rest.next().map(|&word| (Found::Word, word));
        }
        if !is_option(argument) {
            return Some((Found::Word, argument));
        }
        match meaning(grammar, argument) {
            Meaning::Switch => {}
            Meaning::Value => _ = rest.next(),
            Meaning::Inline => return None,
            Meaning::Name(Some(name)) => return Some((Found::Named, name)),
            Meaning::Name(None) => return rest.next().map(|&name| (Found::Named, name)),
        }
    }
    None
}

fn is_option(argument: &str) -> bool {
    argument.starts_with('-') || (argument.starts_with('+') && argument.len() == 2)
}

/// What an option means.
enum Meaning<'a> {
    Switch,
    /// The next argument is its value.
    Value,
    Inline,
    /// It names the program, itself or by the next argument.
    Name(Option<&'a str>),
}

fn meaning<'a>(grammar: &Grammar, option: &'a str) -> Meaning<'a> {
    if grammar.inline.contains(&option) {
        return Meaning::Inline;
    }
    if grammar.valued.contains(&option) {
        return Meaning::Value;
    }
    if grammar.names.contains(&option) {
        return Meaning::Name(None);
    }
    if let Some((name, value)) = option.split_once('=')
        && name.starts_with("--")
        && grammar.names.contains(&name)
    {
        return Meaning::Name(Some(value));
    }
    if grammar.is_joined && !option.starts_with("--") {
        return joined(grammar, option);
    }
    Meaning::Switch
}

/// `-um`, `-Werror`, `-lc`: the first letter that takes something decides.
fn joined<'a>(grammar: &Grammar, option: &'a str) -> Meaning<'a> {
    for (at, letter) in option.char_indices().skip(1) {
        let value = &option[at + letter.len_utf8()..];
        let is_in = |list: &[&str]| {
            let mut short = list.iter().filter_map(|one| one.strip_prefix('-'));
            short.any(|one| one.len() == letter.len_utf8() && one.starts_with(letter))
        };
        if is_in(grammar.inline) {
            return Meaning::Inline;
        }
        if is_in(grammar.names) {
            return Meaning::Name(Some(value).filter(|value| !value.is_empty()));
        }
        if is_in(grammar.valued) {
            return if value.is_empty() {
                Meaning::Value
            } else {
                Meaning::Switch
            };
        }
    }
    Meaning::Switch
}

/// The program that the dynamic loader (`ld.so(8)`) runs.
pub(super) fn of_loader<'a>(arguments: &'a [&'a str]) -> Option<&'a str> {
    let grammar = Grammar {
        valued: &[
            "--library-path",
            "--preload",
            "--audit",
            "--argv0",
            "--inhibit-rpath",
        ],
        ..PLAIN
    };
    found(&grammar, arguments).map(|(_, program)| program)
}
