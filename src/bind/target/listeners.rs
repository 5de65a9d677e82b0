//! Which listeners a client reaches that connects to a target. Pure.

use std::net::{IpAddr, Ipv4Addr};

use super::{Address, Target};
use crate::model::{Endpoint, Family, Holder, Protocol, State, Zone};

/// The holders that a client reaches on the target: for every address, all that listen; for `localhost`, those on
/// `127.0.0.1` or `::1`, as a client tries both; for a wildcard, those on every address of its family. A family leaves
/// those of that family; a dual-stack listener is of both.
pub fn reachable_listeners<'a>(
    target: &Target,
    holders: &'a [Holder],
    family: Option<Family>,
) -> Vec<&'a Holder> {
    let is_of_family = |address: &IpAddr| {
        let its_family = Endpoint::new(*address, 0).family();
        family.is_none_or(|family| family == its_family)
    };
    let is_reached = |holder: &&Holder| match target.address {
        Address::Every => {
            let local = holder.socket.local.address.to_canonical();
            let takes_v4 = local.is_unspecified() && holder.v6only != Some(true);
            is_of_family(&local) || takes_v4 && is_of_family(&Ipv4Addr::UNSPECIFIED.into())
        }
        Address::Loopback => {
            let mut ips = target.address.ips().into_iter().filter(is_of_family);
            ips.any(|address| takes(holder, address, None))
        }
        Address::One(one) => takes(holder, one, None),
        Address::Zoned(one, zone) => takes(holder, one.into(), Some(zone)),
    };
    let listening = holders.iter().filter(|holder| match target.protocol {
        Protocol::Tcp => holder.socket.state == State::Listen,
        _ => holder.socket.remote.is_none(),
    });
    listening.filter(is_reached).collect()
}

/// Whether it receives what is sent to this address, of this interface if one is named. A socket that is bound to an
/// interface receives what comes in there, so of its wildcard only the loopback is certain, on `lo`.
fn takes(holder: &Holder, address: IpAddr, zone: Option<Zone>) -> bool {
    let local = holder.socket.local.address.to_canonical();
    let wanted = address.to_canonical();
    let is_right_interface = match (holder.socket.interface.as_deref(), zone) {
        (None, _) => true,
        (Some(name), Some(zone)) => name == zone.as_str(),
        (Some(name), None) => name == "lo" && wanted.is_loopback(),
    };
    if local == wanted {
        return is_right_interface || zone.is_none();
    }
    let is_right_family = match (local, wanted) {
        (IpAddr::V6(_), IpAddr::V4(_)) => holder.v6only != Some(true),
        _ => local.is_ipv4() == wanted.is_ipv4(),
    };
    local.is_unspecified() && is_right_family && is_right_interface
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Socket, Text};

    fn listener(address: &str, v6only: Option<bool>, interface: Option<&str>) -> Holder {
        let local = Endpoint::new(address.parse().unwrap(), 80);
        let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        socket.interface = interface.map(Text::new);
        Holder {
            v6only,
            ..Holder::new(socket)
        }
    }

    fn covers(target: &str, holder: &Holder) -> bool {
        let holders = std::slice::from_ref(holder);
        !reachable_listeners(&target.parse().unwrap(), holders, None).is_empty()
    }

    #[test]
    fn a_listener_covers_its_own_address_and_a_wildcard_its_family() {
        let one = listener("127.0.0.1", None, None);
        let v4 = listener("0.0.0.0", None, None);
        let dual = listener("::", Some(false), None);
        let v6 = listener("::", Some(true), None);
        for (target, expected) in [
            ("80", [true; 4]),
            ("localhost:80", [true; 4]),
            ("127.0.0.1:80", [true, true, true, false]),
            ("127.0.0.2:80", [false, true, true, false]),
            ("[::1]:80", [false, false, true, true]),
            ("0.0.0.0:80", [false, true, true, false]),
            ("[::]:80", [false, false, true, true]),
        ] {
            let found = [&one, &v4, &dual, &v6].map(|holder| covers(target, holder));
            assert_eq!(found, expected, "{target}");
        }
    }

    #[test]
    fn a_family_narrows_what_names_no_address() {
        let target = "80".parse().unwrap();
        let listeners = [
            listener("127.0.0.1", None, None),
            listener("::", Some(false), None),
            listener("::", Some(true), None),
        ];
        let count = |family| reachable_listeners(&target, &listeners, family).len();
        assert_eq!(count(None), 3);
        assert_eq!(count(Some(Family::Ipv4)), 2);
        assert_eq!(count(Some(Family::Ipv6)), 2);
    }

    #[test]
    fn an_interface_narrows_a_wildcard() {
        let on = |name| listener("0.0.0.0", None, Some(name));
        assert!(covers("127.0.0.1:80", &on("lo")));
        assert!(!covers("127.0.0.1:80", &on("eth0")));
        assert!(covers("80", &on("eth0")));
    }

    #[test]
    fn a_bound_socket_does_not_listen() {
        let local = Endpoint::new([127, 0, 0, 1].into(), 80);
        let bound = Holder::new(Socket::new(Protocol::Tcp, local, None, State::Bound));
        assert!(!covers("80", &bound));
    }
}
