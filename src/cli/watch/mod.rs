//! `sockeye watch`: changes as they happen, one line each.

mod stream;

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use sockeye::clock::Clock;
use sockeye::config::duration;
use sockeye::model::{Problem, ProblemCode};
use sockeye::query::{ChangeFeed, ChangeRecord, Sort};
use sockeye::report;
use sockeye::runtime::collector::Collector;
use sockeye::runtime::collector::CollectorEvent;
use sockeye::runtime::watch::{self, Deadline, WatchEnd};
use sockeye::runtime::{collector, panic, process::signals};
use sockeye::settings::Settings;
use sockeye::source::{Recorder, Replay, Source as _};
use sockeye::track::{TableUpdate, Tracker};

use self::stream::Stream;
use crate::cli::args::examples;
use crate::cli::args::{self, Shared};
use crate::cli::output::{Printed, print};
use crate::cli::{EXIT_BUG, EXIT_TROUBLE, complain, is_of_concern};

/// Print changes as they happen
///
/// First every socket that matches, then each that opens, changes its state or its owner, or
/// closes: a line each, written at once. The change by which a socket ceases to match is told, and
/// nothing of it after that; what comes to match without a change of its own is told as being there.
/// A port that opens and closes between two readings is not seen.
///
/// Exit codes: 0, the time is over or nobody reads any more; 2, bad usage or the table can't be
/// read.
#[derive(Debug, Args)]
#[command(after_long_help = examples::WATCH)]
pub struct Watch {
    /// What to watch; without it, what listens or is bound
    ///
    /// Such as `nginx`, `:8080`, `:8000-8999`, `state:listen`, `user:ann !udp`: the man page lists all. With
    /// a filter, connections too, unless -l says otherwise.
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,
    /// Print one JSON object a line, each with the processes that it names
    #[arg(long)]
    json: bool,
    /// End after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    time: Option<Duration>,
    /// Leave out what is there already
    #[arg(long)]
    changes_only: bool,
}

/// Prints until the time is over, nobody reads any more, or a signal comes.
pub fn run(shared: &Shared, watch: &Watch) -> anyhow::Result<u8> {
    let settings = shared.over(Settings::default(), &watch.filter)?;
    signals::exit_on_signal().context("signals can't be waited for")?;
    let asked = args::asked(&settings, Sort::BY_PORT)?;
    let clock = Clock::start();
    let end = Deadline::after(watch.time, clock);
    let interval = shared.replay.is_none().then_some(settings.interval);
    let mut printer = Printer {
        end: end.clone(),
        clock,
        watching: ChangeFeed::new(asked),
        stream: watch.json.then(|| Stream::new(interval)),
        changes_only: watch.changes_only,
        has_colour: shared.colours_output(),
        zone: jiff::tz::TimeZone::system(),
        complained: HashSet::new(),
        failure: None,
    };
    if let Some(path) = &shared.replay {
        return replay(shared, &settings, Replay::open(path)?, &mut printer);
    }
    let collector = Collector {
        source: shared.source(settings.kinds)?,
        tracker: Tracker::new(settings.linger),
        recorder: shared.recorder()?,
        clock,
        interval: settings.interval,
        lost_recording: None,
        partial_owners_first: false,
        is_measured: settings.stats,
    };
    let ended = watch::watch(collector, &end, |seen| printer.see(seen))?;
    Ok(match ended {
        WatchEnd::Crashed(what) => {
            complain(&panic::bug_report(&what));
            EXIT_BUG
        }
        WatchEnd::Done | WatchEnd::ReaderGone if printer.failure.is_some() => EXIT_TROUBLE,
        WatchEnd::Done | WatchEnd::ReaderGone => 0,
    })
}

/// The changes between the readings of a recording, without waiting.
fn replay(
    shared: &Shared,
    settings: &Settings,
    mut recording: Replay,
    printer: &mut Printer,
) -> anyhow::Result<u8> {
    let (mut recorder, mut tracker) = (shared.recorder()?, Tracker::new(settings.linger));
    loop {
        let mut snapshot = recording.take(printer.clock.now())?;
        if let Some(recorder) = &mut recorder {
            recorder.record(&snapshot)?;
            snapshot
                .problems
                .extend(Recorder::incomplete_problem(&snapshot));
        }
        let cost = recording.timings();
        let (observation, refresh) =
            collector::track_snapshot(&mut tracker, snapshot, cost, printer.clock);
        if settings.stats {
            printer.see(CollectorEvent::Measured(refresh))?;
        }
        if !printer.see(CollectorEvent::Updated(observation))? || recording.is_at_end()? {
            return Ok(0);
        }
    }
}

