//! The parties that have a port, each as one command can end it: a container, a unit, an app of a supervisor, processes.

use std::collections::BTreeMap;

use super::process_group::{self, Member, Members, ignores_term};
use super::shell::unit_operands;
use super::{Fix, FixCode, Situation, container, process, protected, service};
use crate::model::{
    Activation, Background, Behind, BehindKind, Holder, Manager, Owner, Pid, Process, Supervisor,
    SupervisorKind, Text, Unit,
};

/// One of them.
pub(super) enum Party<'a> {
    /// systemd listens for a socket unit.
    SocketUnit {
        activation: &'a Activation,
        /// Whether its service was started and has the socket too.
        is_started: bool,
        manager: Manager,
    },
    Container {
        behind: &'a Behind,
        background: Option<&'a Background>,
    },
    Unit {
        unit: &'a Unit,
        /// Its processes, if they are ended by it alone.
        members: Option<Members<'a>>,
    },
    App {
        kept_by: &'a Supervisor,
        members: Members<'a>,
    },
    Processes(Members<'a>),
    /// The owner can't be seen.
    Hidden {
        user: Option<&'a Text>,
        /// The only possible ssh session.
        session: Option<&'a Behind>,
    },
}

/// Every party once, the most important first.
pub(super) fn parties<'a>(situation: &Situation<'a>) -> Vec<Party<'a>> {
    let mut parties: Vec<Party<'a>> = Vec::new();
    let mut processes: BTreeMap<Pid, Member<'a>> = BTreeMap::new();
    let mut at = None;
    for &holder in &situation.holders {
        if let Some(party) = of_socket(holder) {
            if !parties.iter().any(|other| other.is_same(&party)) {
                parties.push(party);
            }
            continue;
        }
        for process in holder.socket.owner.present() {
            let mut backgrounds = holder.backgrounds.iter();
            let background = backgrounds.find(|one| one.pid == process.pid);
            processes
                .entry(process.pid)
                .or_insert((process, background));
            at.get_or_insert(parties.len());
        }
    }
    // The processes take the position of the first one found.
    let after = parties.split_off(at.unwrap_or(0).min(parties.len()));
    let processes: Vec<_> = processes.into_values().collect();
    let of_processes = process_group::families(&processes)
        .into_iter()
        .map(of_members);
    for party in of_processes.chain(after) {
        if !parties.iter().any(|other| other.is_same(&party)) {
            parties.push(party);
        }
    }
    parties
}

/// Whether a process is a service manager, or its child before `exec`, which has every socket until then: it is called
/// `(nginx)`, and has executed the service or ended by the next check.
pub(in crate::bind) fn is_systemd(process: &Process) -> bool {
    let is_manager = |path: &str| path.ends_with("/systemd");
    process.pid == 1
        || &*process.comm == "systemd"
        || process.comm.starts_with('(')
        || process.executable.as_deref().is_none_or(is_manager)
}

/// The party that owns the whole socket, regardless of process.
fn of_socket(holder: &Holder) -> Option<Party<'_>> {
    let is_container = |behind: &&Behind| behind.kind == BehindKind::Container;
    let hidden = holder.behind.as_ref();
    if let Some(activation) = &holder.activation {
        let mut owners = holder.socket.owner.present().iter();
        return Some(Party::SocketUnit {
            activation,
            is_started: owners.any(|process| !is_systemd(process)) || holder.hidden_unit.is_some(),
            manager: holder.manager.clone().unwrap_or(Manager::System),
        });
    }
    let mut containers = holder.backgrounds.iter().filter_map(|background| {
        let behind = background.behind.as_ref().filter(is_container)?;
        Some((behind, Some(background)))
    });
    let hidden_container = hidden.filter(is_container).map(|behind| (behind, None));
    if let Some((behind, background)) = containers.next().or(hidden_container) {
        let unit = background.and_then(|background| background.unit.as_ref());
        let server = unit.filter(|unit| unit.is_server == Some(true));
        return Some(match server {
            Some(unit) => Party::Unit {
                unit,
                members: None,
            },
            None => Party::Container { behind, background },
        });
    }
    if let Some(unit) = &holder.hidden_unit {
        let members = None;
        return Some(Party::Unit { unit, members });
    }
    (holder.socket.owner == Owner::Hidden).then(|| Party::Hidden {
        user: holder.socket.user.as_ref(),
        session: hidden.filter(|behind| behind.kind == BehindKind::SshSession),
    })
}

