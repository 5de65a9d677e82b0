//! Rules that send the packets for a port somewhere else before a socket can get them.
//!
//! Values only: `inspect` reads the rules, `bind` describes them. An unreadable condition is described as such, never
//! left out.

use std::net::IpAddr;

use crate::model::{Protocol, Text};

/// A rule of the packet filter that sends a port's packets elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The protocol of the packets.
    pub protocol: Protocol,
    /// Which packets pass the rule at all.
    pub packets: RedirectedPackets,
    /// Further conditions, all of which must be true: verb phrases whose subject is the packets, such as
    /// `come in by eth0`, `do not come from 172.17.0.0/16`, `are for 10.0.0.1`.
    pub conditions: Vec<Text>,
    /// The address that they are for, if the conditions have exactly one.
    pub destination: Option<IpAddr>,
    /// Whether those for the destination, or else for any address of this machine, pass without further conditions,
    /// wherever they come in: all but those of the containers themselves, as the engines' rules are.
    pub is_unconditional: bool,
    /// Where they go.
    pub to: RedirectTarget,
    /// The tool, table and chain of the rule: `iptables nat DOCKER`, `nftables ip kube-proxy endpoint-1`.
    pub place: Text,
    /// Comments of the rules: a container's name or id, a service.
    pub comment: Option<Text>,
}

/// Packets by origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RedirectedPackets {
    /// Those that come in from other machines and namespaces (hook prerouting).
    Incoming,
    /// Those that programs of this namespace send (hook output).
    Local,
    /// Both.
    All,
}

/// Where a rule sends packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTarget {
    /// The address, where it is exactly one; `None` as well where it stays on this machine.
    pub address: Option<IpAddr>,
    /// The port, where it is exactly one; `None` as well where it stays the same.
    pub port: Option<u16>,
    /// All of it: `port 9090`, `172.17.0.2:80`, `one of 10.0.0.1:80 and 10.0.0.2:80`.
    pub text: Text,
    /// Whether this machine has no route to the address: the packets are lost, as after a container was killed.
    pub is_unreachable: bool,
}

impl Redirect {
    /// The affected packets, as the subject of a sentence in lower case; `port` is the wording for the port: `incoming
    /// packets for this port that come from 10.0.0.0/8`.
    pub fn packets(&self, port: &str) -> String {
        let by_interface = |condition: &Text| condition.starts_with("come in by ");
        let subject = match self.packets {
            RedirectedPackets::Incoming if !self.conditions.iter().any(by_interface) => {
                format!("incoming packets for {port}")
            }
            RedirectedPackets::Local => format!("packets from this machine for {port}"),
            RedirectedPackets::Incoming | RedirectedPackets::All => format!("packets for {port}"),
        };
        let conditions: Vec<&str> = self.conditions.iter().map(Text::as_str).collect();
        match conditions.split_last() {
            None => subject,
            Some((only, [])) => format!("{subject} that {only}"),
            Some((last, others)) => format!("{subject} that {} and {last}", others.join(", ")),
        }
    }

    /// The destination and the rule: `172.17.0.2:80 (iptables nat DOCKER)`.
    pub fn target(&self) -> String {
        let lost = if self.to.is_unreachable {
            ", to which this machine has no route"
        } else {
            ""
        };
        let comment = self.comment.as_ref();
        let comment = comment.map_or_else(String::new, |comment| format!(": {comment}"));
        format!("{}{lost} ({}{comment})", self.to.text, self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(packets: RedirectedPackets, conditions: &[&str]) -> Redirect {
        Redirect {
            protocol: Protocol::Tcp,
            packets,
            conditions: conditions.iter().map(|&one| Text::new(one)).collect(),
            destination: None,
            is_unconditional: conditions.is_empty(),
            to: RedirectTarget {
                address: "172.17.0.2".parse().ok(),
                port: Some(80),
                text: Text::new("172.17.0.2:80"),
                is_unreachable: false,
            },
            place: Text::new("iptables nat DOCKER"),
            comment: None,
        }
    }

    #[test]
    fn packets_are_named_with_their_conditions() {
        use RedirectedPackets::{All, Incoming, Local};
        for (packets, conditions, expected) in [
            (All, &[][..], "packets for this port"),
            (Incoming, &[], "incoming packets for this port"),
            (Local, &[], "packets from this machine for this port"),
            (
                Incoming,
                &["come in by eth0"],
                "packets for this port that come in by eth0",
            ),
            (
                All,
                &["a", "b", "c"],
                "packets for this port that a, b and c",
            ),
        ] {
            assert_eq!(redirect(packets, conditions).packets("this port"), expected);
        }
    }

    #[test]
    fn a_target_that_cannot_be_reached_is_said_to_be() {
        let mut one = redirect(RedirectedPackets::All, &[]);
        assert_eq!(one.target(), "172.17.0.2:80 (iptables nat DOCKER)");
        one.to.is_unreachable = true;
        one.comment = Some(Text::new("id: 0123"));
        assert_eq!(
            one.target(),
            "172.17.0.2:80, to which this machine has no route (iptables nat DOCKER: id: 0123)"
        );
    }
}