struct Printer {
    end: Deadline,
    clock: Clock,
    watching: ChangeFeed,
    /// Of JSON: what was said of the stream itself.
    stream: Option<Stream>,
    changes_only: bool,
    has_colour: bool,
    zone: jiff::tz::TimeZone,
    /// What was complained about already: each kind of problem once.
    complained: HashSet<ProblemCode>,
    /// Why the last reading failed, if it did.
    failure: Option<String>,
}

impl Printer {
    /// Prints what is to be told; `false` when nobody reads it, or the time is over.
    fn see(&mut self, event: CollectorEvent) -> io::Result<bool> {
        let observation = match event {
            CollectorEvent::Updated(observation) => observation,
            CollectorEvent::Measured(refresh) => {
                let told = report::refresh_line(&refresh);
                // Where nobody reads standard error either.
                self.end.while_writing(|| complain(&told));
                return Ok(true);
            }
            CollectorEvent::Failed(why) => return self.see_failure(why),
        };
        let is_unread = |problem: &&Problem| problem.code.is_unread();
        let unread = observation.table.problems.iter().find(is_unread);
        // What was seen of it was worth to be told; nothing at all is no answer.
        self.failure = unread
            .filter(|_| observation.table.rows.is_empty())
            .map(|problem| problem.message.to_string());
        let mut all = self.watching.observe(&observation);
        if self.changes_only {
            all.retain(|told| told.change.is_some());
        }
        if !self.introduce(&observation, &all)? {
            return Ok(false);
        }
        for told in &all {
            if !self.takes(|printer, out| printer.write(told, out))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A reading that failed is said once, and in a stream each time.
    fn see_failure(&mut self, why: String) -> io::Result<bool> {
        let now = self.clock.now();
        let lines = match &mut self.stream {
            Some(stream) => stream.fail(now, &why)?,
            None => Vec::new(),
        };
        if self.failure.as_ref() != Some(&why) {
            complain(&why);
            self.failure = Some(why);
        }
        self.takes_lines(&lines)
    }

    /// Says what comes before the changes of a reading: problems that are new, in a stream of JSON within it.
    fn introduce(&mut self, observation: &TableUpdate, all: &[ChangeRecord]) -> io::Result<bool> {
        let table = &observation.table;
        let problems = new_problems(&mut self.complained, &table.problems, all);
        let Some(stream) = &mut self.stream else {
            for problem in problems {
                complain(&problem.message);
            }
            return Ok(true);
        };
        let lines = stream.introduce(table, &problems)?;
        self.takes_lines(&lines)
    }

    fn takes_lines(&self, lines: &[u8]) -> io::Result<bool> {
        Ok(lines.is_empty() || self.takes(|_, out| out.write_all(lines))?)
    }

    /// Writes whole lines, flushed; `false` if nobody takes them any more.
    fn takes(
        &self,
        write: impl FnOnce(&Self, &mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<bool> {
        if !self.end.waits_for_stdout() {
            return Ok(false);
        }
        let printed = self.end.while_writing(|| print(|out| write(self, out)))?;
        Ok(printed == Printed::Whole)
    }

    fn write(&self, told: &ChangeRecord, out: &mut dyn io::Write) -> io::Result<()> {
        let ChangeRecord { at, change, row } = told;
        if self.stream.is_some() {
            report::write_change_json(out, *at, change.as_ref(), row)
        } else {
            let change = (*at, change.as_ref(), &**row);
            report::write_change(out, change, &self.zone, self.has_colour)
        }
    }
}

/// Each kind of problem once; hidden owners where one of them is told of.
fn new_problems<'a>(
    known: &mut HashSet<ProblemCode>,
    problems: &'a [Problem],
    all: &[ChangeRecord],
) -> Vec<&'a Problem> {
    let rows = || all.iter().map(|told| &*told.row);
    let is_new =
        |problem: &&Problem| is_of_concern(problem, rows()) && !known.contains(&problem.code);
    let new: Vec<_> = problems.iter().filter(is_new).collect();
    known.extend(new.iter().map(|problem| problem.code));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kinds_that_are_not_listed_are_both_told_and_once() {
        let problem = |text| Problem::new(ProblemCode::NotListed, text);
        let problems = [problem("no SCTP"), problem("no raw sockets")];
        let mut known = HashSet::new();
        assert_eq!(new_problems(&mut known, &problems, &[]).len(), 2);
        assert!(new_problems(&mut known, &problems, &[]).is_empty());
    }
}
