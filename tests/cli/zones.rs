//! Link-local addresses with their interface, wherever an address is taken.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener};
use std::process::Command;

use serde_json::Value;

use crate::cli::scene::{Said, sockeye, stage};

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x77);

fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status().unwrap();
    assert!(status.success(), "ip {words}");
}

/// The number of an interface, as `ip` says it.
fn number(name: &str) -> u32 {
    let output = Command::new("ip")
        .args(["-o", "link", "show", name])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(':').next().unwrap().trim().parse().unwrap()
}

/// Two interfaces that both have `fe80::77`.
fn interfaces() {
    ip("link add near0 type veth peer name near1");
    for name in ["near0", "near1"] {
        ip(&format!("link set {name} up addrgenmode none"));
        ip(&format!("-6 addr add fe80::77/64 dev {name} nodad"));
    }
}

/// Listens on `[fe80::77]:8080` of an interface.
fn listen(name: &str) -> TcpListener {
    let address = SocketAddrV6::new(LINK_LOCAL, 8080, 0, number(name));
    TcpListener::bind(SocketAddr::from(address)).unwrap()
}

fn said(args: &[&str]) -> Said {
    let said = sockeye(args);
    assert_eq!(said.err, "", "{said:?}");
    said
}

#[test]
fn a_port_of_an_address_with_its_interface_is_tested_there() {
    stage(|| {
        interfaces();
        let free = said(&["check", "[fe80::77%near0]:8080"]);
        assert_eq!(free.code, 0, "{free:?}");
        assert!(
            free.out.starts_with("[fe80::77%near0]:8080: free\n"),
            "{free:?}"
        );
        let _listener = listen("near0");
        let taken = said(&["check", "[fe80::77%near0]:8080"]);
        assert_eq!(taken.code, 1, "{taken:?}");
        assert!(taken.out.contains("[fe80::77%near0]:8080"), "{taken:?}");
        // The same address of the other one, and by numbers.
        assert_eq!(said(&["check", "[fe80::77%near1]:8080"]).code, 0);
        let by_number = |name| format!("[fe80::77%{}]:8080", number(name));
        let json = said(&["check", "--json", &by_number("near0")]);
        assert_eq!(json.code, 1);
        let json: Value = serde_json::from_str(&json.out).unwrap();
        let target = &json["targets"][0];
        assert_eq!(target["target"], "[fe80::77%near0]:8080");
        assert_eq!(target["address"], "fe80::77%near0");
        assert_eq!(target["cause"], "listener");
        assert_eq!(said(&["check", &by_number("near1")]).code, 0);
        // The answer without the interface names the one to use.
        let without = said(&["check", "[fe80::77]:8080"]);
        assert!(
            without
                .out
                .contains("can only be bound together with its interface")
        );
    });
}

#[test]
fn an_interface_that_is_not_there_is_one_line() {
    stage(|| {
        for zone in ["eth9", "4242"] {
            let target = format!("[fe80::1%{zone}]:80");
            for args in [
                &["check", &target][..],
                &["wait", &target],
                &["wait", &target, "--for", "free"],
                &["free", &target],
            ] {
                let said = sockeye(args);
                let line = format!("sockeye: {target}: no interface {zone} here\n");
                assert_eq!((said.code, &*said.out, said.err), (2, "", line), "{args:?}");
            }
        }
        let said = sockeye(&["check", "-4", "[fe80::1%lo]:80"]);
        assert!(
            said.err
                .contains("is an IPv6 address, but -4 allows only IPv4"),
            "{said:?}"
        );
    });
}

#[test]
fn wait_free_and_filters_take_the_interface() {
    stage(|| {
        interfaces();
        let _listener = listen("near0");
        let wait = |interface: &str| {
            let target = format!("[fe80::77%{interface}]:8080");
            sockeye(&["wait", &target, "--timeout", "0"]).code
        };
        assert_eq!((wait("near0"), wait("near1")), (0, 1));
        // The address on the other interface is none of its.
        let _every = TcpListener::bind("[::]:8081").unwrap();
        assert_eq!(
            sockeye(&["wait", "[fe80::77%near1]:8081", "--timeout", "0"]).code,
            0
        );
        let free = |interface: &str| {
            let range = format!("[fe80::77%{interface}]:8080-8090");
            said(&["free", "-t", &range]).out
        };
        assert_eq!((&*free("near0"), &*free("near1")), ("8082\n", "8080\n"));
        let list = |filter: &str| sockeye(&["list", filter]).code;
        assert_eq!(list("addr:[fe80::77%near0]:8080"), 0);
        assert_eq!(list("addr:fe80::77%near0"), 0);
        assert_eq!(list("addr:[fe80::77%near1]:8080"), 1);
        assert_eq!(list("addr:[fe80::77%2]:8080"), 2);
    });
}
