//! What has a port, as one command can end it: a container, a unit, an app of a supervisor, processes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::members::{self, Members};
use super::shell::unit_operands;
use super::{Fix, FixCode, Situation, container, guard, process, service};
use crate::model::{
    Activation, Background, Behind, BehindKind, EndRisk, Holder, Manager, Owner, Pid, Process,
    Supervisor, SupervisorKind, Text, Unit,
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
        members: Members<'a>,
    },
    App {
        kept_by: &'a Supervisor,
        members: Members<'a>,
    },
    Processes(Members<'a>),
    /// The owner may not be seen.
    Hidden {
        user: Option<String>,
        /// The ssh session that it can only be.
        session: Option<&'a Behind>,
    },
}

/// Every party, the one that matters most first; each once.
pub(super) fn parties<'a>(situation: &Situation<'a>) -> Vec<Party<'a>> {
    let mut parties: Vec<Party<'a>> = Vec::new();
    let mut loose: BTreeMap<Pid, (&Arc<Process>, Option<&Background>)> = BTreeMap::new();
    let mut at = None;
    for &holder in &situation.holders {
        if let Some(party) = of_socket(holder) {
            add(&mut parties, party);
            continue;
        }
        for process in holder.socket.owner.present() {
            let background = holder.backgrounds.iter().find(|one| one.pid == process.pid);
            loose.entry(process.pid).or_insert((process, background));
            at.get_or_insert(parties.len());
        }
    }
    let loose = members::grouped(&loose.into_values().collect::<Vec<_>>());
    let at = at.unwrap_or(0).min(parties.len());
    let tail = parties.split_off(at);
    for party in loose {
        add(&mut parties, party);
    }
    for party in tail {
        add(&mut parties, party);
    }
    parties
}

/// Whether a process is a service manager, or a child of it that is about to execute a service and has every
/// socket until then: such a one is called `(nginx)`, and has executed it or ended when it is looked at again.
pub(in crate::bind) fn is_systemd(process: &Process) -> bool {
    let is_manager = |path: &str| path.ends_with("/systemd");
    process.pid == 1
        || &*process.comm == "systemd"
        || process.comm.starts_with('(')
        || process.executable.as_deref().is_none_or(is_manager)
}

/// What a whole socket belongs to, whoever of its processes is asked.
fn of_socket(holder: &Holder) -> Option<Party<'_>> {
    if let Some(activation) = &holder.activation {
        let present = holder.socket.owner.present();
        return Some(Party::SocketUnit {
            activation,
            is_started: present.iter().any(|process| !is_systemd(process))
                || holder.hidden_unit.is_some(),
            manager: holder.manager.clone().unwrap_or(Manager::System),
        });
    }
    let containers = holder.backgrounds.iter().filter_map(|background| {
        let behind = background
            .behind
            .as_ref()
            .filter(|behind| behind.kind == BehindKind::Container)?;
        Some((behind, Some(background)))
    });
    let hidden = holder
        .behind
        .iter()
        .filter(|behind| behind.kind == BehindKind::Container);
    let hidden = hidden.map(|behind| (behind, None));
    let mut containers = containers.chain(hidden);
    if let Some((behind, background)) = containers.next() {
        let unit = background.and_then(|background| background.unit.as_ref());
        if let Some(unit) = unit.filter(|unit| unit.is_server == Some(true)) {
            let members = Members::none();
            return Some(Party::Unit { unit, members });
        }
        return Some(Party::Container { behind, background });
    }
    if let Some(unit) = &holder.hidden_unit {
        let members = Members::none();
        return Some(Party::Unit { unit, members });
    }
    (holder.socket.owner == Owner::Hidden).then(|| Party::Hidden {
        user: holder.socket.user.as_ref().map(ToString::to_string),
        session: holder
            .behind
            .as_ref()
            .filter(|behind| behind.kind == BehindKind::SshSession),
    })
}

