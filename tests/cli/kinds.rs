//! `--kind`: the sockets beside TCP and UDP, as scripts get them.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use serde_json::Value;

use crate::cli::background::Running;
use crate::cli::scene::{Sockets, TempFile, sockeye, stage};
use crate::segment::decompressed;

fn abstract_listener(name: &[u8]) -> UnixListener {
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap()
}

fn listed(args: &[&str]) -> Value {
    sockeye(&[&["list", "--json"], args].concat()).json()
}

fn protocols(listing: &Value) -> Vec<&str> {
    let sockets = listing["sockets"].as_array().unwrap().iter();
    let mut protocols: Vec<_> = sockets
        .map(|one| one["protocol"].as_str().unwrap())
        .collect();
    protocols.dedup();
    protocols
}

#[test]
fn a_list_of_kinds_shows_these_and_none_shows_tcp_and_udp() {
    stage(|| {
        let _sockets = Sockets::open();
        let _unix = abstract_listener(b"kinds");
        for (args, expected) in [
            (&["-a"][..], &["udp", "tcp"][..]),
            (&["--kind", "unix"], &["unix"]),
            (&["--kind", "unix,udp"], &["udp", "unix"]),
            (&["--kind", "UNIX", "--kind", "tcp"], &["tcp", "unix"]),
            (&["-t", "--kind", "unix"], &["tcp", "unix"]),
            (&["-u"], &["udp"]),
            (&["proto:unix"], &["unix"]),
            (&["proto:unix | :8080"], &["tcp", "unix"]),
            (&["-a", "!proto:unix"], &["udp", "tcp"]),
            (&["--kind", "udp", "proto:unix"], &[]),
        ] {
            assert_eq!(protocols(&listed(args)), expected, "{args:?}");
        }
        let wrong = sockeye(&["list", "--kind", "dccp"]);
        assert_eq!(wrong.code, 2);
        let kinds = "[possible values: tcp, udp, udplite, sctp, raw, packet, unix, all]";
        assert!(wrong.err.contains(kinds), "{wrong:?}");
    });
}

#[test]
fn a_unix_socket_has_its_name_in_json_and_csv_and_no_address() {
    stage(|| {
        let file = TempFile::new("app.sock");
        let _path = UnixListener::bind(file.path()).unwrap();
        let _name = abstract_listener(b"a\0\x1b[2J");
        let listing = listed(&["--kind", "unix"]);
        let sockets = listing["sockets"].as_array().unwrap();
        let of = |key: &str| sockets.iter().find(|one| !one[key].is_null()).unwrap();
        let path = of("path");
        assert_eq!(path["path"], file.path());
        assert_eq!(path["family"], "unix");
        assert_eq!(path["local"], Value::Null);
        assert_eq!(
            (&path["type"], &path["state"]),
            (&"stream".into(), &"LISTEN".into())
        );
        assert_eq!(path["pids"], serde_json::json!([std::process::id()]));
        assert_eq!(of("abstract")["abstract"], "a\\x00\\x1b[2J");

        let said = sockeye(&["list", "--csv", "--kind", "unix"]);
        let mut table = csv::Reader::from_reader(said.out.as_bytes());
        let names = table.headers().unwrap().clone();
        let at = |name: &str| names.iter().position(|one| one == name).unwrap();
        let rows: Vec<_> = table.records().map(Result::unwrap).collect();
        assert!(rows.iter().any(|row| row[at("path")] == *file.path()));
        assert!(rows.iter().all(|row| row[at("local_port")].is_empty()));
    });
}

#[test]
fn a_raw_socket_has_an_address_and_no_port() {
    stage(|| {
        let icmp = Some(socket2::Protocol::ICMPV4);
        let _raw = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::RAW, icmp).unwrap();
        let listing = listed(&["--kind", "raw"]);
        let raw = &listing["sockets"][0];
        let local = serde_json::json!({"address": "0.0.0.0", "port": null});
        assert_eq!((&raw["local"], &raw["ip_protocol"]), (&local, &1.into()));
    });
}

/// A kernel that lists SCTP says nothing of the kind, and has none to list.
#[test]
fn a_kind_that_cannot_be_listed_is_not_an_empty_answer() {
    stage(|| {
        let protocols = std::fs::read_to_string("/proc/net/protocols").unwrap();
        let is_there = protocols.lines().any(|line| line.starts_with("SCTP "));
        let (code, problem) = if is_there {
            (1, None)
        } else {
            (2, Some("not_listed"))
        };
        let said = sockeye(&["list", "--kind", "sctp"]);
        assert_eq!(said.code, code, "{said:?}");
        assert_eq!(
            said.err.contains("SCTP sockets can't be listed"),
            !is_there,
            "{said:?}"
        );
        let listing = listed(&["--kind", "sctp"]);
        assert_eq!(listing["problems"][0]["code"].as_str(), problem);
        let without = listed(&["-a"]);
        assert_eq!(without["problems"], Value::Array(Vec::new()));
    });
}

#[test]
fn changes_of_unix_sockets_are_printed_as_they_happen() {
    stage(|| {
        let _before = abstract_listener(b"before");
        let watching = Running::sockeye(&["watch", "--interval=50ms", "--json", "--kind", "unix"]);
        assert_eq!(watching.json()["kind"], "start");
        let present = watching.json();
        assert_eq!(present["socket"]["abstract"], "before");
        let opened = abstract_listener(b"opened");
        let line = watching.json();
        assert_eq!(
            (&line["kind"], &line["socket"]["abstract"]),
            (&"opened".into(), &"opened".into())
        );
        drop(opened);
        let line = watching.json();
        assert_eq!(
            (&line["kind"], &line["socket"]["abstract"]),
            (&"closed".into(), &"opened".into())
        );
    });
}

#[test]
fn a_recording_has_the_kinds_that_were_read_and_redacted_it_has_no_name() {
    stage(|| {
        let _unix = abstract_listener(b"secret-name");
        for (redact, name) in [(&[][..], "secret-name"), (&["--redact"], "name1")] {
            let file = TempFile::new("kinds.seg");
            let record = ["list", "--kind", "unix", "--record", file.path()];
            let said = sockeye(&[&record[..], redact].concat());
            assert_eq!(said.code, 0, "{said:?}");
            let replay = ["--kind", "unix", "--replay", file.path()];
            let listing = listed(&replay);
            assert_eq!(listing["sockets"][0]["abstract"], name);
            let text = decompressed(&std::fs::read(file.path()).unwrap());
            assert_eq!(text.contains("secret-name"), redact.is_empty());
            assert_eq!(listed(&replay[2..])["sockets"], Value::Array(Vec::new()));
        }
    });
}
