//! The redirects in rules that real tools printed (`recorded/`: `nft` 1.0.6, `iptables` 1.8.9 of both kinds, loaded into
//! a namespace and saved there, in the shapes of Docker, netavark, kube-proxy and Istio).

use ipnet::IpNet;

use super::describe::redirects;
use super::rule::Table;
use super::{iptables, nftables};
use crate::model::Family;
use crate::model::Protocol::{self, Tcp, Udp};

const OWN: [&str; 4] = ["127.0.0.0/8", "10.0.0.1/32", "::1/128", "fd00::9/128"];

/// A sentence for each redirect of a port, then one for each unknown.
fn sentences(tables: &[&Table], protocol: Protocol, port: u16) -> Vec<String> {
    let own: Vec<IpNet> = OWN.iter().map(|net| net.parse().unwrap()).collect();
    let (redirects, unknown) = redirects(tables, protocol, port, Some(&own));
    let sentences = redirects
        .iter()
        .map(|one| format!("{} -> {}", one.packets("it"), one.target()));
    let unknown = unknown.iter().map(|what| format!("? {what}"));
    sentences.chain(unknown).collect()
}

fn saved(text: &str, table: &str, protocol: Protocol, port: u16) -> Vec<String> {
    let table = iptables::parse(text, "iptables", table, Family::Ipv4).unwrap();
    sentences(&[&table], protocol, port)
}

fn listed(json: &str, protocol: Protocol, port: u16) -> Vec<String> {
    let tables = nftables::parse(json.as_bytes()).unwrap();
    let tables: Vec<&Table> = tables.iter().map(|one| &one.table).collect();
    sentences(&tables, protocol, port)
}

/// A nat table with these rules.
fn nat(rules: &str, protocol: Protocol, port: u16) -> Vec<String> {
    let chains = ":PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n";
    saved(
        &format!("*nat\n{chains}{rules}\nCOMMIT\n"),
        "nat",
        protocol,
        port,
    )
}

#[test]
fn ports_that_are_sent_to_an_address_are_found_in_the_rules() {
    let containers = include_str!("recorded/containers.txt");
    let table = iptables::parse(containers, "iptables", "nat", Family::Ipv4).unwrap();
    let ports = table.ports_of_senders();
    assert!(ports.contains(&8080), "{ports:?}");
    // That one is only for a masquerade.
    assert!(!ports.contains(&80), "{ports:?}");
}

#[test]
fn a_published_port_goes_to_its_container() {
    let at = |port| saved(include_str!("recorded/containers.txt"), "nat", Tcp, port);
    assert_eq!(
        at(8080),
        [
            "incoming packets for it that do not come in by docker0 and are for this machine's own \
             addresses -> 172.17.0.2:80 (iptables nat DOCKER)",
            "packets from this machine for it that are not for 127.0.0.0/8 and are for this machine's \
             own addresses -> 172.17.0.2:80 (iptables nat DOCKER)",
        ]
    );
    // What is published on 127.0.0.1 alone: those packets do not even reach the chain from here.
    assert_eq!(
        at(8081),
        [
            "incoming packets for it that do not come in by docker0, are for 127.0.0.1 and are for this \
          machine's own addresses -> 172.17.0.2:81 (iptables nat DOCKER)"
        ]
    );
    assert_eq!(
        at(9090),
        [
            "incoming packets for it that are for this machine's own addresses -> 10.88.0.2:80 \
          (iptables nat NETAVARK-DN-1D8721804F16F: dnat name: podman id: 0123abcd)"
        ]
    );
    assert_eq!(at(8082).len(), 0);
}

#[test]
fn a_node_port_goes_to_one_of_its_endpoints() {
    let at = |port| saved(include_str!("recorded/kube.txt"), "nat", Tcp, port);
    assert_eq!(
        at(30080),
        [
            "incoming packets for it that are for this machine's own addresses -> one of 10.244.0.5:8080 \
          and 10.244.0.6:8080 (iptables nat KUBE-SEP-1: default/web)"
        ]
    );
    // The service's own address is none of this machine's.
    assert_eq!(at(80).len(), 0);
    let at = |port| listed(include_str!("recorded/kube.json"), Tcp, port);
    assert_eq!(
        at(30080),
        [
            "packets for it that are for 10.0.0.1 -> one of 10.180.0.1:8000 and 10.180.0.2:8000 \
          (nftables ip kube-proxy endpoint-1: ns/svc:p)"
        ]
    );
    assert_eq!(at(443).len(), 1);
    assert_eq!(at(80).len(), 0);
}

