//! The keys of a configuration, one line each: what the parser accepts, the printer writes and an error
//! suggests are this table and nothing else. Where one flag of the command line does the same, it has the same
//! name.

use std::fmt::Write as _;

use super::duration;
use super::value::{self, Refusal, Value, quoted, wrong};
use super::{Place, keyboard, services, views};
use crate::query::Tab;
use crate::settings::{Settings, Notify};
use crate::columns;
use crate::model::{Family, Protocol};
use crate::theme::{self, Role, Themes};

/// One key.
pub(super) struct Key {
    pub name: &'static str,
    /// The type of its value, where another one stands.
    pub takes: &'static str,
    /// Puts its value into the settings.
    pub read: fn(&mut Settings, &Value<'_>) -> Result<(), Refusal>,
    /// Its value, as TOML.
    print: fn(&Settings) -> String,
}

/// A table of the file, which stands behind the keys and may have many faults.
pub(super) struct Section {
    pub name: &'static str,
    /// Puts what it says into the settings; returns what is wrong with it.
    pub read: fn(&mut Settings, &Value<'_>) -> Vec<Place>,
    /// The whole table, as TOML.
    print: fn(&Settings) -> String,
}

const DURATION: &str = "a duration, such as \"500ms\", \"2s\", 0.5";
const SWITCH: &str = "true or false";

/// Every key, in the order in which the file has them.
#[rustfmt::skip]
pub(super) static KEYS: [Key; 15] = [
    Key { name: "interval", takes: DURATION, read: |c, v| set(&mut c.interval, value::interval(v)), print: |c| quoted(&duration::format(c.interval)) },
    Key { name: "linger", takes: DURATION, read: |c, v| set(&mut c.linger, value::time(v)), print: |c| quoted(&duration::format(c.linger)) },
    Key { name: "highlight", takes: DURATION, read: |c, v| set(&mut c.highlight, value::time(v)), print: |c| quoted(&duration::format(c.highlight)) },
    Key { name: "view", takes: "\"listening\", \"connections\", \"all\", \"changes\" or a view of your own", read: first_view, print: |c| quoted(first_view_text(c)) },
    Key { name: "protocols", takes: "a list of tcp, udp, udplite, sctp, raw, packet, unix in quotes, such as [\"tcp\", \"udp\"]", read: protocols, print: |c| list(Protocol::ALL.map(|one| (one.as_str(), c.kinds.has(one)))) },
    Key { name: "families", takes: "[\"ipv4\"], [\"ipv6\"] or [\"ipv4\", \"ipv6\"]", read: families, print: |c| list(FAMILIES.map(|(name, family)| (name, c.family.is_none_or(|one| one == family)))) },
    Key { name: "filter", takes: "a filter in quotes, such as \"user:ann !udp\"", read: |c, v| set(&mut c.filter, value::filter(v)), print: |c| quoted(&c.filter.to_string()) },
    Key { name: "columns", takes: "a list of columns in quotes, such as [\"port\", \"state\", \"process\"]", read: shown_columns, print: |c| columns_text(&c.columns) },
    Key { name: "sort", takes: "the name of a column in quotes, such as \"port\"", read: |c, v| set(&mut c.sort.by, value::column(v).map(|column| column.id)), print: |c| quoted(columns::column(c.sort.by).name) },
    Key { name: "reverse", takes: SWITCH, read: |c, v| set(&mut c.sort.descending, value::switch(v)), print: |c| c.sort.descending.to_string() },
    Key { name: "stats", takes: SWITCH, read: |c, v| set(&mut c.stats, value::switch(v)), print: |c| c.stats.to_string() },
    Key { name: "notify", takes: "\"bell\", \"desktop\", \"both\" or \"none\"", read: |c, v| set(&mut c.notify, value::word(v, "notice", NOTICES.into_iter())), print: |c| quoted(NOTICES.iter().find(|(_, one)| *one == c.notify).map_or("", |(name, _)| name)) },
    Key { name: "color", takes: SWITCH, read: |c, v| set(&mut c.color, value::switch(v)), print: |c| c.color.to_string() },
    Key { name: "themes", takes: "themes of one's own, such as [themes.mine] and below it good = \"blue bold\"", read: own_themes, print: |c| own_themes_text(c) },
    // Behind those of one's own, as it may be one of them.
    Key { name: "theme", takes: "the name of a theme in quotes, such as \"dark\"", read: chosen_theme, print: |c| quoted(&c.themes.chosen().name) },
];

/// Every table, in the order in which the file has them.
#[rustfmt::skip]
pub(super) static SECTIONS: [Section; 3] = [
    // First, as a filter may use the names.
    Section { name: "services", read: services::read, print: services::print },
    Section { name: "views", read: views::read, print: views::print },
    Section { name: "keys", read: keyboard::read, print: keyboard::print },
];

const VIEWS: [(&str, Tab); 4] = [
    ("listening", Tab::Listening),
    ("connections", Tab::Connections),
    ("all", Tab::All),
    ("changes", Tab::Changes),
];

/// How the user is told of a watched port.
const NOTICES: [(&str, Notify); 4] = [
    ("bell", Notify::Bell),
    ("desktop", Notify::Desktop),
    ("both", Notify::Both),
    ("none", Notify::None),
];

const FAMILIES: [(&str, Family); 2] = [("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)];

/// What a key may be called by who knows the flags of the command line: too far from its name to be
/// taken for a mistake.
const MEANT: [(&str, &str); 8] = [
    ("tcp", "protocols"),
    ("udp", "protocols"),
    ("ipv4", "families"),
    ("ipv6", "families"),
    ("listening", "view"),
    ("all", "view"),
    ("no-color", "color"),
    ("family", "families"),
];

/// The name of every key and table.
pub fn keys() -> impl Iterator<Item = &'static str> {
    let tables = SECTIONS.iter().map(|section| section.name);
    KEYS.iter().map(|key| key.name).chain(tables)
}

/// What to say of a name that no key has.
pub(super) fn unknown(name: &str) -> String {
    let flag = name.to_lowercase().replace('_', "-");
    match MEANT.iter().find(|(one, _)| *one == flag) {
        Some((_, key)) => format!("`{}` is no key; did you mean `{key}`?", value::shown(name)),
        None => value::unknown(name, "key", &keys().collect::<Vec<_>>()),
    }
}

/// Every key with its value.
pub(super) fn print(config: &Settings) -> String {
    let mut text = String::new();
    for key in &KEYS {
        writeln!(text, "{} = {}", key.name, (key.print)(config))
            .expect("a String takes everything");
    }
    for section in &SECTIONS {
        let table = (section.print)(config);
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table);
        }
    }
    text
}

fn set<T>(setting: &mut T, value: Result<T, Refusal>) -> Result<(), Refusal> {
    *setting = value?;
    Ok(())
}

fn protocols(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let words = Protocol::ALL.map(|protocol| (protocol.as_str(), protocol));
    let named = value::list(value, |one| value::word(one, "protocol", words.into_iter()))?;
    config.kinds = named.into_iter().collect();
    Ok(())
}

fn families(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let named = value::list(value, |one| {
        value::word(one, "family", FAMILIES.into_iter())
    })?;
    config.family = match named[..] {
        [only] => Some(only),
        _ => None,
    };
    Ok(())
}

/// What one of them does not say is as in the default.
fn own_themes(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    for (name, looks) in value::table(value)? {
        let own = theme::read(name.get_ref(), value::table(looks)?, Themes::terminal());
        let own = own.map_err(|faults| value::first_of(faults, looks))?;
        let added = config.themes.add(own);
        added.map_err(|why| wrong(looks, why))?;
    }
    Ok(())
}

/// As a table on one line.
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
        let looks = Role::ALL.map(|(name, role)| {
            let look = theme.looks.of(role).to_string();
            format!("{name} = {}", quoted(&look))
        });
        format!("{} = {}", theme.name, table(looks.into()))
    });
    table(own.collect())
}

