//! The virtual services of IPVS (kube-proxy's ipvs mode, keepalived), as `/proc/thread-self/net/ip_vs` lists them. Pure.
//!
//! A line for each service, such as `TCP  0A600001:0050 rr`, with the address and port in hexadecimal; IPv6 addresses
//! are in brackets, and `FWM  00000001 rr` is a service for packets with a mark. Below each, its servers:
//! `  -> 0AF40005:1F90      Masq    1      0          0`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use super::condition::Subject;
use super::packet::{BaseChain, Field, Value};
use super::rule::{Action, Part, Rule, Step, Table, Target};
use crate::model::Family;

/// The services as one chain, which packets pass wherever they come from.
pub(super) fn parse(listed: &str) -> Table {
    let mut services: Vec<(Option<Vec<Step>>, Vec<Target>)> = Vec::new();
    for line in listed.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["->", server, way, ..] => {
                let service = services.last_mut().filter(|_| *way != "Local");
                if let Some(((_, targets), (address, port))) = service.zip(endpoint(server)) {
                    targets.push(Target {
                        address: Some(Part::One(address)),
                        port: Some(Part::One(port)),
                    });
                }
            }
            [kind, service, ..] => services.push((steps(kind, service), Vec::new())),
            _ => {}
        }
    }
    let rule = |(steps, targets): (Option<Vec<Step>>, Vec<Target>)| {
        let goes_on = true;
        let mut rule = Rule {
            steps: steps.filter(|_| !targets.is_empty())?,
            comment: None,
        };
        rule.steps
            .push(Step::Act(Action::Send { targets, goes_on }));
        Some(rule)
    };
    let rules = services.into_iter().filter_map(rule).collect();
    Table {
        place: "IPVS".to_owned(),
        bases: vec![BaseChain {
            name: String::new(),
            is_output: false,
            is_nat: false,
            families: &[Family::Ipv4, Family::Ipv6],
        }],
        chains: HashMap::from([(String::new(), rules)]),
        ..Table::default()
    }
}

fn steps(kind: &str, service: &str) -> Option<Vec<Step>> {
    let equal = |field, value| Step::compare(field, false, value);
    let protocol = match kind {
        "TCP" => 6,
        "UDP" => 17,
        "FWM" => {
            let mark = u32::from_str_radix(service, 16).ok()?;
            return Some(vec![Step::require(Subject::Mark, format!("{mark:#x}"))]);
        }
        _ => return None,
    };
    let (address, port) = endpoint(service)?;
    let mut steps = vec![
        equal(Field::Protocol, Value::Number(protocol)),
        equal(Field::Destination, Value::Net(address.into())),
    ];
    // Port 0 is a persistent service for every port.
    if port != 0 {
        steps.push(equal(Field::Port, Value::Number(port.into())));
    }
    Some(steps)
}

/// `0A600001:0050`, `[fd00:0000:…:0001]:0050`.
fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let v6 = address
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = match v6 {
        Some(v6) => v6.parse().ok()?,
        None => Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?).into(),
    };
    Some((address, port))
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::*;
    use crate::model::Protocol;
    use crate::source::linux::redirects::describe::redirects;

    /// As `ip_vs_info_seq_show` prints it.
    const LISTED: &str = "IP Virtual Server version 1.2.1 (size=4096)\n\
        Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n\
        TCP  0A600001:01BB rr \n  -> C0A80105:192B      Masq    1      3          0         \n\
        \x20 -> C0A80106:192B      Masq    1      0          0         \n\
        UDP  0A600001:0035 rr \n  -> 0AF40002:0035      Masq    1      0          0         \n\
        TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0050 wlc \n\
        \x20 -> [fd00:0000:0000:0000:0000:0000:0000:0002]:1F90      Masq    1      0          0         \n";

    fn texts(protocol: Protocol, port: u16, own: &[&str]) -> Vec<String> {
        let own: Vec<IpNet> = own.iter().map(|net| net.parse().unwrap()).collect();
        let (found, _) = redirects(&[&parse(LISTED)], protocol, port, Some(&own));
        let sentence =
            |one: &crate::model::Redirect| format!("{} go to {}", one.packets("it"), one.target());
        found.iter().map(sentence).collect()
    }

    #[test]
    fn services_of_our_addresses_are_redirects() {
        let own = ["10.96.0.1/32", "fd00::1/128"];
        let expected = "packets for it that are for 10.96.0.1 go to \
                        one of 192.168.1.5:6443 and 192.168.1.6:6443 (IPVS)";
        assert_eq!(texts(Protocol::Tcp, 443, &own), [expected]);
        let expected = "packets for it that are for fd00::1 go to [fd00::2]:8080 (IPVS)";
        assert_eq!(texts(Protocol::Tcp, 80, &own), [expected]);
        assert_eq!(texts(Protocol::Udp, 443, &own).len(), 0);
        assert_eq!(texts(Protocol::Tcp, 443, &["127.0.0.0/8"]).len(), 0);
    }
}
