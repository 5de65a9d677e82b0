//! The rows of the host that publish a container's port: by a proxy, or by a rule alone.

use serde_json::{Value, json};

use crate::apart::{Container, is_container, with_ports};

/// A port of the host that leads to a container.
pub struct Published {
    pub protocol: &'static str,
    pub port: u16,
    pub container: Container,
    /// Where it leads to.
    pub to: u16,
    /// The container's address, where the host has a route to it.
    pub address: Option<String>,
    /// No process has the port: its row is the rule's own.
    pub is_rule_alone: bool,
}

/// What is wrong with the rows of this namespace.
pub fn differences(listing: &Value, all: &[Published]) -> Vec<String> {
    let mut wrong: Vec<_> = all.iter().flat_map(|one| faults(listing, one)).collect();
    let of_others = rows(listing).filter(|row| {
        let known =
            |one: &Published| row["local"]["port"] == one.port && row["protocol"] == one.protocol;
        !row["published"].is_null() && !all.iter().any(known)
    });
    wrong.extend(of_others.map(|row| format!("publishes no container's port: {row}")));
    let elsewhere = with_ports(listing)
        .filter(|row| !row["namespace"].is_null() && !row["published"].is_null());
    wrong.extend(elsewhere.map(|row| format!("published outside the host's namespace: {row}")));
    wrong
}

/// The rows of this namespace that take what is sent to a port.
fn rows(listing: &Value) -> impl Iterator<Item = &Value> {
    let sockets = listing["sockets"].as_array().unwrap().iter();
    sockets.filter(|row| {
        let state = row["state"].as_str().unwrap_or_default();
        row["namespace"].is_null() && ["LISTEN", "UNCONN", "DNAT"].contains(&state)
    })
}

fn faults(listing: &Value, one: &Published) -> Vec<String> {
    let of_port: Vec<_> = rows(listing)
        .filter(|row| row["local"]["port"] == one.port && row["protocol"] == one.protocol)
        .collect();
    let (rules, sockets) = of_port
        .iter()
        .partition::<Vec<&&Value>, _>(|row| row["state"] == "DNAT");
    let mut wrong = Vec::new();
    let expected = if one.is_rule_alone { (1, 0) } else { (0, 1) };
    if rules.len() != expected.0 || sockets.len() < expected.1 {
        wrong.push(format!(
            "port {}: {} rows of rules, {} of sockets",
            one.port,
            rules.len(),
            sockets.len()
        ));
    }
    for row in of_port {
        wrong.extend(faults_of_row(row, one));
    }
    wrong
}

fn faults_of_row(row: &Value, one: &Published) -> Option<String> {
    let published = &row["published"];
    let by = published["by"].as_str().unwrap_or_default();
    let is_right = ["proxy", "rule"].contains(&by)
        && (!one.is_rule_alone || by == "rule" && row["owner"] == "none")
        && published["port"] == one.to
        && is_container(&published["container"], Some(&one.container))
        && one
            .address
            .as_ref()
            .is_none_or(|address| published["address"] == **address);
    (!is_right).then(|| format!("port {} is not published so: {row}", one.port))
}

/// The comparison by itself.
#[test]
fn each_fault_of_a_published_port_is_found() {
    let container = Container {
        engine: "docker",
        id: "0123456789abcdef".into(),
        names: vec!["web".into()],
    };
    let port = |port, is_rule_alone| Published {
        protocol: "tcp",
        port,
        container: container.clone(),
        to: 80,
        address: Some("172.17.0.2".into()),
        is_rule_alone,
    };
    let all = [port(8080, false), port(8081, true)];
    let row = |port: u16, state: &str, by: &str, process: Value| {
        let container =
            json!({"engine": "docker", "id": "0123456789ab", "name": "web", "image": "site"});
        let published = json!({
            "by": by, "container": container, "address": "172.17.0.2", "port": 80, "process": process,
        });
        json!({
            "protocol": "tcp", "local": {"address": "0.0.0.0", "port": port}, "state": state,
            "namespace": null, "published": published,
            "owner": if process.is_null() { "none" } else { "known" },
        })
    };
    let proxy = row(
        8080,
        "LISTEN",
        "proxy",
        json!({"pid": 7, "name": "docker-proxy"}),
    );
    let rule = row(8081, "DNAT", "rule", Value::Null);
    let of = |rows: &[&Value]| differences(&json!({ "sockets": rows }), &all).len();
    assert_eq!(of(&[&proxy, &rule]), 0);
    assert_eq!(of(&[&proxy, &proxy, &rule]), 0, "one for each family");
    assert_eq!(of(&[&proxy]), 1);
    assert_eq!(of(&[&rule]), 1);
    assert_eq!(of(&[&proxy, &rule, &rule]), 1);
    assert_eq!(
        of(&[&proxy, &rule, &row(8080, "DNAT", "rule", Value::Null)]),
        1
    );
    assert_eq!(
        of(&[&proxy, &rule, &row(8082, "LISTEN", "proxy", Value::Null)]),
        1
    );
    for (pointer, wrong) in [
        ("/published/container/name", json!("db")),
        ("/published/container/id", json!("")),
        ("/published/port", json!(81)),
        ("/published/address", Value::Null),
        ("/published", Value::Null),
    ] {
        let mut other = proxy.clone();
        *other.pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(of(&[&other, &rule]), 1, "{pointer}");
    }
    let mut elsewhere = proxy.clone();
    elsewhere["namespace"] = json!({"inode": 1, "name": "web", "container": null});
    assert_eq!(of(&[&proxy, &rule, &elsewhere]), 1);
}
