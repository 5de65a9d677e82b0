//! Connections that wait in an accept queue: they have no inode yet, and belong to the owner of their listener. Pure.
//!
//! A wrong match would show the wrong process, so only states in which a connection can wait are matched; other sockets
//! without an inode no longer have an owner.

use std::collections::HashMap;
use std::net::IpAddr;

use super::union;
use crate::model::{Protocol, Socket, State};
use crate::source::OwnerPids;

/// Gives each waiting connection the owners of the listener that fits best. Several may share an address
/// (`SO_REUSEPORT`): then those with something in their queue, and all owners of these together.
pub(crate) fn assign(sockets: &[Socket], owner_pids: &mut [OwnerPids]) {
    let can_wait = [State::Established, State::CloseWait, State::SynRecv];
    let is_waiting = |socket: &Socket| {
        let is_tcp = socket.protocol == Protocol::Tcp;
        is_tcp && socket.inode.is_none() && can_wait.contains(&socket.state)
    };
    let waiting: Vec<usize> = (0..sockets.len())
        .filter(|&row| is_waiting(&sockets[row]))
        .collect();
    if waiting.is_empty() {
        return;
    }
    let mut listeners: HashMap<u16, Vec<usize>> = HashMap::new();
    for (row, socket) in sockets.iter().enumerate() {
        if socket.protocol == Protocol::Tcp && socket.state == State::Listen {
            listeners.entry(socket.local.port).or_default().push(row);
        }
    }
    for row in waiting {
        let Some(on_port) = listeners.get(&sockets[row].local.port) else {
            continue;
        };
        let rank = |listener: &&usize| {
            let listener = &sockets[**listener];
            let has_queue = listener.queue.is_some_and(|queue| queue.receive > 0);
            Some((fit(&sockets[row], listener)?, !has_queue))
        };
        let best = on_port.iter().filter_map(|listener| rank(&listener)).min();
        let is_best = |listener: &&usize| best.is_some() && rank(listener) == best;
        let fitting = on_port.iter().filter(is_best);
        let owners = fitting.map(|&listener| owner_pids[listener].clone());
        owner_pids[row] = owners.reduce(together).unwrap_or(OwnerPids::None);
    }
}

fn together(one: OwnerPids, other: OwnerPids) -> OwnerPids {
    match (one, other) {
        (OwnerPids::Known(one), OwnerPids::Known(other)) if one != other => {
            OwnerPids::Known(union(&one, &other))
        }
        (OwnerPids::Known(pids), _) | (_, OwnerPids::Known(pids)) => OwnerPids::Known(pids),
        (one, _) => one,
    }
}

/// How closely a listener fits a connection: 0 the same address, 1 a wildcard of its family, 2 the IPv6 wildcard that takes
/// IPv4 as well; `None` if it does not.
fn fit(connection: &Socket, listener: &Socket) -> Option<u8> {
    let (to, on) = (connection.local.address, listener.local.address);
    let is_v4 = to.to_canonical().is_ipv4();
    // One that is bound to a device takes what came in there, and its connections are bound too.
    if listener.interface.is_some() && listener.interface != connection.interface {
        return None;
    }
    match on.to_canonical() {
        on if on == to.to_canonical() => Some(0),
        IpAddr::V4(on) if on.is_unspecified() && is_v4 => Some(1),
        IpAddr::V6(on) if on.is_unspecified() && !is_v4 => Some(1),
        IpAddr::V6(on) if on.is_unspecified() && listener.dual_stack == Some(true) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, Pid, Queue};

    fn socket(state: State, local: &str) -> Socket {
        let local = local.parse::<std::net::SocketAddr>().unwrap().into();
        let remote = (state != State::Listen).then(|| Endpoint::new([127, 0, 0, 9].into(), 9));
        Socket::new(Protocol::Tcp, local, remote, state)
    }

    fn by(pid: Pid) -> OwnerPids {
        OwnerPids::Known([pid].into())
    }

    /// The owners of a connection without inode, with listeners of the processes 1, 2, 3, …
    fn owner_of(state: State, local: &str, listeners: &[Socket]) -> OwnerPids {
        let mut sockets = listeners.to_vec();
        sockets.push(socket(state, local));
        let mut owner_pids: Vec<_> = (1..).take(listeners.len()).map(by).collect();
        owner_pids.push(OwnerPids::None);
        assign(&sockets, &mut owner_pids);
        owner_pids.pop().unwrap()
    }

    fn listeners<const N: usize>(locals: [&str; N]) -> [Socket; N] {
        locals.map(|local| socket(State::Listen, local))
    }

    #[test]
    fn the_exact_address_goes_before_the_wildcard_and_that_before_dual_stack() {
        let mut all = listeners(["[::]:80", "0.0.0.0:80", "127.0.0.1:80"]);
        all[0].dual_stack = Some(true);
        assert_eq!(owner_of(State::Established, "127.0.0.1:80", &all), by(3));
        assert_eq!(owner_of(State::Established, "127.0.0.2:80", &all), by(2));
        assert_eq!(owner_of(State::Established, "[::1]:80", &all), by(1));
        assert_eq!(
            owner_of(State::CloseWait, "[::ffff:127.0.0.2]:80", &all[..1]),
            by(1)
        );
    }

    #[test]
    fn a_v6_only_listener_has_no_ipv4_connection() {
        let mut v6_only = listeners(["[::]:80"]);
        v6_only[0].dual_stack = Some(false);
        assert_eq!(
            owner_of(State::SynRecv, "127.0.0.1:80", &v6_only),
            OwnerPids::None
        );
    }

    #[test]
    fn a_listener_bound_to_a_device_has_only_what_came_in_there() {
        let mut bound = listeners(["0.0.0.0:80", "0.0.0.0:80"]);
        bound[0].interface = Some("eth0".into());
        assert_eq!(owner_of(State::Established, "127.0.0.1:80", &bound), by(2));
    }

    #[test]
    fn another_port_or_a_closing_state_has_no_owner() {
        let listener = listeners(["0.0.0.0:80"]);
        assert_eq!(
            owner_of(State::Established, "127.0.0.1:81", &listener),
            OwnerPids::None
        );
        for state in [
            State::TimeWait,
            State::FinWait1,
            State::FinWait2,
            State::LastAck,
            State::Closing,
        ] {
            assert_eq!(
                owner_of(state, "127.0.0.1:80", &listener),
                OwnerPids::None,
                "{state}"
            );
        }
    }

    #[test]
    fn of_listeners_that_share_an_address_the_one_with_a_queue_has_it() {
        let mut shared = listeners(["0.0.0.0:80", "0.0.0.0:80"]);
        let both = OwnerPids::Known([1, 2].into());
        assert_eq!(owner_of(State::Established, "127.0.0.1:80", &shared), both);
        shared[1].queue = Some(Queue {
            receive: 1,
            send: 8,
        });
        assert_eq!(owner_of(State::Established, "127.0.0.1:80", &shared), by(2));
    }
}
