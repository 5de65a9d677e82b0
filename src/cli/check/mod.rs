//! `sockeye check`: bind-tests ports and explains the answer.

mod at;
pub mod targets;

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::bind::{Cause, Outcome, Target, UnixCause, UnixVerdict, Verdict};
use sockeye::clock::Clock;
use sockeye::inspect::BindTester;
use sockeye::model::{Inside, Text, UnixAddress, clean};
use sockeye::report::{self, Checked};

use crate::cli::global::GlobalArgs;
use crate::cli::history::{StoreArgs, parse_time};
use crate::cli::namespace;
use crate::cli::output::{output_width, print};
use crate::cli::{EXIT_ERROR, EXIT_NO};
use targets::{Group, parse_groups};

const EXAMPLES: &str = "\
Examples:
  sockeye check 8080                    can it be bound, and if not, why
  sockeye check -q 3000-3010 && echo all of them
  sockeye check 53/udp '[::1]:8080' https
  sockeye check -N web 80               inside the container web
  sockeye check 8080 --at 3am           could it be bound at 3 am (see record)
  sockeye check /run/app.sock           who listens there, or what is left";

/// Bind-test ports and unix sockets, and explain the result
///
/// Each port is really bound, for about a microsecond, and never listens; the socket table says what uses it. A unix
/// socket is not bound: nothing is created or removed at its path.
///
/// Exit codes: 0 a server that sets `SO_REUSEADDR` can bind every target, 1 it can't bind one, 2 unknown (or bad
/// usage).
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Check {
    /// What to test: `8080`, `8080/udp`, `127.0.0.1:8080`, `[::1]:8080`, `[fe80::1%eth0]:80`, `localhost:8080`,
    /// `3000-3010`, `https`; or a unix socket: `/run/app.sock`, `./app.sock`, `@name`
    ///
    /// The default is TCP (change it with -t and -u) on every address (-4 or -6: of that family).
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Print nothing; the exit code is the answer
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// If a port is taken or released during the test, test it again, up to five times
    #[arg(long)]
    retry: bool,
    /// Could it be bound at this time? From the history that record keeps
    ///
    /// Judged by the rules of the kernel from the sockets as they were; no bind is made, and there are no fixes. TIME is
    /// `03:12`, `3am`, `2h ago`, `yesterday 3am`, `monday 9:00` or `2026-11-29 03:12:05`; a time of day is the last one
    /// before now.
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "retry")]
    at: Option<Timestamp>,
    #[command(flatten)]
    store: StoreArgs,
}

const MAX_RETRIES: usize = 5;

/// Answer for a target, or, by the maximum, for several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Free,
    Unknown,
    Taken,
}

pub fn run(global: &GlobalArgs, check: &Check) -> anyhow::Result<u8> {
    global.refuse_recordings("check binds on this machine: a recording has no ports to test")?;
    check.store.check(check.at.is_some(), "--at TIME")?;
    if let Some(at) = check.at {
        return at::run(global, check, at);
    }
    namespace::run(global.namespace.as_deref(), "check", |inside| {
        run_inside(global, check, inside)
    })
}

/// `inside`: the network namespace that this thread is in, if it is not that of this program.
fn run_inside(
    global: &GlobalArgs,
    check: &Check,
    inside: Option<&Arc<Inside>>,
) -> anyhow::Result<u8> {
    let groups = parse_groups(global, &check.targets)?;
    let path = groups.iter().find_map(|group| match group {
        Group::Unix(UnixAddress::Path(path)) => Some(path),
        _ => None,
    });
    if let (Some(path), Some(_)) = (path, inside) {
        let path = clean(path);
        bail!("{path}: a path is in no network namespace; -N is for ports and names such as @name");
    }
    let mut run = Run::new(global, check, &groups);
    let mut tester = BindTester::inside(run.clock, inside.cloned());
    for group in &groups {
        let flow = match group {
            Group::Ports(targets) => run.test_ports(&mut tester, targets)?,
            Group::Unix(name) => run.test_unix(&mut tester, name)?,
        };
        if flow.is_break() {
            break;
        }
    }
    run.finish(None)
}

struct Run<'a> {
    check: &'a Check,
    clock: Clock,
    zone: TimeZone,
    width: Option<u16>,
    has_colour: bool,
    is_single: bool,
    answer: Answer,
    /// For JSON.
    checked: Vec<Checked>,
    /// Whether the last target took one line; `None` before the first.
    was_brief: Option<bool>,
    /// Whether standard output still has a reader.
    is_read: bool,
    /// Gaps of targets that take one line: printed once, at the end.
    gaps: BTreeSet<Text>,
}

