//! `sockeye check`: bind-tests ports and explains the answer.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;

use anyhow::{Context as _, bail};
use clap::Args;
use sockeye::bind::{
    Address, Cause, Outcome, Target, UnixCause, UnixVerdict, Verdict, interface, unix_name,
};
use sockeye::clock::Clock;
use sockeye::inspect::BindTester;
use sockeye::model::{Family, Text, UnixAddress, clean};
use sockeye::report::{self, Checked};

use crate::cli::args::Shared;
use crate::cli::args::examples;
use crate::cli::output::{Printed, print, terminal_width};
use crate::cli::{EXIT_NOT_SO, EXIT_TROUBLE};

/// Bind-test ports and unix sockets, and explain the answer
///
/// Each port is bound for real, for about a microsecond, never listening; what has it is looked up
/// beside that. A unix socket's path is judged without a bind: nothing is made there or removed.
///
/// Exit codes: 0, every target can be bound by a server that sets `SO_REUSEADDR`; 1, one can't; 2,
/// bad usage or it could not be found out.
#[derive(Debug, Args)]
#[command(after_long_help = examples::CHECK)]
pub struct Check {
    /// What to test: `8080`, `8080/udp`, `127.0.0.1:8080`, `[::1]:8080`, `[fe80::1%eth0]:80`, `localhost:8080`,
    /// `3000-3010`, `https`; or a unix socket: `/run/app.sock`, `./app.sock`, `@name`
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
pub fn run(shared: &Shared, check: &Check) -> anyhow::Result<u8> {
    shared.refuse_recordings("check binds on this machine: a recording has no ports to test")?;
    let stretches = stretches(shared, &check.targets)?;
    let mut run = Run {
        check,
        clock: Clock::start(),
        zone: jiff::tz::TimeZone::system(),
        shared,
        is_single: stretches.iter().map(Stretch::len).sum::<usize>() == 1,
        answers: Vec::new(),
        checked: Vec::new(),
        was_brief: false,
        is_read: true,
        gaps: BTreeSet::new(),
    };
    let mut tester = BindTester::new(run.clock);
    for stretch in &stretches {
        let flow = match stretch {
            Stretch::Ports(targets) => run.test_ports(&mut tester, targets)?,
            Stretch::Unix(name) => run.test_unix(&mut tester, name)?,
        };
        match flow {
            Flow::On => {}
            Flow::Answered => break,
        }
    }
    // Whatever became of the reader: the exit code is the verdict's.
    if check.json {
        print(|out| report::write_check_json(out, &run.checked))?;
    } else if !check.quiet && run.is_read {
        let width = terminal_width();
        print(|out| report::write_gaps(out, &run.gaps, width))?;
    }
    Ok(code(&run.answers))
}

/// Targets that stand beside each other: ports are tested together.
enum Stretch {
    Ports(Vec<Target>),
    Unix(UnixAddress),
}

impl Stretch {
    const fn len(&self) -> usize {
        match self {
            Self::Ports(targets) => targets.len(),
            Self::Unix(_) => 1,
        }
    }
}

/// The targets in their order.
fn stretches(shared: &Shared, texts: &[String]) -> anyhow::Result<Vec<Stretch>> {
    let mut stretches = Vec::new();
    for text in texts {
        if let Some(name) = unix_name(text) {
            if matches!(&name, UnixAddress::Path(path) if path.ends_with('/')) {
                bail!("{}: the path of a socket does not end in `/`", clean(text));
            }
            stretches.push(Stretch::Unix(name));
            continue;
        }
        let more = targets(shared, std::slice::from_ref(text))?;
        match stretches.last_mut() {
            Some(Stretch::Ports(targets)) => targets.extend(more),
            _ => stretches.push(Stretch::Ports(more)),
        }
    }
    Ok(stretches)
}

/// How it goes on after a target.
enum Flow {
    On,
    /// One that can't be bound is the answer of all.
    Answered,
}

/// What a target came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Free,
    Unknown,
    Taken,
}

struct Run<'a> {
    check: &'a Check,
    clock: Clock,
    zone: jiff::tz::TimeZone,
    shared: &'a Shared,
    is_single: bool,
    answers: Vec<Answer>,
    checked: Vec<Checked>,
    was_brief: bool,
    /// Whether the reader of standard output is still there.
    is_read: bool,
    /// What leaves those open to doubt that take a line each: told once, at the end.
    gaps: BTreeSet<Text>,
}

