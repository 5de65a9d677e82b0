//! Service names of ports: those of the user first, then the well-known ones of `assets/services.tsv`.

mod own;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::model::{BuildSpread, Protocol};

pub use own::Services;

/// Lines of `port<TAB>tcp|udp|both<TAB>name`; `#` starts a comment.
const TABLE: &str = include_str!("../../../../assets/services.tsv");

static NAMES: LazyLock<HashMap<(Protocol, u16), &'static str, BuildSpread>> =
    LazyLock::new(|| TABLE.lines().filter_map(parse_line).flatten().collect());

/// The name of a port: the user's own, or the one registered for it, such as `https` for TCP 443.
///
/// Source: IANA's service registry, and for a few unregistered ports what is customary there.
pub fn service_name(protocol: Protocol, port: u16) -> Option<&'static str> {
    own::name(protocol, port).or_else(|| registered_name(protocol, port))
}

/// The registered name of a port.
fn registered_name(protocol: Protocol, port: u16) -> Option<&'static str> {
    NAMES.get(&(protocol, port)).copied()
}

/// Every registered name, by port ascending.
fn registered_names() -> impl Iterator<Item = &'static str> {
    let lines = TABLE.lines().filter_map(parse_line);
    lines.filter_map(|entries| entries.first().map(|&(_, name)| name))
}

/// Every name, the user's own first, by port ascending; a name that has several ports comes several times.
pub fn service_names() -> impl Iterator<Item = &'static str> {
    let own = own::all().into_iter().map(|(_, _, name)| name);
    own.chain(registered_names())
}

/// Where the user has a service, then where it is registered, in the order of the table; empty if the name is
/// unknown. Case does not matter.
pub fn service_ports(name: &str) -> Vec<(Protocol, u16)> {
    let mut places = own_ports(name);
    places.extend(registered_ports(name));
    places
}

fn own_ports(name: &str) -> Vec<(Protocol, u16)> {
    let own = own::all().into_iter();
    own.filter(|(_, _, one)| one.eq_ignore_ascii_case(name))
        .map(|(protocol, port, _)| (protocol, port))
        .collect()
}

fn registered_ports(name: &str) -> impl Iterator<Item = (Protocol, u16)> {
    let registered = TABLE.lines().filter_map(parse_line).flatten();
    registered
        .filter(move |(_, registered)| registered.eq_ignore_ascii_case(name))
        .map(|(place, _)| place)
}

/// The port that a service is registered for: 443 for TCP `https`. Of several ports the highest:
/// `http-alt` then means 8080, as it does in `/etc/services`, and not 8008. What the user calls so counts more.
pub fn service_port(protocol: Protocol, name: &str) -> Option<u16> {
    let of_it = |(of, port): (Protocol, u16)| (of == protocol).then_some(port);
    let own = own_ports(name).into_iter().filter_map(of_it).max();
    own.or_else(|| registered_ports(name).filter_map(of_it).max())
}

/// One entry for each protocol that a line names; `None` for comments and blank lines.
fn parse_line(line: &'static str) -> Option<Vec<((Protocol, u16), &'static str)>> {
    let mut fields = line.split('\t');
    let port = fields.next()?.parse().ok()?;
    let protocols: &[Protocol] = match fields.next()? {
        "tcp" => &[Protocol::Tcp],
        "udp" => &[Protocol::Udp],
        _ => &[Protocol::Tcp, Protocol::Udp],
    };
    let name = fields.next()?;
    Some(
        protocols
            .iter()
            .map(|&protocol| ((protocol, port), name))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ports_have_their_registered_name() {
        assert_eq!(service_name(Protocol::Tcp, 443), Some("https"));
        assert_eq!(service_name(Protocol::Udp, 53), Some("domain"));
        assert_eq!(service_name(Protocol::Tcp, 8080), Some("http-alt"));
        assert_eq!(service_name(Protocol::Tcp, 65_000), None);
    }

    #[test]
    fn a_service_is_found_by_its_name() {
        assert_eq!(service_port(Protocol::Tcp, "https"), Some(443));
        assert_eq!(service_port(Protocol::Udp, "domain"), Some(53));
        assert_eq!(service_port(Protocol::Tcp, "http-alt"), Some(8080));
        assert_eq!(service_port(Protocol::Udp, "ssh"), None);
    }

    #[test]
    fn a_name_leads_back_to_its_ports() {
        assert!(service_ports("HTTPS").contains(&(Protocol::Tcp, 443)));
        assert_eq!(
            service_ports("domain"),
            [(Protocol::Tcp, 53), (Protocol::Udp, 53)]
        );
        assert_eq!(service_ports("no-such-service"), []);
        // Not those that another test takes into use meanwhile.
        Services::default().while_tried(|| {
            assert!(service_names().all(|name| !service_ports(name).is_empty()));
        });
    }

    #[test]
    fn every_line_of_the_table_is_a_comment_or_an_entry() {
        for line in TABLE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let fields: Vec<_> = line.split('\t').collect();
            assert_eq!(fields.len(), 3, "{line:?}");
            assert!(fields[0].parse::<u16>().is_ok(), "{line:?}");
            assert!(["tcp", "udp", "both"].contains(&fields[1]), "{line:?}");
            assert!(fields[2].bytes().all(|b| b.is_ascii_graphic()), "{line:?}");
        }
    }
}
