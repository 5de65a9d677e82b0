//! `sockeye watch`: changes as they happen, one line each.

mod since;

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::clock::Clock;
use sockeye::history::FileWriter;
use sockeye::model::{Moment, Problem, ProblemCode, duration};
use sockeye::query::{ChangeFeed, ChangeRecord, NamespaceError, NamespaceFinder, Sort};
use sockeye::report::{self, JsonStream, local_time};
use sockeye::runtime::collector::{self, Collector, CollectorEvent};
use sockeye::runtime::recording::Recording;
use sockeye::runtime::watch::{self, Deadline, WatchEnd};
use sockeye::runtime::{panic, process::signals};
use sockeye::settings::Settings;
use sockeye::source::Source as _;
use sockeye::track::{Table, TableUpdate};

use crate::cli::errors::{is_relevant, print_error};
use crate::cli::global::{GlobalArgs, namespace_error, query, system, tracker};
use crate::cli::history::{OpenedHistory, StoreArgs, parse_time};
use crate::cli::mine::mine;
use crate::cli::output::print;
use crate::cli::{EXIT_BUG, EXIT_ERROR};
use since::HistoryReplay;

const EXAMPLES: &str = "\
Examples:
  sockeye watch -l :8000-8999           who opens and closes these ports
  sockeye watch -N all -l               in every container and network namespace, too
  sockeye watch --since 3am :8080       what happened to it since, then what happens (see record)
  sockeye watch --json --changes-only | jq -c '{at, kind, port: .socket.local.port}'";

/// Print changes as they happen
///
/// Prints every socket that matches, then a line each time one opens, closes, or changes its state or owner. A change
/// after which a socket no longer matches is its last line; a socket that starts to match without a change is printed as
/// present. A TCP or UDP socket that opens and closes between two refreshes is reported when it has closed (Linux). With
/// --namespace NAME it goes on with the next namespace of that name, as that of a container that is started again.
///
/// Exit codes: 0 the time is over or the reader is gone, 2 the table can't be read (or bad usage).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct Watch {
    /// What to watch; without it, listeners and bound sockets
    ///
    /// For example `nginx`, `:8080`, `:8000-8999`, `state:listen`, `user:ann !udp`; the man page has the whole language.
    /// A filter includes connections, unless you add -l.
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Only sockets of your processes of this project or session: those that `end --mine` may end
    ///
    /// Yours: of the user who runs this command, or who ran sudo. Of this project: the nearest folder with a manifest or a
    /// repository, from the current directory up, is also that of the process (`project` in JSON). A linked git worktree
    /// is a project of its own, and so is a package in a folder below. Of this session: started from the same terminal, or in
    /// the same server of tmux, screen or zellij.
    #[arg(long)]
    mine: bool,
    /// Print one JSON object per line, each with the processes that it names
    #[arg(long)]
    json: bool,
    /// Stop after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    time: Option<Duration>,
    /// Also print what the kernel counts about each socket, in JSON: `tcp_info` and `drops`
    ///
    /// They are those of the snapshot that has the change; a socket that closed has its last ones. Filters that need these
    /// numbers (`rtt:>100ms`) have them without this option.
    #[arg(long, requires = "json")]
    info: bool,
    /// Leave out sockets that are open at the start
    #[arg(long)]
    changes_only: bool,
    /// Begin with what happened since this time, from the history that record keeps
    ///
    /// First the sockets that were open then, and every change that is stored; then what happens now. No change is printed
    /// twice, and none is left out in between while a recorder runs; gaps are named. TIME is `03:12`, `3am`, `2h ago`,
    /// `yesterday 3am`, `monday 9:00` or `2026-11-29 03:12:05`; a time of day is the last one before now.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,
    #[command(flatten)]
    store: StoreArgs,
}

