//! The virtual services of IPVS (kube-proxy's ipvs mode, keepalived), as `/proc/net/ip_vs` lists them.
//! Pure.
//!
//! A line for each service, such as `TCP  0A600001:0050 rr`, with the address and port in hexadecimal;
//! IPv6 addresses stand in brackets, and `FWM  00000001 rr` is one for packets with a mark. Below each,
//! its servers: `  -> 0AF40005:1F90      Masq    1      0          0`.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::collect::{Asked, Draft};
use super::conditions::{Condition, Subject};
use super::rules::{Address, Target, TargetPort};
use crate::model::{Protocol, RedirectedPackets};

/// What IPVS does with the port's packets.
pub(super) fn drafts(listed: &str, asked: &Asked<'_>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut is_ours = false;
    for line in listed.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["->", server, way, ..] => {
                let draft = drafts.last_mut().filter(|_| is_ours && *way != "Local");
                if let Some((draft, (address, port))) = draft.zip(endpoint(server)) {
                    draft.targets.push(Target {
                        address: Some(Address::One(address)),
                        port: TargetPort::One(port),
                    });
                }
            }
            [kind, service, ..] => {
                let condition = condition(kind, service, asked);
                is_ours = condition.is_some();
                drafts.extend(condition.map(draft));
            }
            _ => {}
        }
    }
    drafts.retain(|draft| !draft.targets.is_empty());
    drafts
}

fn draft(condition: Condition) -> Draft {
    Draft {
        place: "IPVS".to_owned(),
        chain: String::new(),
        targets: Vec::new(),
        conditions: vec![condition],
        packets: RedirectedPackets::All,
        version: None,
        comment: None,
    }
}

/// What a packet for the port must have to be of a service; `None` if it can't.
fn condition(kind: &str, service: &str, asked: &Asked<'_>) -> Option<Condition> {
    let protocol = match kind {
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        "FWM" => {
            let mark = u32::from_str_radix(service, 16).ok()?;
            return Some(Condition::new(Subject::Mark, format!("{mark:#x}")));
        }
        _ => return None,
    };
    let (address, port) = endpoint(service)?;
    let is_own = |own: &[IpNet]| own.iter().any(|net| net.contains(&address));
    // Port 0 is a persistent service for every port.
    let is_ours = protocol == asked.protocol && (port == asked.port || port == 0);
    let is_here = asked.own.is_none_or(is_own);
    (is_ours && is_here).then(|| Condition::new(Subject::Destination, address.to_string()))
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
    use super::super::collect::say;
    use super::*;

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
        let asked = Asked {
            protocol,
            port,
            own: Some(&own),
        };
        let said = say(drafts(LISTED, &asked), Vec::new(), &asked);
        let sentence =
            |one: &crate::model::Redirect| format!("{} go to {}", one.packets("it"), one.target());
        said.redirects.iter().map(sentence).collect()
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
