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
    let listening = holders.iter().filter(|holder| listens(target, holder));
    listening.filter(is_reached).collect()
}

/// All holders that a client may get a connection to that uses the target. For every address, or a wildcard, those on
/// any address of its family; for `localhost`, those that the kernel selects for `127.0.0.1` or `::1`; for one address,
/// those that it selects: one bound to that very address before a wildcard (`inet_lookup_listener`). Several are
/// selected at once if they share the port (`SO_REUSEPORT`).
pub fn selectable_listeners<'a>(
    target: &Target,
    holders: &'a [Holder],
    family: Option<Family>,
) -> Vec<&'a Holder> {
    let listening = || holders.iter().filter(|holder| listens(target, holder));
    let takes_family = |holder: &&Holder, family: Family| {
        let local = holder.socket.local.address.to_canonical();
        let takes_v4 = local.is_unspecified() && holder.v6only != Some(true);
        local.is_ipv4() == (family == Family::Ipv4) || takes_v4 && family == Family::Ipv4
    };
    let any_of = match target.address {
        Address::Every => Some(family),
        Address::One(one) if one.is_unspecified() => Some(Some(Endpoint::new(one, 0).family())),
        _ => None,
    };
    if let Some(family) = any_of {
        let is_of_it = |holder: &&Holder| family.is_none_or(|family| takes_family(holder, family));
        return listening().filter(is_of_it).collect();
    }
    let ips = target.address.ips().into_iter();
    let is_of_family = |ip: &IpAddr| family.is_none_or(|it| it == Endpoint::new(*ip, 0).family());
    let ips: Vec<IpAddr> = ips.filter(is_of_family).collect();
    let takes = |holder: &Holder, ip| takes(holder, ip, target.address.zone());
    let best = |ip: IpAddr| {
        let candidates = listening().filter(|holder| takes(holder, ip));
        candidates.map(|holder| precedence(holder, ip)).max()
    };
    let best: Vec<_> = ips.iter().map(|&ip| (ip, best(ip))).collect();
    let is_selected = |holder: &&Holder| {
        let mut best = best.iter();
        best.any(|&(ip, best)| takes(holder, ip) && Some(precedence(holder, ip)) == best)
    };
    listening().filter(is_selected).collect()
}

/// The order in which the kernel prefers the listeners of an address: its own address, then the score of
/// `compute_score`.
fn precedence(holder: &Holder, address: IpAddr) -> (bool, u8) {
    let socket = &holder.socket;
    let is_exact = socket.local.address.to_canonical() == address.to_canonical();
    let is_v4 = socket.family() == Family::Ipv4;
    (
        is_exact,
        u8::from(socket.interface.is_some()) + u8::from(is_v4),
    )
}

/// Whether it takes new connections, or datagrams from anywhere.
fn listens(target: &Target, holder: &Holder) -> bool {
    match target.protocol {
        Protocol::Tcp => holder.socket.state == State::Listen,
        _ => holder.socket.remote.is_none(),
    }
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
    fn the_kernel_selects_the_most_specific_listener() {
        let all = [
            listener("127.0.0.1", None, None),
            listener("0.0.0.0", None, None),
            listener("::", Some(false), None),
            listener("::1", Some(false), None),
            listener("10.0.0.1", None, None),
        ];
        let selected = |target: &str, holders: &[Holder]| -> Vec<String> {
            let target: Target = target.parse().unwrap();
            let found = selectable_listeners(&target, holders, None);
            let local = |one: &&Holder| one.socket.local.address.to_string();
            found.iter().map(local).collect()
        };
        for (target, expected) in [
            ("127.0.0.1:80", &["127.0.0.1"][..]),
            ("127.0.0.2:80", &["0.0.0.0"]),
            ("[::1]:80", &["::1"]),
            ("[fe80::1]:80", &["::"]),
            ("localhost:80", &["127.0.0.1", "::1"]),
            ("0.0.0.0:80", &["127.0.0.1", "0.0.0.0", "::", "10.0.0.1"]),
            ("[::]:80", &["::", "::1"]),
            ("80", &["127.0.0.1", "0.0.0.0", "::", "::1", "10.0.0.1"]),
        ] {
            assert_eq!(selected(target, &all), expected, "{target}");
        }
        // Both addresses of localhost lead to it: it is one.
        assert_eq!(selected("localhost:80", &all[2..3]), ["::"]);
        let twins = [all[1].clone(), all[1].clone()];
        assert_eq!(selected("127.0.0.1:80", &twins), ["0.0.0.0", "0.0.0.0"]);
    }

    #[test]
    fn a_bound_socket_does_not_listen() {
        let local = Endpoint::new([127, 0, 0, 1].into(), 80);
        let bound = Holder::new(Socket::new(Protocol::Tcp, local, None, State::Bound));
        assert!(!covers("80", &bound));
    }
}
