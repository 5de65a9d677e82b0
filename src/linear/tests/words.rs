//! Parsing of typed lines.

use std::collections::HashSet;

use crate::linear::word::{Verb, WORDS, find, parse};

#[test]
fn a_line_is_a_command_and_the_rest() {
    for (line, verb, rest) in [
        ("list", Verb::List, ""),
        ("LIST 5", Verb::List, "5"),
        ("li", Verb::List, ""),
        ("find  node :80 ", Verb::Find, "node :80"),
        ("/node", Verb::Filter, "node"),
        ("/", Verb::Filter, ""),
        ("8080", Verb::Go, "8080"),
        (":8080", Verb::Go, ":8080"),
        ("53/udp", Verb::Go, "53/udp"),
        ("?", Verb::Help, ""),
        ("exit", Verb::Quit, ""),
        ("follow 80", Verb::Pin, "80"),
        ("kill", Verb::End, ""),
        ("det", Verb::Details, ""),
    ] {
        assert_eq!(parse(line), Ok((verb, rest)), "{line}");
    }
}

#[test]
fn an_unknown_word_is_answered_with_the_nearest_and_a_short_one_with_all() {
    for (line, why) in [
        ("lsit", "unknown command `lsit`; did you mean `list`?"),
        (
            "frobnicate",
            "unknown command `frobnicate`; help lists the commands",
        ),
        ("e", "`e` can be end, events"),
        ("re", "`re` can be reverse, resume, refresh"),
    ] {
        assert_eq!(parse(line).unwrap_err(), why);
    }
}

#[test]
fn yes_has_to_be_typed_whole() {
    assert!(find("y").is_err() && find("ye").is_err());
    assert_eq!(find("yes").unwrap().verb, Verb::Yes);
    assert_eq!(find("n").map(|word| word.verb).ok(), None, "next or no");
}

#[test]
fn no_two_commands_share_a_word_and_all_is_ascii() {
    let mut seen = HashSet::new();
    for word in WORDS {
        let line = word.line();
        assert!(line.is_ascii() && line.len() < 200, "{line}");
        let (_, also) = line.split_once(" (also: ").unwrap_or_default();
        let names = also
            .trim_end_matches(')')
            .split(", ")
            .filter(|name| !name.is_empty());
        for name in names.chain([word.name]) {
            assert!(seen.insert(name.to_owned()), "{name}");
        }
    }
}
