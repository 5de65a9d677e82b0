//! What the arguments of the processes that publish a container's port say. Pure.
//!
//! Measured with Docker 20.10, podman 4.3 and pasta (kernel.md's table of publishers); the arguments of
//! Docker 28, LXD and Incus are from their sources.

use std::net::IpAddr;

use super::super::facts::Facts;
use super::engines::protocol;
use super::ports::{At, Fit, Published, host_address};
use super::whose;

/// A process that publishes a port, as its arguments say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Publisher {
    /// Docker's proxy: where it sends the traffic.
    DockerProxy { address: IpAddr, port: u16 },
    /// dockerd, which has the port itself where it was started with `--userland-proxy=false`.
    Dockerd,
    /// podman's monitor: the container's id and name.
    Conmon { id: String, name: Option<String> },
    /// podman's forwarder without root: it runs in the container's network namespace.
    Rootlessport,
    /// `pasta` and `slirp4netns` with a namespace of somebody's own.
    UserNetwork,
    /// Rootless Docker's forwarder.
    Rootlesskit,
    /// LXD's and Incus': the instance and its proxy device.
    Forkproxy {
        is_incus: bool,
        instance: String,
        device: String,
    },
}

/// What publishes, if this process does. The user tells whose engine it is; LXD's and Incus' are root's alone.
pub(in super::super) fn publisher(facts: &Facts) -> Option<Publisher> {
    let argv = &facts.argv;
    let program = facts.program();
    match program {
        "docker-proxy" => {
            let address = option(argv, "-container-ip")?.parse().ok()?;
            let port = option(argv, "-container-port")?.parse().ok()?;
            Some(Publisher::DockerProxy { address, port })
        }
        "dockerd" => Some(Publisher::Dockerd),
        "conmon" => {
            let id = option(argv, "-c").or_else(|| option(argv, "--cid"))?;
            let name = option(argv, "-n").or_else(|| option(argv, "--name"));
            Some(Publisher::Conmon { id, name })
        }
        "rootlessport" | "rootlessport-child" => Some(Publisher::Rootlessport),
        "pasta" | "pasta.avx2" | "passt" | "passt.avx2" | "slirp4netns" => {
            Some(Publisher::UserNetwork)
        }
        "rootlesskit" => Some(Publisher::Rootlesskit),
        "lxd" | "incusd" | "incus"
            if whose::is_root(facts) && argv.iter().any(|one| one == "forkproxy") =>
        {
            forkproxy(argv, program != "lxd")
        }
        // Its forwarder is called `exe` inside.
        _ if facts.comm == "rootlessport" || facts.comm == "rootlessport-ch" => {
            Some(Publisher::Rootlessport)
        }
        _ if facts.comm.starts_with("passt") || facts.comm.starts_with("pasta") => {
            Some(Publisher::UserNetwork)
        }
        _ => None,
    }
}

/// How well root's Docker proxy fits a socket of this host, if this process is one.
pub(super) fn is_proxy_of(facts: &Facts, at: &At) -> Option<Fit> {
    let is_proxy = facts.program() == "docker-proxy" && whose::is_root(facts);
    let argument = |name: &str| option(&facts.argv, name).filter(|_| is_proxy);
    let published = Published {
        protocol: argument("-proto").map_or(Some(at.protocol), |name| protocol(&name))?,
        port: argument("-host-port")?.parse().ok()?,
        host: host_address(&argument("-host-ip").unwrap_or_default()).ok()?,
    };
    published.fit(at)
}

/// `…/logs/INSTANCE/proxy.DEVICE.log` among the arguments.
fn forkproxy(argv: &[String], is_incus: bool) -> Option<Publisher> {
    argv.iter().find_map(|argument| {
        let (folder, file) = argument.rsplit_once('/')?;
        let device = file.strip_prefix("proxy.")?.strip_suffix(".log")?;
        let instance = folder.rsplit('/').next()?;
        Some(Publisher::Forkproxy {
            is_incus,
            instance: instance.to_owned(),
            device: device.to_owned(),
        })
    })
}

