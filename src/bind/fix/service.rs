//! Stopping units of systemd and apps of supervisors by their own commands.

use std::borrow::Cow;

use super::members::Members;
use super::party::{is_guarded, named_or};
use super::process;
use super::reader::Reader;
use super::shell::{shell_word, unit_operands};
use super::{Fix, FixCode, Situation, guard};
use crate::model::{EndRisk, Manager, Supervisor, SupervisorKind, Term, Text, Unit};

/// `systemctl stop` of these units, by whom it takes.
pub(super) fn stop(
    code: FixCode,
    text: &str,
    operands: &str,
    manager: &Manager,
    situation: &Situation<'_>,
) -> Fix {
    let command = format!("{} stop {operands}", systemctl(manager));
    by_manager(Fix::command(code, text, command), manager, situation)
}

/// `systemctl` as it reaches a manager.
fn systemctl(manager: &Manager) -> String {
    match manager {
        Manager::System => "systemctl".to_owned(),
        Manager::Own => "systemctl --user".to_owned(),
        Manager::OfUser(user) => {
            format!("systemctl --user -M {}", shell_word(&format!("{user}@")))
        }
    }
}

/// The fix as root's, unless the manager is the reader's own.
fn by_manager(fix: Fix, manager: &Manager, situation: &Situation<'_>) -> Fix {
    match manager {
        Manager::Own => fix,
        Manager::System | Manager::OfUser(_) => Reader::of(situation.limits).as_root(fix),
    }
}

/// A service that the port is there for.
pub(super) fn unit_fixes(
    unit: &Unit,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let mut fix = stop_unit(unit, members, situation);
    let own_unit = situation.limits.unit.as_ref() == Some(&unit.name);
    let end_risk = if own_unit {
        EndRisk::Ancestor
    } else {
        members.end_risk()
    };
    if is_guarded(end_risk) {
        let mut fixes = guard::instead(end_risk, members, situation);
        fix.warning = guard::consequence(end_risk);
        // It ends more than the port: what else comes before it.
        fixes.push(fix);
        return fixes;
    }
    let mut fixes = vec![fix];
    if fixes[0].command.is_some() {
        fixes.extend(members.end_restarting(situation));
    }
    fixes
}

/// The stop of a service, of what triggers it, and of what its stop would leave.
fn stop_unit(unit: &Unit, members: &Members<'_>, situation: &Situation<'_>) -> Fix {
    let name = unit.name.as_str();
    let triggers: Vec<&str> = unit.triggered_by.iter().map(Text::as_str).collect();
    let mut text = members.first_process().map_or_else(
        || format!("Stop {name}"),
        |process| format!("Stop {name}, which runs {}", process.name),
    );
    if !triggers.is_empty() {
        let s = if triggers.len() == 1 { "s" } else { "" };
        text = format!("{text}, and {}, which start{s} it", triggers.join(", "));
    }
    let units: Vec<&str> = triggers.into_iter().chain([name]).collect();
    let (Some(operands), Some(operand)) = (unit_operands(&units), unit_operands(&[name])) else {
        return Fix::sentence(FixCode::StopUnit, text);
    };
    let control = systemctl(&unit.manager);
    let (stays, deaf) = (members.outlive(unit), members.deaf());
    let command = match deaf {
        // `KillMode=process` and `none` leave what has the port.
        _ if !stays.is_empty() => {
            let signal = if deaf.is_some() { "-KILL " } else { "" };
            format!(
                "{control} stop {operands}; {}",
                process::kill(signal, &stays)
            )
        }
        Some(why) => {
            // A stop waits for TimeoutStopSec=, 90 s, before it kills.
            text = format!("{text}, by SIGKILL: {why}");
            format!("{control} --no-block stop {operands}; {control} kill -s KILL {operand}")
        }
        None => format!("{control} stop {operands}"),
    };
    let fix = Fix {
        also_ends: members.also_ends(),
        ..Fix::command(FixCode::StopUnit, text, command)
    };
    by_manager(fix, &unit.manager, situation)
}

/// An app of a supervisor.
pub(super) fn app_fixes(
    kept_by: &Supervisor,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let supervisor = supervisor_name(kept_by.kind);
    let name = kept_by.name.as_deref().unwrap_or_default();
    // pm2 listens itself for an app of several workers.
    let is_itself = kept_by.pid.is_some() && kept_by.pid == members.pids().first().copied();
    let first = members.first_process().filter(|_| !is_itself);
    let app = match &kept_by.id {
        Some(id) => format!("its app {id}, {name}"),
        None => name.to_owned(),
    };
    let what = match first {
        Some(process) if kept_by.id.is_some() => format!("{app}, which runs {}", process.name),
        Some(process) => process.name.to_string(),
        None => app,
    };
    let text = format!("Have {supervisor} stop {what}");
    let mut fix = match command(kept_by, members).filter(|_| has_user(kept_by, situation)) {
        Some(command) => Fix::command(FixCode::StopApp, text, command),
        None => Fix::sentence(
            FixCode::StopApp,
            format!("{text}, by the name that it has there"),
        ),
    };
    if !is_itself {
        fix.also_ends = members.also_ends();
    }
    fix = insist(fix, kept_by.kind, members);
    let reader = Reader::of(situation.limits);
    if !kept_by.is_reachable || situation.limits.uid == Some(0) {
        fix = match kept_by.user.as_deref() {
            Some(user) if user != "root" => reader.as_user(fix, user),
            _ => reader.as_root(fix),
        };
    }
    let mut fixes = vec![fix];
    if !is_itself {
        fixes.extend(members.end_restarting(situation));
    }
    fixes
}

