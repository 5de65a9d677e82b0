//! Where the publishers of ports lead, kept from one snapshot to the next.
//!
//! A publisher may be seen before what it publishes for: `conmon` listens before its child runs. Until it is known completely
//! it is read again, first at short intervals.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::model::{Endpoint, Moment, Owner, Pid, Process, Protocol, Socket, State};
use crate::source::linux::background::{self, Destination};
use crate::source::linux::ephemeral;

/// The first 15 letters of the programs that publish ports.
const PROGRAMS: [&str; 12] = [
    "docker-proxy",
    "dockerd",
    "conmon",
    "rootlessport",
    "rootlessport-ch",
    "rootlesskit",
    "pasta",
    "pasta.avx2",
    "passt",
    "passt.avx2",
    "lxd",
    "incusd",
];

/// How long a publisher counts as starting, and after what time it is read again until then, and later.
const STARTING: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(100);
const REREAD_AFTER: Duration = Duration::from_secs(30);

/// The most sockets whose owners can't be seen to be looked up at once, and after what time others are: that reads every
/// process.
const MOST_HIDDEN: usize = 256;
const HIDDEN_AFTER: Duration = Duration::from_secs(5);

/// A process by its pid and start.
type Key = (Pid, Option<u64>);

#[derive(Default)]
pub(super) struct Publishers {
    known: HashMap<Key, Known>,
    /// Of each socket whose owner can't be seen, by its inode.
    of_hidden: HashMap<u32, Option<Destination>>,
    hidden_read_at: Option<Moment>,
    ephemeral: ephemeral::Settings,
}

/// Where a publisher led when it was last read.
struct Known {
    found_at: Moment,
    read_at: Moment,
    destination: Option<Destination>,
}

impl Known {
    /// Whether it need not be read again.
    fn is_valid(&self, at: Moment) -> bool {
        let is_starting = self.found_at.age(at) < STARTING;
        let is_complete = match &self.destination {
            Some(Destination::Address(..) | Destination::Container(_)) => true,
            // A proxy of Docker's is like the engine until it runs its own program.
            Some(Destination::ByRule) => !is_starting,
            Some(Destination::Processes {
                pids, container, ..
            }) => {
                let container = container.as_ref();
                !pids.is_empty() && container.is_some_and(|one| one.image.is_some())
            }
            None => false,
        };
        let wait = if is_starting {
            RETRY_AFTER
        } else {
            REREAD_AFTER
        };
        is_complete || self.read_at.age(at) < wait
    }
}

impl Publishers {
    /// Forgets publishers that have ended, and reads where new sockets lead whose owners can't be seen.
    pub(super) fn update(&mut self, sockets: &[Socket], at: Moment) {
        let listening = sockets
            .iter()
            .filter(|one| one.is_own() && one.is_listening());
        let keys: HashSet<Key> = listening.filter_map(publisher).map(key).collect();
        self.known.retain(|key, _| keys.contains(key));
        let hidden = self.hidden(sockets, at);
        let inodes: HashSet<u32> = hidden.iter().map(|(inode, _)| *inode).collect();
        self.of_hidden.retain(|inode, _| inodes.contains(inode));
        let is_new = |(inode, _): &(u32, _)| !self.of_hidden.contains_key(inode);
        let new = hidden.into_iter().filter(is_new).take(MOST_HIDDEN);
        let (inodes, ends): (Vec<u32>, Vec<_>) = new.unzip();
        let last = self.hidden_read_at;
        if !inodes.is_empty() && last.is_none_or(|last| last.age(at) >= HIDDEN_AFTER) {
            self.hidden_read_at = Some(at);
            let found = background::destinations_of_hidden(&ends);
            self.of_hidden.extend(inodes.into_iter().zip(found));
        }
    }

    /// Root's listeners whose owners can't be seen; of UDP only those on ports that no program gets by chance.
    fn hidden(&mut self, sockets: &[Socket], at: Moment) -> Vec<(u32, (Protocol, Endpoint))> {
        let mut range = None;
        let hidden = sockets.iter().filter(|socket| {
            socket.is_own() && socket.owner == Owner::Hidden && socket.uid == Some(0)
        });
        let listening = hidden.filter(|socket| match socket.protocol {
            Protocol::Tcp => socket.state == State::Listen,
            Protocol::Udp if socket.is_listening() => {
                let range = range.get_or_insert_with(|| self.ephemeral.at(at));
                let range = range.as_ref().map(|ports| &ports.range);
                range.is_some_and(|range| socket.local.port < *range.start())
            }
            _ => false,
        });
        let of_socket = |socket: &Socket| Some((socket.inode?, (socket.protocol, socket.local)));
        listening.filter_map(of_socket).collect()
    }

