//! Parses the arguments of the engines' processes: publishers of a container's port, and commands that run as long as
//! their container. Pure.
//!
//! Measured with Docker 20.10, podman 4.3 and pasta (the cases in `tests`); the arguments of Docker 28, LXD
//! and Incus are from their sources. Any user may give a program any name and arguments, so only the user of the
//! process identifies root's engine.

use std::net::IpAddr;

use super::ports::{Fit, Published, SocketAt};
use super::state::protocol;
use crate::model::Engine;
use crate::source::linux::background::facts::{Facts, base_name};

/// A process that publishes a port, by its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publisher<'a> {
    /// Docker's proxy, with the destination of the traffic.
    DockerProxy { address: IpAddr, port: u16 },
    /// dockerd, which has the port itself if started with `--userland-proxy=false`.
    Dockerd,
    /// podman's monitor: the container's id and name.
    Conmon { id: &'a str, name: Option<&'a str> },
    /// podman's forwarder without root: `rootlessport` in the container's network namespace, or `pasta` or
    /// `slirp4netns`, which lead into it.
    RootlessPodman,
    /// Rootless Docker's forwarder.
    Rootlesskit,
    /// LXD's and Incus': the instance and its proxy device.
    Forkproxy {
        engine: Engine,
        instance: &'a str,
        device: &'a str,
    },
}

/// The kind of publisher that a process is, if any. LXD's and Incus' publishers are always root's.
pub(crate) fn publisher(facts: &Facts) -> Option<Publisher<'_>> {
    let is_comm = |prefix| facts.comm.starts_with(prefix);
    match facts.program() {
        "docker-proxy" => Some(Publisher::DockerProxy {
            address: facts.option(&["-container-ip"])?.parse().ok()?,
            port: facts.option(&["-container-port"])?.parse().ok()?,
        }),
        "dockerd" => Some(Publisher::Dockerd),
        "conmon" => Some(Publisher::Conmon {
            id: facts.option(&["-c", "--cid"])?,
            name: facts.option(&["-n", "--name"]),
        }),
        "rootlesskit" => Some(Publisher::Rootlesskit),
        "lxd" => forkproxy(facts, Engine::Lxd),
        "incus" | "incusd" => forkproxy(facts, Engine::Incus),
        "slirp4netns" | "pasta" | "pasta.avx2" | "passt" | "passt.avx2" | "rootlessport"
        | "rootlessport-child" => Some(Publisher::RootlessPodman),
        // The program of rootlessport's child is called `exe`.
        _ if matches!(&*facts.comm, "rootlessport" | "rootlessport-ch") => {
            Some(Publisher::RootlessPodman)
        }
        _ if is_comm("passt") || is_comm("pasta") => Some(Publisher::RootlessPodman),
        _ => None,
    }
}

/// How well root's Docker proxy fits a socket of this host, if this process is one.
pub(super) fn proxy_fit(facts: &Facts, at: &SocketAt) -> Option<Fit> {
    if facts.program() != "docker-proxy" || facts.acts_for() != Some(0) {
        return None;
    }
    let named = facts.option(&["-proto"]);
    let protocol = named.map_or(Some(at.port.0), protocol)?;
    let port = facts.option(&["-host-port"])?.parse().ok()?;
    Published::new((protocol, port), facts.option(&["-host-ip"]))?.fit(at)
}

/// `…/logs/INSTANCE/proxy.DEVICE.log` among the arguments.
fn forkproxy(facts: &Facts, engine: Engine) -> Option<Publisher<'_>> {
    if facts.acts_for() != Some(0) || !facts.has_argument("forkproxy") {
        return None;
    }
    facts.argv.iter().find_map(|argument| {
        let (folder, file) = argument.rsplit_once('/')?;
        let device = file.strip_prefix("proxy.")?.strip_suffix(".log")?;
        Some(Publisher::Forkproxy {
            engine,
            instance: base_name(folder),
            device,
        })
    })
}

/// Whether Docker's command runs the container of this name and id in the foreground: `docker run` and `docker start
/// -a`. Programs inside it may have the same words among their arguments.
pub(super) fn is_client_of(facts: &Facts, name: &str, id: &str) -> bool {
    let words: Vec<&str> = facts.argv.iter().skip(1).map(String::as_str).collect();
    let command = words.strip_prefix(&["container"]).unwrap_or(&words);
    facts.program() == "docker"
        && match command {
            ["run", ..] => facts.option(&["--name"]) == Some(name),
            ["start", rest @ ..] => attaches(rest, name, id),
            _ => false,
        }
}

