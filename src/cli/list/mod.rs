//! `sockeye list`: the table once, its rows or groups of them, as text, JSON or CSV, or their number.

pub(super) mod groups;
mod moment;

use std::io;
use std::time::Duration;

use anyhow::bail;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum};
use sockeye::clock::Clock;
use sockeye::columns::{self, CellContext, Column, ColumnId};
use sockeye::history::FileWriter;
use sockeye::model::{Moment, NamespaceId, NamespaceScope, RefreshTimings, Snapshot, Socket};
use sockeye::query::{GroupBy, Groups, NamespaceTarget, Query, Sort, resolve};
use sockeye::report::{self, CsvOptions, Layout, RecordedListing};
use sockeye::runtime::collector;
use sockeye::settings::Settings;
use sockeye::source::{Source as _, SourceError, System};
use sockeye::track::{Row, Table, Tracker};

use crate::cli::errors::{is_relevant, print_error};
use crate::cli::global::{GlobalArgs, namespace_error, query, system, tracker};
use crate::cli::history::moment::{Found, of_history};
use crate::cli::history::{StoreArgs, checked, parse_time};
use crate::cli::mine::mine;
use crate::cli::output::{output_width, print};
use crate::cli::{EXIT_ERROR, EXIT_NO};
use groups::FieldParser;

const EXAMPLES: &str = "\
Examples:
  sockeye list                          what listens or is bound
  sockeye list -l :5432                 who listens on 5432
  sockeye list user:ann state:time_wait
  sockeye list --columns port,process,command --sort process
  sockeye list -a --group process       how many sockets each process has
  sockeye list --ndjson | jq -c '[.socket.local.port, .processes[].name]'
  sockeye list -N all -l                listeners of every container and network namespace
  sockeye list --mine                   your servers of this project or session
  sockeye list -q :5432 && echo something has it
  sockeye list -l --at 3am              what listened at 3 am (see record)
  sockeye list is:trouble               what is wrong; exits with 1 if nothing is";

/// Print the table once
///
/// A terminal gets the columns that fit, the least important left out first; a pipe or a file gets everything, uncut.
///
/// Exit codes: 0 something matches, 1 nothing does, 2 the table can't be read (or bad usage).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, group = ArgGroup::new("form"))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct List {
    /// What to print; without it, listeners and bound sockets
    ///
    /// For example `nginx`, `:8080`, `:8000-8999`, `state:listen`, `user:ann !udp`; the man page has the whole language.
    /// A filter includes connections, unless you add -l. `is:trouble` leaves out a state whose age is unknown in a single
    /// snapshot; `sockeye watch is:trouble` finds it later.
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Print one JSON object instead of a table
    #[arg(long, group = "form")]
    json: bool,
    /// Print one JSON object per line, each a socket with its processes (or a group)
    #[arg(long, group = "form")]
    ndjson: bool,
    /// Print CSV instead of a table: one row per socket and process, after a row of names
    ///
    /// A cell that a spreadsheet would run as a formula gets an apostrophe in front; not with `--csv=raw`.
    #[arg(long, group = "form", value_name = "CELLS", require_equals = true, num_args = 0..=1,
           default_missing_value = "guarded")]
    csv: Option<Cells>,
    /// Only sockets of your processes of this project or session: those that `end --mine` may end
    ///
    /// Yours: of the user who runs this command, or who ran sudo. Of this project: the nearest folder with a manifest or a
    /// repository, from the current directory up, is also that of the process (`project` in JSON). A linked git worktree
    /// is a project of its own, and so is a package in a folder below. Of this session: started from the same terminal, or in
    /// the same server of tmux, screen or zellij.
    #[arg(long)]
    mine: bool,
    /// Also print what the kernel counts about each socket: bytes, round-trip time, retransmits, drops
    ///
    /// In the table RX, TX, RTT, RETR, IDLE and DROPS; in JSON `tcp_info` and `drops`. Columns, orders and filters that need
    /// these numbers have them without this option. A rate (RX/S, TX/S, `rate:`) needs two snapshots, a second apart.
    #[arg(long)]
    info: bool,
    /// Print the number of rows, or of groups of the first field
    #[arg(long, group = "form")]
    count: bool,
    /// Print nothing; the exit code is the answer
    #[arg(short, long, group = "form")]
    quiet: bool,
    /// Leave out the headings of the table, or the names of CSV
    #[arg(long, conflicts_with_all = ["json", "ndjson", "count", "quiet"])]
    no_header: bool,
    /// The table as it was at this time: from the history that record keeps, or with --replay from the recording
    ///
    /// TIME is `03:12`, `3am`, `2h ago`, `yesterday 3am`, `monday 9:00`, `2026-11-29 03:12:05` or with an offset
    /// `2026-11-29T03:12:05Z`. A time of day is the last one before now. In a recording all of them count from its end: `5m`
    /// is 5 minutes before it.
    #[arg(long, value_name = "TIME", value_parser = checked)]
    at: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    /// Print one line per group of sockets with a common FIELD, or one per group and per second FIELD in it
    ///
    /// Each line has the number of sockets, how many are in which state, and the sums of their queues (bytes: those of
    /// listeners count connections and are left out). A process is identified by its pid: two with the same name are
    /// two groups. A socket that several processes share counts for the one with the lowest pid; `hidden` has all
    /// sockets whose owners you may not see. The groups with the most sockets come first. --sort can order them by
    /// their fields, recv-q or send-q instead.
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',', value_parser = FieldParser,
          conflicts_with = "columns")]
    pub group: Vec<GroupBy>,
    /// Sort by this column, by port if none is given; rows without a value come last
    #[arg(long, value_name = "COLUMN", ignore_case = true, value_parser = column_name())]
    sort: Option<&'static Column>,
    /// Reverse the order
    #[arg(short, long)]
    reverse: bool,
    /// Columns of the table, in this order; --sort lists their names
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',', ignore_case = true,
          value_parser = column_name(),
          hide_possible_values = true, conflicts_with = "form")]
    columns: Vec<&'static Column>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cells {
    /// Formulas are disarmed with a leading apostrophe
    Guarded,
    /// Unchanged
    Raw,
}

