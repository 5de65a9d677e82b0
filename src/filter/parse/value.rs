//! Reads what stands behind the colon of a field. An error is one sentence; the caller knows
//! where in the input the value stands.

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
type Value = Result<Term, String>;

/// `port:`, and what follows a bare `:`.
pub fn local_port(text: &str) -> Value {
    Ok(Term::Endpoint(
        Side::Local,
        EndpointPattern::at_port(ports(text)?),
    ))
}

/// `pid:`.
pub fn pid(text: &str) -> Value {
    range(text, "process id", &Pid::MAX).map(Term::Pid)
}

/// `proc:`.
pub fn process(text: &str) -> Value {
    part(Part::Process, text)
}

/// `cmd:`.
pub fn command(text: &str) -> Value {
    part(Part::Command, text)
}

/// `user:`.
pub fn user(text: &str) -> Value {
    part(Part::User, text)
}

/// `unit:`.
pub fn unit(text: &str) -> Value {
    part(Part::Unit, text)
}

/// `service:`.
pub fn service(text: &str) -> Value {
    part(Part::Service, text)
}

fn part(part: Part, text: &str) -> Value {
    if text.is_empty() {
        return Err("the text to find is missing; quote it if it has spaces".into());
    }
    Ok(Term::Part(part, Needle::new(text)))
}

/// `proto:`.
pub fn transport(text: &str) -> Value {
    let names = TRANSPORTS.iter().map(|word| word.name);
    Transport::named(text)
        .map(Term::Transport)
        .ok_or_else(|| refuse(text, "protocol", names))
}

/// `state:`. Hyphens and underscores may be left out or exchanged.
pub fn state(text: &str) -> Value {
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
pub fn local(text: &str) -> Value {
    place(Side::Local, text)
}

/// `remote:`, where a port may stand bare.
pub fn remote(text: &str) -> Value {
    EndpointPattern::read_or_port(text)
        .map(|pattern| Term::Endpoint(Side::Remote, pattern))
        .map_err(EndpointError::message)
}

fn place(side: Side, text: &str) -> Value {
    EndpointPattern::read(text)
        .map(|pattern| Term::Endpoint(side, pattern))
        .map_err(EndpointError::message)
}

/// `is:`.
pub fn flag(text: &str) -> Value {
    FLAGS
        .iter()
        .find(|word| word.name.eq_ignore_ascii_case(text))
        .map(|word| Term::Is(word.flag))
        .ok_or_else(|| refuse(text, "flag", FLAGS.iter().map(|word| word.name)))
}

/// A port, a range of ports or the name of a service.
pub fn ports(text: &str) -> Result<Ports, String> {
    if text.is_empty() {
        return Err(
            "the port is missing: use a port, a range or a service, as in 8080, 8000-8999, https"
                .into(),
        );
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
            let sorry = unknown(text, "service", service_names());
            format!("{sorry} Use a port, a range or a service")
        })
}

/// A number, or two with a hyphen between them.
fn range<T>(text: &str, what: &str, max: &T) -> Result<RangeInclusive<T>, String>
where
    T: FromStr + PartialOrd + Display,
{
    if text.is_empty() {
        return Err(format!(
            "the {what} is missing: use a number, or a range as in 10-19"
        ));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |digits: &str| match digits {
        "" => Err(format!(
            "{} is an incomplete range: write it as in 10-19",
            shown(text)
        )),
        _ if !is_digits(digits) => Err(format!(
            "{} is not a {what}: use a number, or a range as in 10-19",
            shown(digits)
        )),
        _ => digits.parse::<T>().map_err(|_| {
            format!(
                "{} is too large: the highest {what} is {max}",
                shown(digits)
            )
        }),
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
