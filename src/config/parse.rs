//! Bytes in, settings out, or everything that is wrong with them in the order of their lines.

use toml::Spanned;
use toml::de::{DeString, DeTable};

use super::fault::Fault;
use super::key::{self, KEYS, Key};
use super::value::{Refusal, Value};
use crate::app::Settings;

/// How many faults are told: what is no configuration at all has one on each line.
const MAX_FAULTS: usize = 20;

/// Where something is wrong, in bytes from the beginning, and what.
type Place = (usize, String);

/// Reads a configuration. What it does not say is the default.
///
/// # Errors
/// What is wrong, each on a line that is there, in order; at most a screenful. Where the text is no TOML,
/// that is told and nothing of the keys.
pub fn parse(bytes: &[u8]) -> Result<Settings, Vec<Fault>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("not UTF-8: the byte 0x{:02x}", bytes[at]);
        told(bytes, vec![(at, message)])
    })?;
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let errors = errors.iter().map(|error| {
            let at = error.span().map_or(text.len(), |span| span.start);
            (at, error.message().to_owned())
        });
        let mut faults = told(bytes, errors.collect());
        for fault in faults.iter_mut().take(MAX_FAULTS) {
            name_key(text, fault);
        }
        return Err(faults);
    }
    match settings(table.get_ref()) {
        (config, faults) if faults.is_empty() => Ok(config),
        (_, faults) => Err(told(bytes, faults)),
    }
}

/// What is told: the first fault of each line, as what follows it there mostly follows from it; and not
/// too many of them.
fn told(text: &[u8], mut faults: Vec<Place>) -> Vec<Fault> {
    faults.sort_by_key(|(at, _)| *at);
    let mut faults = Fault::numbered(text, faults);
    faults.dedup_by_key(|fault| fault.line);
    let more = faults.len().saturating_sub(MAX_FAULTS);
    faults.truncate(MAX_FAULTS + 1);
    if let Some(next) = faults.get_mut(MAX_FAULTS) {
        next.message = format!("and {more} more lines from here on");
    }
    faults
}

/// The settings, and what was not accepted.
fn settings(table: &DeTable<'_>) -> (Settings, Vec<Place>) {
    let (mut config, mut faults) = (Settings::default(), Vec::new());
    for key in &KEYS {
        let read = table
            .get(key.name)
            .map(|value| read(&mut config, key, value));
        faults.extend(read.and_then(Result::err));
    }
    let is_known = |name: &Spanned<DeString<'_>>| KEYS.iter().any(|key| key.name == name.get_ref());
    let unknown = table.keys().filter(|name| !is_known(name));
    faults.extend(unknown.map(of_no_key));
    // A long filter may have no room for the family.
    if let (Err(error), Some(filter)) = (config.narrowed_filter(), table.get("filter")) {
        let why = format!("filter: with these families {error}");
        faults.push((filter.span().start, why));
    }
    (config, faults)
}

fn of_no_key(name: &Spanned<DeString<'_>>) -> Place {
    (name.span().start, key::unknown(name.get_ref()))
}

fn read(config: &mut Settings, key: &Key, value: &Value<'_>) -> Result<(), Place> {
    let (name, takes) = (key.name, key.takes);
    (key.read)(config, value).map_err(|refusal| match refusal {
        Refusal::Wrong { place, why } => (place.start, format!("{name}: {why}")),
        Refusal::OtherType { place, found } => (
            place.start,
            format!("{name}: {found}, where it takes {takes}"),
        ),
    })
}

/// What the grammar says, with the key of the line that it is about.
fn name_key(text: &str, fault: &mut Fault) {
    let line = text.split('\n').nth(fault.line - 1).unwrap_or_default();
    let word = line.split(['=', ' ', '\t', '\r']).next();
    let word = word.map(|word| word.trim_start_matches('\u{feff}'));
    if let Some(key) = KEYS.iter().find(|key| Some(key.name) == word) {
        fault.message = format!("{}: {}", key.name, fault.message);
    }
}

#[cfg(test)]
mod tests;