    /// Where the publisher that has a socket leads, if one does.
    pub(super) fn destination(&mut self, socket: &Socket, at: Moment) -> Option<Destination> {
        if socket.owner == Owner::Hidden {
            return self.of_hidden.get(&socket.inode?)?.clone();
        }
        let publisher = publisher(socket)?;
        self.destination_of(key(publisher), at, background::destination)
    }

    fn destination_of(
        &mut self,
        key: Key,
        at: Moment,
        read: impl FnOnce(Pid) -> Option<Destination>,
    ) -> Option<Destination> {
        let known = self.known.get(&key);
        if let Some(known) = known
            && known.is_valid(at)
        {
            return known.destination.clone();
        }
        let known = Known {
            found_at: known.map_or(at, |known| known.found_at),
            read_at: at,
            destination: read(key.0),
        };
        let destination = known.destination.clone();
        self.known.insert(key, known);
        destination
    }
}

fn key(process: &Process) -> Key {
    (process.pid, process.started_at_tick)
}

/// The process of a socket that publishes its port, by its name.
fn publisher(socket: &Socket) -> Option<&Process> {
    let mut owners = socket.owner.present().iter();
    let found = owners.find(|process| PROGRAMS.contains(&&*process.comm));
    found.map(|process| &**process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Container;

    fn at(millis: u64) -> Moment {
        Moment {
            steady: Duration::from_millis(millis),
            ..Moment::default()
        }
    }

    fn leading_to(pids: &[Pid], image: Option<&str>) -> Destination {
        Destination::Processes {
            pids: pids.into(),
            ports: Vec::new(),
            container: Some(Container {
                engine: None,
                id: None,
                name: "web".into(),
                image: image.map(Into::into),
                project: None,
                service: None,
                pod: None,
            }),
        }
    }

    /// A monitor that was read before its child ran published nothing for as long as it ran.
    #[test]
    fn a_publisher_that_is_read_too_early_is_read_again() {
        let mut all = Publishers::default();
        let (key, mut reads) = ((7, Some(1)), 0);
        let early = Some(leading_to(&[], None));
        let complete = Some(leading_to(&[8], Some("nginx")));
        for (millis, now, expected) in [
            (0, &early, (&early, 1)),
            (50, &complete, (&early, 1)),
            (150, &complete, (&complete, 2)),
            (60_000, &early, (&complete, 2)),
        ] {
            let found = all.destination_of(key, at(millis), |_| {
                reads += 1;
                now.clone()
            });
            assert_eq!((&found, reads), expected, "{millis} ms");
        }
        // What is never complete is read seldom.
        let other = (9, Some(1));
        let mut reads = 0;
        for millis in (0..60_000).step_by(1000) {
            let _ = all.destination_of(other, at(millis), |_| {
                reads += 1;
                None
            });
        }
        assert_eq!(reads, 6);
    }

    fn hidden(protocol: Protocol, port: u16, state: State) -> Socket {
        let local = Endpoint::new([0, 0, 0, 0].into(), port);
        let mut socket = Socket::new(protocol, local, None, state);
        socket.owner = Owner::Hidden;
        socket.uid = Some(0);
        socket.inode = Some(u32::from(port));
        socket
    }

    /// Each question that root's resolver sent from a port of its own made an ordinary user's table read every process.
    #[test]
    fn sockets_of_root_that_come_and_go_are_not_looked_up() {
        let mut all = Publishers::default();
        let waiting = |port| hidden(Protocol::Udp, port, State::Unconn);
        let sockets = [
            hidden(Protocol::Tcp, 80, State::Listen),
            hidden(Protocol::Tcp, 81, State::Established),
            waiting(53),
            waiting(60_999),
        ];
        let found = all.hidden(&sockets, at(0));
        let ports: Vec<u16> = found.iter().map(|(_, (_, local))| local.port).collect();
        assert_eq!(ports, [80, 53]);
        all.update(&sockets, at(0));
        assert_eq!(all.of_hidden.len(), 2);
        // Another one is looked up five seconds later, and alone.
        let more = [&sockets[..], &[hidden(Protocol::Tcp, 82, State::Listen)]].concat();
        all.update(&more, at(1000));
        assert_eq!(all.of_hidden.len(), 2);
        all.update(&more, at(5000));
        assert_eq!(all.of_hidden.len(), 3);
        all.update(&more[..1], at(5001));
        assert_eq!(all.of_hidden.len(), 1);
    }
}
