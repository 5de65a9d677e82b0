//! The rules that `nft -j list ruleset` prints (`libnftables-json(5)`).
//!
//! Pure: text in, redirects out. A rule counts if it compares the destination port with ours and
//! then sends the packet elsewhere; what else it compares is not judged.

use serde_json::Value;

use crate::model::{Protocol, Redirect, Text};

/// What a ruleset says of a port.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) redirects: Vec<Redirect>,
    /// Whether there are rules that only the `iptables` tools can spell.
    pub(super) has_foreign: bool,
    /// Whether there are rules on ports whose meaning stands elsewhere: in sets, maps, other chains.
    pub(super) is_partial: bool,
}

/// Reads a ruleset; `None` if it is none.
pub(super) fn redirects(json: &[u8], port: u16) -> Option<Rules> {
    let ruleset: Value = serde_json::from_slice(json).ok()?;
    let items = ruleset.get("nftables")?.as_array()?;
    let rules = || items.iter().filter_map(|item| item.get("rule"));
    Some(Rules {
        redirects: rules().filter_map(|rule| redirect(rule, port)).collect(),
        has_foreign: rules()
            .filter_map(expressions)
            .flatten()
            .any(|expression| expression.get("xt").is_some()),
        is_partial: rules()
            .filter_map(expressions)
            .any(|rule| refers_elsewhere(rule, port)),
    })
}

fn expressions(rule: &Value) -> Option<&Vec<Value>> {
    rule.get("expr")?.as_array()
}

fn redirect(rule: &Value, port: u16) -> Option<Redirect> {
    let expressions = expressions(rule)?;
    let protocol = expressions
        .iter()
        .filter_map(|one| one.get("match"))
        .find_map(|one| matched_protocol(one, port))?;
    let to = expressions.iter().find_map(target)?;
    let word = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or("?");
    let place = format!(
        "nftables table {} {}, chain {}",
        word("family"),
        word("table"),
        word("chain")
    );
    Some(Redirect {
        protocol,
        to: Text::new(&to),
        place: Text::new(&place),
    })
}

/// Whether a rule compares a destination port with a named set, looks it up in a map, or goes on from
/// ours in another chain.
fn refers_elsewhere(rule: &[Value], port: u16) -> bool {
    let is_about_ports = |value: &Value| value.to_string().contains("\"dport\"");
    let compares_with_set = |one: &Value| {
        let right = one.get("match").and_then(|one| one.get("right")?.as_str());
        is_about_ports(one) && right.is_some_and(|right| right.starts_with('@'))
    };
    let maps = |one: &Value| {
        let has_map = one.get("vmap").is_some() || one.to_string().contains("\"map\"");
        has_map && is_about_ports(one)
    };
    let jumps = |one: &Value| one.get("jump").or_else(|| one.get("goto")).is_some();
    let mut matches = rule.iter().filter_map(|one| one.get("match"));
    let is_on_port = matches.any(|one| matched_protocol(one, port).is_some());
    rule.iter().any(|one| compares_with_set(one) || maps(one))
        || is_on_port && rule.iter().any(jumps)
}

/// The protocol whose destination port is compared with ours; outside `None` if it is not.
#[expect(
    clippy::option_option,
    reason = "no match, or a match for any protocol"
)]
fn matched_protocol(comparison: &Value, port: u16) -> Option<Option<Protocol>> {
    let payload = comparison.get("left")?.get("payload")?;
    let is_equal = matches!(comparison.get("op")?.as_str()?, "==" | "in");
    if payload.get("field")?.as_str()? != "dport" || !is_equal {
        return None;
    }
    if !holds(comparison.get("right")?, port) {
        return None;
    }
    match payload.get("protocol")?.as_str()? {
        "tcp" => Some(Some(Protocol::Tcp)),
        "udp" => Some(Some(Protocol::Udp)),
        "th" => Some(None),
        _ => None,
    }
}

/// Whether a number, a range or a set holds the port.
fn holds(right: &Value, port: u16) -> bool {
    let number = |value: &Value| value.as_u64();
    if let Some(one) = number(right) {
        return one == u64::from(port);
    }
    if let Some([first, last]) = right
        .get("range")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        let ends = number(first).zip(number(last));
        return ends.is_some_and(|(first, last)| (first..=last).contains(&u64::from(port)));
    }
    let set = right.get("set").and_then(Value::as_array);
    set.is_some_and(|elements| elements.iter().any(|element| holds(element, port)))
}