pub fn run(global: &GlobalArgs, watch: &Watch) -> anyhow::Result<u8> {
    watch.store.check(watch.since.is_some(), "--since TIME")?;
    let settings = global.override_settings(Settings::default(), &watch.filter)?;
    signals::exit_on_signal().context("can't wait for signals")?;
    let target = global.namespace_target()?;
    let mut query = query(&settings, Sort::BY_PORT)?;
    query.mine = watch.mine.then(|| mine(global)).transpose()?;
    let has_counters = watch.info || query.needs_counters() || query.filter.is_about_trouble();
    let mut opened = watch.history(global)?;
    let clock = match &mut opened {
        Some((opened, _)) => since::clock_after(opened)?,
        None => Clock::start(),
    };
    let deadline = Deadline::after(watch.time, clock);
    let is_live = global.replay.is_none() && opened.is_none();
    let interval = is_live.then_some(settings.interval);
    let mut printer = Printer {
        deadline: deadline.clone(),
        clock,
        feed: ChangeFeed::new(query),
        namespaces: NamespaceFinder::new(target.clone()),
        not_found: None,
        is_recorded: !is_live,
        interval: settings.interval,
        stream: watch.json.then(|| JsonStream::new(interval)),
        changes_only: watch.changes_only,
        has_colour: global.has_coloured_output(),
        zone: TimeZone::system(),
        printed_problems: HashSet::new(),
        failure: None,
    };
    if let Some(path) = &global.replay {
        replay(global, &settings, Recording::open(path)?, &mut printer)?;
        let missing = printer.not_found.as_ref();
        return missing.map_or(Ok(0), |error| Err(namespace_error(error, true)));
    }
    let mut source = system(settings.kinds, &target, &settings.filter)
        .with_counters(has_counters)
        .with_closes();
    if global.trace {
        source.start_trace().context("--trace")?;
    }
    let mut tracker = tracker(&settings);
    if let Some((opened, since)) = opened {
        let replay = HistoryReplay::new(opened, since, &mut tracker, &mut printer);
        if !replay.print(&mut source, clock)? {
            return Ok(0);
        }
    }
    let collector = Collector {
        source: Box::new(source),
        tracker,
        recorder: global.recorder(settings.interval)?,
        history: None,
        clock,
        interval: settings.interval,
        lost_recording: None,
        partial_owners_first: false,
        is_measured: settings.stats,
    };
    follow(collector, &deadline, printer)
}

/// Prints what happens until the time is over, and returns the exit code.
fn follow(collector: Collector, deadline: &Deadline, mut printer: Printer) -> anyhow::Result<u8> {
    let end = watch::watch(collector, deadline, |event| printer.handle(event))?;
    if let Some(error) = &printer.not_found {
        return Err(namespace_error(error, false));
    }
    Ok(match end {
        WatchEnd::Crashed(what) => {
            print_error(&panic::bug_report(&what));
            EXIT_BUG
        }
        WatchEnd::Done | WatchEnd::ReaderGone if printer.failure.is_some() => EXIT_ERROR,
        WatchEnd::Done | WatchEnd::ReaderGone => 0,
    })
}

impl Watch {
    /// The history to begin with, and since when.
    fn history(&self, global: &GlobalArgs) -> anyhow::Result<Option<(OpenedHistory, Timestamp)>> {
        let Some(since) = self.since else {
            return Ok(None);
        };
        if global.replay.is_some() {
            bail!("--since reads the history: leave out --replay");
        }
        let opened = self.store.open()?;
        let latest = Clock::start().now().wall;
        if since > latest {
            bail!("--since: that time is still to come");
        }
        if since < opened.range.from {
            let from = local_time(opened.range.from, &TimeZone::system());
            print_error(&format!("the history begins at {from}"));
        }
        Ok(Some((opened, since)))
    }
}

/// Prints the changes of a recording, without waiting between its snapshots.
fn replay(
    global: &GlobalArgs,
    settings: &Settings,
    mut recording: Recording,
    printer: &mut Printer,
) -> anyhow::Result<()> {
    let mut recorder = global.recorder(settings.interval)?;
    let mut tracker = tracker(settings);
    loop {
        let mut snapshot = recording.take(printer.clock.now())?;
        if let Some(recorder) = &mut recorder {
            recorder.add(&snapshot)?;
            let problem = FileWriter::incomplete_problem(&snapshot);
            snapshot.problems.extend(problem);
        }
        let timings = recording.timings();
        let (update, refresh) =
            collector::track_snapshot(&mut tracker, snapshot, timings, printer.clock);
        if settings.stats {
            printer.handle(CollectorEvent::Measured(refresh))?;
        }
        if !printer.handle(CollectorEvent::Updated(update))? || recording.is_at_end()? {
            return Ok(());
        }
    }
}

/// The most bytes that are printed at once: a pipe that can be written to has room for so many (`PIPE_BUF` of `pipe(7)`), so
/// that a reader who is slow does not delay the end.
const CHUNK: usize = 4096;

struct Printer {
    deadline: Deadline,
    clock: Clock,
    feed: ChangeFeed,
    namespaces: NamespaceFinder,
    /// Whether the tables are those of a recording, in which a namespace may begin later.
    is_recorded: bool,
    /// Why the last table has no namespace to print, if it was never found.
    not_found: Option<NamespaceError>,
    interval: Duration,
    /// For JSON.
    stream: Option<JsonStream>,
    changes_only: bool,
    has_colour: bool,
    zone: TimeZone,
    /// Each kind of problem is printed once.
    printed_problems: HashSet<ProblemCode>,
    /// Why the last snapshot failed, if it did.
    failure: Option<String>,
}