impl<'a> Run<'a> {
    fn new(global: &GlobalArgs, check: &'a Check, groups: &[Group]) -> Self {
        let is_single = match groups {
            [Group::Ports(targets)] => targets.len() == 1,
            other => other.len() == 1,
        };
        Self {
            check,
            clock: Clock::start(),
            zone: TimeZone::system(),
            width: output_width(),
            has_colour: global.has_coloured_output(),
            is_single,
            answer: Answer::Free,
            checked: Vec::new(),
            was_brief: None,
            is_read: true,
            gaps: BTreeSet::new(),
        }
    }

    /// Prints what is left, and returns the exit code: the answer, even if the reader of the output is gone.
    fn finish(self, at: Option<Timestamp>) -> anyhow::Result<u8> {
        if self.check.json {
            print(|out| report::write_check_json(out, at, &self.checked))?;
        } else if !self.check.quiet && self.is_read {
            print(|out| report::write_gaps(out, &self.gaps, self.width))?;
        }
        Ok(match self.answer {
            Answer::Free => 0,
            Answer::Unknown => EXIT_ERROR,
            Answer::Taken => EXIT_NO,
        })
    }

    fn test_ports(
        &mut self,
        tester: &mut BindTester,
        targets: &[Target],
    ) -> io::Result<ControlFlow<()>> {
        let mut flow = Ok(ControlFlow::Continue(()));
        tester.test_all(targets, |tester, target, result| {
            let mut verdict = Verdict::of(&result, &self.zone, self.clock.now());
            for _ in 0..self.retries() {
                if verdict.outcome == Outcome::Raced {
                    verdict = Verdict::of(&tester.test(target), &self.zone, self.clock.now());
                }
            }
            flow = self.add(Checked::Port(target.clone(), verdict));
            *flow.as_ref().unwrap_or(&ControlFlow::Break(()))
        });
        flow
    }

    fn test_unix(
        &mut self,
        tester: &mut BindTester,
        name: &UnixAddress,
    ) -> anyhow::Result<ControlFlow<()>> {
        let mut test = || {
            let evidence = tester.unix_name(name)?;
            let now = self.clock.now();
            Some(UnixVerdict::of(name, &evidence, &self.zone, now))
        };
        let mut verdict = test().context("unix sockets can be tested on Linux only")?;
        for _ in 0..self.retries() {
            if verdict.outcome == Outcome::Raced {
                verdict = test().unwrap_or(verdict);
            }
        }
        Ok(self.add(Checked::Unix(name.clone(), verdict))?)
    }

    const fn retries(&self) -> usize {
        if self.check.retry { MAX_RETRIES } else { 0 }
    }

    /// Adds an answer, and prints it as text if requested. Breaks if only the exit code still matters, and it is known.
    fn add(&mut self, checked: Checked) -> io::Result<ControlFlow<()>> {
        let (outcome, has_failed) = match &checked {
            Checked::Port(_, verdict) => (verdict.outcome, verdict.cause == Cause::ProbeFailed),
            Checked::Unix(_, verdict) => (verdict.outcome, verdict.cause == UnixCause::ProbeFailed),
        };
        let answer = match outcome {
            Outcome::Free => Answer::Free,
            Outcome::Raced => Answer::Unknown,
            _ if has_failed => Answer::Unknown,
            _ => Answer::Taken,
        };
        self.answer = self.answer.max(answer);
        let mut is_brief = false;
        if let Checked::Port(_, verdict) = &checked {
            // Of several targets, free ports take one line each.
            is_brief = !self.is_single && outcome == Outcome::Free;
            let gaps = verdict.gaps.iter().filter(|_| is_brief);
            self.gaps.extend(gaps.map(|gap| gap.message.clone()));
        }
        let was_brief = self.was_brief.replace(is_brief);
        let is_apart = was_brief.is_some_and(|was_brief| !(is_brief && was_brief));
        if !self.check.json && !self.check.quiet && self.is_read {
            self.is_read = print(|out| {
                if is_apart {
                    writeln!(out)?;
                }
                report::write_check(out, &checked, is_brief, self.width, self.has_colour)
            })?;
        }
        if self.check.json {
            self.checked.push(checked);
        }
        let is_unread = self.check.quiet || !self.is_read;
        Ok(if is_unread && self.answer == Answer::Taken {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }
}
