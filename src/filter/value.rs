//! Reads what stands behind the colon of a field. An error is one sentence; the caller knows
//! where in the input the value stands.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::ast::{Part, Term};
use super::error::{shown, unknown};
use super::needle::{Needle, is_digits};
use super::place::{Place, PlaceError, Ports, Side};
use super::vocabulary::{FLAGS, TRANSPORTS, Transport};
use crate::model::{Pid, State, service_names, service_ports};

/// A term, or the sentence that says why there is none.
type Value = Result<Term, String>;

/// `port:`, and what follows a bare `:`.
pub(super) fn local_port(text: &str) -> Value {
    Ok(Term::Place(Side::Local, Place::at_port(ports(text)?)))
}

/// `pid:`.
pub(super) fn pid(text: &str) -> Value {
    range(text, "process id", &Pid::MAX).map(Term::Pid)
}

/// `proc:`.
pub(super) fn process(text: &str) -> Value {
    part(Part::Process, text)
}

/// `cmd:`.
pub(super) fn command(text: &str) -> Value {
    part(Part::Command, text)
}

/// `user:`.
pub(super) fn user(text: &str) -> Value {
    part(Part::User, text)
}

/// `unit:`.
pub(super) fn unit(text: &str) -> Value {
    part(Part::Unit, text)
}

/// `service:`.
pub(super) fn service(text: &str) -> Value {
    part(Part::Service, text)
}

fn part(part: Part, text: &str) -> Value {
    if text.is_empty() {
        return Err("the text to look for is missing; quote it if it has spaces".into());
    }
    Ok(Term::Part(part, Needle::new(text)))
}

/// `proto:`.
pub(super) fn transport(text: &str) -> Value {
    let names = TRANSPORTS.iter().map(|word| word.name);
    Transport::named(text)
        .map(Term::Transport)
        .ok_or_else(|| refuse(text, "protocol", names))
}

/// `state:`. Hyphens and underscores may be left out or exchanged.
pub(super) fn state(text: &str) -> Value {
    let names = State::ALL.map(|state| state.as_str().to_lowercase());
    let wanted = text.to_lowercase().replace(['-', '_'], "");
    State::ALL
        .into_iter()
        .zip(&names)
        .find(|(_, name)| name.replace('_', "") == wanted)
        .map(|(state, _)| Term::State(state))
        .ok_or_else(|| refuse(text, "state", names.iter().map(String::as_str)))
}

/// `addr:`.
pub(super) fn local(text: &str) -> Value {
    place(Side::Local, text)
}

/// `remote:`, where a port may stand bare.
pub(super) fn remote(text: &str) -> Value {
    Place::read_or_port(text)
        .map(|place| Term::Place(Side::Remote, place))
        .map_err(PlaceError::message)
}

fn place(side: Side, text: &str) -> Value {
    Place::read(text)
        .map(|place| Term::Place(side, place))
        .map_err(PlaceError::message)
}

/// `is:`.
pub(super) fn flag(text: &str) -> Value {
    FLAGS
        .iter()
        .find(|word| word.name.eq_ignore_ascii_case(text))
        .map(|word| Term::Is(word.flag))
        .ok_or_else(|| refuse(text, "flag", FLAGS.iter().map(|word| word.name)))
}

/// A port, a range of ports or the name of a service.
pub(super) fn ports(text: &str) -> Result<Ports, String> {
    if text.is_empty() {
        return Err("the port is missing: 8080, 8000-8999 and https are accepted".into());
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return range(text, "port", &u16::MAX).map(Ports::Range);
    }
    service_names()
        .find(|name| name.eq_ignore_ascii_case(text))
        .map(|name| Ports::Service {
            name,
            ports: service_ports(name),
        })
        .ok_or_else(|| {
            let sorry = unknown(text, "known service", service_names());
            format!("{sorry} A port, a range or a service is accepted")
        })
}

/// A number, or two with a hyphen between them.
fn range<T>(text: &str, what: &str, max: &T) -> Result<RangeInclusive<T>, String>
where
    T: FromStr + PartialOrd + Display,
{
    if text.is_empty() {
        return Err(format!(
            "the {what} is missing: a number is accepted, or a range as in 10-19"
        ));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |digits: &str| match digits {
        "" => Err(format!(
            "{} lacks an end: write it as in 10-19",
            shown(text)
        )),
        _ if !is_digits(digits) => Err(format!(
            "{} is no {what}: a number is accepted, or a range as in 10-19",
            shown(digits)
        )),
        _ => digits
            .parse::<T>()
            .map_err(|_| format!("{} is too large: the last {what} is {max}", shown(digits))),
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("{} is reversed: write {last}-{first}", shown(text)));
    }
    Ok(first..=last)
}

/// The sentence for a word that is not one of these.
fn refuse<'a>(word: &str, kind: &str, accepted: impl Iterator<Item = &'a str> + Clone) -> String {
    let list: Vec<_> = accepted.clone().collect();
    let sorry = match word {
        "" => format!("the {kind} is missing."),
        _ => unknown(word, kind, accepted),
    };
    format!("{sorry} Accepted: {}", list.join(" "))
}
