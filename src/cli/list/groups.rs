//! `--group`: the fields as they are typed, and what they and the other options amount to.

use std::ffi::OsStr;
use std::io;

use anyhow::{anyhow, bail};
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};
use sockeye::columns;
use sockeye::filter::nearest;
use sockeye::query::{GroupBy, GroupFields, Grouping, Groups};
use sockeye::report;
use sockeye::track::Table;

use super::{Form, List};
use crate::cli::output::output_width;

/// The fields of `--group`.
pub fn fields(named: &[GroupBy]) -> anyhow::Result<Option<GroupFields>> {
    GroupFields::of(named).map_err(|why| anyhow!("--group: {why}"))
}

/// Parses the name of a field.
#[derive(Clone, Copy)]
pub struct FieldParser;

impl TypedValueParser for FieldParser {
    type Value = GroupBy;

    fn parse_ref(
        &self,
        _: &Command,
        _: Option<&Arg>,
        value: &OsStr,
    ) -> Result<GroupBy, clap::Error> {
        let name = value.to_string_lossy();
        GroupBy::by_name(&name).ok_or_else(|| {
            let names = || GroupBy::ALL.iter().map(|field| field.name());
            let meant = nearest(&name, names());
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            let accepted = names().collect::<Vec<_>>().join(", ");
            let message =
                format!("--group: unknown field `{name}`{meant} [possible values: {accepted}]\n");
            clap::Error::raw(ErrorKind::ValueValidation, message)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let fields = GroupBy::ALL.iter();
        let values = fields.map(|field| PossibleValue::new(field.name()).help(field.description()));
        Some(Box::new(values))
    }
}

impl List {
    /// What to group by, if an option says so.
    pub fn grouping(&self) -> anyhow::Result<Option<Grouping>> {
        let Some(GroupFields { by, then }) = fields(&self.group)? else {
            return Ok(None);
        };
        let grouping = Grouping {
            by,
            then,
            sort: self.sort.map(|column| column.id),
            reverse: self.reverse,
        };
        if let Some(column) = self.sort
            && grouping.sort_columns().all(|id| id != column.id)
        {
            let mut names: Vec<_> = grouping.sort_columns().collect();
            names.dedup();
            let names = names.iter().map(|&id| columns::column(id).name);
            let names = names.collect::<Vec<_>>().join(", ");
            bail!(
                "--sort: `{}` doesn't order these groups; {names} can, and without it those with most sockets come first",
                column.name
            );
        }
        Ok(Some(grouping))
    }

    /// Writes the groups in the form that the options say.
    pub fn write_groups(
        &self,
        out: &mut dyn io::Write,
        table: &Table,
        groups: &Groups,
    ) -> io::Result<()> {
        match self.form() {
            Form::Nothing => Ok(()),
            Form::Count => writeln!(out, "{}", groups.count()),
            Form::Json => report::write_groups_json(out, table, groups),
            Form::Ndjson => report::write_groups_ndjson(out, table, groups),
            Form::Csv(options) => report::write_groups_csv(out, table, groups, options),
            Form::Text => {
                report::write_groups_text(out, table, groups, output_width(), self.no_header)
            }
        }
    }
}