/// The party of processes that belong together, as their first one's background says.
pub(super) fn of_members(members: Members<'_>) -> Party<'_> {
    let Some(background) = members.first_background() else {
        return Party::Processes(members);
    };
    if let Some(unit) = background
        .unit
        .as_ref()
        .filter(|unit| unit.is_server == Some(true))
    {
        return Party::Unit { unit, members };
    }
    let has_own_command = |kept_by: &&Supervisor| {
        use SupervisorKind as K;
        matches!(
            kept_by.kind,
            K::Pm2 | K::Supervisord | K::Runit | K::Daemontools | K::S6 | K::Forever | K::Overmind
        )
    };
    match background.kept_by.as_ref().filter(has_own_command) {
        // A supervisor that listens itself is no app of its own.
        Some(kept_by) if kept_by.pid != Some(background.pid) || kept_by.name.is_some() => {
            Party::App { kept_by, members }
        }
        _ => Party::Processes(members),
    }
}

fn add<'a>(parties: &mut Vec<Party<'a>>, party: Party<'a>) {
    let is_same = |other: &Party<'a>| match (other, &party) {
        (
            Party::SocketUnit {
                activation: one, ..
            },
            Party::SocketUnit {
                activation: other, ..
            },
        ) => one == other,
        (Party::Container { behind: one, .. }, Party::Container { behind: other, .. }) => {
            (one.engine, &one.id, &one.name) == (other.engine, &other.id, &other.name)
        }
        (Party::Unit { unit: one, .. }, Party::Unit { unit: other, .. }) => one.name == other.name,
        (Party::Hidden { .. }, Party::Hidden { .. }) => true,
        _ => false,
    };
    if !parties.iter().any(is_same) {
        parties.push(party);
    }
}

impl Party<'_> {
    /// What frees the port of it, the best first.
    pub(super) fn fixes(&self, situation: &Situation<'_>) -> Vec<Fix> {
        match self {
            Self::SocketUnit {
                activation,
                is_started,
                manager,
            } => {
                let mut units: Vec<&str> = vec![&activation.socket_unit];
                // With `Accept=yes` each connection has an instance of its own, and none has the listener.
                if *is_started && !activation.service.contains("@.") {
                    units.push(&activation.service);
                }
                let text = format!("Stop the socket unit {}", activation.socket_unit);
                let Some(operands) = unit_operands(&units) else {
                    return vec![Fix::sentence(FixCode::StopSocketUnit, text)];
                };
                vec![service::stop(
                    FixCode::StopSocketUnit,
                    &text,
                    &operands,
                    manager,
                    situation,
                )]
            }
            Self::Container { behind, background } => container::fixes(
                behind,
                background.map(|background| background.reaction),
                situation,
            ),
            Self::Unit { unit, members } => service::unit_fixes(unit, members, situation),
            Self::App { kept_by, members } => service::app_fixes(kept_by, members, situation),
            Self::Processes(members) => process::fixes(members, situation),
            Self::Hidden {
                session: Some(session),
                ..
            } => {
                let who = session.name.as_deref().unwrap_or_default();
                let escape = session.escape.as_deref().unwrap_or_default();
                let text = format!(
                    "Close only the forward: {}",
                    guard::by_escape(&format!("in the ssh session of {who}"), escape)
                );
                vec![Fix::sentence(FixCode::CloseForward, text)]
            }
            Self::Hidden { user, .. } => vec![hidden(user.as_deref(), situation)],
        }
    }
}

fn hidden(user: Option<&str>, situation: &Situation<'_>) -> Fix {
    let of = user.map_or_else(String::new, |user| format!(" of {user}"));
    let text = match &situation.look_as_root {
        Some(command) => format!(
            "The process{of} is hidden from you: `{command}` shows which it is and how to end it"
        ),
        None => format!("The process{of} is hidden from you: ask its user, or root, to end it"),
    };
    Fix::sentence(FixCode::EndProcess, text)
}

/// Whether ending a process would take along more than its own work.
pub(super) const fn is_guarded(end_risk: EndRisk) -> bool {
    !matches!(end_risk, EndRisk::Ordinary | EndRisk::ContainerInit)
}

/// A name and pid: `node server.js (812)`.
pub(super) fn named(process: &Process) -> String {
    format!("{} ({})", process.name, process.pid)
}

/// The same of something that is known by its pid, and maybe its name.
pub(super) fn named_or(name: Option<&Text>, pid: Pid, otherwise: &str) -> String {
    name.map_or_else(
        || format!("{otherwise} ({pid})"),
        |name| format!("{name} ({pid})"),
    )
}