/// Where a statement sends the packet, if it does.
fn target(statement: &Value) -> Option<String> {
    if let Some(redirect) = statement.get("redirect") {
        return Some(match port_of(redirect) {
            Some(port) => format!("port {port}"),
            None => "the same port of the interface it came in by".into(),
        });
    }
    let nat = statement.get("dnat").or_else(|| statement.get("tproxy"))?;
    let address = nat.get("addr").and_then(Value::as_str);
    match (address, port_of(nat)) {
        (Some(address), Some(port)) if address.contains(':') => Some(format!("[{address}]:{port}")),
        (Some(address), Some(port)) => Some(format!("{address}:{port}")),
        (Some(address), None) => Some(address.to_owned()),
        (None, Some(port)) => Some(format!("port {port}")),
        (None, None) => Some("another place".into()),
    }
}

fn port_of(nat: &Value) -> Option<u64> {
    nat.get("port")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule as `nft` 1.0.6 prints it, with this port and this statement.
    fn ruleset(protocol: &str, right: &str, statement: &str) -> Vec<u8> {
        format!(
            r#"{{"nftables": [{{"metainfo": {{"json_schema_version": 1}}}},
            {{"rule": {{"family": "ip", "table": "nat", "chain": "prerouting", "handle": 2, "expr": [
            {{"match": {{"op": "==", "left": {{"payload": {{"protocol": "{protocol}", "field": "dport"}}}},
            "right": {right}}}}}, {statement}]}}}}]}}"#
        )
        .into_bytes()
    }

    fn told(protocol: &str, right: &str, statement: &str) -> Option<(Option<Protocol>, String)> {
        let rules = redirects(&ruleset(protocol, right, statement), 8080).unwrap();
        let found = rules.redirects.into_iter().next()?;
        assert_eq!(
            found.place.as_str(),
            "nftables table ip nat, chain prerouting"
        );
        Some((found.protocol, found.to.to_string()))
    }

    #[test]
    fn a_rule_on_the_port_that_sends_elsewhere_is_a_redirect() {
        let tcp = |to: &str| Some((Some(Protocol::Tcp), to.to_owned()));
        let redirect = r#"{"redirect": {"port": 9090}}"#;
        assert_eq!(told("tcp", "8080", redirect), tcp("port 9090"));
        let any = Some((None, "port 9090".to_owned()));
        assert_eq!(told("th", r#"{"range": [8000, 8999]}"#, redirect), any);
        let dnat = r#"{"dnat": {"addr": "172.17.0.2", "port": 80}}"#;
        let set = r#"{"set": [80, {"range": [8080, 8081]}]}"#;
        assert_eq!(told("tcp", set, dnat), tcp("172.17.0.2:80"));
        let v6 = r#"{"dnat": {"addr": "fd00::2", "port": 80}}"#;
        assert_eq!(told("tcp", "8080", v6), tcp("[fd00::2]:80"));
    }

    #[test]
    fn a_rule_on_another_port_or_without_a_target_is_none() {
        let redirect = r#"{"redirect": {"port": 9090}}"#;
        assert_eq!(told("tcp", "8081", redirect), None);
        assert_eq!(told("tcp", r#"{"range": [1, 80]}"#, redirect), None);
        assert_eq!(told("tcp", "8080", r#"{"accept": null}"#), None);
        assert_eq!(told("sctp", "8080", redirect), None);
    }

    #[test]
    fn what_stands_elsewhere_is_noticed() {
        let is_partial = |right: &str, statement: &str| {
            redirects(&ruleset("tcp", right, statement), 8080)
                .unwrap()
                .is_partial
        };
        let redirect = r#"{"redirect": {"port": 9090}}"#;
        assert!(!is_partial("8080", redirect));
        assert!(is_partial(r#""@ports""#, redirect));
        assert!(is_partial("8080", r#"{"jump": {"target": "web"}}"#));
        assert!(!is_partial("8081", r#"{"jump": {"target": "web"}}"#));
        let vmap = r#"{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": "@m"}}"#;
        assert!(is_partial("8080", vmap));
    }

    #[test]
    fn what_only_iptables_can_spell_is_noticed() {
        let xt = ruleset(
            "tcp",
            "1",
            r#"{"xt": {"type": "target", "name": "REDIRECT"}}"#,
        );
        assert!(redirects(&xt, 8080).unwrap().has_foreign);
        assert_eq!(redirects(b"{}", 8080), None);
        assert_eq!(redirects(b"nft: error", 8080), None);
    }
}
