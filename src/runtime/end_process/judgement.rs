//! What decides whether one yes is enough to end a process: the same for the question and for the last look
//! before the signal.

use std::sync::Arc;

use super::{Failure, Unsent};
use crate::app::{Confirmed, Ending, Inspected, Msg};
use crate::clock::Clock;
use crate::inspect::{PortInspector, this_machine};
use crate::model::{
    Background, EndRisk, Endpoint, Guard, Owner, Process, Protocol, Socket, State, Supervisor,
};
use crate::source::lineage;

/// Of no more owners than these a reader looks at what is behind them at a time.
const AT_A_TIME: usize = 32;

/// The port of names: what the machine's resolver is known by.
const DOMAIN: u16 = 53;

/// Reads what is behind the owners of a socket. Takes some milliseconds, more where systemd or a container
/// engine has to be asked.
pub fn inspect_owner(job: u64, socket: &Socket, clock: Clock) -> Msg {
    let mut inspector = this_machine();
    let evidence = inspector.rows(socket.protocol, socket.local.port, clock.now());
    let owners = socket.owner.present();
    let backgrounds = judged(
        &mut *inspector,
        socket,
        &owners[..owners.len().min(AT_A_TIME)],
    );
    let supervisor = backgrounds
        .iter()
        .find_map(|background| supervisor_to_end(background.kept_by.as_ref()?))
        .and_then(|supervisor| {
            let background = judged(&mut *inspector, socket, &[Arc::clone(&supervisor)]).pop()?;
            Some((supervisor, background))
        });
    Msg::OwnerInspected(Box::new(Inspected {
        job,
        backgrounds,
        supervisor,
        limits: evidence.limits,
    }))
}

/// An answer where nothing could be read: the last look before the signal decides.
pub fn uninspected(job: u64) -> Msg {
    Msg::OwnerInspected(Box::new(Inspected {
        job,
        backgrounds: Vec::new(),
        supervisor: None,
        limits: crate::model::Limits::default(),
    }))
}

/// A parent that starts the process again and has no command of its own that keeps it down.
fn supervisor_to_end(kept_by: &Supervisor) -> Option<Arc<Process>> {
    if !kept_by.is_ended_too() {
        return None;
    }
    let pid = kept_by.pid?;
    let name = kept_by.process.clone().unwrap_or_else(|| "parent".into());
    Some(Arc::new(Process {
        started_at_tick: Some(start_of(pid)?),
        ..Process::new(pid, name)
    }))
}

#[cfg(target_os = "linux")]
fn start_of(pid: crate::model::Pid) -> Option<u64> {
    crate::source::ProcessHandle::open(pid)
        .ok()?
        .started_at_tick()
        .ok()
}

#[cfg(not(target_os = "linux"))]
const fn start_of(_pid: crate::model::Pid) -> Option<u64> {
    None
}

/// What is behind these owners of a socket. A resolver is one whichever of its sockets is meant.
fn judged(
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

/// The last word on whether one yes was enough for these processes: what the question knew may be over.
/// Returns what may start one of them again.
pub(super) fn check_confirmation(
    ending: &Ending,
    processes: &[Arc<Process>],
) -> Result<Option<Supervisor>, Failure> {
    let (lineage, mut inspector) = (lineage(), this_machine());
    let socket = socket_of(ending);
    let mut kept_by = None;
    for some in processes.chunks(AT_A_TIME) {
        let backgrounds = judged(&mut *inspector, &socket, some);
        for process in some {
            let known = backgrounds.iter().find(|one| one.pid == process.pid);
            let by_risk = known.and_then(|one| Guard::of(one.end_risk));
            match (ending.confirmed, lineage.guard(process).or(by_risk)) {
                (Confirmed::Once, Some(guard)) => {
                    return Err(Unsent::ConfirmedOnce(guard).of(process));
                }
                _ => kept_by = kept_by.or_else(|| known?.kept_by.clone()),
            }
        }
    }
    let is_ended_too = |supervisor: &Supervisor| {
        let mut pids = processes.iter().map(|process| process.pid);
        supervisor
            .pid
            .is_some_and(|supervisor| pids.any(|pid| pid == supervisor))
    };
    Ok(kept_by.filter(|supervisor| !is_ended_too(supervisor)))
}

/// A socket of the port in question, or of none.
fn socket_of(ending: &Ending) -> Socket {
    let (protocol, port) = ending.port.as_ref().map_or((Protocol::Tcp, 0), |target| {
        (target.protocol, target.first_port())
    });
    let local = Endpoint::new(std::net::Ipv4Addr::UNSPECIFIED.into(), port);
    Socket::new(protocol, local, None, State::Listen)
}
