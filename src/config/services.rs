//! The table `[services]`: the user's names of ports.

use std::fmt::Write as _;

use super::value::{self, Refusal, Value, quoted};
use crate::model::{Protocol, Services, excerpt};
use crate::settings::Settings;
use crate::theme::ErrorAt;

const PORT: &str = "a port, such as 8080 or \"5353/udp\"";
const NAME: &str = "a name in quotes, such as \"my-api\"";

/// The longest name of a service, in characters.
const MAX_NAME: usize = 40;

const BOTH: &[Protocol] = &[Protocol::Tcp, Protocol::Udp];

/// Reads the whole table; returns its errors.
pub(super) fn read(settings: &mut Settings, value: &Value<'_>) -> Vec<ErrorAt> {
    let table = match value::table(value) {
        Ok(table) => table,
        Err(refusal) => return vec![refusal.of("services", "ports with their names")],
    };
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    for (port, value) in table {
        match (place(port.get_ref()), name(value)) {
            (Some(place), Ok(name)) => read.push((place, name)),
            (None, _) => {
                let why = format!("services: `{}` is not {PORT}", excerpt(port.get_ref()));
                errors.push((port.span().start, why));
            }
            (_, Err(refusal)) => {
                let key = format!("services.{}", excerpt(port.get_ref()));
                errors.push(refusal.of(&key, NAME));
            }
        }
    }
    // A name for one protocol takes precedence over one for both.
    read.sort_by_key(|((_, protocols), _)| std::cmp::Reverse(protocols.len()));
    let mut services = Services::default();
    for ((port, protocols), name) in read {
        for &protocol in protocols {
            services.add(protocol, port, name);
        }
    }
    settings.services = services;
    errors
}

/// A port and its protocols.
fn place(written: &str) -> Option<(u16, &'static [Protocol])> {
    let (port, protocols) = match written.split_once('/') {
        None => (written, BOTH),
        Some((port, "tcp")) => (port, &BOTH[..1]),
        Some((port, "udp")) => (port, &BOTH[1..]),
        Some(_) => return None,
    };
    let number: u16 = port.parse().ok().filter(|&number| number > 0)?;
    (number.to_string() == port).then_some((number, protocols))
}

/// A name that can be used in a filter and as a target.
fn name<'a>(value: &'a Value<'_>) -> Result<&'a str, Refusal> {
    let name = value::text(value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins_well && name.len() <= MAX_NAME && name.chars().all(fits) {
        return Ok(name);
    }
    let why = format!(
        "invalid name `{}`; use a letter, then letters, digits, - and _, at most {MAX_NAME} characters",
        excerpt(name)
    );
    Err(value::invalid(value, why))
}

/// The table as TOML.
pub(super) fn print(settings: &Settings) -> String {
    let services = &settings.services;
    let mut text = "[services]\n".to_owned();
    for (protocol, port, name) in services.iter() {
        let is_other_same = |other| services.name(other, port) == Some(name);
        let key = match BOTH.iter().all(|&other| is_other_same(other)) {
            true if protocol == Protocol::Udp => continue,
            true => port.to_string(),
            false => quoted(&format!("{port}/{}", protocol.as_str())),
        };
        writeln!(text, "{key} = {}", quoted(name)).expect("a String takes everything");
    }
    text
}