/// Whether the user that a supervisor runs as can be named in a command: run as another it would reach what
/// another one runs.
fn has_user(kept_by: &Supervisor, situation: &Situation<'_>) -> bool {
    let is_named = |uid| uid == 0 || situation.limits.uid == Some(uid) || kept_by.user.is_some();
    kept_by.uid.is_none_or(is_named)
}

/// What does not react to SIGTERM takes SIGKILL once its supervisor keeps it down. pm2 and forever send that
/// themselves; supervisord does after 10 s and waits for it.
fn insist(fix: Fix, kind: SupervisorKind, members: &Members<'_>) -> Fix {
    let (Some(why), Some(command)) = (members.deaf(), &fix.command) else {
        return fix;
    };
    let wait = match kind {
        SupervisorKind::Pm2 | SupervisorKind::Forever => return fix,
        SupervisorKind::Supervisord => " & sleep 1",
        _ => "",
    };
    let kill = process::kill("-KILL ", &members.pids());
    Fix {
        text: format!("{}, by SIGKILL: {why}", fix.text),
        command: Some(format!("{command}{wait}; {kill}")),
        ..fix
    }
}

/// The supervisor's own command that stops an app and keeps it down.
fn command(kept_by: &Supervisor, members: &Members<'_>) -> Option<String> {
    let folder = || {
        let folder = kept_by.name.as_deref()?;
        folder.starts_with('/').then(|| shell_word(folder))
    };
    match kept_by.kind {
        SupervisorKind::Pm2 => {
            let home = kept_by.place.as_deref().map_or_else(String::new, |home| {
                format!("PM2_HOME={} ", shell_word(home))
            });
            Some(format!("{home}pm2 stop {}", pm2_app(kept_by)?))
        }
        SupervisorKind::Supervisord => {
            let server = supervisord(kept_by.place.as_deref()?)?;
            let name = kept_by.name.as_deref().filter(|name| is_program(name))?;
            Some(format!("supervisorctl {server} stop {name}"))
        }
        SupervisorKind::Runit => Some(format!("sv down {}", folder()?)),
        SupervisorKind::Daemontools => Some(format!("svc -d {}", folder()?)),
        SupervisorKind::S6 => Some(format!("s6-svc -d {}", folder()?)),
        SupervisorKind::Forever => Some(format!("forever stop {}", members.first_process()?.pid)),
        _ => None,
    }
}

/// What `pm2 stop` takes for an app: its id, or a name that it does not take for an id or for every app.
fn pm2_app(kept_by: &Supervisor) -> Option<Cow<'_, str>> {
    let is_name = |name: &&str| {
        let is_number = name.parse::<f64>().is_ok() || name.starts_with("0x");
        // What begins and ends with `/` is an expression.
        !is_number && !name.is_empty() && *name != "all" && !name.starts_with(['-', '/'])
    };
    let name = || kept_by.name.as_deref().filter(is_name);
    kept_by.id.as_deref().or_else(name).map(shell_word)
}

/// How `supervisorctl` reaches a server: by the server's config file or its address. Without either it takes
/// a config file from the folder that it is run in, or a server that is another.
fn supervisord(place: &str) -> Option<String> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    let is_address = place.starts_with("unix:///")
        || place.strip_prefix("http://").is_some_and(|host| {
            host.starts_with(|c: char| is_host(c) && c != '-') && host.chars().all(is_host)
        });
    match place {
        _ if is_address => Some(format!("-s {}", shell_word(place))),
        _ if place.starts_with('/') => Some(format!("-c {}", shell_word(place))),
        _ => None,
    }
}

/// Whether `supervisorctl stop` takes this for one program: `all` are all, and `web:` is a whole group.
fn is_program(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    let is_whole = name.split(':').all(|part| !part.is_empty());
    name.chars().all(is_allowed) && is_whole && name != "all" && !name.starts_with('-')
}

/// What people call a supervisor.
pub(super) const fn supervisor_name(kind: SupervisorKind) -> &'static str {
    match kind {
        SupervisorKind::Systemd => "systemd",
        SupervisorKind::Docker => "Docker",
        SupervisorKind::Podman => "podman",
        SupervisorKind::Kubelet => "Kubernetes",
        SupervisorKind::Pm2 => "pm2",
        SupervisorKind::Supervisord => "supervisord",
        SupervisorKind::Runit => "runit",
        SupervisorKind::Daemontools => "daemontools",
        SupervisorKind::S6 => "s6",
        SupervisorKind::Nodemon => "nodemon",
        SupervisorKind::Watch => "its file watcher",
        SupervisorKind::Forever => "forever",
        SupervisorKind::Foreman => "foreman",
        SupervisorKind::Overmind => "overmind",
        SupervisorKind::ShellLoop => "a loop in a shell",
        SupervisorKind::UnknownParent => "its parent",
    }
}

/// `supervisord (77)`, or what is known of it.
pub(in crate::bind) fn supervisor_text(kept_by: &Supervisor) -> String {
    let name = supervisor_name(kept_by.kind);
    // What is known by its own name needs no interpreter before it.
    let process = kept_by.process.as_ref().filter(|_| name.contains(' '));
    match kept_by.pid {
        Some(pid) => named_or(process, pid, name),
        None => name.to_owned(),
    }
}

/// Whether a process does not end by SIGTERM.
pub(super) const fn ignores(term: Term) -> bool {
    matches!(term, Term::Ignored | Term::Blocked | Term::Dropped)
}
