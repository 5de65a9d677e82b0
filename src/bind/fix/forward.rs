//! Closing tunnels and forwarders, without the session that carries them.

use super::join::uncapitalised;
use super::members::Members;
use super::process::{begin, end};
use super::{Fix, FixCode, Situation, guard};
use crate::model::{AlsoEnds, AlsoEndsKind, Behind, BehindKind};

/// What frees the port of a tunnel or forwarder; `None` if it is none.
pub(super) fn fixes(members: &Members<'_>, situation: &Situation<'_>) -> Option<Vec<Fix>> {
    let behind = members.first_background()?.behind.as_ref()?;
    let end_it = uncapitalised(&begin(members, members.supervisor_to_end()));
    let ended = |code, text| Fix {
        code,
        text,
        ..end(members)
    };
    let to = to(behind);
    match behind.kind {
        BehindKind::SshForward if behind.is_reachable => {
            let close = ended(
                FixCode::CloseForward,
                format!("Close the tunnel{to}: {end_it}"),
            );
            Some(vec![members.by_whom_with_supervisor(close, situation)])
        }
        BehindKind::SshForward => {
            let close = ended(
                FixCode::CloseForward,
                format!("Close the tunnel{to}: {end_it}"),
            );
            let login = behind.name.as_deref().unwrap_or("the session");
            let login = AlsoEnds::new(AlsoEndsKind::Login, login);
            let close = Fix {
                also_ends: [vec![login], close.also_ends.clone()].concat(),
                ..close
            };
            let first = Fix::sentence(FixCode::CloseForward, only_the_forward(behind));
            Some(vec![first, members.by_whom(close, situation)])
        }
        BehindKind::SshSession => {
            let session = behind.name.as_deref().unwrap_or("ssh");
            let text = format!(
                "Close the tunnel of {session}, whose client may connect again if it is autossh: {end_it}"
            );
            Some(vec![
                members.by_whom(ended(FixCode::CloseForward, text), situation),
            ])
        }
        BehindKind::PortForward => {
            let text = format!("Stop the forwarder{to}: {end_it}");
            Some(vec![members.by_whom(
                Fix {
                    text,
                    ..end(members)
                },
                situation,
            )])
        }
        BehindKind::Container | BehindKind::SocketUnit | BehindKind::SystemdProxy => None,
    }
}

/// ` to ann@web-01`
fn to(behind: &Behind) -> String {
    behind
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" to {name}"))
}

/// How the forward of a session is closed and the session goes on.
fn only_the_forward(behind: &Behind) -> String {
    let to = to(behind);
    match behind.escape.as_deref() {
        Some(command) if !command.starts_with('-') => {
            let by = behind.name.as_deref().unwrap_or_default();
            format!("Close only the forward of the shared connection {by}: {command}")
        }
        Some(escape) => {
            format!(
                "Close only the forward in the ssh session{to}: {}",
                guard::by_escape("in it", escape)
            )
        }
        None => format!("Close only the forward in the ssh session{to}"),
    }
}
