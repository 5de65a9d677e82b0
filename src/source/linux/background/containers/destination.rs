//! Where a publisher of ports leads: read once for each, from its arguments and its children.

use std::net::IpAddr;

use super::ports::SocketAt;
use super::publishers::Publisher;
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
    of_publisher(&own, &mut Containers::for_names(&mut users))
}

/// Of Docker's programs only root's lead anywhere: any user may call a program like one, with any address.
fn of_publisher(own: &Facts, containers: &mut Containers<'_>) -> Option<Destination> {
    let is_root_s = own.acts_for() == Some(0);
    let publisher = containers.publisher(own)?;
    let (pids, ports) = match publisher {
        Publisher::DockerProxy { .. } | Publisher::Dockerd if !is_root_s => return None,
        Publisher::DockerProxy { address, port } => {
            return Some(Destination::Address(address, port));
        }
        Publisher::Dockerd => return Some(Destination::ByRule),
        Publisher::Rootlesskit | Publisher::Forkproxy { .. } => {
            let behind = containers.of_publisher(own, publisher)?;
            return described(&behind).map(Destination::Container);
        }
        Publisher::Conmon { .. } => (facts::children_of(own.pid), Vec::new()),
        Publisher::RootlessPodman => {
            let children = facts::children_of(own.pid);
            let pids = std::iter::once(own.pid).chain(children).collect();
            (pids, forwarded_ports(&own.argv))
        }
    };
    let behind = containers.of_publisher(own, publisher);
    Some(Destination::Processes {
        pids,
        ports,
        container: behind.as_ref().and_then(described),
    })
}

/// Where the ports of these sockets lead, whose owners can't be seen: by the arguments of Docker's proxies, which everyone may
/// read, or by the engine's state.
pub(crate) fn destinations_of_hidden(sockets: &[(Protocol, Endpoint)]) -> Vec<Option<Destination>> {
    let mut users = Users::default();
    let mut containers = Containers::for_names(&mut users);
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

    /// Another user's program that was called `docker-proxy` led into the namespace of root's container.
    #[test]
    fn a_docker_proxy_of_another_user_leads_nowhere() {
        let mut users = Users::default();
        let mut containers = Containers::new((Protocol::Tcp, 0), &mut users);
        let proxy = "docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 \
                     -container-port 80";
        let mut of = |command: &str, uid| {
            let facts = Facts {
                uids: vec![uid; 4],
                ..Facts::of_command(command)
            };
            of_publisher(&facts, &mut containers)
        };
        let expected = Destination::Address([172, 17, 0, 2].into(), 80);
        assert_eq!(of(proxy, 0), Some(expected));
        assert_eq!(of("dockerd", 0), Some(Destination::ByRule));
        let other = u32::MAX - 2;
        assert_eq!(of(proxy, other), None);
        assert_eq!(of("dockerd", other), None);
    }

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
