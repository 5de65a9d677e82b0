//! Reads ports, and ranges of numbers.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::filter::endpoint::Ports;
use crate::filter::error::{nearest, shown};
use crate::filter::needle::is_digits;
use crate::model::Services;

/// A port, a range of ports or the name of a service.
pub fn ports(text: &str, services: &Services) -> Result<Ports, String> {
    if text.is_empty() {
        let accepted = "use a port, a range or a service, as in 8080, 8000-8999, https";
        return Err(format!("the port is missing: {accepted}"));
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return range(text, "port", &u16::MAX).map(Ports::Range);
    }
    let is_it = |name: &&str| name.eq_ignore_ascii_case(text);
    let service = services.names().find(is_it).map(|name| Ports::Service {
        name: name.into(),
        ports: services.ports(name),
    });
    service.ok_or_else(|| {
        let name = shown(text);
        match nearest(text, services.names()) {
            Some(near) => format!(
                "no service named {name}; did you mean `{near}`? Use a port, a range or a known service name"
            ),
            None => format!("no service named {name}; use a port, a range or a known service name"),
        }
    })
}

/// A number, or two with a hyphen between them.
pub fn range<T>(text: &str, what: &str, max: &T) -> Result<RangeInclusive<T>, String>
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
