//! Sockets, owners, processes and changes as they read in a sentence.

use crate::model::{Owner, Process, Socket};
use crate::track::ChangeKind;

/// Shown where there is no value.
pub(super) const NONE: &str = "–";

/// Shown while the search for a value runs.
pub(super) const PENDING: &str = "…";

/// `nginx ×5`, `was nginx(12)`, `root · hidden`, `kernel`, `–`, or `…` while the search for it runs.
pub fn owner_text(socket: &Socket) -> String {
    text_of_owner(&socket.owner, socket)
}

/// `nginx(812)` for a single process, else as [`owner_text`].
pub fn owner_with_pid(socket: &Socket) -> String {
    with_pid(&socket.owner, socket)
}

/// An owner, present or former, of this socket.
fn text_of_owner(owner: &Owner, socket: &Socket) -> String {
    match (owner, owner.processes()) {
        (Owner::Former(_), [first, ..]) => format!("was {}", name_and_pid(first)),
        (Owner::Inferred(_), [first, ..]) => format!("listener {}", name_and_pid(first)),
        (_, [only]) => only.name.to_string(),
        (_, [first, ..]) => format!("{} ×{}", first.name, owner.processes().len()),
        (Owner::Hidden, []) => match (&socket.user, socket.uid) {
            (Some(user), _) => format!("{user} · hidden"),
            (None, Some(uid)) => format!("uid {uid} · hidden"),
            (None, None) => "hidden".into(),
        },
        (Owner::Kernel, []) => "kernel".into(),
        (Owner::Unknown, []) => PENDING.into(),
        _ => NONE.into(),
    }
}

fn with_pid(owner: &Owner, socket: &Socket) -> String {
    match owner.present() {
        [process] => name_and_pid(process),
        _ => text_of_owner(owner, socket),
    }
}

/// `node(40211)`
pub(super) fn name_and_pid(process: &Process) -> String {
    format!("{}({})", process.name, process.pid)
}

/// `node server.js (40211)`, `nginx (812) ×5`: the first of the processes that have a socket, and how many they are.
pub fn process_text(socket: &Socket) -> Option<String> {
    let processes = socket.owner.processes();
    let first = processes.first()?;
    let others = match processes.len() {
        1 => String::new(),
        count => format!(" ×{count}"),
    };
    Some(format!("{} ({}){others}", first.name, first.pid))
}

/// `tcp 127.0.0.1:8080`, with the interface it is bound to and the peer, if any; `u_str /run/app.sock`, or
/// `u_str inode 4242` for an unnamed one.
pub fn socket_text(socket: &Socket) -> String {
    let remote = remote_end(socket).map_or(String::new(), |remote| format!(" → {remote}"));
    let interface = socket.interface.as_ref();
    let interface = interface.map_or(String::new(), |name| format!(" on {name}"));
    let (kind, local) = (socket.protocol_and_family(), local_end(socket));
    format!("{kind} {local}{interface}{remote}")
}

/// `127.0.0.1:8080`, `/run/app.sock`, `inode 4242`
pub fn local_end(socket: &Socket) -> String {
    socket.local_text().unwrap_or_else(|| {
        let inode = socket.inode.map(|inode| format!("inode {inode}"));
        inode.unwrap_or_else(|| "unnamed".into())
    })
}

/// The peer, if any.
pub fn remote_end(socket: &Socket) -> Option<String> {
    match socket.remote {
        Some(remote) if socket.portless.is_none() => Some(remote.to_string()),
        _ => socket.remote_text(),
    }
}

/// `tcp 127.0.0.1:8080 LISTEN node(40211)`
pub fn socket_with_owner(socket: &Socket) -> String {
    let (what, state, owner) = (socket_text(socket), socket.state, owner_with_pid(socket));
    format!("{what} {state} {owner}")
}

/// `opened LISTEN`, `ESTABLISHED → CLOSE_WAIT`, `owner node(12) → node(45)`, `closed LISTEN`.
pub fn change_text(kind: &ChangeKind, socket: &Socket) -> String {
    match kind {
        ChangeKind::Opened => format!("opened {}", socket.state),
        ChangeKind::Closed => format!("closed {}", socket.state),
        ChangeKind::GoneBetween => "opened and closed".to_owned(),
        ChangeKind::State { from } => format!("{from} → {}", socket.state),
        ChangeKind::Owner { from } => format!("owner {}", owner_change_text(socket, from)),
    }
}

/// `node(12) → node(45)`: the previous owner and the present one.
pub fn owner_change_text(socket: &Socket, from: &Owner) -> String {
    format!("{} → {}", with_pid(from, socket), owner_with_pid(socket))
}

/// Characters of a command line to show: more would not help to recognise the program.
const MAX_COMMAND: usize = 200;

/// `python3 pg.py --port 80 in /srv/shop`: command line and working directory, unless they add nothing to the name.
pub fn program_text(process: &Process) -> Option<String> {
    let command = process.command.as_ref().filter(|it| **it != process.name);
    let command = command.map(|command| match command.char_indices().nth(MAX_COMMAND) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_string(),
    });
    let folder = process.cwd.as_ref().map(|cwd| format!("in {cwd}"));
    let both: Vec<_> = command.into_iter().chain(folder).collect();
    (!both.is_empty()).then(|| both.join(" "))
}