/// Whether the operands of `docker start` have the container, and its options attach to it.
fn attaches(words: &[&str], name: &str, id: &str) -> bool {
    const WITH_VALUE: [&str; 3] = ["--detach-keys", "--checkpoint", "--checkpoint-dir"];
    let (mut attaches, mut is_named, mut is_value) = (false, false, false);
    for word in words {
        if std::mem::take(&mut is_value) {
            continue;
        }
        is_value = WITH_VALUE.contains(word);
        match word.strip_prefix('-') {
            Some(long) if long.starts_with('-') => {
                attaches |= matches!(long, "-attach" | "-interactive");
            }
            Some(short) => attaches |= short.contains(['a', 'i']),
            None => is_named |= *word == name || !id.is_empty() && word.starts_with(id),
        }
    }
    attaches && is_named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Protocol;

    #[test]
    fn each_publisher_is_read_from_its_arguments() {
        let proxy = "/usr/sbin/docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 8080 -container-ip \
                     172.17.0.2 -container-port 80";
        let expected = Publisher::DockerProxy {
            address: [172, 17, 0, 2].into(),
            port: 80,
        };
        assert_eq!(publisher(&Facts::of_command(proxy)), Some(expected));
        let at = |protocol, port, address: [u8; 4]| SocketAt {
            port: (protocol, port),
            address: address.into(),
        };
        let fits = |at: &SocketAt| proxy_fit(&Facts::of_command(proxy), at).is_some();
        assert!(fits(&at(Protocol::Tcp, 8080, [127, 0, 0, 1])));
        assert!(!fits(&at(Protocol::Tcp, 8080, [127, 0, 0, 2])));
        assert!(!fits(&at(Protocol::Udp, 8080, [127, 0, 0, 1])));
        assert!(!fits(&at(Protocol::Tcp, 808, [127, 0, 0, 1])));
        let forged = Facts {
            uids: vec![1000, 0, 0, 0],
            ..Facts::of_command(proxy)
        };
        let own = at(Protocol::Tcp, 8080, [127, 0, 0, 1]);
        assert_eq!(proxy_fit(&forged, &own), None);
        let conmon =
            "/usr/bin/conmon --api-version 1 -c 0123 -u 0123 -r /usr/bin/runc -n web --exit-dir /x";
        let expected = Publisher::Conmon {
            id: "0123",
            name: Some("web"),
        };
        assert_eq!(publisher(&Facts::of_command(conmon)), Some(expected));
        let lxd = "/snap/lxd/current/bin/lxd forkproxy -- 12 -1 tcp:0.0.0.0:80 34 -1 tcp:127.0.0.1:80 \
                   /var/snap/lxd/common/lxd/logs/web/proxy.http.log x";
        let expected = Publisher::Forkproxy {
            engine: Engine::Lxd,
            instance: "web",
            device: "http",
        };
        assert_eq!(publisher(&Facts::of_command(lxd)), Some(expected));
        let forged = Facts {
            uids: vec![1000; 4],
            ..Facts::of_command(lxd)
        };
        assert_eq!(publisher(&forged), None);
        assert_eq!(
            publisher(&Facts::of_command("rootlessport")),
            Some(Publisher::RootlessPodman)
        );
        assert_eq!(
            publisher(&Facts::of_command("/usr/bin/passt.avx2 -t 80")),
            Some(Publisher::RootlessPodman)
        );
        for other in [
            "nginx -g x",
            "docker-proxy -proto tcp",
            "conmon -n web",
            "lxd forkproxy x",
        ] {
            assert_eq!(publisher(&Facts::of_command(other)), None, "{other}");
        }
    }

    #[test]
    fn only_a_command_that_stays_with_the_container_is_its_client() {
        for command in [
            "docker run --rm --name web nginx",
            "/usr/bin/docker container run --name=web nginx",
            "docker start -a web",
            "docker start --detach-keys x -ai 0123456789ab",
            "docker start --attach 0123456789abcdef web2",
        ] {
            assert!(
                is_client_of(&Facts::of_command(command), "web", "0123456789ab"),
                "{command}"
            );
        }
        for command in [
            "docker",
            "docker exec web npm start web",
            "docker exec -it web run --name web",
            "docker run --name other nginx web",
            "docker run --name web2 nginx",
            "docker start web",
            "docker start --detach-keys web -a other",
            "docker logs -f web",
            "podman run --name web nginx",
        ] {
            assert!(
                !is_client_of(&Facts::of_command(command), "web", "0123456789ab"),
                "{command}"
            );
        }
    }
}
