//! The keys of the config file: one table for reading, printing and suggestions. A key has the name of the command-line
//! option with the same meaning.

use strum::VariantArray as _;

use super::value::{self, Refusal, Value, invalid, quoted};
use crate::columns;
use crate::model::{Family, Protocol, duration};
use crate::query::{GroupBy, GroupFields, Tab};
use crate::settings::{Notify, Settings};
use crate::theme::{self, Role, Themes};

/// One key.
pub(super) struct Key {
    pub name: &'static str,
    /// Its type, for an error.
    pub takes: &'static str,
    /// Sets it to a value.
    pub read: fn(&mut Settings, &Value<'_>) -> Result<(), Refusal>,
    /// Its value, as TOML.
    pub print: fn(&Settings) -> String,
}

const DURATION: &str = "a duration, such as \"500ms\", \"2s\", 0.5";
const BOOLEAN: &str = "true or false";

/// Every key, in the order of the file.
#[rustfmt::skip]
pub(super) static KEYS: [Key; 19] = [
    Key { name: "interval", takes: DURATION, read: |c, v| set(&mut c.interval, value::duration(v, duration::parse_interval)), print: |c| quoted(&duration::format(c.interval)) },
    Key { name: "linger", takes: DURATION, read: |c, v| set(&mut c.linger, value::duration(v, duration::parse)), print: |c| quoted(&duration::format(c.linger)) },
    Key { name: "highlight", takes: DURATION, read: |c, v| set(&mut c.highlight, value::duration(v, duration::parse)), print: |c| quoted(&duration::format(c.highlight)) },
    Key { name: "view", takes: "\"listening\", \"connections\", \"all\", \"changes\", \"trouble\" or a view of your own", read: first_view, print: |c| quoted(c.custom_view.and_then(|at| c.views.get(at)).map_or(name_of(c.view), |view| &view.name)) },
    Key { name: "protocols", takes: "a list of tcp, udp, udplite, sctp, raw, packet, unix in quotes, such as [\"tcp\", \"udp\"]", read: protocols, print: |c| list(Protocol::ALL.map(|one| (one.as_str(), c.kinds.has(one)))) },
    Key { name: "families", takes: "[\"ipv4\"], [\"ipv6\"] or [\"ipv4\", \"ipv6\"]", read: families, print: |c| list(FAMILIES.map(|(name, family)| (name, c.family.is_none_or(|one| one == family)))) },
    Key { name: "filter", takes: "a filter in quotes, such as \"user:ann !udp\"", read: |c, v| set(&mut c.filter, value::filter(v, &c.services)), print: |c| quoted(&c.filter.to_string()) },
    Key { name: "columns", takes: "a list of columns in quotes, such as [\"port\", \"state\", \"process\"]", read: shown_columns, print: |c| columns_text(&c.columns) },
    Key { name: "sort", takes: "the name of a column in quotes, such as \"port\"", read: |c, v| set(&mut c.sort.by, value::column(v)), print: |c| quoted(columns::column(c.sort.by).name) },
    Key { name: "reverse", takes: BOOLEAN, read: |c, v| set(&mut c.sort.descending, value::boolean(v)), print: |c| c.sort.descending.to_string() },
    Key { name: "group", takes: "one or two fields in quotes, such as [\"process\", \"state\"], or []", read: group, print: |c| list(c.group.iter().flat_map(|group| group.all()).map(|field| (field.name(), true))) },
    Key { name: "stats", takes: BOOLEAN, read: |c, v| set(&mut c.stats, value::boolean(v)), print: |c| c.stats.to_string() },
    Key { name: "notify", takes: "\"bell\", \"desktop\", \"both\" or \"none\"", read: |c, v| set(&mut c.notify, value::word(v, "notification", Notify::VARIANTS.iter().map(|&one| (one.into(), one)))), print: |c| quoted(c.notify.into()) },
    Key { name: "events", takes: BOOLEAN, read: |c, v| set(&mut c.events, value::boolean(v)), print: |c| c.events.to_string() },
    Key { name: "trace", takes: BOOLEAN, read: |c, v| set(&mut c.trace, value::boolean(v)), print: |c| c.trace.to_string() },
    Key { name: "mouse", takes: BOOLEAN, read: |c, v| set(&mut c.mouse, value::boolean(v)), print: |c| c.mouse.to_string() },
    Key { name: "color", takes: BOOLEAN, read: |c, v| set(&mut c.color, value::boolean(v)), print: |c| c.color.to_string() },
    Key { name: "themes", takes: "themes of your own, such as [themes.mine] with good = \"blue bold\" below", read: own_themes, print: |c| own_themes_text(c) },
    // After `themes`, as it may be one of them.
    Key { name: "theme", takes: "the name of a theme in quotes, such as \"dark\"", read: |c, v| c.themes.choose(value::text(v)?).map_err(|why| invalid(v, why)), print: |c| quoted(&c.themes.chosen().name) },
];

pub(super) const VIEWS: [(&str, Tab); 5] = [
    ("listening", Tab::Listening),
    ("connections", Tab::Connections),
    ("all", Tab::All),
    ("changes", Tab::Changes),
    ("trouble", Tab::Trouble),
];

const FAMILIES: [(&str, Family); 2] = [("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)];

fn set<T>(setting: &mut T, value: Result<T, Refusal>) -> Result<(), Refusal> {
    *setting = value?;
    Ok(())
}

fn protocols(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let words = Protocol::ALL.map(|protocol| (protocol.as_str(), protocol));
    let named = value::list(value, |one| value::word(one, "protocol", words))?;
    config.kinds = named.into_iter().collect();
    Ok(())
}

fn families(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let named = value::list(value, |one| value::word(one, "family", FAMILIES))?;
    config.family = match named[..] {
        [only] => Some(only),
        _ => None,
    };
    Ok(())
}

fn group(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let names = GroupBy::ALL.iter().map(|field| (field.name(), *field));
    let fields = value::any_of(value, |one| value::word(one, "field", names.clone()))?;
    config.group = GroupFields::of(&fields).map_err(|why| invalid(value, why))?;
    Ok(())
}

/// Roles that a theme leaves out are as in the default. Only its first error is reported.
fn own_themes(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    for (name, styles) in value::table(value)? {
        let own = theme::read(name.get_ref(), value::table(styles)?, Themes::terminal());
        let own = own.map_err(|errors| {
            let (at, why) = errors.into_iter().min().unwrap_or_default();
            Refusal::Invalid(at, why)
        })?;
        config.themes.add(own).map_err(|why| invalid(styles, why))?;
    }
    Ok(())
}

/// An inline table.
fn own_themes_text(config: &Settings) -> String {
    let table = |entries: Vec<String>| {
        let entries = entries.join(", ");
        if entries.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{ {entries} }}")
        }
    };
    let own = config.themes.own().iter().map(|theme| {
        let style = |&role: &Role| quoted(&theme.styles.of(role).to_string());
        let entry = |role: &Role| format!("{} = {}", role.name(), style(role));
        let styles = Role::ALL.iter().map(entry);
        format!("{} = {}", theme.name, table(styles.collect()))
    });
    table(own.collect())
}

/// Columns that are never dropped can't be left out: no key could bring them back.
fn shown_columns(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let ids = value::list(value, value::column)?;
    let is_missing = |column: &&columns::Column| column.priority == 0 && !ids.contains(&column.id);
    if let Some(column) = columns::ALL.iter().find(is_missing) {
        let why = format!("`{}` is missing; it can't be hidden", column.name);
        return Err(invalid(value, why));
    }
    config.columns = ids;
    Ok(())
}

/// A built-in view, or one of the user's own; those were read before.
fn first_view(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let always = VIEWS.iter().map(|&(name, view)| (name, (view, None)));
    let own = config.views.iter().enumerate();
    let own = own.map(|(at, view)| (&*view.name, (view.shows, Some(at))));
    (config.view, config.custom_view) = value::word(value, "view", always.chain(own))?;
    Ok(())
}

pub(super) fn columns_text(columns: &[columns::ColumnId]) -> String {
    list(columns.iter().map(|&id| (columns::column(id).name, true)))
}

pub(super) fn name_of(view: Tab) -> &'static str {
    let found = VIEWS.iter().find(|(_, one)| *one == view);
    found.map_or("", |(name, _)| name)
}

/// The words that are included, as a TOML list.
fn list(words: impl IntoIterator<Item = (&'static str, bool)>) -> String {
    let words = words.into_iter().filter(|&(_, is_included)| is_included);
    let quoted: Vec<_> = words.map(|(word, _)| quoted(word)).collect();
    format!("[{}]", quoted.join(", "))
}
