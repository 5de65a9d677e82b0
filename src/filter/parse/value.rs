//! Reads the value after the colon of a field. An error is one sentence; the caller adds its position.

use super::endpoint::ports;
use crate::filter::endpoint::{EndpointPattern, Side};
use crate::filter::error::{shown, unknown};
use crate::filter::expr::{Counter, CounterTime, Part, QueueEnd, Term};
use crate::filter::needle::Needle;
use crate::filter::number::{AGE, PID, SIZE, TIME};
use crate::filter::vocabulary::{FLAGS, TRANSPORTS, Transport};
use crate::model::{Services, State};

/// A term, or the sentence that says why there is none.
pub type Value = Result<Term, String>;

/// `port:`, and what follows a bare `:`.
pub fn local_port(text: &str, services: &Services) -> Value {
    let (host, ports) = (None, Some(ports(text, services)?));
    Ok(Term::Endpoint(Side::Local, EndpointPattern { host, ports }))
}

pub fn pid(text: &str) -> Value {
    PID.numbers(text).map(Term::Pid)
}

/// Only comparisons: an age is another one all the time.
pub fn age(text: &str) -> Value {
    if text.is_empty() {
        let hint = "in a shell, quote the term: 'age:>1m'";
        return Err(format!("{}; {hint}", AGE.missing()));
    }
    AGE.comparison(text)?.map(Term::Age).ok_or_else(|| {
        let age = shown(text);
        format!(
            "{age} needs >, >=, < or <= before it, as in >1m: an age is never the same for long"
        )
    })
}

pub fn queue(end: QueueEnd, text: &str) -> Value {
    SIZE.numbers(text).map(|sizes| Term::Queue(end, sizes))
}

/// `rate:`, `rx:`, `tx:`, `retr:`, `drops:`.
pub fn counter(counter: Counter, text: &str) -> Value {
    let numbers = counter.unit().numbers(text)?;
    Ok(Term::Counter(counter, numbers))
}

/// `rtt:`, `idle:`: only comparisons.
pub fn counter_time(time: CounterTime, text: &str) -> Value {
    if text.is_empty() {
        return Err(TIME.missing());
    }
    let comparison = TIME.comparison(text)?;
    let term = comparison.map(|comparison| Term::CounterTime(time, comparison));
    term.ok_or_else(|| {
        let time = shown(text);
        format!("{time} needs >, >=, < or <= before it, as in >100ms: no time is exactly that")
    })
}

/// `proc:`, `cmd:`, `user:`, `unit:`, `service:`.
pub fn part(part: Part, text: &str) -> Value {
    if text.is_empty() {
        return Err("the text to find is missing; quote it if it has spaces".into());
    }
    Ok(Term::Part(part, Needle::new(text)))
}

pub fn transport(text: &str) -> Value {
    let names = TRANSPORTS.map(|word| word.name);
    let found = Transport::named(text).map(Term::Transport);
    found.ok_or_else(|| not_accepted(text, "protocol", &names))
}

/// Hyphens and underscores may be left out or swapped.
pub fn state(text: &str) -> Value {
    let names = State::ALL.map(|state| state.as_str().to_lowercase());
    let wanted = text.to_lowercase().replace(['-', '_'], "");
    let mut states = State::ALL.into_iter().zip(&names);
    let found = states.find(|(_, name)| name.replace('_', "") == wanted);
    let names = names.each_ref().map(String::as_str);
    (found.map(|(state, _)| Term::State(state))).ok_or_else(|| not_accepted(text, "state", &names))
}

pub fn local(text: &str, services: &Services) -> Value {
    EndpointPattern::read(text, services)
        .map(|pattern| Term::Endpoint(Side::Local, pattern))
        .map_err(|error| error.to_string())
}

/// A port needs no colon before it.
pub fn remote(text: &str, services: &Services) -> Value {
    EndpointPattern::read_or_port(text, services)
        .map(|pattern| Term::Endpoint(Side::Remote, pattern))
        .map_err(|error| error.to_string())
}

pub fn flag(text: &str) -> Value {
    let names = FLAGS.each_ref().map(|word| word.name);
    let mut flags = FLAGS.iter();
    let found = flags.find(|word| word.name.eq_ignore_ascii_case(text));
    found
        .map(Term::Is)
        .ok_or_else(|| not_accepted(text, "flag", &names))
}

/// The sentence for a word that is not one of these.
fn not_accepted(word: &str, kind: &str, accepted: &[&str]) -> String {
    let message = match word {
        "" => format!("the {kind} is missing."),
        _ => unknown(word, kind, accepted),
    };
    format!("{message} Accepted: {}", accepted.join(" "))
}
