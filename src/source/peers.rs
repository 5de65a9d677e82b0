//! The peers of unix sockets: the kernel identifies them by their inode alone.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Portless, Socket, Text};

/// Fills in the name and process of each peer found among these sockets.
pub(super) fn name(sockets: &mut [Socket]) {
    let named = sockets.iter().filter_map(|socket| {
        let unix = socket.unix()?;
        let process = socket.owner.present().first();
        let process = process.map(|one| Text::new(&format!("{}({})", one.name, one.pid)));
        Some((socket.inode?, (unix.name.clone(), process)))
    });
    let named: HashMap<u32, _> = named.collect();
    for socket in sockets {
        if let Some(portless) = &mut socket.portless
            && let Portless::Unix(unix) = Arc::make_mut(portless)
            && let Some(peer) = &mut unix.peer
            && let Some((name, process)) = named.get(&peer.inode)
        {
            peer.name.clone_from(name);
            peer.process.clone_from(process);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Owner, Process, State, UnixKind, UnixName, UnixPeer, UnixSocket};

    fn end(inode: u32, name: Option<&[u8]>, peer: u32) -> Socket {
        let unix = UnixSocket {
            kind: UnixKind::Stream,
            name: name.and_then(UnixName::from_bytes),
            peer: Some(UnixPeer {
                inode: peer,
                name: None,
                process: None,
            }),
        };
        let mut socket = Socket::without_port(Portless::Unix(unix), None, State::Established);
        socket.inode = Some(inode);
        socket
    }

    #[test]
    fn each_end_says_whose_the_other_is() {
        let mut sockets = [
            end(1, None, 2),
            end(2, Some(b"/run/app.sock"), 1),
            end(3, None, 9),
        ];
        let process = Arc::new(Process::new(812, "nginx"));
        sockets[1].owner = Owner::Known([process].into());
        name(&mut sockets);
        let texts = sockets.map(|socket| socket.remote_text().unwrap());
        assert_eq!(texts, ["/run/app.sock nginx(812)", "inode 1", "inode 9"]);
    }
}
