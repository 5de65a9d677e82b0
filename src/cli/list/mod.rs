//! `sockeye list`: the table once, as text, JSON or CSV, or how many rows match.

mod moment;

use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::clock::Clock;
use sockeye::columns::{self, CellContext, Column};
use sockeye::model::{Moment, Playback, Problem, RefreshTimings, Snapshot};
use sockeye::query::{Query, Sort};
use sockeye::report::{self, CsvOptions, Layout};
use sockeye::runtime::collector;
use sockeye::settings::Settings;
use sockeye::source::{Recorder, Replay, Source as _, System};
use sockeye::track::{Row, Table, Tracker};

use crate::cli::args::examples;
use crate::cli::args::{self, Shared};
use crate::cli::output::{Printed, print, terminal_width};
use crate::cli::{EXIT_NOT_SO, EXIT_TROUBLE, complain, is_of_concern};
use moment::{At, Found};

/// Print the table once
///
/// A terminal gets the columns that it has room for, the least important left out first; a pipe or
/// a file gets everything, nothing cut.
///
/// Exit codes: 0, something matches; 1, nothing does; 2, bad usage or the table can't be read.
#[derive(Debug, Args)]
#[command(after_long_help = examples::LIST, group = ArgGroup::new("form"))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own for the user"
)]
pub struct List {
    /// What to print; without it, what listens or is bound
    ///
    /// Such as `nginx`, `:8080`, `:8000-8999`, `state:listen`, `user:ann !udp`: the man page lists all. With
    /// a filter, connections too, unless -l says otherwise.
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Print one JSON object instead of a table
    #[arg(long, group = "form")]
    json: bool,
    /// Print one JSON object a line, each socket with its processes
    #[arg(long, group = "form")]
    ndjson: bool,
    /// Print CSV instead of a table: one row for each socket and process, after a row of names
    ///
    /// A cell that a spreadsheet would run as a formula has an apostrophe in front; `--csv=raw` leaves it as it is.
    #[arg(long, group = "form", value_name = "CELLS", require_equals = true, num_args = 0..=1,
           default_missing_value = "guarded")]
    csv: Option<Cells>,
    /// Print how many rows match
    #[arg(long, group = "form")]
    count: bool,
    /// Print nothing: the exit code is the answer
    #[arg(short, long, group = "form")]
    quiet: bool,
    /// Leave out the headings of the table, or the row of names
    #[arg(long, conflicts_with_all = ["json", "ndjson", "count", "quiet"])]
    no_header: bool,
    /// With --replay: the snapshot of this time; without it, the last one
    ///
    /// The last snapshot that was taken by then. TIME is `2026-11-28T03:12:05Z`, a local `2026-11-28 03:12`, a time of
    /// day such as `03:12` or `03:12:05` (the last one in the recording), or how long before the end: `5m`.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<At>,
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
          hide_possible_values = true, conflicts_with = "form")]
    columns: Vec<&'static Column>,
}

/// What the cells of CSV hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cells {
    /// What a spreadsheet would run as a formula has an apostrophe in front
    Guarded,
    /// Everything as it is
    Raw,
}

/// Prints the rows that match; the code is 1 if none does.
pub fn run(shared: &Shared, list: &List) -> anyhow::Result<u8> {
    let settings = shared.over(Settings::default(), &list.filter)?;
    let clock = Clock::start();
    let sort = Sort {
        by: list.sort.id,
        descending: list.reverse,
    };
    let asked = args::asked(&settings, sort)?;
    if list.at.is_some() && shared.replay.is_none() {
        bail!("--at is for a recording: name one with --replay FILE");
    }
    let Read {
        snapshot,
        cost,
        recorded,
    } = read(shared, &asked, list.at, clock.now())?;
    let mut tracker = Tracker::new(settings.linger);
    let (observation, refresh) = collector::track_snapshot(&mut tracker, snapshot, cost, clock);
    let table = observation.table;
    let rows = asked.select(&table);
    let printed = print(|out| list.write(out, &table, &rows, &settings))?;
    if let Some(recorded) = recorded.filter(|_| printed == Printed::Whole) {
        // The other forms are for programs, which know what they asked for.
        if recorded.is_after_end || list.is_table() {
            complain(&recorded.told(table.taken_at.wall));
        }
    }
    let is_unread = |problem: &Problem| problem.code.is_unread();
    // JSON tells the problems itself.
    if printed == Printed::Whole && !list.json {
        for problem in &table.problems {
            // Why there is no answer is said quietly too.
            let is_wanted = !list.quiet || is_unread(problem);
            if is_wanted && is_of_concern(problem, rows.iter().copied()) {
                complain(&problem.message);
            }
        }
    }
    if settings.stats {
        complain(&report::refresh_line(&refresh));
    }
    Ok(match rows.is_empty() {
        // Whether something matches could not be found out.
        true if table.problems.iter().any(is_unread) => EXIT_TROUBLE,
        true => EXIT_NOT_SO,
        false => 0,
    })
}

