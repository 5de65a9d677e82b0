//! Units of systemd: which one a process or a socket belongs to, and whether it is there for it.

mod socket_units;
mod systemd;

use std::collections::HashMap;

use rustix::process::getuid;

use self::socket_units::{SocketUnits, Whose};
use super::containers::publishers::{self, Publisher};
use super::facts::{self, Environment, Facts};
use super::{cgroups, keepers, end_risk};
use crate::model::{
    Behind, BehindKind, Engine, Holder, SupervisorKind, Supervisor, Manager, Owner, Pid, Socket, EndRisk,
    Text, Unit,
};
use crate::source::users::Users;

/// What systemd's managers answered, each question asked once.
#[derive(Default)]
pub(super) struct Units {
    answers: HashMap<(String, Option<u32>), Result<systemd::Properties, String>>,
    socket_units: SocketUnits,
}

impl Units {
    /// Adds to a holder the socket unit that systemd listens for, whose manager that is, and the service that it
    /// started where its processes may not be seen.
    pub(super) fn add_activation(&mut self, holder: &mut Holder, users: &mut Users) {
        if holder.activation.is_none() {
            holder.activation = self.socket_units.of(&holder.socket);
        }
        if holder.activation.is_some() {
            holder.manager = Some(manager_of(holder, users));
            holder.hidden_unit = self.hidden_service(holder, users);
        }
    }

    /// The service of a socket unit, if it runs and its processes may not be seen.
    fn hidden_service(&mut self, holder: &Holder, users: &mut Users) -> Option<Unit> {
        let name = &holder.activation.as_ref()?.service;
        let is_seen = matches!(holder.socket.owner, Owner::Known(_));
        if is_seen || holder.manager != Some(Manager::System) {
            return None;
        }
        let properties = self.show(name, None).ok().filter(|found| found.is_active)?;
        Some(described(name, None, Some(&properties), Some(true), users))
    }

    /// The service of a socket whose owner may not be seen, if it is there for it: all of its processes descend
    /// from its main one, and that launches nothing else.
    pub(super) fn of_hidden(&mut self, socket: &Socket, users: &mut Users) -> Option<Unit> {
        let name = socket
            .unit
            .as_deref()
            .filter(|unit| unit.ends_with(".service"))?;
        if socket.container.is_some() || name.starts_with("user@") {
            return None;
        }
        let properties = self.show(name, None).ok()?;
        let main = Facts::of(properties.main_pid?)?;
        let uids = [Some(0), main.uid()];
        // It was opened as root, or as the user that the service runs as.
        let is_plain = is_a_server(&main) && uids.contains(&socket.uid);
        is_plain.then(|| described(name, None, Some(&properties), Some(true), users))
    }

    /// The unit that the process is in. systemd is asked where its answer decides.
    pub(super) fn of(
        &mut self,
        line: &[Facts],
        owners: &[Pid],
        behind: Option<&Behind>,
        supervisor: Option<&Supervisor>,
        users: &mut Users,
    ) -> Option<Unit> {
        let own = line.first()?;
        let name = cgroups::unit(&own.cgroup)?;
        let user = cgroups::user_manager(&own.cgroup);
        let is_known_keeper = supervisor.is_some_and(|supervisor| {
            !matches!(
                supervisor.kind,
                SupervisorKind::UnknownParent | SupervisorKind::ShellLoop
            )
        });
        let is_container = behind.is_some_and(|behind| behind.kind == BehindKind::Container);
        let is_podman = behind.is_some_and(|behind| behind.engine == Some(Engine::Podman));
        // Quadlet, and `podman generate systemd`: the monitor or the payload is in the unit's group.
        let may_be_quadlet = is_podman && !name.starts_with("user@") && name != "podman.service";
        let is_wanted =
            name.ends_with(".service") && (may_be_quadlet || !is_container) && !is_known_keeper;
        if !is_wanted {
            return None;
        }
        let answer = self.show(&name, user);
        let properties = answer.as_ref().ok();
        let is_server = match properties {
            Some(properties) if may_be_quadlet => Some(runs_container(properties, line, behind)),
            Some(properties) => Some(is_server(properties, line, owners, supervisor)),
            None if may_be_quadlet => Some(false),
            None => is_started_by_systemd(line),
        };
        let properties = properties.cloned();
        Some(described(
            &name,
            user,
            properties.as_ref(),
            is_server,
            users,
        ))
    }

    /// Asks a manager about a unit, once.
    fn show(&mut self, name: &str, user: Option<u32>) -> Result<systemd::Properties, String> {
        let answer = self.answers.entry((name.to_owned(), user));
        answer.or_insert_with(|| systemd::show(name, user)).clone()
    }
}

