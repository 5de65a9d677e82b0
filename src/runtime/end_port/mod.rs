//! Frees ports: carries out a plan (`bind::EndPlan`) and watches the ports until a bind succeeds.
//!
//! Before the first step each port is tested again, and before each signal every process is checked through its handle, as
//! in `end_process`: the question may have been open for a while. Programs run without a shell of this program's; those for
//! another user run in that user's login shell (`sudo -i`, `runuser -l`). After the ports are free they are watched on, as a
//! supervisor may start the process again.

mod programs;
mod scope;
mod signals;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

pub use scope::ends_with;

pub use crate::source::is_own_users;

use crate::app::{PortToFree, RowNamespace};
use crate::bind::{
    BindTestResult, Decision, EndOutcome, EndPlan, EndReport, EndRules, EndStep, Outcome,
    PlannedPort, PortReport, Target, Verdict, describe_step,
};
use crate::clock::Clock;
use crate::inspect::BindTester;
use crate::model::{Inside, Pid, Process};
use crate::runtime::end_process::watch::Watch;
use crate::runtime::wait::{Goal, PortWaiter};
use programs::Programs;
use signals::Signals;
use watch::PortWatch;

/// How often a port is tested again that is taken or released during its test.
const MAX_RETRIES: usize = 5;

/// The time between these tests where a plan is verified: children that are forked and execute a program have the socket
/// until then, such as the generators of systemd.
const SETTLING: Duration = Duration::from_millis(100);

/// Why nothing is done if another plan would be right by now.
const CHANGED: &str = "its owner has changed meanwhile, so nothing was done; run it again";

/// How long a plan is watched at least, after programs that took all of the time.
const MIN_WATCH: Duration = Duration::from_secs(2);

/// How a plan is carried out.
#[derive(Clone)]
pub struct EndOptions<'a> {
    /// The rules that it was planned by.
    pub rules: EndRules<'a>,
    /// The most time until all ports can be bound.
    pub timeout: Duration,
    /// Whether processes that still run after some seconds get SIGKILL.
    pub escalates: bool,
    /// The network namespace of this thread; `None` for that of this program.
    pub inside: Option<Arc<Inside>>,
}

/// Tests these ports, each a target with one port, for a plan.
pub fn test_ports(
    targets: &[Target],
    clock: Clock,
    inside: Option<&Arc<Inside>>,
) -> Vec<(Target, BindTestResult, Verdict)> {
    let mut tester = BindTester::inside(clock, inside.cloned());
    let zone = TimeZone::system();
    let mut all = Vec::new();
    tester.test_all(targets, |tester, target, mut result| {
        let mut verdict = Verdict::of(&result, &zone, clock.now());
        for _ in 0..MAX_RETRIES {
            if verdict.outcome != Outcome::Raced {
                break;
            }
            result = tester.test(target);
            verdict = Verdict::of(&result, &zone, clock.now());
        }
        all.push((target.clone(), result, verdict));
        std::ops::ControlFlow::Continue(())
    });
    all
}

/// The report on a plan that is not carried out: `outcome` for each port that something would be done about.
pub fn not_carried_out(plan: EndPlan, outcome: &EndOutcome) -> EndReport {
    let ports = plan.ports.into_iter().map(|port| {
        let outcome = match &port.decision {
            Decision::Free => EndOutcome::NothingToDo,
            Decision::Refuse(refusal) => EndOutcome::Refused(refusal.why.clone()),
            Decision::Wait | Decision::End(_) => outcome.clone(),
        };
        report_of(port, outcome, Duration::ZERO)
    });
    EndReport {
        ports: ports.collect(),
        sent: Vec::new(),
        ran: Vec::new(),
        ended: Vec::new(),
    }
}

/// Whether nothing at all was done, as another plan would be right by now.
pub fn is_outdated(report: &EndReport) -> bool {
    let is_changed =
        |port: &PortReport| matches!(&port.outcome, EndOutcome::Failed(why) if why == CHANGED);
    report.sent.is_empty() && report.ran.is_empty() && report.ports.iter().any(is_changed)
}

