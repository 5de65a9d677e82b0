//! Stopping units of systemd and apps of supervisors by their own commands.

use super::party::{is_guarded, named_or};
use super::process::{self, Members};
use super::reader::Reader;
use super::shell::{shell_word, unit_operands};
use super::{Fix, FixCode, Situation};
use crate::model::{KeeperKind, KeptBy, Manager, Standing, Term, Unit};

/// `systemctl stop` of these units, by whom it takes.
pub(super) fn stop(
    code: FixCode,
    text: &str,
    operands: &str,
    manager: &Manager,
    situation: &Situation<'_>,
) -> Fix {
    let reader = Reader::of(situation.limits);
    match manager {
        Manager::System => reader.as_root(Fix::command(
            code,
            text,
            format!("systemctl stop {operands}"),
        )),
        Manager::Own => Fix::command(code, text, format!("systemctl --user stop {operands}")),
        Manager::OfUser(user) => {
            let machine = shell_word(&format!("{user}@")).into_owned();
            let command = format!("systemctl --user -M {machine} stop {operands}");
            reader.as_root(Fix::command(code, text, command))
        }
    }
}

/// A service that the port is there for.
pub(super) fn unit_fixes(
    unit: &Unit,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let name = unit.name.as_str();
    let triggers = unit.triggered_by.iter().map(|unit| unit.as_str());
    // A timer starts it when its time has come, a socket or path unit with the next client.
    let (timers, triggers): (Vec<&str>, Vec<&str>) =
        triggers.partition(|unit| unit.ends_with(".timer"));
    let units: Vec<&str> = triggers.into_iter().chain([name]).collect();
    let text = members.first_process().map_or_else(
        || format!("Stop {name}"),
        |process| format!("Stop {name}, which runs {}", process.name),
    );
    let Some(operands) = unit_operands(&units) else {
        return vec![Fix::sentence(FixCode::StopUnit, text)];
    };
    let mut fix = stop(
        FixCode::StopUnit,
        &text,
        &operands,
        &unit.manager,
        situation,
    );
    fix.also_ends = members.also_ends();
    let stays = members.outlive(unit);
    if let (Some(command), false) = (&mut fix.command, stays.is_empty()) {
        // `KillMode=process` and `none` leave what has the port.
        let kill = process::kill("", &stays);
        let sudo = if command.starts_with("sudo ") {
            "sudo "
        } else {
            ""
        };
        *command = format!("{command}; {sudo}{kill}");
    }
    if members.ignore_term() && !members.is_empty() {
        fix = insist(fix, members);
    }
    fix.warning = (!timers.is_empty()).then(|| {
        format!(
            "{} starts it again when its time comes.",
            timers.join(" and ")
        )
    });
    let own_unit = situation.limits.unit.as_ref() == Some(&unit.name);
    let standing = members.standing();
    if is_guarded(standing) || own_unit {
        let standing = if own_unit {
            Standing::Ancestor
        } else {
            standing
        };
        let mut fixes = process::guarded(standing, members, situation);
        fix.warning = fix.warning.or_else(|| process::consequence(standing));
        // It ends more than the port: what else comes before it.
        fixes.push(fix);
        return fixes;
    }
    let mut fixes = vec![fix];
    if let Some(kill) = members.end_restarting(situation) {
        fixes.push(kill);
    }
    fixes
}

/// An app of a supervisor.
pub(super) fn app_fixes(
    kept_by: &KeptBy,
    members: &Members<'_>,
    situation: &Situation<'_>,
) -> Vec<Fix> {
    let keeper = keeper_name(kept_by.kind);
    let name = kept_by.name.as_deref().unwrap_or_default();
    let what = members
        .first_process()
        .map_or_else(|| name.to_owned(), |process| process.name.to_string());
    let text = format!("Have {keeper} stop {what}");
    let mut fix = match command(kept_by, members) {
        Some(command) => Fix::command(FixCode::StopApp, text, command),
        None => Fix::sentence(
            FixCode::StopApp,
            format!("{text}, by the name that it has there"),
        ),
    };
    fix.also_ends = members.also_ends();
    if fix.command.is_some() && members.ignore_term() {
        fix = insist(fix, members);
    }
    let reader = Reader::of(situation.limits);
    if !kept_by.is_reachable || situation.limits.uid == Some(0) {
        fix = match kept_by.user.as_deref() {
            Some(user) if user != "root" => reader.as_user(fix, user),
            _ => reader.as_root(fix),
        };
    }
    let mut fixes = vec![fix];
    fixes.extend(members.end_restarting(situation));
    fixes
}

