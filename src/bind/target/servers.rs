//! Whether a client that connects to a target gets the server that is expected. Pure.

use std::net::IpAddr;

use serde::Serialize;

use super::{Address, Target};
use crate::model::{Holder, Owner, Process, Redirect, RedirectedPackets};

/// Whose listeners a client gets a connection to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerMatch {
    /// Only those of the expected server.
    Expected,
    /// Only those of others.
    Another,
    /// Those of the expected server or of others, depending on the address, or on chance.
    Several,
    /// Some may be of others, as an owner is unknown.
    Unknown,
}

impl ServerMatch {
    /// Of the listeners that a client may get a connection to, for each of which is known whether it is the expected
    /// server's; `None` without any.
    pub fn of(listeners: &[Option<bool>]) -> Option<Self> {
        let has = |answer: Option<bool>| listeners.contains(&answer);
        let found = match (has(Some(true)), has(Some(false)), has(None)) {
            (false, false, false) => return None,
            (true, false, false) => Self::Expected,
            (true, true, _) => Self::Several,
            (false, true, _) => Self::Another,
            (_, false, true) => Self::Unknown,
        };
        Some(found)
    }
}

/// Whether a listener is the expected server's: if one of its owners is. `None` if that is unknown. `is_expected` is the
/// answer for an owner.
pub fn is_of_server(
    holder: &Holder,
    is_expected: impl Fn(&Process) -> Option<bool>,
) -> Option<bool> {
    match &holder.socket.owner {
        Owner::Known(owners) => {
            let answers: Vec<_> = owners.iter().map(|owner| is_expected(owner)).collect();
            let is_unknown = answers.contains(&None) && !answers.contains(&Some(true));
            (!is_unknown).then(|| answers.contains(&Some(true)))
        }
        Owner::Kernel => Some(false),
        Owner::Hidden | Owner::Former(_) | Owner::Inferred(_) | Owner::None | Owner::Unknown => {
            None
        }
    }
}

/// The first rule that sends what programs of this machine send to the target elsewhere. A rule with conditions that are
/// not understood is taken to match all addresses but loopback, which engines exclude.
pub fn diverting<'a>(target: &Target, redirects: &'a [Redirect]) -> Option<&'a Redirect> {
    let is_matched = |redirect: &Redirect, ip: IpAddr| match redirect.destination {
        Some(destination) => destination == ip,
        None => redirect.is_unconditional || !ip.is_loopback(),
    };
    redirects.iter().find(|redirect| {
        let is_local = redirect.packets != RedirectedPackets::Incoming;
        let port = redirect.to.port.filter(|&port| port != target.first_port());
        let leads_away = redirect.to.address.is_some() || port.is_some();
        let is_any = |ip: &IpAddr| ip.is_unspecified();
        let mut ips = target.address.ips().into_iter();
        let is_about_target = match target.address {
            Address::Every => true,
            _ => ips.any(|ip| is_any(&ip) || is_matched(redirect, ip)),
        };
        redirect.protocol == target.protocol && is_local && leads_away && is_about_target
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Endpoint, Protocol, Socket, State};

    #[test]
    fn only_the_expected_server_alone_is_expected() {
        let (yes, no, unknown) = (Some(true), Some(false), None);
        for (listeners, expected) in [
            (&[][..], None),
            (&[yes], Some(ServerMatch::Expected)),
            (&[yes, yes], Some(ServerMatch::Expected)),
            (&[yes, no], Some(ServerMatch::Several)),
            (&[no, yes, unknown], Some(ServerMatch::Several)),
            (&[no], Some(ServerMatch::Another)),
            (&[no, unknown], Some(ServerMatch::Another)),
            (&[unknown], Some(ServerMatch::Unknown)),
            (&[yes, unknown], Some(ServerMatch::Unknown)),
        ] {
            assert_eq!(ServerMatch::of(listeners), expected, "{listeners:?}");
        }
    }

    #[test]
    fn a_rule_diverts_what_it_matches() {
        use crate::model::{RedirectTarget, Text};
        let redirect = |packets, destination: Option<&str>, is_unconditional, port| Redirect {
            protocol: Protocol::Tcp,
            packets,
            conditions: Vec::new(),
            destination: destination.map(|ip| ip.parse().unwrap()),
            is_unconditional,
            to: RedirectTarget {
                address: None,
                port: Some(port),
                text: Text::new("port 9"),
                is_unreachable: false,
            },
            place: Text::new("iptables nat DOCKER"),
            comment: None,
        };
        let (all, incoming) = (RedirectedPackets::All, RedirectedPackets::Incoming);
        let is_diverted = |target: &str, rule: &Redirect| {
            diverting(&target.parse().unwrap(), std::slice::from_ref(rule)).is_some()
        };
        for (rule, expected) in [
            (redirect(all, None, true, 9), [true; 3]),
            // As engines have it: not for loopback.
            (redirect(all, None, false, 9), [true, false, true]),
            (
                redirect(all, Some("10.0.0.1"), true, 9),
                [true, false, true],
            ),
            (
                redirect(all, Some("10.0.0.2"), true, 9),
                [true, false, false],
            ),
            (redirect(incoming, None, true, 9), [false; 3]),
            (redirect(all, None, true, 80), [false; 3]),
        ] {
            let found = ["80", "localhost:80", "10.0.0.1:80"].map(|to| is_diverted(to, &rule));
            assert_eq!(found, expected, "{rule:?}");
        }
        assert!(!is_diverted("80/udp", &redirect(all, None, true, 9)));
    }

    #[test]
    fn one_of_several_owners_is_enough() {
        let local = Endpoint::new([0, 0, 0, 0].into(), 80);
        let socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        let owned = |owner| {
            let owner = Holder::new(Socket {
                owner,
                ..socket.clone()
            });
            // The first is expected, of the third it is unknown.
            is_of_server(&owner, |one| match one.pid {
                1 => Some(true),
                2 => Some(false),
                _ => None,
            })
        };
        let known = |pids: &[u32]| {
            let all = pids.iter().map(|&pid| Arc::new(Process::new(pid, "node")));
            owned(Owner::Known(all.collect()))
        };
        assert_eq!(known(&[1, 2, 3]), Some(true));
        assert_eq!(known(&[2]), Some(false));
        assert_eq!(known(&[2, 3]), None);
        assert_eq!(owned(Owner::Kernel), Some(false));
        assert_eq!((owned(Owner::Hidden), owned(Owner::None)), (None, None));
    }
}