fn chosen_theme(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let chosen = config.themes.choose(value::text(value)?);
    chosen.map_err(|why| wrong(value, why))
}

/// The columns that the table never drops can't be left out here either: no key would bring them back.
fn shown_columns(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let ids = value::list(value, |one| value::column(one).map(|column| column.id))?;
    let is_missing = |column: &&columns::Column| column.priority == 0 && !ids.contains(&column.id);
    if let Some(column) = columns::ALL.iter().find(is_missing) {
        let why = format!("`{}` is missing, which is always shown", column.name);
        return Err(wrong(value, why));
    }
    config.columns = ids;
    Ok(())
}

/// One that there always is, or one of the user's own; those were read before.
fn first_view(config: &mut Settings, value: &Value<'_>) -> Result<(), Refusal> {
    let always = VIEWS.iter().map(|&(name, view)| (name, (view, None)));
    let own = config.views.iter().enumerate();
    let own = own.map(|(at, view)| (&*view.name, (view.shows, Some(at))));
    (config.view, config.custom_view) = value::word(value, "view", always.chain(own))?;
    Ok(())
}

fn first_view_text(config: &Settings) -> &str {
    let own = config.custom_view.and_then(|at| config.views.get(at));
    own.map_or_else(|| name_of(config.view), |view| &view.name)
}

pub(super) fn columns_text(columns: &[columns::ColumnId]) -> String {
    list(columns.iter().map(|&id| (columns::column(id).name, true)))
}

pub(super) fn name_of(view: Tab) -> &'static str {
    let found = VIEWS.iter().find(|(_, one)| *one == view);
    found.map_or("", |(name, _)| name)
}

/// A list of the words that are so.
fn list(words: impl IntoIterator<Item = (&'static str, bool)>) -> String {
    let words = words.into_iter().filter(|&(_, is_so)| is_so);
    let quoted: Vec<_> = words.map(|(word, _)| quoted(word)).collect();
    format!("[{}]", quoted.join(", "))
}
