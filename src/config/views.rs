//! The tables `[[views]]`: views of one's own. What a view takes of the keys of the file, it takes as they do.

use std::fmt::Write as _;

use super::Place;
use super::key::{KEYS, columns_text, name_of};
use super::value::{self, Refusal, Value, quoted, shown};
use crate::query::Tab;
use crate::settings::{Settings, CustomView};
use crate::columns::{column, width};
use crate::model::Text;

/// The most that there are keys for.
const MAX_VIEWS: usize = 5;

/// The widest name, in cells.
const MAX_NAME: usize = 16;

const NAME: &str = "a name in quotes, such as \"web\"";

/// The keys of a view, but for its name, and the key of the file that each is read as.
const FIELDS: [(&str, &str); 5] = [
    ("shows", "view"),
    ("filter", "filter"),
    ("columns", "columns"),
    ("sort", "sort"),
    ("reverse", "reverse"),
];

/// Reads all of them; tells what is wrong with them.
pub(super) fn read(settings: &mut Settings, value: &Value<'_>) -> Vec<Place> {
    let Some(views) = value.get_ref().as_array() else {
        let refusal = value::other_type(value);
        return vec![refusal.told("views", "views of one's own, each with [[views]] above it")];
    };
    let mut faults = Vec::new();
    for view in views {
        match read_one(view, &settings.views) {
            Ok(view) => settings.views.push(view),
            Err(wrong) => faults.extend(wrong),
        }
    }
    if let Some(first) = views.get(MAX_VIEWS) {
        let why = format!("views: there are keys for {MAX_VIEWS} of them");
        faults.push((first.span().start, why));
    }
    faults
}

fn read_one(view: &Value<'_>, others: &[CustomView]) -> Result<CustomView, Vec<Place>> {
    let Some(table) = view.get_ref().as_table() else {
        return Err(vec![value::other_type(view).told("views", "tables")]);
    };
    let titled = table.get("name").ok_or_else(|| {
        let why = "views: a view needs a name (name = \"web\")".to_owned();
        vec![(view.span().start, why)]
    });
    let name = titled.and_then(|name| {
        let read = name_of_view(name, others);
        read.map_err(|refusal| vec![refusal.told("views.name", NAME)])
    });
    let mut read = Settings {
        view: Tab::All,
        ..Settings::default()
    };
    let mut faults = name.as_ref().err().cloned().unwrap_or_default();
    for (field, value) in table {
        let found = FIELDS.iter().find(|(name, _)| *name == field.get_ref());
        if let Some((name, key)) = found {
            let key = KEYS.iter().find(|one| one.name == *key);
            let wrong = key.and_then(|key| Some(((key.read)(&mut read, value).err()?, key.takes)));
            let name = format!("views.{name}");
            faults.extend(wrong.map(|(refusal, takes)| refusal.told(&name, takes)));
        } else if field.get_ref() != "name" {
            let accepted: Vec<_> = FIELDS
                .iter()
                .map(|(name, _)| *name)
                .chain(["name"])
                .collect();
            let why = value::unknown(field.get_ref(), "key of a view", &accepted);
            faults.push((field.span().start, format!("views: {why}")));
        }
    }
    match name {
        Ok(name) if faults.is_empty() => Ok(CustomView {
            name,
            shows: read.view,
            filter: read.filter,
            columns: table.contains_key("columns").then_some(read.columns),
            sort: ["sort", "reverse"]
                .iter()
                .any(|key| table.contains_key(*key))
                .then_some(read.sort),
        }),
        _ => Err(faults),
    }
}

/// A name that no other view has, which fits into a tab.
fn name_of_view(value: &Value<'_>, others: &[CustomView]) -> Result<String, Refusal> {
    let name = value::text(value)?.trim();
    let refuse = |why: String| Err(value::wrong(value, why));
    let shows = Text::new(name).as_str() == name;
    if name.is_empty() || width(name) > MAX_NAME || !shows {
        return refuse(format!(
            "`{}` is no name: it takes 1 to {MAX_NAME} cells of what shows",
            shown(name)
        ));
    }
    let is_taken = |other: &str| other.eq_ignore_ascii_case(name);
    let mut taken = Tab::ALL.iter().map(|&tab| name_of(tab));
    if taken.any(is_taken) || others.iter().any(|view| is_taken(&view.name)) {
        return refuse(format!("there is a view `{}` already", shown(name)));
    }
    Ok(name.to_owned())
}

/// A table for each.
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
