//! Sockets, owners and their background in words, and lists of words.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::case::behind_of;
use crate::bind::fix::{is_systemd, supervisor_text};
use crate::bind::text::{after, capitalised, unique};
use crate::model::{
    BehindKind, Endpoint, FoundIn, Holder, Owner, Process, Restarts, State, SupervisorKind, listed,
};

/// The owner at the beginning of a sentence. Names are spelled as they are; our own words get a capital.
pub(super) fn owner_first(holder: &Holder) -> String {
    match holder.socket.owner {
        Owner::Known(_) | Owner::Former(_) => owner_of(holder),
        _ => capitalised(&owner_of(holder)),
    }
}

/// `nginx (pid 812 and 4 more, root, nginx.service)`, or the known facts instead of a name.
pub(super) fn owner_of(holder: &Holder) -> String {
    owner_with(holder, None)
}

/// The same with one more fact about the process that is named, if one is.
pub(super) fn owner_with(holder: &Holder, fact: Option<String>) -> String {
    let socket = &holder.socket;
    if let Some(activation) = &holder.activation {
        // Not pid 1, which listens for all of them.
        let (unit, service) = (&activation.socket_unit, &activation.service);
        let systemd = format!("systemd for {unit} (it starts {service})");
        let owners = socket.owner.present().iter();
        let servers: Vec<_> = owners.filter(|one| !is_systemd(one)).cloned().collect();
        let Some(first) = servers.first() else {
            return systemd;
        };
        let pids = pids_text(&servers);
        return format!("{systemd} together with {} (pid {pids})", first.name);
    }
    let container = socket.container.as_ref();
    let container = container.map(|container| format!("container {container}"));
    let unit = container.or_else(|| socket.unit.as_ref().map(ToString::to_string));
    match &socket.owner {
        Owner::Known(processes) | Owner::Former(processes) if !processes.is_empty() => {
            let pids = format!("pid {}", pids_text(processes));
            let user = processes[0].user.as_ref().map(ToString::to_string);
            let about = [Some(pids), user, unit, fact].into_iter().flatten();
            let about: Vec<_> = about.collect();
            format!("{} ({})", processes[0].name, about.join(", "))
        }
        Owner::Kernel => "the kernel".into(),
        _ => match user_of(holder) {
            Some(user) => format!("a hidden process of {user}{}", after(", in ", unit)),
            None => "an unknown process".into(),
        },
    }
}

/// Where the descriptor is, if other tools don't look there.
pub(super) fn unusual_descriptor(holder: &Holder) -> Option<String> {
    let owners = holder.socket.owner.present().iter();
    let names = listed(owners.map(|one| one.name.to_string()));
    match holder.found_in {
        FoundIn::Descriptors => None,
        FoundIn::Thread => Some(format!(
            "A single thread of {names} has it in its own descriptor table, where ss and lsof don't look."
        )),
        FoundIn::Ring => Some(format!(
            "It is registered with an io_uring of {names} and in no descriptor table: ss and lsof don't see its \
             owner."
        )),
        FoundIn::InFlight => Some(format!(
            "No process has it open: it is in a message on a unix socket of {names}, which has not been received \
             yet."
        )),
    }
}

/// An address in the form that a server takes: `127.0.0.1`, `[::1]`.
pub(super) fn host_text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// The local address of a socket, with its interface if it is bound to one.
pub(super) fn local_text(holder: &Holder) -> String {
    let Endpoint { address, port } = holder.socket.local.to_canonical();
    let interface = after("%", holder.socket.interface.as_ref());
    match address {
        IpAddr::V4(v4) => format!("{v4}{interface}:{port}"),
        IpAddr::V6(v6) => format!("[{v6}{interface}]:{port}"),
    }
}

/// The local addresses of these sockets, each once.
pub(super) fn locals_text<'a>(holders: impl IntoIterator<Item = &'a Holder>) -> String {
    listed(unique(holders.into_iter().map(local_text)))
}

/// The verb for a socket in this state, before its address.
pub(super) const fn verb_of(state: State) -> &'static str {
    match state {
        State::Listen => "listens on",
        State::Bound | State::Unconn => "has bound",
        _ => "has a connection on",
    }
}

pub(super) fn user_of(holder: &Holder) -> Option<String> {
    let socket = &holder.socket;
    let name = socket.user.as_ref().map(ToString::to_string);
    name.or_else(|| socket.uid.map(|uid| format!("uid {uid}")))
}

fn pids_text(processes: &[Arc<Process>]) -> String {
    match processes {
        [] => String::new(),
        [only] => only.pid.to_string(),
        [first, others @ ..] => format!("{} and {} more", first.pid, others.len()),
    }
}

/// Whole seconds, rounded up: the kernel's figure is a lower bound.
pub(super) fn seconds(time: Duration) -> String {
    format!("about {} s", time.as_millis().div_ceil(1000))
}

/// What the owner of a socket serves: the container and the destination of its traffic.
pub(super) fn behind_text(holder: &Holder) -> Option<String> {
    let behind = behind_of(holder)?;
    let name = behind.name.as_deref();
    Some(match behind.kind {
        BehindKind::Container => {
            let container = match name {
                Some(name) => format!("the container {name}"),
                None => "a container".to_owned(),
            };
            let to = behind.address.zip(behind.port);
            let to = to.map(|(address, port)| Endpoint::new(address, port));
            let (to, server) = (after(" at ", to), behind.server.as_ref());
            let server = after(" in the container ", server);
            let inside = match &behind.process {
                Some(process) => {
                    format!(": {} ({}){server} serves it{to}", process.name, process.pid)
                }
                None if !to.is_empty() => format!(", which serves it{to}"),
                None => String::new(),
            };
            format!("The port belongs to {container}{inside}.")
        }
        BehindKind::SshForward if name.is_some_and(|socket| socket.starts_with('/')) => {
            let socket = after(" ", name);
            format!("It is a tunnel of the shared ssh connection{socket}.")
        }
        BehindKind::SshForward => format!("It is a tunnel of ssh{}.", after(" to ", name)),
        BehindKind::SshSession => {
            let session = after(" in the session of ", name);
            format!("It is the server's end of a tunnel (ssh -R){session}.")
        }
        BehindKind::PortForward => format!("It forwards the port{}.", after(": ", name)),
        BehindKind::SystemdProxy => {
            format!("It forwards every connection{}.", after(" to ", name))
        }
        BehindKind::SocketUnit => return None,
    })
}

pub(super) fn restarts_text(holder: &Holder) -> Option<String> {
    let mut backgrounds = holder.backgrounds.iter();
    let Some(kept_by) = backgrounds.find_map(|background| background.kept_by.as_ref()) else {
        let mut parents = holder.backgrounds.iter().flat_map(|one| &one.started_by);
        return Some(format!(
            "{}, which started it, may start it again.",
            parents.next()?
        ));
    };
    let supervisor = supervisor_text(kept_by);
    Some(match kept_by.restarts {
        Restarts::Yes => format!("It is started again by {supervisor} when it ends."),
        Restarts::OnChange => format!("It is started again by {supervisor} when a file changes."),
        Restarts::Unknown if kept_by.kind == SupervisorKind::UnknownParent => {
            format!("Its parent {supervisor} waits for it and may start it again.")
        }
        Restarts::Unknown if kept_by.kind == SupervisorKind::ShellLoop => {
            format!("It may be started again by {supervisor}.")
        }
        Restarts::Unknown | Restarts::No => return None,
    })
}
