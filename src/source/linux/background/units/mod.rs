//! Units of systemd: the unit of a process or socket, and whether that is its purpose.

mod systemd;

use std::collections::HashMap;

use rustix::process::getuid;

use self::systemd::Properties;
use super::containers::publishers::{self, Publisher};
use super::end_risk;
use super::facts::{self, Facts};
use crate::model::{
    Activation, Behind, BehindKind, EndRisk, Engine, Holder, Manager, Owner, Pid, Socket,
    Supervisor, SupervisorKind, Text, Unit,
};
use crate::source::linux::placement;
use crate::source::users::Users;

/// A process that starts this many clock ticks (30 s) after the main process was started by a user, not by the unit.
const MUCH_LATER: u64 = 3000;

/// The answers of systemd's managers, each requested once: of the system's (`None`) and those of users.
#[derive(Default)]
pub(super) struct Units {
    properties: HashMap<(String, Option<u32>), Option<Properties>>,
    /// Where socket units listen, with their services.
    listening: HashMap<Option<u32>, Vec<(String, Activation)>>,
}

impl Units {
    /// Adds to a holder the socket unit that systemd listens for, with its manager and the service that it
    /// started, if the service's processes may not be seen.
    pub(super) fn add_activation(&mut self, holder: &mut Holder, users: &mut Users) {
        let mut owners = holder.socket.owner.present().iter();
        // The user whose manager has it, `Some(None)` if the system manager does.
        let is_user_s = |facts: &Facts| facts.has_argument("--user");
        let owner = owners.find_map(|process| match process.pid {
            _ if *process.comm != *"systemd" => None,
            1 => Some(None),
            pid => Facts::of(pid).filter(is_user_s)?.uid().map(Some),
        });
        // The unit is found by the address if neither the socket's control group nor a unit file shows it, and for a
        // user manager, which creates its sockets in its own group.
        if let (None, Some(user)) = (&holder.activation, owner) {
            let listening = self.listening.entry(user);
            let listening = listening.or_insert_with(|| systemd::list_sockets(user));
            let local = holder.socket.local.to_string();
            let found = listening.iter().find(|(address, _)| *address == local);
            holder.activation = found.map(|(_, activation)| activation.clone());
        }
        let Some(activation) = &holder.activation else {
            return;
        };
        let of_socket = || holder.socket.uid.filter(|_| holder.is_user_unit);
        let user = owner.flatten().or_else(of_socket);
        holder.manager = Some(manager(user, users));
        let is_seen = matches!(holder.socket.owner, Owner::Known(_));
        if !is_seen && user.is_none() {
            let name = &activation.service;
            let found = self.properties(name, None).filter(|found| found.is_active);
            holder.hidden_unit = found.map(|found| unit(name, Some(found)));
        }
    }

    /// The service of a socket with a hidden owner, if that is its purpose: all of its processes descend from its main
    /// one, which launches nothing else.
    pub(super) fn of_hidden(&mut self, socket: &Socket) -> Option<Unit> {
        let name = socket.unit.as_deref()?;
        let is_service = name.ends_with(".service") && !name.starts_with("user@");
        if !is_service || socket.container.is_some() {
            return None;
        }
        let properties = self.properties(name, None)?;
        let main = Facts::of(properties.main_pid?)?;
        // It was opened as root or as the service's user.
        let is_its_own = [Some(0), main.uid()].contains(&socket.uid);
        (is_a_server(&main) && is_its_own).then(|| unit(name, Some(properties)))
    }

