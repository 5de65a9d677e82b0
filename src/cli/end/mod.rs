//! `sockeye end`: frees ports by the first fix of their bind test, after a question.

mod question;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use sockeye::bind::{EndOutcome, EndPlan, EndReport, EndRules, unix_name};
use sockeye::clock::Clock;
use sockeye::model::{Inside, Process, Signal, clean, duration};
use sockeye::report;
use sockeye::runtime::end_port::{
    EndOptions, carry_out, ends_with, is_outdated, not_carried_out, test_ports,
};
use sockeye::source::Mine;

use super::EXIT_NO;
use super::check::targets::parse_targets;
use super::global::GlobalArgs;
use super::namespace;
use super::output::print;
use question::{confirm, print_line, print_plan};

const EXAMPLES: &str = "\
Examples:
  sockeye end 3000                      show what has the port and what is done, then confirm
  sockeye end --dry-run 3000-3010       only show it
  sockeye end --yes --mine 3000         in a script: only what is yours, of this project or session
  sockeye end --hard 8080               SIGKILL to what still runs after 3 s
  sockeye end -N web 80                 inside the container web";

/// End what has a port, so that the port can be bound
///
/// Does what `check` suggests first: sends a signal, or has the container engine, systemd or the supervisor stop what has
/// the port. It shows that before, and you confirm it. Nothing is done if the first suggestion is not a command, or if this
/// machine or your session needs the process. Then it watches until a bind succeeds, and 1.5 s longer whether something
/// starts the process again.
///
/// Signals reach the processes that were shown, or none. Commands run without a shell, except those for another user's
/// containers and apps: `sudo -i` and `runuser -l` run them in that user's login shell. Commands that begin with `sudo` need a
/// terminal; a signal to another user's process needs `sudo sockeye end`.
///
/// Exit codes: 0 every port can be bound (with --dry-run: as far as the plan goes), 1 one can't, 2 bad usage.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub(super) struct End {
    /// The ports, as for check: `8080`, `8080/udp`, `127.0.0.1:8080`, `localhost:8080`, `3000-3010`
    #[arg(value_name = "TARGET", required = true)]
    targets: Vec<String>,
    /// Do it without a question, in scripts. What this machine or your session needs stays
    #[arg(short, long)]
    yes: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do nothing unless all that ends is your user's, and of this project or session
    #[arg(long)]
    mine: bool,
    /// Send SIGKILL where SIGTERM is ignored, and to what still runs after 3 s
    #[arg(long)]
    hard: bool,
    /// Send this signal instead: TERM, INT, HUP, QUIT, KILL
    #[arg(long, value_name = "NAME", value_parser = parse_signal)]
    signal: Option<Signal>,
    /// Give up after this time
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration::parse)]
    timeout: Duration,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(global: &GlobalArgs, end: &End) -> anyhow::Result<u8> {
    global.refuse_recordings("end acts on this machine: a recording has nothing to end")?;
    if let Some(name) = end.targets.iter().find(|text| unix_name(text).is_some()) {
        let name = clean(name);
        bail!("{name}: end frees ports; for a unix socket see `sockeye check`");
    }
    if !end.yes && !end.dry_run && !question::is_possible() {
        bail!(
            "no terminal to confirm on: add --yes to do it, or --dry-run to see what would be done"
        );
    }
    namespace::run(global.namespace.as_deref(), "end", |inside| {
        run_inside(global, end, inside)
    })
}

/// `inside`: the network namespace that this thread is in, if it is not that of this program.
fn run_inside(global: &GlobalArgs, end: &End, inside: Option<&Arc<Inside>>) -> anyhow::Result<u8> {
    let targets = parse_targets(global, &end.targets)?;
    let clock = Clock::start();
    let mine = Mine::find();
    let is_mine = |process: &Process| mine.check(process);
    let rules = EndRules {
        signal: end.signal,
        allows_kill: end.hard,
        allows_sudo: io::stdin().is_terminal(),
        may_end: end.mine.then_some(&is_mine),
        ends_with: end.mine.then_some(&ends_with),
    };
    let mut plan = EndPlan::of(test_ports(&targets, clock, inside), &rules);
    let is_complete = plan.is_complete();
    print_plan(&plan, end.signal);
    if end.dry_run {
        print_report(end, &not_carried_out(plan, &EndOutcome::Planned))?;
        return Ok(if is_complete { 0 } else { EXIT_NO });
    }
    if plan.has_steps() && !end.yes && !confirm()? {
        print_report(end, &not_carried_out(plan, &EndOutcome::Declined))?;
        return Ok(EXIT_NO);
    }
    let options = EndOptions {
        rules,
        timeout: end.timeout,
        escalates: end.hard,
        inside: inside.cloned(),
    };
    let mut report = carry_out(plan, &options, clock, &mut print_line);
    for _ in 0..MAX_PLANS {
        if !(end.yes && is_outdated(&report)) {
            break;
        }
        // A service that has just started, for example: its fix depends on what runs in it by now.
        plan = EndPlan::of(test_ports(&targets, clock, inside), &options.rules);
        print_plan(&plan, end.signal);
        report = carry_out(plan, &options, clock, &mut print_line);
    }
    print_report(end, &report)?;
    Ok(if report.is_free() { 0 } else { EXIT_NO })
}

/// How often `--yes` makes another plan if the owner has changed before anything was done.
const MAX_PLANS: usize = 3;

fn print_report(end: &End, report: &EndReport) -> io::Result<bool> {
    if end.json {
        return print(|out| report::write_end_json(out, report, end.dry_run));
    }
    print(|out| {
        let mut ports = report.ports.iter();
        ports.try_for_each(|port| writeln!(out, "{}", report::end_line(report, port)))
    })
}

fn parse_signal(name: &str) -> Result<Signal, String> {
    Signal::named(name).ok_or_else(|| {
        let names: Vec<_> = Signal::ALL.iter().map(|one| one.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}