#[test]
fn a_rule_without_a_port_takes_every_port() {
    let at = |port| saved(include_str!("recorded/istio.txt"), "nat", Tcp, port);
    assert_eq!(
        at(20000),
        [
            "packets for it that come in by veth+ and are IPv4 -> port 15006 \
             (iptables nat ISTIO_IN_REDIRECT)",
            "packets from this machine for it that do not come from 127.0.0.6, are not for 127.0.0.1, \
             are sent by user 1337 and are IPv4 -> port 15006 (iptables nat ISTIO_IN_REDIRECT)",
        ]
    );
    // What returns before is not redirected, nor what is there already.
    assert_eq!(at(15008).len(), 0);
    assert_eq!(at(15006).len(), 0);
}

#[test]
fn options_are_conditions_and_unknown_ones_are_reported() {
    let at = |protocol, port| saved(include_str!("recorded/options.txt"), "nat", protocol, port);
    let ipv4 = "incoming packets for it that are IPv4 -> port 5353 (iptables nat PREROUTING)";
    assert_eq!(at(Udp, 53), [ipv4]);
    assert_eq!(at(Udp, 5005), [ipv4]);
    assert_eq!(at(Udp, 5011).len(), 0);
    assert_eq!(at(Tcp, 22).len(), 0);
    let by_source = "incoming packets for it that come from 10.0.0.1-10.0.0.9 -> \
                     10.0.0.1-10.0.0.5, port 80-90 (iptables nat PREROUTING)";
    assert_eq!(at(Tcp, 53), [by_source]);
    assert_eq!(
        at(Tcp, 2500),
        [
            by_source,
            "incoming packets for it that do not come from 10.0.0.1-10.0.0.9, have the mark 0x1/0xf and \
             are unicast on the link -> 10.9.0.0/24 (iptables nat PREROUTING)",
        ]
    );
    assert_eq!(
        at(Tcp, 7000)[1],
        "incoming packets for it that do not come from 10.0.0.1-10.0.0.9, are IPv4, come at certain times \
         and meet conditions that were not understood: --length 40, --ttl-eq 3 -> port 7001 \
         (iptables nat PREROUTING)"
    );
    assert_eq!(
        at(Tcp, 7100)[1],
        "incoming packets for it that do not come from 10.0.0.1-10.0.0.9, are IPv4 and are within a rate \
         limit -> port 7001 (iptables nat PREROUTING)"
    );
}

#[test]
fn transparent_proxies_are_redirects() {
    let at = |protocol, port| {
        saved(
            include_str!("recorded/tproxy.txt"),
            "mangle",
            protocol,
            port,
        )
    };
    assert_eq!(
        at(Tcp, 80),
        [
            "packets for it that do not come from 10.0.0.0/8 and do not belong to a transparent socket -> \
          127.0.0.1:50080 (iptables mangle PREROUTING)"
        ]
    );
    assert_eq!(
        at(Udp, 80),
        ["packets for it that are IPv4 -> port 50080 (iptables mangle PREROUTING)"]
    );
    assert_eq!(at(Tcp, 81).len(), 0);
    let at = |protocol, port| listed(include_str!("recorded/tproxy.json"), protocol, port);
    let incoming = "incoming packets for it that do not come in by lo";
    assert_eq!(
        at(Tcp, 80)[..2],
        [
            format!("{incoming} -> 127.0.0.1:500 (nftables inet x pre)"),
            format!("{incoming} and are IPv6 -> port 501 (nftables inet x pre)"),
        ]
    );
    assert_eq!(
        at(Udp, 53),
        [format!("{incoming} -> [::1]:50 (nftables inet x pre)")]
    );
    assert!(
        at(Tcp, 99)[0].contains("were not understood")
            || at(Tcp, 99)[0].contains("was not understood")
    );
    assert!(at(Tcp, 99)[0].ends_with("-> port 98 (nftables inet x pre)"));
}