/// What is written, of rows and of groups.
enum Form {
    Nothing,
    Count,
    Json,
    Ndjson,
    Csv(CsvOptions),
    Text,
}

pub fn run(global: &GlobalArgs, list: &List) -> anyhow::Result<u8> {
    list.store.check(list.at.is_some(), "--at TIME")?;
    let settings = global.override_settings(Settings::default(), &list.filter)?;
    let clock = Clock::start();
    let sort = Sort {
        by: list.sort.map_or(Sort::BY_PORT.by, |column| column.id),
        descending: list.reverse,
    };
    let grouping = list.grouping()?;
    let is_recorded = global.replay.is_some() || list.at.is_some();
    let target = global.namespace_target_of(is_recorded)?;
    let mut query = query(&settings, sort)?;
    if list.mine && list.at.is_some() {
        bail!(
            "--mine looks at the processes of now: with --at narrow by user:NAME and project:NAME"
        );
    }
    query.mine = list.mine.then(|| mine(global)).transpose()?;
    let mut tracker = tracker(&settings);
    let reading = Reading {
        query: &query,
        target: &target,
        at: list.at.as_deref(),
        store: &list.store,
        numbers: list.numbers(&query),
    };
    let (snapshot, timings, recorded) = reading.read(global, &mut tracker, clock)?;
    let (update, refresh) = collector::track_snapshot(&mut tracker, snapshot, timings, clock);
    let table = update.table;
    query.namespaces = target
        .in_table(&table)
        .map_err(|error| namespace_error(&error, is_recorded))?;
    let rows = query.select(&table);
    let groups = grouping.map(|grouping| Groups::with_flows(&rows, grouping, &table.flows));
    let listing = recorded.as_ref().map(|found| found.listing(&table));
    let is_of_before = recorded.as_ref().is_some_and(|found| found.is_other_time);
    let is_read = print(|out| match &groups {
        Some(groups) => list.write_groups(out, &table, groups),
        None => list.write(out, &table, &rows, (&settings, listing.unwrap_or_default())),
    })?;
    if let Some(found) = recorded.filter(|_| is_read) {
        list.note_recorded(&found);
    }
    // JSON contains the problems.
    if is_read && !list.json {
        list.note_problems(&table, &rows);
    }
    if settings.stats {
        print_error(&report::refresh_line(&refresh));
    }
    Ok(match rows.is_empty() {
        // Whether there were any at that time is not known.
        _ if list.quiet && is_of_before => EXIT_ERROR,
        true if table.problems.iter().any(|one| one.code.is_unread()) => EXIT_ERROR,
        true => EXIT_NO,
        false => 0,
    })
}

impl List {
    /// What to read of the counters of sockets.
    fn numbers(&self, query: &Query) -> Numbers {
        let needs = |needs: fn(ColumnId) -> bool| self.columns.iter().any(|one| needs(one.id));
        if query.needs_rates() || needs(ColumnId::needs_rates) {
            Numbers::Rates
        } else if self.info || query.needs_counters() || needs(ColumnId::needs_counters) {
            Numbers::Counters
        } else {
            Numbers::None
        }
    }

    fn write(
        &self,
        out: &mut dyn io::Write,
        table: &Table,
        rows: &[&Row],
        (settings, listing): (&Settings, RecordedListing),
    ) -> io::Result<()> {
        match self.form() {
            Form::Nothing => Ok(()),
            Form::Count => writeln!(out, "{}", rows.len()),
            Form::Json => report::write_json(out, table, rows, listing),
            Form::Ndjson => report::write_ndjson(out, table, rows),
            Form::Csv(options) => report::write_csv(out, table, rows.iter().copied(), options),
            Form::Text => {
                let context = CellContext::whole(table, settings.highlight);
                let layout = Layout {
                    columns: &self.columns,
                    width: output_width(),
                    without_header: self.no_header,
                    is_mine: self.mine,
                };
                report::write_text(out, rows, &context, &layout)
            }
        }
    }

