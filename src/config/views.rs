//! The tables `[[views]]`: custom views. Their keys are read by the keys of the file of the same meaning.

use std::fmt::Write as _;

use super::key::{KEYS, VIEWS, columns_text, name_of};
use super::value::{self, Refusal, Value, quoted};
use crate::columns::{column, width};
use crate::model::{Text, excerpt};
use crate::query::Tab;
use crate::settings::{CustomView, Settings};
use crate::theme::{ErrorAt, unknown};

/// The most views, as there are keys for this many.
const MAX_VIEWS: usize = 5;

/// The widest name, in cells.
const MAX_NAME: usize = 16;

const NAME: &str = "a name in quotes, such as \"web\"";

/// The keys of a view besides its name, each with the key of the file that reads it.
const FIELDS: [(&str, &str); 5] = [
    ("shows", "view"),
    ("filter", "filter"),
    ("columns", "columns"),
    ("sort", "sort"),
    ("reverse", "reverse"),
];

/// Reads all views; returns their errors.
pub(super) fn read(settings: &mut Settings, value: &Value<'_>) -> Vec<ErrorAt> {
    let Some(views) = value.get_ref().as_array() else {
        return vec![value::wrong_type(value).of("views", "tables, each headed [[views]]")];
    };
    let mut errors = Vec::new();
    for view in views {
        match read_one(view, settings) {
            Ok(view) => settings.views.push(view),
            Err(wrong) => errors.extend(wrong),
        }
    }
    if let Some(first) = views.get(MAX_VIEWS) {
        let why = format!("views: at most {MAX_VIEWS} views");
        errors.push((first.span().start, why));
    }
    errors
}

fn read_one(view: &Value<'_>, settings: &Settings) -> Result<CustomView, Vec<ErrorAt>> {
    let table = value::table(view).map_err(|refusal| vec![refusal.of("views", "tables")])?;
    let mut read = Settings {
        view: Tab::All,
        services: settings.services.clone(),
        ..Settings::default()
    };
    let (mut name, mut errors) = (None, Vec::new());
    for (key, value) in table {
        let refused =
            |refusal: Refusal, takes| refusal.of(&format!("views.{}", key.get_ref()), takes);
        let reader = FIELDS.iter().find(|(field, _)| field == key.get_ref());
        let reader = reader.and_then(|(_, key)| KEYS.iter().find(|one| one.name == *key));
        if key.get_ref() == "name" {
            match name_of_view(value, &settings.views) {
                Ok(read) => name = Some(read),
                Err(refusal) => errors.push(refused(refusal, NAME)),
            }
        } else if let Some(reader) = reader {
            let read = (reader.read)(&mut read, value);
            errors.extend(read.err().map(|refusal| refused(refusal, reader.takes)));
        } else {
            let fields = FIELDS.iter().map(|(field, _)| *field);
            let accepted: Vec<_> = fields.chain(["name"]).collect();
            let why = unknown(key.get_ref(), "key", &accepted);
            errors.push((key.span().start, format!("views: {why}")));
        }
    }
    if !table.contains_key("name") {
        let why = "views: a view needs a name (name = \"web\")".to_owned();
        errors.push((view.span().start, why));
    }
    let has = |key: &str| table.contains_key(key);
    let view = name.map(|name| CustomView {
        name,
        shows: read.view,
        filter: read.filter,
        columns: has("columns").then_some(read.columns),
        sort: (has("sort") || has("reverse")).then_some(read.sort),
    });
    view.filter(|_| errors.is_empty()).ok_or(errors)
}

/// A name that fits into a tab and that no other view has.
fn name_of_view(value: &Value<'_>, others: &[CustomView]) -> Result<String, Refusal> {
    let name = value::text(value)?.trim();
    let refuse = |why: String| Err(value::invalid(value, why));
    let is_visible = Text::new(name).as_str() == name;
    if !(1..=MAX_NAME).contains(&width(name)) || !is_visible {
        let shown = excerpt(name);
        return refuse(format!(
            "invalid name `{shown}`; use 1 to {MAX_NAME} visible characters"
        ));
    }
    let others = others.iter().map(|view| &*view.name);
    let mut names = VIEWS.iter().map(|(name, _)| *name).chain(others);
    if names.any(|other| other.eq_ignore_ascii_case(name)) {
        return refuse(format!("view `{}` already exists", excerpt(name)));
    }
    Ok(name.to_owned())
}

/// The views as TOML.
pub(super) fn print(settings: &Settings) -> String {
    let mut text = String::new();
    for view in &settings.views {
        let filter = quoted(&view.filter.to_string());
        let (name, shows) = (quoted(&view.name), quoted(name_of(view.shows)));
        write!(
            text,
            "[[views]]\nname = {name}\nshows = {shows}\nfilter = {filter}\n"
        )
        .expect("a String takes everything");
        if let Some(columns) = &view.columns {
            writeln!(text, "columns = {}", columns_text(columns)).expect("as above");
        }
        if let Some(sort) = view.sort {
            let by = quoted(column(sort.by).name);
            write!(text, "sort = {by}\nreverse = {}\n", sort.descending).expect("as above");
        }
    }
    text
}
