//! Which texts are targets, the errors of the others, and that a target prints back.

use super::*;

fn parse(text: &str) -> Result<Target, String> {
    text.parse().map_err(|error: TargetError| error.to_string())
}

fn one(address: &str) -> Address {
    Address::One(address.parse().unwrap())
}

fn zoned(address: &str, zone: &str) -> Address {
    Address::Zoned(address.parse().unwrap(), Zone::new(zone).unwrap())
}

#[test]
fn a_target_is_ports_with_an_optional_address_and_protocol() {
    use Address::{Every, Loopback};
    use Protocol::{Tcp, Udp};
    let cases = [
        ("8080", Tcp, Every, 8080..=8080),
        ("8080/udp", Udp, Every, 8080..=8080),
        ("8080/TCP", Tcp, Every, 8080..=8080),
        ("*:8080", Tcp, Every, 8080..=8080),
        ("127.0.0.1:8080", Tcp, one("127.0.0.1"), 8080..=8080),
        ("0.0.0.0:8080", Tcp, one("0.0.0.0"), 8080..=8080),
        ("[::1]:8080", Tcp, one("::1"), 8080..=8080),
        ("[::]:53/udp", Udp, one("::"), 53..=53),
        ("localhost:8080", Tcp, Loopback, 8080..=8080),
        ("LocalHost:80", Tcp, Loopback, 80..=80),
        ("3000-3010", Tcp, Every, 3000..=3010),
        ("localhost:3000-3010/udp", Udp, Loopback, 3000..=3010),
        ("1-65535", Tcp, Every, 1..=65535),
        ("https", Tcp, Every, 443..=443),
        ("HTTPS/udp", Udp, Every, 443..=443),
        ("http-alt", Tcp, Every, 8080..=8080),
        ("[::1]:https", Tcp, one("::1"), 443..=443),
        ("[fe80::1%eth0]:80", Tcp, zoned("fe80::1", "eth0"), 80..=80),
        (
            "[ff02::fb%2]:5353/udp",
            Udp,
            zoned("ff02::fb", "2"),
            5353..=5353,
        ),
    ];
    for (text, protocol, address, ports) in cases {
        let target = Target {
            protocol,
            address,
            ports,
        };
        assert_eq!(parse(text), Ok(target), "{text}");
    }
}

#[test]
fn an_error_has_the_wrong_word_and_what_is_accepted() {
    let cases = [
        ("99999", "99999: not a port (0–65535)"),
        ("8080x", "8080x: not a port (0–65535)"),
        ("3000-99999", "99999: not a port (0–65535)"),
        ("3000-", "3000-: a range has two ends (3000-3010)"),
        ("3000-+1", "+1: not a port (0–65535)"),
        (
            "0",
            "0: port 0 can't be tested; use 1–65535 (`sockeye free` picks one)",
        ),
        (
            "3010-3000",
            "3010-3000: the range is reversed; did you mean 3000-3010?",
        ),
        (
            "/run/app.sock",
            "/run/app.sock: a unix socket, which only `sockeye check` takes",
        ),
        ("80/sctp", "sctp: unknown protocol; use tcp or udp"),
        (
            "",
            ": not a port (8080), a range (3000-3010) or a service (https)",
        ),
        (
            "nosuch",
            "nosuch: not a port (8080), a range (3000-3010) or a service (https)",
        ),
        ("tftp", "tftp: no tcp service, but one of udp (tftp/udp)"),
        (
            "example.org:80",
            "example.org: names aren't looked up; use an address (127.0.0.1, [::1], localhost or *)",
        ),
        (
            "::1:8080:",
            "::1:8080: an IPv6 address is written in brackets ([::1]:8080)",
        ),
        ("::1", "::1: a port is missing ([::1]:8080)"),
        ("127.0.0.1", "127.0.0.1: a port is missing (127.0.0.1:8080)"),
        ("localhost", "localhost: a port is missing (localhost:8080)"),
        (
            "[::1]",
            "[::1]: a port must follow the address ([::1]:8080)",
        ),
        ("[::g]:80", "::g: not an IPv6 address (::1, 2001:db8::1)"),
        (
            "[::1%lo]:80",
            "::1%lo: only a link-local address has an interface (fe80::1%eth0)",
        ),
        (
            "[fe80::1%]:80",
            "fe80::1%: not an IPv6 address with an interface (fe80::1%eth0)",
        ),
        (
            "[fe80::1%sixteen-letters-]:80",
            "fe80::1%sixteen-letters-: not an IPv6 address with an interface (fe80::1%eth0)",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(parse(text), Err(message.to_owned()), "{text:?}");
    }
}

#[test]
fn a_hostile_word_is_shown_harmlessly() {
    let message = parse("\x1b[2J").unwrap_err();
    assert!(!message.contains('\x1b'), "{message:?}");
}

#[test]
fn a_target_prints_back_to_itself() {
    let addresses = [
        "",
        "*:",
        "localhost:",
        "0.0.0.0:",
        "10.0.0.7:",
        "[::]:",
        "[fe80::1]:",
        "[fe80::1%eth0]:",
        "[fe80::1%7]:",
    ];
    for address in addresses {
        for ports in ["1", "8080", "3000-3010", "65535", "ssh"] {
            for protocol in ["", "/tcp", "/udp"] {
                let text = format!("{address}{ports}{protocol}");
                let Ok(target) = parse(&text) else {
                    continue;
                };
                assert_eq!(parse(&target.to_string()), Ok(target), "{text}");
            }
        }
    }
}

#[test]
fn no_text_of_four_pieces_makes_the_parser_panic() {
    const PIECES: [&str; 14] = [
        "", "[", "]", "]:", ":", "::", "/", "-", "%", "*", "80", "99999", "udp", "ü",
    ];
    for index in 0..PIECES.len().pow(4) {
        let text: String = (0..4)
            .map(|place| PIECES[index / PIECES.len().pow(place) % PIECES.len()])
            .collect();
        if let Ok(target) = parse(&text) {
            assert_eq!(parse(&target.to_string()), Ok(target), "{text}");
        }
    }
}

#[test]
fn paths_and_abstract_names_are_not_ports() {
    let path = |path: &str| Some(UnixAddress::Path(path.to_owned()));
    let name = |name: &str| Some(UnixAddress::Abstract(name.to_owned()));
    for (text, expected) in [
        ("/run/app.sock", path("/run/app.sock")),
        ("./app.sock", path("./app.sock")),
        ("../app.sock", path("../app.sock")),
        ("unix:app.sock", path("app.sock")),
        ("unix:/run/app.sock", path("/run/app.sock")),
        ("@app", name("app")),
        ("unix:@app", name("app")),
        ("@/tmp/.X11-unix/X0", name("/tmp/.X11-unix/X0")),
        ("53/udp", None),
        ("8080", None),
        ("localhost:80", None),
        ("@", None),
        ("unix:", None),
        ("", None),
    ] {
        assert_eq!(unix_name(text), expected, "{text:?}");
    }
}
