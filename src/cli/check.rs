//! `sockeye check`: bind-tests ports and explains the answer.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::ControlFlow;

use anyhow::bail;
use clap::Args;
use sockeye::bind::{Address, Cause, Outcome, Target, Verdict};
use sockeye::model::{Family, Text};
use sockeye::report;
use sockeye::runtime::bind_test::BindTester;
use sockeye::runtime::clock::Clock;

use super::options::Shared;
use super::output::{Printed, print, terminal_width};
use super::{EXIT_NOT_SO, EXIT_TROUBLE, examples};

/// Bind-test ports and explain the answer
///
/// Each port is bound for real, for about a microsecond, never listening; what has it is looked up
/// beside that.
///
/// Exit codes: 0, every target can be bound by a server that sets `SO_REUSEADDR`; 1, one can't; 2,
/// bad usage or it could not be found out.
#[derive(Debug, Args)]
#[command(after_long_help = examples::CHECK)]
pub(super) struct Check {
    /// What to test: `8080`, `8080/udp`, `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `3000-3010`, `https`
    ///
    /// TCP where nothing is said (or what -t and -u say), every address where nothing is said (or
    /// the family of -4 or -6).
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Print nothing: the exit code is the answer
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Test again, up to five times, a port that is taken or released during the test
    #[arg(long)]
    retry: bool,
}

/// How often a port is tested again whose answer changed during the test.
const RETRIES: usize = 5;

/// Tests every target; the code is 0 if all can be bound, 1 if one can't, 2 if that could not be
/// found out.
pub(super) fn run(shared: &Shared, check: &Check) -> anyhow::Result<u8> {
    shared.refuse_recordings("check binds on this machine: a recording has no ports to test")?;
    let targets = targets(shared, &check.targets)?;
    let clock = Clock::start();
    let zone = jiff::tz::TimeZone::system();
    let has_colour = shared.colours_output();
    let (mut verdicts, mut outcomes) = (Vec::new(), Vec::new());
    let (mut printed, mut was_brief) = (Ok(Printed::Whole), false);
    // What leaves those open to doubt that take a line each: told once, at the end.
    let mut gaps = BTreeSet::new();
    BindTester::new(clock).test_all(&targets, |tester, target, examination| {
        let mut verdict = Verdict::of(&examination, &zone, clock.now());
        for _ in 0..if check.retry { RETRIES } else { 0 } {
            if verdict.outcome == Outcome::Raced {
                verdict = Verdict::of(&tester.test(target), &zone, clock.now());
            }
        }
        let is_first = outcomes.is_empty();
        // Of several ports those that are free take a line each.
        let is_brief = targets.len() > 1 && verdict.outcome == Outcome::Free;
        let is_apart = !(is_first || is_brief && was_brief);
        was_brief = is_brief;
        outcomes.push((verdict.outcome, verdict.cause));
        if is_brief {
            gaps.extend(verdict.gaps.iter().map(|gap| gap.message.clone()));
        }
        if check.json {
            verdicts.push((target.clone(), verdict));
        } else if !check.quiet && matches!(printed, Ok(Printed::Whole)) {
            printed = print(|out| {
                if is_apart {
                    writeln!(out)?;
                }
                let write = if is_brief {
                    report::write_check_briefly
                } else {
                    report::write_check
                };
                write(out, target, &verdict, terminal_width(), has_colour)
            });
        }
        // One that can't be bound is the answer of all, where only the exit code counts.
        let is_read = !check.quiet && !matches!(printed, Ok(Printed::Cut));
        let is_answered = !is_read && code(&outcomes) == EXIT_NOT_SO;
        if printed.is_err() || is_answered {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let is_read = printed? == Printed::Whole;
    // Whatever became of the reader: the exit code is the verdict's.
    if check.json {
        print(|out| report::write_check_json(out, &verdicts))?;
    } else if !check.quiet && is_read {
        let width = terminal_width();
        print(|out| report::write_gaps(out, &gaps, width))?;
    }
    Ok(code(&outcomes))
}

fn code(outcomes: &[(Outcome, Cause)]) -> u8 {
    let is_unknown = |&(outcome, cause): &(Outcome, Cause)| {
        outcome == Outcome::Raced || cause == Cause::ProbeFailed
    };
    let is_free = |(outcome, _): &(Outcome, Cause)| *outcome == Outcome::Free;
    if outcomes.iter().all(is_free) {
        0
    } else if outcomes.iter().all(|one| is_free(one) || is_unknown(one)) {
        EXIT_TROUBLE
    } else {
        EXIT_NOT_SO
    }
}

/// One target for each port, protocol and text, on the addresses that -4 and -6 leave.
pub(super) fn targets(shared: &Shared, texts: &[String]) -> anyhow::Result<Vec<Target>> {
    let mut targets = targets_of_any_family(shared, texts)?;
    for target in &mut targets {
        target.address = shared.narrowed(target.address);
    }
    Ok(targets)
}

/// The same on the addresses that the texts name.
pub(super) fn targets_of_any_family(
    shared: &Shared,
    texts: &[String],
) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for text in texts.iter().flat_map(|text| with_protocols(shared, text)) {
        let target: Target = text.parse()?;
        contradicts(shared, &target, &text)?;
        let one = |port| Target {
            ports: port..=port,
            ..target
        };
        targets.extend(target.ports.clone().map(one));
    }
    Ok(targets)
}

/// What `-t` and `-u` say counts where the target itself says nothing.
fn with_protocols(shared: &Shared, text: &str) -> Vec<String> {
    match (text.contains('/'), shared.tcp, shared.udp) {
        (true, ..) | (false, _, false) => vec![text.to_owned()],
        (false, false, true) => vec![format!("{text}/udp")],
        (false, true, true) => vec![format!("{text}/tcp"), format!("{text}/udp")],
    }
}

/// An address of one family is no target among those of the other.
pub(super) fn contradicts(shared: &Shared, target: &Target, text: &str) -> anyhow::Result<()> {
    let (option, family) = match (target.address, shared.family()) {
        (Address::One(IpAddr::V6(_)), Some(Family::Ipv4)) => ("-4", "IPv6"),
        (Address::One(IpAddr::V4(_)), Some(Family::Ipv6)) => ("-6", "IPv4"),
        _ => return Ok(()),
    };
    let text = Text::new(text);
    bail!("{text}: an {family} address, but {option} was asked for");
}
