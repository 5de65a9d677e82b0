//! `sockeye check`: bind-tests ports and explains the answer.

pub mod targets;

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

use anyhow::Context as _;
use clap::Args;
use jiff::tz::TimeZone;
use sockeye::bind::{Cause, Outcome, Target, UnixCause, UnixVerdict, Verdict};
use sockeye::clock::Clock;
use sockeye::inspect::BindTester;
use sockeye::model::{Text, UnixAddress};
use sockeye::report::{self, Checked};

use crate::cli::examples;
use crate::cli::global::GlobalArgs;
use crate::cli::output::{Printed, output_width, print};
use crate::cli::{EXIT_ERROR, EXIT_NO};
use targets::{Group, parse_groups};

/// Bind-test ports and unix sockets, and explain the result
///
/// Each port is really bound, for about a microsecond, and never listens; the socket table says what uses it. A unix
/// socket is not bound: nothing is created or removed at its path.
///
/// Exit codes: 0 a server that sets `SO_REUSEADDR` can bind every target, 1 it can't bind one, 2 unknown (or bad
/// usage).
#[derive(Debug, Args)]
#[command(after_long_help = examples::CHECK)]
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
    let groups = parse_groups(global, &check.targets)?;
    let is_single = match groups.as_slice() {
        [Group::Ports(targets)] => targets.len() == 1,
        other => other.len() == 1,
    };
    let mut run = Run {
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
    };
    let mut tester = BindTester::new(run.clock);
    for group in &groups {
        let flow = match group {
            Group::Ports(targets) => run.test_ports(&mut tester, targets)?,
            Group::Unix(name) => run.test_unix(&mut tester, name)?,
        };
        if flow.is_break() {
            break;
        }
    }
    // The exit code is the answer even if the reader of the output is gone.
    if check.json {
        print(|out| report::write_check_json(out, &run.checked))?;
    } else if !check.quiet && run.is_read {
        print(|out| report::write_gaps(out, &run.gaps, run.width))?;
    }
    Ok(match run.answer {
        Answer::Free => 0,
        Answer::Unknown => EXIT_ERROR,
        Answer::Taken => EXIT_NO,
    })
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

impl Run<'_> {
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
            flow = self.add_port(target, verdict);
            *flow.as_ref().unwrap_or(&ControlFlow::Break(()))
        });
        flow
    }

    fn add_port(&mut self, target: &Target, verdict: Verdict) -> io::Result<ControlFlow<()>> {
        // Of several targets, free ones take one line each.
        let is_brief = !self.is_single && verdict.outcome == Outcome::Free;
        let write = if is_brief {
            let gaps = verdict.gaps.iter().map(|gap| gap.message.clone());
            self.gaps.extend(gaps);
            report::write_check_briefly
        } else {
            report::write_check
        };
        let answer = answer(verdict.outcome, verdict.cause == Cause::ProbeFailed);
        let (width, has_colour) = (self.width, self.has_colour);
        let flow = self.add(answer, is_brief, |out| {
            write(out, target, &verdict, width, has_colour)
        });
        if self.check.json {
            self.checked.push(Checked::Port(target.clone(), verdict));
        }
        flow
    }

    fn test_unix(
        &mut self,
        tester: &mut BindTester,
        name: &UnixAddress,
    ) -> anyhow::Result<ControlFlow<()>> {
        let mut test = || {
            let evidence = tester.unix_name(name)?;
            Some(UnixVerdict::of(
                name,
                &evidence,
                &self.zone,
                self.clock.now(),
            ))
        };
        let mut verdict = test().context("unix sockets can be tested on Linux only")?;
        for _ in 0..self.retries() {
            if verdict.outcome == Outcome::Raced {
                verdict = test().unwrap_or(verdict);
            }
        }
        let answer = answer(verdict.outcome, verdict.cause == UnixCause::ProbeFailed);
        let (width, has_colour) = (self.width, self.has_colour);
        let flow = self.add(answer, false, |out| {
            report::write_check(out, name, &verdict, width, has_colour)
        })?;
        if self.check.json {
            self.checked.push(Checked::Unix(name.clone(), verdict));
        }
        Ok(flow)
    }

    const fn retries(&self) -> usize {
        if self.check.retry { MAX_RETRIES } else { 0 }
    }

    /// Adds an answer, and prints it as text if requested. Breaks if only the exit code still matters, and it is known.
    fn add(
        &mut self,
        answer: Answer,
        is_brief: bool,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<ControlFlow<()>> {
        let was_brief = self.was_brief.replace(is_brief);
        let is_apart = was_brief.is_some_and(|was_brief| !(is_brief && was_brief));
        self.answer = self.answer.max(answer);
        if !self.check.json && !self.check.quiet && self.is_read {
            let printed = print(|out| {
                if is_apart {
                    writeln!(out)?;
                }
                write(out)
            });
            self.is_read = printed? == Printed::Whole;
        }
        let is_unread = self.check.quiet || !self.is_read;
        Ok(if is_unread && self.answer == Answer::Taken {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }
}

fn answer(outcome: Outcome, has_failed: bool) -> Answer {
    match outcome {
        Outcome::Free => Answer::Free,
        Outcome::Raced => Answer::Unknown,
        _ if has_failed => Answer::Unknown,
        _ => Answer::Taken,
    }
}
