//! Reads the value after the colon of a field. An error is one sentence; the caller adds its position.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::endpoint::EndpointError;
use crate::filter::endpoint::{EndpointPattern, Ports, Side};
use crate::filter::error::{shown, unknown};
use crate::filter::expr::{Part, Term};
use crate::filter::needle::{Needle, is_digits};
use crate::filter::vocabulary::{FLAGS, TRANSPORTS, Transport};
use crate::model::{Pid, State, service_names, service_ports};

/// A term, or the sentence that says why there is none.
pub type Value = Result<Term, String>;

/// `port:`, and what follows a bare `:`.
pub fn local_port(text: &str) -> Value {
    let pattern = EndpointPattern::at_port(ports(text)?);
    Ok(Term::Endpoint(Side::Local, pattern))
}

pub fn pid(text: &str) -> Value {
    range(text, "process id", &Pid::MAX).map(Term::Pid)
}

/// `proc:`, `cmd:`, `user:`, `unit:`, `service:`.
pub fn part(part: Part, text: &str) -> Value {
    if text.is_empty() {
        return Err("the text to find is missing; quote it if it has spaces".into());
    }
    Ok(Term::Part(part, Needle::new(text)))
}

pub fn transport(text: &str) -> Value {
    let names = TRANSPORTS.iter().map(|word| word.name);
    let found = Transport::named(text).map(Term::Transport);
    found.ok_or_else(|| not_accepted(text, "protocol", names))
}

/// Hyphens and underscores may be left out or swapped.
pub fn state(text: &str) -> Value {
    let names = State::ALL.map(|state| state.as_str().to_lowercase());
    let wanted = text.to_lowercase().replace(['-', '_'], "");
    let mut states = State::ALL.into_iter().zip(&names);
    let found = states.find(|(_, name)| name.replace('_', "") == wanted);
    found
        .map(|(state, _)| Term::State(state))
        .ok_or_else(|| not_accepted(text, "state", names.iter().map(String::as_str)))
}

pub fn local(text: &str) -> Value {
    EndpointPattern::read(text)
        .map(|pattern| Term::Endpoint(Side::Local, pattern))
        .map_err(EndpointError::message)
}

/// A port needs no colon before it.
pub fn remote(text: &str) -> Value {
    EndpointPattern::read_or_port(text)
        .map(|pattern| Term::Endpoint(Side::Remote, pattern))
        .map_err(EndpointError::message)
}

pub fn flag(text: &str) -> Value {
    let mut flags = FLAGS.iter();
    let found = flags.find(|word| word.name.eq_ignore_ascii_case(text));
    found
        .map(|word| Term::Is(word.flag))
        .ok_or_else(|| not_accepted(text, "flag", FLAGS.iter().map(|word| word.name)))
}

/// A port, a range of ports or the name of a service.
pub fn ports(text: &str) -> Result<Ports, String> {
    if text.is_empty() {
        let accepted = "use a port, a range or a service, as in 8080, 8000-8999, https";
        return Err(format!("the port is missing: {accepted}"));
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return range(text, "port", &u16::MAX).map(Ports::Range);
    }
    let service = service_names().find(|name| name.eq_ignore_ascii_case(text));
    let service = service.map(|name| Ports::Service {
        name,
        ports: service_ports(name),
    });
    service.ok_or_else(|| {
        let message = unknown(text, "service", service_names());
        format!("{message} Use a port, a range or a service")
    })
}

/// A number, or two with a hyphen between them.
fn range<T>(text: &str, what: &str, max: &T) -> Result<RangeInclusive<T>, String>
where
    T: FromStr + PartialOrd + Display,
{
    const ACCEPTED: &str = "use a number, or a range as in 10-19";
    if text.is_empty() {
        return Err(format!("the {what} is missing: {ACCEPTED}"));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |digits: &str| match digits {
        "" => Err(format!(
            "{} is an incomplete range: write it as in 10-19",
            shown(text)
        )),
        _ if !is_digits(digits) => Err(format!("{} is not a {what}: {ACCEPTED}", shown(digits))),
        _ => digits.parse::<T>().map_err(|_| {
            let digits = shown(digits);
            format!("{digits} is too large: the highest {what} is {max}")
        }),
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("{} is reversed: write {last}-{first}", shown(text)));
    }
    Ok(first..=last)
}

/// The sentence for a word that is not one of these.
fn not_accepted<'a>(
    word: &str,
    kind: &str,
    accepted: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let list: Vec<_> = accepted.clone().collect();
    let message = match word {
        "" => format!("the {kind} is missing."),
        _ => unknown(word, kind, accepted),
    };
    format!("{message} Accepted: {}", list.join(" "))
}