/// What does not react to SIGTERM takes SIGKILL after its supervisor was told to keep it down.
fn insist(fix: Fix, members: &Members<'_>) -> Fix {
    let command = fix.command.as_deref().map(|command| {
        let background = if command.contains("supervisorctl ") || command.contains("systemctl ") {
            // Both wait for the end of it.
            format!(
                "{} & sleep 1",
                command.replacen("systemctl ", "systemctl --no-block ", 1)
            )
        } else {
            command.to_owned()
        };
        let sudo = if command.starts_with("sudo ") {
            "sudo "
        } else {
            ""
        };
        let separator = if background.contains(" & ") {
            "; "
        } else {
            "; "
        };
        format!(
            "{background}{separator}{sudo}{}",
            process::kill("-KILL ", &members.pids())
        )
    });
    Fix {
        command,
        warning: Some("It does not react to SIGTERM.".into()),
        ..fix
    }
}

/// The supervisor's own command that stops an app and keeps it down.
fn command(kept_by: &KeptBy, members: &Members<'_>) -> Option<String> {
    let name = kept_by.name.as_deref();
    let word = || name.filter(|name| !name.starts_with('-')).map(shell_word);
    match kept_by.kind {
        KeeperKind::Pm2 => {
            let home = kept_by.place.as_deref().map_or_else(String::new, |home| {
                format!("PM2_HOME={} ", shell_word(home))
            });
            Some(format!("{home}pm2 stop {}", word()?))
        }
        KeeperKind::Supervisord => {
            let file = kept_by
                .place
                .as_deref()
                .map_or_else(String::new, |file| format!("-c {} ", shell_word(file)));
            Some(format!("supervisorctl {file}stop {}", word()?))
        }
        KeeperKind::Runit => Some(format!("sv down {}", word()?)),
        KeeperKind::Daemontools => Some(format!("svc -d {}", word()?)),
        KeeperKind::S6 => Some(format!("s6-svc -d {}", word()?)),
        KeeperKind::Forever => Some(format!("forever stop {}", members.first_process()?.pid)),
        _ => None,
    }
}

/// What people call a supervisor.
pub(super) const fn keeper_name(kind: KeeperKind) -> &'static str {
    match kind {
        KeeperKind::Systemd => "systemd",
        KeeperKind::Docker => "Docker",
        KeeperKind::Podman => "podman",
        KeeperKind::Kubelet => "Kubernetes",
        KeeperKind::Pm2 => "pm2",
        KeeperKind::Supervisord => "supervisord",
        KeeperKind::Runit => "runit",
        KeeperKind::Daemontools => "daemontools",
        KeeperKind::S6 => "s6",
        KeeperKind::Nodemon => "nodemon",
        KeeperKind::Watch => "its file watcher",
        KeeperKind::Forever => "forever",
        KeeperKind::Foreman => "foreman",
        KeeperKind::Overmind => "overmind",
        KeeperKind::ShellLoop => "a loop in a shell",
        KeeperKind::Master => "its master process",
        KeeperKind::UnknownParent => "its parent",
    }
}

/// `supervisord (77)`, or what is known of it.
pub(super) fn keeper_text(kept_by: &KeptBy) -> String {
    let name = keeper_name(kept_by.kind);
    match kept_by.pid {
        Some(pid) => named_or(kept_by.process.as_ref(), pid, name),
        None => name.to_owned(),
    }
}

/// Whether a process does not end by SIGTERM.
pub(super) const fn ignores(term: Term) -> bool {
    matches!(term, Term::Ignored | Term::Blocked | Term::Dropped)
}
