//! Service names of ports: those of the user first, then the well-known ones of `assets/services.tsv`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use crate::model::{BuildSpread, Protocol};

/// Lines of `port<TAB>tcp|udp|both<TAB>name`; `#` starts a comment.
const TABLE: &str = include_str!("../../../assets/services.tsv");

static NAMES: LazyLock<HashMap<(Protocol, u16), &'static str, BuildSpread>> =
    LazyLock::new(|| registered().collect());

/// The name registered for a port, such as `https` for TCP 443.
///
/// Source: IANA's service registry, and for a few unregistered ports what is customary there.
pub fn service_name(protocol: Protocol, port: u16) -> Option<&'static str> {
    NAMES.get(&(protocol, port)).copied()
}

/// Every registered port and its name, by port ascending.
fn registered() -> impl Iterator<Item = ((Protocol, u16), &'static str)> {
    TABLE.lines().filter_map(parse_line).flatten()
}

fn registered_ports(name: &str) -> impl Iterator<Item = (Protocol, u16)> {
    let of_name = registered().filter(move |(_, one)| one.eq_ignore_ascii_case(name));
    of_name.map(|(place, _)| place)
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
    let entries = protocols.iter().map(|&protocol| ((protocol, port), name));
    Some(entries.collect())
}

/// The names that a user gives to ports. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(Arc<BTreeMap<(u16, Protocol), Arc<str>>>);

impl Services {
    /// Gives a port this name, instead of the one that it had.
    pub fn add(&mut self, protocol: Protocol, port: u16, name: &str) {
        Arc::make_mut(&mut self.0).insert((port, protocol), name.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every port named by the user, with its name, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Protocol, u16, &str)> {
        let all = self.0.iter();
        all.map(|(&(port, protocol), name)| (protocol, port, &**name))
    }

    /// The name of a port: the user's, or the registered one.
    pub fn name(&self, protocol: Protocol, port: u16) -> Option<&str> {
        let own = self.0.get(&(port, protocol)).map(|name| &**name);
        own.or_else(|| service_name(protocol, port))
    }

    /// The user's name for a port, or for the peer's port if the port has no name at all.
    pub(crate) fn own_name(
        &self,
        protocol: Protocol,
        port: u16,
        peer: Option<u16>,
    ) -> Option<Arc<str>> {
        let own = |port| self.0.get(&(port, protocol)).cloned();
        let is_registered = || service_name(protocol, port).is_some();
        own(port).or_else(|| own(peer.filter(|_| !is_registered())?))
    }

    /// Every name, the user's first, by port ascending; a name that has several ports comes several times.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.iter().map(|(_, _, name)| name);
        own.chain(registered().map(|(_, name)| -> &str { name }))
    }

    /// The ports of this name in any case, the user's first, then the registered ones; empty if it is unknown.
    pub fn ports(&self, name: &str) -> Vec<(Protocol, u16)> {
        self.own_ports(name).chain(registered_ports(name)).collect()
    }

    /// The port of a service: 443 for TCP `https`. Of several ports, the highest: `http-alt` means 8080, as in
    /// `/etc/services`, not 8008. The user's names come before the registered ones.
    pub fn port(&self, protocol: Protocol, name: &str) -> Option<u16> {
        let of_it = |(of, port): (Protocol, u16)| (of == protocol).then_some(port);
        let own = self.own_ports(name).filter_map(of_it).max();
        own.or_else(|| registered_ports(name).filter_map(of_it).max())
    }

    fn own_ports(&self, name: &str) -> impl Iterator<Item = (Protocol, u16)> {
        let of_name = self
            .iter()
            .filter(move |(_, _, one)| one.eq_ignore_ascii_case(name));
        of_name.map(|(protocol, port, _)| (protocol, port))
    }
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

    #[test]
    fn the_users_names_come_before_the_registered_ones() {
        let mut own = Services::default();
        own.add(Protocol::Tcp, 64_001, "api");
        own.add(Protocol::Udp, 64_002, "https");
        assert_eq!(own.port(Protocol::Tcp, "API"), Some(64_001));
        assert_eq!(own.port(Protocol::Udp, "api"), None);
        assert_eq!(own.port(Protocol::Udp, "https"), Some(64_002));
        assert_eq!(own.ports("https")[0], (Protocol::Udp, 64_002));
        assert!(own.ports("https").contains(&(Protocol::Tcp, 443)));
        assert_eq!(own.name(Protocol::Tcp, 64_001), Some("api"));
        assert_eq!(own.name(Protocol::Tcp, 443), Some("https"));
        assert_eq!(own.names().next(), Some("api"));
        let name = |port, peer| own.own_name(Protocol::Tcp, port, peer);
        assert_eq!(name(64_001, None).as_deref(), Some("api"));
        assert_eq!(name(50_001, Some(64_001)).as_deref(), Some("api"));
        assert_eq!(name(443, Some(64_001)), None, "its own port has a name");
    }
}
