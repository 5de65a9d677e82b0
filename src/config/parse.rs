//! Bytes to settings, or every error in the order of its line.

use toml::Spanned;
use toml::de::{DeString, DeTable};

use super::Fault;
use super::key::KEYS;
use super::section::{SECTIONS, Section, keys, unknown_key};
use crate::model::{Services, counted};
use crate::settings::Settings;
use crate::theme::ErrorAt;

/// How many errors are reported: a file in another format has one on each line.
const MAX_FAULTS: usize = 20;

/// Reads a configuration. Missing keys have their defaults.
///
/// # Errors
/// Every error in the order of its line, at most a screenful. If the text is not TOML, only that.
pub fn parse(bytes: &[u8]) -> Result<Settings, Vec<Fault>> {
    read_table(bytes, settings)
}

/// Reads only the names of ports.
///
/// # Errors
/// As [`parse`], but ignores errors in the rest.
pub fn parse_services(bytes: &[u8]) -> Result<Services, Vec<Fault>> {
    let settings = read_table(bytes, |table| {
        let mut settings = Settings::default();
        let services = SECTIONS.iter().filter(|section| section.name == "services");
        let errors = services.flat_map(|section| read_section(&mut settings, section, table));
        (errors.collect(), settings)
    });
    Ok(settings?.services)
}

fn read_table(
    bytes: &[u8],
    read: impl Fn(&DeTable<'_>) -> (Vec<ErrorAt>, Settings),
) -> Result<Settings, Vec<Fault>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("not UTF-8: the byte 0x{:02x}", bytes[at]);
        faults(bytes, vec![(at, message)])
    })?;
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let errors = errors.iter().map(|error| {
            let at = error.span().map_or(text.len(), |span| span.start);
            // The parser says of a missing value that its quotes are missing.
            let rest = text.get(at..).and_then(|rest| rest.lines().next());
            let rest = rest.unwrap_or_default().trim_start();
            let has_value = !rest.is_empty() && !rest.starts_with('#');
            let message = match error.message() {
                message if has_value => message,
                message if message.starts_with("string values must be quoted") => {
                    "the value is missing"
                }
                message => message,
            };
            (at, message.to_owned())
        });
        let mut faults = faults(bytes, errors.collect());
        for fault in faults.iter_mut().take(MAX_FAULTS) {
            name_key(text, fault);
        }
        return Err(faults);
    }
    match read(table.get_ref()) {
        (errors, settings) if errors.is_empty() => Ok(settings),
        (errors, _) => Err(faults(bytes, errors)),
    }
}

/// The errors to report: the first of each line, as it mostly causes the others there, and not too many.
fn faults(text: &[u8], mut errors: Vec<ErrorAt>) -> Vec<Fault> {
    errors.sort_by_key(|(at, _)| *at);
    let mut faults = Fault::numbered(text, errors);
    faults.dedup_by_key(|fault| fault.line);
    let more = faults.len().saturating_sub(MAX_FAULTS);
    faults.truncate(MAX_FAULTS + 1);
    if let Some(next) = faults.get_mut(MAX_FAULTS) {
        let more = counted(more, "more line", "more lines");
        next.message = format!("and {more} from here on");
    }
    faults
}

fn settings(table: &DeTable<'_>) -> (Vec<ErrorAt>, Settings) {
    let mut settings = Settings::default();
    let mut errors = Vec::new();
    for section in &SECTIONS {
        errors.extend(read_section(&mut settings, section, table));
    }
    errors.extend(read_keys(&mut settings, table));
    let is_unknown = |name: &&Spanned<DeString<'_>>| keys().all(|key| key != name.get_ref());
    let unknown = table.keys().filter(is_unknown);
    errors.extend(unknown.map(|name| (name.span().start, unknown_key(name.get_ref()))));
    (errors, settings)
}

fn read_section(settings: &mut Settings, section: &Section, table: &DeTable<'_>) -> Vec<ErrorAt> {
    let value = table.get(section.name);
    value.map_or_else(Vec::new, |value| (section.read)(settings, value))
}

/// Reads the keys with one value.
fn read_keys(settings: &mut Settings, table: &DeTable<'_>) -> Vec<ErrorAt> {
    let mut errors = Vec::new();
    for key in &KEYS {
        let read = table
            .get(key.name)
            .map_or(Ok(()), |value| (key.read)(settings, value));
        errors.extend(read.err().map(|refusal| refusal.of(key.name, key.takes)));
    }
    // A long filter may have no room for the family.
    let own = settings.views.iter().map(|view| ("views", &view.filter));
    for (name, filter) in std::iter::once(("filter", &settings.filter)).chain(own) {
        if let (Err(error), Some(value)) = (settings.narrowed(filter), table.get(name)) {
            let why = format!("{name}: with these families {error}");
            errors.push((value.span().start, why));
        }
    }
    errors
}

/// Adds the key on its line to an error of the grammar.
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
