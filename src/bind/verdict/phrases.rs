//! What is said of a single socket, and how several things are listed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::bind::fix::{is_systemd, supervisor_text};
use crate::model::{
    Behind, BehindKind, Endpoint, Holder, Owner, Place, Process, Restarts, SupervisorKind, Text,
};

/// No more addresses, names or pids than this are told one by one.
const MAX_LISTED: usize = 3;

/// A name is spelled as it is; only what we say ourselves begins with a capital.
pub(super) fn owner_at_the_beginning(holder: &Holder) -> String {
    let owner = owner_of(holder);
    match holder.socket.owner {
        Owner::Known(_) | Owner::Past(_) => owner,
        Owner::Hidden | Owner::Kernel | Owner::None | Owner::Unknown => capitalised(&owner),
    }
}

/// `nginx (pid 812 and 4 more, root, nginx.service)`, or what is known instead of a name.
pub(super) fn owner_of(holder: &Holder) -> String {
    let socket = &holder.socket;
    let unit = match (&holder.activation, &socket.container, &socket.unit) {
        (Some(activation), ..) => Some(activation.socket_unit.to_string()),
        (None, Some(container), _) => Some(format!("container {container}")),
        (None, None, unit) => unit.as_ref().map(ToString::to_string),
    };
    if let Some(activation) = &holder.activation {
        return activated(holder, &activation.socket_unit, &activation.service);
    }
    match &socket.owner {
        Owner::Known(processes) | Owner::Past(processes) if !processes.is_empty() => {
            let pids = format!("pid {}", pids_text(processes));
            let user = processes[0].user.as_ref().map(ToString::to_string);
            let about: Vec<_> = std::iter::once(pids).chain(user).chain(unit).collect();
            format!("{} ({})", processes[0].name, about.join(", "))
        }
        Owner::Kernel => "the kernel".into(),
        _ => match (user_of(holder), unit) {
            (Some(user), Some(unit)) => {
                format!("a hidden process of {user}, in {unit}")
            }
            (Some(user), None) => format!("a hidden process of {user}"),
            (None, _) => "an unknown process".into(),
        },
    }
}

/// `systemd for nginx.socket (it starts nginx.service)`: never pid 1, who listens for everybody.
fn activated(holder: &Holder, socket_unit: &Text, service: &Text) -> String {
    let systemd = format!("systemd for {socket_unit} (it starts {service})");
    let servers = beside_systemd(holder);
    match servers.first() {
        None => systemd,
        Some(first) => {
            let pids = pids_text(&servers);
            format!("{systemd} together with {} (pid {pids})", first.name)
        }
    }
}

/// The processes that have an activated socket from systemd: its service, once it was started.
pub(super) fn beside_systemd(holder: &Holder) -> Vec<Arc<Process>> {
    let processes = holder.socket.owner.present().iter();
    processes
        .filter(|process| !is_systemd(process))
        .cloned()
        .collect()
}

pub(super) fn unusual_place(holder: &Holder) -> Option<String> {
    let names: Vec<_> = holder
        .socket
        .owner
        .present()
        .iter()
        .map(|one| one.name.to_string())
        .collect();
    let of = listed(&names);
    match holder.place {
        Place::Descriptors => None,
        Place::Thread => Some(format!(
            "A single thread of {of} has it in its own descriptor table, where ss and lsof don't look."
        )),
        Place::Ring => Some(format!(
            "It is registered with an io_uring of {of} and in no descriptor table: ss and lsof don't see \
             its owner."
        )),
        Place::InFlight => Some(format!(
            "No process has it open: it is in a message on a unix socket of {of}, which has not been \
             received yet."
        )),
    }
}

/// An address as a server is given it: `127.0.0.1`, `[::1]`, `[::] (IPv6 only)`.
pub(super) fn host_text(address: IpAddr, v6only: Option<bool>) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) if v6.is_unspecified() && v6only == Some(true) => {
            format!("[{v6}] (IPv6 only)")
        }
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