/// The value of an option, as the next argument or after `=`.
fn option(argv: &[String], name: &str) -> Option<String> {
    let mut arguments = argv.iter();
    while let Some(argument) = arguments.next() {
        if argument == name {
            return arguments.next().cloned();
        }
        let joined = argument
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = joined {
            return Some(value.to_owned());
        }
    }
    None
}

/// The folder that dockerd keeps its containers in, as its arguments say.
pub(super) fn data_root(dockerd: &Facts) -> Option<String> {
    option(&dockerd.argv, "--data-root").or_else(|| option(&dockerd.argv, "-g"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Protocol;

    fn facts(command: &str) -> Facts {
        let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let comm = argv[0].rsplit('/').next().unwrap();
        Facts {
            comm: comm.chars().take(15).collect(),
            argv,
            uids: vec![0; 4],
            ..Facts::default()
        }
    }

    #[test]
    fn each_publisher_is_read_from_its_arguments() {
        let proxy = "/usr/sbin/docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 8080 -container-ip \
                     172.17.0.2 -container-port 80";
        let expected = Publisher::DockerProxy {
            address: [172, 17, 0, 2].into(),
            port: 80,
        };
        assert_eq!(publisher(&facts(proxy)), Some(expected));
        let at = |protocol, port, address: [u8; 4]| At {
            protocol,
            port,
            address: address.into(),
        };
        let fits = |at: &At| is_proxy_of(&facts(proxy), at).is_some();
        assert!(fits(&at(Protocol::Tcp, 8080, [127, 0, 0, 1])));
        assert!(!fits(&at(Protocol::Tcp, 8080, [127, 0, 0, 2])));
        assert!(!fits(&at(Protocol::Udp, 8080, [127, 0, 0, 1])));
        assert!(!fits(&at(Protocol::Tcp, 808, [127, 0, 0, 1])));
        let forged = Facts {
            uids: vec![1000, 0, 0, 0],
            ..facts(proxy)
        };
        let own = at(Protocol::Tcp, 8080, [127, 0, 0, 1]);
        assert_eq!(is_proxy_of(&forged, &own), None);
        let conmon =
            "/usr/bin/conmon --api-version 1 -c 0123 -u 0123 -r /usr/bin/runc -n web --exit-dir /x";
        let expected = Publisher::Conmon {
            id: "0123".into(),
            name: Some("web".into()),
        };
        assert_eq!(publisher(&facts(conmon)), Some(expected));
        let lxd = "/snap/lxd/current/bin/lxd forkproxy -- 12 -1 tcp:0.0.0.0:80 34 -1 tcp:127.0.0.1:80 \
                   /var/snap/lxd/common/lxd/logs/web/proxy.http.log x";
        let expected = Publisher::Forkproxy {
            is_incus: false,
            instance: "web".into(),
            device: "http".into(),
        };
        assert_eq!(publisher(&facts(lxd)), Some(expected));
        let forged = Facts {
            uids: vec![1000; 4],
            ..facts(lxd)
        };
        assert_eq!(publisher(&forged), None);
        assert_eq!(
            publisher(&facts("rootlessport")),
            Some(Publisher::Rootlessport)
        );
        assert_eq!(
            publisher(&facts("/usr/bin/passt.avx2 -t 80")),
            Some(Publisher::UserNetwork)
        );
        for other in [
            "nginx -g x",
            "docker-proxy -proto tcp",
            "conmon -n web",
            "lxd forkproxy x",
        ] {
            assert_eq!(publisher(&facts(other)), None, "{other}");
        }
        let dockerd = facts("/usr/bin/dockerd -H fd:// --data-root=/data/docker");
        assert_eq!(data_root(&dockerd).as_deref(), Some("/data/docker"));
    }
}
