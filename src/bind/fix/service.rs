//! Stopping units of systemd and apps of supervisors by their own commands.

use std::time::Duration;

use super::action::{Program, Step};
use super::process_group::{Members, supervisor_name};
use super::shell::unit_operands;
use super::{Fix, FixCode, RunAs, Situation, consequence, protected};
use crate::bind::text::after;
use crate::model::{EndRisk, Manager, Supervisor, SupervisorKind, Text, Unit};

/// `systemctl` with options for a manager.
pub(super) fn systemctl(manager: &Manager) -> Program {
    let systemctl = Program::new(["systemctl"]);
    match manager {
        Manager::System => systemctl,
        Manager::Own => systemctl.with(["--user"]),
        Manager::OfUser(user) => systemctl.with(["--user", "-M", &format!("{user}@")]),
    }
}

/// The fix as root, unless the manager is the current user's.
pub(super) fn by_manager(fix: Fix, manager: &Manager, situation: &Situation<'_>) -> Fix {
    match manager {
        Manager::Own => fix,
        Manager::System | Manager::OfUser(_) => fix.by_root(situation.limits),
    }
}

/// The fixes for a service whose port it is.
pub(super) fn unit_fixes(
    unit: &Unit,
    members: Option<&Members<'_>>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let mut stop = stop_unit(unit, members, situation);
    let end_risk = if situation.limits.unit.as_ref() == Some(&unit.name) {
        EndRisk::Ancestor
    } else {
        members.map_or(EndRisk::Ordinary, Members::end_risk)
    };
    if let Some(consequence) = consequence(end_risk) {
        let before = members.map(|members| protected::instead(end_risk, members, situation));
        stop.warning = Some(consequence.to_owned());
        // It ends more than the port, so it comes last.
        return before.into_iter().flatten().chain([stop]).collect();
    }
    let alone = members.filter(|_| stop.command.is_some());
    let alone = alone.and_then(|members| members.end_restarting(situation));
    [stop].into_iter().chain(alone).collect()
}

/// Stops a service, the units that trigger it, and the processes that its stop would leave.
fn stop_unit(unit: &Unit, members: Option<&Members<'_>>, situation: &Situation<'_>) -> Fix {
    let name = unit.name.as_str();
    let triggers: Vec<&str> = unit.triggered_by.iter().map(Text::as_str).collect();
    let runs = after(", which runs ", members.map(|members| &members.first.name));
    let starts = match triggers.as_slice() {
        [] => String::new(),
        [trigger] => format!(", and {trigger}, which starts it"),
        triggers => format!(", and {}, which start it", triggers.join(", ")),
    };
    let mut text = format!("Stop {name}{runs}{starts}");
    let units: Vec<&str> = triggers.into_iter().chain([name]).collect();
    let (Some(operands), Some(operand)) = (unit_operands(&units), unit_operands(&[name])) else {
        return FixCode::StopUnit.fix(text);
    };
    let control = systemctl(&unit.manager);
    // Those that `KillMode=` keeps running when the unit stops: all, or all but its main process.
    let mut stays = members.map_or_else(Vec::new, Members::pids);
    match unit.kill_mode.as_deref() {
        Some("process") => stays.retain(|&pid| Some(pid) != unit.main_pid),
        Some("none") => {}
        _ => stays.clear(),
    }
    let stop = |options: &[&str]| {
        let stop = control.clone().with(options.iter().copied()).with(["stop"]);
        Step::Run(stop.with(operands.clone()))
    };
    let steps = match members.and_then(Members::ignores_term) {
        ignores if !stays.is_empty() => vec![
            stop(&[]),
            match ignores {
                Some(_) => Step::kill(stays),
                None => Step::term(stays),
            },
        ],
        Some(why) => {
            // A stop waits for TimeoutStopSec=, 90 s, before it kills.
            text = format!("{text}, by SIGKILL: {why}");
            let kill = control.clone().with(["kill", "-s", "KILL"]).with(operand);
            vec![stop(&["--no-block"]), Step::Run(kill)]
        }
        None => vec![stop(&[])],
    };
    let fix = Fix {
        also_ends: members.map_or_else(Vec::new, Members::also_ends),
        ..FixCode::StopUnit.steps(text, steps)
    };
    by_manager(fix, &unit.manager, situation)
}

