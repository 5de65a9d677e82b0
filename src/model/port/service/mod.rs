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

/// The name registered for a port, such as `https` for TCP 443.
///
/// Source: IANA's service registry, and for a few unregistered ports what is customary there.
pub fn service_name(protocol: Protocol, port: u16) -> Option<&'static str> {
    NAMES.get(&(protocol, port)).copied()
}

/// Every registered name, by port ascending.
fn registered_names() -> impl Iterator<Item = &'static str> {
    let lines = TABLE.lines().filter_map(parse_line);
    lines.filter_map(|entries| entries.first().map(|&(_, name)| name))
}

fn registered_ports(name: &str) -> impl Iterator<Item = (Protocol, u16)> {
    let registered = TABLE.lines().filter_map(parse_line).flatten();
    registered
        .filter(move |(_, registered)| registered.eq_ignore_ascii_case(name))
        .map(|(place, _)| place)
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
        let services = Services::default();
        assert_eq!(services.port(Protocol::Tcp, "https"), Some(443));
        assert_eq!(services.port(Protocol::Udp, "domain"), Some(53));
        assert_eq!(services.port(Protocol::Tcp, "http-alt"), Some(8080));
        assert_eq!(services.port(Protocol::Udp, "ssh"), None);
    }

    #[test]
    fn a_name_leads_back_to_its_ports() {
        let services = Services::default();
        assert!(services.ports("HTTPS").contains(&(Protocol::Tcp, 443)));
        let of_domain = [(Protocol::Tcp, 53), (Protocol::Udp, 53)];
        assert_eq!(services.ports("domain"), of_domain);
        assert_eq!(services.ports("no-such-service"), []);
        let has_port = |name| !services.ports(name).is_empty();
        assert!(services.names().all(has_port));
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
