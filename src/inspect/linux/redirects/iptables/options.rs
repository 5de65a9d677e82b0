//! The options of an `iptables` rule. Pure.
//!
//! A rule is `[!] option value …` in the order of its matches, then `-j` or `-g`. An unknown option becomes a
//! condition that was not understood, with its words.

use crate::inspect::linux::redirects::condition::Subject;
use crate::inspect::linux::redirects::field::{Field, Value};
use crate::inspect::linux::redirects::rule::Step;

/// The parts of a rule.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) steps: Vec<Step>,
    pub(super) comment: Option<String>,
    /// The words from `-j` or `-g` on.
    pub(super) target: &'a [String],
}

/// Parses the words of a rule.
pub(super) fn parse(words: &[String]) -> Options<'_> {
    let mut options = Options::default();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if word == "-j" || word == "-g" {
            options.target = rest;
            break;
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
            ("--comment", [comment]) => options.comment = Some(comment.clone()),
            (option, values) => {
                let compared = compared(option, &values.join(" "));
                options
                    .steps
                    .extend(compared.map(|(field, value)| Step::compare(field, is_negated, value)));
            }
        }
    }
    options
}

/// Whether a word begins the next option. No value of a match begins with two dashes or is one of the short ones; a
/// quoted comment is one word and is taken with its option.
fn is_option(word: &str) -> bool {
    let short = "! -m -j -g -p -s -d -i -o -f";
    word.starts_with("--") || short.split(' ').any(|one| one == word)
}

/// The field that an option compares; `None` if every packet matches.
fn compared(option: &str, value: &str) -> Option<(Field, Value)> {
    let on = |subject, words: &str| {
        let field = Field::Other(subject, words.to_owned());
        Some((field, Value::Text(String::new())))
    };
    let phrase = |phrase: &str| on(Subject::Phrase, phrase);
    let unknown = || on(Subject::Unknown, format!("{option} {value}").trim());
    let field = match option {
        "-p" if matches!(value, "all" | "0") => return None,
        "--limit-iface-in" | "--limit-iface-out" => return None,
        "-p" => Field::Protocol,
        "--dport"
        | "--dports"
        | "--destination-port"
        | "--destination-ports"
        | "--ctorigdstport" => Field::Port,
        "--ports" => Field::EitherPort,
        "--sport" | "--sports" | "--source-port" | "--source-ports" | "--ctorigsrcport" => {
            Field::simple(Subject::SourcePort)
        }
        "-s" | "--src-range" => Field::Source,
        "-d" | "--ctorigdst" | "--dst-range" => Field::Destination,
        "-i" => Field::InInterface,
        "-o" => Field::OutInterface,
        "--dst-type" => Field::DestinationType,
        "--src-type" if value == "LOCAL" => Field::SourceType,
        "--uid-owner" => Field::Sender(Subject::User),
        "--gid-owner" => Field::Sender(Subject::Group),
        "--mark" => Field::simple(Subject::Mark),
        "--ctstate" | "--state" => Field::State,
        "--tcp-flags" | "--syn" | "--tcp-option" => Field::TcpFlags,
        "--mode" | "--probability" | "--every" | "--packet" => Field::Share,
        "--limit" | "--limit-burst" | "--hashlimit-upto" | "--hashlimit-above"
        | "--hashlimit-burst" | "--hashlimit-mode" | "--hashlimit-name" => {
            return phrase("are within a rate limit");
        }
        "--timestart" | "--timestop" | "--datestart" | "--datestop" | "--weekdays"
        | "--monthdays" | "--kerneltz" => return phrase("come at certain times"),
        "--transparent" => return phrase("belong to a transparent socket"),
        "--match-set" => return phrase(&format!("are in the ipset {value}")),
        "--pkt-type" => return phrase(&format!("are {value} on the link")),
        "--mac-source" => return phrase(&format!("come from the link address {value}")),
        _ => return unknown(),
    };
    match parsed(&field, value) {
        Some(value) => Some((field, value)),
        None => unknown(),
    }
}

/// The value for a field; `None` if it is invalid.
fn parsed(field: &Field, value: &str) -> Option<Value> {
    let text = || Value::Text(value.to_owned());
    Some(match field {
        Field::Port | Field::EitherPort => Value::List(ports(value)?),
        Field::Source | Field::Destination => Value::net(value).unwrap_or_else(text),
        Field::Protocol => value.parse().map_or_else(|_| text(), Value::Number),
        Field::State | Field::DestinationType => {
            let names = value.split(',').map(|name| Value::Text(name.to_owned()));
            Value::List(names.collect())
        }
        _ => text(),
    })
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
