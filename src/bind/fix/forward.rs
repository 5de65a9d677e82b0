//! Closing tunnels and forwarders, without the session that carries them.

use super::end::{begin, end};
use super::process_group::Members;
use super::{Fix, FixCode, Situation, protected};
use crate::bind::text::uncapitalised;
use crate::model::{AlsoEnds, AlsoEndsKind, BehindKind};

/// The fixes for a tunnel or forwarder; `None` if the processes are none.
pub(super) fn fixes(members: &Members<'_>, situation: &Situation<'_>) -> Option<Vec<Fix>> {
    let behind = members.background?.behind.as_ref()?;
    let end_it = uncapitalised(&begin(members, members.supervisor_to_end()));
    let end = |text| Fix {
        text,
        ..end(members)
    };
    let close = |text| Fix {
        code: FixCode::CloseForward,
        ..end(text)
    };
    let name = behind.name.as_deref();
    let to = name.map_or_else(String::new, |name| format!(" to {name}"));
    Some(match behind.kind {
        BehindKind::SshForward if behind.is_reachable => {
            let close = close(format!("Close the tunnel{to}: {end_it}"));
            vec![members.by_whom_with_supervisor(close, situation)]
        }
        BehindKind::SshForward => {
            let only = match behind.escape.as_deref() {
                Some(command) if !command.starts_with('-') => {
                    let by = name.unwrap_or_default();
                    format!("the forward of the shared connection {by}: {command}")
                }
                Some(escape) => {
                    let how = protected::by_escape("in it", escape);
                    format!("the forward in the ssh session{to}: {how}")
                }
                None => format!("the forward in the ssh session{to}"),
            };
            let only = FixCode::CloseForward.fix(format!("Close only {only}"));
            let mut close = close(format!("Close the tunnel{to}: {end_it}"));
            let login = name.unwrap_or("the session");
            close
                .also_ends
                .insert(0, AlsoEnds::new(AlsoEndsKind::Login, login));
            vec![only, members.by_whom(close, situation)]
        }
        BehindKind::SshSession => {
            let session = name.unwrap_or("ssh");
            let close = close(format!(
                "Close the tunnel of {session}, whose client may connect again if it is autossh: {end_it}"
            ));
            vec![members.by_whom(close, situation)]
        }
        BehindKind::PortForward => {
            let end = end(format!("Stop the forwarder{to}: {end_it}"));
            vec![members.by_whom(end, situation)]
        }
        BehindKind::Container | BehindKind::SocketUnit | BehindKind::SystemdProxy => return None,
    })
}
