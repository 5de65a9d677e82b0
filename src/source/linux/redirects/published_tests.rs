//! Which rules take all packets for a port, and so publish it.

use std::fmt::Write as _;
use std::time::Duration;

use ipnet::IpNet;

use super::describe::redirects;
use super::iptables;
use super::rule::Table;
use crate::model::Family;
use crate::model::Protocol::{self, Tcp};
use crate::source::Meter;

/// The destination of each redirect of a port, and whether it takes all packets.
fn taken(table: &Table, protocol: Protocol, port: u16) -> Vec<(Option<String>, bool)> {
    let own: Vec<IpNet> = ["127.0.0.0/8", "10.0.0.1/32"]
        .map(|net| net.parse().unwrap())
        .into();
    let (redirects, _) = redirects(&[table], protocol, port, Some(&own));
    let each = redirects.iter();
    each.map(|one| {
        (
            one.destination.map(|one| one.to_string()),
            one.is_unconditional,
        )
    })
    .collect()
}

fn nat(rules: &str) -> Table {
    let chains = ":PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
    let text = format!("*nat\n{chains}{rules}\nCOMMIT\n");
    iptables::parse(&text, "iptables", "nat", Family::Ipv4).unwrap()
}

#[test]
fn the_rules_of_engines_take_all_packets() {
    let text = include_str!("recorded/containers.txt");
    let table = iptables::parse(text, "iptables", "nat", Family::Ipv4).unwrap();
    // Docker's rule for incoming packets, and that for those of this machine.
    assert_eq!(taken(&table, Tcp, 8080), [(None, true), (None, false)]);
    assert_eq!(
        taken(&table, Tcp, 8081),
        [(Some("127.0.0.1".to_owned()), true)]
    );
    assert_eq!(taken(&table, Tcp, 9090), [(None, true)]);
}

#[test]
fn a_rule_for_some_packets_is_conditional() {
    let dnat = "-p tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80";
    for (rule, expected) in [
        ("-A PREROUTING", (None, true)),
        ("-A PREROUTING -d 10.0.0.1", (Some("10.0.0.1"), true)),
        ("-A PREROUTING ! -i docker0", (None, true)),
        ("-A PREROUTING -s 203.0.113.7", (None, false)),
        ("-A PREROUTING -d 10.0.0.0/24", (None, false)),
        ("-A PREROUTING ! -d 10.0.0.1", (None, false)),
        ("-A PREROUTING -i eth0", (None, false)),
        ("-A PREROUTING ! -i eth0", (None, false)),
        ("-A PREROUTING -m mark --mark 0x1", (None, false)),
        ("-A OUTPUT", (None, false)),
    ] {
        let expected = (expected.0.map(str::to_owned), expected.1);
        assert_eq!(
            taken(&nat(&format!("{rule} {dnat}")), Tcp, 80),
            [expected],
            "{rule}"
        );
    }
}

/// A thousand rules, each traced for each of their ports, took seconds.
#[test]
fn the_ports_of_a_thousand_rules_are_traced_at_once() {
    let mut rules = String::new();
    for port in 10_000..11_000 {
        writeln!(
            rules,
            "-A PREROUTING -p tcp --dport {port} -j DNAT --to-destination 172.17.0.2:80"
        )
        .unwrap();
    }
    let table = nat(rules.trim_end());
    let mut meter = Meter::start();
    for port in 10_000..11_000 {
        assert_eq!(taken(&table, Tcp, port).len(), 1, "{port}");
    }
    // Measured: .3 s in a build without optimization, a tenth of that in a release.
    let took = meter.lap();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_rule_for_another_port_is_left_out_and_no_other() {
    let of = |rule: &str| {
        let table = nat(&format!(
            "-A PREROUTING {rule} -j DNAT --to-destination 172.17.0.2:80"
        ));
        let rule = &table.chains["PREROUTING"][0];
        [80, 81].map(|port| rule.excludes_port(port))
    };
    assert_eq!(of("-p tcp --dport 80"), [false, true]);
    assert_eq!(of("-p tcp ! --dport 80"), [false, false]);
    assert_eq!(of("-p tcp -m multiport --dports 70:80,443"), [false, true]);
    assert_eq!(of("-p tcp --sport 80"), [false, false]);
    assert_eq!(of("-p tcp"), [false, false]);
}
