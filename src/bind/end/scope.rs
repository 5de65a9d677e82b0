//! Which processes end with the commands of a fix, where rules say which may: a unit, or an app of a supervisor, can have more
//! than those that have the port.

use std::sync::Arc;

use super::EndRules;
use crate::bind::fix::{Fix, Program, Step, Word, also_ends_text};
use crate::bind::verdict::Verdict;
use crate::model::{AlsoEndsKind, Holder, Pid, Process};

/// What ends together with a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndScope<'a> {
    /// All processes of the systemd unit of this name, which the process is in.
    Unit(&'a str),
    /// The app of this supervisor that the process is part of.
    App(Pid),
    /// All that it started, and what these started.
    Descendants,
}

/// The processes that end together with one; `None` if they can't be known.
pub type EndsWith<'a> = dyn Fn(&Process, EndScope<'_>) -> Option<Vec<Process>> + 'a;

/// Programs that stop one app of a supervisor.
const OF_APPS: [&str; 6] = ["pm2", "supervisorctl", "sv", "svc", "s6-svc", "forever"];

/// Whether the rules allow to end all that the commands of a fix end.
pub(super) fn check_commands(
    fix: &Fix,
    verdict: &Verdict,
    rules: &EndRules<'_>,
) -> Result<(), String> {
    if rules.may_end.is_none() {
        return Ok(());
    }
    let is_more = |kind| !matches!(kind, AlsoEndsKind::Port | AlsoEndsKind::Process);
    if let Some(more) = fix.also_ends.iter().find(|one| is_more(one.kind)) {
        return Err(format!("it would also end {}", also_ends_text(more)));
    }
    let steps = fix.actions.iter().flat_map(|action| &action.steps);
    for step in steps {
        if let Step::Run(program) | Step::Start(program) = step {
            check_program(program, &verdict.blockers, rules)
                .map_err(|why| format!("{why} (`{}`)", program.shell_text()))?;
        }
    }
    Ok(())
}

/// The same for what ends with processes that get a signal.
pub(super) fn check_descendants(
    processes: &[Arc<Process>],
    rules: &EndRules<'_>,
) -> Result<(), String> {
    let mut processes = processes.iter();
    processes.try_for_each(|process| {
        let all = ends_with(process, EndScope::Descendants, rules);
        check_all(all, rules)
    })
}

fn check_program(
    program: &Program,
    blockers: &[Holder],
    rules: &EndRules<'_>,
) -> Result<(), String> {
    let words: Vec<&str> = program.words.iter().filter_map(text).collect();
    let owners = blockers.iter().flat_map(|one| {
        let owners = one.socket.owner.present().iter();
        owners.map(move |owner| (one, owner))
    });
    match words.as_slice() {
        ["systemctl", rest @ ..] => {
            let owners: Vec<_> = owners.map(|(_, owner)| owner).collect();
            let units: Vec<&str> = rest.iter().copied().filter(|one| is_unit(one)).collect();
            if units.is_empty() {
                return check_all(None, rules);
            }
            units.into_iter().try_for_each(|unit| {
                let all = owners
                    .iter()
                    .filter_map(|owner| ends_with(owner, EndScope::Unit(unit), rules));
                let all: Vec<_> = all.flatten().collect();
                check_all((!all.is_empty()).then_some(all), rules)
            })
        }
        // By its name, an app of pm2 is all of its instances.
        ["pm2", "stop", name] if name.parse::<u32>().is_err() => check_all(None, rules),
        [name, ..] if OF_APPS.contains(name) => {
            let mut owners = owners;
            owners.try_for_each(|(blocker, owner)| {
                let background = blocker.backgrounds.iter().find(|one| one.pid == owner.pid);
                let kept_by = background.and_then(|one| one.kept_by.as_ref());
                let app = kept_by.and_then(|one| one.pid).map(EndScope::App);
                check_all(app.and_then(|app| ends_with(owner, app, rules)), rules)
            })
        }
        _ => check_all(None, rules),
    }
}

fn ends_with(process: &Process, scope: EndScope<'_>, rules: &EndRules<'_>) -> Option<Vec<Process>> {
    rules.ends_with?(process, scope)
}

fn check_all(all: Option<Vec<Process>>, rules: &EndRules<'_>) -> Result<(), String> {
    let Some(all) = all else {
        return Err("it is not known which processes would end".to_owned());
    };
    let mut all = all.iter();
    all.try_for_each(|one| rules.may_end.map_or(Ok(()), |may_end| may_end(one)))
}

fn text(word: &Word) -> Option<&str> {
    match word {
        Word::Text(text) => Some(text),
        Word::Lines(_) => None,
    }
}

/// Whether a word is a unit that may have processes; a socket unit has none.
fn is_unit(word: &str) -> bool {
    [".service", ".scope", ".slice"]
        .iter()
        .any(|end| word.ends_with(end))
}