impl Printer {
    /// What follows is of this machine, and of now.
    fn begin_present(&mut self, now: Moment) {
        self.is_recorded = false;
        if let Some(stream) = &mut self.stream {
            stream.begin_present(self.interval, now);
        }
    }

    /// Prints an event. `false` if the reader is gone, or the time is over.
    fn handle(&mut self, event: CollectorEvent) -> io::Result<bool> {
        match event {
            CollectorEvent::Updated(update) => self.print_update(&update),
            CollectorEvent::Measured(refresh) => {
                let line = report::refresh_line(&refresh);
                // Standard error may have no reader either.
                self.deadline.while_writing(|| print_error(&line));
                Ok(true)
            }
            // In a stream every time, otherwise once.
            CollectorEvent::Failed(why) => {
                let mut lines = Vec::new();
                if let Some(stream) = &mut self.stream {
                    stream.write_failure(&mut lines, self.clock.now(), &why)?;
                }
                if self.failure.as_ref() != Some(&why) {
                    print_error(&why);
                    self.failure = Some(why);
                }
                self.print_lines(&lines)
            }
        }
    }

    fn print_update(&mut self, update: &TableUpdate) -> io::Result<bool> {
        let table = &update.table;
        // A part of the table is an answer; nothing is a failure.
        let mut unread = table.problems.iter().filter(|one| one.code.is_unread());
        let unread = unread.next().filter(|_| table.rows.is_empty());
        self.failure = unread.map(|problem| problem.message.to_string());
        self.not_found = self.namespaces.update(table).err();
        if self.not_found.is_some() && !self.is_recorded {
            return Ok(false);
        }
        self.feed.set_namespaces(self.namespaces.scope());
        let mut changes = self.feed.observe(update);
        if self.changes_only {
            changes.retain(|record| record.change.is_some());
        }
        let problems = new_problems(&mut self.printed_problems, &table.problems, &changes);
        match &mut self.stream {
            Some(stream) => {
                let mut lines = Vec::new();
                stream.write_snapshot(&mut lines, table, &problems)?;
                if !self.print_lines(&lines)? {
                    return Ok(false);
                }
            }
            None => problems.iter().for_each(|one| print_error(&one.message)),
        }
        self.print_changes(&changes, table)
    }

    /// Prints many lines at once. `false` if the reader is gone, or the time is over.
    fn print_changes(&self, changes: &[ChangeRecord], table: &Table) -> io::Result<bool> {
        let (mut lines, mut line) = (Vec::with_capacity(CHUNK), Vec::new());
        for change in changes {
            self.write_change(&mut line, change, table)?;
            if lines.len() + line.len() > CHUNK {
                if !self.print_lines(&lines)? {
                    return Ok(false);
                }
                lines.clear();
            }
            lines.append(&mut line);
        }
        self.print_lines(&lines)
    }

    fn write_change(
        &self,
        out: &mut dyn io::Write,
        record: &ChangeRecord,
        table: &Table,
    ) -> io::Result<()> {
        let change = (record.at, record.change.as_ref(), &*record.row);
        match self.stream {
            Some(_) => report::write_change_json(out, &table.flows, change),
            None => report::write_change(out, change, &self.zone, self.has_colour),
        }
    }

    fn print_lines(&self, lines: &[u8]) -> io::Result<bool> {
        Ok(lines.is_empty() || self.print(|out| out.write_all(lines))?)
    }

    /// Prints whole lines. `false` if the reader is gone, or the time is over.
    fn print(&self, write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<bool> {
        if !self.deadline.waits_for_stdout() {
            return Ok(false);
        }
        self.deadline.while_writing(|| print(write))
    }
}

/// The problems of a kind that was not printed yet; hidden owners only if one of these rows has one.
fn new_problems<'a>(
    printed: &mut HashSet<ProblemCode>,
    problems: &'a [Problem],
    changes: &[ChangeRecord],
) -> Vec<&'a Problem> {
    let rows = || changes.iter().map(|record| &*record.row);
    let is_new =
        |problem: &&Problem| is_relevant(problem, rows()) && !printed.contains(&problem.code);
    let new: Vec<_> = problems.iter().filter(is_new).collect();
    printed.extend(new.iter().map(|problem| problem.code));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_that_are_not_listed_are_both_printed_once() {
        let problem = |text| Problem::new(ProblemCode::NotListed, text);
        let problems = [problem("no SCTP"), problem("no raw sockets")];
        let mut known = HashSet::new();
        assert_eq!(new_problems(&mut known, &problems, &[]).len(), 2);
        assert!(new_problems(&mut known, &problems, &[]).is_empty());
    }
}