    /// Prints what could not be read, as far as it is about these rows. --quiet prints only why there is no answer.
    fn note_problems(&self, table: &Table, rows: &[&Row]) {
        for problem in &table.problems {
            let is_wanted = !self.quiet || problem.code.is_unread();
            if is_wanted && is_relevant(problem, rows.iter().copied()) {
                print_error(&problem.message);
            }
        }
    }

    /// Prints which moment is listed.
    fn note_recorded(&self, found: &Found) {
        // The past must not be mistaken for the present; the other formats are for programs.
        let is_for_programs = self.json || self.ndjson || self.csv.is_some();
        let is_table = !(is_for_programs || self.count || self.quiet);
        if is_table || found.is_other_time {
            print_error(&found.note);
        }
    }

    const fn form(&self) -> Form {
        if self.quiet {
            Form::Nothing
        } else if self.count {
            Form::Count
        } else if self.json {
            Form::Json
        } else if self.ndjson {
            Form::Ndjson
        } else if let Some(cells) = self.csv {
            Form::Csv(CsvOptions {
                is_raw: matches!(cells, Cells::Raw),
                without_header: self.no_header,
            })
        } else {
            Form::Text
        }
    }
}

/// What to read of the counters of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbers {
    None,
    Counters,
    /// Also how fast they grow.
    Rates,
}

/// How long before the snapshot to list another one is taken, if there are to be rates.
const RATE_TIME: Duration = Duration::from_secs(1);

/// The snapshot to list.
struct Reading<'a> {
    query: &'a Query,
    target: &'a NamespaceTarget,
    at: Option<&'a str>,
    store: &'a StoreArgs,
    numbers: Numbers,
}

impl Reading<'_> {
    /// Takes the snapshot, and records it if an option says so. Of a recording also which of its snapshots it is: that of
    /// this moment, or the last one.
    fn read(
        &self,
        global: &GlobalArgs,
        tracker: &mut Tracker,
        clock: Clock,
    ) -> anyhow::Result<(Snapshot, RefreshTimings, Option<Found>)> {
        let mut recorder = global.recorder(Duration::ZERO)?;
        let (mut snapshot, timings, mut found) = if let Some(path) = &global.replay {
            moment::of_recording(path, self.at, clock.now())?
        } else if let Some(at) = self.at {
            let (snapshot, found) = self.of_history(at)?;
            (snapshot, RefreshTimings::default(), Some(found))
        } else {
            let system = system(self.query.kinds, self.target, &self.query.filter);
            let system = system.with_counters(self.numbers != Numbers::None);
            let mut system = system.with_services(global.services.clone());
            if self.numbers == Numbers::Rates {
                tracker.apply(self.take(&mut system, false, clock.now())?);
                // What is missing from the snapshot to list is not part of the listing.
                tracker.closes_unconfirmed = true;
                tracker.linger = Duration::ZERO;
                std::thread::sleep(RATE_TIME);
            }
            let snapshot = self.take(&mut system, recorder.is_some(), clock.now())?;
            (snapshot, system.timings(), None)
        };
        if let Some(found) = found.as_mut().filter(|_| self.numbers != Numbers::None) {
            found.add_counters(&mut snapshot, tracker);
        }
        if let Some(recorder) = &mut recorder {
            recorder.add(&snapshot)?;
            let problem = FileWriter::incomplete_problem(&snapshot);
            snapshot.problems.extend(problem);
        }
        Ok((snapshot, timings, found))
    }

    fn of_history(&self, at: &str) -> anyhow::Result<(Snapshot, Found)> {
        let at = parse_time(at).map_err(anyhow::Error::msg)?;
        of_history(&mut self.store.open()?, at)
    }

    /// `is_recorded`: it needs everything.
    fn take(
        &self,
        system: &mut System,
        is_recorded: bool,
        now: Moment,
    ) -> Result<Snapshot, SourceError> {
        if is_recorded {
            return system.take_once(now);
        }
        system.take_with_owners_of(now, |sockets: &[Socket]| {
            // If the name means none, the error comes with the table.
            let found = resolve(self.target, sockets);
            let query = Query {
                namespaces: found.unwrap_or(NamespaceScope::One(NamespaceId::NONE)),
                ..self.query.clone()
            };
            query.could_show(sockets, now)
        })
    }
}

/// Parses the name of a column.
fn column_name() -> impl TypedValueParser<Value = &'static Column> {
    let names = columns::ALL
        .iter()
        .map(|column| PossibleValue::new(column.name).help(column.description));
    PossibleValuesParser::new(names)
        .try_map(|name| columns::by_name(&name).ok_or("it was among the possible values"))
}
