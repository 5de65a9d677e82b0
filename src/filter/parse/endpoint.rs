//! Reads an address, ports, or both.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use thiserror::Error;

use crate::filter::endpoint::{EndpointPattern, Host, Ports};
use crate::filter::error::{nearest, shown};
use crate::filter::number::{PORT, items};
use crate::model::{Services, Zone};

const ACCEPTED: &str =
    "use an address, 10.0.0.0/8 or localhost, also with a port as in 10.0.0.1:443 or [::1]:443";

/// Why a text can't be read, with the sentence to show.
#[derive(Debug, Error)]
pub(super) enum EndpointError {
    /// It does not begin with an address.
    #[error("{0}")]
    NotAnAddress(String),
    /// It does, but the port or the interface after it is wrong.
    #[error("{0}")]
    WrongPort(String),
}

impl EndpointPattern {
    /// Reads an address, a port after a colon, or both.
    pub(super) fn read(text: &str, services: &Services) -> Result<Self, EndpointError> {
        if text.is_empty() {
            let message = format!("the address is missing: {ACCEPTED}");
            return Err(EndpointError::NotAnAddress(message));
        }
        let (host, port) = match Host::read(text) {
            Some(host) => (Some(host), None),
            None => split(text).ok_or_else(|| {
                let message = format!("{} is not an address: {ACCEPTED}", shown(text));
                EndpointError::NotAnAddress(message)
            })?,
        };
        if let Some(Host::Zoned(_, zone)) = host
            && zone.number().is_some()
        {
            // The table has the names of interfaces only.
            let message = "write the interface by name, as in fe80::1%eth0, not by number";
            return Err(EndpointError::WrongPort(message.to_owned()));
        }
        let ports = port.map(|port| ports(port, services)).transpose();
        let ports = ports.map_err(EndpointError::WrongPort)?;
        Ok(Self { host, ports })
    }

    /// The same, but a port needs no colon before it.
    pub(super) fn read_or_port(text: &str, services: &Services) -> Result<Self, EndpointError> {
        let pattern = Self::read(text, services);
        let is_not_an_address = matches!(pattern, Err(EndpointError::NotAnAddress(_)));
        if !is_not_an_address || text.is_empty() || text.contains([':', '.', '/', '[', '%']) {
            return pattern;
        }
        match ports(text, services) {
            Ok(ports) => Ok(Self {
                host: None,
                ports: Some(ports),
            }),
            // Digits and signs are meant as ports.
            Err(message) if text.starts_with(|c: char| c.is_ascii_digit() || "<>".contains(c)) => {
                Err(EndpointError::WrongPort(message))
            }
            Err(_) => pattern.map_err(|error| {
                EndpointError::NotAnAddress(format!("{error}; or a port (443, https)"))
            }),
        }
    }
}

/// Splits a text into its host and its port; `None` if it does not begin with a host. An IPv6 address needs
/// brackets, as it has colons itself.
fn split(text: &str) -> Option<(Option<Host>, Option<&str>)> {
    if let Some(inside) = text.strip_prefix('[') {
        let (host, rest) = inside.split_once(']')?;
        let host = Host::read(host).filter(|_| host.contains(':'))?;
        return match rest.strip_prefix(':') {
            None if rest.is_empty() => Some((Some(host), None)),
            port => Some((Some(host), Some(port?))),
        };
    }
    let (host, port) = text.rsplit_once(':')?;
    if host.is_empty() {
        return Some((None, Some(port)));
    }
    let host = Host::read(host).filter(|_| !host.contains(':'))?;
    Some((Some(host), Some(port)))
}

impl Host {
    /// Reads `localhost`, an address or a network. A v4-mapped one is read as the IPv4 in it.
    fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("localhost") {
            return Some(Self::Localhost);
        }
        if let Some((address, zone)) = Zone::split(text)
            && address.to_ipv4_mapped().is_none()
        {
            return Some(Self::Zoned(address, zone));
        }
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let net = address.or_else(|_| text.parse::<IpNet>()).ok()?.trunc();
        let unmapped = || {
            let IpNet::V6(v6) = net else { return None };
            let bits = v6.prefix_len().checked_sub(96)?;
            Ipv4Net::new(v6.addr().to_ipv4_mapped()?, bits).ok()
        };
        Some(Self::Net(unmapped().map_or(net, IpNet::V4)))
    }
}

/// A port, a range of ports, the name of a service, a list of these, or a comparison.
pub fn ports(text: &str, services: &Services) -> Result<Ports, String> {
    if let Some(comparison) = PORT.comparison(text)? {
        return Ok(Ports::Compared(comparison));
    }
    if text.contains(',') {
        let all = items(text)?.map(|item| ports_or_service(item, services));
        return all.collect::<Result<_, _>>().map(Ports::OneOf);
    }
    ports_or_service(text, services)
}

fn ports_or_service(text: &str, services: &Services) -> Result<Ports, String> {
    if text.is_empty() {
        let accepted =
            "use a port, a range, a list or a service, as in 8080, 8000-8999, 80,443, https";
        return Err(format!("the port is missing: {accepted}"));
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return PORT.range(text).map(Ports::Range);
    }
    let is_it = |name: &&str| name.eq_ignore_ascii_case(text);
    let service = services.names().find(is_it).map(|name| Ports::Service {
        name: name.into(),
        ports: services.ports(name),
    });
    service.ok_or_else(|| {
        let near = nearest(text, services.names());
        let hint = near.map_or("use".into(), |near| format!("did you mean `{near}`? Use"));
        let name = shown(text);
        format!("no service named {name}; {hint} a port, a range or a known service name")
    })
}
