//! Bytes in, settings out, or everything that is wrong with them in the order of their lines.

use toml::Spanned;
use toml::de::{DeString, DeTable};

use super::Place;
use super::fault::Fault;
use super::key::{self, KEYS, Key, SECTIONS, Section};
use super::value::Value;
use crate::settings::Settings;
use crate::model::{Services, counted};

/// How many faults are told: what is no configuration at all has one on each line.
const MAX_FAULTS: usize = 20;

/// Reads a configuration. What it does not say is the default.
///
/// # Errors
/// What is wrong, each on a line that is there, in order; at most a screenful. Where the text is no TOML,
/// that is told and nothing of the keys.
pub fn parse(bytes: &[u8]) -> Result<Settings, Vec<Fault>> {
    read_table(bytes, settings)
}

/// Reads of a configuration what ports are called, and nothing else of it.
///
/// # Errors
/// As [`parse`], but for what is wrong with the rest.
pub fn parse_services(bytes: &[u8]) -> Result<Services, Vec<Fault>> {
    let settings = read_table(bytes, |table| {
        let mut settings = Settings::default();
        let named = SECTIONS.iter().find(|section| section.name == "services");
        let faults = named.map(|section| read_section(&mut settings, section, table));
        (settings, faults.unwrap_or_default())
    });
    Ok(settings?.services)
}

fn read_table(
    bytes: &[u8],
    read: impl Fn(&DeTable<'_>) -> (Settings, Vec<Place>),
) -> Result<Settings, Vec<Fault>> {
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
    match read(table.get_ref()) {
        (settings, faults) if faults.is_empty() => Ok(settings),
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
        next.message = format!(
            "and {} from here on",
            counted(more, "more line", "more lines")
        );
    }
    faults
}

/// The settings, and what was not accepted.
fn settings(table: &DeTable<'_>) -> (Settings, Vec<Place>) {
    let mut config = Settings::default();
    let mut faults = Vec::new();
    for section in &SECTIONS {
        faults.extend(read_section(&mut config, section, table));
    }
    let services = config.services.clone();
    services.while_tried(|| faults.extend(read_keys(&mut config, table)));
    let is_unknown = |name: &&Spanned<DeString<'_>>| key::keys().all(|key| key != name.get_ref());
    faults.extend(table.keys().filter(is_unknown).map(of_no_key));
    (config, faults)
}

/// What is not accepted of a table of the file. A filter in it may use the user's names of ports.
fn read_section(config: &mut Settings, section: &Section, table: &DeTable<'_>) -> Vec<Place> {
    let services = config.services.clone();
    let value = table.get(section.name);
    value.map_or_else(Vec::new, |value| {
        services.while_tried(|| (section.read)(config, value))
    })
}

/// What is not accepted of the keys with one value.
fn read_keys(config: &mut Settings, table: &DeTable<'_>) -> Vec<Place> {
    let mut faults = Vec::new();
    for key in &KEYS {
        let value = table.get(key.name);
        faults.extend(value.and_then(|value| read(config, key, value).err()));
    }
    // A long filter may have no room for the family.
    if let (Err(error), Some(filter)) = (config.narrowed_filter(), table.get("filter")) {
        let why = format!("filter: with these families {error}");
        faults.push((filter.span().start, why));
    }
    for view in &config.views {
        if let (Err(error), Some(views)) = (config.narrowed(&view.filter), table.get("views")) {
            let why = format!("views: with these families {error}");
            faults.push((views.span().start, why));
        }
    }
    faults
}

fn of_no_key(name: &Spanned<DeString<'_>>) -> Place {
    (name.span().start, key::unknown(name.get_ref()))
}

fn read(config: &mut Settings, key: &Key, value: &Value<'_>) -> Result<(), Place> {
    (key.read)(config, value).map_err(|refusal| refusal.told(key.name, key.takes))
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
