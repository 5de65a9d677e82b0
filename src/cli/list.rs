//! `sockeye list`: the table once, as text, JSON or CSV.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use sockeye::app::{Asked, Settings, Sort};
use sockeye::columns::{self, CellContext, Column};
use sockeye::model::{Cost, Moment, Problem, ProblemCode, Snapshot};
use sockeye::report::{self, Layout};
use sockeye::runtime::clock::Clock;
use sockeye::runtime::refresh;
use sockeye::source::{Recorder, Source as _, System};
use sockeye::track::Tracker;

use super::options::{self, Shared};
use super::output::{Printed, print, terminal_width};
use super::{EXIT_NOT_SO, EXIT_TROUBLE, complain, examples, is_of_concern};

/// Print the table once
///
/// A terminal gets the columns that it has room for, the least important left out first; a pipe or
/// a file gets everything, nothing cut.
///
/// Exit codes: 0, something matches; 1, nothing does; 2, bad usage or the table can't be read.
#[derive(Debug, Args)]
#[command(after_long_help = examples::LIST)]
pub(super) struct List {
    /// What to print; without it, what listens or is bound
    ///
    /// Such as `nginx`, `:8080`, `:8000-8999`, `state:listen`, `user:ann !udp`: the man page lists all. With
    /// a filter, connections too, unless -l says otherwise.
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Print one JSON object instead of a table
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV instead of a table: one row for each socket and process, after a row of names
    #[arg(long)]
    csv: bool,
    /// Order by this column; rows that have nothing there come last
    #[arg(long, value_name = "COLUMN", default_value = "port", ignore_case = true,
          value_parser = column_name())]
    sort: &'static Column,
    /// The largest first
    #[arg(short, long)]
    reverse: bool,
    /// The columns of the table, in this order; their names are those of --sort
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',', ignore_case = true,
          value_parser = column_name(),
          hide_possible_values = true, conflicts_with_all = ["json", "csv"])]
    columns: Vec<&'static Column>,
}

/// Prints the rows that match; the code is 1 if none does.
pub(super) fn run(shared: &Shared, list: &List) -> anyhow::Result<u8> {
    let settings = shared.over(Settings::default(), &list.filter)?;
    let clock = Clock::start();
    let sort = Sort {
        by: list.sort.id,
        descending: list.reverse,
    };
    let asked = options::asked(&settings, sort)?;
    let (snapshot, cost) = read(shared, &asked, clock.now())?;
    let mut tracker = Tracker::new(settings.linger);
    let (observation, refresh) = refresh::observe(&mut tracker, snapshot, cost, clock);
    let table = observation.table;
    let rows = asked.select(&table);
    let printed = print(|out| {
        if list.json {
            report::write_json(out, &table, rows.iter().copied())
        } else if list.csv {
            report::write_csv(out, rows.iter().copied())
        } else {
            let context = CellContext {
                now: table.taken_at,
                highlight: settings.highlight,
                names: true,
                brief: false,
            };
            let layout = Layout {
                columns: &list.columns,
                width: terminal_width(),
            };
            report::write_text(out, &rows, &context, &layout)
        }
    })?;
    // JSON tells the problems itself.
    if printed == Printed::Whole && !list.json {
        for problem in &table.problems {
            if is_of_concern(problem, rows.iter().copied()) {
                complain(&problem.message);
            }
        }
    }
    if settings.stats {
        complain(&report::told_of_refresh(&refresh));
    }
    let is_unread = |problem: &Problem| problem.code == ProblemCode::TableUnreadable;
    Ok(match rows.is_empty() {
        // Whether something matches could not be found out.
        true if table.problems.iter().any(is_unread) => EXIT_TROUBLE,
        true => EXIT_NOT_SO,
        false => 0,
    })
}

/// The reading to list, on the record if that is wanted, and what it took.
fn read(shared: &Shared, asked: &Asked, now: Moment) -> anyhow::Result<(Snapshot, Cost)> {
    let mut recorder = shared.recorder()?;
    let (mut snapshot, cost) = if shared.replay.is_some() {
        let mut recording = shared.source()?;
        (recording.take(now)?, recording.cost())
    } else {
        let mut system = System::new();
        let snapshot = match recorder {
            // A recording holds everything.
            Some(_) => system.take_once(now)?,
            None => system.take_those(now, |sockets| asked.could_show(sockets, now))?,
        };
        (snapshot, system.cost())
    };
    if let Some(recorder) = &mut recorder {
        recorder.record(&snapshot)?;
        snapshot.problems.extend(Recorder::left_out(&snapshot));
    }
    Ok((snapshot, cost))
}

/// Takes the name of a column.
fn column_name() -> impl TypedValueParser<Value = &'static Column> {
    let names = columns::ALL
        .iter()
        .map(|column| PossibleValue::new(column.name).help(column.description));
    PossibleValuesParser::new(names)
        .try_map(|name| columns::by_name(&name).ok_or("it was among the possible values"))
}