impl Run<'_> {
    fn test_ports(&mut self, tester: &mut BindTester, targets: &[Target]) -> io::Result<Flow> {
        let mut flow = Ok(Flow::On);
        tester.test_all(targets, |tester, target, test_result| {
            let mut verdict = Verdict::of(&test_result, &self.zone, self.clock.now());
            for _ in 0..self.tries() {
                if verdict.outcome == Outcome::Raced {
                    verdict = Verdict::of(&tester.test(target), &self.zone, self.clock.now());
                }
            }
            flow = self.tell(target, verdict);
            match flow {
                Ok(Flow::On) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        flow
    }

    fn tell(&mut self, target: &Target, verdict: Verdict) -> io::Result<Flow> {
        // Of several targets those that are free take a line each.
        let is_brief = !self.is_single && verdict.outcome == Outcome::Free;
        let answer = answer(verdict.outcome, verdict.cause == Cause::ProbeFailed);
        let write = if is_brief {
            self.gaps
                .extend(verdict.gaps.iter().map(|gap| gap.message.clone()));
            report::write_check_briefly
        } else {
            report::write_check
        };
        let has_colour = self.shared.colours_output();
        let flow = self.take(answer, is_brief, |out| {
            write(out, target, &verdict, terminal_width(), has_colour)
        });
        if self.check.json {
            self.checked.push(Checked::Port(target.clone(), verdict));
        }
        flow
    }

    fn test_unix(&mut self, tester: &mut BindTester, name: &UnixAddress) -> anyhow::Result<Flow> {
        let look = |tester: &mut BindTester| {
            let evidence = tester.unix_name(name)?;
            Some(UnixVerdict::of(
                name,
                &evidence,
                &self.zone,
                self.clock.now(),
            ))
        };
        let verdict = look(tester).context("unix sockets are judged on Linux only")?;
        let mut verdict = verdict;
        for _ in 0..self.tries() {
            if verdict.outcome == Outcome::Raced {
                verdict = look(tester).unwrap_or(verdict);
            }
        }
        let answer = answer(verdict.outcome, verdict.cause == UnixCause::ProbeFailed);
        let has_colour = self.shared.colours_output();
        let flow = self.take(answer, false, |out| {
            report::write_check(out, name, &verdict, terminal_width(), has_colour)
        })?;
        if self.check.json {
            self.checked.push(Checked::Unix(name.clone(), verdict));
        }
        Ok(flow)
    }

    /// How often a target is tested again whose answer changed during the test.
    const fn tries(&self) -> usize {
        if self.check.retry { RETRIES } else { 0 }
    }

    /// Takes in an answer, and prints it where that is wanted.
    fn take(
        &mut self,
        answer: Answer,
        is_brief: bool,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> io::Result<Flow> {
        let is_apart = !(self.answers.is_empty() || is_brief && self.was_brief);
        self.was_brief = is_brief;
        self.answers.push(answer);
        if !self.check.json && !self.check.quiet && self.is_read {
            let printed = print(|out| {
                if is_apart {
                    writeln!(out)?;
                }
                write(out)
            });
            self.is_read = printed? == Printed::Whole;
        }
        // Where only the exit code counts, one that can't be bound is the answer of all.
        let is_unread = self.check.quiet || !self.is_read;
        let is_answered = is_unread && code(&self.answers) == EXIT_NOT_SO;
        Ok(if is_answered {
            Flow::Answered
        } else {
            Flow::On
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

fn code(answers: &[Answer]) -> u8 {
    if answers.contains(&Answer::Taken) {
        EXIT_NOT_SO
    } else if answers.contains(&Answer::Unknown) {
        EXIT_TROUBLE
    } else {
        0
    }
}

/// One target for each port, protocol and text, on the addresses that -4 and -6 leave.
pub fn targets(shared: &Shared, texts: &[String]) -> anyhow::Result<Vec<Target>> {
    let mut targets = targets_of_any_family(shared, texts)?;
    for target in &mut targets {
        target.address = shared.narrowed(target.address);
    }
    Ok(targets)
}

/// The same on the addresses that the texts name.
pub fn targets_of_any_family(shared: &Shared, texts: &[String]) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for text in texts.iter().flat_map(|text| with_protocols(shared, text)) {
        let mut target: Target = text.parse()?;
        target.address = with_interface(target.address, &text)?;
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

/// The address with its interface by name, which must be there.
pub fn with_interface(address: Address, text: &str) -> anyhow::Result<Address> {
    let Address::Zoned(v6, zone) = address else {
        return Ok(address);
    };
    match interface(zone) {
        Some(zone) => Ok(Address::Zoned(v6, zone)),
        None => bail!("{}: there is no interface {zone} here", Text::new(text)),
    }
}

/// An address of one family is no target among those of the other.
pub fn contradicts(shared: &Shared, target: &Target, text: &str) -> anyhow::Result<()> {
    let (option, family) = match (target.address, shared.family()) {
        (Address::One(IpAddr::V6(_)) | Address::Zoned(..), Some(Family::Ipv4)) => ("-4", "IPv6"),
        (Address::One(IpAddr::V4(_)), Some(Family::Ipv6)) => ("-6", "IPv4"),
        _ => return Ok(()),
    };
    let text = Text::new(text);
    bail!("{text}: an {family} address, but {option} was asked for");
}