/// A socket's own address, with its interface if it is bound to one.
pub(super) fn place_text(holder: &Holder) -> String {
    let Endpoint { address, port } = holder.socket.local.to_canonical();
    let interface = holder.socket.interface.as_ref();
    let interface = interface.map_or_else(String::new, |name| format!("%{name}"));
    match address {
        IpAddr::V4(v4) => format!("{v4}{interface}:{port}"),
        IpAddr::V6(v6) => format!("[{v6}{interface}]:{port}"),
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

/// `a`, `a and b`, `a, b, c and 4 more`.
pub(super) fn listed(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., last] if texts.len() <= MAX_LISTED => format!("{} and {last}", all.join(", ")),
        _ => format!(
            "{} and {} more",
            texts[..MAX_LISTED].join(", "),
            texts.len() - MAX_LISTED
        ),
    }
}

/// The beginning of a sentence.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
/// Whole seconds, rounded up: the kernel's own figure is a lower bound.
pub(super) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_millis().div_ceil(1000))
}

/// What the owner of a socket serves: the container and where its traffic goes.
pub(super) fn behind(holder: &Holder) -> Option<String> {
    let mut found = holder
        .backgrounds
        .iter()
        .filter_map(|background| background.behind.as_ref());
    let behind = found.next().or(holder.behind.as_ref())?;
    let name = behind.name.as_deref();
    Some(match (behind.kind, name) {
        (BehindKind::Container, name) => container(behind, name),
        (BehindKind::SshForward, Some(socket)) if socket.starts_with('/') => {
            format!("It is a tunnel of the shared ssh connection {socket}.")
        }
        (BehindKind::SshForward, Some(to)) => format!("It is a tunnel of ssh to {to}."),
        (BehindKind::SshForward, None) => "It is a tunnel of ssh.".to_owned(),
        (BehindKind::SshSession, Some(of)) => {
            format!("It is the server's end of a tunnel (ssh -R) in the session of {of}.")
        }
        (BehindKind::SshSession, None) => "It is the server's end of a tunnel (ssh -R).".to_owned(),
        (BehindKind::PortForward, Some(to)) => format!("It passes the port on: {to}."),
        (BehindKind::PortForward, None) => "It passes the port on.".to_owned(),
        (BehindKind::SystemdProxy, Some(to)) => format!("It passes every connection on to {to}."),
        (BehindKind::SystemdProxy, None) => "It passes every connection on.".to_owned(),
        (BehindKind::SocketUnit, _) => return None,
    })
}

fn container(behind: &Behind, name: Option<&str>) -> String {
    let to = match (behind.address, behind.port) {
        (Some(IpAddr::V6(address)), Some(port)) => format!(" at [{address}]:{port}"),
        (Some(address), Some(port)) => format!(" at {address}:{port}"),
        _ => String::new(),
    };
    let inside = match (&behind.process, &behind.server) {
        (Some(process), Some(server)) => format!(
            ": {} ({}) in the container {server} serves it{to}",
            process.name, process.pid
        ),
        (Some(process), None) => format!(": {} ({}) serves it{to}", process.name, process.pid),
        (None, _) if !to.is_empty() => format!(", which serves it{to}"),
        (None, _) => String::new(),
    };
    let what = name.map_or_else(
        || "a container".to_owned(),
        |name| format!("the container {name}"),
    );
    format!("The port is there for {what}{inside}.")
}

/// What starts the owner of a socket again.
pub(super) fn kept(holder: &Holder) -> Option<String> {
    let kept_by = holder
        .backgrounds
        .iter()
        .find_map(|background| background.kept_by.as_ref())?;
    let supervisor = supervisor_text(kept_by);
    match kept_by.restarts {
        Restarts::Yes => Some(format!("It is started again by {supervisor} when it ends.")),
        Restarts::OnChange => Some(format!(
            "It is started again by {supervisor} when a file changes."
        )),
        Restarts::Unknown if kept_by.kind == SupervisorKind::UnknownParent => Some(format!(
            "Its parent {supervisor} waits for it and may start it again."
        )),
        Restarts::Unknown | Restarts::No => None,
    }
}
