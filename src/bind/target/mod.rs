//! What a person asks to bind: `8080`, `8080/udp`, `127.0.0.1:8080`, `localhost:3000-3010`, `https`.
//!
//! Pure: no name is looked up anywhere but in the table of services, so `localhost` is the only
//! host name that is understood.

pub(super) mod listeners;
#[cfg(test)]
mod tests;
pub(super) mod unix;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use self::unix::unix_name;
use crate::model::{Protocol, Text, Zone, service_port};

/// Which addresses to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// Both wildcards, `0.0.0.0` and `::`: where nothing is said (`8080`, `:8080`), or `*`.
    Every,
    /// `127.0.0.1` and `::1`: what `localhost` stands for.
    Loopback,
    /// This address only; a wildcard stands for its own family.
    One(IpAddr),
    /// This address on this interface, as a link-local one is bound.
    Zoned(Ipv6Addr, Zone),
}

impl Address {
    /// The addresses to bind, of IPv4 first.
    pub(super) fn ips(self) -> Vec<IpAddr> {
        match self {
            Self::Every => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            Self::Loopback => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Self::One(one) => vec![one],
            Self::Zoned(one, _) => vec![one.into()],
        }
    }

    /// The address, if it is a single one.
    pub const fn single(self) -> Option<IpAddr> {
        match self {
            Self::Every | Self::Loopback => None,
            Self::One(one) => Some(one),
            Self::Zoned(one, _) => Some(IpAddr::V6(one)),
        }
    }

    /// The interface that it is named with.
    pub const fn zone(self) -> Option<Zone> {
        match self {
            Self::Zoned(_, zone) => Some(zone),
            Self::Every | Self::Loopback | Self::One(_) => None,
        }
    }
}

/// Ports of one protocol on some addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// TCP where nothing is said.
    pub protocol: Protocol,
    /// Every address where nothing is said.
    pub address: Address,
    /// At least one port, within 1–65535, ascending.
    pub ports: RangeInclusive<u16>,
}

/// Why a text is not a target: one line that names the wrong word and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word}: {reason}")]
pub struct TargetError {
    word: Text,
    reason: String,
}

impl TargetError {
    fn new(word: &str, reason: impl Into<String>) -> Self {
        let (word, reason) = (Text::new(word), reason.into());
        Self { word, reason }
    }
}

impl Target {
    /// The only port, or the first of a range.
    pub const fn first_port(&self) -> u16 {
        *self.ports.start()
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if unix_name(text).is_some() {
            let reason = "a unix socket, which only `sockeye check` takes";
            return Err(TargetError::new(text, reason));
        }
        let (place, protocol) = split_protocol(text)?;
        let (address, ports) = split_address(place)?;
        Ok(Self {
            protocol,
            address,
            ports: parse_ports(ports, protocol)?,
        })
    }
}

impl fmt::Display for Target {
    /// The shortest text that parses to this target.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Address::Every => {}
            Address::Loopback => f.write_str("localhost:")?,
            Address::One(IpAddr::V4(v4)) => write!(f, "{v4}:")?,
            Address::One(IpAddr::V6(v6)) => write!(f, "[{v6}]:")?,
            Address::Zoned(v6, zone) => write!(f, "[{v6}%{zone}]:")?,
        }
        let (first, last) = (self.ports.start(), self.ports.end());
        write!(f, "{first}")?;
        if first != last {
            write!(f, "-{last}")?;
        }
        match self.protocol {
            Protocol::Tcp => Ok(()),
            other => write!(f, "/{}", other.as_str()),
        }
    }
}

fn split_protocol(text: &str) -> Result<(&str, Protocol), TargetError> {
    let Some((place, word)) = text.rsplit_once('/') else {
        return Ok((text, Protocol::Tcp));
    };
    match word.to_ascii_lowercase().as_str() {
        "tcp" => Ok((place, Protocol::Tcp)),
        "udp" => Ok((place, Protocol::Udp)),
        _ => Err(TargetError::new(word, "not a protocol (tcp or udp)")),
    }
}

