//! The options of an `iptables` rule. Pure.
//!
//! A rule is `[!] option value …` in the order of its matches, then `-j` or `-g`. An unknown option becomes a
//! condition that was not understood, with its words.

use crate::source::linux::redirects::condition::Subject;
use crate::source::linux::redirects::packet::{Field, Value};
use crate::source::linux::redirects::rule::{Rule, Step};

/// The words of a line: separated by blanks, quoted with `"` and `\` if they contain some (`xtables_save_string`).
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if is_quoted => {
                let escaped = letters.next();
                word.get_or_insert_default().extend(escaped);
            }
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Parses the words of a rule up to `-j` or `-g`; returns those from there on.
pub(super) fn parse(words: &[String]) -> (Rule, &[String]) {
    let mut rule = Rule::default();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if word == "-j" || word == "-g" {
            return (rule, rest);
        }
        let is_negated = word == "!";
        let after = if is_negated { after } else { rest };
        let Some((option, after)) = after.split_first() else {
            break;
        };
        let count = match option.as_str() {
            "--comment" => after.len().min(1),
            _ => after.iter().take_while(|one| !is_option(one)).count(),
        };
        let (values, next) = after.split_at(count);
        rest = next;
        match (option.as_str(), values) {
            ("-m", _) => {}
            ("--comment", [comment]) => rule.comment = Some(comment.clone()),
            (option, values) => {
                let step = |(field, value)| Step::compare(field, is_negated, value);
                rule.steps
                    .extend(compared(option, &values.join(" ")).map(step));
            }
        }
    }
    (rule, &[])
}

/// Whether a word begins the next option. No value of a match begins with two dashes or is one of the short ones; a
/// quoted comment is one word and is taken with its option.
fn is_option(word: &str) -> bool {
    let short = "! -m -j -g -p -s -d -i -o -f";
    word.starts_with("--") || short.split(' ').any(|one| one == word)
}

/// The field that an option compares; `None` if every packet matches.
fn compared(option: &str, value: &str) -> Option<(Field, Value)> {
    let phrase = |words: &str| (Subject::Phrase, words.to_owned());
    let (subject, words) = match option {
        "-p" if matches!(value, "all" | "0") => return None,
        "--limit-iface-in" | "--limit-iface-out" => return None,
        "--limit" | "--limit-burst" | "--hashlimit-upto" | "--hashlimit-above"
        | "--hashlimit-burst" | "--hashlimit-mode" | "--hashlimit-name" => {
            phrase("are within a rate limit")
        }
        "--timestart" | "--timestop" | "--datestart" | "--datestop" | "--weekdays"
        | "--monthdays" | "--kerneltz" => phrase("come at certain times"),
        "--transparent" => phrase("belong to a transparent socket"),
        "--match-set" => phrase(&format!("are in the ipset {value}")),
        "--pkt-type" => phrase(&format!("are {value} on the link")),
        "--mac-source" => phrase(&format!("come from the link address {value}")),
        _ => match Field::named(option).and_then(|field| understood(field, value)) {
            Some(understood) => return Some(understood),
            None => (
                Subject::Unknown,
                format!("{option} {value}").trim().to_owned(),
            ),
        },
    };
    Some((Field::Other(subject, words), Value::Text(String::new())))
}

fn understood(field: Field, value: &str) -> Option<(Field, Value)> {
    let text = || Value::Text(value.to_owned());
    let value = match field {
        Field::Port | Field::EitherPort => Value::List(ports(value)?),
        Field::Source | Field::Destination => Value::net(value).unwrap_or_else(text),
        Field::Protocol => value.parse().map_or_else(|_| text(), Value::Number),
        Field::State | Field::DestinationType => {
            let names = value.split(',').map(|name| Value::Text(name.to_owned()));
            Value::List(names.collect())
        }
        Field::SourceType if value != "LOCAL" => return None,
        _ => text(),
    };
    Some((field, value))
}

/// `80`, `53,5000:5010`.
fn ports(ranges: &str) -> Option<Vec<Value>> {
    let port = |text: &str, missing: u16| match text {
        "" => Some(missing),
        text => text.parse().ok(),
    };
    let range = |range: &str| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        Some(Value::Range(
            port(first, 0)?.into(),
            port(last, u16::MAX)?.into(),
        ))
    };
    ranges.split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_join_a_word() {
        let line = r#"-A c -m comment --comment "a \"b\" -j" -j d --x """#;
        let expected = [
            "-A",
            "c",
            "-m",
            "comment",
            "--comment",
            "a \"b\" -j",
            "-j",
            "d",
            "--x",
            "",
        ];
        assert_eq!(words(line), expected);
        assert_eq!(words("").len(), 0);
    }

    /// As `xtables_save_string` does it.
    fn saved(text: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if !text.is_empty() && text.chars().all(is_plain) {
            return text.to_owned();
        }
        let mut saved = String::from('"');
        for c in text.chars() {
            if "\"\\'".contains(c) {
                saved.push('\\');
            }
            saved.push(c);
        }
        saved.push('"');
        saved
    }

    proptest::proptest! {
        #[test]
        fn words_of_iptables_save_are_read_back(
            texts in proptest::collection::vec(r#"[a-z"'\\ é\-]{0,8}"#, 0..5),
        ) {
            let line: Vec<_> = texts.iter().map(|text| saved(text)).collect();
            proptest::prop_assert_eq!(words(&line.join(" ")), texts);
        }
    }
}