impl List {
    /// Whether it is printed for a person to read.
    const fn is_table(&self) -> bool {
        let is_for_programs = self.json || self.ndjson || self.csv.is_some();
        !(is_for_programs || self.count || self.quiet)
    }

    fn write(
        &self,
        out: &mut dyn io::Write,
        table: &Table,
        rows: &[&Row],
        settings: &Settings,
    ) -> io::Result<()> {
        let without_header = self.no_header;
        if self.quiet {
            Ok(())
        } else if self.count {
            writeln!(out, "{}", rows.len())
        } else if self.json {
            report::write_json(out, table, rows)
        } else if self.ndjson {
            report::write_ndjson(out, table, rows)
        } else if let Some(cells) = self.csv {
            let sheet = CsvOptions {
                is_raw: cells == Cells::Raw,
                without_header,
            };
            report::write_csv(out, rows.iter().copied(), sheet)
        } else {
            let context = CellContext {
                now: table.taken_at,
                highlight: settings.highlight,
                names: true,
                has_user: false,
                brief: false,
            };
            let layout = Layout {
                columns: &self.columns,
                width: terminal_width(),
                without_header,
            };
            report::write_text(out, rows, &context, &layout)
        }
    }
}

/// A snapshot to list.
struct Read {
    snapshot: Snapshot,
    /// What it took.
    cost: RefreshTimings,
    /// Where in a recording it is.
    recorded: Option<Recorded>,
}

/// Where in a recording a snapshot is.
struct Recorded {
    playback: Playback,
    /// Whether another moment was meant, after the end of the recording.
    is_after_end: bool,
}

impl Recorded {
    /// One line that keeps it from being mistaken for now.
    fn told(&self, taken_at: Timestamp) -> String {
        let at = moment::told(taken_at, &TimeZone::system());
        let Playback { number, total, .. } = self.playback;
        let total = total.unwrap_or(number);
        if self.is_after_end {
            format!("the recording ends at {at}: this is its last snapshot")
        } else {
            format!("recorded at {at}: snapshot {number} of {total}")
        }
    }
}

/// The reading to list, on the record if that is wanted.
fn read(shared: &Shared, asked: &Query, at: Option<At>, now: Moment) -> anyhow::Result<Read> {
    let mut recorder = shared.recorder()?;
    let mut read = if let Some(path) = &shared.replay {
        read_recording(path, at, now)?
    } else {
        let mut system = System::new().with_kinds(asked.kinds);
        let snapshot = match recorder {
            // A recording holds everything.
            Some(_) => system.take_once(now)?,
            None => system.take_with_owners_of(now, |sockets| asked.could_show(sockets, now))?,
        };
        Read {
            snapshot,
            cost: system.timings(),
            recorded: None,
        }
    };
    if let Some(recorder) = &mut recorder {
        recorder.record(&read.snapshot)?;
        let left_out = Recorder::incomplete_problem(&read.snapshot);
        read.snapshot.problems.extend(left_out);
    }
    Ok(read)
}

/// The snapshot of this moment of a recording, or the last one.
fn read_recording(path: &Path, at: Option<At>, now: Moment) -> anyhow::Result<Read> {
    let found = at.map(|at| find(path, at)).transpose()?;
    let mut recording = Replay::open(path)?;
    match &found {
        Some((found, _)) => recording.seek(found.number)?,
        None => recording.seek_last()?,
    }
    let (snapshot, cost) = (recording.take(now)?, recording.timings());
    let recorded = recording.playback().map(|playback| Recorded {
        playback: Playback {
            total: found.map(|(_, total)| total).or(playback.total),
            ..playback
        },
        is_after_end: found.is_some_and(|(found, _)| found.is_after_end),
    });
    Ok(Read {
        snapshot,
        cost,
        recorded,
    })
}

/// Which snapshot a moment means, and how many there are.
fn find(path: &Path, at: At) -> anyhow::Result<(Found, usize)> {
    // The file is read twice: what a time of day means depends on how it ends.
    if path.metadata().is_ok_and(|it| !it.is_file()) {
        bail!(
            "--at: {} can't be read twice, as it takes to find a time",
            path.display()
        );
    }
    let times = Replay::times(path)?;
    let found = at.find(&times, &TimeZone::system());
    Ok((
        found.map_err(anyhow::Error::msg).context("--at")?,
        times.len(),
    ))
}

/// Takes the name of a column.
fn column_name() -> impl TypedValueParser<Value = &'static Column> {
    let names = columns::ALL
        .iter()
        .map(|column| PossibleValue::new(column.name).help(column.description));
    PossibleValuesParser::new(names)
        .try_map(|name| columns::by_name(&name).ok_or("it was among the possible values"))
}