#[test]
fn sets_and_maps_are_looked_up() {
    let at = |port| listed(include_str!("recorded/sets.json"), Tcp, port);
    let elsewhere = "incoming packets for it that do not come from 10.0.0.0/8 and are IPv4 -> port 90 \
                     (nftables ip t pre)";
    assert_eq!(at(80)[0], elsewhere);
    assert_eq!(at(8005)[0], elsewhere);
    let in_own_set = ["incoming packets for it that are IPv4 -> port 91 (nftables ip t pre)"];
    assert_eq!(at(81), in_own_set);
    assert_eq!(at(95), in_own_set);
    assert_eq!(at(22).len(), 0);
    let at = |port| listed(include_str!("recorded/maps.json"), Tcp, port);
    let others = "incoming packets for it that do not come from 1.2.3.4 or 10.0.0.0/8";
    assert_eq!(
        at(80)[0],
        format!("{others} -> 10.0.0.1:8080 (nftables ip t pre)")
    );
    assert_eq!(
        at(90)[0],
        format!("{others} -> 10.0.0.2:90 (nftables ip t pre)")
    );
    assert_eq!(
        at(443),
        ["incoming packets for it -> 10.7.0.1:443 (nftables ip t pre)"]
    );
    assert_eq!(
        at(100)[0],
        "incoming packets for it that come from 1.2.3.4 or 10.0.0.0/8 -> one of 10.1.0.1:80 and \
         10.1.0.2:80 (nftables ip t c2)"
    );
}

#[test]
fn elements_that_were_not_printed_are_a_condition_or_a_gap() {
    let terse = |name: &str, json: &str| {
        let is_set = |line: &&str| line.contains("\"elem\": [");
        let whole: Vec<&str> = json.lines().collect();
        assert!(whole.iter().any(is_set), "{name} has elements");
        let cut = |line: &&str| match line.find(", \"elem\": [") {
            Some(at) => format!("{}}}}},", &line[..at]),
            None => (*line).to_owned(),
        };
        whole.iter().map(cut).collect::<Vec<_>>().join("\n")
    };
    let sets = terse("sets", include_str!("recorded/sets.json"));
    assert_eq!(
        listed(&sets, Tcp, 80)[0],
        "incoming packets for it that do not come from 10.0.0.0/8, are IPv4 and meet a condition that was \
         not understood: are in the set big -> port 90 (nftables ip t pre)"
    );
    assert!(nftables::parse(sets.as_bytes()).unwrap()[0].lacks_elements());
    let kube = terse("kube", include_str!("recorded/kube.json"));
    let unknown = listed(&kube, Tcp, 30080);
    assert!(
        unknown
            .iter()
            .any(|one| one.starts_with("? nftables ip kube-proxy: chain services")),
        "{unknown:?}"
    );
}

#[test]
fn the_first_match_decides() {
    let to = |port: u16| format!("-A PREROUTING -p tcp -j REDIRECT --to-ports {port}");
    let all = |port: u16| {
        format!("incoming packets for it that are IPv4 -> port {port} (iptables nat PREROUTING)")
    };
    assert_eq!(nat(&format!("{}\n{}", to(1), to(2)), Tcp, 80), [all(1)]);
    assert_eq!(
        nat(&format!("-A PREROUTING -j ACCEPT\n{}", to(1)), Tcp, 80).len(),
        0
    );
    let other_protocol = format!("-A PREROUTING -p udp -j ACCEPT\n{}", to(1));
    assert_eq!(nat(&other_protocol, Tcp, 80), [all(1)]);
    let jump = format!(
        "-A PREROUTING -j A\n{}\n-A A -s 10.1.0.0/16 -j ACCEPT\n-A A -j B\n-A B -j RETURN",
        to(1)
    );
    assert_eq!(
        nat(&jump, Tcp, 80),
        [
            "incoming packets for it that do not come from 10.1.0.0/16 and are IPv4 -> port 1 \
          (iptables nat PREROUTING)"
        ]
    );
    // A goto does not come back to where it left.
    let goto = format!(
        "-A PREROUTING -g A\n{}\n-A A -s 10.1.0.0/16 -j RETURN",
        to(1)
    );
    assert_eq!(nat(&goto, Tcp, 80).len(), 0);
    let both = format!("-A PREROUTING -s 10.1.0.0/16 -i eth0 -j RETURN\n{}", to(1));
    assert_eq!(
        nat(&both, Tcp, 80),
        [
            "incoming packets for it that are IPv4 and are none of those that come from 10.1.0.0/16 and come \
          in by eth0 -> port 1 (iptables nat PREROUTING)"
        ]
    );
}