    /// The unit that a process, the first of `line`, is in. systemd is queried only if necessary.
    pub(super) fn of(
        &mut self,
        line: &[Facts],
        owners: &[Pid],
        behind: Option<&Behind>,
        supervisor: Option<&Supervisor>,
        users: &mut Users,
    ) -> Option<Unit> {
        use SupervisorKind as K;
        let own = line.first()?;
        let name = placement::unit(&own.cgroup)?;
        let is_guess = |one: &Supervisor| matches!(one.kind, K::UnknownParent | K::ShellLoop);
        let is_podman = behind.is_some_and(|behind| behind.engine == Some(Engine::Podman));
        // Quadlet, and `podman generate systemd`: the monitor or the payload is in the unit's group.
        let may_be_quadlet = is_podman && !name.starts_with("user@") && name != "podman.service";
        let is_container = behind.is_some_and(|behind| behind.kind == BehindKind::Container);
        let is_wanted = name.ends_with(".service")
            && (may_be_quadlet || !is_container)
            && supervisor.is_none_or(is_guess);
        if !is_wanted {
            return None;
        }
        let user = placement::user_manager(&own.cgroup);
        let properties = self.properties(name, user);
        let is_server = match properties {
            Some(properties) if may_be_quadlet => Some(runs_container(properties, line, behind)),
            Some(properties) => Some(is_server(properties, line, owners, supervisor)),
            None if may_be_quadlet => Some(false),
            None => is_started_by_systemd(line),
        };
        Some(Unit {
            manager: manager(user, users),
            is_server,
            ..unit(name, properties)
        })
    }

    /// The properties of a unit; `None` if the query fails.
    fn properties(&mut self, name: &str, user: Option<u32>) -> Option<&Properties> {
        let known = self.properties.entry((name.to_owned(), user));
        let known = known.or_insert_with(|| systemd::show(name, user));
        known.as_ref()
    }
}

/// A unit of the system manager that is there for its socket, with its properties if the query succeeded.
fn unit(name: &str, properties: Option<&Properties>) -> Unit {
    let triggers = properties.iter().flat_map(|found| &found.triggered_by);
    Unit {
        name: Text::new(name),
        manager: Manager::System,
        is_server: Some(true),
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

/// Whether this process is the purpose of a unit: it is the main process or descends from it, and the main process is
/// not just a launcher (such as cron or a CI agent) or needed for more than this port.
fn is_server(
    properties: &Properties,
    line: &[Facts],
    owners: &[Pid],
    supervisor: Option<&Supervisor>,
) -> bool {
    let Some(main) = properties.main_pid else {
        // The purpose of an active unit without a main process is its remaining processes.
        return properties.is_active;
    };
    let Some(at) = line.iter().position(|facts| facts.pid == main) else {
        return false;
    };
    let (own, main) = (&line[0], &line[at]);
    if at == 0 || owners.contains(&main.pid) {
        return !main.is_launcher();
    }
    // A command typed in a terminal of the unit is not its purpose.
    let is_typed = own.terminal != 0 && main.terminal == 0;
    if !is_a_server(main) || is_typed {
        return false;
    }
    let is_later = own.started_at_tick > main.started_at_tick + MUCH_LATER;
    let starts_again = supervisor.is_some_and(|one| one.pid == Some(main.pid));
    let children = facts::children_of(main.pid);
    children.iter().all(|pid| *pid == line[at - 1].pid)
        && (starts_again || !is_later || main.is_wrapper())
}

/// Whether the main process of a unit is a server: it does not launch other programs, and nothing else on the machine
/// needs it.
fn is_a_server(main: &Facts) -> bool {
    !main.is_launcher() && end_risk::by_name(main) == EndRisk::Ordinary
}

/// Whether a unit runs a container of podman: the main process is its monitor, as with quadlet and `podman generate
/// systemd`. Without a session bus podman leaves the monitor in the group of its caller.
fn runs_container(properties: &Properties, line: &[Facts], behind: Option<&Behind>) -> bool {
    let Some(main) = properties.main_pid else {
        return false;
    };
    let is_monitor = || match Facts::of(main).as_ref().and_then(publishers::publisher) {
        Some(Publisher::Conmon { id, .. }) => {
            let wanted = behind.and_then(|behind| behind.id.as_deref());
            wanted.is_some_and(|wanted| id.starts_with(wanted))
        }
        _ => false,
    };
    line.iter().any(|facts| facts.pid == main) || is_monitor()
}

/// Whether a process is the purpose of its unit if the query fails: programs started by systemd have their own pid in
/// `SYSTEMD_EXEC_PID` (`systemd.exec(5)`, since 248).
fn is_started_by_systemd(line: &[Facts]) -> Option<bool> {
    let executed = facts::variable_of(line.first()?.pid, "SYSTEMD_EXEC_PID")?;
    let executed: Pid = executed.parse().ok()?;
    let found = line.iter().find(|facts| facts.pid == executed);
    Some(found.is_some_and(|main| !main.is_launcher()))
}
