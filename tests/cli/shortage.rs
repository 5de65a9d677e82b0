//! Ephemeral ports that have run out, as each command reports it, live and from a recording.

use std::net::{TcpListener, TcpStream};
use std::process::Command;

use serde_json::{Value, json};

use crate::cli::holder::recording;
use crate::cli::scene::{Said, TempFile, sockeye, stage};
use crate::segment::decompressed;

/// No pseudonym reads so.
const SERVER: &str = "10.77.66.55";

const PORTS: usize = 20;

/// A server, and as many connections to it as there are ports for.
fn use_all_ports() -> (TcpListener, Vec<TcpStream>) {
    std::fs::write(
        "/proc/sys/net/ipv4/ip_local_port_range",
        format!("40000 {}", 40_000 + PORTS - 1),
    )
    .unwrap();
    let add = ["address", "add", SERVER, "dev", "lo"];
    assert!(Command::new("ip").args(add).status().unwrap().success());
    let server = TcpListener::bind((SERVER, 5432)).unwrap();
    let connect = |_| TcpStream::connect(server.local_addr().unwrap()).unwrap();
    let clients = (0..PORTS).map(connect).collect();
    assert!(TcpStream::connect((SERVER, 5432)).is_err());
    (server, clients)
}

fn whole(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{said:?}");
    said.json()
}

/// The report of a shortage of the ports to this address.
fn told(address: &str) -> String {
    format!(
        "no ephemeral port to {address}:5432 is left of {PORTS}, connect() fails with EADDRNOTAVAIL; {PORTS} by \
         connections: close idle connections, or widen net.ipv4.ip_local_port_range"
    )
}

#[test]
fn a_shortage_is_a_problem_in_json_and_a_line_beside_a_table() {
    stage(|| {
        let open = use_all_ports();
        let listed = sockeye(&["list", "--json", ":5432"]);
        assert_eq!(listed.err, "");
        let problems = &whole(&listed)["problems"];
        assert_eq!(problems.as_array().unwrap().len(), 1, "{problems}");
        assert_eq!(problems[0]["code"], "ephemeral_ports");
        assert_eq!(problems[0]["count"], PORTS);
        assert_eq!(problems[0]["message"], told(SERVER));

        let listed = sockeye(&["list"]);
        assert_eq!(
            (listed.code, listed.err),
            (0, format!("sockeye: {}\n", told(SERVER)))
        );

        drop(open);
        let _other = TcpListener::bind((SERVER, 80)).unwrap();
        let listed = whole(&sockeye(&["list", "--json", "-a"]));
        assert_eq!(listed["problems"], Value::Array(Vec::new()));
    });
}

#[test]
fn watch_reports_a_shortage_once_however_long_it_lasts() {
    stage(|| {
        let _open = use_all_ports();
        let watched = sockeye(&["watch", "--interval=50ms", "--for=500ms", "--stats"]);
        assert_eq!(watched.code, 0);
        let readings = watched.err.matches(" rows: ").count();
        assert!(readings > 1, "{}", watched.err);
        assert_eq!(watched.err.matches(&told(SERVER)).count(), 1);
    });
}

#[test]
fn a_redacted_recording_has_the_shortage_and_not_the_server() {
    stage(|| {
        let _open = use_all_ports();
        let file = TempFile::new("shortage.seg");
        let args = ["list", "-a", "--record", file.path(), "--redact"];
        assert_eq!(sockeye(&args).code, 0);
        let recorded = decompressed(&std::fs::read(file.path()).unwrap());
        assert!(!recorded.contains(SERVER), "{recorded}");

        let listed = whole(&sockeye(&["list", "-a", "--json", "--replay", file.path()]));
        let sockets = listed["sockets"].as_array().unwrap();
        let server = sockets.iter().find(|one| one["state"] == "LISTEN").unwrap();
        let pseudonym = server["local"]["address"].as_str().unwrap();
        assert_ne!(pseudonym, SERVER);
        assert_eq!(listed["problems"][0]["message"], told(pseudonym));
    });
}

#[test]
fn a_recording_of_the_first_versions_without_the_range_has_no_shortage() {
    stage(|| {
        let _open = use_all_ports();
        let shortage = |file: &TempFile| {
            let listed = whole(&sockeye(&["list", "-a", "--json", "--replay", file.path()]));
            (
                listed["sockets"].as_array().unwrap().len(),
                listed["problems"].as_array().unwrap().len(),
            )
        };
        let range = json!({"start": 40_000, "end": 40_000 + PORTS - 1});
        let range = json!({"range": range, "reserved": [], "reuse": "loopback"});
        let newer = shortage(&recording(|line| line["ephemeral"] = range));
        let older = shortage(&recording(|_| {}));
        assert_eq!(newer, (2 * PORTS + 1, 1));
        assert_eq!(older, (2 * PORTS + 1, 0));
    });
}