#[test]
fn what_cannot_be_traced_is_reported() {
    assert_eq!(
        nat("-A PREROUTING -j A\n-A A -j B\n-A B -j A", Tcp, 80),
        ["? iptables nat: chain A leads back to itself"]
    );
    assert_eq!(
        nat(
            "-A PREROUTING -p tcp -m tcp --dport 80 -j NFQUEUE --queue-num 1",
            Tcp,
            80
        ),
        ["? iptables nat: chain PREROUTING: the target NFQUEUE was not understood"]
    );
    assert_eq!(
        nat("-A PREROUTING -p udp -j NFQUEUE --queue-num 1", Tcp, 80).len(),
        0
    );
    assert_eq!(
        nat("-A PREROUTING -j MARK --set-xmark 0x1/0x1", Tcp, 80).len(),
        0
    );
}

#[test]
fn a_rule_that_keeps_the_port_is_no_redirect() {
    for rule in [
        "-A PREROUTING -p tcp -j REDIRECT",
        "-A PREROUTING -p tcp -j REDIRECT --to-ports 80",
        "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1",
        "-A PREROUTING -p tcp -j DNAT --to-destination 127.0.0.1:80",
        "-A PREROUTING -i lo -p tcp -j REDIRECT --to-ports 81",
        "-A OUTPUT -o eth0 -p tcp -j REDIRECT --to-ports 81",
        "-A PREROUTING -d 192.0.2.1/32 -p tcp -j REDIRECT --to-ports 81",
        "-A PREROUTING -p tcp -j MASQUERADE",
    ] {
        assert_eq!(nat(rule, Tcp, 80).len(), 0, "{rule}");
    }
}

#[test]
fn hostile_comments_and_names_stay_text() {
    let rule = "-A PREROUTING -p tcp -m comment --comment \"-j ACCEPT \\\" \u{1b}[2J\" -j REDIRECT --to-ports 81";
    assert_eq!(
        nat(rule, Tcp, 80),
        [
            "incoming packets for it that are IPv4 -> port 81 (iptables nat PREROUTING: -j ACCEPT \" \\x1b[2J)"
        ]
    );
}

#[test]
fn invalid_rulesets_are_rejected() {
    for text in [
        "",
        "{}",
        "nft: error",
        "{\"nftables\": 3}",
        "{\"nftables\": [3]}",
    ] {
        assert!(nftables::parse(text.as_bytes()).is_none(), "{text}");
    }
    assert!(iptables::parse("# incompatible", "iptables", "nat", Family::Ipv4).is_none());
}

/// A redirect for IPv4 and IPv6, or for both hooks, is listed once.
#[test]
fn equal_redirects_are_merged() {
    let rule = |chain: &str| {
        format!(
            r#"{{"chain": {{"family": "inet", "table": "t", "name": "{chain}", "type": "nat", "hook": "{chain}"}}}},
            {{"rule": {{"family": "inet", "table": "t", "chain": "{chain}", "expr": [
            {{"match": {{"op": "==", "left": {{"payload": {{"protocol": "th", "field": "dport"}}}}, "right": 80}}}},
            {{"jump": {{"target": "c"}}}}]}}}}"#
        )
    };
    let json = format!(
        r#"{{"nftables": [{{"table": {{"family": "inet", "name": "t"}}}}, {}, {},
        {{"chain": {{"family": "inet", "table": "t", "name": "c"}}}},
        {{"rule": {{"family": "inet", "table": "t", "chain": "c", "expr": [{{"redirect": {{"port": 81}}}}]}}}}]}}"#,
        rule("prerouting"),
        rule("output")
    );
    assert_eq!(
        listed(&json, Tcp, 80),
        ["packets for it -> port 81 (nftables inet t c)"]
    );
    assert_eq!(
        listed(&json, Udp, 80),
        ["packets for it -> port 81 (nftables inet t c)"]
    );
    assert_eq!(listed(&json, Tcp, 79).len(), 0);
}
