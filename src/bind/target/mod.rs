//! A port to test, as it is typed: `8080`, `8080/udp`, `127.0.0.1:8080`, `localhost:3000-3010`, `https`.
//!
//! Pure: names are looked up only in the table of services, so `localhost` is the only host name.

pub(super) mod listeners;
pub(super) mod servers;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::model::{Protocol, Services, Text, UnixAddress, Zone};

/// Which addresses to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// Both wildcards, `0.0.0.0` and `::`: no address (`8080`, `:8080`), or `*`.
    Every,
    /// `127.0.0.1` and `::1`, for `localhost`.
    Loopback,
    /// This address only; a wildcard is every address of its family.
    One(IpAddr),
    /// This address on this interface, as a link-local one is bound.
    Zoned(Ipv6Addr, Zone),
}

impl Address {
    /// Whether a socket that is bound to this address takes one that the other names, too.
    pub fn overlaps(self, other: Self) -> bool {
        let others = other.ips();
        let is_common = |one: &IpAddr, other: &IpAddr| {
            let is_wildcard = one.is_unspecified() || other.is_unspecified();
            one == other || is_wildcard && one.is_ipv4() == other.is_ipv4()
        };
        let own = self.ips();
        let mut own = own.iter();
        own.any(|one| others.iter().any(|other| is_common(one, other)))
    }

    /// The addresses to bind, of IPv4 first.
    pub(crate) fn ips(self) -> Vec<IpAddr> {
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

    /// The interface of a link-local address.
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
    /// TCP by default.
    pub protocol: Protocol,
    /// Every address by default.
    pub address: Address,
    /// At least one port, within 1–65535, ascending.
    pub ports: RangeInclusive<u16>,
}

/// Why a text is not a target: one line with the wrong word and what is accepted.
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

    /// Parses a target that may name a service by the user's own names.
    ///
    /// # Errors
    /// The wrong word and what is accepted.
    pub fn parse_with(text: &str, services: &Services) -> Result<Self, TargetError> {
        if unix_name(text).is_some() {
            let reason = "a unix socket, which only `sockeye check` takes";
            return Err(TargetError::new(text, reason));
        }
        let (place, word) = text.rsplit_once('/').unwrap_or((text, "tcp"));
        let protocol = match word.to_ascii_lowercase().as_str() {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            _ => return Err(TargetError::new(word, "unknown protocol; use tcp or udp")),
        };
        let (address, ports) = split_address(place)?;
        Ok(Self {
            protocol,
            address,
            ports: parse_ports(ports, protocol, services)?,
        })
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Self::parse_with(text, &Services::default())
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

/// The address, and the text of the ports after it.
fn split_address(place: &str) -> Result<(Address, &str), TargetError> {
    if let Some(rest) = place.strip_prefix('[') {
        let (inside, ports) = rest.split_once("]:").ok_or_else(|| {
            TargetError::new(place, "a port must follow the address ([::1]:8080)")
        })?;
        return Ok((parse_v6(inside)?, ports));
    }
    if place.parse::<IpAddr>().is_ok() || place.eq_ignore_ascii_case("localhost") {
        let example = match place.matches(':').count() {
            0 => format!(" ({place}:8080)"),
            1..=2 => format!(" ([{place}]:8080)"),
            _ => ", or brackets around the address ([::1]:8080)".to_owned(),
        };
        return Err(TargetError::new(
            place,
            format!("a port is missing{example}"),
        ));
    }
    let Some((host, ports)) = place.rsplit_once(':') else {
        return Ok((Address::Every, place));
    };
    if host == "*" || host.is_empty() {
        return Ok((Address::Every, ports));
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Ok((Address::Loopback, ports));
    }
    let reason = if host.contains(':') {
        "an IPv6 address is written in brackets ([::1]:8080)"
    } else {
        "names aren't looked up; use an address (127.0.0.1, [::1], localhost or *)"
    };
    let v4 = host.parse::<Ipv4Addr>();
    let v4 = v4.map_err(|_| TargetError::new(host, reason))?;
    Ok((Address::One(v4.into()), ports))
}

fn parse_v6(inside: &str) -> Result<Address, TargetError> {
    if let Ok(v6) = inside.parse::<Ipv6Addr>() {
        return Ok(Address::One(v6.into()));
    }
    let reason = match Zone::split(inside) {
        Some((v6, zone)) if Zone::is_needed_by(v6) => return Ok(Address::Zoned(v6, zone)),
        Some(_) => "only a link-local address has an interface (fe80::1%eth0)",
        None if inside.contains('%') => "not an IPv6 address with an interface (fe80::1%eth0)",
        None => "not an IPv6 address (::1, 2001:db8::1)",
    };
    Err(TargetError::new(inside, reason))
}

/// A number, a range of numbers, or the name of a service.
fn parse_ports(
    text: &str,
    protocol: Protocol,
    services: &Services,
) -> Result<RangeInclusive<u16>, TargetError> {
    // Names may contain a hyphen (`http-alt`), so the first character decides.
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        let name = text.to_ascii_lowercase();
        if let Some(port) = services.port(protocol, &name) {
            return Ok(port..=port);
        }
        let other = match protocol {
            Protocol::Tcp => Protocol::Udp,
            _ => Protocol::Tcp,
        };
        let reason = match services.port(other, &name) {
            Some(_) => {
                let (protocol, other) = (protocol.as_str(), other.as_str());
                format!("no {protocol} service, but one of {other} ({name}/{other})")
            }
            None => "not a port (8080), a range (3000-3010) or a service (https)".to_owned(),
        };
        return Err(TargetError::new(text, reason));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    if last.is_empty() {
        return Err(TargetError::new(text, "a range has two ends (3000-3010)"));
    }
    let (first, last) = (parse_port(first)?, parse_port(last)?);
    if first > last {
        let reason = format!("the range is reversed; did you mean {last}-{first}?");
        return Err(TargetError::new(text, reason));
    }
    Ok(first..=last)
}

fn parse_port(word: &str) -> Result<u16, TargetError> {
    // `u16::from_str` accepts a plus sign.
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    let reason = match word.parse() {
        Ok(0) => "port 0 can't be tested; use 1–65535 (`sockeye free` picks one)",
        Ok(port) if is_number => return Ok(port),
        _ => "not a port (0–65535)",
    };
    Err(TargetError::new(word, reason))
}

/// The unix socket that a text names: `/run/app.sock`, `./app.sock`, `unix:app.sock`, `@name`; `None` if it is meant as
/// something else. A path without a slash at its beginning needs `./` or `unix:` before it: `53/udp` is a port.
pub fn unix_name(text: &str) -> Option<UnixAddress> {
    let is_path = ["/", "./", "../"]
        .iter()
        .any(|start| text.starts_with(start));
    let (name, is_path) = match text.strip_prefix("unix:") {
        Some(name) => (name, true),
        None => (text, is_path),
    };
    match name.strip_prefix('@') {
        Some("") => None,
        Some(name) => Some(UnixAddress::Abstract(name.to_owned())),
        None if is_path && !name.is_empty() => Some(UnixAddress::Path(name.to_owned())),
        None => None,
    }
}
