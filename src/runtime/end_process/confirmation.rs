//! Whether one confirmation is enough to end a process: for the question, and checked again just before the signal.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Failure, NotSent};
use crate::app::{Confirmed, Ending, Inspected, Msg, RowNamespace};
use crate::clock::Clock;
use crate::inspect::{PortInspector, inspector_of};
use crate::model::{
    Background, EndRisk, Endpoint, Guard, Inside, Limits, Owner, Process, Protocol, Socket, State,
    Supervisor,
};
use crate::runtime::namespace::run_in_row;
use crate::source::lineage;
use crate::source::proc_stat::proc_stat;

/// The most owners to read the background of.
const AT_A_TIME: usize = 32;

/// The port of DNS, which the machine's resolver has.
const DOMAIN: u16 = 53;

/// No port, so that only what is known of a process counts.
const NO_PORT: u16 = 0;

/// Reads the background of a socket's owners. Takes some milliseconds, more if systemd or a container engine is
/// queried.
pub fn inspect_owner(job: u64, socket: &Socket, clock: Clock) -> Msg {
    let row = RowNamespace::of(socket);
    let inspect = |inside| {
        let mut inspector = inspector_of(inside);
        let evidence = inspector.rows(socket.protocol, socket.local.port, clock.now());
        inspect_by(&mut *inspector, socket, (job, evidence.limits))
    };
    let inspected = run_in_row(row.as_ref(), inspect);
    // Where the namespace can't be entered, the processes are readable all the same.
    let inspected = inspected.unwrap_or_else(|_| inspect_processes(job, socket, clock));
    Msg::OwnerInspected(Box::new(inspected))
}

/// Reads what follows from the processes alone, for a socket of a namespace that can't be entered: the port of the same
/// number in our namespace is another one, and so are the limits and the commands.
fn inspect_processes(job: u64, socket: &Socket, clock: Clock) -> Inspected {
    let mut inspector = inspector_of(None);
    let own = inspector.rows(socket.protocol, NO_PORT, clock.now()).limits;
    let inside = socket.namespace.as_ref().map(|namespace| Inside {
        namespace: Arc::clone(namespace),
        option: None,
        enter: None,
    });
    let limits = Limits {
        uid: own.uid,
        sudo_uid: own.sudo_uid,
        home: own.home,
        is_confined: own.is_confined,
        inside: inside.map(Arc::new),
        ..Limits::default()
    };
    let mut socket = socket.clone();
    socket.local.port = NO_PORT;
    inspect_by(&mut *inspector, &socket, (job, limits))
}

fn inspect_by(
    inspector: &mut dyn PortInspector,
    socket: &Socket,
    (job, limits): (u64, Limits),
) -> Inspected {
    let owners = socket.owner.present();
    let owners = &owners[..owners.len().min(AT_A_TIME)];
    let backgrounds = backgrounds(inspector, socket, owners);
    let mut kept_by = backgrounds.iter().filter_map(|one| one.kept_by.as_ref());
    // A parent that restarts the process and has no command to stop it.
    let process_to_end = |supervisor: &Supervisor| {
        let pid = supervisor.pid.filter(|_| supervisor.is_ended_too())?;
        let name = supervisor.process.clone();
        Some(Arc::new(Process {
            started_at_tick: Some(proc_stat(pid)?.started_at_tick),
            ..Process::new(pid, name.unwrap_or_else(|| "parent".into()))
        }))
    };
    let supervisor = kept_by.find_map(process_to_end).and_then(|process| {
        let of = [Arc::clone(&process)];
        let background = self::backgrounds(inspector, socket, &of).pop()?;
        Some((process, background))
    });
    Inspected {
        job,
        backgrounds,
        supervisor,
        limits,
    }
}

/// The background of these owners of a socket. A resolver counts as one with any of its sockets.
fn backgrounds(
    inspector: &mut dyn PortInspector,
    socket: &Socket,
    owners: &[Arc<Process>],
) -> Vec<Background> {
    let mut of_port = |port: u16| {
        let mut socket = Socket {
            owner: Owner::Known(owners.into()),
            ..socket.clone()
        };
        socket.local.port = port;
        inspector.backgrounds(&socket)
    };
    let mut backgrounds = of_port(socket.local.port);
    let is_ordinary = |one: &Background| one.end_risk == EndRisk::Ordinary;
    if socket.local.port != DOMAIN && backgrounds.iter().any(is_ordinary) {
        let resolvers = of_port(DOMAIN).into_iter();
        for resolver in resolvers.filter(|one| one.end_risk == EndRisk::Resolver) {
            let known = backgrounds.iter_mut().find(|one| one.pid == resolver.pid);
            if let Some(known) = known.filter(|one| is_ordinary(one)) {
                known.end_risk = EndRisk::Resolver;
            }
        }
    }
    backgrounds
}

/// Checks whether one confirmation is still enough for these processes, as they may have changed. Returns a supervisor
/// that may restart one of them.
pub(super) fn check(
    ending: &Ending,
    processes: &[Arc<Process>],
) -> Result<Option<Supervisor>, Failure> {
    let row = ending
        .port
        .as_ref()
        .and_then(|port| port.namespace.as_ref());
    let port = ending.port.as_ref().map(|port| &port.target);
    let port = port.map(|target| (target.protocol, target.first_port()));
    let no_port = (Protocol::Tcp, NO_PORT);
    let checked = run_in_row(row, |inside| {
        check_in(inside, port.unwrap_or(no_port), (ending, processes))
    });
    // The same port in our namespace is another one.
    checked.unwrap_or_else(|_| check_in(None, no_port, (ending, processes)))
}

fn check_in(
    inside: Option<Arc<Inside>>,
    (protocol, port): (Protocol, u16),
    (ending, processes): (&Ending, &[Arc<Process>]),
) -> Result<Option<Supervisor>, Failure> {
    let (lineage, mut inspector) = (lineage(), inspector_of(inside));
    let local = Endpoint::new(Ipv4Addr::UNSPECIFIED.into(), port);
    let socket = Socket::new(protocol, local, None, State::Listen);
    let mut supervisor: Option<Supervisor> = None;
    for some in processes.chunks(AT_A_TIME) {
        let backgrounds = backgrounds(&mut *inspector, &socket, some);
        for process in some {
            let known = backgrounds.iter().find(|one| one.pid == process.pid);
            let by_risk = known.and_then(|one| Guard::of(one.end_risk));
            match (ending.confirmed, lineage.guard(process).or(by_risk)) {
                (Confirmed::Once, Some(guard)) => {
                    return Err(NotSent::ConfirmedOnce(guard).to(process));
                }
                _ => supervisor = supervisor.or_else(|| known?.kept_by.clone()),
            }
        }
    }
    let is_ended_too = |pid| processes.iter().any(|process| process.pid == pid);
    Ok(supervisor.filter(|one| !one.pid.is_some_and(is_ended_too)))
}