/// The party of processes that belong together, by the background of the first.
fn of_members(members: Members<'_>) -> Party<'_> {
    let background = members.background;
    let unit = background.and_then(|background| background.unit.as_ref());
    if let Some(unit) = unit.filter(|unit| unit.is_server == Some(true)) {
        let members = Some(members);
        return Party::Unit { unit, members };
    }
    let has_own_command = |kept_by: &&Supervisor| {
        use SupervisorKind as K;
        matches!(
            kept_by.kind,
            K::Pm2 | K::Supervisord | K::Runit | K::Daemontools | K::S6 | K::Forever | K::Overmind
        )
    };
    let kept_by = background.and_then(|background| background.kept_by.as_ref());
    match kept_by.filter(has_own_command) {
        // A supervisor that listens itself is not an app.
        Some(kept_by) if kept_by.pid != Some(members.first.pid) || kept_by.name.is_some() => {
            Party::App { kept_by, members }
        }
        _ => Party::Processes(members),
    }
}

impl Party<'_> {
    fn is_same(&self, other: &Self) -> bool {
        use Party::{Container, Hidden, SocketUnit, Unit};
        match (self, other) {
            (
                SocketUnit {
                    activation: one, ..
                },
                SocketUnit {
                    activation: two, ..
                },
            ) => one == two,
            (Container { behind: one, .. }, Container { behind: two, .. }) => {
                (one.engine, &one.id, &one.name) == (two.engine, &two.id, &two.name)
            }
            (Unit { unit: one, .. }, Unit { unit: two, .. }) => one.name == two.name,
            (Hidden { .. }, Hidden { .. }) => true,
            _ => false,
        }
    }

    /// The fixes for it, the best first.
    pub(super) fn fixes(&self, situation: &Situation<'_>) -> Vec<Fix> {
        match self {
            Self::SocketUnit {
                activation,
                is_started,
                manager,
            } => vec![stop_socket_unit(
                activation,
                *is_started,
                manager,
                situation,
            )],
            Self::Container { behind, background } => {
                let ignores = background.is_some_and(|it| ignores_term(it.reaction.term));
                container::fixes(behind, ignores, situation)
            }
            Self::Unit { unit, members } => service::unit_fixes(unit, members.as_ref(), situation),
            Self::App { kept_by, members } => service::app_fixes(kept_by, members, situation),
            Self::Processes(members) => process::fixes(members, situation),
            Self::Hidden { user, session } => vec![hidden(*user, *session, situation)],
        }
    }
}

fn stop_socket_unit(
    activation: &Activation,
    is_started: bool,
    manager: &Manager,
    situation: &Situation<'_>,
) -> Fix {
    let mut units: Vec<&str> = vec![&activation.socket_unit];
    // With `Accept=yes` each connection has an instance of the service, and none has the listener.
    if is_started && !activation.service.contains("@.") {
        units.push(&activation.service);
    }
    let text = format!("Stop the socket unit {}", activation.socket_unit);
    let Some(operands) = unit_operands(&units) else {
        return FixCode::StopSocketUnit.fix(text);
    };
    let command = format!("{} stop {operands}", service::systemctl(manager));
    let fix = FixCode::StopSocketUnit.command(text, command);
    service::by_manager(fix, manager, situation)
}

fn hidden(user: Option<&Text>, session: Option<&Behind>, situation: &Situation<'_>) -> Fix {
    if let Some(session) = session {
        let who = session.name.as_deref().unwrap_or_default();
        let escape = session.escape.as_deref().unwrap_or_default();
        let how = protected::by_escape(&format!("in the ssh session of {who}"), escape);
        return FixCode::CloseForward.fix(format!("Close only the forward: {how}"));
    }
    let of = user.map_or_else(String::new, |user| format!(" of {user}"));
    let how = match &situation.check_as_root {
        Some(command) => {
            format!("hidden from you: `{command}` shows which it is and how to end it")
        }
        None if situation.limits.uid == Some(0) => {
            "hidden even from root here: end it where it can be seen".to_owned()
        }
        None => "hidden from you: ask its user, or root, to end it".to_owned(),
    };
    FixCode::EndProcess.fix(format!("The process{of} is {how}"))
}