/// Carries out a plan and watches its ports. `notify` gets a line on each step. Takes up to the time of the options, and
/// some seconds more to see whether something returns.
pub fn carry_out(
    mut plan: EndPlan,
    options: &EndOptions<'_>,
    clock: Clock,
    notify: &mut dyn FnMut(&str),
) -> EndReport {
    let began = clock.now().steady;
    let changed = verify(&mut plan, options, clock);
    let mut report = not_carried_out(plan.clone(), &EndOutcome::Planned);
    for (port, changed) in report.ports.iter_mut().zip(&changed) {
        if *changed {
            port.outcome = EndOutcome::Failed(CHANGED.to_owned());
        }
    }
    let ended: Vec<usize> = positions(&plan, |one| matches!(one, Decision::End(_)));
    if !ended.is_empty() {
        let mut run = Run::new(&plan, &ended, options, clock, began);
        let outcomes = run.carry_out(&plan, notify);
        for (&at, (outcome, took)) in ended.iter().zip(outcomes) {
            report.ports[at] = report_of(plan.ports[at].clone(), outcome, took);
        }
        report.sent = run.signals.sent;
        report.ran = std::mem::take(&mut run.programs.ran);
        report.ended = run.watch.ended;
    }
    wait_for(&mut report, options, clock, began);
    report
}

/// Tests the ports again that something is to be done about. Those that are free by now need nothing; of those whose
/// steps would be others now, and still are a moment later, nothing is done, and `true` is returned.
fn verify(plan: &mut EndPlan, options: &EndOptions<'_>, clock: Clock) -> Vec<bool> {
    let mut changed = vec![false; plan.ports.len()];
    let mut open = positions(plan, |one| matches!(one, Decision::End(_)));
    for attempt in 0..=MAX_RETRIES {
        if attempt > 0 {
            std::thread::sleep(SETTLING);
        }
        let targets: Vec<_> = open
            .iter()
            .map(|&at| plan.ports[at].target.clone())
            .collect();
        let tested = test_ports(&targets, clock, options.inside.as_ref());
        let again = EndPlan::of(tested, &options.rules);
        let mut tested = again.ports.into_iter();
        open.retain(|&at| {
            let port = &mut plan.ports[at];
            match tested.next().map(|now| now.decision) {
                Some(Decision::End(steps)) if are_same(port.steps(), &steps) => false,
                Some(Decision::Free) => {
                    port.decision = Decision::Free;
                    false
                }
                _ => true,
            }
        });
        if open.is_empty() {
            return changed;
        }
    }
    for at in open {
        changed[at] = true;
        plan.ports[at].decision = Decision::Wait;
    }
    changed
}

/// Whether what was planned is still right: the same programs, and the same signals to some of the same processes. Children
/// that inherited the socket come and go; those that have ended need no signal, and new ones get none.
fn are_same(before: &[EndStep], now: &[EndStep]) -> bool {
    let is_same = |(one, other): (&EndStep, &EndStep)| match (one, other) {
        (
            EndStep::Signal { signal, processes },
            EndStep::Signal {
                signal: other_signal,
                processes: others,
            },
        ) => {
            let is_left = |one: &Arc<Process>| others.iter().any(|other| one.is_same(other));
            signal == other_signal && processes.iter().any(is_left)
        }
        (one, other) => one == other,
    };
    before.len() == now.len() && before.iter().zip(now).all(is_same)
}

fn positions(plan: &EndPlan, is_meant: impl Fn(&Decision) -> bool) -> Vec<usize> {
    let ports = plan.ports.iter().enumerate();
    let meant = ports.filter(|(_, port)| is_meant(&port.decision));
    meant.map(|(at, _)| at).collect()
}

fn report_of(plan: PlannedPort, outcome: EndOutcome, took: Duration) -> PortReport {
    let is_free = matches!(outcome, EndOutcome::NothingToDo | EndOutcome::Free { .. });
    PortReport {
        plan,
        outcome,
        is_free,
        took,
    }
}

