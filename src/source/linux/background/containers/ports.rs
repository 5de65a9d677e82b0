//! A port of this host with the address that it is published at. Pure.

use std::net::IpAddr;

use crate::model::Protocol;

/// A socket that a container's published port is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketAt {
    pub(crate) port: (Protocol, u16),
    pub(crate) address: IpAddr,
}

/// A port that a container publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Published {
    pub(super) port: (Protocol, u16),
    /// `None`: every address, of both families.
    pub(super) host: Option<IpAddr>,
    /// The port inside the container, if that is known.
    pub(super) inside: Option<u16>,
}

/// How well a published port fits a socket; greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    Wildcard,
    Exact,
}

impl Published {
    /// `host` as in a file, an answer or an argument: empty or none is every address; `None` if it is invalid.
    pub(super) fn new(port: (Protocol, u16), host: Option<&str>) -> Option<Self> {
        let host = host.filter(|host| !host.is_empty());
        Some(Self {
            port,
            host: host.map(str::parse).transpose().ok()?,
            inside: None,
        })
    }

    /// The same with its port inside the container.
    pub(super) const fn of_port(self, inside: Option<u16>) -> Self {
        Self { inside, ..self }
    }

    /// How well it fits the socket, if the socket's address is part of the published one. Docker before 20.10.6 had one
    /// socket `[::]` for both families, so any unspecified address fits any other.
    pub(super) fn fit(&self, at: &SocketAt) -> Option<Fit> {
        if self.port != at.port {
            return None;
        }
        let address = at.address.to_canonical();
        match self.host.map(|host| host.to_canonical()) {
            Some(host) if host == address => Some(Fit::Exact),
            Some(host) if !host.is_unspecified() => None,
            Some(host) => {
                let is_covered = address.is_unspecified() || address.is_ipv4() == host.is_ipv4();
                is_covered.then_some(Fit::Wildcard)
            }
            None => Some(Fit::Wildcard),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_published_at_its_own_address_only() {
        let new = |address| Published::new((Protocol::Tcp, 8080), Some(address));
        let published = |address| new(address).unwrap();
        let at = |address: &str| SocketAt {
            port: (Protocol::Tcp, 8080),
            address: address.parse().unwrap(),
        };
        for (host, socket, fit) in [
            ("127.0.0.1", "127.0.0.1", Some(Fit::Exact)),
            ("127.0.0.1", "::ffff:127.0.0.1", Some(Fit::Exact)),
            ("127.0.0.2", "127.0.0.1", None),
            ("127.0.0.1", "0.0.0.0", None),
            ("0.0.0.0", "0.0.0.0", Some(Fit::Exact)),
            ("0.0.0.0", "::", Some(Fit::Wildcard)),
            ("0.0.0.0", "127.0.0.1", Some(Fit::Wildcard)),
            ("0.0.0.0", "::1", None),
            ("", "::1", Some(Fit::Wildcard)),
        ] {
            assert_eq!(published(host).fit(&at(socket)), fit, "{host} {socket}");
        }
        let other = SocketAt {
            port: (Protocol::Tcp, 8081),
            ..at("127.0.0.1")
        };
        assert_eq!(published("").fit(&other), None);
        assert_eq!(new("x"), None);
    }
}