/// A unit with its properties, where systemd gave them.
fn described(
    name: &str,
    user: Option<u32>,
    properties: Option<&systemd::Properties>,
    is_server: Option<bool>,
    users: &mut Users,
) -> Unit {
    let triggers = properties.iter().flat_map(|found| &found.triggered_by);
    Unit {
        name: Text::new(name),
        manager: manager(user, users),
        is_server,
        main_pid: properties.and_then(|found| found.main_pid),
        restart: properties.map(|found| Text::new(&found.restart)),
        kill_mode: properties.map(|found| Text::new(&found.kill_mode)),
        triggered_by: triggers.map(|unit| Text::new(unit)).collect(),
    }
}

fn manager(user: Option<u32>, users: &mut Users) -> Manager {
    match user {
        None => Manager::System,
        Some(uid) if uid == getuid().as_raw() => Manager::Own,
        Some(uid) => {
            let name = users.name(uid);
            Manager::OfUser(name.unwrap_or_else(|| Text::new(&uid.to_string())))
        }
    }
}

/// Whose manager has a socket unit's socket.
fn manager_of(holder: &Holder, users: &mut Users) -> Manager {
    let mut owners = holder.socket.owner.present().iter();
    let uid = owners.find_map(socket_units::manager).and_then(Whose::uid);
    let uid = uid.or_else(|| holder.socket.uid.filter(|_| holder.is_user_unit));
    manager(uid, users)
}

/// Whether a unit is there for this process: it is the main process or descends from it, and the main
/// process is not one that merely launches things, as cron and an agent of a CI system do, or that is needed
/// for more than this port.
fn is_server(
    properties: &systemd::Properties,
    line: &[Facts],
    owners: &[Pid],
    supervisor: Option<&Supervisor>,
) -> bool {
    /// What was started so much later than the main process was started by somebody, not by the unit: 30 s.
    const LATER: u64 = 3000;
    let Some(main) = properties.main_pid else {
        // All that is left of a unit that is active without a main process is what it is there for.
        return properties.is_active;
    };
    let Some(at) = line.iter().position(|facts| facts.pid == main) else {
        return false;
    };
    let (own, main) = (&line[0], &line[at]);
    if at == 0 || owners.contains(&main.pid) {
        return !keepers::is_launcher(main);
    }
    // What somebody typed in a terminal of the unit is not what the unit is for.
    let is_typed = own.terminal != 0 && main.terminal == 0;
    if !is_a_server(main) || is_typed {
        return false;
    }
    let children = facts::children_of(main.pid);
    let is_all = children.iter().all(|pid| *pid == line[at - 1].pid);
    let is_later = own.started_at_tick > main.started_at_tick + LATER;
    let starts_again = supervisor.is_some_and(|supervisor| supervisor.pid == Some(main.pid));
    is_all && (starts_again || !is_later || keepers::is_wrapper(main))
}

/// Whether the main process of a unit is there to serve: it launches nothing of others, and nothing else of the
/// machine needs it.
fn is_a_server(main: &Facts) -> bool {
    !keepers::is_launcher(main) && end_risk::by_name(main) == EndRisk::Ordinary
}

/// Whether a unit runs a container of podman's: the main process is its monitor, as quadlet and `podman generate
/// systemd` have it. Without a session bus podman leaves the monitor in the group of whoever called it.
fn runs_container(
    properties: &systemd::Properties,
    line: &[Facts],
    behind: Option<&Behind>,
) -> bool {
    let Some(main) = properties.main_pid else {
        return false;
    };
    let is_monitor = || {
        let id = behind.and_then(|behind| behind.id.as_deref());
        let monitored = Facts::of(main).as_ref().and_then(publishers::publisher);
        match (monitored, id) {
            (Some(Publisher::Conmon { id: monitored, .. }), Some(id)) => monitored.starts_with(id),
            _ => false,
        }
    };
    line.iter().any(|facts| facts.pid == main) || is_monitor()
}

/// The same where systemd can't be asked: what it executes finds its own pid in `SYSTEMD_EXEC_PID`
/// (`systemd.exec(5)`, since 248).
fn is_started_by_systemd(line: &[Facts]) -> Option<bool> {
    let executed: Pid = Environment::of(line.first()?.pid)?
        .get("SYSTEMD_EXEC_PID")?
        .parse()
        .ok()?;
    let found = line.iter().find(|facts| facts.pid == executed);
    Some(found.is_some_and(|main| !keepers::is_launcher(main)))
}