/// Waits for the ports that become free by themselves.
fn wait_for(report: &mut EndReport, options: &EndOptions<'_>, clock: Clock, began: Duration) {
    let since = || clock.now().steady.saturating_sub(began);
    let left = options.timeout.saturating_sub(since());
    let is_meant = |port: &PortReport| {
        port.plan.decision == Decision::Wait && port.outcome == EndOutcome::Planned
    };
    for port in report.ports.iter_mut().filter(|port| is_meant(port)) {
        let takes = port.plan.verdict.free_in.filter(|&takes| takes > left);
        if let Some(takes) = takes {
            let seconds = takes.as_secs() + 1;
            let why = format!("it is free in about {seconds} s, which is longer than the timeout");
            port.outcome = EndOutcome::TimedOut(why);
        }
    }
    let mut ports: Vec<_> = report
        .ports
        .iter_mut()
        .filter(|one| is_meant(one))
        .collect();
    if ports.is_empty() {
        return;
    }
    let targets = ports.iter().map(|port| port.plan.target.clone()).collect();
    let mut waiter = PortWaiter::new(targets, Goal::Free, clock);
    let interval = Duration::from_millis(100);
    let failed = waiter.wait(interval, Some(left), |_| ()).err();
    for (port, waited) in ports.iter_mut().zip(waiter.ports()) {
        let summary = waited.summary.clone();
        let summary = summary.unwrap_or_else(|| port.plan.verdict.summary.clone());
        port.outcome = match &failed {
            _ if waited.is_reached => EndOutcome::Free {
                supervisor: None,
                leftovers: None,
            },
            Some((target, why)) if *target == waited.target => EndOutcome::Failed(why.clone()),
            _ => EndOutcome::TimedOut(summary),
        };
        port.is_free = waited.is_reached;
        let reached = waited.changed_at.map(|at| at.steady.saturating_sub(began));
        port.took = reached.unwrap_or_else(since);
    }
}

/// A plan that is carried out.
struct Run {
    clock: Clock,
    began: Duration,
    timeout: Duration,
    signals: Signals,
    programs: Programs,
    watch: PortWatch,
}

impl Run {
    fn new(
        plan: &EndPlan,
        ended: &[usize],
        options: &EndOptions<'_>,
        clock: Clock,
        began: Duration,
    ) -> Self {
        let ports: Vec<&PlannedPort> = ended.iter().map(|&at| &plan.ports[at]).collect();
        let owners: Vec<_> = ports.iter().flat_map(|port| port.owners()).collect();
        let pids: Vec<Pid> = owners.iter().map(|owner| owner.pid).collect();
        let namespace = options.inside.as_ref().map(|inside| RowNamespace {
            namespace: Arc::clone(&inside.namespace),
            container: None,
            owners: pids.clone(),
        });
        let to_free = |namespace: &Option<RowNamespace>| -> Vec<PortToFree> {
            let ports = ports.iter().map(|port| PortToFree {
                target: port.target.clone(),
                namespace: namespace.clone(),
            });
            ports.collect()
        };
        // This thread is in the namespace already; the checks of `end_process` enter it themselves.
        let watched = to_free(&None);
        let sockets = ports.iter().flat_map(|port| &port.verdict.blockers);
        let sockets = sockets.filter_map(|blocker| blocker.socket.inode);
        let tester = BindTester::inside(clock, options.inside.clone());
        let watch = Watch::of(tester, &watched, pids.iter().copied().collect(), clock);
        Self {
            clock,
            began,
            timeout: options.timeout,
            signals: Signals::new(to_free(&namespace), sockets.collect(), &owners),
            programs: Programs::new(clock),
            watch: PortWatch::new(watch, &ports, &owners, options.escalates),
        }
    }

    /// Carries out the steps; returns what came of each port, and when.
    fn carry_out(
        &mut self,
        plan: &EndPlan,
        notify: &mut dyn FnMut(&str),
    ) -> Vec<(EndOutcome, Duration)> {
        let end = self.began + self.timeout;
        if let Err(why) = self.take_steps(&plan.steps(), end, notify) {
            return self.watch.failed(&self.signals, &why);
        }
        let now = self.clock.now().steady;
        let end = end.max(now + MIN_WATCH.min(self.timeout));
        self.watch.run((now, end), &mut self.signals, notify)
    }

    fn take_steps(
        &mut self,
        steps: &[EndStep],
        end: Duration,
        notify: &mut dyn FnMut(&str),
    ) -> Result<(), String> {
        let mut left = steps;
        while let Some(step) = left.first() {
            let signals = left
                .iter()
                .take_while(|one| matches!(one, EndStep::Signal { .. }));
            let count = signals.count();
            if count > 0 {
                // All of them are checked before any gets its signal.
                self.signals.send(&left[..count], notify)?;
                left = &left[count..];
                continue;
            }
            notify(&describe_step(step));
            match step {
                EndStep::Run(program) => self.programs.run(program, end)?,
                EndStep::Start(program) => self.programs.start(program)?,
                EndStep::Pause(time) => std::thread::sleep(*time),
                EndStep::Signal { .. } => {}
            }
            left = &left[1..];
        }
        Ok(())
    }
}