pub(super) fn app_fixes(
    kept_by: &Supervisor,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let supervisor = supervisor_name(kept_by.kind);
    let name = kept_by.name.as_deref().unwrap_or_default();
    // pm2 listens itself for an app of several workers.
    let is_itself = kept_by.pid == Some(members.first.pid);
    let process = &members.first.name;
    let app = match &kept_by.id {
        Some(id) if is_itself => format!("its app {id}, {name}"),
        Some(id) => format!("its app {id}, {name}, which runs {process}"),
        None if is_itself => name.to_owned(),
        None => process.to_string(),
    };
    let mut text = format!("Have {supervisor} stop {app}");
    // Run as another user than the supervisor's, a command would reach another supervisor.
    let is_named = |uid| uid == 0 || situation.limits.uid == Some(uid) || kept_by.user.is_some();
    let has_user = kept_by.uid.is_none_or(is_named);
    let mut fix = match program(kept_by, members).filter(|_| has_user) {
        Some(program) => {
            let mut steps = vec![Step::Run(program.clone())];
            // An app that ignores SIGTERM gets SIGKILL once its supervisor keeps it down. pm2 and forever send it
            // themselves; supervisord does after 10 s and waits for it.
            let wait = match kept_by.kind {
                SupervisorKind::Pm2 | SupervisorKind::Forever => None,
                SupervisorKind::Supervisord => Some(Duration::from_secs(1)),
                _ => Some(Duration::ZERO),
            };
            if let (Some(wait), Some(why)) = (wait, members.ignores_term()) {
                text = format!("{text}, by SIGKILL: {why}");
                if !wait.is_zero() {
                    steps = vec![Step::Start(program), Step::Pause(wait)];
                }
                steps.push(Step::kill(members.pids()));
            }
            FixCode::StopApp.steps(text, steps)
        }
        None => FixCode::StopApp.fix(format!("{text}, by the name that it has there")),
    };
    if !is_itself {
        fix.also_ends = members.also_ends();
    }
    if !kept_by.is_reachable || situation.limits.uid == Some(0) {
        fix = match kept_by.user.as_deref() {
            Some(user) if user != "root" => {
                fix.run_as(RunAs::Named(user.to_owned()), situation.limits)
            }
            _ => fix.by_root(situation.limits),
        };
    }
    let alone = members.end_restarting(situation).filter(|_| !is_itself);
    [fix].into_iter().chain(alone).collect()
}

/// The supervisor's own command that stops an app and keeps it down.
fn program(kept_by: &Supervisor, members: &Members<'_>) -> Option<Program> {
    let folder = || {
        let folder = kept_by.name.as_deref()?;
        folder.starts_with('/').then_some(folder)
    };
    match kept_by.kind {
        SupervisorKind::Pm2 => {
            // A name must not look like an id or `all`; in slashes it is a regular expression.
            let is_name = |name: &&str| {
                let is_number = name.parse::<f64>().is_ok() || name.starts_with("0x");
                !is_number && !name.is_empty() && *name != "all" && !name.starts_with(['-', '/'])
            };
            let name = || kept_by.name.as_deref().filter(is_name);
            let app = kept_by.id.as_deref().or_else(name)?;
            let home = kept_by.place.as_deref();
            Some(Program {
                variable: home.map(|home| ("PM2_HOME", home.to_owned())),
                ..Program::new(["pm2", "stop", app])
            })
        }
        SupervisorKind::Supervisord => {
            let server = supervisord(kept_by.place.as_deref()?)?;
            // One program: `all` means all, and `web:` a whole group.
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
            let is_program = |name: &&str| {
                let is_whole = name.split(':').all(|part| !part.is_empty());
                is_whole && name.chars().all(is_allowed) && *name != "all" && !name.starts_with('-')
            };
            let name = kept_by.name.as_deref().filter(is_program)?;
            let control = Program::new(["supervisorctl"]).with(server);
            Some(control.with(["stop", name]))
        }
        SupervisorKind::Runit => Some(Program::new(["sv", "down", folder()?])),
        SupervisorKind::Daemontools => Some(Program::new(["svc", "-d", folder()?])),
        SupervisorKind::S6 => Some(Program::new(["s6-svc", "-d", folder()?])),
        SupervisorKind::Forever => {
            let pid = members.first.pid.to_string();
            Some(Program::new(["forever", "stop", &pid]))
        }
        _ => None,
    }
}

/// The options of `supervisorctl` for a server: its config file or address. Without them it uses a config file in the
/// current folder, or another server.
fn supervisord(place: &str) -> Option<[&str; 2]> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    let is_address = place.starts_with("unix:///")
        || place.strip_prefix("http://").is_some_and(|host| {
            host.starts_with(|c: char| is_host(c) && c != '-') && host.chars().all(is_host)
        });
    match place {
        _ if is_address => Some(["-s", place]),
        _ if place.starts_with('/') => Some(["-c", place]),
        _ => None,
    }
}
