//! Bytes to settings, or every error in the order of its line.

use toml::de::DeTable;

use super::key::KEYS;
use super::{SECTIONS, keys, services};
use crate::model::{Services, Text, counted, excerpt};
use crate::settings::Settings;
use crate::theme::{ErrorAt, unknown};

/// How many errors are reported: a file in another format has one on each line.
const MAX_FAULTS: usize = 20;

/// Options of the command line, for a suggestion: their names are too different to count as a typing mistake.
const OPTIONS: [(&str, &str); 8] = [
    ("tcp", "protocols"),
    ("udp", "protocols"),
    ("ipv4", "families"),
    ("ipv6", "families"),
    ("listening", "view"),
    ("all", "view"),
    ("no-color", "color"),
    ("family", "families"),
];

/// One error of a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// An existing line of the file, from 1.
    pub line: usize,
    /// The key, the error, and the accepted values: one line, safe to show on a terminal.
    pub message: String,
}

impl Fault {
    /// Turns offsets, in rising order, into lines. An error at the end of the text is on its last line.
    fn numbered(text: &[u8], errors: Vec<ErrorAt>) -> Vec<Self> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let (mut line, mut counted) = (1, 0);
        let numbered = errors.into_iter().map(|(at, message)| {
            let at = at.min(text.len());
            // Each byte is counted once: there may be as many errors as bytes.
            line += memchr::memchr_iter(b'\n', &text[counted..at]).count();
            counted = at;
            let message = Text::new(&message).to_string();
            Self { line, message }
        });
        numbered.collect()
    }
}

/// Reads a configuration. Missing keys have their defaults.
///
/// # Errors
/// Every error in the order of its line, at most a screenful. If the text is not TOML, only that.
pub fn parse(bytes: &[u8]) -> Result<Settings, Vec<Fault>> {
    read(bytes, read_settings)
}

/// Reads only the names of ports.
///
/// # Errors
/// As [`parse`], but ignores errors in the rest.
pub fn parse_services(bytes: &[u8]) -> Result<Services, Vec<Fault>> {
    let settings = read(bytes, |settings, table| match table.get("services") {
        Some(value) => services::read(settings, value),
        None => Vec::new(),
    });
    Ok(settings?.services)
}

fn read(
    bytes: &[u8],
    read: impl Fn(&mut Settings, &DeTable<'_>) -> Vec<ErrorAt>,
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
            // The parser does not name the key.
            let line = text.split('\n').nth(fault.line - 1).unwrap_or_default();
            let word = line.split(['=', ' ', '\t', '\r']).next();
            let word = word.map(|word| word.trim_start_matches('\u{feff}'));
            if let Some(key) = KEYS.iter().find(|key| Some(key.name) == word) {
                fault.message = format!("{}: {}", key.name, fault.message);
            }
        }
        return Err(faults);
    }
    let mut settings = Settings::default();
    let errors = read(&mut settings, table.get_ref());
    if errors.is_empty() {
        Ok(settings)
    } else {
        Err(faults(bytes, errors))
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

fn read_settings(settings: &mut Settings, table: &DeTable<'_>) -> Vec<ErrorAt> {
    let mut errors = Vec::new();
    for section in &SECTIONS {
        let value = table.get(section.name);
        errors.extend(
            value
                .into_iter()
                .flat_map(|value| (section.read)(settings, value)),
        );
    }
    for key in &KEYS {
        let value = table.get(key.name);
        let refusal = value.and_then(|value| (key.read)(settings, value).err());
        errors.extend(refusal.map(|refusal| refusal.of(key.name, key.takes)));
    }
    // A long filter may have no room for the family.
    let own = settings.views.iter().map(|view| ("views", &view.filter));
    for (name, filter) in std::iter::once(("filter", &settings.filter)).chain(own) {
        if let (Err(error), Some(value)) = (settings.narrowed(filter), table.get(name)) {
            let why = format!("{name}: with these families {error}");
            errors.push((value.span().start, why));
        }
    }
    for name in table.keys() {
        let (at, name) = (name.span().start, name.get_ref());
        if keys().all(|key| key != name) {
            let option = name.to_lowercase().replace('_', "-");
            let error = match OPTIONS.iter().find(|(one, _)| *one == option) {
                Some((_, key)) => format!("unknown key `{}`; did you mean `{key}`?", excerpt(name)),
                None => unknown(name, "key", &keys().collect::<Vec<_>>()),
            };
            errors.push((at, error));
        }
    }
    errors
}

#[cfg(test)]
mod tests;