/// The address, and the text of the ports after it.
fn split_address(place: &str) -> Result<(Address, &str), TargetError> {
    if let Some(rest) = place.strip_prefix('[') {
        let (inside, ports) = rest.split_once("]:").ok_or_else(|| {
            TargetError::new(place, "a port must follow the address ([::1]:8080)")
        })?;
        return Ok((parse_v6(inside)?, ports));
    }
    if place.parse::<IpAddr>().is_ok() || place.eq_ignore_ascii_case("localhost") {
        let brackets = if place.matches(':').count() > 2 {
            ", or brackets around the address ([::1]:8080)".to_owned()
        } else {
            format!(" ({}:8080)", bracketed(place))
        };
        let reason = format!("a port is missing{brackets}");
        return Err(TargetError::new(place, reason));
    }
    match place.rsplit_once(':') {
        None => Ok((Address::Every, place)),
        Some((host, ports)) => Ok((parse_host(host)?, ports)),
    }
}

fn parse_host(host: &str) -> Result<Address, TargetError> {
    if host == "*" || host.is_empty() {
        Ok(Address::Every)
    } else if host.eq_ignore_ascii_case("localhost") {
        Ok(Address::Loopback)
    } else if let Ok(v4) = host.parse::<Ipv4Addr>() {
        Ok(Address::One(v4.into()))
    } else if host.contains(':') {
        let reason = "an IPv6 address is written in brackets ([::1]:8080)";
        Err(TargetError::new(host, reason))
    } else {
        let reason = "not an address (127.0.0.1, [::1], localhost or *)";
        Err(TargetError::new(host, reason))
    }
}

fn parse_v6(inside: &str) -> Result<Address, TargetError> {
    let wrong = |reason| Err(TargetError::new(inside, reason));
    if let Ok(v6) = inside.parse::<Ipv6Addr>() {
        return Ok(Address::One(v6.into()));
    }
    match Zone::split(inside) {
        Some((v6, zone)) if Zone::is_needed_by(v6) => Ok(Address::Zoned(v6, zone)),
        Some(_) => wrong("only a link-local address has an interface (fe80::1%eth0)"),
        None if inside.contains('%') => {
            wrong("not an IPv6 address with an interface (fe80::1%eth0)")
        }
        None => wrong("not an IPv6 address (::1, 2001:db8::1)"),
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// A number, a range of numbers, or the name of a service.
fn parse_ports(text: &str, protocol: Protocol) -> Result<RangeInclusive<u16>, TargetError> {
    // Names may hold a hyphen (`http-alt`), so what begins with a digit decides.
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        let port = parse_service(text, protocol)?;
        return Ok(port..=port);
    }
    let Some((first, last)) = text.split_once('-') else {
        let port = parse_port(text)?;
        return Ok(port..=port);
    };
    if last.is_empty() {
        return Err(TargetError::new(text, "a range has two ends (3000-3010)"));
    }
    let (first, last) = (parse_port(first)?, parse_port(last)?);
    if first > last {
        let reason = format!("the range runs backwards ({last}-{first})");
        return Err(TargetError::new(text, reason));
    }
    Ok(first..=last)
}

fn parse_port(word: &str) -> Result<u16, TargetError> {
    // `u16::from_str` accepts a plus sign, which nobody means here.
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse() {
        Ok(0) => {
            let reason = "not a port to bind: 0 asks the kernel to choose one (1–65535)";
            Err(TargetError::new(word, reason))
        }
        Ok(port) if is_number => Ok(port),
        _ => Err(TargetError::new(word, "not a port (0–65535)")),
    }
}

fn parse_service(word: &str, protocol: Protocol) -> Result<u16, TargetError> {
    let name = word.to_ascii_lowercase();
    if let Some(port) = service_port(protocol, &name) {
        return Ok(port);
    }
    let other = match protocol {
        Protocol::Tcp => Protocol::Udp,
        _ => Protocol::Tcp,
    };
    let reason = if service_port(other, &name).is_some() {
        let other = other.as_str();
        format!(
            "no {} service, but one of {other} ({name}/{other})",
            protocol.as_str()
        )
    } else {
        "not a port (8080), a range (3000-3010) or a service (https)".to_owned()
    };
    Err(TargetError::new(word, reason))
}
