//! Where a publisher of ports leads: read once for each, from its arguments and its children.

use std::net::IpAddr;

use super::ports::SocketAt;
use super::publishers::{self, Publisher};
use super::{Containers, described};
use crate::model::{Container, Endpoint, Pid, Protocol};
use crate::source::linux::background::facts::{self, Facts};
use crate::source::users::Users;

/// Where the traffic for the ports of a publisher goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To this address and port.
    Address(IpAddr, u16),
    /// To where a rule of the packet filter for the port sends it, too.
    ByRule,
    /// Into the namespace that one of these processes is in.
    Processes {
        pids: Vec<Pid>,
        /// Ports of the host with those inside, where the arguments have them.
        ports: Vec<(u16, u16)>,
        container: Option<Container>,
    },
    /// Into this container, whose namespace is not known.
    Container(Container),
}

/// Where a process leads, if it is a publisher of root's engines or of a user's: not a program in a container that is called
/// like one.
pub(crate) fn destination(pid: Pid) -> Option<Destination> {
    let own = Facts::of(pid)?;
    let mut users = Users::default();
    let mut containers = Containers::new((Protocol::Tcp, 0), &mut users);
    Some(match containers.publisher(&own)? {
        Publisher::DockerProxy { address, port } => Destination::Address(address, port),
        Publisher::Dockerd => Destination::ByRule,
        Publisher::Conmon { .. } => Destination::Processes {
            pids: facts::children_of(pid),
            ports: Vec::new(),
            container: containers
                .of_publisher(&own, publishers::publisher(&own)?)
                .as_ref()
                .and_then(described),
        },
        Publisher::RootlessPodman => {
            let children = facts::children_of(pid);
            Destination::Processes {
                pids: std::iter::once(pid).chain(children).collect(),
                ports: forwarded_ports(&own.argv),
                container: containers
                    .of_publisher(&own, Publisher::RootlessPodman)
                    .as_ref()
                    .and_then(described),
            }
        }
        publisher @ (Publisher::Rootlesskit | Publisher::Forkproxy { .. }) => {
            let behind = containers.of_publisher(&own, publisher)?;
            Destination::Container(described(&behind)?)
        }
    })
}

/// Where the ports of these sockets lead, whose owners can't be seen: by the arguments of Docker's proxies, which everyone may
/// read, or by the engine's state.
pub(crate) fn destinations_of_hidden(sockets: &[(Protocol, Endpoint)]) -> Vec<Option<Destination>> {
    let mut users = Users::default();
    let mut containers = Containers::new((Protocol::Tcp, 0), &mut users);
    let destination = |&(protocol, local): &(Protocol, Endpoint)| {
        containers.at = SocketAt {
            port: (protocol, local.port),
            address: local.address,
        };
        let behind = containers.of_port()?;
        let to = behind.address.zip(behind.port);
        let to = to.map(|(address, port)| Destination::Address(address, port));
        to.or_else(|| described(&behind).map(Destination::Container))
    };
    sockets.iter().map(destination).collect()
}

/// The ports of `pasta -t 8080:80,8081`.
fn forwarded_ports(arguments: &[String]) -> Vec<(u16, u16)> {
    let mut ports = Vec::new();
    for pair in arguments.windows(2) {
        if !matches!(&*pair[0], "-t" | "-u" | "--tcp-ports" | "--udp-ports") {
            continue;
        }
        for one in pair[1].split(',') {
            // An address may come before, as in `127.0.0.1/8080:80`.
            let one = one.rsplit('/').next().unwrap_or(one);
            let (outside, inside) = one.split_once(':').unwrap_or((one, one));
            let parsed = outside.parse().ok().zip(inside.parse().ok());
            ports.extend(parsed);
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_pasta_are_read_from_its_arguments() {
        let words = [
            "pasta",
            "-t",
            "8080:80,127.0.0.1/8081",
            "-u",
            "none",
            "--netns",
            "/x",
        ];
        let words: Vec<String> = words.map(str::to_owned).into();
        assert_eq!(forwarded_ports(&words), [(8080, 80), (8081, 8081)]);
    }
}
